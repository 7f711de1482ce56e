"""How an image looks in a grid: thumbnail, label and state as shapes, not colours alone."""

from __future__ import annotations

from collections import OrderedDict

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from cfinspect.project.listing import HumanState, ImageRow
from cfinspect.ui.gallery.image_model import ROW, THUMBNAIL
from cfinspect.ui.widgets import theme

_FOOT = 22
_GAP = 4


class GridDelegate(QStyledItemDelegate):
    """Draws one image of a grid, ``side`` px wide, with its name where ``named``.

    ``tint``: what is drawn over the thumbnail of one image (id).
    """

    def __init__(self, side: int, parent: QWidget, *, named: bool = True) -> None:
        super().__init__(parent)
        self.side = side
        self.named = named
        self.tint: tuple[int, QPixmap] | None = None

    @property
    def cell(self) -> QSize:
        """The size of one cell."""
        foot = _FOOT if self.named else 0
        return QSize(self.side + 2 * _GAP, self.side + 2 * _GAP + foot)

    def sizeHint(
        self, _option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """The same for all, which keeps 100,000 of them quick."""
        return self.cell

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Paint the cell."""
        row = index.data(ROW)
        if row is None:
            return
        now = theme.colours()
        painter.save()
        area = QRect(option.rect)
        state = option.state
        selected = bool(state & QStyle.StateFlag.State_Selected)
        focused = bool(state & QStyle.StateFlag.State_HasFocus)
        if selected:
            painter.fillRect(area.adjusted(1, 1, -1, -1), now.accent)
        frame = QRect(area.x() + _GAP, area.y() + _GAP, self.side, self.side)
        painter.fillRect(frame, now.canvas)
        picture = index.data(THUMBNAIL)
        if picture is not None:
            _draw_fitting(painter, frame, picture)
            if self.tint is not None and self.tint[0] == row.id:
                _draw_fitting(painter, frame, self.tint[1])
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        draw_badges(painter, frame, row)
        if self.named:
            foot = QRect(area.x() + _GAP, frame.bottom() + 1, self.side, _FOOT)
            painter.setPen(QColor("white") if selected else now.text)
            name = row.name.rpartition("/")[2]
            metrics = painter.fontMetrics()
            painter.drawText(
                foot,
                Qt.AlignmentFlag.AlignVCenter,
                metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, foot.width()),
            )
        if focused:
            painter.setPen(QPen(now.text, 1, Qt.PenStyle.DotLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(area.adjusted(1, 1, -2, -2))
        painter.restore()


def _draw_fitting(painter: QPainter, frame: QRect, picture: QPixmap) -> None:
    """The whole picture inside the frame; small ones grow, so that all look alike."""
    ratio = painter.device().devicePixelRatioF()
    scaled = _scaled(picture.cacheKey(), round(frame.width() * ratio), picture)
    scaled.setDevicePixelRatio(ratio)
    place = QRectF(QPointF(0, 0), scaled.deviceIndependentSize())
    place.moveCenter(QRectF(frame).center())
    painter.drawPixmap(place.topLeft().toPoint(), scaled)


_KEPT = 1500
_scaled_ones: OrderedDict[tuple[int, int], QPixmap] = OrderedDict()


def _scaled(key: int, side: int, picture: QPixmap) -> QPixmap:
    """A thumbnail at the size that is on screen; scrolling draws the same ones again and again."""
    found = _scaled_ones.get((key, side))
    if found is None:
        found = picture.scaled(
            side,
            side,
            Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
        _scaled_ones[key, side] = found
        if len(_scaled_ones) > _KEPT:
            _scaled_ones.popitem(last=False)
    return found


def draw_badges(painter: QPainter, frame: QRect, row: ImageRow) -> None:
    """The model's label with its score below left, and what humans said above right."""
    painter.save()
    _draw_badges(painter, frame, row)
    painter.restore()


def _draw_badges(painter: QPainter, frame: QRect, row: ImageRow) -> None:
    now = theme.colours()
    if row.machine is not None and row.score is not None:
        text = f"{row.score:.2f}"
        box = QRectF(frame.x() + 4, frame.bottom() - 23, 52, 20)
        _plate(painter, box)
        shape = QRectF(box.x() + 4, box.y() + 4, 12, 12)
        draw_label_shape(painter, shape, row.machine, solid=False)
        font = QFont(painter.font())
        font.setPixelSize(12)
        painter.setFont(font)
        painter.setPen(QColor("#F5F7FA"))
        painter.drawText(box.adjusted(19, 0, -3, 0), Qt.AlignmentFlag.AlignVCenter, text)
    if row.state is HumanState.OPEN and not row.to_review:
        return
    box = QRectF(frame.right() - 23, frame.y() + 4, 20, 20)
    _plate(painter, box)
    inner = box.adjusted(4, 4, -4, -4)
    if row.state is HumanState.OPEN:
        font = QFont(painter.font())
        font.setPixelSize(14)
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(QColor("#C9B5FF") if now.dark else now.review.lighter(170))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, "?")
    elif row.state is HumanState.SKIPPED:
        painter.setPen(QPen(QColor("#F5F7FA"), 1.8))
        painter.drawLine(
            QPointF(inner.left(), inner.center().y()), QPointF(inner.right(), inner.center().y())
        )
    else:
        draw_label_shape(painter, inner, row.verdict, solid=True)
        if row.state is HumanState.CORRECTED:  # a small pencil stroke under it
            painter.setPen(QPen(QColor("#F5F7FA"), 1.6))
            painter.drawLine(box.bottomLeft() + QPointF(4, -2), box.bottomRight() + QPointF(-4, -2))


def draw_label_shape(painter: QPainter, box: QRectF, label: int | None, *, solid: bool) -> None:
    """A triangle for damaged, a circle for undamaged; hollow for the machine, solid for a human."""
    colour = {0: QColor("#3FD0BD"), 1: QColor("#FF9E3D")}.get(label if label is not None else -1)
    if colour is None:
        return
    painter.setPen(QPen(colour, 1.8))
    painter.setBrush(colour if solid else Qt.BrushStyle.NoBrush)
    if label == 1:
        painter.drawPolygon(
            QPolygonF([QPointF(box.center().x(), box.top()), box.bottomRight(), box.bottomLeft()])
        )
    else:
        painter.drawEllipse(box)


def _plate(painter: QPainter, box: QRectF) -> None:
    """Dark ground behind a badge: readable on any photo."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(16, 20, 26, 205))
    painter.drawRoundedRect(box, 4, 4)
