"""What the canvas shows and where: the picture, its layers, zoom and position."""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtWidgets import QWidget

from cfinspect.masks.drawing import Box
from cfinspect.ui.canvas.editor import MAX_RADIUS, MIN_RADIUS, MaskEditor, Tool
from cfinspect.ui.canvas.layers import (
    Layers,
)
from cfinspect.ui.jobs.picture import Picture
from cfinspect.ui.widgets.translate import tr

if TYPE_CHECKING:
    from cfinspect.ui.jobs.explaining import Shown

_T = TypeVar("_T")

_MAX_SCALE = 64.0


class CompareMode(StrEnum):
    """How image and counterfactual are compared."""

    OFF = "off"
    SWIPE = "swipe"
    SIDE = "side"


class CanvasBase(QWidget):
    """Shows a Picture. Positions are image pixels, (0, 0) the upper left corner of the first.

    ``pixel``: what lies under the mouse, in words. ``zoomed``: the scale in screen pixels a pixel.
    ``stroke_ended``: a tool changed the mask. ``needs_editor``: a tool was used and there is no
    editor yet; whoever listens sets one. ``unavailable``: why a wish cannot be met.
    ``first_painted``: an image is on screen now, ``painted`` is its id.
    """

    pixel = Signal(str)
    zoomed = Signal(float)
    stroke_ended = Signal()
    needs_editor = Signal()
    radius_changed = Signal(float)
    unavailable = Signal(str)
    first_painted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Image"))
        self.setMinimumSize(200, 150)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.layers = Layers()
        self.picture: Picture | None = None
        self.painted: int | None = None  # the image that was drawn last
        self.editor: MaskEditor | None = None
        self.compare = CompareMode.OFF
        self.explanation: Shown | None = None
        self.tool = Tool.HAND
        self.radius = 8.0
        self.tolerance = 12
        self.divider = 0.5
        self.message = ""
        self.highlight: QRect | None = None
        self._scale = 1.0
        self._offset = QPointF(0, 0)
        self._fitted = True
        self.keeps_view = False
        self._last_size = (0, 0)
        self._blink = False
        self._machine: NDArray[np.uint8] | None = None
        self._preview: tuple[int, int] | None = None
        self._caches: dict[str, tuple[object, object]] = {}
        self._pan: QPointF | None = None
        self._dragging_divider = False
        self._corners: list[QPointF] = []
        self._mouse: QPointF | None = None
        self._pressure = 1.0

    # What is shown --------------------------------------------------------------------------------

    def show_picture(self, picture: Picture | None) -> None:
        """Show another picture; the view stays when it is the same image again, or, where
        ``keeps_view``, one of the same size.
        """
        same = (
            picture is not None
            and self.picture is not None
            and picture.row.id == self.picture.row.id
            and (picture.width, picture.height) == (self.picture.width, self.picture.height)
        )
        self.picture = picture
        self._caches.clear()
        if not same:
            self.set_editor(None)
            self.explanation = None
            self._corners = []
            self._blink = False
            self.highlight = None
        if picture is not None:
            size = (picture.width, picture.height)
            if not same and not (self.keeps_view and size == self._last_size):
                self._fitted = True
            self._last_size = size
        self._machine = self._preview = None
        if picture is not None and picture.mask is not None:
            self._machine = picture.mask.view(np.uint8)
            self._caches["machine"] = (id(self._machine), picture.mask_levels)
        if self._fitted:
            self.fit()
        self.update()

    def set_machine_mask(self, mask: NDArray[np.bool_] | None) -> None:
        """Show another mask as the machine's: that of another threshold."""
        self._machine = None if mask is None else mask.view(np.uint8)
        self._preview = None
        self._forget("machine")
        self.update()

    def preview_threshold(self, value: int, smallest: int) -> None:
        """Outline saliencies from ``value`` (of 255) on, for what is in sight only and as fine as
        the screen: what a moving slider needs. ``smallest``: px of the smallest island.
        """
        self._preview = (value, smallest)
        self.update()

    def machine_mask(self) -> NDArray[np.uint8] | None:
        """The machine's mask on screen, (H, W) of 0 and 1."""
        return self._machine

    def set_editor(self, editor: MaskEditor | None) -> None:
        """Correct this mask from now on; None shows the stored one again."""
        old = self.editor
        if old is not None and old is not editor:
            old.abandon()
            old.changed.disconnect(self._mask_changed)
            old.deleteLater()  # two masks and a history
        self.editor = editor
        if editor is not None:
            editor.changed.connect(self._mask_changed)
        self._forget("human")
        self.update()

    def set_tool(self, tool: Tool) -> None:
        """Take another tool."""
        self.tool = tool
        self._corners = []
        if self.editor is not None:
            self.editor.abandon()
        cursors = {Tool.HAND: Qt.CursorShape.OpenHandCursor, Tool.FILL: Qt.CursorShape.CrossCursor}
        shape = cursors.get(tool, Qt.CursorShape.CrossCursor)
        if tool in {Tool.BRUSH, Tool.ERASER}:
            shape = Qt.CursorShape.BlankCursor  # the ring is the cursor
        self.setCursor(shape)
        self.update()

    def set_radius(self, radius: float) -> None:
        """Another brush, in image pixels."""
        self.radius = min(MAX_RADIUS, max(MIN_RADIUS, radius))
        self.radius_changed.emit(self.radius)
        self.update()

    def show_explanation(self, shown: Shown) -> bool:
        """Show what another explainer found in the second pane, side by side with G's; whether
        its image is here.
        """
        if self.picture is None or self.picture.row.id != shown.image_id:
            return False
        self.explanation = shown
        self._forget("explained")
        self.set_compare(CompareMode.SIDE)
        return True

    def set_compare(self, compare: CompareMode) -> None:
        """Compare in another way; an explanation by another method goes with its pane."""
        if compare is not CompareMode.SIDE:
            self.explanation = None
        comparable = self._has_counterfactual() or self.explanation is not None
        if compare is not CompareMode.OFF and not comparable:
            self.unavailable.emit(tr("There is no counterfactual of this image yet: inspect it."))
        self.compare = compare
        if self._fitted:
            self.fit()
        self.update()

    def set_blink(self, on: bool) -> None:
        """Show the counterfactual in the image's place while ``on``."""
        if on and not self._has_counterfactual():
            self.unavailable.emit(tr("There is no counterfactual of this image yet: inspect it."))
        if on != self._blink:
            self._blink = on
            self.update()

    def refresh(self) -> None:
        """Draw again: a layer was changed."""
        self._forget("saliency", "explained", "human_fill")
        self.update()

    def retheme(self) -> None:
        """Colours have changed."""
        self._caches.clear()
        self.update()

    def _has_counterfactual(self) -> bool:
        return self.picture is not None and bool(self.picture.counterfactual)

    # View -----------------------------------------------------------------------------------------

    @property
    def scale(self) -> float:
        """Screen pixels (of the window, not of the device) per image pixel."""
        return self._scale

    def fit(self) -> None:
        """Show the whole image."""
        if self.picture is None or not self.picture.width:
            return
        area = self._panes()[0]
        self._scale = min(
            area.width() / self.picture.width, area.height() / self.picture.height, _MAX_SCALE
        )
        size = QPointF(self.picture.width, self.picture.height) * self._scale
        self._offset = QPointF((area.width() - size.x()) / 2, (area.height() - size.y()) / 2)
        self._fitted = True
        self.zoomed.emit(self._scale)
        self.update()

    def actual_size(self) -> None:
        """One image pixel is one pixel of the screen's device."""
        self.zoom_to(1 / self.devicePixelRatioF(), self._centre())

    def zoom(self, factor: float, at: QPointF | None = None) -> None:
        """Zoom, keeping the place ``at`` (in the widget) where it is."""
        self.zoom_to(self._scale * factor, at or self._centre())

    def zoom_to(self, scale: float, at: QPointF) -> None:
        """Zoom to a scale, keeping the place ``at`` where it is."""
        if self.picture is None or not self.picture.width:
            return
        least = 0.5 * min(
            self.width() / self.picture.width, self.height() / self.picture.height, 1.0
        )
        scale = min(_MAX_SCALE, max(least, scale))
        local = at - self._pane_at(at).topLeft()
        self._offset = local - (local - self._offset) * (scale / self._scale)
        self._scale = scale
        self._fitted = False
        self._keep_in_sight()
        self.zoomed.emit(scale)
        self.update()

    def look_at(self, box: QRect) -> None:
        """Bring a box of the image to the middle and mark it."""
        self.highlight = box
        pane = self._panes()[0]
        wanted = min(pane.width() / (box.width() * 3), pane.height() / (box.height() * 3), 12.0)
        if wanted > self._scale:
            self._scale, self._fitted = wanted, False
        middle = QPointF(box.center()) * self._scale
        self._offset = QPointF(pane.width() / 2, pane.height() / 2) - middle
        if self._fitted:
            self.fit()
        self._keep_in_sight()
        self.zoomed.emit(self._scale)
        self.update()

    def to_image(self, at: QPointF) -> QPointF:
        """A place of the widget in image pixels."""
        return (at - self._pane_at(at).topLeft() - self._offset) / self._scale

    def in_sight(self) -> tuple[slice, slice]:
        """Rows and columns of the image that can be seen."""
        if self.picture is None:
            return slice(0, 0), slice(0, 0)
        part = self._visible(self.picture, QSize(self.picture.width, self.picture.height))
        return slice(part.top(), part.bottom() + 1), slice(part.left(), part.right() + 1)

    def _centre(self) -> QPointF:
        return self._panes()[0].center()

    def _panes(self) -> list[QRectF]:
        """Where pictures are drawn: one, or two beside each other."""
        whole = QRectF(self.rect())
        if self.compare is not CompareMode.SIDE:
            return [whole]
        half = (whole.width() - 4) / 2
        return [
            QRectF(0, 0, half, whole.height()),
            QRectF(half + 4, 0, half, whole.height()),
        ]

    def _pane_at(self, at: QPointF) -> QRectF:
        panes = self._panes()
        return next((pane for pane in panes if pane.contains(at)), panes[0])

    def _keep_in_sight(self) -> None:
        """Let no picture be pushed out of the window altogether."""
        if self.picture is None:
            return
        pane = self._panes()[0]
        width, height = self.picture.width * self._scale, self.picture.height * self._scale
        margin = 60.0
        x = min(pane.width() - margin, max(margin - width, self._offset.x()))
        y = min(pane.height() - margin, max(margin - height, self._offset.y()))
        self._offset = QPointF(x, y)

    def _cached(self, name: str, key: object, make: Callable[[], _T]) -> _T:
        held = self._caches.get(name)
        if held is None or held[0] != key:
            held = (key, make())
            self._caches[name] = held
        return cast("_T", held[1])

    def _forget(self, *names: str) -> None:
        for cached in list(self._caches):
            if any(cached.startswith(name) for name in names):
                del self._caches[cached]

    def _mask_changed(self, box: Box | None) -> None:
        self._forget("human")
        if box is None:
            self.update()
            return
        corner = QPointF(box.x0, box.y0) * self._scale + self._offset
        width, height = (box.x1 - box.x0) * self._scale, (box.y1 - box.y0) * self._scale
        for pane in self._panes():
            place = corner + pane.topLeft()
            area = QRectF(place.x(), place.y(), width, height).adjusted(-4, -4, 4, 4)
            self.update(area.toAlignedRect())
        self._update_ring()

    def _device_scale(self) -> float:
        return self._scale * self.devicePixelRatioF()

    def _visible(self, picture: Picture, size: QSize) -> QRect:
        """The part of a copy of this size that a pane shows."""
        pane = self._panes()[0]
        across = self._scale * picture.width / size.width()
        down = self._scale * picture.height / size.height()
        left = math.floor(-self._offset.x() / across) - 1
        top = math.floor(-self._offset.y() / down) - 1
        right = math.ceil((pane.width() - self._offset.x()) / across) + 1
        bottom = math.ceil((pane.height() - self._offset.y()) / down) + 1
        whole = QRect(QPoint(0, 0), size)
        return QRect(left, top, right - left, bottom - top).intersected(whole)

    def _update_ring(self) -> None:
        if self.tool in {Tool.BRUSH, Tool.ERASER} and self._mouse is not None:
            radius = self.radius * self._scale + 4
            area = QRectF(
                self._mouse.x() - radius, self._mouse.y() - radius, 2 * radius, 2 * radius
            )
            self.update(area.toAlignedRect())
