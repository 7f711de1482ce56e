"""A thread with its own connection to the project: whoever asks gets the answer as a call back.

Three of them serve the window: two read, one writes what people said. The window's thread never
waits for a disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from cfinspect.project.project import Project
from cfinspect.ui.jobs.job import Failure
from cfinspect.ui.jobs.serial_worker import SerialWorker
from cfinspect.ui.widgets.translate import tr

Work = Callable[[Project], Any]
Then = Callable[[Any], None]
Sorry = Callable[[Failure], None]


class ProjectThread(QObject):
    """Does what it is asked with a project, in order, and calls back on the window's thread.

    ``opened`` when the project is open, ``refused`` with a Failure when it cannot be opened;
    ``failed`` for an error that nobody asked to hear of.
    """

    opened = Signal()
    refused = Signal(object)
    failed = Signal(object)

    def __init__(self, open_project: Callable[[], Project], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._open = open_project
        self._project: Project | None = None  # for the worker's thread only
        self._worker = SerialWorker("desk", self, around=self._with_project)
        self._busy = 0
        self._closed = False

    def start(self) -> None:
        """Open the project, then do what is asked."""
        self._worker.begin()

    @property
    def is_idle(self) -> bool:
        """Whether everything that was asked has been answered."""
        return self._busy == 0

    def ask(
        self, work: Work, then: Then | None = None, sorry: Sorry | None = None, *, key: str = ""
    ) -> None:
        """Do ``work(project)`` and call ``then(result)``, or ``sorry(failure)``.

        Of several with one ``key`` that wait, only the last is done and answered.
        """
        self._busy += 1
        self._busy -= self._worker.put(partial(self._do, work, then, sorry), key=key or None)

    def close(self, seconds: float = 30.0) -> bool:
        """Do what was asked so far and end; whether it ended in time. Later answers are dropped."""
        self._closed = True
        return self._worker.finish(seconds)

    @contextmanager
    def _with_project(self) -> Iterator[None]:
        """Open the project and close it in the end, both on the worker's thread."""
        try:
            self._project = self._open()
        except BaseException as error:
            failure = Failure.of(tr("The project cannot be opened"), error)
            self._worker.send(self.refused.emit, failure)
            self._worker.end(drop=True)
            yield
            return
        self._worker.send(self.opened.emit)
        with self._project:
            yield

    def _do(self, work: Work, then: Then | None, sorry: Sorry | None) -> None:
        """Do what was asked, on the worker's thread."""
        assert self._project is not None
        try:
            result = work(self._project)
        except BaseException as error:
            failure = Failure.of(tr("That did not work"), error)
            self._worker.send(self._failed, sorry, failure)
        else:
            self._worker.send(self._answered, then, result)

    def _answered(self, then: Then | None, result: Any) -> None:
        self._busy -= 1
        if then is not None and not self._closed:  # or whoever asked has gone
            then(result)

    def _failed(self, sorry: Sorry | None, failure: Failure) -> None:
        self._busy -= 1
        if self._closed:
            return
        if sorry is not None:
            sorry(failure)
        else:
            self.failed.emit(failure)


def opener(root: Path, *, domain: str = "", human: bool = False) -> Callable[[], Project]:
    """How a desk opens the project of a folder, making one where there is none."""
    return lambda: Project.create(root, domain=domain, human=human)
