"""Line charts of a training, drawn with OpenCV: no plotting library is needed at run time."""

import math
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.plots.text import INK, PAPER, Picture, shorten, write

_GRID = (225, 225, 225)
# Tableau's ten: told apart on white, also by most colour-blind eyes.
_LINES = (
    (31, 119, 180),
    (255, 127, 14),
    (44, 160, 44),
    (214, 39, 40),
    (148, 103, 189),
    (140, 86, 75),
    (227, 119, 194),
    (110, 110, 110),
    (170, 170, 20),
    (23, 190, 207),
)


def curves(
    series: Mapping[str, Sequence[tuple[float, float]]],
    groups: Mapping[str, Sequence[str]] | None = None,
    *,
    width: int = 960,
    panel_height: int = 260,
) -> Picture:
    """Line charts of named series of (x, y) points, one panel per group, below each other.

    ``groups`` gives each panel's title and the names drawn in it; names without a series are
    left out, a panel without points says so. Without ``groups`` all series share one panel.
    All panels share the x axis. Values that are not finite break the line. Past 100 points a
    series is drawn pale, with its running mean over it. ``ValueError`` when there is no group.
    """
    panels = groups if groups is not None else {"": tuple(series)}
    finite_x = [x for points in series.values() for x, _ in points if math.isfinite(x)]
    span = (min(finite_x), max(finite_x)) if finite_x else (0.0, 1.0)
    pictures = []
    for title, names in panels.items():
        chosen = {name: series[name] for name in names if name in series}
        pictures.append(_Panel(title, chosen, span, width, panel_height).draw())
    if not pictures:
        raise ValueError("no panel to draw: `groups` is empty")
    return np.concatenate(pictures)


class _Panel:
    """One chart: title above, legend at the right, axes with round tick labels."""

    LEFT, RIGHT, TOP, BOTTOM = 64, 170, 28, 28

    def __init__(
        self,
        title: str,
        series: Mapping[str, Sequence[tuple[float, float]]],
        span: tuple[float, float],
        width: int,
        height: int,
    ) -> None:
        self.title, self.series = title, series
        self.canvas = np.full((height, width, 3), PAPER, dtype=np.uint8)
        ys = [y for points in series.values() for _, y in points if math.isfinite(y)]
        self.empty = not ys
        self.x_range = _widen(*span)
        self.y_range = _widen(min(ys), max(ys), 0.05) if ys else (0.0, 1.0)
        self.x_pixels = (self.LEFT, width - self.RIGHT)
        self.y_pixels = (height - self.BOTTOM, self.TOP)

    def draw(self) -> Picture:
        write(self.canvas, self.title, (self.LEFT, 6), size=15)
        self._axes()
        if self.empty:
            write(self.canvas, "no values yet", (self.LEFT + 12, self.TOP + 12))
        for index, (name, points) in enumerate(self.series.items()):
            colour = _LINES[index % len(_LINES)]
            self._line(points, colour)
            self._legend(index, name, colour)
        return self.canvas

    def _axes(self) -> None:
        left, right = self.x_pixels
        bottom, top = self.y_pixels
        for tick in _ticks(*self.y_range, 5):
            y = round(_scale(tick, self.y_range, self.y_pixels))
            cv2.line(self.canvas, (left, y), (right, y), _GRID, 1)
            write(self.canvas, _number(tick), (left - 8, y - 8), anchor="ra")
        for tick in _ticks(*self.x_range, 8):
            x = round(_scale(tick, self.x_range, self.x_pixels))
            cv2.line(self.canvas, (x, bottom), (x, bottom + 4), INK, 1)
            write(self.canvas, _number(tick), (x, bottom + 6), anchor="ma")
        cv2.line(self.canvas, (left, bottom), (right, bottom), INK, 1)
        cv2.line(self.canvas, (left, bottom), (left, top), INK, 1)

    def _line(self, points: Sequence[tuple[float, float]], colour: tuple[int, int, int]) -> None:
        piece: list[tuple[float, float]] = []
        for x, y in [*points, (math.nan, math.nan)]:
            if math.isfinite(x) and math.isfinite(y):
                piece.append(
                    (
                        _scale(x, self.x_range, self.x_pixels),
                        _scale(y, self.y_range, self.y_pixels),
                    )
                )
            elif piece:
                self._stroke(piece, colour)
                piece = []

    def _stroke(self, piece: list[tuple[float, float]], colour: tuple[int, int, int]) -> None:
        if len(piece) == 1:
            cv2.circle(self.canvas, (round(piece[0][0]), round(piece[0][1])), 3, colour, -1)
            return
        points = np.asarray(piece)
        window = len(piece) // 50
        if window > 1:
            # Hundreds of noisy steps hide their own trend: keep them, pale, behind their mean.
            self._polyline(points, tuple((part + 2 * 255) // 3 for part in colour), 1)
            points = np.column_stack([points[:, 0], _running_mean(points[:, 1], window)])
        self._polyline(points, colour, 2)

    def _polyline(
        self, points: NDArray[np.floating], colour: tuple[int, ...], thickness: int
    ) -> None:
        # OpenCV takes fractions of a pixel as fixed point: 4 bits make the line smooth.
        fixed = np.rint(points * 16).astype(np.int32)
        cv2.polylines(self.canvas, [fixed], False, colour, thickness, cv2.LINE_AA, 4)

    def _legend(self, index: int, name: str, colour: tuple[int, int, int]) -> None:
        x, y = self.x_pixels[1] + 14, self.TOP + 8 + index * 19
        cv2.line(self.canvas, (x, y), (x + 18, y), colour, 3)
        write(self.canvas, shorten(name, self.RIGHT - 44), (x + 25, y - 8))


def _running_mean(values: NDArray[np.floating], window: int) -> NDArray[np.float64]:
    """Centred mean over ``window`` values, over fewer near both ends."""
    ones = np.ones(window)
    total = np.convolve(values, ones, mode="same")
    return total / np.convolve(np.ones(len(values)), ones, mode="same")


def _widen(low: float, high: float, margin: float = 0.0) -> tuple[float, float]:
    """Range with room around it; a range of no width would divide by nothing."""
    if high - low < 1e-12 * max(1.0, abs(low), abs(high)):
        room = abs(low) * 0.1 or 0.5
    else:
        room = (high - low) * margin
    return low - room, high + room


def _ticks(low: float, high: float, most: int) -> list[float]:
    """Up to about ``most`` multiples of 1, 2 or 5 times a power of ten within [low, high]."""
    raw = (high - low) / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def _scale(value: float, values: tuple[float, float], pixels: tuple[int, int]) -> float:
    share = (value - values[0]) / (values[1] - values[0])
    return pixels[0] + share * (pixels[1] - pixels[0])


def _number(value: float) -> str:
    if abs(value) >= 10_000:
        return f"{value / 1000:g}k"
    return f"{value:.4g}"
