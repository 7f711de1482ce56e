"""Work in a thread that a training waits for."""

import time
from collections.abc import Callable

import pytest

from cfinspect.engine.base.events import CancelToken
from cfinspect.engine.base.progress import Cancelled, Progress
from cfinspect.engine.training.training_data import watched


def counting(to: int, seen: list[int]) -> Callable[[Progress], str]:
    def work(progress: Progress) -> str:
        for number in range(to):
            progress.step(number, to)
            seen.append(number)
            time.sleep(0.01)
        return "done"

    return work


def test_work_goes_on_to_its_end_and_gives_its_result() -> None:
    work, told = watched(counting(30, []), CancelToken()), []
    while True:
        try:
            told.append(next(work))
        except StopIteration as end:
            assert end.value == "done"
            break
    assert told
    assert set(told) <= {(0, 0)} | {(number, 30) for number in range(30)}


def test_work_stops_where_nobody_listens_any_more() -> None:
    seen: list[int] = []
    work = watched(counting(10_000, seen), CancelToken())
    next(work)
    work.close()
    left = len(seen)
    time.sleep(0.1)
    assert 0 < len(seen) == left < 10_000


def test_work_can_be_cancelled() -> None:
    cancel = CancelToken()
    work = watched(counting(10_000, []), cancel)
    next(work)
    cancel.cancel()
    with pytest.raises(Cancelled):
        for _ in work:
            pass
