"""What goes wrong: bad files, a missing model, read-only folders, changed images."""

from __future__ import annotations

from pathlib import Path

import pytest
from driver import (
    answer,
    click,
    inspect,
    live,
    open_folder,
    picture_shown,
    press,
    project_of,
    settled,
    trigger,
    wait_for,
)
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from cfinspect.engine.synth import write_folder
from cfinspect.engine.training.config import TrainConfig
from cfinspect.engine.training.trainer import train
from cfinspect.project import looking, paths
from cfinspect.project.project import Project
from cfinspect.project.verdicts import Verdict, decide, human_of
from cfinspect.ui.dialogs.common import ErrorDialog, Question
from cfinspect.ui.jobs.job import JobState
from cfinspect.ui.shell.main_window import MainWindow

pytest_plugins = ["stage"]


def closes(window: MainWindow) -> list[ErrorDialog]:
    """The next error dialog is read and closed."""
    window.expected_failure = True  # type: ignore[attr-defined]
    return answer(ErrorDialog, lambda dialog: dialog.accept())


def test_a_damaged_image_is_told_and_the_others_are_inspected(
    window: MainWindow, walls: Path, model: Path
) -> None:
    bad = next((walls / "damaged").iterdir())
    bad.write_bytes(bad.read_bytes()[:200])
    open_folder(window, walls)
    ticket = inspect(window, model)
    assert ticket.state is JobState.DONE
    assert "unreadable: 1" in window.messages.label.text()
    with project_of(window) as project:
        row = project.database.row("SELECT image_id FROM unreadable")
    assert row is not None
    window.controllers.review.open_image(row["image_id"])
    wait_for(lambda: window.canvas.picture is not None)
    assert window.canvas.picture is not None
    assert bad.name in window.canvas.picture.error
    press(window, Qt.Key.Key_Right)
    picture_shown(window)
    assert not window.canvas.picture.error


def test_images_unlike_the_trainings_are_told_until_something_else_is(
    window: MainWindow, drawn: Path, walls: Path, tmp_path: Path
) -> None:
    settings = TrainConfig.from_preset(
        "balanced",
        data=(str(drawn),),
        out=str(tmp_path / "run"),
        discriminator="projected",
        size=32,
        width=8,
        batch=8,
        steps=1,
        warmup=0,
        validation=0.3,
        device="cpu",
    )
    list(train(settings))
    model = tmp_path / "run" / "model.safetensors"
    usual = window.messages._timer.interval()
    window.messages._timer.setInterval(100)
    open_folder(window, write_folder(tmp_path / "apples", "apple", count=6, size=48, seed=1))
    inspect(window, model)
    label = window.messages.label
    said = "6 of 6 images are unlike those that the model learned from: check its answers"
    assert label.text().startswith(said)
    assert "Inspected: 6." in label.text()
    live(0.3)  # longer than what is said in passing
    assert label.text().startswith(said)
    window.messages._timer.setInterval(usual)
    open_folder(window, walls)
    inspect(window, model)
    assert "Inspected: 48." in label.text()
    assert "unlike" not in label.text()


def test_a_model_that_is_gone(window: MainWindow, walls: Path, model: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.safetensors"
    own.write_bytes(model.read_bytes())
    open_folder(window, walls)
    inspect(window, own)
    own.unlink()
    met = closes(window)
    ticket = window.controllers.inspections.start(own, [1], window.model.ids[:2])
    assert ticket is not None
    wait_for(lambda: ticket.is_over)
    wait_for(lambda: bool(met))
    assert "is not there any more" in window.messages.last_failure.sentence  # type: ignore[union-attr]


def test_a_file_that_is_no_model(window: MainWindow, walls: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.safetensors"
    wrong.write_text("no")
    open_folder(window, walls)
    met = closes(window)
    window.controllers.folders.take_paths([wrong])
    wait_for(lambda: bool(met))
    assert "not a readable model" in window.messages.last_failure.sentence  # type: ignore[union-attr]


def test_a_read_only_folder_keeps_its_project_elsewhere(
    window: MainWindow, walls: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Asked of the disk itself; a test that runs as root cannot take the permission away.
    monkeypatch.setattr(paths, "can_write", lambda _: False)
    open_folder(window, walls)
    inspect(window, model)
    press(window, Qt.Key.Key_R)
    wait_for(lambda: window.reviewer.reviewing)
    image_id = window.navigator.order[0]
    picture_shown(window)
    press(window, Qt.Key.Key_D)
    settled(window)
    assert not (walls / ".cfinspect").exists()
    with project_of(window) as project:
        assert human_of(project, image_id).verdict is Verdict.DAMAGED


def test_a_project_that_cannot_be_written_is_shown(
    window: MainWindow, walls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_folder(window, walls)
    with project_of(window) as project:
        data = project.paths.data
    window.controllers.projects.close()
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*") if path.is_file()}
    # As above: asked of the disk, which refuses root nothing.
    monkeypatch.setattr(looking, "why_nothing_is_made", lambda _: "the folder is ann's")
    window.controllers.projects.open(walls)
    wait_for(lambda: "You can only look" in window.messages.label.text())
    assert f"{data}: the folder is ann's." in window.messages.label.text()
    wait_for(lambda: len(window.model.ids) > 0)
    window.controllers.projects.rescan()
    window.controllers.review.open_image(window.model.ids[0])
    picture_shown(window)
    met = closes(window)
    press(window, Qt.Key.Key_D)
    wait_for(lambda: bool(met))
    assert "can only be looked at (the folder is ann's)" in window.messages.last_failure.sentence  # type: ignore[union-attr]
    window.controllers.projects.close()
    now = {path: path.stat().st_mtime_ns for path in data.rglob("*") if path.is_file()}
    thumbnails = {path for path in now if "thumbnails" in path.parts}
    assert {path: at for path, at in now.items() if path not in thumbnails} == {
        path: at for path, at in before.items() if path not in thumbnails
    }


def test_an_image_that_was_changed_meanwhile_gets_no_verdict(
    window: MainWindow, walls: Path, model: Path
) -> None:
    open_folder(window, walls)
    inspect(window, model)
    image_id = window.model.ids[0]
    window.controllers.review.open_image(image_id)
    picture_shown(window)
    row = window.navigator.row
    assert row is not None
    row.path.write_bytes(row.path.read_bytes() + b" ")
    met = closes(window)
    press(window, Qt.Key.Key_D)
    settled(window)
    wait_for(lambda: bool(met))
    assert "was changed since the last scan" in window.messages.last_failure.sentence  # type: ignore[union-attr]
    with project_of(window) as project:
        assert human_of(project, image_id).verdict is None


def test_corrections_that_cannot_be_stored_come_back(
    window: MainWindow, walls: Path, model: Path
) -> None:
    from driver import drag

    open_folder(window, walls)
    inspect(window, model)
    image_id = window.model.ids[0]
    window.controllers.review.open_image(image_id)
    picture_shown(window)
    window.inspector.slider.setValue(1000)  # an empty mask to begin with
    press(window, Qt.Key.Key_B)
    middle = window.canvas.rect().center()
    drag(window.canvas, [(middle.x() + 9 * n, middle.y()) for n in range(8)])
    drawn = window.canvas.editor.mask.copy()  # type: ignore[union-attr]
    with Project.create(walls, human=True) as colleague:
        decide(colleague, image_id, who="bob", verdict=Verdict.SKIPPED)
    met = closes(window)
    press(window, Qt.Key.Key_M)
    settled(window)
    wait_for(lambda: bool(met))
    assert "was changed by bob" in window.messages.last_failure.sentence  # type: ignore[union-attr]
    wait_for(lambda: window.navigator.row is not None and window.navigator.row.id == image_id)
    wait_for(lambda: window.edits.has_edits)
    assert (window.canvas.editor.mask == drawn).all()  # type: ignore[union-attr]
    press(window, Qt.Key.Key_M)  # having seen what bob said
    settled(window)
    with project_of(window) as project:
        human = human_of(project, image_id)
    assert human.mask is not None
    assert human.who == "ann"


def test_details_can_be_copied(window: MainWindow) -> None:
    window.expected_failure = True  # type: ignore[attr-defined]

    def look(dialog: ErrorDialog) -> None:
        assert not dialog.details.isVisible()
        click(dialog, "Details")
        assert dialog.details.isVisible()
        click(dialog, "Copy details")
        dialog.accept()

    met = answer(ErrorDialog, look)
    window.controllers.projects.open(Path("/no/such/folder"))
    wait_for(lambda: bool(met))
    assert "/no/such/folder" in QGuiApplication.clipboard().text()


def test_closing_the_project_during_an_inspection_keeps_what_is_done(
    window: MainWindow, walls: Path, model: Path
) -> None:
    open_folder(window, walls)
    ticket = window.controllers.inspections.start(model, [1])
    assert ticket is not None
    wait_for(lambda: ticket.state is JobState.RUNNING)
    met = answer(Question, lambda dialog: dialog.accept())
    trigger(window, "close")
    if ticket.state is JobState.RUNNING or met:  # it may have been quicker
        wait_for(lambda: ticket.is_over)
    live(0.2)
    assert window.session.project is None
    assert window.pages.currentWidget() is window.welcome
    open_folder(window, walls)
    inspect(window, model)
    facts = window.session.facts
    assert facts is not None
    assert sum(one.images for one in facts.counts if one.machine is not None) == 48
