"""Correcting a mask: tools over one mask with undo, without any widget."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from cfinspect.masks.drawing import Box, Point, brush, flood_fill, polygon
from cfinspect.masks.history import History
from cfinspect.ui.jobs.levels import halved, mask_levels

IndexMask = NDArray[np.uint8]

MIN_RADIUS, MAX_RADIUS = 0.5, 400.0


class Tool(StrEnum):
    """What the mouse does on the canvas."""

    HAND = "hand"
    BRUSH = "brush"
    ERASER = "eraser"
    POLYGON = "polygon"
    FILL = "fill"


class MaskEditor(QObject):
    """One mask (H, W) uint8 that is being corrected.

    ``changed`` carries the box that changed (None: all of it); ``state_changed``: undo, redo or
    "unsaved" are different now. The mask starts as ``base`` and counts as changed only after the
    first stroke. ``changes`` counts whatever happened to it.
    """

    changed = Signal(object)
    state_changed = Signal()

    def __init__(self, base: IndexMask, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._history = History(base)
        self._work = base.copy()
        self.value = 1
        self.changes = 0
        self._stroke: list[Point] = []
        self._painted: Box | None = None
        self._levels: list[IndexMask] | None = None

    @property
    def mask(self) -> IndexMask:
        """The mask as it is on screen, a stroke in the making included; do not change it."""
        return self._work

    @property
    def is_changed(self) -> bool:
        """Whether it is another mask than the one that is stored."""
        return self._history.changed

    @property
    def can_undo(self) -> bool:
        """Whether a stroke can be taken back."""
        return self._history.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether a stroke was taken back."""
        return self._history.can_redo

    @property
    def is_drawing(self) -> bool:
        """Whether a stroke is in the making."""
        return bool(self._stroke)

    def levels(self) -> list[IndexMask]:
        """The mask and its halves, as far as the canvas needs them."""
        if self._levels is None:
            self._levels = mask_levels(self._work)
        return self._levels

    # Strokes --------------------------------------------------------------------------------------

    def begin(self, point: Point, radius: float, *, erase: bool) -> None:
        """Set the brush down."""
        self._stroke = [point]
        self._painted = None
        self._draw([point], radius, erase)

    def extend(self, point: Point, radius: float, *, erase: bool) -> None:
        """Move the brush on; only the new part is drawn."""
        if self._stroke:
            self._draw([self._stroke[-1], point], radius, erase)
            self._stroke.append(point)

    def end(self) -> None:
        """Lift the brush: the stroke is one step of undo."""
        self._stroke = []
        self._commit()

    def abandon(self) -> None:
        """Take back a stroke in the making."""
        if self._stroke:
            self._stroke = []
            self._restore()

    def add_polygon(self, corners: Sequence[Point], *, erase: bool = False) -> None:
        """Fill a polygon."""
        self._touched(polygon(self._work, corners, 0 if erase else self.value))
        self._commit()

    def fill(self, image: NDArray[np.uint8], seed: Point, tolerance: int, *, erase: bool) -> None:
        """Fill what looks alike around a point."""
        self._touched(flood_fill(self._work, image, seed, tolerance, 0 if erase else self.value))
        self._commit()

    def replace(self, mask: IndexMask) -> None:
        """Put another mask in its place, as one step of undo."""
        self._work = mask.copy()
        self._levels = None
        self.changes += 1
        self.changed.emit(None)
        self._commit()

    def undo(self) -> None:
        """Take back the last step."""
        self.abandon()
        if self._history.undo() is not None:
            self._restore()

    def redo(self) -> None:
        """Do again what was taken back."""
        if self._history.redo() is not None:
            self._restore()

    def mark_saved(self) -> None:
        """Remember this state as the one that is stored."""
        self._history.mark_saved()
        self.state_changed.emit()

    def _draw(self, points: list[Point], radius: float, erase: bool) -> None:
        self._touched(brush(self._work, points, radius, 0 if erase else self.value))

    def _touched(self, box: Box | None) -> None:
        if box is None:
            return
        self.changes += 1
        if self._levels is not None:
            _renew(self._levels, box)
        self.changed.emit(box)

    def _commit(self) -> None:
        self._history.apply(self._work)
        self.state_changed.emit()

    def _restore(self) -> None:
        self._work = self._history.mask.copy()
        self._levels = None
        self.changes += 1
        self.changed.emit(None)
        self.state_changed.emit()


def _renew(levels: list[IndexMask], box: Box) -> None:
    """Carry a change of the mask into its smaller copies; only where it is."""
    for fine, coarse in itertools.pairwise(levels):
        y0, y1, x0, x1 = box.y0 // 2, (box.y1 + 1) // 2, box.x0 // 2, (box.x1 + 1) // 2
        part = halved(fine[2 * y0 : 2 * y1, 2 * x0 : 2 * x1])
        coarse[y0:y1, x0:x1] = part[: y1 - y0, : x1 - x0]
        box = Box(x0, y0, x1, y1)
