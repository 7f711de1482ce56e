"""Training in the window: start, pause, cancel, resume, use; settings from TrainConfig."""

from __future__ import annotations

from pathlib import Path

import pytest
from driver import answer, click, live, open_folder, trigger, wait_for
from PySide6.QtWidgets import QApplication, QDoubleSpinBox, QFileDialog, QSpinBox

from cfinspect.engine.base.setting import SettingValue
from cfinspect.engine.training.config import TrainConfig
from cfinspect.ui.dialogs.common import ErrorDialog, Question
from cfinspect.ui.jobs.job import JobState
from cfinspect.ui.shell.main_window import MainWindow

pytest_plugins = ["stage"]

TINY: dict[str, SettingValue] = {
    "discriminator": "compact",
    "size": 32,
    "width": 4,
    "discriminator_width": 4,
    "warmup": 10,
    "batch": 8,
    "validate_every": 5,
    "checkpoint_every": 10,
    "l1_ramp": 5,
    "scope": "whole",
}


def fill_in(window: MainWindow, walls: Path, minutes: float) -> None:
    """The form, with settings for a tiny model."""
    page = window.training
    trigger(window, "train")
    assert page.form.data() == [walls]  # the project's folder has labels
    page.form.more.setChecked(True)
    for name, value in TINY.items():
        page.form.settings[name].show_value(value)
    page.form.minutes.setValue(minutes)
    page.form.device.setCurrentText("cpu")


def test_the_form_has_every_setting_of_trainconfig(window: MainWindow) -> None:
    own = {"data", "out", "preset", "minutes", "steps", "device"}
    assert set(window.training.form.settings) == set(TrainConfig.settings()) - own
    for name, field in window.training.form.settings.items():
        assert field.widget.toolTip(), name


def test_the_numbers_of_the_form_can_be_read(window: MainWindow, walls: Path) -> None:
    open_folder(window, walls)
    trigger(window, "train")
    form = window.training.form
    form.more.setChecked(True)
    live(0.2)
    boxes = [one.widget for one in form.settings.values()]
    numbers = [box for box in boxes if isinstance(box, QSpinBox | QDoubleSpinBox)]
    assert len(numbers) > 10
    for box in [*boxes, form.minutes]:  # nothing sticks out: there is no scrolling sideways
        assert box.mapTo(form.viewport(), box.rect().topRight()).x() < form.viewport().width()
    for number in numbers:
        shown = number.lineEdit().contentsRect().width()
        assert shown > number.fontMetrics().horizontalAdvance(number.text()), number.text()


def test_the_form_shows_what_a_discriminator_brings_along(
    window: MainWindow, walls: Path, tmp_path: Path
) -> None:
    open_folder(window, walls)
    trigger(window, "train")
    form = window.training.form
    before = {name: field.value() for name, field in form.settings.items()}

    def shown() -> dict[str, object]:
        names = ("discriminator", "generator", "width", "warmup", "gate")
        return {name: form.settings[name].value() for name in names}

    assert list(shown().values()) == ["projected", "projected", 32, 120, True]
    form.settings["discriminator"].show_value("compact")
    assert list(shown().values()) == ["compact", "unet", 16, 400, True]
    form.settings["width"].show_value(24)  # and what a person changes then counts
    config = form.config(tmp_path / "run")
    assert (config.discriminator, config.generator, config.width) == ("compact", "unet", 24)
    form.settings["discriminator"].show_value("projected")
    form.settings["generator"].show_value("unet")
    config = form.config(tmp_path / "run")  # what is shown is trained
    assert (config.discriminator, config.generator, config.width) == ("projected", "unet", 32)
    form.settings["generator"].show_value("projected")
    form.settings["backbone"].show_value("none")
    config = form.config(tmp_path / "run")
    assert (config.discriminator, config.generator, config.warmup) == ("compact", "unet", 400)
    form.settings["backbone"].show_value(None)
    form.preset.setCurrentIndex(form.preset.findData("paper"))
    assert list(shown().values()) == ["compact", "unet", 16, 0, False]
    form.settings["discriminator"].show_value("projected")
    assert list(shown().values()) == ["projected", "projected", 32, 120, True]
    config = form.config(tmp_path / "run")
    assert (config.preset, config.discriminator, config.gate) == ("paper", "projected", True)
    form.preset.setCurrentIndex(form.preset.findData("balanced"))
    assert {name: field.value() for name, field in form.settings.items()} == before


def test_start_pause_cancel_resume_and_use(
    window: MainWindow, walls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_folder(window, walls)
    fill_in(window, walls, 0.2)
    page = window.training
    click(page, "Start")
    wait_for(lambda: page._losses.get("d") or any(page._losses.values()))
    ticket = page._ticket
    assert ticket is not None
    click(page, "Pause")
    live(0.5)
    steps = max(len(points) for points in page._losses.values())
    live(0.6)
    assert max(len(points) for points in page._losses.values()) <= steps + 1
    assert page.big.text() == "Paused."
    click(page, "Go on")
    wait_for(lambda: max(len(points) for points in page._losses.values()) > steps + 5)
    assert "left" in page.big.text()
    click(page, "Cancel")
    wait_for(lambda: ticket.is_over)
    assert ticket.state is JobState.CANCELLED
    run = page.last_run
    assert run is not None
    assert (run / "checkpoint.safetensors").is_file()
    assert not (run / "model.safetensors").exists()

    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(run))
    click(page, "Resume a run…")
    assert page.is_running
    wait_for(lambda: page.model is not None, 120)
    assert (run / "model.safetensors").is_file()
    assert not page.samples.pixmap().isNull()
    assert page._figures["f1"]
    assert "new model" in " ".join(
        page.result.grid.itemAt(place).widget().text()  # type: ignore[union-attr]
        for place in range(page.result.grid.count())
    )
    click(page, "Use this model")
    wait_for(lambda: window.session.jobs.running is None)
    wait_for(lambda: any(one.machine is not None for one in window.session.facts.counts))  # type: ignore[union-attr]
    assert window.pages.currentWidget() is window.gallery


def test_bad_input_is_a_sentence(window: MainWindow, tmp_path: Path) -> None:
    window.expected_failure = True  # type: ignore[attr-defined]
    trigger(window, "train")
    page = window.training
    met = answer(ErrorDialog, lambda dialog: dialog.accept())
    page.start()
    wait_for(lambda: bool(met))
    assert "Add a folder first" in window.messages.last_failure.sentence  # type: ignore[union-attr]
    (tmp_path / "empty").mkdir()
    page.form.add_folder(tmp_path / "empty")
    met = answer(ErrorDialog, lambda dialog: dialog.accept())
    page.start()
    wait_for(lambda: bool(met))
    wait_for(lambda: not page.is_running)
    assert "undamaged" in window.messages.last_failure.sentence  # type: ignore[union-attr]
    page.form.more.setChecked(True)
    page.form.settings["size"].show_value(33)
    met = answer(ErrorDialog, lambda dialog: dialog.accept())
    page.start()
    wait_for(lambda: bool(met))
    assert "multiple of 32" in window.messages.last_failure.sentence  # type: ignore[union-attr]


def test_closing_during_a_training_asks_and_keeps_a_checkpoint(
    window: MainWindow, walls: Path
) -> None:
    open_folder(window, walls)
    fill_in(window, walls, 5)
    page = window.training
    click(page, "Start")
    wait_for(lambda: any(len(points) > 12 for points in page._losses.values()))
    met = answer(Question, lambda dialog: dialog.reject())
    assert not window.close()
    wait_for(lambda: bool(met))
    assert window.isVisible()
    assert page.is_running
    met = answer(Question, lambda dialog: dialog.accept())
    assert window.close()
    wait_for(lambda: bool(met))
    QApplication.processEvents()
    run = page.last_run
    assert run is not None
    assert (run / "checkpoint.safetensors").is_file()
