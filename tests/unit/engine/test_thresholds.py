import math

import numpy as np
import pytest
from numpy.typing import NDArray

from cfinspect.engine.thresholds import (
    clean_mask,
    li_threshold,
    otsu_threshold,
    quantile_threshold,
    triangle_threshold,
)


def floats(*values: float) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64)


def cross_entropy(values: NDArray[np.float64], threshold: float) -> float:
    """Li and Lee's criterion, from its definition."""
    back, fore = values[values < threshold], values[values >= threshold]
    return -float(back.sum() * math.log(back.mean()) + fore.sum() * math.log(fore.mean()))


def test_li_by_hand() -> None:
    # mean 2.5 splits {1, 1} from {4, 4}: t = (1 - 4) / (log 1 - log 4) = 3 / log 4, same split
    assert li_threshold(floats(1, 4, 1, 4)) == pytest.approx(3 / math.log(4))
    # the background is exactly zero: the mean stands
    assert li_threshold(floats(0, 0, 0, 1)) == 0.25


def test_li_finds_the_minimum_of_its_criterion() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.exponential(0.02, 5000), rng.normal(0.5, 0.1, 500)])
    values = np.clip(values, 1e-6, 1)
    found = li_threshold(values.astype(np.float32))
    grid = np.linspace(0.01, 0.8, 400)
    costs = [cross_entropy(values, float(t)) for t in grid]
    assert found == pytest.approx(grid[int(np.argmin(costs))], abs=0.02)


def test_otsu_is_half_way_between_the_classes() -> None:
    assert otsu_threshold(floats(0.1, 0.2, 0.2, 0.8, 0.9)) == pytest.approx(0.5)
    assert otsu_threshold(floats(0, 0, 0, 1)) == pytest.approx(0.5)


def test_triangle_by_hand() -> None:
    # 100 zeros, one value in each of the bins 1..255: the line falls from 100 to 1, the bin next to
    # the peak lies farthest below it; its centre is 1.5 / 256 of the range
    values = np.concatenate([np.zeros(100), np.linspace(0, 1, 257)[1:-1] + 1 / 512, [1.0]])
    assert triangle_threshold(values) == pytest.approx(1.5 / 256)
    assert triangle_threshold(1 - values) == pytest.approx(1 - 1.5 / 256)


def test_quantile() -> None:
    values = floats(*range(11))
    assert quantile_threshold(values, 0.9) == 9.0
    assert quantile_threshold(values, 0.95) == 9.5
    with pytest.raises(ValueError, match="q must lie"):
        quantile_threshold(values, 1.1)


@pytest.mark.parametrize("level", [0.0, 0.1, 0.7])
def test_nothing_is_foreground_where_all_values_are_equal(level: float) -> None:
    values = np.full(50, level, dtype=np.float32)
    for threshold in (
        li_threshold(values),
        otsu_threshold(values),
        triangle_threshold(values),
        quantile_threshold(values, 0.99),
    ):
        assert not (values >= threshold).any()
        assert threshold == pytest.approx(level, abs=1e-6)


def test_bad_values_are_refused() -> None:
    for rule in (li_threshold, otsu_threshold, triangle_threshold):
        with pytest.raises(ValueError, match="at least one"):
            rule(floats())
        with pytest.raises(ValueError, match="finite"):
            rule(floats(0, math.nan))
        with pytest.raises(ValueError, match="finite"):
            rule(floats(0, math.inf))
    with pytest.raises(ValueError, match=">= 0"):
        li_threshold(floats(-1, 1))


def test_small_islands_go_and_diagonals_count_as_one() -> None:
    mask = np.zeros((8, 8), dtype=np.bool_)
    mask[0, 0] = mask[1, 1] = mask[2, 2] = True  # 3 px, joined by corners
    mask[5:7, 5:7] = True  # 4 px
    mask[7, 0] = True
    expected = mask.copy()
    expected[7, 0] = False
    assert (clean_mask(mask, 3) == expected).all()
    assert clean_mask(mask, 4).sum() == 4
    assert clean_mask(mask, 5).sum() == 0
    assert (clean_mask(mask, 1) == mask).all()
    assert mask[7, 0]  # the argument is left alone


def test_close_joins_a_broken_line() -> None:
    mask = np.zeros((9, 20), dtype=np.bool_)
    mask[4, 2:9] = mask[4, 10:17] = True
    assert clean_mask(mask, 10).sum() == 0
    assert clean_mask(mask, 10, close=3).sum() == 15
