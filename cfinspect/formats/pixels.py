"""Masks as run lengths, and as polygons that other tools draw as we mean them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cfinspect.formats.exchange_types import IndexMask
from cfinspect.formats.safe import pixel_runs
from cfinspect.masks.files import classes_in
from cfinspect.masks.polygons import (
    Mask,
    Ring,
    Shape,
    inset,
    merge_holes,
    rasterise,
    simplify,
    trace,
)

_FAITHFUL = 0.985  # IoU of a simplified polygon with its region, or it is simplified less
_INSET = 0.01


@dataclass(frozen=True, eq=False)
class Part:
    """A region: its class, its upper left corner, and its mask inside its box."""

    class_id: int
    y: int
    x: int
    mask: Mask


def regions(mask: IndexMask) -> Iterator[Part]:
    """Each 8-connected region of each class; only one of them is in memory at a time."""
    for class_id in classes_in(mask):
        one = (mask == class_id).astype(np.uint8)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(one, connectivity=8)
        for label, (x, y, width, height, _) in enumerate(stats[1:].tolist(), 1):
            yield Part(class_id, y, x, labels[y : y + height, x : x + width] == label)


def shapes(mask: IndexMask, tolerance: float) -> Iterator[tuple[int, Shape]]:
    """Each region as (class number, shape), simplified by ``tolerance`` px at most.

    Thin regions are simplified less, so that none loses more than a hundredth or so.
    """
    size = (mask.shape[0], mask.shape[1])
    for class_id in classes_in(mask):
        for shape in trace(mask == class_id):
            yield class_id, _simplified(shape, tolerance, size)


def polygons(mask: IndexMask, tolerance: float) -> Iterator[tuple[int, Ring]]:
    """Each region as (class number, one polygon); holes are joined to the contour by bridges.

    Moved inwards by a hundredth of a pixel, see ``inset``.
    """
    for class_id, shape in shapes(mask, tolerance):
        yield class_id, merge_holes(inset(shape, _INSET))


def _simplified(shape: Shape, tolerance: float, size: tuple[int, int]) -> Shape:
    if tolerance <= 0:
        return shape
    low = np.floor(shape.outer.min(axis=0))
    high = np.ceil(shape.outer.max(axis=0))
    box = (int(high[1] - low[1]), int(high[0] - low[0]))
    truth = rasterise([ring - low for ring in shape.rings], box)
    while tolerance > 0.05:
        rings = [simplify(ring, tolerance) for ring in shape.rings]
        drawn = rasterise([ring - low for ring in rings], box)
        union = int((drawn | truth).sum())
        if union and (drawn & truth).sum() / union >= _FAITHFUL:
            return Shape(rings[0], rings[1:])
        tolerance /= 2
    return shape


def from_row_runs(counts: Sequence[int], height: int, width: int, where: str) -> Mask:
    """A mask from alternating runs of 0 and 1, row by row."""
    runs = pixel_runs(list(counts), height, width, where)
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape(height, width)


def from_column_runs(counts: Sequence[int], height: int, width: int, where: str) -> Mask:
    """A mask from alternating runs of 0 and 1, column by column (COCO)."""
    columns = from_row_runs(counts, width, height, where)
    # In blocks: as a view of NumPy, all that follows would take twenty times as long.
    return cv2.transpose(columns.view(np.uint8)).view(np.bool_)


def row_runs(mask: NDArray[np.bool_]) -> list[int]:
    """Alternating lengths of 0 and 1, row by row; the first run is of 0 and may be empty."""
    flat = np.concatenate([[False], mask.ravel()])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    runs: list[int] = np.diff(np.concatenate([[0], edges, [mask.size]])).tolist()
    return runs


def names_of(mask: IndexMask, names: Mapping[int, str]) -> dict[int, str]:
    """Number -> name of the classes in ``mask``; numbers without a name get one."""
    return {number: names.get(number, f"class {number}") for number in classes_in(mask)}


def column_runs(part: Part, height: int, width: int) -> list[int]:
    """A region of an image (``height``, ``width``) as alternating runs, column by column."""
    padded = np.pad(part.mask, ((1, 1), (0, 0))).astype(np.int8).T
    steps = np.diff(padded, axis=1)
    columns, starts = np.nonzero(steps == 1)
    ends = np.nonzero(steps == -1)[1]
    offset = (columns + part.x) * height + part.y
    first, last = starts + offset, ends + offset
    # A run that ends with one column may go on with the next.
    split = first[1:] != last[:-1]
    first = first[np.concatenate([[True], split])]
    last = last[np.concatenate([split, [True]])]
    edges = np.stack([first, last], axis=1).ravel()
    runs: list[int] = np.diff(np.concatenate([[0], edges, [height * width]])).tolist()
    return runs
