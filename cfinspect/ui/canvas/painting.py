"""How the canvas paints: from copies no larger than the screen needs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QImage,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QTransform,
)

from cfinspect.engine.inference.saliency import clean_mask
from cfinspect.ui.canvas import decorations
from cfinspect.ui.canvas.base import CanvasBase, CompareMode
from cfinspect.ui.canvas.editor import Tool
from cfinspect.ui.canvas.layers import (
    indexed,
    mask_table,
    outline,
    saliency_table,
)
from cfinspect.ui.jobs.levels import mask_levels
from cfinspect.ui.jobs.picture import Maps, Picture
from cfinspect.ui.widgets import theme
from cfinspect.ui.widgets.translate import tr

if TYPE_CHECKING:
    from cfinspect.ui.jobs.explaining import Shown

_OVERVIEW = 150
_WIDE_PENS = 2500
_SHARP_FROM = 3.0  # screen pixels a pixel, from which pixels are shown as squares


class CanvasPainting(CanvasBase):
    """Draws image, counterfactual, saliency, masks, the tool and the overview."""

    # Painting -------------------------------------------------------------------------------------

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw what is visible, from copies no larger than needed."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.colours().canvas)
        picture = self.picture
        if picture is None or not picture.levels:
            decorations.draw_message(
                painter, self.rect(), self.message or (picture.error if picture else "")
            )
            painter.end()
            self.painted = None
            return
        panes = self._panes()
        for number, pane in enumerate(panes):
            painter.save()
            painter.setClipRect(pane)
            painter.translate(pane.topLeft())
            other = number == 1 or self._blink or self.layers.counterfactual.visible
            self._paint_image(painter, picture, picture.levels)
            if self.explanation is not None:
                self._paint_explanations(painter, picture, self.explanation, number)
            elif other and picture.counterfactual:
                faded = 1.0 if number == 1 or self._blink else self.layers.counterfactual.opacity
                painter.setOpacity(faded)
                self._paint_image(painter, picture, picture.counterfactual)
                painter.setOpacity(1.0)
            if self.compare is CompareMode.SWIPE and picture.counterfactual and not self._blink:
                painter.save()
                painter.setClipRect(self._right_of_divider())
                self._paint_image(painter, picture, picture.counterfactual)
                painter.restore()
            if not self._blink and number == 0 and self.explanation is None:
                painter.save()
                if self.compare is CompareMode.SWIPE and picture.counterfactual:
                    painter.setClipRect(self._left_of_divider(), Qt.ClipOperation.IntersectClip)
                self._paint_layers(painter, picture)
                painter.restore()
            if self.compare is not CompareMode.OFF:
                self._paint_captions(painter, number, pane)
            painter.restore()
        if self.compare is CompareMode.SWIPE and not self._blink:
            decorations.draw_divider(painter, self.divider * self.width(), self.height())
        self._paint_tool(painter)
        self._paint_overview(painter, picture)
        if self.message:
            decorations.draw_note(painter, self.width(), self.message)
        painter.end()
        if self.painted != picture.row.id:
            self.painted = picture.row.id
            self.first_painted.emit()

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

    def _paint_layers(self, painter: QPainter, picture: Picture) -> None:
        layers = self.layers
        if layers.saliency.visible and picture.saliency:
            self._paint_saliency(painter, picture, picture.saliency, "saliency", layers.gain)
        if layers.human_mask.visible or self.editor is not None:
            self._paint_human(painter, picture)
        if layers.machine_mask.visible and self.editor is None:
            if self._preview is not None and picture.saliency:
                self._paint_preview(painter, picture, *self._preview)
            elif self._machine is not None:
                self._paint_machine(painter, picture)
        if self.highlight is not None:
            self._paint_highlight(painter)

    def _paint_explanations(
        self, painter: QPainter, picture: Picture, shown: Shown, number: int
    ) -> None:
        """G's word in the first pane, the other explainer's in the second: saliency and mask.

        While blinking, their counterfactuals instead.
        """
        levels, maps = (picture.counterfactual, picture.saliency)
        if number == 1:
            levels, maps = shown.levels, shown.saliency
        if self._blink:
            if levels:
                self._paint_image(painter, picture, levels)
            return
        if maps:
            # The gain is for changes, which are small; other maps fill the whole range.
            gain = self.layers.gain if levels else 1.0
            self._paint_saliency(painter, picture, maps, f"explained {number}", gain)
        if number == 0:
            if self._machine is not None:
                self._paint_machine(painter, picture)
        elif shown.mask_levels:
            self._paint_mask(painter, picture, shown.mask_levels, "explained outline")

    def _paint_saliency(
        self, painter: QPainter, picture: Picture, maps: Maps, name: str, gain: float
    ) -> None:
        layers = self.layers
        level = self._level(len(maps))
        table = saliency_table(layers.colour_map, round(gain, 2), round(layers.saliency.opacity, 2))
        image = self._cached(name, (level, id(table)), lambda: indexed(maps[level], table))
        self._paint_indexed(painter, picture, image, smooth=True)

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
        self._paint_mask(painter, picture, levels, "machine_outline")

    def _paint_mask(self, painter: QPainter, picture: Picture, levels: Maps, name: str) -> None:
        """The dashed outline of a mask that no human drew."""
        mask = levels[self._level(len(levels))]
        part = self._visible(picture, QSize(mask.shape[1], mask.shape[0]))
        if part.isEmpty():
            return
        path = self._outline_of(name, mask, picture, part)
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
        decorations.draw_highlight(painter, shown)

    def _left_of_divider(self) -> QRectF:
        return QRectF(0, 0, self.divider * self.width(), self.height())

    def _right_of_divider(self) -> QRectF:
        x = self.divider * self.width()
        return QRectF(x, 0, self.width() - x, self.height())

    def _paint_captions(self, painter: QPainter, number: int, pane: QRectF) -> None:
        left, right = tr("image"), tr("counterfactual")
        if self.explanation is not None:
            left, right = tr("the model's own"), self.explanation.caption
        texts = [(12.0, left), (pane.width() - 12, right)]
        if self.compare is CompareMode.SIDE:
            texts = [(12.0, (left, right)[number])]
        decorations.draw_captions(painter, texts)

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
