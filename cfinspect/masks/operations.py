"""From saliency to mask, and what tidies a mask up."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.inference.mask_cleanup import clean_mask
from cfinspect.masks.polygons import rasterise, simplify, trace

Mask = NDArray[np.bool_]
FloatMap = NDArray[np.floating[Any]]


def threshold(saliency: FloatMap, level: float) -> Mask:
    """Where ``saliency`` (H, W) is ``level`` or more."""
    return np.asarray(saliency >= level, dtype=np.bool_)


def hysteresis(saliency: FloatMap, low: float, high: float) -> Mask:
    """8-connected parts of ``saliency >= low`` that reach ``high`` somewhere (J. Canny, 1986)."""
    if low > high:
        raise ValueError(f"low {low} is above high {high}")
    weak = (saliency >= low).astype(np.uint8)
    count, labels = cv2.connectedComponents(weak, connectivity=8)
    strong = np.zeros(count, dtype=np.bool_)
    strong[np.unique(labels[saliency >= high])] = True
    strong[0] = False
    return np.asarray(strong[labels], dtype=np.bool_)


def drop_small(mask: Mask, min_area: int) -> Mask:
    """``mask`` (H, W) without 8-connected islands of fewer than ``min_area`` px."""
    return clean_mask(mask, min_area)


def fill_holes(mask: Mask, max_area: int | None = None) -> Mask:
    """Fill what the mask encloses: 4-connected holes of at most ``max_area`` px (None: all)."""
    background = np.pad(~mask, 1, constant_values=True).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(background, connectivity=4)
    fill = np.ones(len(stats), dtype=np.bool_)
    if max_area is not None:
        fill = np.asarray(stats)[:, cv2.CC_STAT_AREA] <= max_area
    fill[labels[0, 0]] = False  # the outside
    fill[0] = True  # the mask itself
    return np.asarray(fill[labels], dtype=np.bool_)[1:-1, 1:-1]


def open_mask(mask: Mask, radius: int) -> Mask:
    """Morphological opening with a disc: removes what is narrower than 2 * ``radius`` + 1 px."""
    return _morphology(mask, cv2.MORPH_OPEN, radius)


def close_mask(mask: Mask, radius: int) -> Mask:
    """Morphological closing with a disc: fills gaps that a disc of this radius cannot enter."""
    # Padded, or what lies at the edge would grow together with the outside.
    padded = np.pad(mask, radius)
    inner = slice(radius, -radius or None)
    return _morphology(padded, cv2.MORPH_CLOSE, radius)[inner, inner]


def smooth_contours(mask: Mask, tolerance: float) -> Mask:
    """Draw the mask again with contours simplified to within ``tolerance`` px (Douglas-Peucker)."""
    rings = [simplify(ring, tolerance) for shape in trace(mask) for ring in shape.rings]
    return rasterise(rings, (mask.shape[0], mask.shape[1]))


def _morphology(mask: Mask, operation: int, radius: int) -> Mask:
    if radius < 1:
        return mask.copy()
    side = 2 * radius + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), operation, disc), dtype=np.bool_)
