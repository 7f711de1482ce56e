from __future__ import annotations

import numpy as np
import pytest

from cfinspect.masks.operations import (
    close_mask,
    drop_small,
    fill_holes,
    hysteresis,
    open_mask,
    smooth_contours,
    threshold,
)


def ring(side: int = 20) -> np.ndarray:
    mask = np.zeros((side, side), bool)
    mask[2:12, 2:12] = True
    mask[5:8, 5:8] = False
    return mask


def test_threshold_takes_its_own_value_in() -> None:
    assert threshold(np.array([[0.1, 0.2, 0.3]]), 0.2).tolist() == [[False, True, True]]


def test_hysteresis_keeps_weak_parts_of_strong_regions_only() -> None:
    saliency = np.array([[0.9, 0.4, 0.0, 0.4, 0.4], [0.0, 0.0, 0.4, 0.0, 0.0]])
    assert hysteresis(saliency, 0.3, 0.8).sum() == 5  # joined over corners
    saliency[1, 2] = 0
    assert hysteresis(saliency, 0.3, 0.8).tolist()[0] == [True, True, False, False, False]
    assert not hysteresis(saliency, 0.3, 0.95).any()
    with pytest.raises(ValueError, match="above"):
        hysteresis(saliency, 0.8, 0.3)


def test_holes_are_filled_up_to_a_size() -> None:
    assert fill_holes(ring()).sum() == 100
    assert np.array_equal(fill_holes(ring(), max_area=8), ring())
    assert fill_holes(ring(), max_area=9).sum() == 100
    assert fill_holes(np.ones((3, 3), bool)).all()
    bay = ring()
    bay[5:8, 0:5] = False  # open to the outside: no hole
    assert np.array_equal(fill_holes(bay), bay)


def test_a_hole_that_touches_the_outside_at_a_corner_only_is_a_hole() -> None:
    mask = np.ones((4, 4), bool)
    mask[0, 0] = mask[1, 1] = False
    assert fill_holes(mask).sum() == 15


def test_islands_lines_and_gaps() -> None:
    mask = ring()
    mask[15, 3:18] = True
    assert drop_small(mask, 16).sum() == ring().sum()
    assert open_mask(mask, 1)[15].sum() == 0
    gap = np.zeros((15, 20), bool)
    gap[4:11, :8] = gap[4:11, 10:] = True
    closed = close_mask(gap, 2)
    assert closed[7].all()
    assert not closed[:4].any(), "nothing grows at the image's edge"
    assert closed[4:11, :8].all()
    assert np.array_equal(open_mask(mask, 0), mask)


def test_smooth_contours_with_no_tolerance_is_the_mask() -> None:
    assert np.array_equal(smooth_contours(ring(), 0), ring())
