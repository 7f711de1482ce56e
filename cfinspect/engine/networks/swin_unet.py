"""Swin UNet: a UNet whose levels are windows of self-attention instead of convolutions.

Cao et al. 2021 (arXiv 2105.05537), from torchvision's Swin blocks (Liu et al. 2021).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision.models.swin_transformer import PatchMerging, SwinTransformerBlock

from cfinspect.engine.networks.layers import Patches, Unpatches

_WINDOW = 6  # divides the 24, 12 and 6 patches of a square of 96 px
_HEAD = 16  # channels of an attention head
_BLOCKS = 2  # of a level: one with windows, one with windows shifted by half


class SwinUNet(nn.Module):
    """Swin UNet over patches of 2 * ``stem`` pixels; same interface as ``generators.UNet``.

    ``width``: a third of the first level's channels, each of the ``depth`` levels below has twice
    as many. forward: (n, 3, S, S) -> ((n, outputs, S, S), bottleneck features (n, C)). S must be
    a multiple of 2 * stem * 2**depth.
    """

    def __init__(self, width: int = 16, stem: int = 2, depth: int = 3, outputs: int = 4) -> None:
        super().__init__()
        side = 2 * stem
        self.multiple = side * 2**depth
        heads = max(1, 3 * width // _HEAD)
        first = max(_HEAD, 3 * width // _HEAD * _HEAD)
        widths = [first * 2**level for level in range(depth + 1)]
        self.stem = nn.Sequential(Patches(side), nn.Conv2d(3 * side**2, first, 1))
        self.down = nn.ModuleList(
            _level(channels, heads * 2**level) for level, channels in enumerate(widths)
        )
        self.merge = nn.ModuleList(PatchMerging(channels) for channels in widths[:-1])
        self.expand = nn.ModuleList(_Expand(channels) for channels in widths[:0:-1])
        self.join = nn.ModuleList(nn.Linear(2 * channels, channels) for channels in widths[-2::-1])
        self.up = nn.ModuleList(
            _level(channels, heads * 2**level)
            for level, channels in reversed(list(enumerate(widths[:-1])))
        )
        self.norm = nn.LayerNorm(first)
        self.last = nn.Conv2d(first, outputs * side**2, 3, padding=1)
        self.unfold = Unpatches(side)
        self.features = widths[-1]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        if x.shape[-1] % self.multiple or x.shape[-2] % self.multiple:
            raise ValueError(
                f"image side must be a multiple of {self.multiple}, not {tuple(x.shape[-2:])}"
            )
        y = self.stem(x).permute(0, 2, 3, 1)  # Swin's blocks want (n, h, w, channels)
        skips: list[Tensor] = []
        for level, blocks in enumerate(self.down):
            y = blocks(self.merge[level - 1](y) if level else y)
            skips.append(y)
        pooled = skips.pop().mean(dim=(1, 2))
        for expand, join, blocks in zip(self.expand, self.join, self.up, strict=True):
            y = blocks(join(torch.cat([expand(y), skips.pop()], dim=3)))
        return self.unfold(self.last(self.norm(y).permute(0, 3, 1, 2))), pooled


class _Expand(nn.Module):
    """The inverse of merging patches: (n, h, w, c) -> (n, 2h, 2w, c / 2)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.widen = nn.Linear(channels, 2 * channels, bias=False)
        self.unfold = Unpatches(2)
        self.norm = nn.LayerNorm(channels // 2)

    def forward(self, y: Tensor) -> Tensor:
        """See the class."""
        larger = self.unfold(self.widen(y).permute(0, 3, 1, 2))
        return self.norm(larger.permute(0, 2, 3, 1))  # type: ignore[no-any-return]


def _level(channels: int, heads: int) -> nn.Sequential:
    shifts = [0 if block % 2 == 0 else _WINDOW // 2 for block in range(_BLOCKS)]
    return nn.Sequential(
        *(
            SwinTransformerBlock(channels, heads, [_WINDOW, _WINDOW], [shift, shift])
            for shift in shifts
        )
    )
