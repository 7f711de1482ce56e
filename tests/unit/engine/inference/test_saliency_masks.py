import math

import numpy as np
import pytest
from numpy.typing import NDArray

from cfinspect.engine.inference.saliency import clean_mask, otsu_threshold


def floats(*values: float) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64)


def test_otsu_is_half_way_between_the_classes() -> None:
    assert otsu_threshold(floats(0.1, 0.2, 0.2, 0.8, 0.9)) == pytest.approx(0.5)
    assert otsu_threshold(floats(0, 0, 0, 1)) == pytest.approx(0.5)


@pytest.mark.parametrize("level", [0.0, 0.1, 0.7])
def test_nothing_is_foreground_where_all_values_are_equal(level: float) -> None:
    values = np.full(50, level, dtype=np.float32)
    threshold = otsu_threshold(values)
    assert not (values >= threshold).any()
    assert threshold == pytest.approx(level, abs=1e-6)


def test_bad_values_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        otsu_threshold(floats())
    for bad in (math.nan, math.inf):
        with pytest.raises(ValueError, match="finite"):
            otsu_threshold(floats(0, bad))


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
