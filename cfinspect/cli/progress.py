"""Progress on stderr: a live display on a terminal, now and then a plain line elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich import progress as rich_progress
from rich.console import Console
from rich.text import Text

from cfinspect.engine.base.events import CancelToken
from cfinspect.engine.base.progress import Progress
from cfinspect.visible import visible

LINE_EVERY_SECONDS = 10.0
_LIVE_EVERY_SECONDS = 0.05


class Counter(Progress):
    """Counts finished things of a known number; use as a context manager.

    Show it (done, total) as often as you like. ``cancel``: what a signal sets.
    """

    def __init__(
        self, doing: str, unit: str = "images", *, cancel: CancelToken | None = None
    ) -> None:
        self._cancel = cancel
        self._doing, self._unit = visible(doing), unit
        self._console = Console(stderr=True)
        self._bar = rich_progress.Progress(
            rich_progress.TextColumn("{task.description}", markup=False),
            rich_progress.BarColumn(),
            rich_progress.MofNCompleteColumn(),
            rich_progress.TextColumn("{task.fields[rate]}"),
            rich_progress.TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task(self._doing, total=None, rate="")
        self._started = self._told = time.monotonic()
        self._live = self._console.is_terminal

    def __enter__(self) -> Self:
        if self._live:
            self._bar.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _tb: TracebackType | None,
    ) -> None:
        if self._live:
            self._bar.stop()

    @property
    def cancelled(self) -> bool:
        """Whether a signal asked to stop."""
        return self._cancel is not None and self._cancel.cancelled

    def show(self, done: int, total: int | None = None) -> None:
        """Show that ``done`` of ``total`` (None: nobody knows) are finished."""
        now = time.monotonic()
        if now - self._told < (_LIVE_EVERY_SECONDS if self._live else LINE_EVERY_SECONDS):
            return  # of a table with millions of rows, most of the time went into showing
        self._told = now
        rate = f"{done / max(now - self._started, 1e-6):.1f} {self._unit}/s"
        if self._live:
            self._bar.update(self._task, completed=done, total=total, rate=rate)
        else:
            of = "" if total is None else f" of {total}"
            self.say(f"{self._doing}: {done}{of}, {rate}")

    def say(self, text: str) -> None:
        """Print one line without disturbing the display."""
        print_line(self._console, text)


def print_line(console: Console, text: str) -> None:
    """Print one line for people, as it is: no markup, nothing that the terminal would obey."""
    console.print(Text(visible(text)), soft_wrap=True)


def duration(seconds: float) -> str:
    """Return a length of time as people read it: 4.2 s, 45 s, 3:05 min, 2:10 h."""
    if seconds < 9.95:
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h"
