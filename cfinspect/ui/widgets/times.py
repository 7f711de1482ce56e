"""Times in words, and how much memory the program takes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from cfinspect.ui.widgets.translate import tr


def duration(seconds: float) -> str:
    """Seconds as people read them: 45 s, 3:20, 2:05 h."""
    whole = max(0, round(seconds))
    if whole < 60:
        return tr("{n} s", n=whole)
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return tr("{time} min", time=f"{minutes}:{rest:02d}")
    hours, minutes = divmod(minutes, 60)
    return tr("{time} h", time=f"{hours}:{minutes:02d}")


def resident_memory() -> float | None:
    """Memory that this process occupies, in MB; None where the system does not say easily."""
    if sys.platform != "linux":
        return None
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6
