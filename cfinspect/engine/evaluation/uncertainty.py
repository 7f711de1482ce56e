"""Whether doubt finds errors, whether scores are probabilities, and what can be guaranteed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from cfinspect.engine.evaluation.part_figures import (
    CalibrationFigures,
    ConformalFigures,
    DoubtFigures,
    LookFigures,
    ReliabilityBin,
)
from cfinspect.engine.inference.backend import NetworkOutputs
from cfinspect.engine.metrics.classification import (
    Interval,
    auroc,
    average_precision,
    group_draws,
    numbered,
)
from cfinspect.engine.metrics.probability import logit, probabilities, score, sigmoid
from cfinspect.engine.model.metadata import Decision

Floats = NDArray[np.float64]
COVERAGES = (0.8, 0.9, 0.95, 0.99)
REVIEWED = 0.1
_SMALLEST = 1e-9


@dataclass(frozen=True)
class Answers:
    """What a model says about n images: ``scores``, ``p`` (n, 3), ``head`` and ``flipped`` (n,).

    ``damaged``: the probability of damage that was fitted, one half where the decision turns (the
    score's logit less the threshold's); ``damaged_raw``: the same without the temperature.
    """

    scores: Floats
    p: Floats
    head: Floats
    flipped: NDArray[np.bool_]
    damaged: Floats
    damaged_raw: Floats
    threshold: float

    @classmethod
    def of(cls, raw: NetworkOutputs, decision: Decision) -> Answers:
        """From the networks' outputs on whole images."""
        p = probabilities(raw.logits, decision.temperature).astype(np.float64)
        after = score(probabilities(raw.flipped_logits, decision.temperature))
        scores = score(p)
        said = scores >= decision.score_threshold
        turn = logit(decision.score_threshold, _SMALLEST)
        return cls(
            scores,
            p,
            raw.head.astype(np.float64),
            (after >= decision.score_threshold) != said,
            sigmoid(logit(scores, _SMALLEST) - turn),
            sigmoid(
                logit(score(probabilities(raw.logits, 1.0)), _SMALLEST)
                - turn * decision.temperature
            ),
            decision.score_threshold,
        )

    @classmethod
    def joined(cls, parts: Sequence[Answers]) -> Answers:
        """The answers of several batches as one."""
        arrays = ("scores", "p", "head", "flipped", "damaged", "damaged_raw")
        values = {name: np.concatenate([getattr(one, name) for one in parts]) for name in arrays}
        return cls(**values, threshold=parts[0].threshold)

    def doubts(self) -> dict[str, Floats]:
        """Candidates for "a human should look": (n,), the higher the more doubtful."""
        distance = np.abs(logit(self.scores, _SMALLEST) - logit(self.threshold, _SMALLEST))
        return {
            "max_softmax": 1 - np.maximum(self.scores, 1 - self.scores),
            "threshold_distance": -distance,
            "p_fake": self.p[:, 2],
            "max_of_three": 1 - self.p[:, :2].max(axis=1),
            "head_disagrees": np.abs(self.head - self.scores),
            "did_not_flip": (~self.flipped).astype(np.float64),
            "distance_and_p_fake": _ranks(-distance) * 2 / 3 + _ranks(self.p[:, 2]) / 3,
        }


def uncertainty(
    answers: Answers, labels: ArrayLike, groups: Sequence[Hashable], seed: int = 0
) -> LookFigures:
    """Figures for n images with ``labels`` (n,) from source photos ``groups``."""
    truth = np.asarray(labels).astype(np.bool_)
    wrong = (answers.scores >= answers.threshold) != truth
    found = {name: _finds(wrong, doubt, groups, seed) for name, doubt in answers.doubts().items()}
    return LookFigures(
        n=int(truth.size),
        errors=int(wrong.sum()),
        doubts=found,
        calibration=CalibrationFigures(
            ece=calibration_error(answers.damaged, truth),
            ece_without_temperature=calibration_error(answers.damaged_raw, truth),
            bins=tuple(reliability(answers.damaged, truth)),
        ),
    )


def _finds(
    wrong: NDArray[np.bool_], doubt: Floats, groups: Sequence[Hashable], seed: int
) -> DoubtFigures:
    def area(weights: Floats) -> float:
        found = auroc(wrong, doubt, weights)
        return np.nan if found is None else found

    risks = risk_by_coverage(wrong, doubt)
    n = len(wrong)
    most = max(1, round(REVIEWED * n))
    # Equal doubts are shared evenly, so that the order of the files decides nothing.
    caught = _share_within(wrong, doubt, most) if wrong.any() else None
    return DoubtFigures(
        auroc=auroc(wrong, doubt),
        auroc_ci95=group_draws(groups, area, seed),
        aupr=average_precision(wrong, doubt),
        aurc=float(risks.mean()) if n else None,
        risk_at={str(c): float(risks[max(0, round(c * n) - 1)]) for c in COVERAGES},
        caught=caught,
    )


def risk_by_coverage(wrong: ArrayLike, doubt: ArrayLike) -> Floats:
    """Error rate among the k least doubtful images, k = 1..n; equal doubts count as their mean."""
    errors = np.asarray(wrong, dtype=np.float64)
    values, inverse = np.unique(np.asarray(doubt, dtype=np.float64), return_inverse=True)
    means = np.bincount(inverse, errors, values.size) / np.bincount(inverse, minlength=values.size)
    ordered = means[np.sort(inverse)]
    return np.asarray(np.cumsum(ordered) / np.arange(1, len(ordered) + 1), dtype=np.float64)


def _share_within(wrong: NDArray[np.bool_], doubt: Floats, most: int) -> float:
    """Share of the errors among the ``most`` most doubtful."""
    kept = len(wrong) - most
    risks = risk_by_coverage(wrong, doubt)
    missed = risks[kept - 1] * kept if kept else 0.0
    return float(1 - missed / wrong.sum())


def calibration_error(scores: Floats, truth: NDArray[np.bool_], bins: int = 15) -> float | None:
    """Expected calibration error of the predicted class, equal bins of its confidence."""
    if not len(scores):
        return None
    rows = reliability(scores, truth, bins)
    n = sum(row.n for row in rows)
    return float(sum(row.n * abs(row.confidence - row.accuracy) for row in rows) / n)


def reliability(scores: Floats, truth: NDArray[np.bool_], bins: int = 15) -> list[ReliabilityBin]:
    """Equal bins of the confidence that are not empty."""
    confidence = np.maximum(scores, 1 - scores)
    right = (scores >= 0.5) == truth
    place = np.minimum((confidence * bins).astype(np.intp), bins - 1)
    rows = []
    for index in np.unique(place):
        chosen = place == index
        rows.append(
            ReliabilityBin(
                n=float(chosen.sum()),
                confidence=float(confidence[chosen].mean()),
                accuracy=float(right[chosen].mean()),
            )
        )
    return rows


def conformal(
    scores: ArrayLike,
    labels: ArrayLike,
    alpha: float,
    groups: Sequence[Hashable] | None = None,
    *,
    splits: int = 200,
    seed: int = 0,
) -> ConformalFigures:
    """Class-conditional split conformal sets (Vovk 2012), calibrated on random halves.

    A set that is not one class goes to review. With ``groups`` whole groups are drawn: images of
    one photo are alike, and the promise is for images like those of the calibration. Without, it
    holds by construction. ``miss_rate`` and ``false_alarm_rate``: share of damaged (undamaged)
    images of the other half whose set lacks their class, mean over ``splits``, with the middle 95 %
    of the splits; ``reviewed``: share of sets that are not one class. ``guarantee``: False where a
    class had fewer than 1/alpha - 1 calibration images: then everything goes to review.
    """
    values, truth = np.asarray(scores, dtype=np.float64), np.asarray(labels).astype(np.intp)
    group_of, count = numbered(range(len(values)) if groups is None else groups)
    rng = np.random.default_rng(seed)
    lacking: list[list[float]] = [[], []]
    reviewed = []
    enough = True
    for _ in range(splits):
        half = (rng.permutation(count) < count // 2)[group_of]
        limits = []
        for label in (0, 1):
            own = strangeness(values[half & (truth == label)], label)
            limits.append(quantile(own, alpha))
            enough = enough and len(own) >= 1 / alpha - 1
        holds = np.stack([strangeness(values[~half], c) <= limits[c] for c in (0, 1)], axis=1)
        reviewed.append(float((holds.sum(axis=1) != 1).mean()))
        for label in (0, 1):
            test = truth[~half] == label
            if test.any():
                lacking[label].append(float((~holds[test, label]).mean()))
    return ConformalFigures(
        alpha=alpha,
        splits=splits,
        by_group=groups is not None,
        guarantee=bool(enough),
        miss_rate=_mean_or_none(lacking[1]),
        miss_rate_middle95=_middle(lacking[1]),
        false_alarm_rate=_mean_or_none(lacking[0]),
        reviewed=float(np.mean(reviewed)),
    )


def _mean_or_none(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _middle(values: Sequence[float]) -> Interval:
    if not values:
        return None
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)


def strangeness(scores: Floats, label: int) -> Floats:
    """Nonconformity of images with ``scores`` to class ``label``: one minus its probability."""
    return 1 - scores if label == 1 else scores


def quantile(calibration: Floats, alpha: float) -> float:
    """The ceil((n + 1)(1 - alpha))-th smallest; infinite when n is too small for alpha."""
    n = len(calibration)
    rank = int(np.ceil((n + 1) * (1 - alpha)))
    return float(np.sort(calibration)[rank - 1]) if rank <= n else float("inf")


Shift = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def _dark(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    darker: NDArray[np.uint8] = np.rint(images * 0.45).astype(np.uint8)
    return darker


def _bright(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    brighter: NDArray[np.uint8] = np.rint(255 * (images / 255) ** 0.45).astype(np.uint8)
    return brighter


def _blurred(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.stack([np.asarray(cv2.GaussianBlur(i, (0, 0), 2.0), np.uint8) for i in images])


def _noisy(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    noise = np.random.default_rng(0).normal(0, 0.08 * 255, images.shape)
    noisy: NDArray[np.uint8] = np.clip(np.rint(images + noise), 0, 255).astype(np.uint8)
    return noisy


# What a lamp, a knock against the lens or a short exposure do.
SHIFTS: dict[str, Shift] = {"dark": _dark, "bright": _bright, "blur": _blurred, "noise": _noisy}


def _ranks(values: Floats) -> Floats:
    """Places in ascending order, in [0, 1]; equal values share their mean place."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return ((ends - (counts + 1) / 2) / max(len(values) - 1, 1))[inverse]
