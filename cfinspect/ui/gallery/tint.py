"""The saliency over a thumbnail while the mouse rests on it: why, without opening the image."""

from __future__ import annotations

from collections import OrderedDict

import cv2
import numpy as np
from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QImage, QPixmap

from cfinspect.project.listing import ImageRow
from cfinspect.project.project import Project
from cfinspect.project.saliency import kept_saliency
from cfinspect.ui.canvas.layers import indexed, saliency_table
from cfinspect.ui.gallery.grid import Grid
from cfinspect.ui.jobs.thumbnails import SIDE
from cfinspect.ui.state.session import Session

_REST_MS = 60  # a mouse that passes by asks for nothing
_KEPT = 64
_GAIN, _OPACITY = 2.5, 0.75


class Tint(QObject):
    """Gives ``grid`` the tint of the cell under the mouse; maps are read on the looking desk."""

    def __init__(self, session: Session, grid: Grid) -> None:
        super().__init__(grid)
        self._session = session
        self._grid = grid
        self._held: OrderedDict[tuple[int, int, str], QPixmap | None] = OrderedDict()
        self._row: ImageRow | None = None
        self._timer = QTimer(self, singleShot=True, interval=_REST_MS)
        self._timer.timeout.connect(self._ask)
        session.closed.connect(self._clear)
        session.images_changed.connect(self._forget)

    def show(self, row: ImageRow | None) -> None:
        """The mouse is over this image, or over none."""
        self._row = row
        self._grid.set_tint(None, None)
        if row is not None and row.machine is not None:
            self._timer.start()
        else:
            self._timer.stop()

    def _clear(self) -> None:
        self._held.clear()
        self.show(None)

    def _forget(self, changed: list[int] | None) -> None:
        for key in [one for one in self._held if changed is None or one[0] in changed]:
            del self._held[key]
        if self._row is not None and (changed is None or self._row.id in changed):
            self._timer.start()

    def _ask(self) -> None:
        row, project = self._row, self._session.project
        model = self._session.model_of(row.folder_id) if row is not None else None
        if row is None or model is None or project is None:
            return
        colours = str(self._session.preferences.get("saliency_map"))
        if row.height is None or row.width is None:
            return
        size = (row.height, row.width)
        key = (row.id, model.id, colours)
        if key in self._held:
            self._grid.set_tint(row.id, self._held[key])
            return

        def work(project: Project) -> QImage | None:
            found = kept_saliency(project.paths, row.id, model.id, size)
            if found is None:
                return None
            factor = SIDE / max(found.shape)
            if factor < 1:
                small = (
                    max(1, round(found.shape[1] * factor)),
                    max(1, round(found.shape[0] * factor)),
                )
                found = np.asarray(cv2.resize(found, small, interpolation=cv2.INTER_AREA), np.uint8)
            image = indexed(found, saliency_table(colours, _GAIN, _OPACITY))
            return image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)

        def after(image: QImage | None) -> None:
            self._held[key] = None if image is None else QPixmap.fromImage(image)
            while len(self._held) > _KEPT:
                self._held.popitem(last=False)
            if self._row is not None and self._row.id == row.id:
                self._grid.set_tint(row.id, self._held[key])

        self._session.looker.ask(work, after, key="tint")
