"""Line charts as SVG text for pages that open without a network and print sharply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

Points = Sequence[tuple[float, float]]

_WIDTH, _HEIGHT = 360, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 12, 30, 40
# Okabe and Ito's colours: told apart by the colour-blind, and in grey.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_DASHES = ("", "6 3", "2 2", "8 3 2 3", "4 4", "1 3", "10 4")


def chart(
    title: str,
    series: Mapping[str, Points],
    axes: tuple[str, str],
    x_range: tuple[float, float] = (0.0, 1.0),
    y_range: tuple[float, float] = (0.0, 1.0),
    *,
    diagonal: bool = False,
) -> str:
    """An SVG element with one line for each of ``series``.

    ``axes``: what x and y are; ``diagonal``: a thin line from corner to corner, for curves that
    should lie on it. Points outside of the ranges are drawn on the frame.
    """
    inner = (_WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM)

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - x_range[0]) / ((x_range[1] - x_range[0]) or 1)
        up = (y - y_range[0]) / ((y_range[1] - y_range[0]) or 1)
        across, up = min(max(across, 0.0), 1.0), min(max(up, 0.0), 1.0)
        return round(_LEFT + across * inner[0], 1), round(_TOP + (1 - up) * inner[1], 1)

    # Names stand below, two beside one another: nothing covers a line.
    keys = 13 * ((len(series) + 1) // 2) if len(series) > 1 else 0
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT + keys}" role="img" aria-label="{escape(title)}">',
        f'<text x="{_WIDTH / 2}" y="16" class="title">{escape(title)}</text>',
        f'<rect x="{_LEFT}" y="{_TOP}" width="{inner[0]}" height="{inner[1]}" class="frame"/>',
    ]
    for step in range(5):
        share = step / 4
        x, y = (a + share * (b - a) for a, b in (x_range, y_range))
        at, low = place(x, y_range[0])
        left, height = place(x_range[0], y)
        parts.append(f'<text x="{at}" y="{low + 14}" class="tick">{x:.3g}</text>')
        parts.append(f'<text x="{left - 5}" y="{height + 4}" class="tick side">{y:.2g}</text>')
        parts.append(
            f'<line x1="{left}" y1="{height}" x2="{_WIDTH - _RIGHT}" y2="{height}" class="grid"/>'
        )
    bottom = f'<text x="{_LEFT + inner[0] / 2}" y="{_HEIGHT - 6}" class="axis">{escape(axes[0])}'
    middle = _TOP + inner[1] / 2
    parts.append(f"{bottom}</text>")
    parts.append(
        f'<text x="12" y="{middle}" class="axis" transform="rotate(-90 12 {middle})">'
        f"{escape(axes[1])}</text>"
    )
    if diagonal:
        (x1, y1), (x2, y2) = place(x_range[0], y_range[0]), place(x_range[1], y_range[1])
        parts.append(f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" class="grid"/>')
    for number, (name, points) in enumerate(series.items()):
        style = (
            f'stroke="{_COLOURS[number % 7]}" stroke-dasharray="{_DASHES[number % 7]}" class="line"'
        )
        line = " ".join(f"{x},{y}" for x, y in (place(*point) for point in points))
        parts.append(f'<polyline points="{line}" {style}/>')
        if len(series) > 1:
            x, y = 12 + _WIDTH // 2 * (number % 2), _HEIGHT + 5 + 13 * (number // 2)
            parts.append(f'<line x1="{x}" y1="{y}" x2="{x + 22}" y2="{y}" {style}/>')
            parts.append(f'<text x="{x + 27}" y="{y + 4}" class="key">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>"])
