"""Masks with everything that gives formats trouble, drawn at random."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def hard_mask(seed: int, side: int = 96) -> NDArray[np.bool_]:
    """Blobs with holes and islands in them, at the edge, thin lines, single pixels, touching."""
    chance = np.random.default_rng(seed)
    mask = np.zeros((side, side + 16), np.uint8)
    for _ in range(chance.integers(1, 4)):
        centre = tuple(int(v) for v in chance.integers(-5, side + 10, 2))
        radius = int(chance.integers(6, 24))
        cv2.circle(mask, centre, radius, 1, -1)
        if chance.random() < 0.8:  # a hole, often with an island in it
            cv2.circle(mask, centre, radius // 2, 0, -1)
            if chance.random() < 0.5:
                cv2.circle(mask, centre, max(1, radius // 5), 1, -1)
    for _ in range(chance.integers(1, 4)):
        ends = [tuple(int(v) for v in chance.integers(0, side, 2)) for _ in range(2)]
        cv2.line(mask, ends[0], ends[1], 1, 1)
    if chance.random() < 0.5:
        mask[0, :] = 1
        mask[:, -1] = 1
    ys, xs = chance.integers(0, side, (2, 6))
    mask[ys, xs] ^= 1  # single pixels and single-pixel holes
    return mask.astype(np.bool_)
