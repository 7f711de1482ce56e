"""A ``Progress`` that notes what it is shown, and asks to stop when a test wants it."""

from __future__ import annotations

from collections.abc import Callable

from cfinspect.engine.base.progress import Progress


class Recorded(Progress):
    """``seen``: (done, total) as shown; ``ticks``: small parts. ``stop`` says when to stop."""

    def __init__(self, stop: Callable[[], bool] = lambda: False, *, after: int | None = None):
        self.seen: list[tuple[int, int | None]] = []
        self.ticks = 0
        self._stop = stop
        self._after = after

    @property
    def cancelled(self) -> bool:
        """As ``stop`` says, or once ``after`` parts and ticks were told."""
        told = len(self.seen) + self.ticks
        return self._stop() or (self._after is not None and told >= self._after)

    def show(self, done: int, total: int | None = None) -> None:
        """Note it."""
        self.seen.append((done, total))

    def tick(self) -> None:
        """Note it."""
        self.ticks += 1
        self.check()
