"""Work on many things by a few threads, results in order, a bounded number of them ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


class OrderedThreads:
    """``workers`` threads; with one, whoever asks does the work, when it is asked for."""

    def __init__(self, workers: int, name: str) -> None:
        self.workers = workers
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=name)

    def map(self, work: Callable[[Given], Made], things: Iterable[Given]) -> Iterator[Made]:
        """``work`` on each of ``things``, which are taken as they are needed."""
        if self.workers == 1:
            yield from map(work, things)
            return
        pending: deque[Future[Made]] = deque()
        try:
            for thing in things:
                pending.append(self._pool.submit(work, thing))
                if len(pending) > self.workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()

    def close(self) -> None:
        """Wait for what is under way."""
        self._pool.shutdown()
