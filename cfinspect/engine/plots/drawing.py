"""How charts are drawn by matplotlib: its settings, the same for everybody, and one at a time.

No pyplot and no window: a figure here belongs to nobody else. matplotlib is imported when the
first chart is drawn.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from cfinspect.engine.plots.text import FONT_SIZE, INK

Points = Sequence[tuple[float, float]]

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
def drawing(dpi: int) -> Iterator[None]:
    """Draw with matplotlib's own settings and ours, whatever the user's matplotlibrc says.

    ``dpi``: of the figure, so that lines and letters get their sizes in px. These settings belong
    to the whole process, so charts are drawn one at a time.
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


def widen(low: float, high: float, margin: float = 0.0) -> tuple[float, float]:
    """Range with room around it; a range of no width would divide by nothing."""
    if high - low < 1e-12 * max(1.0, abs(low), abs(high)):
        room = abs(low) * 0.1 or 0.5
    else:
        room = (high - low) * margin
    return low - room, high + room
