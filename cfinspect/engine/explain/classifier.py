"""What explainers ask: one classifier, ours or a stranger's, as a function of the image."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from cfinspect.engine.device import Device
from cfinspect.engine.torch_backend import TorchBackend
from cfinspect.engine.validation import to_tensor

_BATCH = 64


class Classifier(Protocol):
    """Tells damaged from undamaged.

    ``module``: the network with its layers, for class activation maps; None where they cannot be
    reached. ``differentiable``: whether gradients pass.
    """

    name: str
    size: int
    device: Device
    differentiable: bool
    module: nn.Module | None

    def excess(self, x: Tensor) -> Tensor:
        """How far the log-odds of "damaged" lie above the decision's, (n,): damaged from 0 on.

        ``x`` (n, 3, S, S) RGB in [0, 1], of any S: it is resized to ``size``.
        """

    def once(self, x: Tensor) -> Tensor:
        """The same by a single pass of ``module``, where ``excess`` may take the mean of views."""


class OwnClassifier:
    """D of a cfinspect model, with the model's threshold."""

    differentiable = True

    def __init__(self, backend: TorchBackend, name: str) -> None:
        self.name = name
        self.size = backend.card.preprocessing.size
        self.device = backend.device
        self.module: nn.Module | None = backend.discriminator
        self._target = backend.target()

    def excess(self, x: Tensor) -> Tensor:
        """See ``Classifier``."""
        return self._target.excess(self._target.logits(resized(x, self.size)))

    def once(self, x: Tensor) -> Tensor:
        """See ``Classifier``."""
        assert self.module is not None
        logits: Tensor = self.module(resized(x, self.size))
        return self._target.excess(logits.float())


def resized(x: Tensor, size: int) -> Tensor:
    """(n, 3, S, S) -> (n, 3, size, size), as photos are made smaller; gradients pass."""
    if x.shape[-1] == size:
        return x
    return F.interpolate(x, (size, size), mode="bilinear", antialias=True, align_corners=False)


@torch.no_grad()
def margins(classifier: Classifier, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """``Classifier.excess`` of images (n, S, S, 3) uint8, (n,)."""
    rows = [
        classifier.excess(to_tensor(images[start : start + _BATCH], classifier.device.device))
        for start in range(0, len(images), _BATCH)
    ]
    return torch.cat(rows).float().cpu().numpy()
