"""Live curves of a training: losses above, figures on the validation images below."""

from __future__ import annotations

import html
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from cfinspect.ui.widgets import theme
from cfinspect.ui.widgets.label import Label
from cfinspect.ui.widgets.translate import mark, tr

_INTERVAL = 2.0  # s between two drawings; each is felt a little while a training runs
_POINTS = 250
_COLOURS = ("#4C9BE8", "#F28E2B", "#2FB8A6", "#A98AF0", "#E15759", "#EDC948", "#9C755F", "#BAB0AC")

# What the legend calls the losses and figures of the engine's events.
_NAMES = {
    "d": mark("D (classifier)"),
    "g": mark("G (generator)"),
    "flip": mark("G: flips D"),
    "change": mark("G: change (L1)"),
    "head": mark("G: own head"),
    "f1": "F1",
    "flip_damaged": mark("flip damaged"),
    "flip_undamaged": mark("flip undamaged"),
    "noise": mark("error of the noise"),
}

Series = Mapping[str, Sequence[tuple[int, float]]]


class Curves(QWidget):
    """Two plots side by side; pyqtgraph is imported when the first curve is drawn."""

    def __init__(self) -> None:
        super().__init__()
        self._drawn = 0.0
        self._plots: list[Any] = []
        self._lines: dict[tuple[int, str], Any] = {}
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._empty = Label(tr("The curves appear here while a training runs."))
        self._empty.setProperty("role", "faint")
        self._row.addWidget(self._empty)
        self.setMinimumHeight(160)

    def clear(self) -> None:
        """Forget all curves."""
        for plot in self._plots:
            plot.clear()
        self._lines.clear()
        self._drawn = 0.0

    def draw(self, losses: Series, figures: Series, *, now: bool = False) -> None:
        """Draw these curves, every other second at most unless ``now``."""
        if not losses or (not now and time.monotonic() - self._drawn < _INTERVAL):
            return
        self._drawn = time.monotonic()
        if not self._plots:
            self._make()
        for number, series in enumerate((losses, figures)):
            for place, (name, points) in enumerate(series.items()):
                self._line(number, name, place).setData(*_thinned(points))

    def _make(self) -> None:
        import pyqtgraph as pg  # noqa: PLC0415  (not before the first paint)

        # Anti-aliased or wide lines take Qt's painter ten times as long; a training is on.
        pg.setConfigOptions(antialias=False)
        self._empty.hide()
        for title in (tr("Losses"), tr("On the validation images")):
            column = QVBoxLayout()
            heading = Label(title)
            heading.setProperty("role", "faint")
            column.addWidget(heading)
            plot = pg.PlotWidget(background=None)
            plot.setAccessibleName(title)
            plot.hideButtons()
            plot.setMenuEnabled(False)
            plot.showGrid(x=False, y=True, alpha=0.2)
            now = theme.colours()
            legend = plot.addLegend(offset=(8, 4), labelTextSize="8pt", colCount=3)
            legend.setLabelTextColor(now.text)
            legend.setBrush(now.background)
            font = QFont(self.font())
            font.setPixelSize(10)
            for name in ("left", "bottom"):
                plot.getAxis(name).setTickFont(font)
            column.addWidget(plot)
            self._row.addLayout(column, 1)
            self._plots.append(plot)
        self._plots[1].setYRange(0, 1.3)  # the legend has its place above 1
        self.retheme()

    def retheme(self) -> None:
        """Axes in the theme's colours."""
        now = theme.colours()
        for plot in self._plots:
            for name in ("left", "bottom"):
                plot.getAxis(name).setPen(now.line)
                plot.getAxis(name).setTextPen(now.faint)

    def _line(self, number: int, name: str, place: int) -> Any:
        import pyqtgraph as pg  # noqa: PLC0415

        key = (number, name)
        if key not in self._lines:
            colour = _COLOURS[place % len(_COLOURS)]
            pen = pg.mkPen(colour, width=1)
            text = tr(_NAMES[name]) if name in _NAMES else html.escape(name)  # the legend's HTML
            # Figures come seldom: a single one is to be seen, too.
            dots = {"symbol": "o", "symbolSize": 5, "symbolPen": pen, "symbolBrush": colour}
            style = dots if number == 1 else {}
            self._lines[key] = self._plots[number].plot(pen=pen, name=text, **style)
        return self._lines[key]


def _thinned(points: Sequence[tuple[int, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Steps and values, averaged down to what a plot can show."""
    values = np.asarray(points, dtype=np.float64)
    if len(values) > _POINTS:
        block = len(values) // _POINTS + 1
        whole = len(values) // block * block
        values = values[:whole].reshape(-1, block, 2).mean(axis=1)
    return values[:, 0], values[:, 1]
