"""The region table: what each connected part of a mask measures."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cfinspect.masks.files import classes_in

Mask = NDArray[np.bool_]

_THIN = 10  # px of half-width above which a region is measured at a smaller size


@dataclass(frozen=True)
class Region:
    """One 8-connected region.

    ``x``, ``y``, ``width``, ``height``: its box in px. ``area``: px. ``length``: of the centre line
    in px, the sum of all its branches; of a blob, whose centre line would be shorter than it is
    wide, the long side of the smallest rectangle around it. ``mean_width``: area / length in px.
    ``class_id``: the mask class. The ``_mm`` fields are the same in millimetres (mm² for the area),
    None without a scale.
    """

    x: int
    y: int
    width: int
    height: int
    area: int
    length: float
    mean_width: float
    class_id: int = 1
    area_mm2: float | None = None
    length_mm: float | None = None
    mean_width_mm: float | None = None


def regions_of(
    mask: NDArray[np.uint8] | Mask,
    mm_per_px: float | None = None,
    *,
    min_area: int = 1,
    most: int | None = None,
) -> list[Region]:
    """The regions of a mask (H, W) of class numbers or bool, largest first, at most ``most``."""
    numbers = np.asarray(mask, dtype=np.uint8)
    found: list[tuple[int, int, tuple[int, int, int, int], NDArray[np.int32], int]] = []
    for class_id in classes_in(numbers):
        one = (numbers == class_id).astype(np.uint8)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(one, connectivity=8)
        kept = np.asarray(labels, dtype=np.int32)
        areas = np.asarray(stats)[:, cv2.CC_STAT_AREA]
        for label in (np.flatnonzero(areas[1:] >= min_area) + 1).tolist():
            x, y, width, height = (int(value) for value in stats[label][:4])
            found.append((int(areas[label]), class_id, (x, y, width, height), kept, label))
    found.sort(key=lambda one: (-one[0], one[2][1], one[2][0]))
    regions = []
    for area, class_id, box, labels, label in found[:most]:
        x, y, width, height = box
        part = labels[y : y + height, x : x + width] == label
        length = _length(part)
        if area / length > length:
            length = max(length, _long_side(part))
        regions.append(_region(box, area, length, class_id, mm_per_px))
    return regions


def _length(mask: Mask) -> float:
    """Length of the centre line; a thick region is measured smaller, for thinning takes a pass a
    pixel of thickness.
    """
    padded = np.pad(mask, 1).astype(np.uint8)
    radius = float(cv2.distanceTransform(padded, cv2.DIST_L2, 3).max())
    factor = max(1, int(radius / _THIN))
    if factor > 1:
        size = (max(1, mask.shape[1] // factor), max(1, mask.shape[0] // factor))
        small = cv2.resize(mask.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA)
        mask = np.asarray(small > 127, dtype=np.bool_)
    return centre_line_length(skeleton(mask)) * factor


def _long_side(mask: Mask) -> float:
    """The long side of the smallest rectangle around a region, at any angle, in px."""
    rows, columns = np.nonzero(mask)
    points = np.stack([columns, rows], axis=1).astype(np.float32)
    return float(max(cv2.minAreaRect(points)[1])) + 1.0


def _region(
    box: tuple[int, int, int, int], area: int, length: float, class_id: int, scale: float | None
) -> Region:
    thickness = area / length
    if scale is None:
        return Region(*box, area, length, thickness, class_id)
    millimetres = (area * scale**2, length * scale, thickness * scale)
    return Region(*box, area, length, thickness, class_id, *millimetres)


def skeleton(mask: Mask) -> Mask:
    """The centre line of a mask (H, W), about one pixel wide and as connected as the mask.

    Z. Guo, R. W. Hall, "Parallel thinning with two-subiteration algorithms", Communications of the
    ACM 32(3), 1989, algorithm A1, which unlike Zhang and Suen's keeps diagonals of two pixels.
    (OpenCV has both in its contributed modules only.)
    """
    image = np.pad(mask, 1).astype(np.uint8)
    before = -1
    while (left := int(image.sum())) != before:
        before = left
        for removable in _REMOVABLE:
            # Each pixel's eight neighbours as the bits of one number.
            around = cv2.filter2D(image, cv2.CV_16U, _BITS, borderType=cv2.BORDER_CONSTANT)
            image[removable[around] & (image > 0)] = 0
    for stairs in _STAIRS:  # the inner corners of stairs, which a diagonal goes past
        around = cv2.filter2D(image, cv2.CV_16U, _BITS, borderType=cv2.BORDER_CONSTANT)
        image[stairs[around] & (image > 0)] = 0
    return image[1:-1, 1:-1].astype(np.bool_)


def centre_line_length(line: Mask) -> float:
    """Length in px of a line one pixel wide, at least 1.

    From the numbers of straight steps, diagonal steps and corners (A. M. Vossepoel, A. W. M.
    Smeulders, "Vector code probability and metrication error in the representation of straight
    lines of finite length", 1982), within some 2 % at any angle. Half a pixel is added at both
    ends, so that a row of n pixels is about n long.
    """
    padded = np.pad(line, 1)
    core = padded[1:-1, 1:-1]
    up, down = padded[:-2, 1:-1], padded[2:, 1:-1]
    left, right = padded[1:-1, :-2], padded[1:-1, 2:]
    # A diagonal step counts only where no straight way leads round the corner.
    diagonals = [
        padded[2:, 2:] & ~right & ~down,
        padded[2:, :-2] & ~left & ~down,
        padded[:-2, 2:] & ~right & ~up,
        padded[:-2, :-2] & ~left & ~up,
    ]
    straight = core * (up + down.astype(np.int64) + left + right)
    diagonal = core * np.sum(diagonals, axis=0)
    corners = int(((straight == 1) & (diagonal == 1)).sum())
    steps = 0.980 * int(straight.sum()) / 2 + 1.406 * int(diagonal.sum()) / 2
    return max(1.0, steps - 0.091 * corners + 1.0)


_BITS = np.array([[128, 1, 2], [64, 0, 4], [32, 16, 8]], dtype=np.float32)


def _removable(first: bool) -> NDArray[np.bool_]:
    """Which neighbourhoods let a pixel go, in the first and in the second half of a pass."""
    table = np.zeros(256, dtype=np.bool_)
    for code in range(256):
        # The paper's p2..p9: from above, clockwise.
        up, ur, right, dr, down, dl, left, ul = (bool(code & (1 << bit)) for bit in range(8))
        components = (
            (not up and (ur or right))
            + (not right and (dr or down))
            + (not down and (dl or left))
            + (not left and (ul or up))
        )
        neighbours = min(
            (ul or up) + (ur or right) + (dr or down) + (dl or left),
            (up or ur) + (right or dr) + (down or dl) + (left or ul),
        )
        keep = (up or ur or not dr) and right if first else (down or dl or not ul) and left
        table[code] = components == 1 and 2 <= neighbours <= 3 and not keep
    return table


_REMOVABLE = (_removable(True), _removable(False))


def _stairs(one: int, other: int) -> NDArray[np.bool_]:
    """Pixels with these two neighbours, whose own corner touches, and nothing on the far side."""
    far = {(one + 4) % 8, (other + 4) % 8, ((one + other) // 2 + 4) % 8 if other - one == 2 else 3}
    codes = np.arange(256)
    table = ((codes >> one) & (codes >> other) & 1).astype(np.bool_)
    for bit in far:
        table &= ((codes >> bit) & 1) == 0
    return table


# Above and right, right and below, below and left; left and above last (bits 6 and 0).
_STAIRS = (_stairs(0, 2), _stairs(2, 4), _stairs(4, 6), _stairs(6, 0))
