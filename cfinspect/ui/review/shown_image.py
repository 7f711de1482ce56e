"""The image on screen, as all who work on it know it."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal

from cfinspect.project.listing import ImageRow
from cfinspect.ui.canvas.view import Canvas
from cfinspect.ui.jobs.picture import Picture
from cfinspect.ui.state.session import Session


class ShownImage(QObject):
    """Which image is on screen; set by the navigator.

    ``row``: None where there is none. ``changed``: what can be done with it now is different;
    ``note``: something to tell in passing.
    """

    changed = Signal()
    note = Signal(str)

    def __init__(self, session: Session, canvas: Canvas, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._canvas = canvas
        self.row: ImageRow | None = None
        # Later: an image is being drawn.
        canvas.first_painted.connect(self.changed, Qt.ConnectionType.QueuedConnection)

    @property
    def picture(self) -> Picture | None:
        """What the canvas shows; for a moment that may be another image, or none."""
        return self._canvas.picture

    @property
    def is_shown(self) -> bool:
        """Whether the image has been seen: nobody judges what is not on screen yet.

        A second stroke of a verdict key may come before the next image is drawn.
        """
        picture = self.picture
        if self.row is None or picture is None or picture.row.id != self.row.id:
            return False
        return self._canvas.painted == self.row.id

    def expected_version(self) -> int | None:
        """The version that the person looked at; unknown while own words are on their way."""
        picture = self.picture
        if picture is None or self._session.unsaved:
            return None
        return picture.human.version
