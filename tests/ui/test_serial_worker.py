"""The thread under jobs, projects and pictures: one task at a time, in the right order."""

from __future__ import annotations

import gc
import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest
import shiboken6
from driver import live, wait_for
from PySide6.QtCore import QObject, QThread
from PySide6.QtWidgets import QApplication

from cfinspect.ui.jobs.serial_worker import SerialWorker

pytest_plugins = ["stage"]

Make = Callable[..., SerialWorker]


@pytest.fixture
def make(qapp: QApplication) -> Iterator[Make]:
    """Makes workers, and ends them after the test."""
    made: list[SerialWorker] = []

    def begun(**settings: object) -> SerialWorker:
        worker = SerialWorker("test", **settings)  # type: ignore[arg-type]
        made.append(worker)
        worker.begin()
        return worker

    yield begun
    for one in made:
        assert one.stop(10)


@contextmanager
def held(worker: SerialWorker) -> Iterator[None]:
    """Keep the thread busy, so that what is put meanwhile waits."""
    busy, free = threading.Event(), threading.Event()

    def task() -> None:
        busy.set()
        free.wait(10)

    worker.put(task)
    assert busy.wait(10)
    yield
    free.set()


def test_tasks_are_done_one_at_a_time_elsewhere_and_their_news_arrive_here(make: Make) -> None:
    worker = make()
    threads: set[QThread] = set()
    running, most, came = 0, 0, []

    def task(number: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        threads.add(QThread.currentThread())
        worker.send(hear, number)
        running -= 1

    def hear(number: int) -> None:
        assert QThread.currentThread() is QApplication.instance().thread()  # type: ignore[union-attr]
        came.append(number)

    for number in range(50):
        assert worker.put(partial(task, number)) == 0
    wait_for(lambda: len(came) == 50)
    assert came == list(range(50))
    assert most == 1
    assert threads == {worker}  # Qt gives the very object that stands for the thread


def test_the_newest_comes_first_and_what_waits_has_a_limit(make: Make) -> None:
    worker = make(newest_first=True, limit=3)
    done: list[int] = []
    with held(worker):
        dropped = [worker.put(partial(done.append, number)) for number in range(5)]
    wait_for(lambda: len(done) == 3)
    assert done == [4, 3, 2]
    assert dropped == [0, 0, 0, 1, 1]


def test_of_several_with_one_key_only_the_last_is_done_and_in_its_own_turn(make: Make) -> None:
    worker = make()
    done: list[str] = []
    with held(worker):
        worker.put(partial(done.append, "old"), key="facts")
        worker.put(partial(done.append, "other"))
        assert worker.put(partial(done.append, "new"), key="facts") == 1
    wait_for(lambda: len(done) == 2)
    assert done == ["other", "new"]


def test_a_task_that_stands_alone_drops_all_that_wait(make: Make) -> None:
    worker = make()
    done: list[int] = []
    with held(worker):
        assert not worker.has_waiting
        for number in range(4):
            worker.put(partial(done.append, number))
        assert worker.has_waiting
        assert worker.put(partial(done.append, 9), alone=True) == 4
    wait_for(lambda: bool(done))
    live(0.05)
    assert done == [9]


def test_finish_does_what_waits_and_later_tasks_are_never_done(make: Make) -> None:
    worker = make()
    done: list[int] = []
    with held(worker):
        worker.put(partial(done.append, 1))
        worker.end()
        assert worker.put(partial(done.append, 2)) == 0
    assert worker.finish(10)
    assert done == [1]


def test_stop_drops_what_waits_and_what_was_sent(make: Make) -> None:
    worker = make()
    done: list[int] = []
    came: list[str] = []
    worker.put(lambda: worker.send(came.append, "too late"))
    with held(worker):
        worker.put(partial(done.append, 1))
        worker.end(drop=True)
    assert worker.stop(10)
    live(0.05)
    assert done == []
    assert came == []


def test_what_is_made_around_the_tasks_is_made_and_closed_on_the_thread(make: Make) -> None:
    there: list[threading.Thread] = []
    here = threading.current_thread()

    @contextmanager
    def around() -> Iterator[None]:
        there.append(threading.current_thread())
        yield
        there.append(threading.current_thread())

    worker = make(around=around)
    worker.put(lambda: there.append(threading.current_thread()))
    assert worker.finish(10)
    assert len(there) == 3
    assert len(set(there)) == 1
    assert here not in there


def test_a_task_that_fails_is_logged_and_the_next_is_done(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    worker = make()
    done: list[int] = []

    def fail() -> None:
        raise ValueError("spoilt")

    worker.put(fail)
    worker.put(partial(done.append, 1))
    wait_for(lambda: bool(done))
    assert "spoilt" in caplog.text


def test_the_last_reference_to_a_task_is_dropped_on_the_window_s_thread(make: Make) -> None:
    """A QObject that dies on another thread takes the program down now and then."""
    worker = make()
    died: list[threading.Thread] = []
    thing = QObject()
    weakref.finalize(thing, lambda: died.append(threading.current_thread()))
    worker.put(partial(lambda _: None, thing))
    del thing
    gc.collect()
    wait_for(lambda: bool(died))
    assert died == [threading.current_thread()]


def test_a_thread_that_does_not_end_in_time_outlives_its_owner(qapp: QApplication) -> None:
    owner = QObject()
    worker = SerialWorker("late", owner)
    worker.begin()
    done: list[int] = []
    with held(worker):
        worker.put(partial(done.append, 1))
        assert not worker.stop(0.05)
        shiboken6.delete(owner)
        assert worker.isRunning()
    wait_for(worker.isFinished)
    assert done == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere Qt's own priority does it")
def test_a_thread_lets_others_go_first(make: Make) -> None:
    here = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    found: list[int] = []
    worker = make(niceness=10)
    worker.put(lambda: found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id())))
    wait_for(lambda: bool(found))
    assert found == [max(10, here)]
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == here
