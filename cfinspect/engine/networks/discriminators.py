"""Discriminators D: one network that classifies and tells fakes, three logits.

Order of the logits: undamaged, damaged, fake. After a softmax these are p0, p1, p_fake.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torchvision
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models.swin_transformer import SwinTransformer
from torchvision.models.vision_transformer import EncoderBlock

from cfinspect.engine.base.errors import CfinspectError, first_line
from cfinspect.engine.networks.layers import Patches


class CompactDiscriminator(nn.Module):
    """Small convolutional D that learns quickly from scratch.

    Each stage halves the side. No normalisation at all: with He's initialisation (2015) these
    nine layers need none, and real and fake cannot be told apart by batch statistics. Average and
    maximum pooling side by side: damage is often one small place.
    forward: (n, 3, S, S) in [0, 1] -> (n, classes).
    """

    def __init__(self, width: int = 32, stages: int = 5, classes: int = 3) -> None:
        super().__init__()
        self.features = compact_stages(width, stages)
        last = width * 2 ** min(stages - 1, 3)
        self.classify = nn.Sequential(nn.Dropout(0.2), nn.Linear(2 * last, classes))

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return self.classify(self.pooled(x))  # type: ignore[no-any-return]

    def pooled(self, x: Tensor) -> Tensor:
        """What the last layer decides by: (n, 3, S, S) in [0, 1] -> (n, twice the last width)."""
        y = self.features(x * 2 - 1)
        return torch.cat([y.mean(dim=(2, 3)), y.amax(dim=(2, 3))], dim=1)


def compact_stages(width: int, stages: int) -> nn.Sequential:
    """Stages that halve the side: (n, 3, S, S) -> (n, width * 2**(stages - 1), ...), 8 at most."""
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
    return nn.Sequential(*layers)


_SLOPE = 0.1


def _activation() -> nn.Module:
    return nn.LeakyReLU(_SLOPE, inplace=True)


class HybridDiscriminator(nn.Module):
    """Convolutions see the texture, self-attention what belongs together; ours.

    The paper names a "hybrid" and does not define it. Three of the compact D's stages (an eighth
    of the side is left), then blocks of a vision transformer (Dosovitskiy et al. 2021) over all
    places. A depthwise convolution tells each place where it is (Chu et al. 2021), so that any
    side will do. forward: (n, 3, S, S) in [0, 1] -> (n, classes).
    """

    def __init__(self, width: int = 24, blocks: int = 4, classes: int = 3) -> None:
        super().__init__()
        self.stages = compact_stages(width, 3)
        channels = width * 4
        self.place = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        heads = next(h for h in range(max(1, channels // 32), 0, -1) if channels % h == 0)
        self.blocks = nn.Sequential(
            *(EncoderBlock(heads, channels, 4 * channels, 0.0, 0.0) for _ in range(blocks))
        )
        self.norm = nn.LayerNorm(channels)
        self.classify = nn.Sequential(nn.Dropout(0.2), nn.Linear(2 * channels, classes))

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        y = self.stages(x * 2 - 1)
        y = y + self.place(y)
        y = self.norm(self.blocks(y.flatten(2).transpose(1, 2)))
        return self.classify(torch.cat([y.mean(dim=1), y.amax(dim=1)], dim=1))  # type: ignore[no-any-return]


class ImageNetDiscriminator(nn.Module):
    """One of torchvision's classifiers with three logits, normalised as for ImageNet.

    Batch statistics (ResNet) are those of the concatenated real and fake batch; for G's step they
    are frozen. forward: (n, 3, S, S) in [0, 1] -> (n, classes).
    """

    mean: Tensor
    std: Tensor

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.register_buffer("mean", torch.tensor((0.485, 0.456, 0.406)).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor((0.229, 0.224, 0.225)).view(1, 3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return self.body((x - self.mean) / self.std)  # type: ignore[no-any-return]


def _resnet(make: Callable[..., nn.Module]) -> Callable[..., nn.Module]:
    """ResNet18 or ResNet50 (He et al. 2016)."""
    return lambda classes=3: ImageNetDiscriminator(make(num_classes=classes))


def _swin(width: int = 24, classes: int = 3) -> nn.Module:
    """Swin transformer (Liu et al. 2021); ``width`` 24 is Swin-T, whose weights then fit."""
    heads = [max(1, width // 8) * 2**stage for stage in range(4)]
    body = SwinTransformer([4, 4], 32 * heads[0], [2, 2, 6, 2], heads, [7, 7], num_classes=classes)
    return ImageNetDiscriminator(body)


_MAKERS: dict[str, Callable[..., nn.Module]] = {
    "compact": CompactDiscriminator,
    "resnet18": _resnet(torchvision.models.resnet18),
    "resnet50": _resnet(torchvision.models.resnet50),
    "swin": _swin,
    "hybrid": HybridDiscriminator,
}
# Networks whose first stage has as many channels as asked for; ResNets are as they are.
NOTHING = "none"  # beside a generator that nobody judges
WITH_WIDTH = ("compact", "swin", "hybrid")


def make_discriminator(name: str, **settings: Any) -> nn.Module:
    """The one called ``name`` (see config.DISCRIMINATORS, or ``NOTHING``) from its settings."""
    if name == NOTHING:
        return nn.Identity()
    if name not in _MAKERS:
        raise ValueError(f"unknown discriminator {name!r}")
    return _MAKERS[name](**settings)


def load_pretrained(discriminator: nn.Module, path: Path) -> int:
    """Copy pretrained backbone weights from a local file; returns how many tensors fitted.

    ``path``: .safetensors, or .pth/.pt read with ``weights_only`` so that nothing in it can run.
    The classification layer keeps its fresh weights. Raises CfinspectError when nothing fits.
    """
    weights = read_weights(path)
    target = getattr(discriminator, "body", discriminator)
    own = target.state_dict()
    fitting = {
        name: value
        for name, value in weights.items()
        if name in own
        and own[name].shape == value.shape
        and not name.startswith(("fc.", "head.", "classify."))
    }
    if not fitting:
        raise CfinspectError(f"backbone weights {path} fit no layer of this discriminator")
    target.load_state_dict(fitting, strict=False)
    return len(fitting)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Named weights of a local file, read so that nothing in it can run.

    ``path``: .safetensors, or .pth/.pt as torch writes it. Raises CfinspectError with a sentence.
    """
    if not path.is_file():  # also a pipe, which would be waited for without end
        raise CfinspectError(f"weights {path} cannot be read: there is no such file")
    try:
        if path.suffix == ".safetensors":
            weights = load_file(path)
        else:
            weights = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(weights, dict):
            raise ValueError("it holds no named weights")
    except Exception as error:
        raise CfinspectError(f"weights {path} cannot be read: {first_line(error)}") from error
    return weights
