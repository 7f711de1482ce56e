"""The comment on the image on screen, until it is stored."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QFocusEvent

from cfinspect.ui.jobs.job import Failure
from cfinspect.ui.jobs.picture import Picture
from cfinspect.ui.review.result_panel import ResultPanel
from cfinspect.ui.review.shown_image import ShownImage
from cfinspect.ui.state.session import Session


class Comments(QObject):
    """Stores a comment when its field is left; one that could not be stored comes back."""

    def __init__(self, session: Session, inspector: ResultPanel, shown: ShownImage) -> None:
        super().__init__(shown)
        self._session = session
        self._inspector = inspector
        self._shown = shown
        self._sent: dict[int, str] = {}
        self._lost: dict[int, str] = {}
        inspector.comment.focusOutEvent = self._left  # type: ignore[method-assign]
        session.closed.connect(self._drop)

    def _drop(self) -> None:
        self._sent.clear()
        self._lost.clear()

    def write(self) -> None:
        """Put the cursor into the comment."""
        self._inspector.ensureWidgetVisible(self._inspector.comment)
        self._inspector.comment.setFocus()

    def _left(self, event: QFocusEvent) -> None:
        self.keep()
        type(self._inspector.comment).focusOutEvent(self._inspector.comment, event)

    def keep(self) -> None:
        """Store the comment if it was changed."""
        row, picture = self._shown.row, self._shown.picture
        if row is None or picture is None or picture.row.id != row.id:
            return
        if self._inspector.comment.isReadOnly():
            return  # only the beginning of it is shown
        text = self._inspector.comment.toPlainText().strip()
        if text == self._sent.get(row.id, picture.human.comment):
            return
        self._sent[row.id] = text

        def stored(_: object) -> None:
            if self._sent.get(row.id) == text:
                del self._sent[row.id]

        def sorry(_: Failure) -> None:
            stored(None)
            self._lost[row.id] = text

        expected = self._shown.expected_version()
        self._session.say(row, comment=text, expected=expected, then=stored, sorry=sorry)

    def bring_back(self, picture: Picture) -> None:
        """Write what could not be stored of this image into the field again."""
        comment = self._lost.pop(picture.row.id, None)
        if comment is not None:
            self._inspector.comment.setPlainText(comment)
