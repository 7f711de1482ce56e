"""The threshold that needs no masks, and the clean-up of the mask that it gives.

Everywhere in cfinspect ``value >= threshold`` is foreground. Values that nothing separates (all
equal) get a threshold just above them, so that nothing becomes foreground by accident.

Otsu: N. Otsu, "A threshold selection method from gray-level histograms", IEEE Transactions on
Systems, Man, and Cybernetics 9(1), 1979.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def clean_mask(mask: NDArray[np.bool_], min_area: int) -> NDArray[np.bool_]:
    """A copy of ``mask`` (H, W) without 8-connected components of fewer than ``min_area`` px."""
    binary = np.ascontiguousarray(mask, dtype=np.uint8)
    if min_area <= 1 or not binary.any():
        return binary.astype(np.bool_)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(binary, connectivity=8)
    keep = np.asarray(stats)[:, cv2.CC_STAT_AREA] >= min_area
    keep[0] = False  # component 0 is the background
    return np.asarray(keep[np.asarray(labels)], dtype=np.bool_)
