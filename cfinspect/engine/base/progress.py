"""The one interface between long work and whoever waits for it: how far it is, and stop."""

from __future__ import annotations


class Cancelled(Exception):
    """Somebody asked the work to stop, and it did, at a safe point; what was finished is kept.

    Its text, if any, says to the person what is kept.
    """


class Progress:
    """What long work is given. This one shows nothing and never stops: for scripts and tests.

    A command's progress bar and a job of the window each override ``show`` and ``cancelled``.
    """

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked the work to stop."""
        return False

    def show(self, done: int, total: int | None = None) -> None:
        """Tell that ``done`` of ``total`` parts are finished; None: nobody knows how many."""

    def check(self) -> None:
        """Raise ``Cancelled`` once somebody asked to stop; call it between parts of the work."""
        if self.cancelled:
            raise Cancelled

    def step(self, done: int, total: int | None = None) -> None:
        """``check``, then ``show``: what a loop calls once for each part."""
        self.check()
        self.show(done, total)

    def tick(self) -> None:
        """``check`` after a small part of which only the caller knows how many there are.

        ``Ticks`` counts and shows them.
        """
        self.check()


class Ticks(Progress):
    """Counts the small parts of work in several functions, ``total`` of them in all at most."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self.total = total
        self.done = 0

    @property
    def cancelled(self) -> bool:
        """As the progress that it counts for."""
        return self._progress.cancelled

    def tick(self) -> None:
        """One part more."""
        self.check()
        self.reach(self.done + 1)

    def reach(self, done: int) -> None:
        """``done`` parts in all, however many were counted."""
        self.done = done
        self._progress.show(min(done, self.total), self.total)
