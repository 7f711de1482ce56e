"""What is like the images that a model learned from, in numbers worked out by hand."""

import math

import numpy as np
import pytest

from cfinspect.engine.model.familiar import FamiliarImages


def by_hand() -> FamiliarImages:
    """Three features; one direction, (0.6, 0.8, 0), along which images lie 2 apart."""
    return FamiliarImages(
        mean=np.array([1, 2, 3], np.float32),
        deviation=np.array([1, 2, 0.5], np.float32),
        directions=np.array([[0.6, 0.8, 0]], np.float32),
        spread=np.array([2], np.float32),
        rest=np.array(0.5, np.float32),
        limit=np.array(2, np.float32),
    )


def test_distances_by_hand() -> None:
    features = np.array(
        [
            [1, 2, 3],  # the mean itself
            [1 + 3 * 0.6, 2 + 2 * 3 * 0.8, 3],  # z = 3 along the direction: 3/2 of its spread
            [1, 2, 3 + 0.5],  # z = 1 beside it: twice the rest
            [1 + 3 * 0.6, 2 + 2 * 3 * 0.8, 3.5],  # both
        ],
        np.float32,
    )
    expected = [0, 1.5**2, 2**2, 1.5**2 + 2**2]
    expected = [math.sqrt(squared / 2) / 2 for squared in expected]
    np.testing.assert_allclose(by_hand().unlikeness(features), expected, atol=1e-4)


def test_others_of_their_kind_are_inside_and_strangers_are_not() -> None:
    rng = np.random.default_rng(0)

    def images(count: int, shift: float = 0.0, gain: float = 1.0) -> np.ndarray:
        """Twelve features that vary together in two ways, and a little on their own."""
        causes = rng.normal(size=(count, 2)) * gain + shift
        mixed = causes @ np.random.default_rng(1).normal(size=(2, 12))
        return (mixed + 0.1 * rng.normal(size=(count, 12))).astype(np.float32)

    familiar = FamiliarImages.of(images(300), images(200))
    assert familiar is not None
    assert (familiar.unlikeness(images(500)) > 1).mean() < 0.05
    assert (familiar.unlikeness(images(50, shift=8)) > 1).all()
    # each feature alone is as usual, but they do not go together
    alone = images(300)
    for column in alone.T:
        rng.shuffle(column)
    assert (familiar.unlikeness(alone) > 1).mean() > 0.9


def test_the_limit_is_that_of_held_out_images() -> None:
    rng = np.random.default_rng(0)
    training = rng.normal(size=(100, 6)).astype(np.float32)
    held_out = rng.normal(size=(101, 6)).astype(np.float32) * 3
    familiar = FamiliarImages.of(training, held_out)
    assert familiar is not None
    found = np.sort(familiar.unlikeness(held_out))
    # the 0.99 quantile of 101 values is the second largest
    assert found[-2] == pytest.approx(1, abs=1e-4)
    assert found[-3] < 1 < found[-1]


def test_few_images_say_nothing_and_equal_ones_are_no_error() -> None:
    rng = np.random.default_rng(0)
    few, enough = (rng.normal(size=(count, 4)).astype(np.float32) for count in (7, 8))
    assert FamiliarImages.of(few, enough) is None
    assert FamiliarImages.of(enough, few) is None
    same = np.ones((9, 4), np.float32)
    familiar = FamiliarImages.of(same, same)
    assert familiar is not None
    assert familiar.unlikeness(same).tolist() == [0] * 9
    assert (familiar.unlikeness(same + 1) > 1).all()


def test_tensors_and_back() -> None:
    tensors = by_hand().tensors()
    assert all(name.startswith("familiar.") for name in tensors)
    again = FamiliarImages.from_tensors({**tensors, "seen": np.zeros(3, np.float32)})
    assert again is not None
    x = np.ones((2, 3), np.float32)
    assert (again.unlikeness(x) == by_hand().unlikeness(x)).all()
    assert FamiliarImages.from_tensors({"seen": np.zeros(3, np.float32)}) is None
    with pytest.raises(ValueError, match="directions has the shape"):
        FamiliarImages.from_tensors(
            tensors
            | {"familiar.mean": np.zeros(4, np.float32)}
            | {"familiar.deviation": np.ones(4, np.float32)}
        )
    for limit in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="no number above 0"):
            FamiliarImages.from_tensors(tensors | {"familiar.limit": np.array(limit, np.float32)})
    del tensors["familiar.rest"]
    with pytest.raises(KeyError, match="rest"):
        FamiliarImages.from_tensors(tensors)
