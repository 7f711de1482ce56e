"""Snap a rough mask to the edges of the picture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

_MARGIN = 3  # times the radius of picture around the mask that is looked at
_MAX_PIXELS = 1_500_000  # GrabCut takes a second for these


def snap_to_edges(image: NDArray[np.uint8], mask: Mask, radius: int = 6, rounds: int = 3) -> Mask:
    """Move the outline of ``mask`` (H, W) to edges of ``image`` (H, W, 3), ``radius`` px at most.

    GrabCut (C. Rother, V. Kolmogorov, A. Blake, 2004): what lies deeper inside than ``radius``
    stays, what lies farther outside stays out, between them colours and contrast decide. A mask
    that is thinner than that everywhere keeps its centre. Returns ``mask`` itself where there is
    nothing to decide, or the picture gives no hold.
    """
    if not mask.any() or mask.all() or radius < 1:
        return mask
    ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    margin = _MARGIN * radius
    rows = slice(max(0, int(ys[0]) - margin), int(ys[-1]) + margin + 1)
    columns = slice(max(0, int(xs[0]) - margin), int(xs[-1]) + margin + 1)
    part = mask[rows, columns]
    if part.size > _MAX_PIXELS:
        raise ValueError(f"the mask spans {part.size} pixels; snap a part of at most {_MAX_PIXELS}")
    labels = _trimap(part, radius)
    if not ((labels == cv2.GC_BGD).any() and (labels == cv2.GC_FGD).any()):
        return mask
    pixels = np.ascontiguousarray(image[rows, columns])
    cv2.setRNGSeed(0)  # the k-means in it starts at random; the same stroke gives the same mask
    found, _, _ = cv2.grabCut(
        pixels,
        labels,
        (0, 0, 1, 1),  # not used in this mode
        np.zeros((1, 65)),
        np.zeros((1, 65)),
        rounds,
        cv2.GC_INIT_WITH_MASK,
    )
    result = mask.copy()
    result[rows, columns] = (found == cv2.GC_FGD) | (found == cv2.GC_PR_FGD)
    return result


def _trimap(mask: Mask, radius: int) -> NDArray[np.uint8]:
    """What is sure and what is to be decided, in GrabCut's four numbers."""
    inner = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    outer = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)
    labels = np.full(mask.shape, cv2.GC_PR_BGD, dtype=np.uint8)
    labels[mask] = cv2.GC_PR_FGD
    labels[outer > radius] = cv2.GC_BGD
    # A thin crack has no inside that deep; its ridge is sure all the same.
    ridge = inner >= cv2.dilate(inner, np.ones((3, 3), np.uint8)) - 1e-3
    labels[mask & ((inner > radius) | (ridge & (inner >= 0.5 * inner.max())))] = cv2.GC_FGD
    return labels
