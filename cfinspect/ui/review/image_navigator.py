"""One image after the other: leafing through a list, and what comes in of the image shown."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from cfinspect.project.listing import ImageRow, by_ids
from cfinspect.project.verdicts import HumanAnnotation
from cfinspect.ui.jobs.picture import Picture
from cfinspect.ui.review.comments import Comments
from cfinspect.ui.review.image_page import ImagePage
from cfinspect.ui.review.result_panel import ResultPanel
from cfinspect.ui.review.shown_image import ShownImage
from cfinspect.ui.review.unsaved_edits import UnsavedEdits
from cfinspect.ui.state.session import Session
from cfinspect.ui.widgets.translate import tr

AHEAD = 3


class ImageNavigator(QObject):
    """Shows images of a list. ``shown``: the row of the one on screen now.

    ``order``: the ids of the list.
    """

    shown = Signal(object)

    def __init__(
        self,
        session: Session,
        page: ImagePage,
        inspector: ResultPanel,
        image: ShownImage,
        edits: UnsavedEdits,
        comments: Comments,
    ) -> None:
        super().__init__(image)
        self._session = session
        self._page = page
        self._canvas = page.canvas
        self._inspector = inspector
        self._image = image
        self._edits = edits
        self._comments = comments
        self.order: list[int] = []
        edits.again.connect(self.show)
        session.said.connect(self._said)
        session.closed.connect(self._forget)
        session.opened.connect(self._opened)
        session.jump.connect(self._jump)
        session.stale.connect(self._stale)
        session.images_changed.connect(self._images_changed)

    def _opened(self) -> None:
        self._session.pictures.loaded.connect(self._loaded)

    def _forget(self) -> None:
        self._image.row, self.order = None, []
        self._canvas.show_picture(None)
        self._inspector.show_picture(None)
        self._image.changed.emit()

    @property
    def row(self) -> ImageRow | None:
        """The image on screen."""
        return self._image.row

    def show(self, image_id: int) -> None:
        """Show an image; corrections of the one before are stored."""
        self._edits.keep()
        self._comments.keep()
        rows = self._session.rows([image_id])
        if not rows:
            return
        self._image.row = rows[0]
        place = self.place
        ahead = [] if place is None else self.order[place + 1 : place + 1 + AHEAD]
        picture = self._session.pictures.want(image_id, ahead)
        self._canvas.set_editor(None)
        if picture is not None:
            self._put_up(picture)
        else:
            self._canvas.message = ""
            self._canvas.picture = None
            self._canvas.update()
            self._inspector.show_picture(None)  # its words and its comment are another image's
        self.show_strip()
        self.shown.emit(self.row)
        self._image.changed.emit()

    @property
    def place(self) -> int | None:
        """Where the image stands in the order."""
        if self.row is None:
            return None
        if self._session.project is None or not self.order:
            return None
        try:
            return self.order.index(self.row.id)
        except ValueError:
            return None

    @property
    def can_leaf(self) -> tuple[bool, bool]:
        """Whether there is an image before and one after."""
        place = self.place
        if place is None:
            return False, False
        return place > 0, place + 1 < len(self.order)

    def step(self, by: int) -> bool:
        """Go on or back; False where the list ends."""
        place = self.place
        if place is None or not 0 <= place + by < len(self.order):
            return False
        self.show(self.order[place + by])
        return True

    def put_away(self) -> None:
        """Leave the image's page: corrections are on their way to the disk."""
        self._edits.keep()
        self._comments.keep()
        self._canvas.set_editor(None)

    def show_strip(self) -> None:
        """Show the neighbours in the list below the image."""
        if self.row is not None:
            place = self.place or 0
            # The strip shows what is near; a list of 100,000 has no use for all of them.
            near = self.order[max(0, place - 40) : place + 60] or [self.row.id]
            self._page.show_strip(near, self.row.id)

    def _loaded(self, image_id: int, picture: Picture) -> None:
        if self.row is not None and image_id == self.row.id:
            self._put_up(picture)

    def _put_up(self, picture: Picture) -> None:
        self._canvas.message = tr("reading the whole image…") if picture.preview else ""
        self._canvas.show_picture(picture)
        self._inspector.show_picture(picture)
        self._edits.bring_back(picture)
        self._comments.bring_back(picture)
        self._image.changed.emit()

    def _jump(self, image_id: int) -> None:
        if self.row is None or self.row.id != image_id:
            if image_id not in self.order:
                self.order = [image_id, *self.order]
            self.show(image_id)

    # News -----------------------------------------------------------------------------------------

    def _said(self, image_id: int, human: HumanAnnotation) -> None:
        if self.row is None or image_id != self.row.id:
            self._image.changed.emit()
            return
        project = self._session.project
        if project is not None:
            self._image.row = next(iter(by_ids(project, [image_id])), self.row)
        self._edits.heard(human)
        held = self._session.pictures.get(image_id)
        editor = self._canvas.editor
        if held is not None:
            if editor is not None and not editor.is_changed and human.mask is None:
                self._canvas.set_editor(None)
            self._canvas.show_picture(held)
            self._inspector.show_picture(held)
        self._image.changed.emit()

    def reload(self) -> None:
        """Read the image again: a model has looked at it meanwhile."""
        if self._session.project is None:
            return
        self._session.pictures.forget()
        if self.row is None:
            return
        self._image.row = next(iter(self._session.rows([self.row.id])), self.row)
        if self._edits.has_edits:
            return
        self._session.pictures.want(self.row.id)
        self._image.changed.emit()

    def _images_changed(self, changed: list[int] | None) -> None:
        if changed is None:
            self.reload()

    def _stale(self, image_id: int) -> None:
        """Something else was stored than what was shown: look again."""
        if self.row is not None and self.row.id == image_id and not self._edits.has_edits:
            self.reload()
