"""The canvas: one image with its layers, zoomed and compared; and the tools' mouse."""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPointingDevice,
    QResizeEvent,
    QTabletEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from cfinspect.engine.thresholds import clean_mask
from cfinspect.masks.drawing import Box
from cfinspect.ui import theme
from cfinspect.ui.canvas.editor import MAX_RADIUS, MIN_RADIUS, MaskEditor, Tool
from cfinspect.ui.canvas.layers import (
    Layers,
    indexed,
    mask_levels,
    mask_table,
    outline,
    saliency_table,
)
from cfinspect.ui.translate import tr
from cfinspect.ui.workers.pictures import Picture

_T = TypeVar("_T")

_MAX_SCALE = 64.0
_HANDLE = 14  # px around the divider that catch the mouse
_OVERVIEW = 150
_WIDE_PENS = 2500
_SHARP_FROM = 3.0  # screen pixels a pixel, from which pixels are shown as squares


class Compare(StrEnum):
    """How image and counterfactual are compared."""

    OFF = "off"
    SWIPE = "swipe"
    SIDE = "side"


class Canvas(QWidget):
    """Shows a Picture. Positions are image pixels, (0, 0) the upper left corner of the first.

    ``pixel``: what lies under the mouse, in words. ``zoomed``: the scale in screen pixels a pixel.
    ``stroke_ended``: a tool changed the mask. ``needs_editor``: a tool was used and there is no
    editor yet; whoever listens sets one. ``unavailable``: why a wish cannot be met.
    """

    pixel = Signal(str)
    zoomed = Signal(float)
    stroke_ended = Signal()
    needs_editor = Signal()
    radius_changed = Signal(float)
    unavailable = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Image"))
        self.setMinimumSize(200, 150)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.layers = Layers()
        self.picture: Picture | None = None
        self.editor: MaskEditor | None = None
        self.compare = Compare.OFF
        self.tool = Tool.HAND
        self.radius = 8.0
        self.tolerance = 12
        self.divider = 0.5
        self.message = ""
        self.highlight: QRect | None = None
        self._scale = 1.0
        self._offset = QPointF(0, 0)
        self._fitted = True
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
        """Show another picture; the view stays when it is the same image again."""
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
            self._corners = []
            self._blink = False
            self.highlight = None
            self._fitted = True
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

    def set_compare(self, compare: Compare) -> None:
        """Compare in another way."""
        if compare is not Compare.OFF and not self._has_counterfactual():
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
        self._forget("saliency", "human_fill")
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
        if self.compare is not Compare.SIDE:
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

    # Painting -------------------------------------------------------------------------------------

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw what is visible, from copies no larger than needed."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.colours().canvas)
        picture = self.picture
        if picture is None or not picture.levels:
            self._paint_message(painter, self.message or (picture.error if picture else ""))
            painter.end()
            return
        panes = self._panes()
        for number, pane in enumerate(panes):
            painter.save()
            painter.setClipRect(pane)
            painter.translate(pane.topLeft())
            other = number == 1 or self._blink or self.layers.counterfactual.visible
            self._paint_image(painter, picture, picture.levels)
            if other and picture.counterfactual:
                faded = 1.0 if number == 1 or self._blink else self.layers.counterfactual.opacity
                painter.setOpacity(faded)
                self._paint_image(painter, picture, picture.counterfactual)
                painter.setOpacity(1.0)
            if self.compare is Compare.SWIPE and picture.counterfactual and not self._blink:
                painter.save()
                painter.setClipRect(self._right_of_divider())
                self._paint_image(painter, picture, picture.counterfactual)
                painter.restore()
            if not self._blink:
                self._paint_layers(painter, picture)
            if self.compare is not Compare.OFF:
                self._paint_captions(painter, number, pane)
            painter.restore()
        if self.compare is Compare.SWIPE and not self._blink:
            self._paint_divider(painter)
        self._paint_tool(painter)
        self._paint_overview(painter, picture)
        if self.message:
            self._paint_note(painter, self.message)
        painter.end()

    def _device_scale(self) -> float:
        return self._scale * self.devicePixelRatioF()

    def _level(self, count: int) -> int:
        """Which of ``count`` halved copies is just large enough."""
        wanted = self._device_scale()
        if wanted >= 1:
            return 0
        return max(0, min(count - 1, math.floor(math.log2(1 / wanted))))

    def _transform(self, picture: Picture, level: QSize) -> QTransform:
        """From a copy's pixels to the pane; halves are rounded, so both ways have their factor."""
        x = self._scale * picture.width / level.width()
        y = self._scale * picture.height / level.height()
        return QTransform(x, 0, 0, y, self._offset.x(), self._offset.y())

    def _paint_image(self, painter: QPainter, picture: Picture, levels: list[QImage]) -> None:
        image = levels[self._level(len(levels))]
        painter.save()
        painter.setTransform(self._transform(picture, image.size()), True)
        smooth = self._device_scale() < _SHARP_FROM
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        part = self._visible(picture, image.size())
        painter.drawImage(part.topLeft(), image, part)
        painter.restore()

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

    def _paint_layers(self, painter: QPainter, picture: Picture) -> None:
        layers = self.layers
        if layers.saliency.visible and picture.saliency:
            level = self._level(len(picture.saliency))
            table = saliency_table(
                layers.colour_map, round(layers.gain, 2), round(layers.saliency.opacity, 2)
            )
            image = self._cached(
                "saliency", (level, id(table)), lambda: indexed(picture.saliency[level], table)
            )
            self._paint_indexed(painter, picture, image, smooth=True)
        if layers.human_mask.visible or self.editor is not None:
            self._paint_human(painter, picture)
        if layers.machine_mask.visible and self.editor is None:
            if self._preview is not None and picture.saliency:
                self._paint_preview(painter, picture, *self._preview)
            elif self._machine is not None:
                self._paint_machine(painter, picture)
        if self.highlight is not None:
            self._paint_highlight(painter)

    def _paint_indexed(
        self, painter: QPainter, picture: Picture, image: QImage, *, smooth: bool = False
    ) -> None:
        painter.save()
        painter.setTransform(self._transform(picture, image.size()), True)
        painter.setRenderHint(
            QPainter.RenderHint.SmoothPixmapTransform, smooth and self._device_scale() < _SHARP_FROM
        )
        part = self._visible(picture, image.size())
        painter.drawImage(part.topLeft(), image, part)
        painter.restore()

    def _human_levels(self, picture: Picture) -> list[NDArray[np.uint8]]:
        if self.editor is not None:
            return self.editor.levels()
        if picture.human_mask is None:
            return []
        found = picture.human_mask
        return self._cached("human", id(found), lambda: mask_levels(found))

    def _paint_human(self, painter: QPainter, picture: Picture) -> None:
        levels = self._human_levels(picture)
        if not levels:
            return
        level = self._level(len(levels))
        now = theme.colours()
        colour = QColor("#FFC247")
        classes = [colour, colour, QColor("#56B4E9"), QColor("#CC79A7"), QColor("#F0E442")]
        table = mask_table(colour, self.layers.human_mask.opacity, classes)
        mask = levels[level]
        size = QSize(mask.shape[1], mask.shape[0])
        part = self._visible(picture, size)
        if part.isEmpty():
            return
        # A stroke changes the mask while it is drawn: only what is in sight is coloured.
        rows = slice(part.top(), part.bottom() + 1)
        columns = slice(part.left(), part.right() + 1)
        cut = mask[rows, columns]
        painter.save()
        painter.setTransform(self._transform(picture, size), True)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.drawImage(part.topLeft(), indexed(cut, table))
        painter.restore()
        if self.editor is not None and self.editor.is_drawing:
            return
        path = self._outline_of("human_outline", mask, picture, part)
        self._stroke_path(painter, path, now.human, Qt.PenStyle.SolidLine)

    def _paint_machine(self, painter: QPainter, picture: Picture) -> None:
        assert self._machine is not None
        machine = self._machine
        levels = self._cached("machine", id(machine), lambda: mask_levels(machine, binary=True))
        mask = levels[self._level(len(levels))]
        part = self._visible(picture, QSize(mask.shape[1], mask.shape[0]))
        if part.isEmpty():
            return
        path = self._outline_of("machine_outline", mask, picture, part)
        self._stroke_path(painter, path, QColor("#FFB454"), Qt.PenStyle.DashLine)

    def _paint_preview(
        self, painter: QPainter, picture: Picture, value: int, smallest: int
    ) -> None:
        levels = self._cached(
            "peaks", id(picture), lambda: mask_levels(picture.saliency[0])
        )  # of four pixels the largest: thin damage does not fade as it does in an average
        wanted = self._device_scale()
        level = 0 if wanted >= 1 else math.ceil(math.log2(1 / wanted))
        level = min(len(levels) - 1, level)
        peaks = levels[level]
        part = self._visible(picture, QSize(peaks.shape[1], peaks.shape[0]))
        if part.isEmpty():
            return
        cut = peaks[part.top() : part.bottom() + 1, part.left() : part.right() + 1]
        mask = clean_mask(cut >= value, max(1, smallest >> (2 * level)))
        path = outline(mask.view(np.uint8), fine=False)
        path.translate(part.left(), part.top())
        across, down = picture.width / peaks.shape[1], picture.height / peaks.shape[0]
        path = QTransform.fromScale(across, down).map(path)
        painter.save()
        painter.setTransform(
            QTransform(self._scale, 0, 0, self._scale, self._offset.x(), self._offset.y()), True
        )
        pen = QPen(QColor("#FFB454"), 1)
        pen.setCosmetic(True)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)
        painter.restore()

    def _outline_of(
        self, name: str, mask: NDArray[np.uint8], picture: Picture, part: QRect
    ) -> QPainterPath:
        """The outline in image pixels; of a large mask only what is in sight and around it."""
        across = picture.width / mask.shape[1]
        down = picture.height / mask.shape[0]
        whole = QRect(0, 0, mask.shape[1], mask.shape[0])
        if mask.size > 1_500_000:
            margin = max(part.width(), part.height()) // 2
            block = 256  # in steps, so that panning finds its outline again
            wide = part.adjusted(-margin, -margin, margin, margin)
            left, top = wide.left() // block * block, wide.top() // block * block
            whole = QRect(left, top, wide.width() + block, wide.height() + block) & whole
        state = self.editor.mask.shape if self.editor is not None else None
        key = (id(mask), whole.getRect(), state, self._device_scale() >= 1)

        def trace() -> QPainterPath:
            cut = mask[whole.top() : whole.bottom() + 1, whole.left() : whole.right() + 1]
            path = outline(cut, fine=self._device_scale() >= 1)
            path.translate(whole.left(), whole.top())
            return QTransform.fromScale(across, down).map(path)

        return self._cached(name, key, trace)

    def _stroke_path(
        self, painter: QPainter, path: QPainterPath, colour: QColor, style: Qt.PenStyle
    ) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, path.elementCount() < _WIDE_PENS)
        painter.setTransform(
            QTransform(self._scale, 0, 0, self._scale, self._offset.x(), self._offset.y()), True
        )
        painter.setBrush(Qt.BrushStyle.NoBrush)
        # Wide pens take Qt ten times as long; where there is much to draw, thin ones have to do.
        fine = path.elementCount() < _WIDE_PENS
        for tint, width in ((QColor(0, 0, 0, 150), 3.0), (colour, 1.5)):
            pen = QPen(tint, width if fine else 1.0)
            pen.setCosmetic(True)
            if tint is colour and style is Qt.PenStyle.DashLine:
                pen.setDashPattern([4, 2.5])
            shift = 1 / self._scale if tint is not colour and not fine else 0.0
            painter.setPen(pen)
            painter.drawPath(path.translated(shift, shift) if shift else path)
        painter.restore()

    def _paint_highlight(self, painter: QPainter) -> None:
        assert self.highlight is not None
        box = QRectF(self.highlight)
        corner = QPointF(box.x(), box.y()) * self._scale + self._offset
        shown = QRectF(
            corner.x(), corner.y(), box.width() * self._scale, box.height() * self._scale
        )
        painter.setPen(QPen(QColor("white"), 1, Qt.PenStyle.DotLine))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(shown.adjusted(-4, -4, 4, 4))

    def _right_of_divider(self) -> QRectF:
        x = self.divider * self.width()
        return QRectF(x, 0, self.width() - x, self.height())

    def _paint_divider(self, painter: QPainter) -> None:
        x = self.divider * self.width()
        middle = self.height() / 2
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(0, 0, 0, 120), 4))
        painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))
        painter.setPen(QPen(QColor("white"), 1.5))
        painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))
        painter.setBrush(QColor(20, 26, 32, 220))
        painter.drawEllipse(QPointF(x, middle), 14, 14)
        for side in (-1, 1):
            tip = QPointF(x + side * 8, middle)
            painter.drawLine(tip, tip + QPointF(-side * 4, -4))
            painter.drawLine(tip, tip + QPointF(-side * 4, 4))

    def _paint_captions(self, painter: QPainter, number: int, pane: QRectF) -> None:
        left, right = tr("image"), tr("counterfactual")
        texts = [(12.0, left), (pane.width() - 12, right)]
        if self.compare is Compare.SIDE:
            texts = [(12.0, (left, right)[number])]
        font = QFont(painter.font())
        font.setPixelSize(12)
        painter.setFont(font)
        for x, text in texts:
            width = painter.fontMetrics().horizontalAdvance(text) + 12
            box = QRectF(x if x < 20 else x - width, 8, width, 20)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(16, 20, 26, 190))
            painter.drawRoundedRect(box, 4, 4)
            painter.setPen(QColor("#F5F7FA"))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _paint_tool(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self.tool in {Tool.BRUSH, Tool.ERASER} and self._mouse is not None:
            radius = max(1.5, self.radius * self._pressure * self._scale)
            for colour, width in ((QColor(0, 0, 0, 160), 3.0), (QColor("white"), 1.2)):
                pen = QPen(colour, width)
                if self.tool is Tool.ERASER and width < 2:
                    pen.setStyle(Qt.PenStyle.DashLine)
                painter.setPen(pen)
                painter.drawEllipse(self._mouse, radius, radius)
        if self.tool is Tool.POLYGON and self._corners:
            pane = self._panes()[0].topLeft()
            points = [corner * self._scale + self._offset + pane for corner in self._corners]
            if self._mouse is not None:
                points.append(self._mouse)
            for colour, width in ((QColor(0, 0, 0, 160), 3.5), (QColor("#FFC247"), 1.5)):
                painter.setPen(QPen(colour, width))
                painter.drawPolyline(points)
            painter.setBrush(QColor("white"))
            for point in points[: len(self._corners)]:
                painter.drawEllipse(point, 3, 3)

    def _paint_overview(self, painter: QPainter, picture: Picture) -> None:
        """Where we are, once the image is larger than the window."""
        pane = self._panes()[0]
        part = self._visible(picture, QSize(picture.width, picture.height))
        if part.width() >= picture.width - 2 and part.height() >= picture.height - 2:
            return
        factor = _OVERVIEW / max(picture.width, picture.height)
        size = QRectF(0, 0, picture.width * factor, picture.height * factor)
        size.moveBottomRight(pane.bottomRight() - QPointF(12, 12))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setOpacity(0.9)
        painter.drawImage(size, picture.levels[-1])
        painter.setOpacity(1.0)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(0, 0, 0, 200), 1))
        painter.drawRect(size)
        shown = QRectF(
            size.x() + part.x() * factor,
            size.y() + part.y() * factor,
            part.width() * factor,
            part.height() * factor,
        )
        painter.setPen(QPen(QColor("#FFC247"), 1.5))
        painter.drawRect(shown)

    def _paint_message(self, painter: QPainter, text: str) -> None:
        painter.setPen(theme.colours().faint)
        area = self.rect().adjusted(40, 0, -40, 0)
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text)

    def _paint_note(self, painter: QPainter, text: str) -> None:
        metrics = painter.fontMetrics()
        box = QRectF(0, 0, metrics.horizontalAdvance(text) + 24, metrics.height() + 12)
        box.moveCenter(QPointF(self.width() / 2, 28))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(16, 20, 26, 215))
        painter.drawRoundedRect(box, 6, 6)
        painter.setPen(QColor("#F5F7FA"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

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

    # Mouse and keys -------------------------------------------------------------------------------

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the cursor; with ctrl, the brush's size."""
        steps = event.angleDelta().y() / 120
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier and self.tool in {
            Tool.BRUSH,
            Tool.ERASER,
        }:
            self.set_radius(self.radius * 1.15**steps)
        else:
            self.zoom(1.25**steps, event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Drag the divider, pan, or use the tool."""
        at = event.position()
        pans = event.button() == Qt.MouseButton.MiddleButton or (
            event.button() == Qt.MouseButton.LeftButton and self.tool is Tool.HAND
        )
        if event.button() == Qt.MouseButton.LeftButton and self._on_divider(at):
            self._dragging_divider = True
        elif pans:
            self._pan = at
            if self.tool is Tool.HAND:
                self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif event.button() in {Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton}:
            self._use_tool(at, erase=event.button() == Qt.MouseButton.RightButton)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on with what the press began."""
        at = event.position()
        if self._dragging_divider:
            self.divider = min(1.0, max(0.0, at.x() / max(1, self.width())))
            self.update()
        elif self._pan is not None:
            self._offset += at - self._pan
            self._pan = at
            self._fitted = False
            self._keep_in_sight()
            self.update()
        elif self.editor is not None and self.editor.is_drawing:
            place = self.to_image(at)
            erase = self.tool is Tool.ERASER or bool(event.buttons() & Qt.MouseButton.RightButton)
            self.editor.extend((place.x(), place.y()), self.radius * self._pressure, erase=erase)
        self._update_ring()
        self._mouse = at
        self._update_ring()
        if self.tool is Tool.POLYGON and self._corners:
            self.update()
        if self.tool is Tool.HAND and self._pan is None:
            over = self._on_divider(at)
            self.setCursor(Qt.CursorShape.SplitHCursor if over else Qt.CursorShape.OpenHandCursor)
        self._tell_pixel(at)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End what the press began."""
        self._dragging_divider = False
        if self._pan is not None:
            self._pan = None
            if self.tool is Tool.HAND:
                self.setCursor(Qt.CursorShape.OpenHandCursor)
        if self.editor is not None and self.editor.is_drawing:
            self.editor.end()
            self.update()
            self.stroke_ended.emit()
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Close a polygon; else switch between the whole image and its own size."""
        if self.tool is Tool.POLYGON and self._corners:
            self.close_polygon()
        elif self.tool is Tool.HAND and event.button() == Qt.MouseButton.LeftButton:
            if self._fitted:
                self.zoom_to(1 / self.devicePixelRatioF(), event.position())
            else:
                self.fit()

    def tabletEvent(self, event: QTabletEvent) -> None:
        """A pen's pressure is the brush's width; the mouse events that follow draw."""
        pen = event.pointerType() in {
            QPointingDevice.PointerType.Pen,
            QPointingDevice.PointerType.Eraser,
        }
        self._pressure = max(0.15, event.pressure()) if pen and event.pressure() > 0 else 1.0
        event.ignore()  # Qt sends a mouse event in its place

    def leaveEvent(self, _event: object) -> None:
        """No ring where there is no mouse."""
        self._mouse = None
        self._pressure = 1.0
        self.pixel.emit("")
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space blinks, return and backspace are the polygon's, escape gives up."""
        key = event.key()
        if key == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self.set_blink(True)
        elif key in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and self._corners:
            self.close_polygon()
        elif key == Qt.Key.Key_Backspace and self._corners:
            self.drop_corner()
        elif key == Qt.Key.Key_Escape and (self._corners or self.tool is not Tool.HAND):
            self.set_tool(Tool.HAND)
            self.stroke_ended.emit()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Space was let go."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self.set_blink(False)
        else:
            super().keyReleaseEvent(event)

    def focusOutEvent(self, event: object) -> None:
        """Blinking ends when the keys go elsewhere."""
        self.set_blink(False)
        super().focusOutEvent(event)  # type: ignore[arg-type]

    def resizeEvent(self, _event: QResizeEvent) -> None:
        """A fitted image stays fitted."""
        if self._fitted:
            self.fit()

    @property
    def has_corners(self) -> bool:
        """Whether a polygon is being drawn."""
        return bool(self._corners)

    def drop_corner(self) -> None:
        """Take back the last corner of the polygon."""
        if self._corners:
            self._corners.pop()
            self.update()

    def close_polygon(self) -> None:
        """Fill the polygon that was drawn."""
        corners = [(corner.x(), corner.y()) for corner in self._corners]
        self._corners = []
        if self._make_editor() and self.editor is not None and len(corners) >= 3:
            self.editor.add_polygon(corners)
            self.stroke_ended.emit()
        self.update()

    def _use_tool(self, at: QPointF, *, erase: bool) -> None:
        place = self.to_image(at)
        if self.tool is Tool.POLYGON:
            if erase:
                self.close_polygon()
            else:
                self._corners.append(place)
                self.update()
            return
        if self.tool is Tool.HAND or not self._make_editor() or self.editor is None:
            return
        point = (place.x(), place.y())
        if self.tool is Tool.FILL:
            pixels = self.picture.pixels() if self.picture is not None else None
            if pixels is not None:
                self.editor.fill(pixels, point, self.tolerance, erase=erase)
                self.stroke_ended.emit()
                self.update()
            return
        self.editor.begin(
            point, self.radius * self._pressure, erase=erase or self.tool is Tool.ERASER
        )

    def _make_editor(self) -> bool:
        if self.editor is None:
            self.needs_editor.emit()
        return self.editor is not None

    def _on_divider(self, at: QPointF) -> bool:
        if self.compare is not Compare.SWIPE:
            return False
        return abs(at.x() - self.divider * self.width()) < _HANDLE

    def _update_ring(self) -> None:
        if self.tool in {Tool.BRUSH, Tool.ERASER} and self._mouse is not None:
            radius = self.radius * self._scale + 4
            area = QRectF(
                self._mouse.x() - radius, self._mouse.y() - radius, 2 * radius, 2 * radius
            )
            self.update(area.toAlignedRect())

    def _tell_pixel(self, at: QPointF) -> None:
        picture = self.picture
        if picture is None or not picture.levels:
            return
        place = self.to_image(at)
        x, y = math.floor(place.x()), math.floor(place.y())
        if not (0 <= x < picture.width and 0 <= y < picture.height):
            self.pixel.emit("")
            return
        image = picture.levels[0]
        factor = image.width() / picture.width
        colour = image.pixelColor(
            min(image.width() - 1, int(x * factor)), min(image.height() - 1, int(y * factor))
        )
        text = f"{x}, {y}   RGB {colour.red()} {colour.green()} {colour.blue()}"
        if picture.saliency and picture.saliency[0].shape == (picture.height, picture.width):
            value = picture.saliency[0][y, x] / 255
            text += "   " + tr("saliency {value}", value=f"{value:.2f}")
        self.pixel.emit(text)

    def sizeHint(self) -> QSize:
        """As much as there is."""
        return QSize(900, 700)
