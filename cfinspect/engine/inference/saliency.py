"""|x - x'|: the one place where an image is compared with its counterfactual; and masks of it.

Everywhere in cfinspect ``value >= threshold`` is foreground.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def absolute_change(
    images: NDArray[np.uint8], counterfactuals: NDArray[np.float32]
) -> NDArray[np.float32]:
    """|x - x'| of each channel, (..., 3) in [0, 1]; ``images`` in 0..255, x' in [0, 1]."""
    return np.abs(counterfactuals - images / np.float32(255))


def saliency(
    images: NDArray[np.uint8], counterfactuals: NDArray[np.float32]
) -> NDArray[np.float32]:
    """|x - x'| averaged over the channels: (n, S, S, 3) -> (n, S, S) in [0, 1]."""
    return mean_of_channels(absolute_change(images, counterfactuals))


def mean_of_channels(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean over the last axis of three. By hand: NumPy's own is five times slower."""
    total = values[..., 0] + values[..., 1] + values[..., 2]
    return np.asarray(total / np.float32(3), dtype=np.float32)


def clean_mask(mask: NDArray[np.bool_], min_area: int) -> NDArray[np.bool_]:
    """A copy of ``mask`` (H, W) without 8-connected components of fewer than ``min_area`` px."""
    binary = np.ascontiguousarray(mask, dtype=np.uint8)
    if min_area <= 1 or not binary.any():
        return binary.astype(np.bool_)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(binary, connectivity=8)
    keep = np.asarray(stats)[:, cv2.CC_STAT_AREA] >= min_area
    keep[0] = False  # component 0 is the background
    return np.asarray(keep[np.asarray(labels)], dtype=np.bool_)
