from __future__ import annotations

import numpy as np
import pytest

from cfinspect.masks.drawing import Box, brush, flood_fill, polygon

EVERYWHERE = [(-50, -50), (500, -50), (500, 500), (-50, 500)]


@pytest.fixture
def mask() -> np.ndarray:
    return np.zeros((40, 60), np.uint8)


def test_a_brush_draws_what_is_within_its_radius(mask: np.ndarray) -> None:
    box = brush(mask, [(10, 10), (30, 20)], 4, 2)
    assert box is not None
    y, x = np.mgrid[:40, :60] + 0.5
    share = np.clip(((x - 10) * 20 + (y - 10) * 10) / 500, 0, 1)
    near = (x - 10 - 20 * share) ** 2 + (y - 10 - 10 * share) ** 2 <= 16
    assert np.array_equal(mask == 2, near)
    outside = mask.copy()
    outside[box.slices] = 0
    assert not outside.any()


def test_a_click_with_the_finest_brush_is_one_pixel(mask: np.ndarray) -> None:
    assert brush(mask, [(5.5, 7.5)], 0.2, 1) == Box(5, 7, 6, 8)
    assert mask.sum() == 1


def test_erasing_is_drawing_background(mask: np.ndarray) -> None:
    polygon(mask, [(30, 20), (10, 20), (10, 5), (30, 5)], 1)
    assert mask.sum() == 20 * 15
    brush(mask, [(20, 10)], 3, 0)
    assert mask[10, 20] == 0


def test_outside_is_cut_off_and_nothing_is_no_change(mask: np.ndarray) -> None:
    assert brush(mask, [(-100, -100)], 3, 1) is None
    assert brush(mask, [], 3, 1) is None
    assert polygon(mask, [(0, 0), (1, 1)], 1) is None
    assert polygon(mask, EVERYWHERE, 1) == Box(0, 0, 60, 40)
    assert mask.all()
    assert polygon(mask, EVERYWHERE[:3], 1) is None
    with pytest.raises(ValueError, match=r"0\.\.254"):
        polygon(mask, EVERYWHERE, 255)


def test_flood_fill_stops_at_other_colours(mask: np.ndarray) -> None:
    image = np.full((40, 60, 3), 100, np.uint8)
    image[:, 20:22] = 200
    image[:, 10] = 108
    assert flood_fill(mask, image, (5, 5), 10, 3) == Box(0, 0, 20, 40)
    assert (mask == 3).sum() == 20 * 40
    mask[:] = 0
    flood_fill(mask, image, (5, 5), 5, 3)
    assert (mask == 3).sum() == 10 * 40
    assert flood_fill(mask, image, (-1, 5), 5, 3) is None
