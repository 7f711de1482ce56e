"""p0, p1 and p_fake as bars."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from cfinspect.ui.widgets import theme
from cfinspect.ui.widgets.translate import tr


class Bars(QWidget):
    """p0, p1 and p_fake as bars, each with its letter, shape of colour and number."""

    def __init__(self) -> None:
        super().__init__()
        self._values: tuple[float, float, float] | None = None
        self.setMinimumHeight(72)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_values(self, values: tuple[float, float, float] | None) -> None:
        """Show these three, or nothing."""
        self._values = values
        if values is not None:
            texts = zip(("p0", "p1", "p_fake"), values, strict=True)
            self.setAccessibleName(", ".join(f"{name} {value:.2f}" for name, value in texts))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Three rows."""
        painter = QPainter(self)
        now = theme.colours()
        names = (
            (tr("p0 undamaged"), now.undamaged),
            (tr("p1 damaged"), now.damaged),
            ("p_fake", now.review),
        )
        metrics = painter.fontMetrics()
        label = max(metrics.horizontalAdvance(name) for name, _ in names) + 8
        number = metrics.horizontalAdvance("0.00") + 4
        for row, (name, colour) in enumerate(names):
            y = row * 24
            painter.setPen(now.faint)
            middle = Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRect(0, y, label, 22), middle, name)
            track = QRectF(label, y + 6, max(10, self.width() - label - number - 8), 10)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(now.line)
            painter.drawRoundedRect(track, 3, 3)
            if self._values is None:
                continue
            value = self._values[row]
            filled = QRectF(track)
            filled.setWidth(max(2.0, track.width() * value))
            painter.setBrush(colour)
            painter.drawRoundedRect(filled, 3, 3)
            painter.setPen(now.text)
            place = QRect(self.width() - number, y, number, 22)
            painter.drawText(place, middle | Qt.AlignmentFlag.AlignRight, f"{value:.2f}")
        painter.end()

    def sizeHint(self) -> QSize:
        """Three rows."""
        return QSize(220, 72)
