"""What a training leaves behind for people and programs: model file, sample grid, curves."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

import cfinspect
from cfinspect.engine.augment import augment
from cfinspect.engine.card import Card, Decision
from cfinspect.engine.config import TrainConfig
from cfinspect.engine.decision import (
    NO_MASKS,
    TRAINED_MASKS,
    Judge,
    Seen,
    fit_decision,
    fit_mask_threshold,
    fit_min_area,
)
from cfinspect.engine.device import Device
from cfinspect.engine.generators import SEGMENTER_SHIFT
from cfinspect.engine.images import write_png
from cfinspect.engine.inspection import Raw, probabilities, score
from cfinspect.engine.modelfile import Model, save_model
from cfinspect.engine.pictures import curves, sample_rows
from cfinspect.engine.runfolder import RunFolder
from cfinspect.engine.state import TrainState
from cfinspect.engine.trainingdata import TrainingData
from cfinspect.engine.validation import classify, judge

_ROWS = 8
_SHIFTED_COPIES = 4
_PRIVATE = ("data", "out", "init_from", "backbone_weights")
_PANELS = {
    "losses": ("d", "g", "flip", "head"),
    "classification": ("f1", "auroc"),
    "flip rate": ("flip_damaged", "flip_undamaged", "judge_damaged"),
    "p_fake": ("p_fake", "fake_told"),
    "mean |x - x'|": ("change", "change_damaged"),
}


def saliency(raw: Raw, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """|x - x'| averaged over channels, (n, S, S) in [0, 1]."""
    result: NDArray[np.float32] = np.abs(
        raw.counterfactual - images.astype(np.float32) / np.float32(255)
    ).mean(axis=3)
    return result


def decide(
    data: TrainingData,
    raw: Raw,
    config: TrainConfig,
    judge_of: Judge,
    elsewhere: tuple[NDArray[np.float32], NDArray[np.int64]] | None,
) -> Decision:
    """All decisions of a model from its answers ``raw`` on the validation images.

    ``judge_of``: D's logits (n, 3) for pictures (n, S, S, 3) in [0, 1]. ``elsewhere``: see
    ``fit_decision``.
    """
    change, labels = saliency(raw, data.validation), data.validation_labels
    decision = fit_decision(Seen(raw.logits, change, labels), config.review_rate, None, elsewhere)
    scores = score(probabilities(raw.logits, decision.temperature))
    if not config.counterfactual:
        return _without_counterfactual(decision, config.method)
    shown = (labels == 1) & (scores >= decision.score_threshold)
    if not shown.any():
        return decision
    smallest = fit_min_area(
        data.validation[shown],
        raw.counterfactual[shown],
        change[shown],
        decision.mask_threshold,
        judge_of,
    )
    if smallest is None:
        return decision
    return dataclasses.replace(decision, min_area_fraction=smallest)


def _without_counterfactual(decision: Decision, method: str) -> Decision:
    """A reference system's masks: where its segmenter says damaged rather than not, or none."""
    rule, threshold = NO_MASKS, 1.0
    if method == "segmenter":
        rule, threshold = TRAINED_MASKS, SEGMENTER_SHIFT / 2
    return dataclasses.replace(
        decision, mask_threshold=threshold, mask_rule=rule, min_area_fraction=0.0
    )


def shifted_answers(
    data: TrainingData, discriminator: nn.Module, device: Device, seed: int, most: int = 64
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """D's logits and the labels of the validation images as other cameras would take them.

    Changed twice over by what training changes its images by once: beyond what D has learned.
    """
    rng = np.random.default_rng(seed)
    logits = []
    for _ in range(_SHIFTED_COPIES):
        images = augment(augment(data.validation, "strong", rng), "strong", rng)
        views = data.preprocessing.views
        logits.append(classify(discriminator, images, device, views, most))
    return np.concatenate(logits), np.tile(data.validation_labels, _SHIFTED_COPIES)


def write_model(
    folder: RunFolder,
    config: TrainConfig,
    state: TrainState,
    data: TrainingData,
    raw: Raw,
    device: Device,
    most: int,
) -> Path:
    """Fit the decisions on the validation images and write the best networks as one file."""
    own = state.nets["best_discriminator"]
    shifted = (
        shifted_answers(data, own, device, config.seed, most) if config.cameras == "other" else None
    )
    training = {k: v for k, v in config.to_dict().items() if k not in _PRIVATE}
    card = Card(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        cfinspect_version=cfinspect.__version__,
        generator=state.architecture["generator"],
        discriminator=state.architecture["discriminator"],
        preprocessing=data.preprocessing,
        decision=decide(data, raw, config, lambda x: judge(own, x, device, most), shifted),
        metrics={"validation": state.counters.figures, "steps": state.counters.step},
        data={
            "fingerprint": data.fingerprint,
            "counts": data.counts,
            "folders": list(data.folders),
            "names": list(data.names),
        },
        training=training | {"seconds": round(state.counters.seconds, 1)},
        licence_note="The licence of the training images decides what may be done with this model.",
    )
    networks = (state.nets["best_generator"], state.nets["best_discriminator"])
    known = np.unique(np.concatenate([state.seen, data.seen]))
    save_model(folder.model, Model(*networks, card=card, seen=known))
    return folder.model


def write_samples(folder: RunFolder, step: int, data: TrainingData, raw: Raw) -> Path:
    """A grid of x, x', saliency and mask: mostly damaged images, always the same ones."""
    damaged = np.flatnonzero(data.validation_labels == 1)
    undamaged = np.flatnonzero(data.validation_labels == 0)
    rows = np.concatenate([_spread(damaged, _ROWS - 2), _spread(undamaged, 2)])
    change = saliency(raw, data.validation)
    scores = score(probabilities(raw.logits))
    said = scores >= 0.5
    level = fit_mask_threshold(change[said]) if said.any() else 1.0
    captions = [
        f"{'damaged' if data.validation_labels[i] else 'undamaged'}   score {scores[i]:.2f}"
        for i in rows
    ]
    picture = sample_rows(
        data.validation[rows],
        raw.counterfactual[rows],
        change[rows],
        (change[rows] >= level) & said[rows, None, None],
        captions,
    )
    path = folder.samples / f"step_{step:06d}.png"
    write_png(path, picture)
    return path


def _spread(members: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """``count`` of the members, evenly spaced."""
    chosen: NDArray[np.intp] = members[
        np.unique(np.linspace(0, len(members) - 1, count, dtype=int))
    ]
    return chosen


def write_curves(folder: RunFolder) -> None:
    """Draw losses and validation figures over the steps."""
    series: dict[str, list[tuple[float, float]]] = {}
    for row in folder.rows():
        for name, value in row.items():
            # Both kinds of row have a "change"; the panels show that of the validation images.
            mixed = row["kind"] == "train" and name == "change"
            if name not in ("kind", "step") and value is not None and not mixed:
                series.setdefault(name, []).append((row["step"], value))
    if series:
        write_png(folder.curves, curves(series, _PANELS))
