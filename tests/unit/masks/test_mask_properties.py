"""What must hold for every mask, polygon and change, tried on masks that hypothesis makes up."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import repeatable
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from cfinspect.engine.inference.saliency import clean_mask
from cfinspect.masks.drawing import Box, brush, flood_fill, polygon
from cfinspect.masks.files import classes_in, encode_indexed, read_indexed
from cfinspect.masks.history import History
from cfinspect.masks.polygons import inset, merge_holes, rasterise, simplify, trace
from cfinspect.masks.regions import regions_of

repeatable.load()

Mask = NDArray[np.bool_]
IndexMask = NDArray[np.uint8]

SIDES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=14)
MASKS = hnp.arrays(np.bool_, SIDES)
CLASS_MASKS = hnp.arrays(np.uint8, SIDES, elements=st.integers(0, 3))
# Quarters: on corners of pixels, on their centres and between.
QUARTERS = st.integers(-12, 72).map(lambda value: value / 4)
POINTS = st.tuples(QUARTERS, QUARTERS)
RINGS = st.lists(POINTS, min_size=3, max_size=8).map(lambda ring: np.array(ring, np.float64))


def shape_of(mask: NDArray[np.generic]) -> tuple[int, int]:
    return mask.shape[0], mask.shape[1]


@given(MASKS)
def test_a_traced_mask_comes_back(mask: Mask) -> None:
    rings = [ring for shape in trace(mask) for ring in shape.rings]
    assert np.array_equal(rasterise(rings, shape_of(mask)), mask)


@given(MASKS)
def test_shapes_share_no_pixel_with_holes_bridged_and_moved_in(mask: Mask) -> None:
    drawn = np.zeros(mask.shape, np.int32)
    for shape in trace(mask):
        part = rasterise(shape.rings, shape_of(mask))
        assert np.array_equal(rasterise([merge_holes(shape)], shape_of(mask)), part)
        moved = inset(shape, 0.01)
        assert np.array_equal(rasterise(moved.rings, shape_of(mask)), part)
        assert np.array_equal(rasterise([merge_holes(moved)], shape_of(mask)), part)
        drawn += part
    assert np.array_equal(drawn, mask)


@given(MASKS, st.integers(0, 3), st.integers(0, 3))
def test_a_mask_at_another_place_has_its_contours_there(mask: Mask, down: int, right: int) -> None:
    moved = np.pad(mask, ((down, 0), (right, 0)))
    before, after = trace(mask), trace(moved)
    for one, other in zip(before, after, strict=True):
        for ring, at in zip(one.rings, other.rings, strict=True):
            assert np.array_equal(ring + np.array([right, down]), at)


@given(st.lists(RINGS, max_size=4), st.lists(RINGS, max_size=4), SIDES, st.integers(0, 7))
def test_an_odd_number_of_rings_is_inside(
    some: list[NDArray[np.float64]],
    others: list[NDArray[np.float64]],
    size: tuple[int, int],
    start: int,
) -> None:
    both = rasterise([*some, *others], size)
    assert np.array_equal(both, rasterise(some, size) ^ rasterise(others, size))
    turned = [np.roll(ring, start, axis=0) for ring in some]
    assert np.array_equal(rasterise(turned[::-1], size), rasterise(some, size))
    frame = np.array([[-9.0, -9.0], [99.0, -9.0], [99.0, 99.0], [-9.0, 99.0]])
    assert np.array_equal(rasterise([frame, *some], size), ~rasterise(some, size))


@given(MASKS, st.floats(0, 3, allow_subnormal=False))
def test_a_simplified_contour_keeps_some_corners_and_makes_none(
    mask: Mask, tolerance: float
) -> None:
    for shape in trace(mask):
        for ring in shape.rings:
            fewer = simplify(ring, tolerance)
            assert 3 <= len(fewer) <= len(ring)
            assert {tuple(corner) for corner in fewer} <= {tuple(corner) for corner in ring}


@given(MASKS, st.integers(0, 12), st.integers(0, 12))
def test_cleaning_only_takes_away_and_once_is_enough(mask: Mask, area: int, more: int) -> None:
    kept = clean_mask(mask, area)
    assert not (kept & ~mask).any()
    assert np.array_equal(clean_mask(kept, area), kept)
    assert not (clean_mask(mask, area + more) & ~kept).any()


def changes(before: IndexMask, after: IndexMask, box: Box | None) -> None:
    """A box is told where something changed, and nothing changed outside of it."""
    differs = before != after
    assert (box is None) == (not differs.any())
    if box is not None:
        height, width = before.shape
        assert 0 <= box.x0 < box.x1 <= width
        assert 0 <= box.y0 < box.y1 <= height
        differs[box.slices] = False
        assert not differs.any()


@given(
    CLASS_MASKS,
    st.lists(POINTS, max_size=4),
    st.floats(0, 6, allow_subnormal=False),
    st.integers(0, 254),
)
def test_a_stroke_changes_what_is_near_it_and_again_nothing(
    mask: IndexMask, stroke: Sequence[tuple[float, float]], radius: float, value: int
) -> None:
    drawn = mask.copy()
    changes(mask, drawn, brush(drawn, stroke, radius, value))
    assert (drawn[drawn != mask] == value).all()
    assert brush(drawn, stroke, radius, value) is None


@given(CLASS_MASKS, RINGS, st.integers(0, 254))
def test_a_polygon_is_filled_with_its_class(
    mask: IndexMask, ring: NDArray[np.float64], value: int
) -> None:
    drawn = mask.copy()
    corners = [(float(x), float(y)) for x, y in ring]
    changes(mask, drawn, polygon(drawn, corners, value))
    inside = rasterise([ring], shape_of(mask))
    assert np.array_equal(drawn, np.where(inside, np.uint8(value), mask))


@given(CLASS_MASKS, POINTS, st.integers(0, 60), st.integers(0, 254), st.data())
def test_filling_reaches_what_looks_alike(
    mask: IndexMask, seed: tuple[float, float], tolerance: int, value: int, data: st.DataObject
) -> None:
    image = data.draw(hnp.arrays(np.uint8, (*mask.shape, 3), elements=st.integers(0, 99)))
    drawn = mask.copy()
    changes(mask, drawn, flood_fill(drawn, image, seed, tolerance, value))
    x, y = int(np.floor(seed[0])), int(np.floor(seed[1]))
    if 0 <= y < mask.shape[0] and 0 <= x < mask.shape[1]:
        assert drawn[y, x] == value
        apart = np.abs(image.astype(int) - image[y, x]).max(axis=2)
        assert (apart[drawn != mask] <= tolerance).all()
    assert flood_fill(drawn, image, seed, tolerance, value) is None


@given(
    hnp.arrays(np.uint8, (5, 6, 7), elements=st.integers(0, 2)),
    st.lists(st.sampled_from([0, 1, 2, 3, 4, "undo", "redo", "save"]), max_size=30),
)
def test_history_is_a_list_of_states_and_a_place_in_it(
    masks: NDArray[np.uint8], steps: list[int | str]
) -> None:
    history = History(masks[0])
    states, place, stored = [(0, masks[0])], 0, 0  # each state with a number of its own
    for number, step in enumerate(steps, 1):
        if step == "undo":
            assert (history.undo() is None) == (place == 0)
            place = max(0, place - 1)
        elif step == "redo":
            assert (history.redo() is None) == (place == len(states) - 1)
            place = min(len(states) - 1, place + 1)
        elif step == "save":
            history.mark_saved()
            stored = states[place][0]
        elif history.apply(masks[int(step)]) is not None:
            states = [*states[: place + 1], (number, masks[int(step)])]
            place += 1
        assert np.array_equal(history.mask, states[place][1])
        assert (history.can_undo, history.can_redo) == (place > 0, place < len(states) - 1)
        assert history.changed == (states[place][0] != stored)


@given(CLASS_MASKS, st.integers(1, 6), st.none() | st.integers(0, 5))
def test_regions_are_all_of_the_mask(mask: IndexMask, min_area: int, most: int | None) -> None:
    regions = regions_of(mask, 0.5)
    assert sum(region.area for region in regions) == np.count_nonzero(mask)
    assert {region.class_id for region in regions} == set(classes_in(mask))
    assert [region.area for region in regions] == sorted(
        (region.area for region in regions), reverse=True
    )
    for one in regions:
        box = mask[one.y : one.y + one.height, one.x : one.x + one.width] == one.class_id
        assert one.area <= box.sum()
        assert all(box.any(axis=1)) and all(box.any(axis=0))
        assert 0 < one.length <= one.area + one.width + one.height
        assert np.isclose(one.mean_width * one.length, one.area)
        assert one.area_mm2 == one.area / 4
    large = [region for region in regions if region.area >= min_area]
    assert regions_of(mask, 0.5, min_area=min_area, most=most) == large[:most]


@given(hnp.arrays(np.uint8, SIDES))
def test_class_numbers_survive_their_file(mask: IndexMask) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mask.png"
        path.write_bytes(encode_indexed(mask))
        assert np.array_equal(read_indexed(path), mask)


@given(MASKS)
def test_a_mask_turned_by_a_right_angle_has_the_same_regions(mask: Mask) -> None:
    assume(mask.any())
    turned = np.rot90(mask)
    areas = sorted(region.area for region in regions_of(mask))
    assert areas == sorted(region.area for region in regions_of(turned))
    assert len(trace(mask)) == len(trace(turned))
