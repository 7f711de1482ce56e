"""Small helpers for Qt's layouts and boxes."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox, QLayout


def clear(layout: QLayout) -> None:
    """Remove and delete every widget of a layout."""
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()


def wide_list(combo: QComboBox) -> None:
    """Let the list that opens be as wide as its longest entry, however narrow the box is."""
    metrics = combo.fontMetrics()
    texts = [combo.itemText(number) for number in range(combo.count())]
    widest = max((metrics.horizontalAdvance(text) for text in texts), default=0)
    combo.view().setMinimumWidth(widest + 48)
