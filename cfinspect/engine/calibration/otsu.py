"""The threshold that needs no masks.

Everywhere in cfinspect ``value >= threshold`` is foreground. Values that nothing separates (all
equal) get a threshold just above them, so that nothing becomes foreground by accident.

Otsu: N. Otsu, "A threshold selection method from gray-level histograms", IEEE Transactions on
Systems, Man, and Cybernetics 9(1), 1979.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


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
