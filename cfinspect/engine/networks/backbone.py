"""The pretrained backbone: EfficientNet-Lite0 to its sixth stage, frozen.

Tan and Le 2019 (arXiv 1905.11946) in its Lite form: ReLU6, no squeeze-and-excitation. Frozen
ImageNet features under a discriminator: Sauer et al., "Projected GANs Converge Faster", 2021.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from cfinspect.engine.base.errors import CfinspectError, first_line
from cfinspect.engine.base.installed import BACKBONE, installed_file


class Stage(NamedTuple):
    """Blocks of one size: their count, kernel, stride of the first, expansion, channels out."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    channels: int


STEM = 32  # channels after the first convolution, which halves the side
STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
)
CHANNELS = {number: stage.channels for number, stage in enumerate(STAGES, 1)}
_APPEARANCE = (1, 2, 3, 5)  # stages that tell cameras and surfaces apart: see RESULTS.md
BACKBONE_LICENCE = " It holds a copy of EfficientNet-Lite0's weights (Apache-2.0)."
MULTIPLE = 32  # the side of an image must be a multiple of it: five stages halve it


class Backbone(nn.Module):
    """Frozen features of an image.

    forward: (n, 3, S, S) in [0, 1], S a multiple of 32 -> a tensor for each stage, (n, 16, S/2,
    S/2), (n, 24, S/4, S/4), (n, 40, S/8, S/8), (n, 80, S/16, S/16), (n, 112, S/16, S/16),
    (n, 192, S/32, S/32). Gradients pass to the image, never to the weights.

    The weights are no part of ``state_dict``: they never change, so networks, their running means
    and their copies share one backbone, and files hold it once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = FrozenConvolution(3, STEM, 3, stride=2)
        before = STEM
        blocks: list[nn.Module] = []
        self._ends: list[int] = []
        for stage in STAGES:
            for repeat in range(stage.repeats):
                stride = 1 if repeat else stage.stride
                blocks.append(_Block(before, stage, stride))
                before = stage.channels
            self._ends.append(len(blocks) - 1)
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> list[Tensor]:
        """See the class."""
        if x.shape[-1] % MULTIPLE or x.shape[-2] % MULTIPLE:
            raise ValueError(f"image side must be a multiple of {MULTIPLE}, not {tuple(x.shape)}")
        kind = x.device.type
        # On CPUs 16 bit slows depthwise convolutions down; elsewhere it is as the caller has it.
        mixed = kind != "cpu" and torch.is_autocast_enabled(kind)
        with torch.autocast(kind, enabled=mixed):
            y = F.relu6(self.stem(x.float() * (255 / 128) - 127 / 128), inplace=True)
            stages = []
            for number, block in enumerate(self.blocks):
                y = block(y)
                if number in self._ends:
                    stages.append(y)
        return stages

    def __deepcopy__(self, memo: object) -> Self:
        """Itself: see the class."""
        return self

    def weights(self) -> dict[str, Tensor]:
        """All weights by name, as `load` takes them and files hold them."""
        return dict(self.named_buffers())

    @torch.no_grad()
    def load(self, weights: Mapping[str, Tensor]) -> Self:
        """Take over ``weights``, rounded to 16 bit as files hold them.

        Raises ValueError where one is missing, has another shape or is unknown.
        """
        own = self.weights()
        if own.keys() != weights.keys():
            different = sorted(own.keys() ^ weights.keys())
            raise ValueError(f"{len(different)} weights are missing or unknown: {different[0]} ...")
        for name, value in own.items():
            given = weights[name]
            if given.shape != value.shape:
                raise ValueError(f"{name} has the shape {tuple(given.shape)}")
            half = given.half()
            if not half.isfinite().all():
                raise ValueError(f"{name} holds numbers that 16 bit cannot hold, or none")
            value.copy_(half)
        return self


class FrozenConvolution(nn.Module):
    """A convolution with TensorFlow's padding "same"; weights and bias are constants."""

    weight: Tensor
    bias: Tensor

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.kernel, self.stride, self.groups = kernel, stride, groups
        shape = outputs, inputs // groups, kernel, kernel
        self.register_buffer("weight", torch.zeros(shape), persistent=False)
        self.register_buffer("bias", torch.zeros(outputs), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, H, W) -> (n, outputs, H / stride, W / stride), rounded up."""
        padding = self.kernel // 2
        if self.stride > 1:
            # TensorFlow puts the odd pixel to the right and below; torch knows only both sides.
            x = F.pad(x, (*_same(x.shape[3], self), *_same(x.shape[2], self)))
            padding = 0
        return F.conv2d(x, self.weight, self.bias, self.stride, padding, groups=self.groups)


def _same(side: int, layer: FrozenConvolution) -> tuple[int, int]:
    outputs = -(-side // layer.stride)
    missing = max(0, (outputs - 1) * layer.stride + layer.kernel - side)
    return missing // 2, missing - missing // 2


class _Block(nn.Module):
    """Inverted residual (Sandler et al. 2018): widen, look about in each channel, narrow."""

    def __init__(self, inputs: int, stage: Stage, stride: int) -> None:
        super().__init__()
        inside = inputs * stage.expansion
        self.expand = FrozenConvolution(inputs, inside, 1) if stage.expansion > 1 else None
        self.depthwise = FrozenConvolution(
            inside, inside, stage.kernel, stride=stride, groups=inside
        )
        self.project = FrozenConvolution(inside, stage.channels, 1)
        self.adds = stride == 1 and inputs == stage.channels

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, H, W) -> (n, channels, H / stride, W / stride)."""
        inside = x if self.expand is None else F.relu6(self.expand(x), inplace=True)
        y: Tensor = self.project(F.relu6(self.depthwise(inside), inplace=True))
        return x + y if self.adds else y


def shipped_backbone() -> Path:
    """The weights that come with cfinspect; raises CfinspectError where they are missing."""
    return installed_file("models", f"{BACKBONE}.safetensors")


def load_backbone(path: Path) -> Backbone:
    """The backbone with the weights of a .safetensors file.

    Raises CfinspectError with a sentence where it cannot be read or holds another network.
    """
    if not path.is_file():
        raise CfinspectError(
            f"the backbone's weights {path} do not exist: give a .safetensors file"
        )
    try:
        return Backbone().load(load_file(path)).eval()
    except (OSError, SafetensorError, ValueError, RuntimeError) as error:
        raise CfinspectError(
            f"{path} holds no weights of the backbone (EfficientNet-Lite0, converted by "
            f"packaging/backbone.py): {first_line(error)}"
        ) from error


def stored_backbone(backbone: Backbone) -> dict[str, Tensor]:
    """Its weights as they stand in files of models and checkpoints, 16 bit, on the CPU."""
    return {
        f"{_PREFIX}{name}": value.detach().cpu().half().contiguous()
        for name, value in backbone.weights().items()
    }


def restored_backbone(tensors: Mapping[str, Tensor]) -> Backbone:
    """The inverse, from all tensors of the file. Raises ValueError where they do not fit."""
    own = {k.removeprefix(_PREFIX): v for k, v in tensors.items() if k.startswith(_PREFIX)}
    return Backbone().load(own).eval()


_PREFIX = "backbone."


def chosen(stages: Sequence[Tensor], numbers: Sequence[int]) -> list[Tensor]:
    """The features of the stages with these ``numbers``, from 1 on."""
    return [stages[number - 1] for number in numbers]


def mean_and_deviation(y: Tensor) -> tuple[Tensor, Tensor]:
    """Of each channel over all places: (n, C, h, w) -> two (n, C)."""
    flat = y.flatten(2)
    return flat.mean(dim=2), flat.var(dim=2, correction=0).clamp(min=1e-6).sqrt()


def appearance(stages: Sequence[Tensor]) -> Tensor:
    """What images look like, whatever is learned of them: (n, 384) float32.

    Mean and deviation of the channels of some stages, as ``FamiliarImages`` compares them.
    """
    found = (mean_and_deviation(y.float()) for y in chosen(stages, _APPEARANCE))
    return torch.cat([part for pair in found for part in pair], dim=1)
