"""The log on screen, and in a file where asked for."""

from __future__ import annotations

import logging
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QPlainTextEdit

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.ui.widgets.translate import tr
from cfinspect.visible import VisibleFormatter

_LINES = 2000
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class _Relay(QObject):
    line = Signal(str)


class _Handler(logging.Handler):
    """Hands records of any thread to the window's."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.relay = _Relay()
        self.setFormatter(VisibleFormatter(_FORMAT, "%H:%M:%S"))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.relay.line.emit(self.format(record))
        except RuntimeError:  # the window is gone
            return


class LogView(QPlainTextEdit):
    """The last lines of the log."""

    def __init__(self) -> None:
        super().__init__()
        self.setReadOnly(True)
        self.setMaximumBlockCount(_LINES)
        self.setAccessibleName(tr("Log"))
        self._handler = _Handler()
        self._handler.relay.line.connect(self.appendPlainText)
        logger = logging.getLogger("cfinspect")
        logger.addHandler(self._handler)
        if logger.level in {logging.NOTSET, logging.WARNING}:
            logger.setLevel(logging.INFO)

    def detach(self) -> None:
        """Take no more lines."""
        logging.getLogger("cfinspect").removeHandler(self._handler)


def log_to_file(path: Path) -> None:
    """Append the program's log to a file; CfinspectError when it cannot be written."""
    try:
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        raise CfinspectError(
            f"The log file {path} cannot be written ({error.strerror}); give another --log-file."
        ) from error
    handler.setFormatter(VisibleFormatter(_FORMAT))
    logger = logging.getLogger("cfinspect")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
