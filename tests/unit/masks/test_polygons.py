from __future__ import annotations

import tracemalloc

import cv2
import numpy as np
import pytest
from shapes import hard_mask

from cfinspect.masks.polygons import Shape, inset, merge_holes, rasterise, simplify, trace


def shoelace(ring: np.ndarray) -> float:
    x, y = ring.T
    return float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2)


@pytest.mark.parametrize("seed", range(60))
def test_tracing_and_filling_again_loses_no_pixel(seed: int) -> None:
    mask = hard_mask(seed)
    shapes = trace(mask)
    rings = [ring for shape in shapes for ring in shape.rings]
    assert np.array_equal(rasterise(rings, (mask.shape[0], mask.shape[1])), mask)
    assert sum(shoelace(ring) for ring in rings) == mask.sum()
    assert all(shoelace(shape.outer) > 0 for shape in shapes)
    assert all(shoelace(hole) < 0 for shape in shapes for hole in shape.holes)


@pytest.mark.parametrize("seed", range(60))
def test_bridges_to_holes_change_no_pixel(seed: int) -> None:
    mask = hard_mask(seed)
    merged = [merge_holes(shape) for shape in trace(mask)]
    assert np.array_equal(rasterise(merged, (mask.shape[0], mask.shape[1])), mask)
    # each shape alone is its own region, islands in holes are others
    together = np.zeros(mask.shape, np.int32)
    for ring in merged:
        together += rasterise([ring], (mask.shape[0], mask.shape[1]))
    assert together.max() == 1


@pytest.mark.parametrize("seed", range(60))
def test_moved_in_by_a_hair_programs_that_round_draw_the_same(seed: int) -> None:
    mask = hard_mask(seed)
    size = (mask.shape[0], mask.shape[1])
    drawn = np.zeros(size, np.uint8)
    for shape in trace(mask):
        ring = merge_holes(inset(shape, 0.01))
        assert np.array_equal(rasterise([ring], size), rasterise(shape.rings, size))
        cv2.fillPoly(drawn, [ring.astype(np.int32)], 1)
    assert np.array_equal(drawn > 0, mask)


def test_regions_that_touch_at_a_corner_are_one() -> None:
    mask = np.array([[1, 0], [0, 1]], bool)
    (shape,) = trace(mask)
    assert len(shape.outer) == 8
    holes = np.array([[1, 1, 1, 0], [1, 0, 1, 1], [1, 1, 0, 1], [0, 1, 1, 1]], bool)
    (shape,) = trace(holes)
    assert [len(hole) for hole in shape.holes] == [4, 4]  # holes do not touch at corners


def test_an_empty_mask_has_no_shapes_and_a_full_one_four_corners() -> None:
    assert trace(np.zeros((3, 4), bool)) == []
    (shape,) = trace(np.ones((3, 4), bool))
    assert shape.outer.tolist() == [[0, 0], [4, 0], [4, 3], [0, 3]]


def test_a_pixel_belongs_to_the_polygon_that_holds_its_centre() -> None:
    triangle = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
    found = rasterise([triangle], (4, 4))
    y, x = np.mgrid[:4, :4] + 0.5
    assert np.array_equal(found, x + y < 4)


def test_polygons_reach_outside_of_the_image() -> None:
    huge = np.array([[-1e9, -1e9], [1e9, -1e9], [1e9, 1e9], [-1e9, 1e9]])
    assert rasterise([huge], (5, 7)).all()
    aside = huge + np.array([4e9, 0.0])
    assert not rasterise([aside], (5, 7)).any()


def test_simplified_contours_stay_near() -> None:
    y, x = np.mgrid[:200, :200]
    disc = (x - 100) ** 2 + (y - 100) ** 2 < 80**2
    (shape,) = trace(disc)
    fewer = simplify(shape.outer, 1.0)
    assert len(fewer) < len(shape.outer) / 4
    again = rasterise([fewer], (200, 200))
    assert (again & disc).sum() / (again | disc).sum() > 0.98
    assert simplify(shape.outer, 0) is shape.outer


def test_a_shape_without_holes_needs_no_bridge() -> None:
    square = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]])
    assert merge_holes(Shape(square)) is square


def test_a_polygon_of_a_large_image_takes_little_more_than_its_mask() -> None:
    side = 6000
    ring = np.array([[0.0, 0], [side, 0], [side, side - 0.4], [0, side]])
    tracemalloc.start()
    mask = rasterise([ring, ring / 2], (side, side))
    assert tracemalloc.get_traced_memory()[1] < side * side + (30 << 20)
    tracemalloc.stop()
    assert int(mask.sum()) == side * side - int(rasterise([ring / 2], (side, side)).sum())
    for y in (0, 665, 666, 667, 2999, 3000, side - 1):  # also where bands of rows meet
        row = mask[y]
        assert row.all() if y >= 3000 else (not row[:3000].any() and row[3000:].all())
