"""The region table: what each connected part of a mask measures."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Region:
    """One 8-connected region.

    ``x``, ``y``, ``width``, ``height``: its box in px. ``area``: px. ``length``: of the centre line
    in px, the sum of all its branches. ``mean_width``: area / length in px. ``class_id``: the mask
    class. The ``_mm`` fields are the same in millimetres (mm² for the area), None without a scale.
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
    mask: NDArray[np.uint8] | Mask, mm_per_px: float | None = None, *, min_area: int = 1
) -> list[Region]:
    """The regions of a mask (H, W) of class numbers or bool, largest first."""
    numbers = np.asarray(mask, dtype=np.uint8)
    found = []
    for class_id in np.flatnonzero(np.bincount(numbers.ravel(), minlength=256)[1:]) + 1:
        one = (numbers == class_id).astype(np.uint8)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(one, connectivity=8)
        for number in range(1, count):
            x, y, width, height, area = (int(value) for value in stats[number])
            if area < min_area:
                continue
            part = labels[y : y + height, x : x + width] == number
            length = centre_line_length(skeleton(part))
            found.append(_region((x, y, width, height), area, length, int(class_id), mm_per_px))
    return sorted(found, key=lambda region: (-region.area, region.y, region.x))


def _region(
    box: tuple[int, int, int, int], area: int, length: float, class_id: int, scale: float | None
) -> Region:
    thickness = area / length
    if scale is None:
        return Region(*box, area, length, thickness, class_id)
    millimetres = (area * scale**2, length * scale, thickness * scale)
    return Region(*box, area, length, thickness, class_id, *millimetres)


def skeleton(mask: Mask) -> Mask:
    """The centre line of a mask (H, W), one pixel wide and as connected as the mask.

    T. Y. Zhang, C. Y. Suen, "A fast parallel algorithm for thinning digital patterns",
    Communications of the ACM 27(3), 1984. (OpenCV has it in its contributed modules only.)
    """
    image = np.pad(mask, 1).astype(np.uint8)
    before = -1
    while (left := int(image.sum())) != before:
        before = left
        for removable in _REMOVABLE:
            # Each pixel's eight neighbours as the bits of one number.
            around = cv2.filter2D(image, cv2.CV_16U, _BITS, borderType=cv2.BORDER_CONSTANT)
            image[removable[around] & (image > 0)] = 0
    return image[1:-1, 1:-1].astype(np.bool_)


def centre_line_length(line: Mask) -> float:
    """Length in px of a line one pixel wide: 1 a straight step, the square root of 2 a diagonal.

    Half a pixel is added at both ends, so that a row of n pixels is n long; at least 1.
    """
    padded = np.pad(line, 1)
    core = padded[1:-1, 1:-1]
    right, below = core & padded[1:-1, 2:], core & padded[2:, 1:-1]
    straight = int(right.sum() + below.sum())
    # A diagonal step counts only where no straight way leads round the corner.
    down_right = core & padded[2:, 2:] & ~padded[1:-1, 2:] & ~padded[2:, 1:-1]
    down_left = core & padded[2:, :-2] & ~padded[1:-1, :-2] & ~padded[2:, 1:-1]
    diagonal = int(down_right.sum() + down_left.sum())
    return max(1.0, straight + diagonal * 2**0.5 + 1.0)


_BITS = np.array([[128, 1, 2], [64, 0, 4], [32, 16, 8]], dtype=np.float32)


def _removable(first: bool) -> NDArray[np.bool_]:
    """Which neighbourhoods let a pixel go, in the first and in the second half of a pass."""
    table = np.zeros(256, dtype=np.bool_)
    for code in range(256):
        ring = [bool(code & (1 << bit)) for bit in range(8)]  # from above, clockwise
        changes = sum(not a and b for a, b in zip(ring, [*ring[1:], ring[0]], strict=True))
        up, right, down, left = ring[0], ring[2], ring[4], ring[6]
        open_sides = (
            not (up and right and down) and not (right and down and left)
            if first
            else not (up and right and left) and not (up and down and left)
        )
        table[code] = 2 <= sum(ring) <= 6 and changes == 1 and open_sides
    return table


_REMOVABLE = (_removable(True), _removable(False))
