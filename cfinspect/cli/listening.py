"""A command as the listener of a workflow: progress and notes on stderr, results as JSON lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from cfinspect.cli.output import Output, note
from cfinspect.engine.base.events import CancelToken, Event
from cfinspect.engine.base.json_types import Json
from cfinspect.engine.base.progress import Progress
from cfinspect.workflows.listener import Listener


class CommandLine(Listener):
    """Shows a progress bar for each task; ``output`` takes the results."""

    def __init__(self, output: Output, cancel: CancelToken | None = None) -> None:
        super().__init__(cancel)
        self.output = output

    @contextmanager
    def task(self, doing: str, unit: str = "images") -> Iterator[Progress]:
        """See ``Listener``."""
        from cfinspect.cli.progress import Counter  # noqa: PLC0415  (keeps --help quick)

        with Counter(doing, unit, cancel=self.cancel) as counter:
            yield counter

    @contextmanager
    def training(self) -> Iterator[Callable[[Event], None]]:
        """See ``Listener``."""
        from cfinspect.cli.display import TrainDisplay  # noqa: PLC0415

        with TrainDisplay() as display:
            yield display.show

    def note(self, text: str) -> None:
        """See ``Listener``."""
        note(text)

    def result(self, event: str, fields: Mapping[str, Json]) -> None:
        """See ``Listener``."""
        self.output.emit(event, fields)
