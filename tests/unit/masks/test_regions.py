from __future__ import annotations

import time

import cv2
import numpy as np
import pytest

from cfinspect.masks.regions import centre_line_length, regions_of, skeleton


def test_a_crack_has_the_length_of_its_centre_line() -> None:
    mask = np.zeros((80, 200), np.uint8)
    mask[38:43, 10:190] = 1
    (region,) = regions_of(mask, mm_per_px=0.5)
    assert region.length == pytest.approx(180, rel=0.05)
    assert region.mean_width == pytest.approx(5, rel=0.1)
    assert region.length_mm == pytest.approx(region.length / 2)
    assert region.area_mm2 == pytest.approx(region.area / 4)
    assert region.mean_width_mm == pytest.approx(region.mean_width / 2)


def test_a_slanting_line_is_longer_than_its_box() -> None:
    mask = np.zeros((120, 120), np.uint8)
    cv2.line(mask, (10, 10), (100, 100), 1, 1)
    (region,) = regions_of(mask)
    assert region.length == pytest.approx(90 * 2**0.5, abs=2)
    assert region.length_mm is None


@pytest.mark.parametrize("thickness", range(1, 12))
@pytest.mark.parametrize("angle", [0, 20, 45, 70, 90, 135])
def test_lengths_are_right_whatever_the_thickness_and_angle(thickness: int, angle: int) -> None:
    y, x = np.mgrid[:240, :240] - 120.0
    turn = np.deg2rad(angle)
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    mask = (abs(along) < 90) & (abs(across + 0.21) < thickness / 2)
    regions = regions_of(mask)
    assert regions[0].area == mask.sum(), "one piece"
    assert regions[0].length == pytest.approx(180, rel=0.1, abs=thickness)
    assert regions[0].mean_width == pytest.approx(mask.sum() / 180, rel=0.15, abs=0.2)


@pytest.mark.parametrize("side", [1, 2, 3, 4, 9, 40])
def test_squares_do_not_vanish(side: int) -> None:
    mask = np.zeros((50, 50), bool)
    mask[4 : 4 + side, 4 : 4 + side] = True
    (region,) = regions_of(mask)
    assert 1 <= region.length <= 1.5 * side + 1
    assert skeleton(mask).any()


@pytest.mark.parametrize("seed", range(30))
def test_thinning_changes_neither_pieces_nor_holes(seed: int) -> None:
    from shapes import hard_mask

    mask = hard_mask(seed)
    thin = skeleton(mask)
    pieces = [cv2.connectedComponents(m.astype(np.uint8), connectivity=8)[0] for m in (mask, thin)]
    holes = [
        cv2.connectedComponents(
            np.pad(~m, 1, constant_values=True).astype(np.uint8), connectivity=4
        )
        for m in (mask, thin)
    ]
    assert pieces[0] == pieces[1]
    assert holes[0][0] == holes[1][0]


def test_large_and_many_regions_take_no_minutes() -> None:
    started = time.process_time()
    (large,) = regions_of(np.ones((2000, 3000), bool))
    assert 500 < large.length < 6000
    noise = np.random.default_rng(0).random((1000, 1000)) < 0.2
    assert len(regions_of(noise, most=200)) == 200
    assert time.process_time() - started < 5


def test_one_pixel_and_a_row_of_pixels() -> None:
    dot = np.zeros((5, 5), bool)
    dot[2, 2] = True
    assert centre_line_length(dot) == 1
    row = np.zeros((5, 9), bool)
    row[2, 1:8] = True
    assert centre_line_length(row) == pytest.approx(7, rel=0.02)
    assert np.array_equal(skeleton(row), row)


def test_a_skeleton_is_thin_and_as_connected_as_the_mask() -> None:
    mask = np.zeros((90, 90), np.uint8)
    cv2.circle(mask, (45, 45), 30, 1, 9)
    cv2.line(mask, (5, 5), (25, 25), 1, 4)
    thin = skeleton(mask > 0)
    assert not (thin & ~(mask > 0)).any()
    assert cv2.connectedComponents(thin.astype(np.uint8))[0] == 2
    assert cv2.connectedComponents((~thin).astype(np.uint8), connectivity=4)[0] == 3
    assert thin.sum() < 1.5 * (2 * np.pi * 30 + 30)


def test_regions_of_several_classes_largest_first() -> None:
    mask = np.zeros((30, 30), np.uint8)
    mask[2:6, 2:6] = 1
    mask[10:20, 10:20] = 7
    mask[25, 25] = 1
    regions = regions_of(mask)
    assert [(r.class_id, r.area) for r in regions] == [(7, 100), (1, 16), (1, 1)]
    assert (regions[0].x, regions[0].y, regions[0].width, regions[0].height) == (10, 10, 10, 10)
    assert len(regions_of(mask, min_area=2)) == 2
    assert regions_of(np.zeros((4, 4), bool)) == []


@pytest.mark.parametrize("radius", [8, 30, 70])
def test_a_blob_is_not_wider_than_it_is_long(radius: int) -> None:
    y, x = np.mgrid[:200, :200] - 100.0
    (region,) = regions_of(x**2 + y**2 <= radius**2)
    assert region.length == pytest.approx(2 * radius, rel=0.1, abs=2)
    assert region.mean_width <= region.length
    assert region.mean_width * region.length == pytest.approx(region.area)
