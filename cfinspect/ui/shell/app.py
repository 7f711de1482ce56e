"""Start of the window: first paint first, everything else after it."""

from __future__ import annotations

import logging
import os
import sys
import threading
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QTimer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.resources import resource_path
from cfinspect.ui.state.preferences import Preferences, is_there
from cfinspect.ui.widgets import theme, translate

_log = logging.getLogger(__name__)

# The window's thread waits for the interpreter while a job holds it; at Python's own 5 ms a busy
# job is felt in every stroke.
_SWITCH_SECONDS = 0.001
_AFTER_PAINT_MS = 40


def make_app(arguments: list[str] | None = None) -> QApplication:
    """The application object, with our name and icon."""
    running = QApplication.instance()
    if isinstance(running, QApplication):
        return running
    sys.setswitchinterval(_SWITCH_SECONDS)
    app = QApplication(arguments if arguments is not None else sys.argv[:1])
    app.setApplicationName("cfinspect")
    app.setOrganizationName("cfinspect")
    app.setDesktopFileName("cfinspect")
    return app


def run(path: Path | None = None, log_file: Path | None = None, *, demo: Path | None = None) -> int:
    """Open the window, at ``path`` or where it was left; returns the exit code.

    ``path``: a folder of images, or a model file, which is offered to the project that was open
    last. ``demo``: a folder in which the demo is made and opened.

    Raises CfinspectError for a path or a log file that cannot be used.
    """
    if log_file is not None:
        from cfinspect.ui.widgets.log import log_to_file  # noqa: PLC0415

        log_to_file(log_file)
    model = path if path is not None and path.is_file() else None
    if path is not None and model is None and not path.is_dir():
        raise CfinspectError(f"There is no folder {path}; check the path.")
    if model is not None:
        from cfinspect.engine.model.file import load_metadata  # noqa: PLC0415  (numpy is not for all)

        load_metadata(model)  # a file that is no model is told before a window opens
    _require_display()
    app = make_app()
    preferences = Preferences()
    translate.install(preferences.get("language"))
    theme.apply(app, preferences.get("theme"))
    app.setWindowIcon(QIcon(str(resource_path("icons/cfinspect.svg"))))
    from cfinspect.ui.shell.main_window import MainWindow  # noqa: PLC0415  (after the checks above)

    window = MainWindow(preferences)
    _catch_exceptions(window.messages.show_failure)
    window.show()
    start = path.resolve() if path is not None and model is None else None
    if start is None and demo is None and preferences.get("restore"):
        recent = preferences.recent()
        start = recent[0] if recent and is_there(recent[0]) else None

    def go_on() -> None:
        window.build()
        if demo is not None:
            window.controllers.projects.demo(demo)
        elif start is not None:
            window.controllers.projects.open(start)
        if model is not None:
            window.controllers.models.take_file(model.resolve())

    QTimer.singleShot(_AFTER_PAINT_MS, go_on)
    code = app.exec()
    from cfinspect.ui.jobs.serial_worker import end_process_if_late  # noqa: PLC0415

    end_process_if_late(code)
    return code


def _require_display() -> None:
    """Say what is missing before Qt aborts the process."""
    chosen = os.environ.get("QT_QPA_PLATFORM", "")
    if sys.platform != "linux" or chosen not in {"", "xcb", "wayland"}:
        return
    if not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
        raise CfinspectError(
            "There is no display to open a window on: use the commands (`cfinspect --help`), or "
            "start it from a desktop session."
        )


def _catch_exceptions(show: object) -> None:
    """An exception in a slot is shown and logged; the window stays."""
    from cfinspect.ui.jobs.job import Failure  # noqa: PLC0415
    from cfinspect.ui.widgets.translate import tr  # noqa: PLC0415

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QApplication.quit()
            return
        failure = Failure.of(tr("Something went wrong"), error.with_traceback(trace))
        if threading.current_thread() is threading.main_thread():
            show(failure)  # type: ignore[operator]

    sys.excepthook = hook
