"""After a training on several defect classes: D learns to name what it finds.

A linear layer on the pretrained features of the place where D sees damage, fitted as a multinomial
logistic regression; half a minute on one core, whatever the number of classes.
"""

from __future__ import annotations

import functools

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from cfinspect.engine.base.device import Device
from cfinspect.engine.base.images import ImageError
from cfinspect.engine.data.dataset import DAMAGED
from cfinspect.engine.data.tile_store import TileStore
from cfinspect.engine.inference.forward import batched
from cfinspect.engine.networks.projected import Judgement, ProjectedDiscriminator

_MOST = 1200  # damaged images, of all classes together
_FEWEST = 20  # of one class, all the same
_RIDGE = 0.03  # chosen on drawn apples by four-fold cross-validation: 0.003 to 0.3 do as well
_LEAST_DEVIATION = 1e-3
_ITERATIONS = 100


def learn_names(
    discriminator: ProjectedDiscriminator, store: TileStore, device: Device, most: int
) -> None:
    """Fit the layer of ``discriminator`` that names defect classes to the damaged images of
    ``store`` and their mirror images; ``most`` of them at once.
    """
    naming = discriminator.heads.naming
    assert naming is not None
    read, classes = _read(store, _chosen(store, naming.out_features))
    if not read:
        return
    images = np.concatenate(read)

    def look(x: Tensor, mirrored: bool) -> Tensor:
        stages = discriminator.backbone(x.flip(3) if mirrored else x)
        judged: Judgement = discriminator.heads(stages)
        return discriminator.heads.naming_features(stages, judged.evidence)

    views = [functools.partial(look, mirrored=mirrored) for mirrored in (False, True)]
    features = np.concatenate([batched(view, images, device, most) for view in views])
    _fit(naming, features, np.tile(classes, len(views)))


def _read(
    store: TileStore, rows: NDArray[np.intp]
) -> tuple[list[NDArray[np.uint8]], NDArray[np.int64]]:
    """The images and their classes; a file that has gone since is not worth losing a training."""
    kept, images = [], []
    for row in rows:
        try:
            images.append(store.get(np.array([row]))[..., :3])
        except ImageError:
            continue
        kept.append(row)
    return images, store.defect_classes[kept]


def _chosen(store: TileStore, count: int) -> NDArray[np.intp]:
    rng, each = np.random.default_rng(0), max(_FEWEST, _MOST // count)
    parts = []
    for number in range(count):
        own = (store.labels == DAMAGED) & (store.defect_classes == number)
        parts.append(rng.permutation(np.flatnonzero(own))[:each])
    return np.concatenate(parts)


@torch.enable_grad()
def _fit(naming: nn.Linear, features: NDArray[np.float32], classes: NDArray[np.int64]) -> None:
    """Each class counts the same, however rare it is."""
    mean, deviation = features.mean(axis=0), features.std(axis=0) + _LEAST_DEVIATION
    x, y = torch.from_numpy((features - mean) / deviation), torch.from_numpy(classes)
    count = torch.bincount(y, minlength=naming.out_features).clamp(min=1)
    balance = len(y) / (len(count) * count.float())
    weight = torch.zeros(naming.out_features, x.shape[1], requires_grad=True)
    bias = torch.zeros(naming.out_features, requires_grad=True)
    solver = torch.optim.LBFGS([weight, bias], max_iter=_ITERATIONS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        solver.zero_grad()
        found = F.cross_entropy(F.linear(x, weight, bias), y, weight=balance)
        found = found + _RIDGE / 2 * weight.square().sum()
        found.backward()
        return found

    solver.step(loss)
    with torch.no_grad():
        scaled = weight / torch.from_numpy(deviation)
        naming.weight.copy_(scaled)
        naming.bias.copy_(bias - scaled @ torch.from_numpy(mean))
