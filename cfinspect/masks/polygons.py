"""Masks as polygons and back, without losing a pixel.

Points are in pixels with the origin at the upper left *corner* of the upper left pixel, as COCO,
YOLO and CVAT have it: pixel (x, y) covers [x, x + 1] by [y, y + 1]. Contours run along the edges of
pixels, not through their centres, so a line one pixel wide has an area of its own. A pixel belongs
to a set of polygons when its centre lies inside an odd number of them (even-odd rule).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Ring = NDArray[np.float64]
"""(N, 2) corners x, y of a closed polygon; the last is joined to the first."""

_CHUNK = 2_000_000  # crossings of edges with rows that are worked out at a time
_BAND = 4_000_000  # and pixels
# Where a bridge leaves a hole, as a share of a pixel: neither on a corner nor on a row of centres.
_OFF_GRID = 0.25


@dataclass(frozen=True, eq=False)
class Shape:
    """One 8-connected region: its outer contour and its holes."""

    outer: Ring
    holes: list[Ring] = field(default_factory=list)

    @property
    def rings(self) -> list[Ring]:
        """All contours; by the even-odd rule they are the region."""
        return [self.outer, *self.holes]


def trace(mask: Mask) -> list[Shape]:
    """The regions of a mask (H, W), exactly: ``rasterise`` of all their rings is the mask again.

    Outer contours run clockwise on screen, holes the other way. Sorted from top to bottom.
    """
    inside = np.pad(np.asarray(mask, dtype=np.bool_), 1)
    core = inside[1:-1, 1:-1]
    height, width = core.shape
    # Which ways contours leave each corner, with the mask on their right: bit 0 to the right, 1
    # down, 2 to the left, 3 up.
    ways = np.zeros((height + 1, width + 1), dtype=np.uint8)
    upper = core & ~inside[:-2, 1:-1]
    ways[:-1, :-1] |= upper.astype(np.uint8)
    ways[:-1, 1:] |= (core & ~inside[1:-1, 2:]).astype(np.uint8) << 1
    ways[1:, 1:] |= (core & ~inside[2:, 1:-1]).astype(np.uint8) << 2
    ways[1:, :-1] |= (core & ~inside[1:-1, :-2]).astype(np.uint8) << 3
    _, labels = cv2.connectedComponents(np.ascontiguousarray(core, dtype=np.uint8), connectivity=8)
    table = bytes(ways)
    todo = bytearray(np.pad(upper, ((0, 1), (0, 1))).astype(np.uint8))
    shapes: dict[int, Shape] = {}
    for y, x in zip(*(axis.tolist() for axis in np.nonzero(upper)), strict=True):
        corner = y * (width + 1) + x
        if not todo[corner]:
            continue
        ring = _follow(table, todo, corner, width + 1)
        # From the top, a region's outer contour is met before its holes.
        shape = shapes.get(int(labels[y, x]))
        if shape is None:
            shapes[int(labels[y, x])] = Shape(ring)
        else:
            shape.holes.append(ring)
    return list(shapes.values())


def rasterise(rings: Iterable[Ring], shape: tuple[int, int]) -> Mask:
    """The mask (H, W) = ``shape`` of all pixels whose centre lies in an odd number of ``rings``.

    Coordinates must be finite; what lies outside of the image is cut off. For every row, the rings'
    crossings with the line through the centres switch the mask on and off from left to right.
    """
    height, width = shape
    mask = np.zeros(shape, dtype=np.bool_)
    edges = [_edges(ring, height) for ring in rings]
    rows = max(1, _BAND // max(1, width))
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        switches = np.zeros((bottom - top, width + 1), dtype=np.uint8)
        for one in edges:
            _switch(switches, one, top)
        inside = np.bitwise_xor.accumulate(switches[:, :-1], axis=1) & 1
        mask[top:bottom] = inside.view(np.bool_)
    return mask


@dataclass(frozen=True, eq=False)
class _Edges:
    """Edges of a ring, and the rows ``lows``..``highs`` - 1 whose centres each of them crosses."""

    starts: Ring
    ends: Ring
    lows: NDArray[np.int64]
    highs: NDArray[np.int64]


def _edges(ring: Ring, height: int) -> _Edges:
    ends = np.roll(ring, -1, axis=0)
    rows = np.ceil(np.clip(np.stack([ring[:, 1], ends[:, 1]]), 0, height) - 0.5)
    lows, highs = rows.min(axis=0).astype(np.int64), rows.max(axis=0).astype(np.int64)
    return _Edges(ring, ends, lows, highs)


def _switch(switches: NDArray[np.uint8], edges: _Edges, top: int) -> None:
    """Count where edges cross the rows from ``top`` on, as many as ``switches`` has."""
    bottom = top + len(switches)
    crossed = edges.lows < edges.highs
    here = np.flatnonzero(crossed & (edges.lows < bottom) & (edges.highs > top))
    lows, highs = np.maximum(edges.lows[here], top), np.minimum(edges.highs[here], bottom)
    crossings = np.cumsum(highs - lows)
    begin = 0
    while begin < len(here):
        done = crossings[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(crossings, done + _CHUNK, side="right")))
        part = here[begin:end]
        rows = (lows[begin:end], highs[begin:end])
        _cross(switches, edges.starts[part], edges.ends[part], *rows, top)
        begin = end


def _cross(
    switches: NDArray[np.uint8],
    starts: Ring,
    ends: Ring,
    lows: NDArray[np.int64],
    highs: NDArray[np.int64],
    top: int,
) -> None:
    """Count where edges cross the rows ``lows``..``highs`` - 1; ``switches`` begin at ``top``."""
    counts = highs - lows
    row = np.arange(counts.sum()) + np.repeat(lows - (np.cumsum(counts) - counts), counts)
    slope = (ends[:, 0] - starts[:, 0]) / (ends[:, 1] - starts[:, 1])
    x0, y0, slope = (np.repeat(one, counts) for one in (starts[:, 0], starts[:, 1], slope))
    x = x0 + (row + 0.5 - y0) * slope
    column = np.ceil(np.clip(x, 0, switches.shape[1] - 1) - 0.5).astype(np.int64)
    place = (row - top) * switches.shape[1] + np.maximum(column, 0)
    np.add.at(switches.reshape(-1), place, np.uint8(1))  # one axis, one type: thirty times as fast


def simplify(ring: Ring, tolerance: float) -> Ring:
    """``ring`` with fewer corners, off by ``tolerance`` px at most (Douglas and Peucker, 1973)."""
    if tolerance <= 0:
        return ring
    points = cv2.approxPolyDP(ring.astype(np.float32)[:, None], tolerance, closed=True)
    found = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    return found if len(found) >= 3 else ring


def inset(shape: Shape, distance: float) -> Shape:
    """``shape`` with all contours moved inwards by ``distance`` px, far less than one.

    Many programs cut coordinates down to whole pixels and then draw the outline as well; on exact
    contours that adds a row of pixels on the right and below. Moved in by a hair, they draw what is
    meant, and by the centres of pixels nothing changes.
    """
    corners, counts = np.unique(np.concatenate(shape.rings), axis=0, return_counts=True)
    touching = {(x, y) for x, y in corners[counts > 1].tolist()}
    moved = []
    for ring in shape.rings:
        along = np.roll(ring, -1, axis=0) - ring
        along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-12)
        inward = np.stack([-along[:, 1], along[:, 0]], axis=1)  # the mask is on the right
        before, arrival = np.roll(inward, 1, axis=0), np.roll(along, 1, axis=0)
        # Where two pixels meet at a corner only, "inwards" of both edges would lead out of both:
        # the contour goes through the one it comes from, then the one it goes on to.
        meets = np.array([(x, y) in touching for x, y in ring.tolist()])
        first = ring + distance * np.where(meets[:, None], before - arrival, before + inward)
        second = ring + distance * (inward + along)
        both = np.stack([first, second], axis=1)
        moved.append(both[np.stack([np.ones_like(meets), meets], axis=1)])
    return Shape(moved[0], moved[1:])


def merge_holes(shape: Shape) -> Ring:
    """One polygon for a shape with holes, for formats that know none.

    Each hole is joined to the contour on its left by a bridge of no width, walked there and back.
    """
    ring = shape.outer
    for hole in sorted(shape.holes, key=lambda one: float(one[:, 0].min())):
        ring = _bridge(ring, hole)
    return ring


def _bridge(ring: Ring, hole: Ring) -> Ring:
    ends = np.roll(hole, -1, axis=0)
    # The edge that reaches furthest left; not a level one, which has no inside of its own.
    sloped = np.flatnonzero(hole[:, 1] != ends[:, 1])
    first = int(sloped[np.argmin((hole[:, 0] + ends[:, 0])[sloped])])
    start = hole[first] + (ends[first] - hole[first]) * _OFF_GRID
    froms, tos = ring, np.roll(ring, -1, axis=0)
    low, high = np.minimum(froms[:, 1], tos[:, 1]), np.maximum(froms[:, 1], tos[:, 1])
    met = np.flatnonzero((low <= start[1]) & (start[1] < high))
    slopes = (tos - froms)[met]
    x = froms[met, 0] + (start[1] - froms[met, 1]) * slopes[:, 0] / slopes[:, 1]
    left = x <= start[0]
    if not left.any():  # simplified contours may have let the hole out
        return ring
    best = int(np.argmax(np.where(left, x, -np.inf)))
    dock = np.array([x[best], start[1]])
    around = np.roll(hole, -(first + 1), axis=0)  # from the end of that edge to its start
    after = int(met[best]) + 1
    return np.concatenate([ring[:after], [dock, start], around, [start, dock], ring[after:]])


def _follow(ways: bytes, todo: bytearray, start: int, pitch: int) -> Ring:
    """Walk the contour that leaves ``start`` to the right, back to there; keeps the corners."""
    steps = (1, pitch, -1, -pitch)
    corners = []
    corner, way, before = start, 0, -1
    while True:
        if way != before:
            corners.append(corner)
        if way == 0:
            todo[corner] = 0
        corner += steps[way]
        before = way
        way = _NEXT[way][ways[corner]]
        if corner == start and way == 0:
            break
    points = np.array(corners)
    return np.stack([points % pitch, points // pitch], axis=1).astype(np.float64)


def _turns(way: int) -> list[int]:
    """For each set of ways that leave a corner, which to take after arriving by ``way``."""
    # Where two pixels meet at this corner only, turning left crosses over to the other one.
    order = [(way - 1) % 4, way, (way + 1) % 4]
    return [next((one for one in order if leaving & (1 << one)), way) for leaving in range(16)]


_NEXT = [_turns(way) for way in range(4)]
