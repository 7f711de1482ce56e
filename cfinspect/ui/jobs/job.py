"""Long work: one job at a time on one thread, with progress, partial results and a cancel.

A job is plain Python: ``run(tell)`` works, reports through ``tell`` and returns its result. The
queue relays that to the window as signals, at most ten times a second. An exception in a job is a
signal too and never takes the window down.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, Protocol

from PySide6.QtCore import (
    QCoreApplication,
    QEventLoop,
    QObject,
    QThread,
    Signal,
    SignalInstance,
)

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.events import CancelToken
from cfinspect.engine.base.installed import without_torch
from cfinspect.engine.base.progress import Cancelled, Progress
from cfinspect.ui.jobs.serial_worker import SerialWorker
from cfinspect.ui.widgets.translate import tr

_log = logging.getLogger(__name__)

INTERVAL = 0.1  # seconds between two messages of a job
_NICENESS = 10
PATIENCE = 60.0  # s that a job may take to stop, such as for a checkpoint


@dataclass(frozen=True)
class JobProgress:
    """``done`` of ``total`` (None: unknown), at ``rate`` images a second (0: not told).

    ``seconds_left`` None: unknown. ``text``: what is being done, or "".
    """

    done: int = 0
    total: int | None = None
    rate: float = 0.0
    seconds_left: float | None = None
    text: str = ""


@dataclass(frozen=True)
class Failure:
    """What the person is told: what happened to what, what to do, and the details to copy."""

    title: str
    sentence: str
    details: str

    @classmethod
    def of(cls, title: str, error: BaseException) -> Failure:
        """Of an exception; a CfinspectError says in its own words what to do."""
        details = "".join(traceback.format_exception(error))
        if isinstance(error, CfinspectError):
            return cls(title, str(error), details)
        if isinstance(error, ImportError) and (sentence := without_torch(error)):
            return cls(title, sentence, details)
        _log.error("%s\n%s", title, details)
        if isinstance(error, MemoryError):
            return cls(title, tr("There is not enough memory; close other programs."), details)
        sentence = tr(
            "Something unexpected happened ({error}). Nothing that was saved is lost. Try again; "
            "if it happens again, copy the details and report them.",
            error=f"{type(error).__name__}: {error}"[:300],
        )
        return cls(title, sentence, details)


class JobState(StrEnum):
    """Where a job is."""

    WAITING = "waiting"
    RUNNING = "running"
    STOPPING = "stopping"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Job(Protocol):
    """What the queue runs. ``keeps``: what a cancel leaves, in words for the person.

    One that need not be waited for long when the program ends says so: ``patience``, in seconds,
    instead of PATIENCE. What it has stored must be whole whenever it ends.
    """

    title: str
    keeps: str

    def run(self, tell: JobReporter) -> Any:
        """Do the work on the queue's thread; look at ``tell.cancelled`` every batch."""


class JobHandle(QObject):
    """A job in the queue, as the window sees it; its signals arrive on the window's thread.

    ``succeeded`` with the result of a job that was not cancelled; ``ended`` in every case.
    """

    progressed = Signal(object)
    part = Signal(object)
    succeeded = Signal(object)
    failed = Signal(object)
    ended = Signal()

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job
        self.state = JobState.WAITING
        self.progress = JobProgress()
        self.cancel_token = CancelToken()
        self.resumed = threading.Event()
        self.resumed.set()

    @property
    def is_over(self) -> bool:
        """Whether it has ended, one way or another."""
        return self.state in {JobState.DONE, JobState.CANCELLED, JobState.FAILED}

    @property
    def is_paused(self) -> bool:
        """Whether it waits for ``resume``."""
        return not self.resumed.is_set()

    def pause(self) -> None:
        """Let the job wait at its next safe point."""
        self.resumed.clear()

    def resume(self) -> None:
        """Let a paused job go on."""
        self.resumed.set()


class JobReporter(Progress):
    """A job's way to the window: throttled, so that no job can flood it."""

    def __init__(self, ticket: JobHandle, send: Callable[[SignalInstance, Any], None]) -> None:
        self._ticket = ticket
        self._send = send
        self._started = time.monotonic()
        self._paused = 0.0
        self._sent = {"progress": 0.0, "parts": 0.0}
        self._progress: JobProgress | None = None
        self._parts: list[Any] = []
        self.cancel = ticket.cancel_token

    @property
    def cancelled(self) -> bool:
        """Whether the person asked to stop; also the safe point at which a paused job waits."""
        if self._ticket.is_paused:
            self.flush()
            begun = time.monotonic()
            self.wait_while_paused()
            self._paused += time.monotonic() - begun
        return self.cancel.cancelled

    def wait_while_paused(self) -> None:
        """Where a thread of a paused job waits until it goes on or is cancelled."""
        while not self._ticket.resumed.wait(0.1) and not self.cancel.cancelled:
            pass

    def show(self, done: int, total: int | None = None) -> None:
        """Say how far it is; rate and time left follow from the time it took."""
        self.report(done, total)

    def report(
        self, done: int, total: int | None = None, text: str = "", *, of_images: bool = True
    ) -> None:
        """As ``show``, and what is being done; the rate is shown ``of_images`` only."""
        seconds = time.monotonic() - self._started - self._paused
        rate = done / seconds if seconds > 0.05 else 0.0
        left = (total - done) / rate if total and rate > 0 and done else None
        self.relay(JobProgress(done, total, rate if of_images else 0.0, left, text))

    def relay(self, progress: JobProgress) -> None:
        """Say how far it is, in the job's own figures."""
        self._progress = progress
        if time.monotonic() - self._sent["progress"] >= INTERVAL:
            self._flush_progress()

    def part(self, result: Any) -> None:
        """Hand over a partial result; the window gets lists of them."""
        self._parts.append(result)
        if time.monotonic() - self._sent["parts"] >= INTERVAL:
            self._flush_parts()

    def restart_clock(self) -> None:
        """Measure rates from now on: loading a model is no part of them."""
        self._started, self._paused = time.monotonic(), 0.0

    def flush(self) -> None:
        """Send what was held back."""
        self._flush_progress()
        self._flush_parts()

    def _flush_progress(self) -> None:
        if self._progress is not None:
            self._sent["progress"] = time.monotonic()
            self._send(self._ticket.progressed, self._progress)
            self._progress = None

    def _flush_parts(self) -> None:
        if self._parts:
            self._sent["parts"] = time.monotonic()
            self._send(self._ticket.part, self._parts)
            self._parts = []


class PausableToken(CancelToken):
    """A job's cancel; while the job is paused it holds every thread that looks at it."""

    def __init__(self, tell: JobReporter) -> None:
        super().__init__()
        self._tell = tell

    def cancel(self) -> None:
        """See ``CancelToken``."""
        self._tell.cancel.cancel()

    @property
    def cancelled(self) -> bool:
        """See ``CancelToken``."""
        self._tell.wait_while_paused()
        return self._tell.cancel.cancelled


class PartOfJob(Progress):
    """The progress of one part of a job, shown as the job wants: ``show(done, total)``."""

    def __init__(self, tell: JobReporter, show: Callable[[int, int | None], None]) -> None:
        self._tell = tell
        self._show = show

    @property
    def cancelled(self) -> bool:
        """As the job's."""
        return self._tell.cancelled

    def show(self, done: int, total: int | None = None) -> None:
        """Say it in the job's way."""
        self._show(done, total)


class JobQueue(QObject):
    """The jobs of the window: one runs, the others wait; ``changed`` when a list is to be redrawn.

    ``ended`` carries every ticket when it is over, ``failed`` its Failure.
    """

    changed = Signal()
    ended = Signal(object)
    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        # The window's thread goes before this one and all that its jobs start.
        self._worker = SerialWorker(
            "jobs", self, priority=QThread.Priority.LowPriority, niceness=_NICENESS
        )
        self._worker.begin()
        self.tickets: list[JobHandle] = []

    @property
    def running(self) -> JobHandle | None:
        """The job that runs now."""
        active = {JobState.RUNNING, JobState.STOPPING}
        return next((one for one in self.tickets if one.state in active), None)

    def add(self, job: Job) -> JobHandle:
        """Queue a job."""
        ticket = JobHandle(job)
        ticket.progressed.connect(lambda progress: self._progressed(ticket, progress))
        self.tickets.append(ticket)
        self._worker.put(partial(self._do, ticket))
        self.changed.emit()
        return ticket

    def cancel(self, ticket: JobHandle) -> None:
        """Ask a job to stop; it is ``stopping`` until it has stopped."""
        if ticket.is_over:
            return
        ticket.cancel_token.cancel()
        if ticket.state is JobState.RUNNING:
            ticket.state = JobState.STOPPING
        self.changed.emit()

    def cancel_all(self) -> None:
        """Ask every job to stop, those that wait first."""
        for ticket in reversed(self.tickets):
            self.cancel(ticket)

    def close(self, seconds: float | None = None) -> bool:
        """Stop everything and end the thread; whether it ended in time (None: its job's own)."""
        running = self.running
        if seconds is None:
            seconds = getattr(running.job, "patience", PATIENCE) if running is not None else 1.0
        self.cancel_all()
        self._worker.end()
        end = time.monotonic() + seconds
        while time.monotonic() < end:  # the window stays alive while a job saves its checkpoint
            if self._worker.wait(20):
                return True
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents, 20)
        return self._worker.finish(0)

    def _do(self, ticket: JobHandle) -> None:
        """Do a job, on the worker's thread.

        Its news go through the window's event loop, so whoever has added a job and connected to
        its ticket right away misses nothing.
        """
        send = self._worker.send
        if ticket.cancel_token.cancelled:
            send(self._over, ticket, None, None)
            return
        send(self._began, ticket)
        _log.info("Job: %s", ticket.job.title)
        tell = JobReporter(ticket, lambda signal, news: send(signal.emit, news))
        result, failure = None, None
        try:
            result = ticket.job.run(tell)
        except Cancelled:
            pass  # as the person asked; what it keeps, the job has said
        except BaseException as error:
            failure = Failure.of(ticket.job.title, error)
        tell.flush()
        send(self._over, ticket, result, failure)

    def _began(self, ticket: JobHandle) -> None:
        stopping = ticket.cancel_token.cancelled
        ticket.state = JobState.STOPPING if stopping else JobState.RUNNING
        self.changed.emit()

    def _progressed(self, ticket: JobHandle, progress: JobProgress) -> None:
        ticket.progress = progress
        self.changed.emit()

    def _over(self, ticket: JobHandle, result: Any, failure: Failure | None) -> None:
        if failure is not None:
            ticket.state = JobState.FAILED
        elif ticket.cancel_token.cancelled:
            ticket.state = JobState.CANCELLED
        else:
            ticket.state = JobState.DONE
        self.tickets.remove(ticket)
        self.changed.emit()  # now: whoever hears of the result may open a dialog and wait
        if failure is not None:
            ticket.failed.emit(failure)
            self.failed.emit(failure)
        elif ticket.state is JobState.DONE:
            ticket.succeeded.emit(result)
        ticket.ended.emit()
        self.ended.emit(ticket)
