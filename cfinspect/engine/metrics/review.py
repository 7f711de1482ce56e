"""Whether the images that go to review are those that the model gets wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cfinspect.engine.metrics.classification import auroc

_SMALLEST = 1e-12  # scores of exactly 0 or 1 would give an infinite likelihood


def review(
    labels: ArrayLike,
    predicted: ArrayLike,
    scores: ArrayLike,
    p_fake: ArrayLike,
    reviewed: ArrayLike,
) -> dict[str, Any]:
    """Figures from true and predicted labels, scores, p_fake and who was sent to review.

    ``rate``: share sent to review. ``errors``: number of wrong labels; ``errors_caught``: share of
    them that is in review. ``auroc_p_fake``, ``auroc_max_softmax``: how well p_fake, and
    1 - max(score, 1 - score), find the errors. ``corr_p_fake_nll``: Pearson correlation of p_fake
    with the negative log likelihood of the true class among p0 and p1 alone (with p_fake in the
    likelihood it would correlate with itself). None where undefined: no images, no errors, nothing
    but errors, or no variation.
    """
    truth = np.asarray(labels).astype(np.bool_)
    wrong = truth != np.asarray(predicted).astype(np.bool_)
    values = np.asarray(scores, dtype=np.float64)
    fake = np.asarray(p_fake, dtype=np.float64)
    sent = np.asarray(reviewed).astype(np.bool_)
    likelihood = np.where(truth, values, 1 - values)
    errors = int(wrong.sum())
    return {
        "rate": float(sent.mean()) if sent.size else None,
        "errors": errors,
        "errors_caught": float(sent[wrong].mean()) if errors else None,
        "auroc_p_fake": auroc(wrong, fake),
        "auroc_max_softmax": auroc(wrong, 1 - np.maximum(values, 1 - values)),
        "corr_p_fake_nll": _correlation(fake, -np.log(np.maximum(likelihood, _SMALLEST))),
    }


def _correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float | None:
    """Return Pearson's correlation; None for fewer than two values or where one never varies."""
    if a.size < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(np.corrcoef(a, b)[0, 1])
