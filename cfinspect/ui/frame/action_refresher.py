"""Enables and ticks the actions as things are now."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from cfinspect.ui.actions.actions import Actions
from cfinspect.ui.canvas.base import CompareMode
from cfinspect.ui.canvas.editor import Tool
from cfinspect.ui.frame.layout import WindowLayout
from cfinspect.ui.frame.parts import Parts
from cfinspect.ui.state.session import Session


class ActionRefresher(QObject):
    """Looks what can be done now. ``refreshed``: what depends on the same may be shown anew."""

    refreshed = Signal()

    def __init__(
        self,
        session: Session,
        actions: Actions,
        parts: Parts,
        layout: WindowLayout,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._actions = actions
        self._parts = parts
        self._layout = layout
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self.refresh_now)

    def refresh(self) -> None:
        """Enable what can be done now, once the present event is over."""
        self._timer.start()

    def refresh_now(self) -> None:
        """Enable and tick the actions as things are now."""
        self._actions.refresh(self.conditions())
        canvas = self._parts.canvas
        for one in Tool:
            self._actions[one.value].setChecked(canvas.tool is one)
        self._actions["swipe"].setChecked(canvas.compare is CompareMode.SWIPE)
        self._actions["side"].setChecked(canvas.compare is CompareMode.SIDE)
        self._actions["fullscreen"].setChecked(self._layout.is_fullscreen)
        self.refreshed.emit()

    def conditions(self) -> set[str]:
        """The conditions of the actions' table that hold now."""
        review, gallery = self._parts.review, self._parts.gallery
        on_image = self._layout.is_on_image and review.image.row is not None
        found = set()
        if self._session.project is not None and self._session.facts is not None:
            found.add("project")
        if on_image:
            found.add("image")
            if review.image.is_shown:
                found.add("target")
            picture = self._parts.canvas.picture
            if picture is not None and picture.width:
                found.add("editable")
        elif self._layout.is_on_gallery:
            found.add("gallery")
            if gallery.grid.selectionModel().hasSelection():
                found.add("target")
        row = review.image.row if on_image else None
        if (row is not None and row.machine is not None) or self._layout.is_on_gallery:
            found.add("inspected")
        folder = self._target_folder()
        if folder is not None and self._session.model_of(folder) is not None:
            found.add("bound")
        if self._session.teachable_models(self._parts.folders.current_folders()):
            found.add("teachable")
        if review.edits.can_undo:
            found.add("can_undo")
        if review.edits.can_redo:
            found.add("can_redo")
        if self._session.jobs.running is not None:
            found.add("job")
        return found

    def _target_folder(self) -> int | None:
        shown = self._parts.review.image.row
        if self._layout.is_on_image and shown is not None:
            return shown.folder_id
        index = self._parts.gallery.grid.currentIndex()
        row = self._parts.model.row_at(index.row()) if index.isValid() else None
        return row.folder_id if row is not None else None
