"""Drives the real window as a person would: keys, clicks, and answers to its dialogs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QPushButton, QWidget

from cfinspect.project.project import Project
from cfinspect.ui.jobs.job import JobHandle
from cfinspect.ui.jobs.job_types import Scan
from cfinspect.ui.shell.main_window import MainWindow

_D = TypeVar("_D", bound=QWidget)
_DOCUMENTED_SECONDS = 60.0


def wait_for(condition: Callable[[], object], seconds: float = _DOCUMENTED_SECONDS) -> None:
    """Let the window live until the condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        QApplication.processEvents()
        time.sleep(0.002)
        assert time.monotonic() < end, f"waited {seconds} s for {condition}"


def live(seconds: float) -> None:
    """Let the window live for a while."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.002)


def press(window: MainWindow, key: Qt.Key, *, ctrl: bool = False) -> None:
    """Press a key where the keys go now."""
    modifier = Qt.KeyboardModifier.ControlModifier if ctrl else Qt.KeyboardModifier.NoModifier
    window.refresher.refresh_now()  # what a person would have waited for
    if not window.isActiveWindow():  # a dialog was open
        window.activateWindow()
        wait_for(window.isActiveWindow)
    QTest.keyClick(QApplication.focusWidget() or window, key, modifier)
    QApplication.processEvents()


def trigger(window: MainWindow, name: str) -> None:
    """Choose a command as from its menu; it must be enabled."""
    window.refresher.refresh_now()
    action = window.actions_[name]
    assert action.isEnabled(), f"{name} is disabled"
    action.trigger()
    QApplication.processEvents()


def drag(widget: QWidget, points: list[tuple[int, int]], *, right: bool = False) -> None:
    """Press, move and release the mouse."""
    button = Qt.MouseButton.RightButton if right else Qt.MouseButton.LeftButton
    QTest.mousePress(widget, button, pos=QPoint(*points[0]))
    for point in points[1:]:
        QTest.mouseMove(widget, QPoint(*point))
        QApplication.processEvents()
    QTest.mouseRelease(widget, button, pos=QPoint(*points[-1]))
    QApplication.processEvents()


def answer(
    kind: type[_D], what: Callable[[_D], None], seconds: float = 20.0, *, title: str = ""
) -> list[_D]:
    """When a dialog of this kind (and title) opens, do ``what`` with it; the list holds it
    afterwards.

    For before the command that opens it, as that waits for the answer.
    """
    met: list[_D] = []
    end = time.monotonic() + seconds
    timer = QTimer(QApplication.instance())

    def look() -> None:
        dialog = QApplication.activeModalWidget()
        if isinstance(dialog, kind) and title in dialog.windowTitle():
            if not dialog.isActiveWindow() and time.monotonic() < end:
                return  # on a busy machine it is shown before the keyboard is its own
            timer.stop()
            met.append(dialog)
            try:
                what(dialog)
            except BaseException:
                dialog.close()  # the test fails instead of waiting for an answer
                raise
        elif time.monotonic() > end:
            timer.stop()
            if isinstance(dialog, QDialog):
                dialog.reject()  # the test fails on what is missing instead of hanging

    timer.timeout.connect(look)
    timer.start(20)
    return met


def click(parent: QWidget, text: str) -> None:
    """Click the button with this text."""
    for button in parent.findChildren(QPushButton):
        if button.text().replace("&", "") == text and button.isVisible():
            assert button.isEnabled(), f"{text} is disabled"
            QTest.mouseClick(button, Qt.MouseButton.LeftButton)
            return
    raise AssertionError(f"no button {text}")


def open_folder(window: MainWindow, folder: Path) -> None:
    """Open a project and wait until its images are listed."""
    scanned: list[bool] = []
    window.controllers.projects.open(folder)
    wait_for(lambda: window.session.project is not None)
    window.session.jobs.ended.connect(lambda ticket: scanned.append(isinstance(ticket.job, Scan)))
    wait_for(lambda: any(scanned))
    wait_for(lambda: window.session.jobs.running is None)
    wait_for(lambda: window.session.facts is not None and window.session.reader.is_idle)
    wait_for(lambda: len(window.model.ids) > 0)


def inspect(window: MainWindow, model: Path) -> JobHandle:
    """Inspect all folders with a model and wait for the end."""
    facts = window.session.facts
    assert facts is not None
    ticket = window.controllers.inspections.start(model, [one.id for one in facts.folders])
    assert ticket is not None
    wait_for(lambda: ticket.is_over)
    wait_for(lambda: window.session.facts is not facts)
    live(0.3)
    return ticket


def settled(window: MainWindow) -> None:
    """Wait until everything that was said is on disk and shown."""
    wait_for(lambda: window.session.unsaved == 0)
    live(0.05)


def picture_shown(window: MainWindow) -> None:
    """Wait until the image is on the canvas, whole."""

    def shown() -> bool:
        picture, row = window.canvas.picture, window.navigator.row
        return (
            row is not None
            and picture is not None
            and picture.row.id == row.id
            and not picture.preview
            and (window.shown_image.is_shown or bool(picture.error))
        )

    wait_for(shown)


def project_of(window: MainWindow) -> Project:
    """A second look at the project, as another program would have it."""
    root = window.session.root
    assert root is not None
    return Project.open_again(root)


def open_first(window: MainWindow, place: int = 0) -> int:
    """Show the image at ``place`` of the gallery; its id."""
    image_id = window.model.ids[place]
    window.controllers.review.open_image(image_id)
    picture_shown(window)
    return image_id
