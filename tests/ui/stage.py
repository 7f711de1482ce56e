"""One drawn folder, one really trained tiny model, and the real window for every test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from driver import wait_for

from cfinspect.engine.synth.folder import write_folder
from cfinspect.ui.dialogs.common import ErrorDialog
from cfinspect.ui.shell.main_window import MainWindow
from cfinspect.ui.state.preferences import Preferences
from cfinspect.ui.widgets import theme, translate

SIDE = 48


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """48 drawn walls, half of them cracked."""
    return write_folder(
        tmp_path_factory.mktemp("drawn") / "walls", "crack", count=48, size=SIDE, seed=3
    )


@pytest.fixture(scope="session")
def model(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of a short training: real, small, and not good."""
    from cfinspect.engine.base.events import Finished
    from cfinspect.engine.training.config import TrainConfig
    from cfinspect.engine.training.trainer import train

    config = TrainConfig.from_preset(
        "fast",
        backbone="none",  # the fastest to learn something at 32 px
        data=(str(drawn),),
        out=str(tmp_path_factory.mktemp("runs") / "run"),
        steps=300,
        size=32,
        width=8,
        discriminator_width=12,
        warmup=120,
        batch=8,
        l1=0.3,
        l1_ramp=10,
        lr_generator=3e-3,
        scope="whole",
        augment="flips",
        device="cpu",
    )
    last = list(train(config))[-1]
    assert isinstance(last, Finished)
    assert last.model is not None
    return last.model


@pytest.fixture
def walls(drawn: Path, tmp_path: Path) -> Path:
    """A copy of the drawn walls that a test may change."""
    return Path(shutil.copytree(drawn, tmp_path / "walls"))


@pytest.fixture
def window(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MainWindow]:
    """The real window with preferences of its own; a failure that no test expects fails it."""
    monkeypatch.setenv("CFINSPECT_HOME", str(tmp_path / "home"))
    translate.install("en")
    theme.apply(qapp, "dark")
    made = MainWindow(Preferences(tmp_path / "window.ini"))
    made.build()
    made.preferences.set("who", "ann")
    made.preferences.set("device", "cpu")
    made.resize(1400, 860)
    made.show()
    made.activateWindow()
    assert QTest.qWaitForWindowActive(made)  # or no shortcut reaches it
    watch = QTimer(made)
    watch.timeout.connect(lambda: _close_unexpected(made))
    watch.start(300)
    yield made
    made.session.jobs.cancel_all()
    wait_for(lambda: made.session.jobs.running is None)
    made.close()
    made.deleteLater()
    qapp.processEvents()
    unexpected = made.messages.last_failure
    assert unexpected is None or getattr(made, "expected_failure", False), unexpected


def _close_unexpected(made: MainWindow) -> None:
    """A test that meets an error it does not expect fails; it does not wait for an answer."""
    dialog = QApplication.activeModalWidget()
    if isinstance(dialog, ErrorDialog) and not getattr(made, "expected_failure", False):
        dialog.reject()
