"""Jobs as the window runs them: progress, partial results, cancel, pause, errors."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from driver import wait_for
from PySide6.QtCore import QThread
from PySide6.QtWidgets import QApplication

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.synth import write_folder
from cfinspect.ui.jobs.job import (
    Failure,
    JobProgress,
    JobQueue,
    JobReporter,
    JobState,
    PartOfJob,
    PausableToken,
)

pytest_plugins = ["stage"]


@dataclass
class Work:
    """A job that does what a test says."""

    do: Callable[[JobReporter], Any]
    title: str = "Work"
    keeps: str = ""

    def run(self, tell: JobReporter) -> Any:
        return self.do(tell)


@pytest.fixture
def jobs(qapp: QApplication) -> Iterator[JobQueue]:
    made = JobQueue()
    yield made
    assert made.close(10)


def test_a_pause_holds_every_thread_of_a_job(jobs: JobQueue) -> None:
    # A training reads images and learns masks in a thread beside the job's.
    counted: list[int] = []

    def do(tell: JobReporter) -> str:
        token = PausableToken(tell)

        def count() -> None:
            while not token.cancelled:
                counted.append(len(counted))
                time.sleep(0.005)

        beside = threading.Thread(target=count)
        beside.start()
        beside.join()
        return "stopped"

    ticket = jobs.add(Work(do))
    wait_for(lambda: len(counted) > 5)
    ticket.pause()
    time.sleep(0.1)
    before = len(counted)
    time.sleep(0.2)
    assert len(counted) == before
    ticket.resume()
    wait_for(lambda: len(counted) > before + 5)
    ticket.pause()
    jobs.cancel(ticket)
    wait_for(lambda: ticket.is_over)
    assert ticket.state is JobState.CANCELLED


def test_a_job_runs_elsewhere_and_its_news_arrive_here(jobs: JobQueue) -> None:
    here = threading.current_thread()
    threads: dict[str, Any] = {}
    parts: list[int] = []

    def do(tell: JobReporter) -> str:
        threads["work"] = threading.current_thread()
        for number in range(10):
            tell.part(number)
            tell.show(number + 1, 10)
        return "result"

    ticket = jobs.add(Work(do))
    ticket.part.connect(parts.extend)
    ticket.part.connect(lambda _: threads.update(news=QThread.currentThread()))
    results: list[str] = []
    ticket.succeeded.connect(results.append)
    wait_for(lambda: ticket.is_over)
    assert threads["work"] is not here
    assert threads["news"] is QApplication.instance().thread()  # type: ignore[union-attr]
    assert parts == list(range(10))
    assert results == ["result"]
    assert ticket.progress.done == 10
    assert ticket.state is JobState.DONE


def test_nothing_is_missed_by_who_connects_after_adding(jobs: JobQueue) -> None:
    told = threading.Event()

    def do(tell: JobReporter) -> None:
        tell.part("first")
        tell.show(1, 2)
        told.set()

    ticket = jobs.add(Work(do))
    assert told.wait(10)  # the job is past its first news before anybody listens
    parts: list[str] = []
    news: list[JobProgress] = []
    ticket.part.connect(parts.extend)
    ticket.progressed.connect(news.append)
    wait_for(lambda: ticket.is_over)
    assert parts == ["first"]
    assert [one.done for one in news] == [1]


def test_no_job_can_flood_the_window(jobs: JobQueue) -> None:
    came: list[JobProgress] = []

    def do(tell: JobReporter) -> int:
        count, end = 0, time.monotonic() + 1.0
        while time.monotonic() < end:
            count += 1
            tell.show(count, None)
        return count

    ticket = jobs.add(Work(do))
    ticket.progressed.connect(came.append)
    counts: list[int] = []
    ticket.succeeded.connect(counts.append)
    wait_for(lambda: ticket.is_over)
    assert counts[0] > 1000
    assert 5 <= len(came) <= 13  # ten a second, and the last
    assert came[-1].done == counts[0]


def test_jobs_wait_for_each_other_and_can_be_cancelled_while_they_wait(jobs: JobQueue) -> None:
    order: list[str] = []
    go = threading.Event()

    def first(_: JobReporter) -> None:
        go.wait(10)
        order.append("first")

    one = jobs.add(Work(first))
    two = jobs.add(Work(lambda _: order.append("second")))
    three = jobs.add(Work(lambda _: order.append("third")))
    wait_for(lambda: one.state is JobState.RUNNING)
    assert [ticket.state for ticket in (two, three)] == [JobState.WAITING, JobState.WAITING]
    jobs.cancel(two)
    go.set()
    wait_for(lambda: three.is_over)
    assert order == ["first", "third"]
    assert two.state is JobState.CANCELLED


def test_stopping_is_said_until_it_has_stopped(jobs: JobQueue) -> None:
    let_go = threading.Event()

    def do(tell: JobReporter) -> None:
        while not tell.cancelled:
            time.sleep(0.005)
        let_go.wait(10)

    ticket = jobs.add(Work(do))
    wait_for(lambda: ticket.state is JobState.RUNNING)
    jobs.cancel(ticket)
    assert str(ticket.state) == "stopping"
    assert not ticket.is_over
    let_go.set()
    wait_for(lambda: ticket.is_over)
    assert str(ticket.state) == "cancelled"


def test_pause_holds_a_job_and_its_clock(jobs: JobQueue) -> None:
    rounds: list[float] = []

    def do(tell: JobReporter) -> None:
        while not tell.cancelled:
            rounds.append(time.monotonic())
            time.sleep(0.01)

    ticket = jobs.add(Work(do))
    wait_for(lambda: len(rounds) > 3)
    ticket.pause()
    time.sleep(0.1)
    before = len(rounds)
    time.sleep(0.2)
    assert len(rounds) == before
    ticket.resume()
    wait_for(lambda: len(rounds) > before + 3)
    ticket.pause()
    jobs.cancel(ticket)  # a paused job can be cancelled
    wait_for(lambda: ticket.is_over)


@pytest.mark.parametrize("error", [ValueError("odd"), CfinspectError("Say it so."), MemoryError()])
def test_an_exception_is_news_and_the_next_job_runs(jobs: JobQueue, error: Exception) -> None:
    def do(_: JobReporter) -> None:
        raise error

    failures: list[Failure] = []
    jobs.failed.connect(failures.append)
    ticket = jobs.add(Work(do))
    after = jobs.add(Work(lambda _: 7))
    wait_for(lambda: after.is_over)
    assert ticket.state is JobState.FAILED
    assert after.state is JobState.DONE
    (failure,) = failures
    assert failure.sentence
    assert type(error).__name__ in failure.details
    if isinstance(error, CfinspectError):
        assert failure.sentence == "Say it so."


def test_a_job_is_the_progress_of_what_it_calls(jobs: JobQueue, tmp_path: Path) -> None:
    drawn = threading.Event()
    shown: list[tuple[int, int | None]] = []

    def do(tell: JobReporter) -> None:
        def show(done: int, total: int | None) -> None:
            shown.append((done, total))
            tell.report(done, total, "walls")
            while done == 2 and not tell.cancelled:
                drawn.set()
                time.sleep(0.01)

        out, part = tmp_path / "walls", PartOfJob(tell, show)
        write_folder(out, "crack", count=50, size=32, seed=1, progress=part)

    ticket = jobs.add(Work(do))
    assert drawn.wait(30)
    wait_for(lambda: ticket.progress.text == "walls")
    failures: list[Failure] = []
    jobs.failed.connect(failures.append)
    jobs.cancel(ticket)
    wait_for(lambda: ticket.is_over)
    assert ticket.state is JobState.CANCELLED
    assert failures == []
    assert shown == [(1, 50), (2, 50)]  # one image later at the most
    assert list(tmp_path.iterdir()) == []
