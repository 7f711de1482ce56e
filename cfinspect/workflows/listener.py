"""Whom a workflow tells how it goes: a command, the window, a notebook, or nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from cfinspect.engine.base.events import CancelToken, Event
from cfinspect.engine.base.json_types import Json
from cfinspect.engine.base.progress import Progress


class Listener:
    """This one hears nothing: for scripts and tests. The others override what they show.

    ``cancel``: set from elsewhere, it stops the work at its next safe point.
    """

    def __init__(self, cancel: CancelToken | None = None) -> None:
        self.cancel = cancel or CancelToken()

    @contextmanager
    def task(self, doing: str, unit: str = "images") -> Iterator[Progress]:
        """A part of the work, such as "Evaluating", with its progress counted in ``unit``."""
        yield _Cancellable(self.cancel)

    @contextmanager
    def training(self) -> Iterator[Callable[[Event], None]]:
        """A training; what it gives is told every event of it."""
        yield lambda event: None

    def note(self, text: str) -> None:
        """A sentence that the person should read, such as what was left out and why."""

    def result(self, event: str, fields: Mapping[str, Json]) -> None:
        """A result that is complete, long before all are: one image, one cell of a table."""


class _Cancellable(Progress):
    """Shows nothing, stops when asked."""

    def __init__(self, cancel: CancelToken) -> None:
        self._cancel = cancel

    @property
    def cancelled(self) -> bool:
        return self._cancel.cancelled
