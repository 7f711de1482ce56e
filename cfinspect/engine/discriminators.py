"""Discriminators D: one network that classifies and tells fakes, three logits.

Order of the logits: undamaged, damaged, fake. After a softmax these are p0, p1, p_fake.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torchvision
from safetensors.torch import load_file
from torch import Tensor, nn

from cfinspect.engine.errors import CfinspectError
from cfinspect.engine.layers import Patches


class CompactDiscriminator(nn.Module):
    """Small convolutional D that learns quickly from scratch.

    Each stage halves the side. No normalisation at all: with He's initialisation (2015) these
    nine layers need none, and real and fake cannot be told apart by batch statistics. Average and
    maximum pooling side by side: damage is often one small place.
    forward: (n, 3, S, S) in [0, 1] -> (n, classes).
    """

    def __init__(self, width: int = 32, stages: int = 5, classes: int = 3) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for stage in range(stages):
            after = min(width * 2**stage, width * 8)
            layers += [Patches(2)]
            if stage:
                layers += [nn.Conv2d(4 * before, after, 1), _activation()]
            layers += [nn.Conv2d(after if stage else 12, after, 3, padding=1), _activation()]
            before = after
        for layer in layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, a=_SLOPE)
                assert layer.bias is not None
                nn.init.zeros_(layer.bias)
        self.features = nn.Sequential(*layers)
        self.classify = nn.Sequential(nn.Dropout(0.2), nn.Linear(2 * before, classes))

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        y = self.features(x * 2 - 1)
        pooled = torch.cat([y.mean(dim=(2, 3)), y.amax(dim=(2, 3))], dim=1)
        return self.classify(pooled)  # type: ignore[no-any-return]


_SLOPE = 0.1


def _activation() -> nn.Module:
    return nn.LeakyReLU(_SLOPE, inplace=True)


class ResNetDiscriminator(nn.Module):
    """torchvision's ResNet18 (He et al. 2016) with three logits.

    Its batch statistics are those of the concatenated real and fake batch; for G's step it runs
    with frozen statistics. forward: (n, 3, S, S) in [0, 1] -> (n, classes).
    """

    mean: Tensor
    std: Tensor

    def __init__(self, classes: int = 3) -> None:
        super().__init__()
        self.body = torchvision.models.resnet18(num_classes=classes)
        self.register_buffer("mean", torch.tensor((0.485, 0.456, 0.406)).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor((0.229, 0.224, 0.225)).view(1, 3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return self.body((x - self.mean) / self.std)  # type: ignore[no-any-return]


def make_discriminator(name: str, **settings: Any) -> nn.Module:
    """Build the discriminator called ``name`` (see config.DISCRIMINATORS) from its settings."""
    if name == "compact":
        return CompactDiscriminator(**settings)
    if name == "resnet18":
        return ResNetDiscriminator(**settings)
    raise ValueError(f"unknown discriminator {name!r}")


def load_backbone(discriminator: nn.Module, path: Path) -> int:
    """Copy pretrained backbone weights from a local file; returns how many tensors fitted.

    ``path``: .safetensors, or .pth/.pt read with ``weights_only`` so that nothing in it can run.
    The classification layer keeps its fresh weights. Raises CfinspectError when nothing fits.
    """
    try:
        if path.suffix == ".safetensors":
            weights = load_file(path)
        else:
            weights = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(weights, dict):
            raise ValueError("it holds no named weights")
    except Exception as error:
        raise CfinspectError(f"backbone weights {path} cannot be read: {error}") from error
    target = getattr(discriminator, "body", discriminator)
    own = target.state_dict()
    fitting = {
        name: value
        for name, value in weights.items()
        if name in own
        and own[name].shape == value.shape
        and not name.startswith(("fc.", "classify."))
    }
    if not fitting:
        raise CfinspectError(f"backbone weights {path} fit no layer of this discriminator")
    target.load_state_dict(fitting, strict=False)
    return len(fitting)
