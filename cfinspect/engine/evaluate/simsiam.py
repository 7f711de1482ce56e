"""An encoder that learned what belongs to one image without labels: it takes no class's side."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from cfinspect.engine.augment import augment
from cfinspect.engine.device import Device
from cfinspect.engine.discriminators import CompactDiscriminator
from cfinspect.engine.evaluate.encoders import Compact, Images
from cfinspect.engine.validation import batched, to_tensor

_BATCH, _FEATURES = 64, 128


class SimSiam(Compact):
    """See ``train_simsiam``."""

    def alike(self, one: Images, other: Images) -> NDArray[np.float32]:
        """Cosine of the angle between the features of two times n images, (n,) in [-1, 1]."""
        first, second = (torch.from_numpy(self.encode(images)) for images in (one, other))
        return np.asarray(F.cosine_similarity(first, second).clamp(-1, 1).numpy())

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


def train_simsiam(
    images: Images,
    device: Device,
    *,
    steps: int = 300,
    width: int = 16,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> SimSiam:
    """SimSiam (Chen and He 2021) on ``images`` (n, S, S, 3): two views of one image are alike.

    A small network of its own; views are the strong augmentation of training.
    """
    torch.manual_seed(seed)
    network = CompactDiscriminator(width, classes=2)
    features = network.classify[1].in_features
    assert isinstance(features, int)
    projector = nn.Sequential(
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
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        if progress:
            progress(step + 1, steps)
    name = f"SimSiam, compact network of width {width}, on {len(images)} other images of these"
    return SimSiam(network.eval(), device, name)
