from __future__ import annotations

import numpy as np
import pytest

from cfinspect.masks.drawing import brush
from cfinspect.masks.history import History


def strokes(count: int, shape: tuple[int, int] = (50, 70)) -> list[np.ndarray]:
    """A mask after each of ``count`` random strokes."""
    chance = np.random.default_rng(0)
    mask = np.zeros(shape, np.uint8)
    states = [mask.copy()]
    while len(states) <= count:
        (a, b), (c, d) = chance.uniform(0, shape[0], (2, 2)).tolist()
        if brush(mask, [(a, b), (c, d)], 3, int(chance.integers(0, 3))) is not None:
            states.append(mask.copy())
    return states


def test_every_state_comes_back_and_goes_forth() -> None:
    states = strokes(60)
    history = History(states[0])
    for state in states[1:]:
        history.apply(state)
    for state in reversed(states[:-1]):
        assert history.undo() is not None
        assert np.array_equal(history.mask, state)
    assert history.undo() is None
    for state in states[1:]:
        assert history.redo() is not None
        assert np.array_equal(history.mask, state)
    assert history.redo() is None


def test_a_new_change_ends_the_way_forth() -> None:
    states = strokes(4)
    history = History(states[0])
    history.apply(states[1])
    history.undo()
    history.apply(states[3])
    assert not history.can_redo
    history.undo()
    assert np.array_equal(history.mask, states[0])
    assert not history.can_undo


def test_steps_and_memory_are_bounded() -> None:
    states = strokes(260)
    history = History(states[0])
    for state in states[1:]:
        history.apply(state)
    steps = 0
    while history.undo():
        steps += 1
    assert steps == 200
    assert np.array_equal(history.mask, states[60])

    noise = [np.random.default_rng(i).integers(0, 5, (400, 400), np.uint8) for i in range(30)]
    small = History(noise[0], max_bytes=500_000)
    for state in noise[1:]:
        small.apply(state)
    assert small.bytes_held <= 500_000
    assert small.can_undo


def test_it_knows_whether_there_is_something_to_save() -> None:
    states = strokes(3)
    history = History(states[0])
    assert not history.changed
    history.apply(states[1])
    assert history.changed
    history.mark_saved()
    history.apply(states[2])
    history.undo()
    assert not history.changed
    history.undo()
    assert history.changed
    history.apply(states[3])
    assert history.changed


def test_the_mask_can_only_be_changed_through_it() -> None:
    history = History(np.zeros((4, 4), np.uint8))
    with pytest.raises(ValueError, match="read-only"):
        history.mask[0, 0] = 1
    assert history.apply(np.zeros((4, 4), np.uint8)) is None
    with pytest.raises(ValueError, match="need"):
        history.apply(np.zeros((5, 4), np.uint8))
