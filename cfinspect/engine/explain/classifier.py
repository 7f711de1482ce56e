"""What explainers ask: one classifier, ours or an external one, as a function of the image."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from cfinspect.engine.base.device import Device
from cfinspect.engine.inference.forward import to_tensor
from cfinspect.engine.inference.torch_backend import TorchBackend
from cfinspect.engine.metrics.probability import logit, sigmoid

_BATCH = 64


class Classifier(Protocol):
    """Tells damaged from undamaged.

    ``size``: side in px of the squares that it sees. ``limit``: the log-odds of "damaged" from
    which on it says so. ``module``: the network with its layers, for class activation maps; None
    where they cannot be reached. ``no_gradients``: why none pass, "" where they do.
    """

    name: str
    size: int
    device: Device
    limit: float
    no_gradients: str
    module: nn.Module | None

    def odds(self, x: Tensor) -> Tensor:
        """The log-odds of "damaged", (n,), of ``x`` (n, 3, S, S) RGB in [0, 1].

        Of any S: it is resized to ``size``.
        """

    def once(self, x: Tensor) -> Tensor:
        """The same by a single pass of ``module``, where ``odds`` may take the mean of views."""


class OwnClassifier:
    """D of a cfinspect model, with the model's threshold."""

    no_gradients = ""

    def __init__(self, backend: TorchBackend, name: str) -> None:
        self.name = name
        self.size = backend.metadata.preprocessing.size
        self.device = backend.device
        self.limit = float(logit(backend.metadata.decision.score_threshold))
        self.module: nn.Module | None = backend.discriminator
        self._temperature = backend.metadata.decision.temperature
        self._target = backend.target()

    def odds(self, x: Tensor) -> Tensor:
        """See ``Classifier``."""
        return _damaged(self._target.logits(resized(x, self.size)))

    def once(self, x: Tensor) -> Tensor:
        """See ``Classifier``."""
        assert self.module is not None
        logits: Tensor = self.module(resized(x, self.size))
        return _damaged(logits.float() / self._temperature)


def _damaged(logits: Tensor) -> Tensor:
    return logits[:, 1] - logits[:, 0]


def beyond(classifier: Classifier, x: Tensor) -> Tensor:
    """How far the log-odds lie above the classifier's limit, (n,): damaged from 0 on."""
    return classifier.odds(x) - classifier.limit


def resized(x: Tensor, size: int) -> Tensor:
    """(n, 3, S, S) -> (n, 3, size, size), bilinear and without aliasing; gradients pass."""
    if x.shape[-1] == size:
        return x
    return F.interpolate(x, (size, size), mode="bilinear", antialias=True, align_corners=False)


@torch.no_grad()
def odds_of(classifier: Classifier, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The log-odds of "damaged" of images (n, S, S, 3) uint8, (n,)."""
    rows = [
        classifier.odds(to_tensor(images[start : start + _BATCH], classifier.device.device))
        for start in range(0, len(images), _BATCH)
    ]
    return torch.cat(rows).float().cpu().numpy()


def probability(odds: float) -> float:
    """Of log-odds."""
    return float(sigmoid(odds))
