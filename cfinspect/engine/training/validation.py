"""How a training stands on its validation images, and the answer where it goes wrong.

The figures need labels but no masks.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from torch import nn

from cfinspect.engine.base.device import Device
from cfinspect.engine.inference.backend import NetworkOutputs
from cfinspect.engine.inference.forward import run_networks
from cfinspect.engine.inference.saliency import absolute_change
from cfinspect.engine.metrics.classification import auroc
from cfinspect.engine.metrics.probability import probabilities
from cfinspect.engine.model.metadata import Tta
from cfinspect.engine.networks.multi_class import of_defect_class
from cfinspect.engine.training.config import TrainConfig
from cfinspect.engine.training.state import TrainState
from cfinspect.engine.training.training_data import TrainingData


def validation_metrics(
    raw: NetworkOutputs,
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    reference: NDArray[np.float32],
    counterfactual: bool = True,
) -> dict[str, float]:
    """Validation figures of a training, ``criterion`` among them.

    ``reference``: logits (n, 3) of the independent judge on the counterfactuals;
    ``counterfactual``: whether there are any: a classifier's "flips" are its errors.
    """
    p = probabilities(raw.logits, 1.0)
    scores = p[:, 1] / (p[:, 0] + p[:, 1])
    flipped = (raw.flipped_logits[:, 1] > raw.flipped_logits[:, 0]) != (labels == 1)
    judged = (reference[:, 1] > reference[:, 0]) != (labels == 1)
    damaged = labels == 1
    change = absolute_change(images, raw.counterfactual).mean(axis=(1, 2, 3))
    fake = probabilities(raw.flipped_logits, 1.0)[:, 2]
    said = scores >= 0.5
    hits = float((said & damaged).sum())
    result = {
        "f1": 2 * hits / max(float(said.sum() + damaged.sum()), 1.0),
        "accuracy": float((said == damaged).mean()),
        "auroc": float(auroc(labels, scores) or 0.0),
        "flip_damaged": float(flipped[damaged].mean()),
        "flip_undamaged": float(flipped[~damaged].mean()),
        "judge_damaged": float(judged[damaged].mean()),
        "change": float(change.mean()),
        "change_damaged": float(change[damaged].mean()),
        "p_fake": float(p[:, 2].mean()),
        "fake_told": float((fake > 0.5).mean()),
    }
    result["criterion"] = criterion(result, counterfactual)
    return result


def criterion(values: dict[str, float], counterfactual: bool = True) -> float:
    """Higher is better; needs no masks (METHOD: flip rate, sparsity, an independent judge).

    Classification first; then repairs that two judges believe; then the least change. The flip
    rates count up to 0.95, so that G is not rewarded for painting over more and more.
    """
    if not counterfactual:
        return 2 * values["f1"] + values["auroc"]
    flips = min(values["flip_damaged"], 0.95) + min(values["judge_damaged"], 0.95)
    return 2 * values["f1"] + values["auroc"] + 0.5 * flips - 3 * values["change_damaged"]


def run_defect_classes(
    generator: nn.Module,
    discriminator: nn.Module,
    data: TrainingData,
    device: Device,
    batch: int,
    tta: Tta,
) -> NetworkOutputs:
    """G and D of each class over its own validation images: the rows of ``data.joined()``."""
    return NetworkOutputs.joined(
        [
            run_networks(
                of_defect_class(generator, index),
                of_defect_class(discriminator, index),
                data.of_defect_class(index).validation,
                device,
                batch,
                tta,
            )
            for index in range(data.defect_class_count)
        ]
    )


_MOST_ANSWERS = 3
_LONG = 3  # looks at the validation images in a row


class CollapseMonitor:
    """Looks at the figures of each validation and changes the state where they are bad."""

    def __init__(self, config: TrainConfig) -> None:
        self._config = config

    def intervene(
        self, state: TrainState, values: dict[str, float], fraction: float
    ) -> Iterator[str]:
        """Yield what was found and done, in words; at most three answers in a training."""
        counters = state.counters
        counters.told = counters.told + 1 if values["fake_told"] > 0.98 else 0
        if state.generator_steps <= self._config.l1_ramp or fraction > 0.9:
            return
        flips = values["flip_damaged"]
        still = values["change_damaged"] < 1 / 255
        if still and flips < 0.5:
            problem = "the generator hardly changes anything (mean |x - x'| under 1/255)"
        elif counters.told >= _LONG and flips < 0.5:
            problem = "the discriminator tells every fake and the generator gains nothing"
        elif flips < 0.5 and fraction > 1 / 3:
            problem = f"only {flips:.0%} of damaged images flip after a third of the training"
        else:
            return
        if counters.answers >= _MOST_ANSWERS:
            return
        counters.answers += 1
        counters.told = 0
        yield f"collapse: {problem}; {self._change(state, still)}"

    def _change(self, state: TrainState, still: bool) -> str:
        counters = state.counters
        counters.rho *= 0.5
        counters.l1_scale *= 0.5
        action = f"rho is now {counters.rho:.2g}, l1 {self._config.l1 * counters.l1_scale:.2g}"
        if counters.best_step and not still:
            state.return_to_best()
            action += f", and training goes on from step {counters.best_step}"
        return action
