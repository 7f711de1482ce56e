"""What the parts of the main window have in common: the names of its pieces, telling and asking.

The window is built in two steps, so that it is on the screen before NumPy and OpenCV are imported:
nothing here or in the other modules of this package imports them at its top.

The parts inherit from one another in a line: PySide6 miscounts the second C++ base of a widget
(QPaintDevice) where Python classes meet in a diamond, and crashes.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QDialog,
    QDockWidget,
    QLabel,
    QMainWindow,
    QMenu,
    QProgressBar,
    QStackedWidget,
    QToolBar,
    QToolButton,
    QWidget,
)

from cfinspect.ui.dialogs.common import ErrorDialog, Question
from cfinspect.ui.jobs.job import Failure
from cfinspect.ui.state.preferences import Preferences
from cfinspect.ui.widgets.translate import tr

if TYPE_CHECKING:
    from cfinspect.project.listing import ImageRow
    from cfinspect.ui.canvas.view import Canvas
    from cfinspect.ui.gallery.image_model import ImageModel
    from cfinspect.ui.gallery.panel import Gallery
    from cfinspect.ui.project.folders import Folders
    from cfinspect.ui.project.welcome import Welcome
    from cfinspect.ui.review.image_page import ImagePage
    from cfinspect.ui.review.result_panel import ResultPanel
    from cfinspect.ui.review.reviewer import Reviewer
    from cfinspect.ui.shell.actions import Actions
    from cfinspect.ui.state.session import Session
    from cfinspect.ui.training.page import TrainingPage
    from cfinspect.ui.widgets.log import LogView


_log = logging.getLogger(__name__)

WARM_UP_MS = 2500


class WindowBase(QMainWindow):
    """The window's pieces by name; ``build`` of the main window makes most of them.

    ``last_failure``: what the last error dialog said.
    """

    preferences: Preferences
    session: Session
    actions_: Actions
    welcome: Welcome
    model: ImageModel
    gallery: Gallery
    image_page: ImagePage
    canvas: Canvas
    inspector: ResultPanel
    reviewer: Reviewer
    training: TrainingPage
    folders: Folders
    log: LogView
    pages: QStackedWidget
    docks: dict[str, QDockWidget]
    tool_bar: QToolBar
    recent_menu: QMenu
    message: QLabel
    device_label: QLabel
    model_label: QLabel
    model_button: QToolButton
    model_part: QAction
    saved_label: QLabel
    project_label: QLabel
    job_label: QLabel
    job_bar: QProgressBar
    job_cancel: QToolButton
    last_failure: Failure | None
    is_built: bool
    is_closing: bool
    device_text: str
    _failures: list[Failure]
    offered_model: Path | None = None
    _is_telling: bool
    _saved: str = ""
    _message_timer: QTimer
    _refresh_timer: QTimer

    def show_page(self, page: QWidget) -> None:
        """Bring a page to the front."""
        raise NotImplementedError

    def warm_up(self) -> None:
        """Load the networks' library once."""
        raise NotImplementedError

    def toggle_fullscreen(self) -> None:
        """The picture alone, or everything again."""
        raise NotImplementedError

    def refresh_now(self) -> None:
        """Enable and tick the actions as things are now."""
        raise NotImplementedError

    def targets(self) -> list[ImageRow]:
        """The images that a command is for."""
        raise NotImplementedError

    def refresh_actions(self) -> None:
        """Enable what can be done now, once the present event is over."""
        if self.is_built:
            self._refresh_timer.start()

    def tell(self, text: str) -> None:
        """Say something in passing, in the status bar and the log."""
        _log.info("%s", text)
        self.message.setText(text)
        self.message.setToolTip(text)
        self._message_timer.start()

    def show_failure(self, failure: Failure) -> None:
        """An error: a sentence, what to do, and details."""
        self.last_failure = failure
        self._failures.append(failure)
        # Not here: whoever failed may have more to do, and a dialog would hold it up.
        QTimer.singleShot(0, self._show_failures)

    def _show_failures(self) -> None:
        if not self._failures or self._is_telling or not self.is_built or self.is_closing:
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
                self.message.clear()
                self.run_dialog(ErrorDialog(self, first))
        finally:
            self._is_telling = False

    def run_dialog(self, dialog: QDialog) -> bool:
        """Show a dialog until it is answered; whether the answer was yes."""
        answer = dialog.exec()
        dialog.deleteLater()
        return answer == QDialog.DialogCode.Accepted

    def ask(self, title: str, text: str, yes: str, no: str = "") -> bool:
        """A question."""
        return self.run_dialog(Question(self, title, text, yes, no))

    def explain(self, word: str) -> None:
        """One paragraph and a picture about a word."""
        from cfinspect.ui.dialogs.help import WordDialog  # noqa: PLC0415

        self.run_dialog(WordDialog(self, word))

    def show_saving(self, pending: int) -> None:
        """Say whether words are on their way to the disk."""
        if pending:
            self.saved_label.setText(tr("saving…"))
        elif self.reviewer.has_edits:
            self.saved_label.setText(tr("not stored yet"))
        else:
            self.saved_label.setText(self._saved)

    def show_saved(self) -> None:
        """Say when the last word was stored."""
        self._saved = tr("saved {time}", time=time.strftime("%H:%M:%S"))
        self.show_saving(self.session.unsaved)
