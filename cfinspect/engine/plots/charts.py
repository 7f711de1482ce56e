"""Line charts of a training as a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.plots.drawing import Points, drawing, widen
from cfinspect.engine.plots.text import Picture, printable, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DPI = 128  # a power of two: a size in inches, times it, gives whole pixels again
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 170, 28, 28  # px around the axes of a panel
# Tableau's ten: told apart on white, also by most colour-blind eyes.
_LINES = (
    "#1f77b4",
    "#ff7f0e",
    "#2ca02c",
    "#d62728",
    "#9467bd",
    "#8c564b",
    "#e377c2",
    "#6e6e6e",
    "#aaaa14",
    "#17becf",
)


def curves(
    series: Mapping[str, Points],
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
    ``width`` and ``panel_height`` are in px; the picture is the same on every call.
    """
    panels = groups if groups is not None else {"": tuple(series)}
    if not panels:
        raise ValueError("no panel to draw: `groups` is empty")
    finite_x = [x for points in series.values() for x, _ in points if math.isfinite(x)]
    span = widen(min(finite_x), max(finite_x)) if finite_x else (0.0, 1.0)
    height = panel_height * len(panels)
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    with drawing(_DPI):
        figure = Figure((width / _DPI, height / _DPI), _DPI, facecolor="white")
        canvas = FigureCanvasAgg(figure)
        for index, (title, names) in enumerate(panels.items()):
            low = height - (index + 1) * panel_height + _BOTTOM
            size = (width - _LEFT - _RIGHT, panel_height - _TOP - _BOTTOM)
            box = (_LEFT / width, low / height, size[0] / width, size[1] / height)
            chosen = {name: np.array(series[name]) for name in names if name in series}
            _panel(figure.add_axes(box), title, chosen, span)
        canvas.draw()
        return np.array(canvas.buffer_rgba())[..., :3].copy()


def _panel(
    axes: Axes,
    title: str,
    series: Mapping[str, NDArray[np.float64]],
    span: tuple[float, float],
) -> None:
    """One chart: title above, names at the right, axes with round numbers."""
    from matplotlib.lines import Line2D  # noqa: PLC0415
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415

    ys = [y for points in series.values() for _, y in points.reshape(-1, 2) if math.isfinite(y)]
    axes.set_xlim(*span)
    axes.set_ylim(*(widen(min(ys), max(ys), 0.05) if ys else (0.0, 1.0)))
    for axis, (low, high), most in (
        (axes.xaxis, axes.get_xlim(), 8),
        (axes.yaxis, axes.get_ylim(), 5),
    ):
        found = MaxNLocator(most, steps=[1, 2, 5, 10]).tick_values(low, high)
        inside = [float(value) for value in found if low <= value <= high]
        axis.set_ticks(inside, [_number(value) for value in inside])
    # Above the axes by hand: matplotlib's own title measures every letter around it first.
    axes.annotate(
        printable(title),
        (0.0, 1.0),
        (0.0, _points(7)),
        xycoords="axes fraction",
        textcoords="offset points",
        size=_points(14),
    )
    if not ys:
        axes.text(0.02, 0.95, "no values yet", va="top", transform=axes.transAxes)
    handles = []
    for points, colour in zip(series.values(), cycle(_LINES), strict=False):
        _line(axes, points.reshape(-1, 2), colour)
        handles.append(Line2D([], [], color=colour, linewidth=_points(3)))
    axes.legend(
        handles,
        [shorten(name, _RIGHT - 44) for name in series],
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        handlelength=1.4,
        labelspacing=0.5,
    )


def _line(axes: Axes, points: NDArray[np.float64], colour: str) -> None:
    """One series; a value that is not finite ends a piece of the line."""
    broken = np.full((1, 2), np.nan)
    finite = np.isfinite(points).all(axis=1)
    ends = np.flatnonzero(np.diff(finite)) + 1
    pieces = [piece for piece in np.split(points, ends) if len(piece) and _is_finite(piece)]
    for piece in (one for one in pieces if len(one) == 1):
        axes.plot(*piece.T, "o", color=colour, markersize=_points(6), clip_on=False)
    bold, pale = [broken], [broken]
    for piece in (one for one in pieces if len(one) > 1):
        window = len(piece) // 50
        if window > 1:
            # Hundreds of noisy steps hide their own trend: keep them, pale, behind their mean.
            pale += [piece, broken]
            bold += [np.column_stack([piece[:, 0], _running_mean(piece[:, 1], window)]), broken]
        else:
            bold += [piece, broken]
    if len(pale) > 1:
        axes.plot(*np.concatenate(pale).T, color=colour, alpha=1 / 3, linewidth=_points(1))
    if len(bold) > 1:
        axes.plot(*np.concatenate(bold).T, color=colour, linewidth=_points(2))


def _is_finite(piece: NDArray[np.float64]) -> bool:
    return bool(np.isfinite(piece).all())


def _running_mean(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Centred mean over ``window`` values, over fewer near both ends."""
    ones = np.ones(window)
    total = np.convolve(values, ones, mode="same")
    return total / np.convolve(np.ones(len(values)), ones, mode="same")


def _points(pixels: float) -> float:
    """Printers' points, in which matplotlib measures, for pixels of a picture."""
    return pixels * 72 / _DPI


def _number(value: float) -> str:
    if 10_000 <= abs(value) < 10_000_000:
        return f"{value / 1000:g}k"
    return f"{value:.4g}"
