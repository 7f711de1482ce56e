"""The one training loop: a generator of events. Nothing else in cfinspect trains."""

from __future__ import annotations

from collections.abc import Iterator

from cfinspect.engine.base.events import (
    CancelToken,
    Event,
)
from cfinspect.engine.training.config import TrainConfig
from cfinspect.engine.training.loop import Training


def train(
    config: TrainConfig, *, cancel: CancelToken | None = None, resume: bool = False
) -> Iterator[Event]:
    """Train into ``config.out`` and tell how it goes; see events.py.

    Leaves config.json, metrics.jsonl, checkpoint.safetensors, samples/, curves.png and, when not
    cancelled, model.safetensors. ``resume`` goes on from the checkpoint where there is one and
    gives the same losses as without the break (with ``steps``, on the CPU).
    Raises CfinspectError for data, settings, devices or checkpoints that cannot be used.
    """
    of_method = Training
    if config.method == "diffusion":
        from cfinspect.engine.training.diffusion_training import DiffusionTraining  # noqa: PLC0415

        of_method = DiffusionTraining
    yield from of_method(config, cancel or CancelToken(), resume).events()
