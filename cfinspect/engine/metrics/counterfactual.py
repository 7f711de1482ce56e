"""Whether the counterfactuals do what they are for: flip the label with little change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class CounterfactualFigures:
    """Shares of images whose x' has D's other label, and mean |x - x'|; all in 0..1.

    None where there is no such image, see ``counterfactual``.
    """

    flip_rate: float | None
    flip_rate_damaged: float | None
    flip_rate_undamaged: float | None
    mean_abs_change: float | None


def counterfactual(
    predicted: ArrayLike, flipped: ArrayLike, mean_changes: ArrayLike
) -> CounterfactualFigures:
    """Figures from D's label on x, whether D gives x' the other label, and mean |x - x'| (0..1).

    The two directions go by D's own label on x, not by the true one: only then is "the other
    label" what G was to reach, and an image that D already mistakes does not count as flipped for
    nothing; ``flip_rate_damaged`` is from damaged to undamaged. None where there is no such image.
    For a photo inspected through windows the flip is that of its worst window, and the change is
    that of its damaged places.
    """
    damaged = np.asarray(predicted).astype(np.bool_)
    flips = np.asarray(flipped).astype(np.float64)
    return CounterfactualFigures(
        flip_rate=_mean(flips),
        flip_rate_damaged=_mean(flips[damaged]),
        flip_rate_undamaged=_mean(flips[~damaged]),
        mean_abs_change=_mean(mean_changes),
    )


def _mean(values: ArrayLike) -> float | None:
    numbers = np.asarray(values, dtype=np.float64)
    return float(numbers.mean()) if numbers.size else None
