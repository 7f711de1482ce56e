"""A thread with its own connection to the project: whoever asks gets the answer as a call back.

Two of them serve the window: one reads lists, one writes what people said. The window's thread
never waits for a disk.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QThread, Signal

from cfinspect.project.project import Project
from cfinspect.ui.jobs.job import Failure
from cfinspect.ui.widgets.translate import tr

Work = Callable[[Project], Any]
Then = Callable[[Any], None]
Sorry = Callable[[Failure], None]


class _Ask:
    def __init__(self, work: Work, then: Then | None, sorry: Sorry | None, key: str) -> None:
        self.work = work
        self.then = then
        self.sorry = sorry
        self.key = key


class ProjectThread(QThread):
    """Does what it is asked with a project, in order, and calls back on the window's thread.

    ``opened`` when the project is open, ``refused`` with a Failure when it cannot be opened;
    ``failed`` for an error that nobody asked to hear of.
    """

    opened = Signal()
    refused = Signal(object)
    failed = Signal(object)
    _answer = Signal(object, object, object)

    def __init__(self, open_project: Callable[[], Project], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("desk")
        self._open = open_project
        self._asked: deque[_Ask | None] = deque()
        self._some = threading.Condition()
        self._busy = 0
        self._closed = False
        self._answer.connect(self._deliver)

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
        with self._some:
            if key:
                stale = [one for one in self._asked if one is not None and one.key == key]
                for one in stale:
                    self._asked.remove(one)
                self._busy -= len(stale)
            self._asked.append(_Ask(work, then, sorry, key))
            self._busy += 1
            self._some.notify()

    def close(self, seconds: float = 30.0) -> bool:
        """Do what was asked so far and end; whether it ended in time. Later answers are dropped."""
        self._closed = True
        with self._some:
            self._asked.append(None)
            self._some.notify()
        return self.wait(int(seconds * 1000))

    def run(self) -> None:
        """Thread's main; see ``_Worker.run`` in job.py for the tracing."""
        sys.settrace(threading.gettrace())
        self._work()

    def _work(self) -> None:
        try:
            project = self._open()
        except BaseException as error:
            self.refused.emit(Failure.of(tr("The project cannot be opened"), error))
            return
        self.opened.emit()
        with project:
            while True:
                with self._some:
                    self._some.wait_for(lambda: bool(self._asked))
                    ask = self._asked.popleft()
                if ask is None:
                    return
                try:
                    result = ask.work(project)
                except BaseException as error:
                    self._answer.emit(ask, None, Failure.of(tr("That did not work"), error))
                else:
                    self._answer.emit(ask, result, None)

    def _deliver(self, ask: _Ask, result: Any, failure: Failure | None) -> None:
        self._busy -= 1
        if self._closed:  # whoever asked has gone
            return
        if failure is None:
            if ask.then is not None:
                ask.then(result)
        elif ask.sorry is not None:
            ask.sorry(failure)
        else:
            self.failed.emit(failure)


def opener(root: Path, *, domain: str = "", human: bool = False) -> Callable[[], Project]:
    """How a desk opens the project of a folder, making one where there is none."""
    return lambda: Project.create(root, domain=domain, human=human)
