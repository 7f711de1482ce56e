"""An encoder that learned what belongs to one image without labels: it takes no class's side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from cfinspect.engine.base.device import Device
from cfinspect.engine.base.progress import Progress
from cfinspect.engine.data.augment import augment
from cfinspect.engine.evaluation.encoders import Images
from cfinspect.engine.inference.forward import batched, to_tensor
from cfinspect.engine.networks.discriminators import CompactDiscriminator

_BATCH, _FEATURES = 64, 128
_APART = 0.02  # weight of the decorrelation


@dataclass(frozen=True)
class SimSiam:
    """An ``Encoder``, see ``train_simsiam``."""

    network: CompactDiscriminator
    projector: nn.Module
    device: Device
    name: str

    def encode(self, images: Images) -> NDArray[np.float32]:
        """See ``Encoder``: (n, 128), of length one.

        What the loss compares, and not the network's own features: those have no scale of their
        own, and a few images of high contrast would be all that FID sees.
        """
        return batched(lambda x: F.normalize(self._projected(x), dim=1), images, self.device)

    def _projected(self, x: Tensor) -> Tensor:
        projected: Tensor = self.projector(self.network.pooled(x).float())
        return projected.float()

    def alike(self, one: Images, other: Images) -> NDArray[np.float32]:
        """Cosine of the angle between the features of two times n images, (n,) in [-1, 1]."""
        return np.asarray((self.encode(one) * self.encode(other)).sum(axis=1).clip(-1, 1))

    def any_two(self, images: Images) -> float | None:
        """Mean cosine of two different ones of n images: what ``alike`` is to be compared with.

        None where there are no two.
        """
        total = self.encode(images).sum(axis=0)
        n = len(images)
        return float((total @ total - n) / (n * (n - 1))) if n > 1 else None

    def apart(self, one: Images, other: Images) -> NDArray[np.float32]:
        """LPIPS-type distance of two times n images, (n,): 0 where they are equal.

        Zhang et al. 2018, without learned weights: features of every stage, of length one at each
        place; their squared differences, mean over places, summed over stages.
        """
        both = np.concatenate([one, other], axis=3)
        return batched(self._apart, both, self.device)

    def _apart(self, both: Tensor) -> Tensor:
        total = torch.zeros(len(both), device=both.device)
        x, y = both[:, :3] * 2 - 1, both[:, 3:] * 2 - 1
        for layer in self.network.features:
            x, y = layer(x), layer(y)
            if isinstance(layer, nn.LeakyReLU):
                gap = F.normalize(x.float(), dim=1) - F.normalize(y.float(), dim=1)
                total = total + gap.square().sum(dim=1).mean(dim=(1, 2))
        return total


def _shared(features: Tensor) -> Tensor:
    """How much the features (n, d) say the same: squared correlations of pairs, summed, over d."""
    shares = features - features.mean(dim=0)
    shares = shares / shares.norm(dim=0).clamp_min(1e-6)
    between = shares.T @ shares
    both: Tensor = between.square().sum() - between.diagonal().square().sum()
    return both / len(between)


def train_simsiam(
    images: Images,
    device: Device,
    *,
    steps: int = 600,
    width: int = 16,
    seed: int = 0,
    progress: Progress = Progress(),
) -> SimSiam:
    """SimSiam (Chen and He 2021) on ``images`` (n, S, S, 3): two views of one image are alike.

    A small network of its own; views are the strong augmentation of training. In so few steps all
    features would come to say one or two things, so they are held apart by the covariance term of
    VICReg (Bardes et al. 2022).
    """
    torch.manual_seed(seed)
    network = CompactDiscriminator(width, classes=2)
    features = network.classify[1].in_features
    assert isinstance(features, int)
    projector = nn.Sequential(
        # The network has no normalisation: without this one direction, contrast, is all it says.
        nn.BatchNorm1d(features),
        nn.Linear(features, _FEATURES),
        nn.BatchNorm1d(_FEATURES),
        nn.ReLU(inplace=True),
        nn.Linear(_FEATURES, _FEATURES),
        nn.BatchNorm1d(_FEATURES, affine=False),
    )
    predictor = nn.Sequential(
        nn.Linear(_FEATURES, _FEATURES // 4),
        nn.BatchNorm1d(_FEATURES // 4),
        nn.ReLU(inplace=True),
        nn.Linear(_FEATURES // 4, _FEATURES),
    )
    parts = nn.ModuleList([network, projector, predictor]).to(device.device).train()
    optimiser = torch.optim.AdamW(parts.parameters(), 1e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=steps)
    for step in range(steps):
        rng = np.random.default_rng((seed, 13, step))
        chosen = images[rng.choice(len(images), min(_BATCH, len(images)), replace=False)]
        views = np.concatenate([augment(chosen, "strong", rng) for _ in range(2)])
        with device.autocast():
            pooled = network.pooled(to_tensor(views, device.device))
        projected = projector(pooled.float())
        predicted = predictor(projected)
        first, second = projected.detach().chunk(2)
        one, two = predicted.chunk(2)
        loss = -(F.cosine_similarity(one, second) + F.cosine_similarity(two, first)).mean() / 2
        loss = loss + _APART * _shared(projected)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        progress.step(step + 1, steps)
    name = f"SimSiam, compact network of width {width}, on {len(images)} other images of these"
    return SimSiam(network.eval(), projector.eval(), device, name)
