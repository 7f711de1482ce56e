"""What lies over the image on the canvas and knows nothing of it: captions, divider, notes."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen

from cfinspect.ui.widgets import theme

_LIGHT, _DARK = QColor("#F5F7FA"), QColor(16, 20, 26, 190)
_NOTE, _KNOB = QColor(16, 20, 26, 215), QColor(20, 26, 32, 220)


def draw_highlight(painter: QPainter, box: QRectF) -> None:
    """A frame about a region; ``box`` in screen pixels."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for colour, width in ((QColor(0, 0, 0, 170), 3.5), (QColor("#56B4E9"), 1.5)):
        painter.setPen(QPen(colour, width))
        painter.drawRect(box.adjusted(-4, -4, 4, 4))


def draw_divider(painter: QPainter, x: float, height: float) -> None:
    """The line between image and counterfactual at ``x``, with a knob to take it by."""
    middle = height / 2
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for pen in (QPen(QColor(0, 0, 0, 120), 4), QPen(QColor("white"), 1.5)):
        painter.setPen(pen)
        painter.drawLine(QPointF(x, 0), QPointF(x, height))
    painter.setBrush(_KNOB)
    painter.drawEllipse(QPointF(x, middle), 14, 14)
    for side in (-1, 1):
        tip = QPointF(x + side * 8, middle)
        painter.drawLine(tip, tip + QPointF(-side * 4, -4))
        painter.drawLine(tip, tip + QPointF(-side * 4, 4))


def draw_captions(painter: QPainter, texts: list[tuple[float, str]]) -> None:
    """Small labels at the top. Those near the left edge begin at their x, others end there."""
    font = QFont(painter.font())
    font.setPixelSize(12)
    painter.setFont(font)
    for x, text in texts:
        width = painter.fontMetrics().horizontalAdvance(text) + 12
        _label(painter, QRectF(x if x < 20 else x - width, 8, width, 20), text, _DARK, 4)


def draw_message(painter: QPainter, area: QRect, text: str) -> None:
    """What is there instead of an image."""
    painter.setPen(theme.colours().faint)
    flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
    painter.drawText(area.adjusted(40, 0, -40, 0), flags, text)


def draw_note(painter: QPainter, width: int, text: str) -> None:
    """One line in the middle of the top edge of a canvas that is ``width`` px wide."""
    metrics = painter.fontMetrics()
    box = QRectF(0, 0, metrics.horizontalAdvance(text) + 24, metrics.height() + 12)
    box.moveCenter(QPointF(width / 2, 28))
    _label(painter, box, text, _NOTE, 6)


def _label(painter: QPainter, box: QRectF, text: str, ground: QColor, round_by: int) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(box, round_by, round_by)
    painter.setPen(_LIGHT)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
