"""Telling and asking: words in passing, errors, questions, dialogs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QDialog, QSizePolicy, QWidget

from cfinspect.ui.dialogs.common import ErrorDialog, Question
from cfinspect.ui.jobs.job import Failure
from cfinspect.ui.widgets.label import Label, plain
from cfinspect.ui.widgets.translate import tr

_log = logging.getLogger(__name__)

_MESSAGE_MS = 6_000


class Messages:
    """What the window says; there from its first step on.

    ``label``: what was said in passing, for the status bar. ``last_failure``: what the last error
    dialog said. ``may_show``: whether dialogs of errors may open: not before the window is whole,
    and not while it closes.
    """

    def __init__(self, window: QWidget) -> None:
        self._window = window
        self.label = Label()
        self.label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.last_failure: Failure | None = None
        self.may_show = False
        self._failures: list[Failure] = []
        self._is_telling = False
        self._timer = QTimer(window, singleShot=True, interval=_MESSAGE_MS)
        self._timer.timeout.connect(self.label.clear)

    def tell(self, text: str, *, stays: bool = False) -> None:
        """Say something in passing, in the status bar and the log.

        ``stays``: until something else is said, rather than for seconds.
        """
        _log.info("%s", text)
        self.label.setText(text)
        self.label.setToolTip(plain(text))
        if stays:
            self._timer.stop()
        else:
            self._timer.start()

    def show_failure(self, failure: Failure) -> None:
        """An error: a sentence, what to do, and details."""
        self.last_failure = failure
        self._failures.append(failure)
        # Not here: whoever failed may have more to do, and a dialog would hold it up.
        QTimer.singleShot(0, self._show_failures)

    def _show_failures(self) -> None:
        if not self._failures or self._is_telling or not self.may_show:
            return
        self._is_telling = True
        try:
            while self._failures:
                first = self._failures[0]
                alike = sum(one.sentence == first.sentence for one in self._failures)
                self._failures = [o for o in self._failures if o.sentence != first.sentence]
                if alike > 1:
                    sentence = f"{first.sentence} {tr('({n} times)', n=alike)}"
                    first = Failure(first.title, sentence, first.details)
                self.label.clear()
                self.run(ErrorDialog(self._window, first))
        finally:
            self._is_telling = False

    @contextmanager
    def failures_held(self) -> Iterator[None]:
        """Let no dialog of an error open meanwhile."""
        self._is_telling = True
        try:
            yield
        finally:
            self._is_telling = False

    def drop_failures(self) -> None:
        """Forget the errors that were not shown yet: they are told in another way."""
        self._failures.clear()

    def run(self, dialog: QDialog) -> bool:
        """Show a dialog until it is answered; whether the answer was yes."""
        answer = dialog.exec()
        dialog.deleteLater()
        return answer == QDialog.DialogCode.Accepted

    def ask(self, title: str, text: str, yes: str, no: str = "", *, risky: bool = False) -> bool:
        """A question; where it is ``risky``, Enter means no."""
        return self.run(Question(self._window, title, text, yes, no, risky=risky))
