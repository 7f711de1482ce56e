"""What is between long work and whoever waits for it: how far it is, stop, and remarks on files."""

from __future__ import annotations

import logging
import threading
from functools import lru_cache
from pathlib import Path

_log = logging.getLogger(__name__)
_lock = threading.Lock()
_collected: dict[str, set[Path]] | None = None


def remark(path: Path, text: str) -> None:
    """Say what was decided about a file that is used all the same; ``text`` names the kind of it.

    It goes to the log (level INFO), which the window shows, and to whoever collects remarks.
    """
    with _lock:
        if _collected is not None:
            _collected.setdefault(text, set()).add(path)
    _log_once(path, text)


@lru_cache(4096)
def _log_once(path: Path, text: str) -> None:
    _log.info("%s: %s", path, text)


def collect_remarks() -> None:
    """From now on keep the remarks of all threads; those kept until now are dropped."""
    global _collected  # noqa: PLW0603  (decoding runs in threads, deep below a command)
    with _lock:
        _collected = {}


def take_remarks() -> list[str]:
    """Collect no more; one sentence for each kind of remark, with the number of files."""
    global _collected
    with _lock:
        taken, _collected = _collected or {}, None
    kinds = [(text, sorted(paths)) for text, paths in sorted(taken.items())]
    return [
        f"{len(paths)} {'image' if len(paths) == 1 else 'images'} (such as {paths[0]}): {text}."
        for text, paths in kinds
    ]


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
