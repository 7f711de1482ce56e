"""Thresholds that need no masks, and the clean-up of the mask that they give.

Everywhere in cfinspect ``value >= threshold`` is foreground. Values that nothing separates (all
equal) get a threshold just above them, so that nothing becomes foreground by accident.

Li: C. H. Li, C. K. Lee, "Minimum cross entropy thresholding", Pattern Recognition 26(4), 1993, with
the iteration of C. H. Li, P. K. S. Tam, "An iterative algorithm for minimum cross entropy
thresholding", Pattern Recognition Letters 19(8), 1998. Otsu: N. Otsu, IEEE Trans. SMC 9(1), 1979.
Triangle: Zack, Rogers, Latt, J. Histochemistry and Cytochemistry 25(7), 1977.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_LI_ROUNDS = 1000  # the iteration is monotone and needs a few dozen; the cap is for rounding only
_TRIANGLE_BINS = 256


def li_threshold(values: NDArray[np.floating[Any]]) -> float:
    """Minimum cross-entropy threshold of non-negative ``values`` (any shape, e.g. saliencies).

    Iterates t = (mean_back - mean_fore) / (log mean_back - log mean_fore) from the mean on, exactly
    over the sorted values (no histogram), until the split no longer moves. ``ValueError`` when
    ``values`` is empty, not finite or negative.
    """
    ordered = _ordered(values)
    if ordered[0] < 0:
        raise ValueError("Li's threshold needs values >= 0")
    if ordered[0] == ordered[-1]:
        return _just_above(ordered[-1])
    sums = np.cumsum(ordered)
    threshold, split = float(sums[-1] / ordered.size), -1
    for _ in range(_LI_ROUNDS):
        previous, split = split, int(np.searchsorted(ordered, threshold, side="left"))
        if split in (previous, 0):
            break
        back = float(sums[split - 1]) / split
        fore = float(sums[-1] - sums[split - 1]) / (ordered.size - split)
        if back <= 0:  # the background is exactly zero: log is undefined, the split is perfect
            break
        threshold = (back - fore) / (math.log(back) - math.log(fore))
    return threshold


def otsu_threshold(values: NDArray[np.floating[Any]]) -> float:
    """Threshold with the largest variance between the two classes, exact over all splits.

    Lies half-way between the last background and the first foreground value. ``ValueError`` when
    ``values`` is empty or not finite.
    """
    ordered = _ordered(values)
    steps = np.flatnonzero(ordered[1:] > ordered[:-1]) + 1  # k: values[:k] is background
    if steps.size == 0:
        return _just_above(ordered[-1])
    sums = np.cumsum(ordered)
    back = sums[steps - 1] / steps
    fore = (sums[-1] - sums[steps - 1]) / (ordered.size - steps)
    between = steps * (ordered.size - steps) * (fore - back) ** 2
    split = int(steps[int(np.argmax(between))])
    return _separating(ordered[split - 1], ordered[split])


def triangle_threshold(values: NDArray[np.floating[Any]]) -> float:
    """Triangle threshold over 256 equal bins between the smallest and the largest value.

    The bin farthest below the line from the histogram's peak to the far end of its longer tail; its
    centre is returned. ``ValueError`` when ``values`` is empty or not finite.
    """
    ordered = _ordered(values)
    if ordered[0] == ordered[-1]:
        return _just_above(ordered[-1])
    counts, edges = np.histogram(ordered, bins=_TRIANGLE_BINS)
    peak = int(np.argmax(counts))
    last = _TRIANGLE_BINS - 1
    end = last if last - peak >= peak else 0
    step = 1 if end > peak else -1
    bins = np.arange(peak, end + step, step)
    line = counts[peak] + (counts[end] - counts[peak]) * np.arange(bins.size) / (bins.size - 1)
    found = int(bins[int(np.argmax(line - counts[bins]))])
    return float((edges[found] + edges[found + 1]) / 2)


def quantile_threshold(values: NDArray[np.floating[Any]], q: float) -> float:
    """The ``q`` quantile (0..1, linear between values) of ``values``.

    Where that is the smallest value itself, a number just above it, so that not everything is
    foreground. ``ValueError`` when ``values`` is empty or not finite, or ``q`` is out of 0..1.
    """
    if not 0 <= q <= 1:
        raise ValueError(f"q must lie in 0..1, got {q}")
    ordered = _ordered(values)
    found = float(np.quantile(ordered, q))
    return found if found > ordered[0] else _just_above(ordered[0])


def clean_mask(mask: NDArray[np.bool_], min_area: int, close: int = 0) -> NDArray[np.bool_]:
    """A copy of ``mask`` (H, W) without small islands.

    First gaps narrower than ``close`` px are closed (0 or 1: none), then 8-connected components of
    fewer than ``min_area`` px are removed.
    """
    binary = np.ascontiguousarray(mask, dtype=np.uint8)
    if close > 1:
        # a square: the 3 px "ellipse" is a cross, which leaves gaps in one-pixel lines open
        square = cv2.getStructuringElement(cv2.MORPH_RECT, (close, close))
        binary = np.asarray(cv2.morphologyEx(binary, cv2.MORPH_CLOSE, square), dtype=np.uint8)
    if min_area <= 1 or not binary.any():
        return binary.astype(np.bool_)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(binary, connectivity=8)
    keep = np.asarray(stats)[:, cv2.CC_STAT_AREA] >= min_area
    keep[0] = False  # component 0 is the background
    return np.asarray(keep[np.asarray(labels)], dtype=np.bool_)


def _ordered(values: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return all values, sorted, as float64; ``ValueError`` when empty or not finite."""
    ordered = np.sort(np.asarray(values, dtype=np.float64), axis=None)
    if ordered.size == 0:
        raise ValueError("a threshold needs at least one value")
    if not np.isfinite(ordered[[0, -1]]).all():  # NaN sorts to the end
        raise ValueError("a threshold needs finite values")
    return ordered


def _just_above(value: float) -> float:
    """Return the next number above ``value`` that float32 saliencies can tell from it."""
    tiny = np.finfo(np.float32).tiny  # not a denormal: those may be flushed to zero
    return float(max(np.nextafter(np.float32(value), np.float32(np.inf)), value + tiny))


def _separating(below: float, above: float) -> float:
    """Return the middle of two neighbouring values, or the upper one where none lies between."""
    middle = (below + above) / 2
    return float(middle if below < middle <= above else above)
