"""Line charts as SVG for a page that opens without a network and prints sharply."""

from __future__ import annotations

import io
from collections.abc import Mapping
from itertools import cycle
from xml.etree import ElementTree

import numpy as np

from cfinspect.engine.plots.drawing import Points, drawing, widen
from cfinspect.engine.plots.text import printable

_DPI = 72  # matplotlib's SVG is in points; at 72 dpi these are the page's pixels
# Okabe and Ito's colours: told apart by the colour-blind, and by their dashes on grey paper.
_LINES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_DASHES = ((), (6, 3), (2, 2), (8, 3, 2, 3), (4, 4), (1, 3), (10, 4))


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

    with drawing(_DPI):
        figure = Figure((width / _DPI, height / _DPI), facecolor="none")
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
        plot.set(xlim=widen(*x_range), ylim=widen(*y_range), xlabel=axes[0], ylabel=axes[1])
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
            series.items(), cycle(_LINES), cycle(_DASHES), strict=False
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
