"""Thresholds and acceptance of a segmenter, worked out by hand."""

import numpy as np
import pytest

from cfinspect.engine.calibration.mask_choice import (
    HUMAN,
    OTSU,
    MaskEvidence,
    agreement,
    better,
    cross_fitted,
    fit_cut,
    fit_cut_to,
    halves,
)

# Two images: the damage of the first has probability .8, that of the second .42; all else .1.
PROBABILITY = np.full((2, 4, 4), 0.1, np.float32)
PROBABILITY[0, 0, 0], PROBABILITY[1, 0, 0] = 0.8, 0.42


def test_otsu_decides_where_nobody_drew_masks() -> None:
    # Half-way between background and damage of each image: .45 and .26; their median.
    threshold, rule = fit_cut(PROBABILITY)
    assert rule == OTSU
    assert threshold == pytest.approx((0.45 + 0.26) / 2)


def test_human_masks_decide_where_to_cut() -> None:
    human = np.zeros((2, 4, 4), np.bool_)
    human[0, 0, 0] = human[1, 0, 0] = True
    threshold, rule = fit_cut_to(PROBABILITY, human)
    assert rule == HUMAN
    assert threshold == pytest.approx(0.4)  # the highest that holds both corners
    human[1, 0, 0] = False  # the second image is sound for them: .42 must stay out
    assert fit_cut_to(PROBABILITY, human)[0] == pytest.approx(0.8)


def test_halves_keep_groups_together_where_there_are_several() -> None:
    groups, images = np.array([0, 0, 0, 1, 2]), np.array([0, 0, 1, 2, 3])
    counted = np.ones(5, np.bool_)
    assert halves((groups, images), counted).tolist() == [True, True, True, False, True]
    one = np.zeros(5, np.int64)
    assert halves((one, images), counted).tolist() == [True, True, False, True, False]
    assert halves((one, one), counted).tolist() == [True, False, True, False, True]
    counted[3:] = False  # all that counts is of one group: its images are told apart
    assert halves((groups, images), counted).tolist() == [True, True, False, False, False]


def test_no_mask_is_cut_at_a_threshold_that_was_fitted_to_it() -> None:
    first = np.array([True, False])
    masks = cross_fitted(PROBABILITY, lambda rows: 0.5 if rows[0] else 0.05, first)
    assert masks[0].all()  # at .05, of the second
    assert not masks[1].any()  # at .5, of the first


OLD = MaskEvidence(filled=0.6, area=0.04, agreement=0.5)


@pytest.mark.parametrize(
    ("filled", "area", "accepted"),
    [
        (0.6, 0.04, True),  # as good
        (0.585, 0.04, True),  # hardly fewer, no larger
        (0.57, 0.02, False),  # too few
        (0.6, 0.041, False),  # no more, and larger
        (0.61, 0.045, True),  # more, hardly larger
        (0.99, 0.06, False),  # more, but so would any large mask
    ],
)
def test_verdicts_and_area_decide(filled: float, area: float, accepted: bool) -> None:
    new = MaskEvidence(filled=filled, area=area, agreement=0.9)
    said, reason = better(OLD, new, 9)
    assert said is accepted
    assert f"{filled:.1%}" in reason and "60.0%" in reason


def test_ten_human_masks_decide() -> None:
    worse = MaskEvidence(filled=0.9, area=0.03, agreement=0.5)
    assert better(OLD, worse, 9)[0]
    said, reason = better(OLD, worse, 10)
    assert not said
    assert "10 human masks" in reason and "0.500" in reason
    assert better(OLD, MaskEvidence(0.0, 1.0, 0.51), 10)[0]


def test_agreement() -> None:
    one = np.zeros((2, 2, 2), bool)
    assert agreement(one, one) is None
    other = one.copy()
    one[0, 0], other[0, :, 0] = True, True  # a row, a column: one of three
    assert agreement(one, other) == pytest.approx(1 / 3)
