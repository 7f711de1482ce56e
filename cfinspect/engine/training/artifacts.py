"""What a training leaves behind for people and programs: model file, sample grid, curves."""

from __future__ import annotations

import dataclasses
import functools
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import nn

import cfinspect
from cfinspect.engine.base.device import Device
from cfinspect.engine.base.images import ImageError, write_png
from cfinspect.engine.base.json_types import json_object
from cfinspect.engine.calibration.class_naming import learn_names
from cfinspect.engine.calibration.fit import (
    NO_MASKS,
    TRAINED_MASKS,
    Judge,
    LabelledOutputs,
    cross_fitted_review,
    fit_decision,
    fit_mask_threshold,
    fit_min_area,
)
from cfinspect.engine.calibration.fit_multi_class import answers, fit_together
from cfinspect.engine.data.augment import augment
from cfinspect.engine.inference.backend import NetworkOutputs
from cfinspect.engine.inference.forward import batched, classify, logits_on_counterfactuals
from cfinspect.engine.inference.saliency import saliency
from cfinspect.engine.metrics.probability import probabilities, score
from cfinspect.engine.metrics.review import ReviewMetrics, in_sample_review_metrics
from cfinspect.engine.model.familiar import FamiliarImages
from cfinspect.engine.model.file import Model, save_model
from cfinspect.engine.model.metadata import Decision, ModelMetadata
from cfinspect.engine.networks.backbone import BACKBONE_LICENCE, appearance
from cfinspect.engine.networks.generators import SEGMENTER_SHIFT
from cfinspect.engine.networks.multi_class import backbone_of, needs_backbone, of_defect_class
from cfinspect.engine.networks.projected import ProjectedDiscriminator
from cfinspect.engine.plots.pictures import curves, sample_rows
from cfinspect.engine.training.config import TrainConfig
from cfinspect.engine.training.run_folder import RunFolder
from cfinspect.engine.training.state import TrainState
from cfinspect.engine.training.training_data import TrainingData

_T = TypeVar("_T", bound=np.generic)
_ROWS = 8
_LICENCE = "The licence of the training images decides what may be done with this model."
_SHIFTED_COPIES = 4
_MOST_FAMILIAR = 500
_PRIVATE = ("data", "out", "init_from", "backbone")
_PANELS = {
    "losses": ("d", "g", "flip", "head"),
    "classification": ("f1", "auroc"),
    "flip rate": ("flip_damaged", "flip_undamaged", "judge_damaged"),
    "p_fake": ("p_fake", "fake_told"),
    "mean |x - x'|": ("change", "change_damaged"),
}
_DIFFUSION_PANELS = {"error of the noise": ("g", "noise", "little_noise")}


def fit_decision_from_validation(
    data: TrainingData,
    raw: NetworkOutputs,
    config: TrainConfig,
    judge_of: Judge,
    elsewhere: tuple[NDArray[np.float32], NDArray[np.int64]] | None,
) -> Decision:
    """All decisions of a model from its answers ``raw`` on the validation images.

    ``judge_of``: D's logits (n, 3) for pictures (n, S, S, 3) in [0, 1]. ``elsewhere``: see
    ``fit_decision``.
    """
    change, labels = saliency(data.validation, raw.counterfactual), data.validation_labels
    decision = fit_decision(
        LabelledOutputs(raw.logits, change, labels), config.review_rate, None, elsewhere
    )
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


def shifted(data: TrainingData, seed: int) -> TrainingData:
    """With the validation images as other cameras would take them, several copies of each.

    Changed twice over by what training changes its images by once: beyond what D has learned.
    """
    rng = np.random.default_rng(seed)
    copies = [
        augment(augment(data.validation, "strong", rng), "strong", rng)
        for _ in range(_SHIFTED_COPIES)
    ]
    return dataclasses.replace(
        data,
        validation=np.concatenate(copies),
        validation_labels=np.tile(data.validation_labels, _SHIFTED_COPIES),
        validation_defect_classes=np.tile(data.validation_defect_classes, _SHIFTED_COPIES),
    )


def write_model(
    config: TrainConfig,
    state: TrainState,
    data: TrainingData,
    raw: NetworkOutputs,
    device: Device,
    most: int,
    path: Path,
) -> None:
    """Fit the decisions on the validation images and write the best networks to ``path``."""
    discriminator = state.nets["best_discriminator"]
    named: tuple[str, ...] = ()
    if isinstance(discriminator, ProjectedDiscriminator) and discriminator.heads.naming is not None:
        learn_names(discriminator, data.train, device, most)
        named = config.defect_class_names
    decision, classes, review = _decisions(config, discriminator, data, raw, device, most)
    classes |= dict.fromkeys(named, decision)
    metrics: dict[str, object] = {"review": json_object(review)}
    familiar = _familiar(discriminator, data, raw, device, most)
    _write(path, config, state, data, decision, classes, metrics, familiar)


def write_undecided(
    folder: RunFolder, config: TrainConfig, state: TrainState, data: TrainingData
) -> Path:
    """Write the best networks as one file, of a model that answers nothing and so decides nothing.

    Its card's decision stands as it is by default and means nothing.
    """
    _write(folder.model, config, state, data, Decision(), {}, {})
    return folder.model


def _write(
    path: Path,
    config: TrainConfig,
    state: TrainState,
    data: TrainingData,
    decision: Decision,
    classes: dict[str, Decision],
    metrics: dict[str, object],
    familiar: FamiliarImages | None = None,
) -> None:
    looks_through = needs_backbone(state.architecture.discriminator)
    networks = (state.nets["best_generator"], state.nets["best_discriminator"])
    training = {k: v for k, v in config.to_dict().items() if k not in _PRIVATE}
    metadata = ModelMetadata(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        cfinspect_version=cfinspect.__version__,
        generator=state.architecture.generator,
        discriminator=state.architecture.discriminator,
        preprocessing=data.preprocessing,
        decision=decision,
        defect_classes=classes,
        metrics={
            "validation": state.counters.metrics,
            **metrics,
            "steps": state.counters.step,
        },
        data={
            "fingerprint": data.fingerprint,
            "counts": data.counts,
            "folders": list(data.folders),
            "names": list(data.names),
        },
        training=training | {"seconds": round(state.counters.seconds, 1)},
        licence_note=_LICENCE + (BACKBONE_LICENCE if looks_through else ""),
    )
    known = np.unique(np.concatenate([state.seen, data.seen]))
    save_model(path, Model(*networks, metadata=metadata, seen=known, familiar=familiar))


def _familiar(
    discriminator: nn.Module, data: TrainingData, raw: NetworkOutputs, device: Device, most: int
) -> FamiliarImages | None:
    """What the training images look like to the pretrained backbone, if there is one."""
    backbone = backbone_of(discriminator)
    if backbone is None or raw.appearance is None:
        return None
    try:
        images = data.train.get(spread(np.arange(len(data.train)), _MOST_FAMILIAR))[..., :3]
    except ImageError:
        return None  # a file has gone since: not worth losing the training for
    learned = batched(lambda x: appearance(backbone(x)), images, device, most)
    return FamiliarImages.of(learned, raw.appearance)


def _decisions(
    config: TrainConfig,
    discriminator: nn.Module,
    data: TrainingData,
    raw: NetworkOutputs,
    device: Device,
    most: int,
) -> tuple[Decision, dict[str, Decision], ReviewMetrics]:
    """The decision, those of several defect classes by name, and what to expect of it."""
    tta = data.preprocessing.tta

    def said_of(network: nn.Module, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return classify(network, images, device, tta, most)

    elsewhere = shifted(data, config.seed) if config.calibrate_on == "augmented" else None
    rows = data.joined().validation_defect_classes
    decisions, said = [], []
    for index in range(data.defect_class_count):
        own = of_defect_class(discriminator, index)
        moved = elsewhere.of_defect_class(index) if elsewhere else None
        said.append((said_of(own, moved.validation), moved.validation_labels) if moved else None)
        decisions.append(
            fit_decision_from_validation(
                data.of_defect_class(index),
                raw.chosen(rows == index),
                config,
                functools.partial(logits_on_counterfactuals, own, device=device, batch=most),
                said[-1],
            )
        )
    rate = config.review_rate
    if data.defect_class_count == 1:
        groups = [str(group) for group in data.validation_groups]
        known = raw.logits, data.validation_labels
        return decisions[0], {}, cross_fitted_review(*known, groups, rate, elsewhere=said[0])
    networks = [of_defect_class(discriminator, index) for index in range(data.defect_class_count)]

    def of_all(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.stack([said_of(network, images) for network in networks])

    familiar, labels = of_all(data.validation), data.validation_labels
    seen = (of_all(elsewhere.validation), elsewhere.validation_labels) if elsewhere else None
    together, each = fit_together(decisions, *(seen or (familiar, labels)), familiar, rate)
    return (
        together,
        dict(zip(config.defect_class_names, each, strict=True)),
        in_sample_review_metrics(together, answers(together, each, familiar), labels),
    )


def write_samples(folder: RunFolder, step: int, data: TrainingData, raw: NetworkOutputs) -> Path:
    """A grid of x, x', saliency and mask: mostly damaged images, always the same ones."""
    damaged = np.flatnonzero(data.validation_labels == 1)
    undamaged = np.flatnonzero(data.validation_labels == 0)
    rows = np.concatenate([spread(damaged, _ROWS - 2), spread(undamaged, 2)])
    change = saliency(data.validation, raw.counterfactual)
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


def spread(members: NDArray[_T], count: int) -> NDArray[_T]:
    """``count`` of the members, evenly spaced."""
    return np.asarray(members[np.unique(np.linspace(0, len(members) - 1, count, dtype=int))])


def write_curves(folder: RunFolder) -> None:
    """Draw losses and validation figures over the steps."""
    series: dict[str, list[tuple[float, float]]] = {}
    for row in folder.rows():
        for name, value in row.values.items():
            # Both kinds of row have a "change"; the panels show that of the validation images.
            mixed = row.kind == "train" and name == "change"
            if value is not None and not mixed:
                series.setdefault(name, []).append((row.step, value))
    if series:
        panels = _DIFFUSION_PANELS if "noise" in series else _PANELS
        write_png(folder.curves, curves(series, panels))
