"""A window for measuring, with preferences of its own, and how to wait in it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtWidgets import QApplication

from cfinspect.ui.shell.app import make_app
from cfinspect.ui.shell.main_window import MainWindow
from cfinspect.ui.state.preferences import Preferences
from cfinspect.ui.widgets import theme, translate


@contextmanager
def a_window(home: Path) -> Iterator[MainWindow]:
    """The real window, 1600 x 1000; closed without questions at the end."""
    os.environ["CFINSPECT_HOME"] = str(home)
    app = make_app(["bench"])
    translate.install("en")
    theme.apply(app, "dark")
    window = MainWindow(Preferences(home / "window.ini"))
    window.build()
    window.preferences.set("who", "bench")
    window.resize(1600, 1000)
    window.show()
    app.processEvents()
    try:
        yield window
    finally:
        window.session.jobs.cancel_all()
        wait_for(lambda: window.session.jobs.running is None, 120)
        window.close()
        app.processEvents()


def wait_for(condition: Callable[[], object], seconds: float = 300.0) -> float:
    """Let the window live until the condition holds; returns how long that took."""
    started = time.perf_counter()
    while not condition():
        QApplication.processEvents()
        if time.perf_counter() - started > seconds:
            raise SystemExit("waited too long")
        time.sleep(0.0005)
    return time.perf_counter() - started


def live(seconds: float) -> None:
    """Let the window live for a while."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        QApplication.processEvents()
        time.sleep(0.0005)


def percentile(values: list[float], share: float) -> float:
    """The value that ``share`` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def listed(window: MainWindow) -> bool:
    """Whether the project's images are listed."""
    return window.session.facts is not None and bool(window.model.ids)
