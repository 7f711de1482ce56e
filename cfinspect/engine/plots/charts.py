"""Line charts by matplotlib: of a training as a picture, of an evaluation as SVG for a page.

No pyplot and no window: a figure here belongs to nobody else. matplotlib is imported when the
first chart is drawn.
"""

from __future__ import annotations

import io
import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.plots.text import FONT_SIZE, INK, Picture, printable, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Points = Sequence[tuple[float, float]]

_DPI = 128  # a power of two: a size in inches, times it, gives whole pixels again
_SVG_DPI = 72  # matplotlib's SVG is in points; at 72 dpi these are the page's pixels
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
# Okabe and Ito's colours: told apart by the colour-blind, and by their dashes on grey paper.
_PAGE_LINES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_DASHES = ((), (6, 3), (2, 2), (8, 3, 2, 3), (4, 4), (1, 3), (10, 4))
_INK = "#" + bytes(INK).hex()
_SETTINGS: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # the one that is always there
    "text.color": _INK,
    "text.parse_math": False,  # a dollar in a name is a dollar
    "axes.unicode_minus": False,
    "axes.axisbelow": True,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#e1e1e1",
    "xtick.color": _INK,
    "ytick.color": _INK,
    "ytick.major.size": 0.0,
    "legend.frameon": False,
    "legend.borderpad": 0.0,
    "svg.fonttype": "none",  # letters stay text: to search, to copy and to read out
    "svg.hashsalt": "cfinspect",  # the same names within the file every time
}
_LOCK = threading.RLock()


@contextmanager
def _drawing(dpi: int) -> Iterator[None]:
    """Draw with matplotlib's own settings and ours, whatever the user's matplotlibrc says.

    These settings belong to the whole process, so charts are drawn one at a time.
    """
    import matplotlib  # noqa: PLC0415

    with _LOCK, matplotlib.rc_context():
        matplotlib.rcdefaults()
        pixel, letters = 72 / dpi, FONT_SIZE * 72 / dpi  # matplotlib measures in points
        sizes: dict[Any, Any] = {  # Any, because only the newest matplotlib has a type of names
            "figure.dpi": dpi,
            "font.size": letters,
            "legend.fontsize": letters,
            "xtick.labelsize": letters,
            "ytick.labelsize": letters,
            "axes.linewidth": pixel,
            "grid.linewidth": pixel,
            "xtick.major.width": pixel,
            "xtick.major.size": 4 * pixel,
            "xtick.major.pad": 3 * pixel,
            "ytick.major.pad": 8 * pixel,
        }
        matplotlib.rcParams.update(_SETTINGS | sizes)
        yield


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
    span = _widen(min(finite_x), max(finite_x)) if finite_x else (0.0, 1.0)
    height = panel_height * len(panels)
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    with _drawing(_DPI):
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


def svg_chart(
    title: str,
    series: Mapping[str, Points],
    axes: tuple[str, str],
    x_range: tuple[float, float] = (0.0, 1.0),
    y_range: tuple[float, float] = (0.0, 1.0),
    *,
    diagonal: bool = False,
) -> str:
    """One line for each of ``series`` as an SVG element to stand inside an HTML page.

    ``axes``: what x and y are; ``diagonal``: a thin line from corner to corner, for curves that
    should lie on it. Points outside of the ranges are drawn on the frame. Letters are text in the
    fonts of whoever looks; nothing in the element refers to anything, inside it or elsewhere.
    """
    # Names stand below, two beside one another: nothing covers a line.
    keys = 6 + 18 * ((len(series) + 1) // 2) if len(series) > 1 else 0
    width, height = 360, 260 + keys
    box = (48 / width, (40 + keys) / height, 300 / width, 190 / height)
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    with _drawing(_SVG_DPI):
        figure = Figure((width / _SVG_DPI, height / _SVG_DPI), facecolor="none")
        plot = figure.add_axes(box, facecolor="none")
        plot.annotate(
            printable(title),
            (0.5, 1.0),
            (0.0, 9.0),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="center",
            weight="bold",
        )
        plot.set(xlim=_widen(*x_range), ylim=_widen(*y_range), xlabel=axes[0], ylabel=axes[1])
        for axis, ends, digits in (
            (plot.xaxis, plot.get_xlim(), 3),
            (plot.yaxis, plot.get_ylim(), 2),
        ):
            quarters = np.linspace(*ends, 5)
            axis.set_ticks(quarters, [f"{value:.{digits}g}" for value in quarters], size=10)
        plot.tick_params(length=0, pad=6)
        if diagonal:
            plot.plot(plot.get_xlim(), plot.get_ylim(), color="#cccccc", linewidth=1)
        for (name, points), colour, dashes in zip(
            series.items(), cycle(_PAGE_LINES), cycle(_DASHES), strict=False
        ):
            across, up = np.reshape(np.array(points, dtype=np.float64), (-1, 2)).T
            plot.plot(
                np.clip(across, *plot.get_xlim()),
                np.clip(up, *plot.get_ylim()),
                color=colour,
                linestyle=(0, dashes) if dashes else "-",
                linewidth=2,
                label=printable(name) or " ",
            )
        if len(series) > 1:
            figure.legend(loc="lower left", bbox_to_anchor=(0.02, 0.01), ncols=2, handlelength=2)
        for artist in figure.findobj():
            artist.set_clip_on(False)  # all lies inside; a clip is a reference within the file
        text = io.StringIO()
        FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None})
    return _for_a_page(text.getvalue(), title)


def _for_a_page(svg: str, title: str) -> str:
    """The drawing alone: no header, no licence, no names and no style that would hold page-wide."""
    root = ElementTree.fromstring(svg)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.rpartition("}")[2] in ("metadata", "defs"):
                parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib.pop("id", None)
        element.tail = None
        if element.tag != "text":
            element.text = None
    kept = {"viewBox": root.attrib["viewBox"], "role": "img", "aria-label": printable(title)}
    root.attrib.clear()
    root.attrib.update(kept, style="stroke-linejoin: round; stroke-linecap: butt")
    return ElementTree.tostring(root, encoding="unicode")


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
    axes.set_ylim(*(_widen(min(ys), max(ys), 0.05) if ys else (0.0, 1.0)))
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


def _widen(low: float, high: float, margin: float = 0.0) -> tuple[float, float]:
    """Range with room around it; a range of no width would divide by nothing."""
    if high - low < 1e-12 * max(1.0, abs(low), abs(high)):
        room = abs(low) * 0.1 or 0.5
    else:
        room = (high - low) * margin
    return low - room, high + room


def _points(pixels: float) -> float:
    """Printers' points, in which matplotlib measures, for pixels of a picture."""
    return pixels * 72 / _DPI


def _number(value: float) -> str:
    if 10_000 <= abs(value) < 10_000_000:
        return f"{value / 1000:g}k"
    return f"{value:.4g}"
