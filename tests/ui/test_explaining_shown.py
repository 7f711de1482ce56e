"""Other explainers on the image on screen: the dialog, the job, the canvas."""

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
    trigger,
    wait_for,
)
from PySide6.QtCore import Qt

from cfinspect.ui.canvas.base import CompareMode
from cfinspect.ui.dialogs.explain import ExplainDialog
from cfinspect.ui.jobs.explaining import Explain, Wish
from cfinspect.ui.shell.main_window import MainWindow

pytest_plugins = ["stage"]


@pytest.fixture(scope="module")
def ddpm(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A diffusion model that has hardly learned anything."""
    from cfinspect.engine.base.events import Finished
    from cfinspect.engine.training.config import TrainConfig
    from cfinspect.engine.training.trainer import train

    config = TrainConfig.from_preset(
        "balanced",
        method="diffusion",
        data=(str(drawn),),
        out=str(tmp_path_factory.mktemp("runs") / "ddpm"),
        steps=4,
        size=32,
        width=8,
        batch=4,
        device="cpu",
    )
    last = list(train(config))[-1]
    assert isinstance(last, Finished) and last.model is not None
    return last.model


def image_open(window: MainWindow, walls: Path, model: Path) -> int:
    """Open the project, inspect it, and open its first image."""
    open_folder(window, walls)
    inspect(window, model)
    first: int = window.model.ids[0]
    window.controllers.review.open_image(first)
    picture_shown(window)
    return first


def explained(window: MainWindow) -> None:
    wait_for(lambda: window.canvas.explanation is not None)
    live(0.1)


def test_rise_is_shown_beside_the_models_own_and_goes_with_the_image(
    window: MainWindow, walls: Path, model: Path
) -> None:
    image_id = image_open(window, walls, model)

    def choose(dialog: ExplainDialog) -> None:
        assert dialog.method.currentData() == "rise"
        assert not dialog.row.isVisible()
        click(dialog, "Explain")

    met = answer(ExplainDialog, choose)
    trigger(window, "explain")
    assert met
    explained(window)
    shown = window.canvas.explanation
    assert shown is not None and shown.image_id == image_id
    assert window.canvas.compare is CompareMode.SIDE
    assert shown.caption == "RISE" and not shown.levels
    picture = window.canvas.picture
    assert picture is not None
    assert shown.saliency[0].shape == (picture.height, picture.width)
    assert "where the model looks" in shown.sentence
    assert window.canvas.grab().toImage().width() > 0
    press(window, Qt.Key.Key_T)
    assert window.canvas.explanation is None
    assert window.canvas.compare.value == "off"


def test_ace_says_how_long_it_takes_before_it_starts(
    window: MainWindow,
    walls: Path,
    model: Path,
    ddpm: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image_open(window, walls, model)
    told: list[str] = []
    heard: list[str] = []
    monkeypatch.setattr(window.messages, "tell", heard.append)

    def choose(dialog: ExplainDialog) -> None:
        dialog.method.setCurrentIndex(dialog.method.findData("ace"))
        assert not dialog.ok.isEnabled()
        dialog.use_diffusion(ddpm)
        wait_for(lambda: "At most about" in dialog.estimate.text())
        told.append(dialog.estimate.text())
        click(dialog, "Explain")

    met = answer(ExplainDialog, choose)
    trigger(window, "explain")
    assert met and told
    wait_for(lambda: any("ACE took" in one for one in heard))
    shown = window.canvas.explanation
    # A diffusion model that knows nothing may find nothing, and then nothing is shown.
    assert (shown is None) == ("No explanation" in heard[-1])
    assert shown is None or (shown.caption == "ACE" and shown.levels)
    # The next time it is offered again.
    dialog = ExplainDialog(None, window.session, met[0].wish())
    assert dialog.wish().diffusion == ddpm
    dialog.reject()
    dialog.deleteLater()


def test_a_model_that_cannot_help_is_told_in_the_dialog(
    window: MainWindow, walls: Path, model: Path
) -> None:
    image_open(window, walls, model)
    told: list[str] = []

    def choose(dialog: ExplainDialog) -> None:
        dialog.method.setCurrentIndex(dialog.method.findData("ace"))
        dialog.use_diffusion(model)
        wait_for(lambda: "is no diffusion model" in dialog.estimate.text())
        told.append(dialog.estimate.text())
        assert not dialog.ok.isEnabled()
        dialog.reject()

    answer(ExplainDialog, choose)
    trigger(window, "explain")
    assert told


def test_an_explanation_of_an_image_that_is_gone_is_not_shown(
    window: MainWindow, walls: Path, model: Path
) -> None:
    image_id = image_open(window, walls, model)
    row = window.navigator.row
    assert row is not None
    ticket = window.controllers.explanations.start(
        Wish(image_id, row.path, model, "occlusion", None, "cpu")
    )
    press(window, Qt.Key.Key_Right)
    wait_for(lambda: ticket.is_over)
    live(0.1)
    assert window.canvas.explanation is None


def test_a_cancel_ends_ace(window: MainWindow, walls: Path, model: Path, ddpm: Path) -> None:
    image_id = image_open(window, walls, model)
    row = window.navigator.row
    assert row is not None
    ticket = window.controllers.explanations.start(
        Wish(image_id, row.path, model, "ace", ddpm, "cpu")
    )
    assert isinstance(ticket.job, Explain)
    wait_for(lambda: ticket.progress.done >= 1 or ticket.is_over)
    window.session.jobs.cancel(ticket)
    wait_for(lambda: ticket.is_over)
    live(0.1)
    assert window.canvas.explanation is None


def test_a_diffusion_model_is_trained_like_any_other_and_inspects_nothing(
    window: MainWindow, walls: Path
) -> None:
    open_folder(window, walls)
    page = window.training
    trigger(window, "train")
    page.form.settings["method"].show_value("diffusion")
    for name, value in {"size": 32, "width": 8, "batch": 4}.items():
        page.form.settings[name].show_value(value)
    page.form.minutes.setValue(0.1)
    page.form.device.setCurrentText("cpu")
    click(page, "Start")
    wait_for(lambda: page.model is not None, 120)
    live(0.1)
    assert page.result.isVisible() and not page.result.use_button.isVisible()
    assert "diffusion model is ready" in page.result.text.text()
    assert page._figures["noise"]
    assert not page.samples.pixmap().isNull()
    assert window.preferences.text("diffusion_model") == str(page.model)
    # No folder can be given to it by mistake.
    assert window.session.facts is not None and not window.session.facts.models
