"""From network outputs on labelled images to decisions: temperature, thresholds, review rule.

All of it needs labels only, no masks. Used at the end of training on the validation images, and
by ``calibrate`` on a handful of images of a new camera.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.calibration.head_refit import group_folds
from cfinspect.engine.inference.saliency import clean_mask, otsu_threshold
from cfinspect.engine.metrics.probability import logit, probabilities, score, sigmoid
from cfinspect.engine.metrics.review import ReviewMetrics, review_metrics, said_and_sent
from cfinspect.engine.model.metadata import Decision

Judge = Callable[[NDArray[np.float32]], NDArray[np.float32]]

# Pull towards "leave it as it is", in units of images: with 40 images it matters, with 400 not. A
# model's own decision deserves more of it than the neutral one does.
_PRIOR, _PRIOR_OF_MODEL = 2.0, 5.0
_FOLDS = 10


@dataclass(frozen=True)
class LabelledOutputs:
    """What the networks said about n labelled images.

    ``logits`` (n, 3) of D on x; ``saliency`` (n, ...) pixels in [0, 1]; ``labels`` (n,), 1 is
    damaged.
    """

    logits: NDArray[np.float32]
    saliency: NDArray[np.float32]
    labels: NDArray[np.int64]


# Mask rules of the reference systems: there is no saliency of a counterfactual to fit to.
NO_MASKS, TRAINED_MASKS = "none: a classifier", "trained on masks"
UNFITTED = (NO_MASKS, TRAINED_MASKS)


def fit_decision(
    seen: LabelledOutputs,
    review_rate: float,
    start: Decision | None = None,
    elsewhere: tuple[NDArray[np.float32], NDArray[np.int64]] | None = None,
) -> Decision:
    """All decisions from one set of images; ``start`` gives what is not refitted.

    ``elsewhere``: logits (m, 3) and labels (m,) of images as other cameras would take them; given,
    temperature and score threshold are fitted to those.
    """
    logits, labels = elsewhere or (seen.logits, seen.labels)
    temperature, threshold = fit_score_threshold(logits, labels, start)
    fitted = dataclasses.replace(
        start or Decision(), temperature=temperature, score_threshold=threshold
    )
    p = probabilities(seen.logits, temperature)
    said = score(p) >= threshold
    if said.any() and fitted.mask_rule not in UNFITTED:
        cut = fit_mask_threshold(seen.saliency[said])
        fitted = dataclasses.replace(fitted, mask_threshold=cut, mask_rule="median of otsu")
    return fit_review(fitted, p, review_rate)


def cross_fitted_review(
    logits: NDArray[np.float32],
    labels: NDArray[np.int64],
    groups: Sequence[str],
    review_rate: float,
    start: Decision | None = None,
    elsewhere: tuple[NDArray[np.float32], NDArray[np.int64]] | None = None,
) -> ReviewMetrics:
    """What to expect of a review rule on other images: each group by a rule fitted to the others.

    ``logits`` (n, 3), ``labels`` (n,); the rest as for `fit_decision`, ``elsewhere`` being copies
    of these images, one set after the other.
    """
    told, truth = elsewhere or (logits, labels)
    folds = group_folds(groups, _FOLDS)
    copies = len(truth) // len(folds)
    said, sent = np.zeros((2, len(folds)), np.bool_)
    for fold in np.unique(folds):
        rest, left = folds != fold, folds == fold
        own = np.tile(rest, copies)
        temperature, threshold = fit_score_threshold(told[own], truth[own], start)
        rule = dataclasses.replace(
            start or Decision(), temperature=temperature, score_threshold=threshold
        )
        p = probabilities(logits, temperature)
        said[left], sent[left] = said_and_sent(fit_review(rule, p[rest], review_rate), p[left])
    return review_metrics(labels, said, sent)


def fit_score_threshold(
    logits: NDArray[np.float32], labels: NDArray[np.int64], start: Decision | None = None
) -> tuple[float, float]:
    """Temperature and score threshold by logistic regression on the margin of p1 over p0.

    P(damaged) = sigmoid(a * margin + b), classes weighted alike (Platt 1999; Guo et al. 2017 for
    the temperature 1/a). The threshold is the score at which P is one half. A weak prior keeps
    both near those of ``start``, so that few or perfectly separated images give no extreme answer.
    """
    prior = _PRIOR if start is None else _PRIOR_OF_MODEL
    start = start or Decision()
    log_a0 = -float(np.log(start.temperature))
    b0 = -float(logit(start.score_threshold))
    margin = (logits[:, 1] - logits[:, 0]).astype(np.float64)
    target = labels.astype(np.float64)
    share = np.where(labels == 1, (labels == 1).mean(), (labels == 0).mean())
    weight = 0.5 / np.maximum(share, 1e-9)
    log_a, b = log_a0, b0
    for _ in range(100):
        a = np.exp(log_a)
        p = sigmoid(a * margin + b)
        error, curve = weight * (p - target), weight * p * (1 - p)
        slope = a * margin
        gradient = np.array(
            [(error * slope).sum() + prior * (log_a - log_a0), error.sum() + prior * (b - b0)]
        )
        cross = (curve * slope).sum()
        hessian = np.array(
            [
                [(curve * slope**2).sum() + prior, cross],
                [cross, curve.sum() + prior],
            ]
        )
        move = np.clip(np.linalg.solve(hessian, gradient), -0.5, 0.5)
        log_a, b = log_a - move[0], b - move[1]
        if np.abs(move).max() < 1e-8:
            break
    threshold = sigmoid(-b)
    return float(np.exp(-log_a)), float(np.clip(threshold, 1e-4, 1 - 1e-4))


def shift_to_false_alarms(decision: Decision, logits: NDArray[np.float32], rate: float) -> Decision:
    """``decision`` with a threshold that the next undamaged image reaches with at most ``rate``.

    ``logits`` (n, 3) of D on undamaged images of that camera. The next one is as likely as any of
    them to have the highest margin, or the second, ... (conformal prediction, Vovk et al. 2005).
    The review band moves along. Where D is too sure for a score to tell images apart, the
    temperature rises.
    """
    margin = np.sort((logits[:, 1] - logits[:, 0]).astype(np.float64))[::-1]
    highest = max(0, int(rate * (len(margin) + 1) + 1e-9) - 1)  # not to be called damaged
    above = margin[:highest][margin[:highest] > margin[highest]]
    # In the middle between it and the next: no rounding moves either over the threshold.
    middle = (margin[highest] + above[-1]) / 2 if len(above) else margin[highest] + _NEXT
    old, new = decision.temperature, max(decision.temperature, abs(middle) / _SUREST)
    moved = middle - old * float(logit(decision.score_threshold))
    low, high = (
        float(sigmoid((old * float(logit(end)) + moved) / new))
        for end in (decision.review_low, decision.review_high)
    )
    return dataclasses.replace(
        decision,
        temperature=float(new),
        score_threshold=float(sigmoid(middle / new)),
        review_low=low,
        review_high=high,
    )


_NEXT = 0.01  # of the margin, above the highest
_SUREST = 8.0  # log-odds of a threshold


def fit_mask_threshold(saliency: NDArray[np.float32]) -> float:
    """Median over images of each image's own Otsu threshold (1979); saliency (n, ...).

    A gated generator changes a place nearly fully or not at all, so each image's saliency has two
    humps, and Otsu's rule cuts between them. The median keeps the few images apart in which
    there is nothing to cut. Li's rule, better on soft saliency, cuts far too low here.
    """
    return float(np.median([otsu_threshold(image.reshape(-1)) for image in saliency]))


def fit_min_area(
    images: NDArray[np.uint8],
    counterfactuals: NDArray[np.float32],
    saliency: NDArray[np.float32],
    threshold: float,
    judge: Judge,
) -> float | None:
    """Largest share of the image below which islands of the mask may go: D does not miss them.

    Each damaged image (n, S, S, 3) is repaired inside its cleaned mask only (x' there, x elsewhere)
    and shown to ``judge``, which gives logits (n, 3). Islands may go as long as nearly all images
    that a repair inside the whole mask turns undamaged still turn. None where no image turns.
    """
    masks = saliency >= np.float32(threshold)
    area = masks[0].size if len(masks) else 0
    turned = fitted = None
    for share in _ISLANDS:
        kept = np.stack([clean_mask(mask, round(share * area)) for mask in masks])
        repaired = np.where(kept[..., None], counterfactuals, images / np.float32(255))
        logits = judge(repaired.astype(np.float32))
        good = logits[:, 0] > logits[:, 1]
        turned = good if turned is None else turned
        if not turned.any():
            return None
        if good[turned].mean() < _ENOUGH:
            break
        fitted = share
    return fitted


# Shares of the image's area that may become the smallest island, and of the flips that must stay.
_ISLANDS = (0.0, 0.0005, 0.001, 0.002, 0.004, 0.008)
_ENOUGH = 0.97


def fit_review(decision: Decision, p: NDArray[np.float64], rate: float) -> Decision:
    """Review rule that sends about ``rate`` of these images to a human.

    ``p`` (n, 3): calibrated p0, p1, p_fake. Nearly all of the share goes to scores near the
    threshold: measured on held-out groups of cracks and apples, familiar and shifted, a larger
    share for p_fake found fewer errors. A fiftieth is left to the highest p_fake, so that one odd
    image does not make the limit. With too few images for such a tail, the limit stays, or is
    the highest of them where there was none.
    """
    fakes, limit = p[:, 2], decision.review_p_fake
    if len(p) >= _TAIL:
        limit = float(np.quantile(fakes, 1 - rate / 50))
    elif limit >= 1:
        limit = float(fakes.max())
    plain = fakes <= limit
    left = max(0.0, rate - (1 - float(plain.mean()))) / max(float(plain.mean()), 1e-9)
    middle = float(logit(decision.score_threshold))
    doubt = np.abs(logit(score(p[plain] if plain.any() else p)) - middle)
    reach = float(np.quantile(doubt, left))
    low, high = (sigmoid(middle + side * reach) for side in (-1, 1))
    return dataclasses.replace(
        decision,
        review_low=float(low),
        review_high=float(high),
        review_p_fake=limit,
        review_rate=rate,
    )


_TAIL = 100
