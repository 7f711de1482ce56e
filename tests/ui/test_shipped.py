"""The models that come with cfinspect: in the demo, in the inspection's dialog, in the about box;
and model files that are opened from outside.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from driver import answer, click, live, open_folder, project_of, trigger, wait_for
from PySide6.QtWidgets import QLabel

from cfinspect.engine.synth import write_folder
from cfinspect.project.project import Project
from cfinspect.resources import resource_path, shipped_models
from cfinspect.ui.dialogs.help import AboutDialog
from cfinspect.ui.dialogs.inspect import InspectDialog
from cfinspect.ui.shell.main_window import MainWindow

pytest_plugins = ["stage"]


def models_of(window: MainWindow) -> list[str]:
    """Names of the models that the project knows; none before it is there."""
    facts = window.session.facts
    return [model.name for model in facts.models] if facts is not None else []


@pytest.fixture
def short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = json.loads(resource_path("demo.json").read_text(encoding="utf-8"))
    recipe["new"].update(count=10, size=64)
    file = tmp_path / "demo.json"
    file.write_text(json.dumps(recipe))
    monkeypatch.setattr(
        "cfinspect.resources.resource_path",
        lambda name: file if name == "demo.json" else resource_path(name),
    )


@pytest.mark.usefixtures("short")
def test_the_demo_is_inspected_without_training(window: MainWindow, tmp_path: Path) -> None:
    for _ in range(2):  # the second time it is there
        window.controllers.projects.demo(tmp_path / "demo")
        wait_for(lambda: window.session.project is not None)
        wait_for(lambda: window.session.jobs.running is None)
        with project_of(window) as project:
            names = {model.id: model.name for model in project.models()}
            used = {one.domain: names[one.model_id or 0] for one in project.folders()}
        assert used == {"crack": "crack.safetensors", "apple": "apple.safetensors"}
        wait_for(lambda: window.session.facts is not None)
        facts = window.session.facts
        assert facts is not None
        assert sum(one.images for one in facts.counts) == 20
        window.controllers.projects.close()
    assert not list((tmp_path / "demo").rglob("run"))


def test_a_project_of_cracks_is_offered_the_crack_model(window: MainWindow, tmp_path: Path) -> None:
    photos = write_folder(tmp_path / "Fotos", "crack", count=6, size=64, seed=8)
    Project.create(photos, domain="crack").close()
    open_folder(window, photos)

    def look(dialog: InspectDialog) -> None:
        combo = dialog.models["crack"]
        assert combo.currentData() == shipped_models()["crack"]
        offered = [combo.itemText(index) for index in range(combo.count())]
        assert any(text.startswith("apple.safetensors") for text in offered)
        dialog.ok.click()

    met = answer(InspectDialog, look)
    trigger(window, "inspect")
    wait_for(lambda: bool(met))
    wait_for(lambda: models_of(window) == ["crack.safetensors"])
    wait_for(lambda: window.session.jobs.running is None)
    live(0.3)
    # It counts now, so it is offered once: as what counts.
    again = answer(InspectDialog, lambda dialog: dialog.reject())
    trigger(window, "inspect")
    wait_for(lambda: bool(again))
    combo = again[0].models["crack"]
    names = [combo.itemText(index) for index in range(combo.count())]
    assert len([name for name in names if name.startswith("crack")]) == 1


def test_a_folder_of_unknown_images_can_be_given_a_shipped_model(
    window: MainWindow, walls: Path
) -> None:
    open_folder(window, walls)  # its kind is its name, and no model is for that

    def choose(dialog: InspectDialog) -> None:
        combo = dialog.models["walls"]
        assert combo.currentData() is None
        assert not dialog.ok.isEnabled()
        assert dialog.focusWidget() is combo  # arrow keys choose
        names = [combo.itemText(index) for index in range(combo.count())]
        combo.setCurrentIndex(names.index("crack.safetensors (comes with cfinspect)"))
        assert dialog.ok.isEnabled()
        dialog.ok.click()

    met = answer(InspectDialog, choose)
    trigger(window, "inspect")
    wait_for(lambda: bool(met))
    wait_for(lambda: models_of(window) == ["crack.safetensors"])


def test_the_about_box_names_version_and_licences(window: MainWindow) -> None:
    texts: list[str] = []

    def read(dialog: AboutDialog) -> None:
        texts.extend(label.text() for label in dialog.findChildren(QLabel))
        click(dialog, "Close")

    met = answer(AboutDialog, read)
    trigger(window, "about")
    wait_for(lambda: bool(met))
    whole = "\n".join(texts)
    assert "Özgenel" in whole
    assert "CC BY 4.0" in whole
    assert "apple.safetensors" in whole


def test_a_model_that_was_opened_is_taken_into_the_next_project(
    window: MainWindow, walls: Path, model: Path
) -> None:
    window.controllers.models.take_file(model)
    assert model.name in window.messages.label.text()
    open_folder(window, walls)

    def bound() -> bool:
        facts = window.session.facts
        return facts is not None and [one.path for one in facts.models] == [model]

    wait_for(bound)
    window.controllers.models.take_file(shipped_models()["crack"])  # with a project open: at once
    wait_for(lambda: len(models_of(window)) == 2)
