"""Decisions of a model that knows several kinds of damage: of each kind, and of all together."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import nn

from cfinspect.engine.card import Decision, Views
from cfinspect.engine.decision import fit_review, fit_scores
from cfinspect.engine.device import Device
from cfinspect.engine.inspection import Raw, probabilities, score
from cfinspect.engine.kinds import of_kind
from cfinspect.engine.kinds_inspection import margins
from cfinspect.engine.trainingdata import TrainingData
from cfinspect.engine.validation import run_networks

_NEVER = -20.0  # logit of what cannot be


def run_kinds(
    generator: nn.Module,
    discriminator: nn.Module,
    data: TrainingData,
    device: Device,
    batch: int,
    views: Views,
) -> Raw:
    """G and D of each kind over its own validation images: the rows of ``data.joined()``."""
    return Raw.joined(
        [
            run_networks(
                of_kind(generator, kind),
                of_kind(discriminator, kind),
                data.of_kind(kind).validation,
                device,
                batch,
                views,
            )
            for kind in range(data.kinds)
        ]
    )


def fit_together(
    decisions: Sequence[Decision],
    logits: NDArray[np.float32],
    labels: NDArray[np.int64],
    review_rate: float,
) -> tuple[Decision, list[Decision]]:
    """The decision of all kinds together, and those of each kind with thresholds moved to fit.

    ``logits`` (k, n, 3): what each kind says about all n images, also those of the other kinds,
    with ``labels`` (n,). Several kinds have several chances of a false alarm, and one of their
    largest margins is fitted to the labels as a single margin would be; what that moves the
    threshold by, all kinds are moved by. Temperature and review rule are those of that margin.
    """
    p = np.stack(
        [probabilities(one, d.temperature) for one, d in zip(logits, decisions, strict=True)]
    )
    limits = np.array([[d.score_threshold] for d in decisions])
    beyond = margins(score(p), np.broadcast_to(limits, p.shape[:2]))
    winner = beyond.argmax(axis=0)
    largest = beyond.max(axis=0)
    zeros = np.zeros_like(largest)
    as_logits = np.stack([zeros, largest, zeros + _NEVER], axis=1).astype(np.float32)
    temperature, threshold = fit_scores(as_logits, labels)
    moved = temperature * float(np.log(threshold / (1 - threshold)))
    together = dataclasses.replace(Decision(), temperature=temperature, score_threshold=0.5)
    fake = np.take_along_axis(p[..., 2], winner[None], axis=0)[0]
    scores = 1 / (1 + np.exp(-np.clip((largest - moved) / temperature, -50, 50)))
    joint = np.stack([(1 - scores) * (1 - fake), scores * (1 - fake), fake], axis=1)
    return fit_review(together, joint, review_rate), [_moved(d, moved) for d in decisions]


def _moved(decision: Decision, by: float) -> Decision:
    """With the score threshold moved by so many logits."""
    old = decision.score_threshold
    new = 1 / (1 + np.exp(-(np.log(old / (1 - old)) + by)))
    return dataclasses.replace(decision, score_threshold=float(np.clip(new, 1e-4, 1 - 1e-4)))
