"""What explainers look into: one classifier, ours or an external one, a function of the image."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cfinspect.engine.base.device import Device
from cfinspect.engine.explain.protocol import BlackBox, Images, Maps
from cfinspect.engine.inference.forward import to_tensor
from cfinspect.engine.inference.torch_backend import TorchBackend
from cfinspect.engine.metrics.probability import logit

_BATCH = 64


class Classifier(BlackBox, Protocol):
    """A `BlackBox` of torch, which gradients pass; who implements it derives from it.

    ``module``: the network with its layers, for class activation maps; None where they cannot be
    reached. ``no_gradients``: why none pass, "" where they do.
    """

    device: Device
    no_gradients: str
    module: nn.Module | None

    def odds(self, x: Tensor) -> Tensor:
        """The log-odds of "damaged", (n,), of ``x`` (n, 3, S, S) RGB in [0, 1].

        Of any S: it is resized to ``size``.
        """

    def once(self, x: Tensor) -> Tensor:
        """The same by a single pass of ``module``, where ``odds`` may take the mean of views."""

    @torch.no_grad()
    def ask(self, images: Images | Maps) -> Maps:
        """See ``BlackBox``."""
        rows = []
        for start in range(0, len(images), _BATCH):
            x = to_tensor(images[start : start + _BATCH], self.device.device)
            rows.append(self.odds(x).float())
        return torch.cat(rows).cpu().numpy()

    def free_memory(self) -> None:
        """See ``BlackBox``."""
        self.device.free_memory()


class OwnClassifier(Classifier):
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
