"""Whether the images that go to review are those that the model gets wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cfinspect.engine.metrics.classification import Interval, auroc
from cfinspect.engine.metrics.probability import score
from cfinspect.engine.model.metadata import Decision

_SMALLEST = 1e-12  # scores of exactly 0 or 1 would give an infinite likelihood


@dataclass(frozen=True)
class ReviewFigures:
    """Who is sent to a human, and whether the errors are among them; see ``review``."""

    rate: float | None
    errors: int
    errors_caught: float | None
    auroc_p_fake: float | None
    auroc_max_softmax: float | None
    corr_p_fake_nll: float | None


@dataclass(frozen=True)
class ReviewMetrics:
    """Who is missed and who is sent to a human; see ``review_metrics``.

    The model file's metadata keep these as ``metrics.review``.
    """

    damaged_n: int
    missed_alone: float | None
    missed_alone_ci95: Interval
    miss_rate: float | None
    miss_rate_ci95: Interval
    reviewed: float
    errors: int
    errors_caught: float | None


def review(
    labels: ArrayLike,
    predicted: ArrayLike,
    scores: ArrayLike,
    p_fake: ArrayLike,
    reviewed: ArrayLike,
) -> ReviewFigures:
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
    return ReviewFigures(
        rate=float(sent.mean()) if sent.size else None,
        errors=errors,
        errors_caught=float(sent[wrong].mean()) if errors else None,
        auroc_p_fake=auroc(wrong, fake),
        auroc_max_softmax=auroc(wrong, 1 - np.maximum(values, 1 - values)),
        corr_p_fake_nll=_correlation(fake, -np.log(np.maximum(likelihood, _SMALLEST))),
    )


def _correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float | None:
    """Return Pearson's correlation; None for fewer than two values or where one never varies."""
    if a.size < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(np.corrcoef(a, b)[0, 1])


def in_sample_review_metrics(
    decision: Decision, p: NDArray[np.float64], labels: NDArray[np.int64]
) -> ReviewMetrics:
    """What ``decision`` does on these n images; ``p`` (n, 3): calibrated p0, p1, p_fake.

    On images that it was fitted to, the figures flatter.
    """
    return review_metrics(labels, *said_and_sent(decision, p))


def said_and_sent(
    decision: Decision, p: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which of n images ``decision`` calls damaged, and which it sends to review."""
    scores = score(p)
    seen = (scores >= decision.review_low) & (scores <= decision.review_high)
    return scores >= decision.score_threshold, seen | (p[:, 2] > decision.review_p_fake)


def review_metrics(
    labels: NDArray[np.int64], said: NDArray[np.bool_], seen: NDArray[np.bool_]
) -> ReviewMetrics:
    """Figures of n images: ``labels``, which are called damaged, which are sent to review.

    ``miss_rate``: share of damaged images that are neither called damaged nor sent to review,
    ``missed_alone`` without the review; both with 95 % intervals that take images one by one,
    though those of one group are alike. ``reviewed``: share sent to review; ``errors``: wrong
    labels; ``errors_caught``: the share of them in review, None without errors.
    """
    truth = labels == 1
    damaged, wrong = int(truth.sum()), said != truth
    alone, missed = truth & ~said, truth & ~said & ~seen
    return ReviewMetrics(
        damaged_n=damaged,
        missed_alone=float(alone.sum() / damaged) if damaged else None,
        missed_alone_ci95=wilson(int(alone.sum()), damaged),
        miss_rate=float(missed.sum() / damaged) if damaged else None,
        miss_rate_ci95=wilson(int(missed.sum()), damaged),
        reviewed=float(seen.mean()),
        errors=int(wrong.sum()),
        errors_caught=float(seen[wrong].mean()) if wrong.any() else None,
    )


def wilson(wrong: int, count: int) -> Interval:
    """95 % interval of a share (Wilson 1927), honest for few images; None for none."""
    if not count:
        return None
    z, share = 1.96, wrong / count
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    reach = z * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2)) / (1 + z**2 / count)
    return max(0.0, float(middle - reach)), min(1.0, float(middle + reach))
