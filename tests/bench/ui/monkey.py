"""A monkey at the window: random keys, clicks, drags and commands, jobs started and cancelled.

    QT_QPA_PLATFORM=offscreen python tests/bench/ui/monkey.py MODEL [--actions 1000] [--seed 0]

Fails on an exception, on a window that does not answer for ten seconds, and when the project is
not whole afterwards (SQLite's integrity check, the audit trail's chain). Error dialogs that say a
sentence are allowed; unexpected exceptions are not.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import traceback
from pathlib import Path
from types import TracebackType

from measured import a_window, listed, live, wait_for
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QMenu, QPushButton, QWidget

from cfinspect.engine.synth.folder import write_folder
from cfinspect.project import audit
from cfinspect.project.project import Project
from cfinspect.ui.actions.table import COMMANDS
from cfinspect.ui.shell.main_window import MainWindow

_KEYS = [
    *(getattr(Qt.Key, f"Key_{letter}") for letter in "ABCDEFHLMNPRSTUWX12345"),
    Qt.Key.Key_Left,
    Qt.Key.Key_Right,
    Qt.Key.Key_Up,
    Qt.Key.Key_Down,
    Qt.Key.Key_Return,
    Qt.Key.Key_Escape,
    Qt.Key.Key_Space,
    Qt.Key.Key_Backspace,
    Qt.Key.Key_BracketLeft,
    Qt.Key.Key_BracketRight,
    Qt.Key.Key_Tab,
]
# What leaves the program or the project, or waits for minutes, is no part of the game.
_SPARED = {"quit", "close", "demo", "train"}


def main() -> int:
    """Play, and print what was done; 1 where something broke."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--actions", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    broken: list[str] = []

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        broken.append("".join(traceback.format_exception(kind, error, trace)))

    sys.excepthook = hook
    QFileDialog.getExistingDirectory = lambda *_: ""  # type: ignore[method-assign]
    QFileDialog.getOpenFileName = lambda *_: ("", "")  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory() as place:
        root = write_folder(Path(place) / "walls", "crack", count=60, size=96, seed=2)
        worst = play(Path(place), root, arguments, broken)
        with Project.open(root) as project:
            project.database.check(thorough=True)
            trail = audit.verify(project)
            broken += trail.problems
        print(
            f"{arguments.actions} actions (seed {arguments.seed}): {len(broken)} exceptions or "
            f"problems, longest wait for an answer {1000 * worst:.0f} ms, "
            f"{trail.entries} entries in a whole audit trail"
        )
    for text in broken[:5]:
        print(text)
    return 1 if broken else 0


def play(place: Path, root: Path, arguments: argparse.Namespace, broken: list[str]) -> float:
    """Do the random things; returns the longest time until the window answered."""
    chance = random.Random(arguments.seed)
    worst = 0.0
    with a_window(place / "home") as window:
        answers = QTimer(window, interval=25)
        answers.timeout.connect(lambda: answer_dialogs(chance))
        answers.start()
        window.controllers.projects.open(root)
        wait_for(lambda: listed(window))
        for _ in range(arguments.actions):
            started = time.perf_counter()
            act(window, chance, arguments.model)
            QApplication.processEvents()
            worst = max(worst, time.perf_counter() - started)
            if chance.random() < 0.1:
                live(0.1)
            failure = window.messages.last_failure
            if failure is not None and "Unexpected" in failure.sentence:
                broken.append(failure.details)
            if worst > 10:
                broken.append("the window did not answer for ten seconds")
                break
        live(1)
    return worst


def answer_dialogs(chance: random.Random) -> None:
    """Say yes or no to whatever asks; close a menu, now and then after choosing from it."""
    menu = QApplication.activePopupWidget()
    if menu is not None:
        if isinstance(menu, QMenu) and chance.random() < 0.3:
            usable_ones = [
                one for one in menu.actions() if one.isEnabled() and "…" not in one.text()
            ]
            if usable_ones:
                chance.choice(usable_ones).trigger()
        menu.close()
        return
    dialog = QApplication.activeModalWidget()
    if not isinstance(dialog, QDialog):
        return
    buttons = [one for one in dialog.findChildren(QPushButton) if one.isVisible()]
    usable = [one for one in buttons if one.isEnabled() and "…" not in one.text()]
    if usable and chance.random() < 0.5:
        chance.choice(usable).click()
    else:
        dialog.reject()


def act(window: MainWindow, chance: random.Random, model: Path) -> None:
    """One thing that a person might do."""
    kind = chance.random()
    if kind < 0.35:
        key = chance.choice(_KEYS)
        if not window.isActiveWindow():
            window.activateWindow()
        QTest.keyClick(QApplication.focusWidget() or window, key)
    elif kind < 0.55:
        drag(window.canvas, chance)
    elif kind < 0.7:
        name = chance.choice([one.name for one in COMMANDS if one.name not in _SPARED])
        window.refresher.refresh_now()
        if window.actions_[name].isEnabled():
            window.actions_[name].trigger()
    elif kind < 0.8 and window.model.ids:
        window.controllers.review.open_image(chance.choice(window.model.ids))
    elif kind < 0.86:
        place = QPoint(chance.randrange(window.width()), chance.randrange(window.height()))
        widget = window.childAt(place) or window
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=widget.mapFrom(window, place))
    elif kind < 0.9:
        window.inspector.slider.setValue(chance.randrange(1, 1000))
    elif kind < 0.94 and window.session.facts is not None:
        if len(window.session.jobs.tickets) < 3:
            folders = [one.id for one in window.session.facts.folders]
            window.controllers.inspections.start(model, folders)
    elif kind < 0.97:
        window.controllers.jobs.cancel()
    else:
        window.resize(chance.randrange(950, 1600), chance.randrange(600, 1000))


def drag(widget: QWidget, chance: random.Random) -> None:
    """Press, move, let go; sometimes with the right button, sometimes outside."""
    button = Qt.MouseButton.RightButton if chance.random() < 0.2 else Qt.MouseButton.LeftButton

    def somewhere() -> QPoint:
        return QPoint(chance.randrange(-20, widget.width() + 20), chance.randrange(widget.height()))

    QTest.mousePress(widget, button, pos=somewhere())
    for _ in range(chance.randrange(6)):
        QTest.mouseMove(widget, somewhere())
        QApplication.processEvents()
    if chance.random() < 0.97:
        QTest.mouseRelease(widget, button, pos=somewhere())


if __name__ == "__main__":
    sys.exit(main())
