"""Backends without a network, for tests: a few lines of NumPy whose answers are known by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.inference.backend import NetworkOutputs
from cfinspect.engine.model.metadata import Decision, ModelMetadata, Preprocessing
from cfinspect.engine.networks.spec import NetworkSpec

Change = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def make_card(
    size: int = 8, decision: Decision | None = None, **preprocessing: Any
) -> ModelMetadata:
    return ModelMetadata(
        created="2025-01-31T12:00:00+00:00",
        cfinspect_version="0",
        generator=NetworkSpec("numpy"),
        discriminator=NetworkSpec("numpy"),
        preprocessing=Preprocessing(size, **preprocessing),
        decision=decision or Decision(min_area_fraction=0.0),
    )


class RepairDark:
    """Calls a square damaged when more than ``share`` of it is darker than 64; repairs to 200.

    Logits: (0, +-2, -2), or a p_fake-heavy (0, 0, 4) where all is pure white. The head says 0.75
    for damaged and 0.25 for undamaged squares.
    """

    def __init__(self, metadata: ModelMetadata, share: float = 0.0) -> None:
        self.metadata = metadata
        self.share = share
        self.batches: list[int] = []

    def run(self, batch: NDArray[np.uint8]) -> NetworkOutputs:
        self.batches.append(len(batch))
        assert batch.dtype == np.uint8
        assert batch.shape[1:] == (self.metadata.preprocessing.size,) * 2 + (3,)
        dark = batch.max(axis=-1) < 64
        repaired = np.where(dark[..., None], 200, batch).astype(np.float32) / np.float32(255)
        damaged = dark.mean(axis=(1, 2)) > self.share
        return NetworkOutputs(
            logits=self._logits(batch, damaged),
            counterfactual=repaired,
            flipped_logits=self._logits(batch, np.zeros_like(damaged)),
            head=np.where(damaged, 0.75, 0.25).astype(np.float32),
        )

    def _logits(self, batch: NDArray[np.uint8], damaged: NDArray[np.bool_]) -> NDArray[np.float32]:
        logits = np.zeros((len(batch), 3), dtype=np.float32)
        logits[:, 1] = np.where(damaged, 2, -2)
        logits[:, 2] = -2
        logits[(batch == 255).all(axis=(1, 2, 3))] = (0, 0, 4)
        return logits


class Painter:
    """Calls everything surely damaged and adds ``change(x)``, x (n, S, S, 3) in 0..1."""

    def __init__(self, metadata: ModelMetadata, change: Change) -> None:
        self.metadata = metadata
        self.change = change

    def run(self, batch: NDArray[np.uint8]) -> NetworkOutputs:
        x = (batch / np.float32(255)).astype(np.float32)
        logits = np.tile(np.array([-40, 40, -40], dtype=np.float32), (len(batch), 1))
        return NetworkOutputs(
            logits=logits,
            counterfactual=np.clip(x + self.change(x), 0, 1).astype(np.float32),
            flipped_logits=-logits,
            head=np.ones(len(batch), dtype=np.float32),
        )
