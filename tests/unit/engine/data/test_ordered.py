"""Several threads, and results in the order of what was given."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from cfinspect.engine.data.ordered import OrderedThreads


@pytest.mark.parametrize("workers", [1, 3])
def test_results_come_in_order_whoever_is_quicker(workers: int) -> None:
    def slow(number: int) -> int:
        time.sleep(0.02 if number % 3 == 0 else 0.001)
        return number * number

    assert list(OrderedThreads(workers, "t").map(slow, range(12))) == [n * n for n in range(12)]


def test_several_work_at_the_same_time_and_few_are_taken_ahead() -> None:
    taken: list[int] = []
    met = threading.Barrier(3)

    def numbers() -> Iterator[int]:
        for number in range(9):
            taken.append(number)
            yield number

    def meet(number: int) -> int:
        met.wait(20)  # only several at the same time get past it
        return number

    results = OrderedThreads(3, "t").map(meet, numbers())
    assert next(results) == 0 and len(taken) == 4
    assert list(results) == list(range(1, 9))


def test_an_error_comes_in_its_place_and_ends_the_rest() -> None:
    done: list[int] = []

    def work(number: int) -> int:
        if number == 2:
            raise ValueError("two")
        done.append(number)
        return number

    results = OrderedThreads(2, "t").map(work, range(100))
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="two"):
        next(results)
    assert len(done) < 10


def test_what_nobody_waits_for_any_more_is_not_begun() -> None:
    begun: list[int] = []
    hold = threading.Event()

    def work(number: int) -> int:
        begun.append(number)
        if number:
            hold.wait(20)
        return number

    threads = OrderedThreads(2, "t")
    results = threads.map(work, range(100))
    assert next(results) == 0
    results.close()  # type: ignore[attr-defined]
    hold.set()
    threads.close()
    assert set(begun) <= {0, 1, 2}
