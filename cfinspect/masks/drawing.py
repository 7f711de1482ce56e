"""Tools that change a mask in place. Each returns the box it changed, or None for nothing.

``value`` is the class number to draw; 0 erases. Points are x, y in pixels, (0, 0) being the upper
left corner of the upper left pixel. What lies outside of the mask is cut off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cfinspect.masks.polygons import rasterise

IndexMask = NDArray[np.uint8]
Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """Pixels from (x0, y0) up to but not including (x1, y1)."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns, for indexing."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)


def brush(mask: IndexMask, stroke: Sequence[Point], radius: float, value: int) -> Box | None:
    """Draw along ``stroke`` with a round brush: all pixels whose centre is within ``radius``.

    A radius of half a pixel or less draws single pixels.
    """
    if not stroke:
        return None
    points = np.asarray(stroke, dtype=np.float64)
    radius = max(radius, 0.5)
    box = _box(points.min(axis=0) - radius, points.max(axis=0) + radius, mask)
    if box is None:
        return None
    inside = np.zeros((box.y1 - box.y0, box.x1 - box.x0), dtype=np.bool_)
    for start, end in zip(points, [*points[1:], points[-1]], strict=True):
        _capsule(inside, box, start, end, radius)
    return _paint(mask, box, inside, value)


def polygon(mask: IndexMask, corners: Sequence[Point], value: int) -> Box | None:
    """Fill a polygon (even-odd rule)."""
    if len(corners) < 3:
        return None
    ring = np.asarray(corners, dtype=np.float64)
    box = _box(ring.min(axis=0), ring.max(axis=0), mask)
    if box is None:
        return None
    inside = rasterise([ring - (box.x0, box.y0)], (box.y1 - box.y0, box.x1 - box.x0))
    return _paint(mask, box, inside, value)


def flood_fill(
    mask: IndexMask, image: NDArray[np.uint8], seed: Point, tolerance: int, value: int
) -> Box | None:
    """Fill the 4-connected pixels around ``seed`` whose colour differs by ``tolerance`` at most.

    ``image`` (H, W, 3): the picture whose colours count; each channel is compared with the seed's.
    """
    x, y = int(np.floor(seed[0])), int(np.floor(seed[1]))
    height, width = mask.shape
    if not (0 <= x < width and 0 <= y < height):
        return None
    filled = np.zeros((height + 2, width + 2), dtype=np.uint8)
    span = (tolerance,) * 3
    flags = 4 | cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE | (1 << 8)
    _, _, _, (left, top, wide, high) = cv2.floodFill(
        image.copy(), filled, (x, y), (0, 0, 0), span, span, flags
    )
    box = Box(left, top, left + wide, top + high)
    return _paint(mask, box, filled[1:-1, 1:-1][box.slices] > 0, value)


def _box(low: NDArray[np.float64], high: NDArray[np.float64], mask: IndexMask) -> Box | None:
    height, width = mask.shape
    x0, y0 = (max(0, int(np.floor(v))) for v in low)
    x1, y1 = min(width, int(np.ceil(high[0]))), min(height, int(np.ceil(high[1])))
    return Box(x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def _capsule(
    inside: NDArray[np.bool_],
    box: Box,
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    radius: float,
) -> None:
    """Mark the pixels whose centre is within ``radius`` of the line from ``start`` to ``end``."""
    low, high = np.minimum(start, end) - radius, np.maximum(start, end) + radius
    x0, y0 = max(box.x0, int(np.floor(low[0]))), max(box.y0, int(np.floor(low[1])))
    x1, y1 = min(box.x1, int(np.ceil(high[0]))), min(box.y1, int(np.ceil(high[1])))
    if x0 >= x1 or y0 >= y1:
        return
    dx = np.arange(x0, x1)[None] + 0.5 - start[0]
    dy = np.arange(y0, y1)[:, None] + 0.5 - start[1]
    along = end - start
    length = float(along @ along)
    share = np.clip((dx * along[0] + dy * along[1]) / length, 0, 1) if length else np.zeros(1)
    near = (dx - share * along[0]) ** 2 + (dy - share * along[1]) ** 2 <= radius**2
    inside[y0 - box.y0 : y1 - box.y0, x0 - box.x0 : x1 - box.x0] |= near


def _paint(mask: IndexMask, box: Box, inside: NDArray[np.bool_], value: int) -> Box | None:
    if not 0 <= value <= 254:
        raise ValueError(f"a mask class lies in 0..254, got {value}")
    part = mask[box.slices]
    if not (inside & (part != value)).any():
        return None
    part[inside] = value
    return box
