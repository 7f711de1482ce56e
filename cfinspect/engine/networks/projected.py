"""D and G that look through the pretrained backbone; the construction is ours.

D finds *evidence* of damage at each place and judges the whole image beside it; G decodes the same
features and may only change what D's evidence blames.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cfinspect.engine.networks.backbone import CHANNELS, Backbone, chosen, mean_and_deviation
from cfinspect.engine.networks.generators import (
    Block,
    GeneratorOutput,
    gated,
    start_near_identity,
)
from cfinspect.engine.networks.layers import Patches, Unpatches

_LOCAL = (5, 3, 2, 1)  # stages that evidence and G look at, the coarsest first
_WHOLE = (2, 3, 5, 6)  # stages that the whole image is judged by
_ATTENDED = (5, 6)  # stages whose features at the evidence's places calibration learns from
_NAMING = (1, 2, 3, 4, 5, 6)  # the same, by which the defect classes are told apart
_WIDTH = 48  # channels of the local evidence
_SLOPE = 0.2
_LEAST, _MOST = 0.02, 1.0  # of the prior


class Judgement(NamedTuple):
    """What D says about n images.

    ``logits``: undamaged, damaged, fake, (n, 3); ``evidence``: logits of damage at each place,
    (n, S/k, S/k), k = 2 or 4; ``fake``: the same of being generated; ``strongest``: the mean of
    the evidence's highest values, (n,).
    """

    logits: Tensor
    evidence: Tensor
    fake: Tensor
    strongest: Tensor

    def first(self, count: int) -> Judgement:
        """What is said of the first ``count`` images."""
        return Judgement(*(part[:count] for part in self))


class Heads(nn.Module):
    """What D learns on top of the frozen features; see ``ProjectedDiscriminator``."""

    def __init__(self, finest: int, top_percent: int, refit: int = 0, named: int = 0) -> None:
        super().__init__()
        if finest not in _LOCAL or not 1 <= top_percent <= 100:
            raise ValueError(f"no D has finest {finest} and top_percent {top_percent}")
        self.top_percent = top_percent
        self.local = tuple(stage for stage in _LOCAL if stage >= finest)
        # Half of the side has four times the places of a quarter: few channels are enough there.
        width = {stage: _WIDTH if stage > 1 else _WIDTH // 2 for stage in self.local}
        self.lateral = nn.ModuleDict(
            {str(stage): nn.Conv2d(CHANNELS[stage], width[stage], 1) for stage in self.local}
        )
        self.coarse = nn.Conv2d(_WIDTH, width[finest], 3, padding=1)
        self.fine = nn.Conv2d(width[finest], width[finest], 3, padding=1) if finest == 1 else None
        self.evidence = nn.Conv2d(width[finest], 2, 1)
        self.norms = nn.ModuleDict(
            {str(stage): nn.LayerNorm(3 * CHANNELS[stage]) for stage in _WHOLE}
        )
        pooled = sum(3 * CHANNELS[stage] for stage in _WHOLE)
        self.whole = nn.Sequential(nn.Dropout(0.2), nn.Linear(pooled, 3))
        attended = sum(CHANNELS[stage] for stage in _ATTENDED)
        self.refit = nn.Linear(attended, 1, bias=False) if refit else None
        # What names the damage is fitted after the training.
        seen = sum(CHANNELS[stage] for stage in _NAMING)
        self.naming = nn.Linear(seen, named).requires_grad_(False) if named else None

    def forward(self, stages: Sequence[Tensor]) -> Judgement:
        """The backbone's stages of n images -> what D says."""
        evidence, fake = self._maps(stages).float().unbind(1)
        strongest = self._strongest(evidence)
        whole = self.whole(self.pooled(stages)).float()
        damaged = strongest
        if self.refit is not None:
            damaged = damaged + self.refit(self.attended(stages, evidence)).float().squeeze(1)
        added = torch.stack([torch.zeros_like(damaged), damaged, self._strongest(fake)], dim=1)
        return Judgement(whole + added, evidence, fake, strongest)

    def pooled(self, stages: Sequence[Tensor]) -> Tensor:
        """What the whole image is judged by: mean, maximum and deviation of channels, (n, C)."""
        parts = []
        for number, y in zip(_WHOLE, chosen(stages, _WHOLE), strict=True):
            mean, deviation = mean_and_deviation(y)
            found = torch.cat([mean, y.amax(dim=(2, 3)), deviation], dim=1)
            parts.append(self.norms[str(number)](found))
        return torch.cat(parts, dim=1)

    def attended(self, stages: Sequence[Tensor], evidence: Tensor) -> Tensor:
        """The features where the ``evidence`` of damage is, its softmax as weights: (n, 304)."""
        return self._attended(stages, evidence, _ATTENDED)

    def naming_features(self, stages: Sequence[Tensor], evidence: Tensor) -> Tensor:
        """As `attended`, of all stages, (n, 464): what the defect classes are told apart by."""
        return self._attended(stages, evidence, _NAMING)

    def named(self, stages: Sequence[Tensor], evidence: Tensor) -> Tensor | None:
        """Logits of the defect classes of what is damaged, (n, k); None where it names none."""
        if self.naming is None:
            return None
        return self.naming(self.naming_features(stages, evidence))  # type: ignore[no-any-return]

    def _attended(
        self, stages: Sequence[Tensor], evidence: Tensor, numbers: Sequence[int]
    ) -> Tensor:
        n, height, width = evidence.shape
        weights = torch.softmax(evidence.flatten(1), dim=1).view(n, 1, height, width)
        parts = []
        for y in chosen(stages, numbers):
            share = F.adaptive_avg_pool2d(weights, (y.shape[2], y.shape[3]))
            share = share / share.sum(dim=(2, 3), keepdim=True)
            parts.append((normalised(y) * share).sum(dim=(2, 3)))
        return torch.cat(parts, dim=1)

    def make_refittable(self) -> None:
        """Have the layer that calibration teaches; a new one says nothing yet."""
        if self.refit is None:
            self.refit = nn.Linear(sum(CHANNELS[stage] for stage in _ATTENDED), 1, bias=False)
            nn.init.zeros_(self.refit.weight)

    @torch.no_grad()
    def lean(self, towards_damaged: float) -> None:
        """Add to the logit of damaged, for every image."""
        linear = self.whole[1]
        assert isinstance(linear, nn.Linear)
        linear.bias[1] += towards_damaged

    def _maps(self, stages: Sequence[Tensor]) -> Tensor:
        """(n, 2, h, w), with the side of the finest stage."""
        own = [
            self.lateral[str(number)](normalised(y))
            for number, y in zip(self.local, chosen(stages, self.local), strict=True)
        ]
        coarse = own if self.fine is None else own[:-1]
        total = coarse[0]
        for part in coarse[1:]:
            total = part + enlarged(total, part.shape[-2:])
        total = self.coarse(F.leaky_relu(total, _SLOPE))
        if self.fine is not None:
            total = own[-1] + enlarged(total, own[-1].shape[-2:])
            total = self.fine(F.leaky_relu(total, _SLOPE))
        return self.evidence(F.leaky_relu(total, _SLOPE))  # type: ignore[no-any-return]

    def _strongest(self, scores: Tensor) -> Tensor:
        flat = scores.flatten(1)
        count = max(1, flat.shape[1] * self.top_percent // 100)
        return flat.topk(count, dim=1).values.mean(dim=1)


class ProjectedDiscriminator(nn.Module):
    """The frozen backbone, local evidence and whole-image heads in one softmax.

    ``finest``: stage with the finest evidence, 1 (half of the side) or 2 (a quarter);
    ``top_percent``: share of the places whose mean speaks for the image: damage is often small;
    ``refit``: 1 where calibration has taught a linear layer on `Heads.attended` beside it;
    ``named``: how many defect classes it tells apart, 0 for none.
    undamaged = whole, damaged = whole + strongest evidence, fake = whole + strongest fakeness.
    forward: (n, 3, S, S) in [0, 1] -> (n, 3).
    """

    def __init__(
        self,
        backbone: Backbone,
        finest: int = 1,
        top_percent: int = 3,
        refit: int = 0,
        named: int = 0,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.heads = Heads(finest, top_percent, refit, named)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return self.judge(x).logits

    def judge(self, x: Tensor) -> Judgement:
        """The logits and the maps behind them."""
        found: Judgement = self.heads(self.backbone(x))
        return found


class AssistedDiscriminator(nn.Module):
    """Another D, to whose logits those of heads on the frozen backbone are added.

    It learns to classify in as few steps as the projected one, and sees all pixels as its own
    network does. forward: (n, 3, S, S) in [0, 1] -> (n, 3).
    """

    def __init__(self, own: nn.Module, backbone: Backbone) -> None:
        super().__init__()
        self.own = own
        self.backbone = backbone
        self.heads = Heads(finest=1, top_percent=3)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        found: Judgement = self.heads(self.backbone(x))
        return self.own(x).float() + found.logits  # type: ignore[no-any-return]


class ProjectedGenerator(nn.Module):
    """A decoder of the backbone's features that changes what D blames.

    ``width``: channels of each level. Its gate is multiplied by a prior from the evidence of D's
    running mean (``blame``), where the image is damaged: by its label in training, by that D's
    word otherwise. ``prior=False`` leaves it free.
    forward: (n, 3, S, S) in [0, 1] -> GeneratorOutput.
    """

    def __init__(
        self, backbone: Backbone, blame: Heads, width: int = 32, prior: bool = True
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.blame = copy.deepcopy(blame).requires_grad_(False).eval()
        self.prior = prior
        # The finest level costs most by far: half of the channels, and its pixels come in before
        # its one block.
        fine = width // 2
        self.lateral = nn.ModuleList(
            nn.Conv2d(CHANNELS[s], width if s > 1 else fine, 1) for s in _LOCAL
        )
        self.levels = nn.ModuleList(Block(2 * width, width) for _ in _LOCAL[1:-1])
        seen = 24
        self.pixels = nn.Sequential(
            Patches(2), nn.Conv2d(12, seen, 3, padding=1), nn.ReLU(inplace=True)
        )
        self.narrowed = nn.Conv2d(width, fine, 1)
        self.joined = Block(2 * fine + seen, 24)
        self.last = nn.Conv2d(24, 4 * 2**2, 3, padding=1)
        start_near_identity(self.last, gate=True)
        self.unfold = Unpatches(2)
        self.head = nn.Linear(CHANNELS[_LOCAL[0]], 1)

    def forward(self, x: Tensor) -> GeneratorOutput:
        """See the class."""
        return self.decode(x, self.backbone(x))

    def decode(
        self, x: Tensor, stages: Sequence[Tensor], damaged: Tensor | None = None
    ) -> GeneratorOutput:
        """The same from features at hand; ``damaged``: (n,) bool, where it is known."""
        features = chosen(stages, _LOCAL)
        own = [lateral(normalised(y)) for lateral, y in zip(self.lateral, features, strict=True)]
        y = own[0]
        for level, finer in zip(self.levels, own[1:-1], strict=True):
            y = level(torch.cat([enlarged(y, finer.shape[-2:]), finer], dim=1))
        finest = enlarged(self.narrowed(y), own[-1].shape[-2:]), own[-1], self.pixels(x * 2 - 1)
        y = self.joined(torch.cat(finest, dim=1))
        allowed = self._allowed(stages, damaged) if self.prior else None
        image, gate = gated(x, self.unfold(self.last(y)), allowed)
        head = self.head(features[0].mean(dim=(2, 3)))
        return GeneratorOutput(image, gate, head.float().squeeze(1))

    @torch.no_grad()
    def _allowed(self, stages: Sequence[Tensor], damaged: Tensor | None) -> Tensor:
        """The prior: how far each pixel may change, (n, 1, S, S)."""
        judged: Judgement = self.blame(stages)
        if damaged is None:
            damaged = judged.logits[:, 1] > judged.logits[:, 0]
        blamed = torch.sigmoid(judged.evidence[:, None] + 1)
        near = F.max_pool2d(blamed, 3, stride=1, padding=1)
        side = tuple(2 * length for length in stages[0].shape[-2:])
        prior = (enlarged(near, side) * 1.5).clamp(_LEAST, _MOST)
        return torch.where(damaged.view(-1, 1, 1, 1), prior, torch.ones_like(prior))

    def train(self, mode: bool = True) -> ProjectedGenerator:
        """What D blames is read without dropout, also while G learns."""
        super().train(mode)
        self.blame.eval()
        return self

    @torch.no_grad()
    def follow(self, discriminator: ProjectedDiscriminator) -> None:
        """Blame what ``discriminator``, the running mean of D, blames now."""
        theirs = discriminator.heads.state_dict()
        for name, own in self.blame.state_dict().items():
            own.copy_(theirs[name])


def refittable_heads(generator: nn.Module, discriminator: nn.Module) -> list[Heads]:
    """What calibration refits: D's heads and those that G's prior goes by; none of another D's."""
    if not isinstance(discriminator, ProjectedDiscriminator):
        return []
    prior = [generator.blame] if isinstance(generator, ProjectedGenerator) else []
    return [discriminator.heads, *prior]


def normalised(y: Tensor) -> Tensor:
    """Each image's features with mean 0 and deviation 1 over all places and channels."""
    return F.group_norm(y, 1)


def enlarged(y: Tensor, side: Sequence[int]) -> Tensor:
    """(n, c, h, w) -> (n, c, *side), bilinear."""
    return F.interpolate(y, tuple(side), mode="bilinear", align_corners=False)
