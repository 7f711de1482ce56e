"""A training's steps: rates, warm-up, memory back-off, running means; one batch at a time."""

from __future__ import annotations

import math

import numpy as np
import torch

from cfinspect.engine.base.device import Device
from cfinspect.engine.base.errors import CfinspectError, is_out_of_memory
from cfinspect.engine.base.events import Notice
from cfinspect.engine.data.batch_loader import Batch
from cfinspect.engine.inference.forward import to_tensor
from cfinspect.engine.networks.multi_class import of_defect_class
from cfinspect.engine.networks.names import PROJECTED
from cfinspect.engine.training.config import TrainConfig
from cfinspect.engine.training.gan_step import NoiseBank, ProjectedStep, Step, Weights
from cfinspect.engine.training.other_steps import ClassifierStep, DiffusionStep, SegmenterStep
from cfinspect.engine.training.state import TrainState

_STEPS: dict[str, type[Step]] = {
    "cfgan": Step,
    "no-fake": Step,
    "classifier": ClassifierStep,
    "adversarial": ClassifierStep,
    "segmenter": SegmenterStep,
    "diffusion": DiffusionStep,
}
_PROJECTED_STEPS: dict[str, type[Step]] = {
    **_STEPS,
    "cfgan": ProjectedStep,
    "no-fake": ProjectedStep,
}
_WARM_LR_STEPS = 50
_LONGEST_WARMUP = 1 / 3
# Without a warm-up D judges from here on; before, it knows nothing.
_FIRST_JUDGE = 200


class OptimizerStep:
    """Changes the networks of ``state``, batch by batch; defect classes take turns.

    Warm-up and ramp of L1 count the steps of one class.
    """

    def __init__(self, config: TrainConfig, state: TrainState, device: Device) -> None:
        self.config = config
        self.state = state
        self.device = device
        self.noise = NoiseBank(config, device.device)
        generator, discriminator = state.nets["generator"], state.nets["discriminator"]
        looks_through = state.architecture.discriminator.name == PROJECTED
        kinds = _PROJECTED_STEPS if looks_through else _STEPS
        self.turns = max(1, state.defect_class_count)
        self.steps = [
            kinds[config.method](
                of_defect_class(generator, index),
                of_defect_class(discriminator, index),
                config,
                device,
                self.noise,
                state.scaler,
            )
            for index in range(self.turns)
        ]

    def learn(self, batch: Batch, fraction: float) -> tuple[dict[str, float], list[Notice]]:
        """One step: its losses by name, and what the user should know.

        ``fraction``: how much of the training is done, in [0, 1]. When memory runs out, the batch
        goes in twice as many parts of half the size; CfinspectError when one image is too much.
        """
        counters = self.state.counters
        notices: list[Notice] = []
        while True:
            try:
                return self._try(batch, fraction), notices
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                if counters.parts * 2 > self.config.batch // 2:
                    raise CfinspectError(
                        "not enough memory for a single image: use a smaller --size or --width"
                    ) from None
                counters.parts *= 2
            self.device.free_memory()
            notices.append(
                Notice(
                    counters.step,
                    f"out of memory: {self.config.batch} images now go in {counters.parts} parts; "
                    "their gradients add up",
                )
            )

    def _try(self, batch: Batch, fraction: float) -> dict[str, float]:
        config, state, counters = self.config, self.state, self.state.counters
        # A training shorter than the warm-up must still teach G something.
        warming = counters.step < self.turns * config.warmup and fraction < _LONGEST_WARMUP
        late = config.warmup == 0 and counters.step == self.turns * _FIRST_JUDGE
        if late or (not warming and counters.generator_steps == 0):
            state.keep_reference()
        reached = counters.generator_steps / (self.turns * config.l1_ramp) if config.l1_ramp else 1
        ramp = min(1.0, reached)
        weights = Weights(counters.rho, config.l1 * counters.l1_scale * ramp, warming)
        step = self.steps[counters.step % self.turns]
        parts = ["discriminator"] if warming else list(state.optimisers)
        for part in parts:
            self._set_rate(part, warming, fraction)
            state.optimisers[part].zero_grad(set_to_none=True)
        self.noise.at(counters.step)
        # Dropout and whatever else draws from torch's own generator: a function of the step, too.
        torch.manual_seed((config.seed << 24) + counters.step)
        sums: dict[str, float] = {}
        for images, labels in zip(*(np.array_split(b, counters.parts) for b in batch), strict=True):
            x = to_tensor(images, self.device.device)
            y = torch.from_numpy(labels).to(self.device.device)
            share = len(images) / config.batch
            losses = step(x, y, weights, share)
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + share * float(value)
        for part in parts:
            state.scaler.step(state.optimisers[part])
        state.scaler.update()
        counters.generator_steps += not warming
        state.update_means("discriminator", counters.step)
        if not warming:
            state.update_means("generator", counters.generator_steps)
        state.let_generator_follow()
        return sums

    def _set_rate(self, part: str, warming: bool, fraction: float) -> None:
        """D's own rate while it warms up; both follow ``share_of_rate``."""
        config, counters = self.config, self.state.counters
        joint = config.lr_generator if part == "generator" else config.lr_discriminator
        # Where D stays a classifier, its rate stays that of one.
        plain = warming or not config.counterfactual
        base = config.lr_warmup if part == "discriminator" and plain else joint
        own = counters.generator_steps if part == "generator" else counters.step
        for group in self.state.optimisers[part].param_groups:
            group["lr"] = base * share_of_rate(own, fraction)


def share_of_rate(steps: int, fraction: float) -> float:
    """Short linear start, flat half, cosine to a fiftieth: the end decides where it settles."""
    late = max(0.0, 2 * fraction - 1)
    return min(1.0, (steps + 1) / _WARM_LR_STEPS) * (0.51 + 0.49 * math.cos(math.pi * late))
