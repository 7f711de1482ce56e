"""When a folder is unlike the training's images, and what is said then."""

from collections.abc import Sequence

import pytest

from cfinspect.engine.model.unlikeness import UnlikeCount


def counted(values: Sequence[float | None]) -> UnlikeCount:
    count = UnlikeCount()
    for value in values:
        count.add(value)
    return count


def test_a_model_that_cannot_tell_says_nothing() -> None:
    count = counted([None] * 20)
    assert (count.judged, count.share, count.is_alarming, count.warning) == (0, None, False, "")


def test_one_is_the_limit_and_still_inside() -> None:
    assert counted([0.2, 1.0, 1.001, None]).share == pytest.approx(1 / 3)


def test_more_than_a_quarter_of_at_least_five_alarms() -> None:
    assert counted([2.0] * 5 + [0.5] * 14).warning.startswith("5 of 19 images are unlike those")
    assert not counted([2.0] * 5 + [0.5] * 15).warning
    assert not counted([2.0] * 4).warning
    assert counted([2.0] * 5).is_alarming
