"""A small segmenter on the pretrained backbone: taught masks, it marks without a counterfactual.

Distillation (Hinton et al. 2015, arXiv 1503.02531) teaches it the masks that another network made.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from cfinspect.engine.networks.backbone import CHANNELS, MULTIPLE, Backbone, chosen
from cfinspect.engine.networks.generators import Block
from cfinspect.engine.networks.layers import Patches, Unpatches
from cfinspect.engine.networks.projected import enlarged, normalised
from cfinspect.engine.networks.spec import NetworkSpec

MASK_DECODER = "mask_decoder"  # its name in metadata

_SEEN = (5, 3, 2, 1)  # stages that are decoded, the coarsest first
_PIXELS = 16  # channels of what the image itself adds at the finest level
_RARE = -3.0  # logit of damage before anything is learned: most pixels are sound


class MaskDecoder(nn.Module):
    """The frozen backbone and a decoder of its features.

    ``width``: channels of each level. forward: (n, 3, S, S) in [0, 1] -> logits of damage of each
    pixel, (n, S, S).
    """

    def __init__(self, backbone: Backbone, width: int = 24) -> None:
        super().__init__()
        self.backbone = backbone
        self.width = width
        self.lateral = nn.ModuleList(nn.Conv2d(CHANNELS[stage], width, 1) for stage in _SEEN)
        self.levels = nn.ModuleList(Block(2 * width, width) for _ in _SEEN[1:-1])
        # The finest level costs most by far: its pixels come in before its one block.
        self.pixels = nn.Sequential(
            Patches(2), nn.Conv2d(12, _PIXELS, 3, padding=1), nn.ReLU(inplace=True)
        )
        self.joined = Block(2 * width + _PIXELS, width)
        self.last = nn.Conv2d(width, 2**2, 3, padding=1)
        assert self.last.bias is not None
        nn.init.constant_(self.last.bias, _RARE)
        self.unfold = Unpatches(2)

    def forward(self, x: Tensor) -> Tensor:
        """See the class; a side that the backbone cannot halve often enough is enlarged for it."""
        side = x.shape[-1]
        fitting = -(-side // MULTIPLE) * MULTIPLE
        if fitting == side:
            return self.decode(x, self.backbone(x))
        larger = enlarged(x, (fitting, fitting))
        logits = self.decode(larger, self.backbone(larger))
        return enlarged(logits[:, None], (side, side))[:, 0]

    def decode(self, x: Tensor, stages: Sequence[Tensor]) -> Tensor:
        """The same from features of x at hand; S must be a multiple of 32."""
        features = chosen(stages, _SEEN)
        own = [lateral(normalised(y)) for lateral, y in zip(self.lateral, features, strict=True)]
        y = own[0]
        for level, finer in zip(self.levels, own[1:-1], strict=True):
            y = level(torch.cat([enlarged(y, finer.shape[-2:]), finer], dim=1))
        finest = enlarged(y, own[-1].shape[-2:]), own[-1], self.pixels(x * 2 - 1)
        y = self.joined(torch.cat(finest, dim=1))
        logits: Tensor = self.unfold(self.last(y))[:, 0]
        return logits.float()


def make_mask_decoder(spec: NetworkSpec, backbone: Backbone) -> MaskDecoder:
    """The decoder that metadata names. Raises ValueError for another name, TypeError for others'
    arguments.
    """
    if spec.name != MASK_DECODER:
        raise ValueError(f"unknown segmenter {spec.name!r}")
    return MaskDecoder(backbone, **spec.kwargs)
