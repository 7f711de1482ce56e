"""Generators G: an image in, its counterfactual of the opposite class out.

A UNet (Ronneberger et al. 2015) with a gated residual output and an auxiliary classification
head, as CF-GAN (Bischof et al., arXiv 2310.00761) uses it; the gate is ours.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cfinspect.engine.networks.layers import Patches, Unpatches
from cfinspect.engine.networks.names import DDPM
from cfinspect.engine.networks.swin_unet import SwinUNet


class GeneratorOutput(NamedTuple):
    """What G says about a batch of n images.

    ``image``: counterfactual, (n, 3, S, S) in [0, 1]; ``gate``: how far each pixel is changed,
    (n, 1, S, S) in [0, 1]; ``head``: logit of "damaged" from the auxiliary head, (n,).
    """

    image: Tensor
    gate: Tensor
    head: Tensor


class Block(nn.Sequential):
    """Two 3x3 convolutions, each with batch normalisation and ReLU.

    Batch normalisation is the one normalisation whose CPU kernels stay in channels_last.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        layers: list[nn.Module] = []
        for before in (inputs, outputs):
            layers += [
                nn.Conv2d(before, outputs, 3, padding=1, bias=False),
                nn.BatchNorm2d(outputs),
                nn.ReLU(inplace=True),
            ]
        super().__init__(*layers)


class UNet(nn.Module):
    """UNet over patches of ``stem`` pixels, so that full resolution costs what 1/stem would.

    ``width``: channels of the first level; ``depth``: number of halvings; ``outputs``: channels
    per pixel. forward: (n, 3, S, S) -> ((n, outputs, S, S), bottleneck features (n, C)).
    S must be a multiple of stem * 2**depth.
    """

    def __init__(self, width: int = 16, stem: int = 2, depth: int = 4, outputs: int = 4) -> None:
        super().__init__()
        self.multiple = stem * 2**depth
        self.stem = nn.Sequential(
            Patches(stem), nn.Conv2d(3 * stem**2, width, 3, padding=1), nn.ReLU(inplace=True)
        )
        widths = [width * 2 ** min(level, 4) for level in range(depth + 1)]
        self.down = nn.ModuleList(
            Block(before, after) for before, after in zip([width, *widths], widths, strict=False)
        )
        self.up = nn.ModuleList(
            Block(deep + shallow, shallow)
            for deep, shallow in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.last = nn.Conv2d(width, outputs * stem**2, 3, padding=1)
        self.unfold = Unpatches(stem)
        self.features = widths[-1]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        if x.shape[-1] % self.multiple or x.shape[-2] % self.multiple:
            raise ValueError(
                f"image side must be a multiple of {self.multiple}, not {tuple(x.shape[-2:])}"
            )
        skips: list[Tensor] = []
        x = self.stem(x)
        for level, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if level else x)
            skips.append(x)
        pooled = skips.pop().mean(dim=(2, 3))
        for block in self.up:
            x = block(torch.cat([F.interpolate(x, scale_factor=2.0), skips.pop()], dim=1))
        return self.unfold(self.last(x)), pooled


class GatedGenerator(nn.Module):
    """x' = clamp(x + sigmoid(2m) * tanh(delta)): starts near identity, the gate is a soft mask.

    ``gate=False`` is the plain residual of the ``paper`` preset: x' = clamp(x + tanh(delta)).
    forward: (n, 3, S, S) in [0, 1] -> GeneratorOutput.
    """

    def __init__(self, body: UNet | SwinUNet, gate: bool = True) -> None:
        super().__init__()
        self.body = body
        self.gated = gate
        self.head = nn.Linear(body.features, 1)
        start_near_identity(body.last, gate)

    def forward(self, x: Tensor) -> GeneratorOutput:
        """See the class."""
        raw, pooled = self.body(x * 2 - 1)
        image, gate = gated(x, raw, open_gate=not self.gated)
        return GeneratorOutput(image, gate, self.head(pooled).float().squeeze(1))


@torch.no_grad()
def start_near_identity(last: nn.Conv2d, gate: bool) -> None:
    """Fresh weights for the layer before `gated`; ``gate``: whether there is one to close."""
    nn.init.normal_(last.weight, std=1e-2)
    assert last.bias is not None
    nn.init.zeros_(last.bias)
    if gate:
        # Channel 0 of each pixel's four is m. A bias of -1 opens the gate by 12 %: closed
        # enough to be near identity, open enough for delta to receive gradients.
        last.bias[::4] = -1.0


def gated(
    x: Tensor, raw: Tensor, allowed: Tensor | None = None, *, open_gate: bool = False
) -> tuple[Tensor, Tensor]:
    """x' = clamp(x + gate * tanh(delta)) and the gate, from m and delta, ``raw`` (n, 4, S, S).

    ``allowed``: (n, 1, S, S) in [0, 1], multiplies the gate; ``open_gate``: the gate is 1.
    """
    # One tanh over all four channels: sigmoid(2m) = (1 + tanh(m)) / 2, and slicing first
    # would cost a strided pass of its own.
    squashed = torch.tanh(raw.float())
    gate = torch.ones_like(squashed[:, :1]) if open_gate else squashed[:, :1] * 0.5 + 0.5
    if allowed is not None:
        gate = gate * allowed
    return (x + _smooth(gate * squashed[:, 1:])).clamp(0, 1), gate


class Identity(nn.Module):
    """The generator of a plain classifier: x' = x. Its model inspects, and marks nothing."""

    def forward(self, x: Tensor) -> GeneratorOutput:
        """(n, 3, S, S) -> the same, a closed gate and a head that does not know."""
        return GeneratorOutput(x, torch.zeros_like(x[:, :1]), x.new_zeros(len(x)))


# A mask's pixel moves by so much: the most that fits into [0, 1] whatever the pixel is.
SEGMENTER_SHIFT = 0.5


class Segmenter(nn.Module):
    """A UNet trained on masks, in the place of a generator.

    Its "counterfactual" moves each pixel by half the probability of damage, away from the nearer
    end of [0, 1], so that the saliency |x - x'| is that probability, halved.
    forward: (n, 3, S, S) in [0, 1] -> GeneratorOutput, whose gate is the probability.
    """

    def __init__(self, body: UNet | SwinUNet) -> None:
        super().__init__()
        self.body = body
        self.head = nn.Linear(body.features, 1)

    def forward(self, x: Tensor) -> GeneratorOutput:
        """See the class."""
        raw, pooled = self.body(x * 2 - 1)
        mask = torch.sigmoid(raw.float())
        away = torch.where(x > SEGMENTER_SHIFT, -SEGMENTER_SHIFT, SEGMENTER_SHIFT)
        return GeneratorOutput(x + mask * away, mask, self.head(pooled).float().squeeze(1))


def _smooth(change: Tensor) -> Tensor:
    """Binomial 3x3 filter: takes from G the single-pixel patterns that fool D.

    Without it the counterfactual shows a fine checkerboard where damage was. Sums of shifted
    slices cost a tenth of what a depthwise convolution or two mean filters do here.
    """
    y = F.pad(change, (1, 1, 1, 1), mode="replicate")
    for _ in range(2):
        y = y[:, :, :-1] + y[:, :, 1:]
    for _ in range(2):
        y = y[..., :-1] + y[..., 1:]
    return y / 16


def make_generator(name: str, **settings: Any) -> nn.Module:
    """Build a generator from its metadata settings.

    ``name``: one of ``settings.GENERATORS``, "identity" or "segmenter" of the reference systems, or
    "ddpm", which makes no counterfactuals by itself. Raises CfinspectError where a library is
    missing.
    """
    if name == DDPM:
        from cfinspect.engine.networks.diffusion import Ddpm  # noqa: PLC0415  (an extra)

        return Ddpm(**settings)
    if name == "identity":
        return Identity(**settings)
    if name == "segmenter":
        body = SwinUNet if settings.pop("swin") else UNet
        return Segmenter(body(outputs=1, **settings))
    bodies: dict[str, type[UNet] | type[SwinUNet]] = {"unet": UNet, "swin_unet": SwinUNet}
    if name not in bodies:
        raise ValueError(f"unknown generator {name!r}")
    gate = bool(settings.pop("gate", True))
    return GatedGenerator(bodies[name](**settings), gate=gate)
