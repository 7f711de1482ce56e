"""The one interface of long work: it shows, asks, and counts small parts."""

from __future__ import annotations

import pytest
from recorded_progress import Recorded

from cfinspect.engine.base.progress import Cancelled, Progress, Ticks


def test_the_plain_one_shows_nothing_and_never_stops() -> None:
    progress = Progress()
    progress.show(1, 2)
    progress.step(1)
    progress.tick()
    progress.check()
    assert not progress.cancelled


def test_a_step_asks_before_it_shows() -> None:
    progress = Recorded(after=1)
    progress.step(1, 3)
    with pytest.raises(Cancelled):
        progress.step(2, 3)
    assert progress.seen == [(1, 3)]


def test_ticks_count_up_to_their_total() -> None:
    whole = Recorded()
    ticks = Ticks(whole, 4)
    for _ in range(3):
        ticks.tick()
    ticks.reach(2)  # a batch took more parts than were expected of it
    for _ in range(3):
        ticks.tick()
    assert [done for done, _ in whole.seen] == [1, 2, 3, 2, 3, 4, 4]
    assert {total for _, total in whole.seen} == {4}


def test_ticks_stop_with_what_they_count_for() -> None:
    whole = Recorded(after=2)
    ticks = Ticks(whole, 9)
    ticks.tick()
    ticks.tick()
    assert ticks.cancelled
    with pytest.raises(Cancelled):
        ticks.tick()
    assert whole.seen == [(1, 9), (2, 9)]
