"""What looks at counterfactuals from outside: an independent classifier, an encoder for FID."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
import torchvision
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from cfinspect.engine.base.device import Device
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.progress import Progress
from cfinspect.engine.data.augment import augment
from cfinspect.engine.data.batch_loader import balanced_indices
from cfinspect.engine.inference.forward import batched, to_tensor
from cfinspect.engine.networks.discriminators import CompactDiscriminator, read_weights

Images = NDArray[np.uint8]
_LEARNED = 32


class Encoder(Protocol):
    """From images to the features whose statistics FID and KID compare."""

    @property
    def name(self) -> str:
        """Which network it is and what it learned from."""

    def encode(self, images: Images) -> NDArray[np.float32]:
        """(n, S, S, 3) uint8 -> (n, features)."""


@dataclass(frozen=True)
class Compact:
    """A small network of our own as an ``Encoder``."""

    network: CompactDiscriminator
    device: Device
    name: str

    def encode(self, images: Images) -> NDArray[np.float32]:
        """See ``Encoder``: what its last layer decides by."""
        return batched(self.network.pooled, images, self.device)


class Judge(Compact):
    """A small classifier of its own; also the encoder where no other is given."""

    def damaged(self, images: Images) -> NDArray[np.bool_]:
        """Whether it takes each of (n, S, S, 3) for damaged: (n,)."""
        logits = batched(self.network, images, self.device)
        return np.asarray(logits[:, 1] > logits[:, 0])


def train_judge(
    images: Images,
    labels: NDArray[np.int64],
    device: Device,
    *,
    steps: int = 300,
    width: int = 16,
    seed: int = 0,
    progress: Progress = Progress(),
) -> Judge:
    """A plain two-class classifier of ``images`` (n, S, S, 3) with ``labels`` (n,).

    It shares no weights with the model it judges; whether it shares images is for the caller.
    ``progress.tick`` is called once a step.
    """
    torch.manual_seed(seed)
    network = CompactDiscriminator(width, classes=2).to(device.device)
    optimiser = torch.optim.AdamW(network.parameters(), 1e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=steps)
    batch = min(_LEARNED, len(images) // 2 * 2)
    network.train()
    for step in range(steps):
        chosen = balanced_indices(labels, batch, seed, step)
        shown = augment(images[chosen], "strong", np.random.default_rng((seed, 11, step)))
        with device.autocast():
            logits = network(to_tensor(shown, device.device))
        target = torch.from_numpy(labels[chosen]).to(device.device)
        loss = functional.cross_entropy(logits.float(), target)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        progress.tick()
    name = f"compact classifier of width {width}, trained on {len(images)} other images of these"
    return Judge(network.eval(), device, name)


@dataclass(frozen=True)
class _Pretrained:
    """One of torchvision's classifiers without its last layer, from local weights."""

    network: nn.Module
    side: int
    device: Device
    name: str

    def encode(self, images: Images) -> NDArray[np.float32]:
        """See ``Encoder``."""
        return batched(self._look, images, self.device)

    def _look(self, x: Tensor) -> Tensor:
        mean = torch.tensor((0.485, 0.456, 0.406), device=x.device).view(1, 3, 1, 1)
        std = torch.tensor((0.229, 0.224, 0.225), device=x.device).view(1, 3, 1, 1)
        sized = functional.interpolate(
            x, (self.side, self.side), mode="bilinear", antialias=True, align_corners=False
        )
        return self.network((sized - mean) / std)  # type: ignore[no-any-return]


# A layer that only this network has, how to make it, and the side that it learned at.
_KNOWN: tuple[tuple[str, str, Callable[[], nn.Module], int], ...] = (
    (
        "Mixed_7c.branch_pool.conv.weight",
        "Inception v3",
        # From ImageNet's normalisation to the one it learned with: so with all its weights.
        lambda: torchvision.models.inception_v3(
            weights=None, init_weights=False, transform_input=True
        ),
        299,
    ),
    ("layer4.2.conv3.weight", "ResNet50", lambda: torchvision.models.resnet50(weights=None), 224),
    ("layer4.1.conv2.weight", "ResNet18", lambda: torchvision.models.resnet18(weights=None), 224),
)


def load_encoder(path: Path, device: Device) -> Encoder:
    """Inception v3, ResNet50 or ResNet18 from a local file of torchvision's weights.

    Published FIDs use other weights of Inception v3 and are on another scale. Raises
    CfinspectError for files that hold none of the three.
    """
    weights = read_weights(path)
    for layer, name, make, side in _KNOWN:
        if layer not in weights:
            continue
        network = make()
        try:
            network.load_state_dict(weights)
        except RuntimeError as error:
            raise CfinspectError(
                f"{path} is no {name} of torchvision: it has other layers than that"
            ) from error
        network.fc = nn.Identity()
        network.to(device.device).eval()
        return _Pretrained(network, side, device, f"{name} of torchvision, from {path.name}")
    known = ", ".join(name for _, name, _, _ in _KNOWN)
    raise CfinspectError(f"{path} holds none of the encoders known here: {known} of torchvision")
