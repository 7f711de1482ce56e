"""Decisions of a model that knows several defect classes: of each class, and of all together."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.calibration.fit import fit_review, fit_score_threshold
from cfinspect.engine.inference.multi_class import answer_of_all, margins
from cfinspect.engine.metrics.probability import logit, probabilities, sigmoid
from cfinspect.engine.model.metadata import Decision

_NEVER = -20.0  # logit of what cannot be


def fit_together(
    decisions: Sequence[Decision],
    logits: NDArray[np.float32],
    labels: NDArray[np.int64],
    familiar: NDArray[np.float32],
    review_rate: float,
) -> tuple[Decision, list[Decision]]:
    """The decision of all classes together, and those of each class with thresholds moved to fit.

    ``logits`` (k, n, 3): what each class says about all n images, also those of the other classes,
    with ``labels`` (n,). Several classes have several chances of a false alarm, and one of their
    largest margins is fitted to the labels as a single margin would be; what that moves the
    threshold by, all classes are moved by. Temperature and review rule are those of that margin,
    the latter on ``familiar`` (k, m, 3), which may be other images.
    """
    largest, _ = _largest(decisions, logits)
    zeros = np.zeros_like(largest)
    as_logits = np.stack([zeros, largest, zeros + _NEVER], axis=1).astype(np.float32)
    temperature, threshold = fit_score_threshold(as_logits, labels)
    moved = temperature * float(logit(threshold))
    each = [_moved(decision, moved) for decision in decisions]
    # Masks are each class's own; these stand where no class is named.
    together = Decision(
        temperature=temperature,
        score_threshold=0.5,
        mask_threshold=float(np.median([d.mask_threshold for d in each])),
        mask_rule="median of the kinds",
        min_area_fraction=float(np.median([d.min_area_fraction for d in each])),
    )
    return fit_review(together, answers(together, each, familiar), review_rate), each


def answers(
    together: Decision, each: Sequence[Decision], logits: NDArray[np.float32]
) -> NDArray[np.float64]:
    """p0, p1, p_fake (n, 3) of all classes together, as inspections give them; logits (k, n, 3)."""
    largest, fake = _largest(each, logits)
    return answer_of_all(largest, fake, together)


def _largest(
    decisions: Sequence[Decision], logits: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The largest margin of each image over the classes, and that class's p_fake; (n,) each."""
    p = np.stack(
        [probabilities(one, d.temperature) for one, d in zip(logits, decisions, strict=True)]
    )
    limits = np.array([[d.score_threshold] for d in decisions])
    beyond = margins(p, limits)
    winner = beyond.argmax(axis=0)
    return beyond.max(axis=0), np.take_along_axis(p[..., 2], winner[None], axis=0)[0]


def _moved(decision: Decision, by: float) -> Decision:
    """With the score threshold, and the band of doubt about it, moved by so many logits."""

    def shifted(value: float) -> float:
        return float(np.clip(sigmoid(logit(value) + by), 1e-4, 1 - 1e-4))

    return dataclasses.replace(
        decision,
        score_threshold=shifted(decision.score_threshold),
        review_low=shifted(decision.review_low),
        review_high=shifted(decision.review_high),
    )
