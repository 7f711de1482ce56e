"""Masks as run lengths, and as polygons that other tools draw as we mean them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from cfinspect.formats.records import FormatError, IndexMask
from cfinspect.formats.safe import number, pixel_runs
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

_MAX_CORNERS = 2_000_000
_FAITHFUL = 0.985  # IoU of a simplified polygon with its region, or it is simplified less
_MAX_COORDINATE = 1e9
_INSET = 0.01


def regions(mask: IndexMask) -> Iterator[tuple[int, Mask]]:
    """Each 8-connected region of each class as (class number, (H, W) bool)."""
    for class_id in (np.flatnonzero(np.bincount(mask.ravel(), minlength=256)[1:]) + 1).tolist():
        count, labels = cv2.connectedComponents((mask == class_id).astype(np.uint8), connectivity=8)
        for label in range(1, count):
            yield class_id, np.asarray(labels == label)


def shapes(mask: IndexMask, tolerance: float) -> Iterator[tuple[int, Shape]]:
    """Each region as (class number, shape), simplified by ``tolerance`` px at most.

    Thin regions are simplified less, so that none loses more than a hundredth or so.
    """
    size = (mask.shape[0], mask.shape[1])
    for class_id in (np.flatnonzero(np.bincount(mask.ravel(), minlength=256)[1:]) + 1).tolist():
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


def ring_of(coordinates: object, where: str) -> Ring:
    """Corners (N, 2) from x, y, x, y, ...; FormatError for what is no polygon."""
    if not isinstance(coordinates, list) or len(coordinates) % 2 or len(coordinates) < 6:
        raise FormatError(f"{where} has a polygon without three corners.")
    if len(coordinates) > 2 * _MAX_CORNERS:
        raise FormatError(f"{where} has a polygon of {len(coordinates) // 2} corners.")
    flat = [number(value, where) for value in coordinates]
    ring = np.array(flat, dtype=np.float64).reshape(-1, 2)
    return np.clip(ring, -_MAX_COORDINATE, _MAX_COORDINATE)


def from_row_runs(counts: Sequence[int], height: int, width: int, where: str) -> Mask:
    """A mask from alternating runs of 0 and 1, row by row."""
    runs = pixel_runs(list(counts), height, width, where)
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape(height, width)


def from_column_runs(counts: Sequence[int], height: int, width: int, where: str) -> Mask:
    """A mask from alternating runs of 0 and 1, column by column (COCO)."""
    return from_row_runs(counts, width, height, where).T


def row_runs(mask: NDArray[np.bool_]) -> list[int]:
    """Alternating lengths of 0 and 1, row by row; the first run is of 0 and may be empty."""
    flat = np.concatenate([[False], mask.ravel()])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    runs: list[int] = np.diff(np.concatenate([[0], edges, [mask.size]])).tolist()
    return runs


def parts_of(mask: IndexMask, names: Mapping[int, str]) -> list[tuple[str, Mask]]:
    """A mask of class numbers as (class name, mask) each; numbers without a name get one."""
    present = (np.flatnonzero(np.bincount(mask.ravel(), minlength=256)[1:]) + 1).tolist()
    return [(names.get(number, f"class {number}"), mask == number) for number in present]
