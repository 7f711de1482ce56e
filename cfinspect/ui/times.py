"""Times in words."""

from __future__ import annotations

from cfinspect.ui.translate import tr


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
