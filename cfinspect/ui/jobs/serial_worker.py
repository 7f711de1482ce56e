"""A thread that does one task after the other: the one loop under jobs, projects and pictures.

A task is a call without arguments. What it has to tell the window it gives to ``send``, which
calls a function on the thread that made the worker, in the order in which it was sent.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager
from typing import Any

from PySide6.QtCore import QObject, QThread, Signal

_log = logging.getLogger(__name__)

# Those that did not end in time: Qt aborts the program where the object goes before its thread.
_late: set[SerialWorker] = set()


def end_process_if_late(code: int) -> None:
    """End the process with ``code`` now, if a thread was left behind in a read that does not end.

    For the very end, when everything is stored: Python waits for its threads, Qt aborts over its
    own, and the disk that one of them waits for may never answer.
    """
    if not _late:
        return
    _log.info("Not waited for: %s", ", ".join(sorted(one.objectName() for one in _late)))
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # a window may have none
            stream.flush()
    os._exit(code)


Task = Callable[[], None]
Around = Callable[[], AbstractContextManager[None]]


class SerialWorker(QThread):
    """Runs tasks one at a time, the oldest first, or the newest first.

    ``name``: of the thread, for debuggers. ``newest_first``: what was put last is done next.
    ``limit``: how many tasks may wait; beyond it the oldest is forgotten. ``around``: entered on
    the thread before the first task and left after the last, for what must be made and closed on
    one thread, such as a connection to a database. ``priority``: of the thread, as Qt knows it;
    ``niceness`` (0..19): lowers it on Linux, where Qt's priority does nothing, for the thread and
    all that it starts.
    """

    _news = Signal(object, object)
    _spent = Signal()

    def __init__(
        self,
        name: str,
        parent: QObject | None = None,
        *,
        newest_first: bool = False,
        limit: int | None = None,
        around: Around = contextlib.nullcontext,
        priority: QThread.Priority = QThread.Priority.InheritPriority,
        niceness: int = 0,
    ) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self._newest_first = newest_first
        self._limit = limit
        self._around = around
        self._priority = priority
        self._niceness = niceness
        self._waiting: OrderedDict[Hashable, Task] = OrderedDict()
        self._some = threading.Condition()
        self._is_ending = self._is_mute = False
        # A task may hold the last reference to a QObject, which must not be deleted on this
        # thread: a task that was done stays here until the window's thread drops it.
        self._done: deque[Task] = deque()
        self._news.connect(self._deliver)
        self._spent.connect(self._drop_done)

    def begin(self) -> None:
        """Start the thread; tasks may be put before."""
        self.start(self._priority)

    def put(self, task: Task, *, key: Hashable | None = None, alone: bool = False) -> int:
        """Let a task be done, unless the end has come; returns how many that waited were dropped.

        ``key``: of several with one key that wait, only the last is done. ``alone``: all others
        that wait are dropped.
        """
        with self._some:
            if self._is_ending:
                return 0
            before = len(self._waiting)
            if alone:
                self._waiting.clear()
            self._waiting.pop(key, None)  # so that it is the newest
            self._waiting[object() if key is None else key] = task
            if self._limit is not None and len(self._waiting) > self._limit:
                self._waiting.popitem(last=False)
            dropped = before + 1 - len(self._waiting)
            self._some.notify()
        return dropped

    @property
    def has_waiting(self) -> bool:
        """Whether a task waits, or the thread is to end: a long task may look, and be short."""
        with self._some:
            return self._is_ending or bool(self._waiting)

    def send(self, receiver: Callable[..., object], *news: Any) -> None:
        """Call ``receiver(*news)`` on the thread that made the worker; for tasks."""
        self._news.emit(receiver, news)

    def end(self, *, drop: bool = False) -> None:
        """Let the thread end after the tasks that wait, or without them (``drop``)."""
        with self._some:
            if drop:
                self._waiting.clear()
            self._is_ending = True
            self._some.notify()

    def finish(self, seconds: float) -> bool:
        """Do what waits, then end; whether it ended in time."""
        self.end()
        return self._wait(seconds)

    def stop(self, seconds: float) -> bool:
        """End after the present task; whether that was in time.

        What waits is dropped, and what was sent and has not arrived never will.
        """
        self._is_mute = True
        self.end(drop=True)
        return self._wait(seconds)

    def _wait(self, seconds: float) -> bool:
        if self.wait(int(seconds * 1000)):
            return True
        # Its parent may be deleted now. The object of the window's thread outlives everything.
        self.setParent(self.thread())
        _late.add(self)
        self.finished.connect(self._forget_late)
        return False

    def _forget_late(self) -> None:
        self.wait()
        self.setParent(None)
        _late.discard(self)

    def run(self) -> None:
        """Qt's main function of the thread."""
        # Python's tracing (coverage, debuggers) does not reach threads that Qt has started; it
        # begins with the next call.
        sys.settrace(threading.gettrace())
        self._work()

    def _work(self) -> None:
        if self._niceness and sys.platform == "linux":
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), self._niceness)
        with self._around():
            while self._do_next():
                self._spent.emit()

    def _do_next(self) -> bool:
        """Wait for a task and do it; False at the end. No reference to the task stays here."""
        with self._some:
            self._some.wait_for(lambda: self._is_ending or bool(self._waiting))
            if not self._waiting:
                return False
            _, task = self._waiting.popitem(last=self._newest_first)
        self._done.append(task)
        try:
            task()
        except BaseException:  # one task must not take the thread from the others
            _log.exception("A task of %s failed", self.objectName())
        return True

    def _deliver(self, receiver: Callable[..., object], news: tuple[Any, ...]) -> None:
        if not self._is_mute:
            receiver(*news)

    def _drop_done(self) -> None:
        self._done.popleft()
