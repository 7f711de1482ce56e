"""Teach a `MaskDecoder` masks: half a thousand steps on the frozen backbone's features."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from cfinspect.engine.base.device import Device
from cfinspect.engine.base.errors import CfinspectError, is_out_of_memory
from cfinspect.engine.base.progress import Progress
from cfinspect.engine.data.augment import augment
from cfinspect.engine.data.batch_loader import balanced_indices
from cfinspect.engine.inference.forward import to_tensor
from cfinspect.engine.networks.backbone import Backbone
from cfinspect.engine.networks.mask_decoder import MaskDecoder
from cfinspect.engine.networks.running_mean import follow

SOUND, DOUBTFUL, DAMAGE = 0, 128, 255  # of a taught pixel; of doubtful ones nothing is learned

_RATE = 2e-3
_WARM_UP = 50  # steps
_DECAY = 0.99  # of the running mean of the weights


@dataclass(frozen=True, eq=False)
class TaughtImages:
    """n squares with the masks that are taught.

    ``images``: (n, S, S, 3) uint8 RGB; ``masks``: (n, S, S) uint8, see above; ``weights``: (n,)
    float32, how much each counts; ``labels``: (n,) int64, 1 is damaged.
    """

    images: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    weights: NDArray[np.float32]
    labels: NDArray[np.int64]


def train_mask_decoder(
    backbone: Backbone,
    taught: TaughtImages,
    device: Device,
    *,
    steps: int = 500,
    batch: int = 16,
    seed: int = 0,
    progress: Progress = Progress(),
) -> MaskDecoder:
    """A new decoder that has learned ``taught``: the running mean of its weights, in eval mode.

    Half of each ``batch`` is damaged. ``progress`` steps once a step. Raises CfinspectError when
    memory does not suffice, and ``Cancelled``.
    """
    torch.manual_seed(seed)
    decoder = MaskDecoder(backbone).to(device.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    mean = copy.deepcopy(decoder).requires_grad_(False)
    optimiser = torch.optim.AdamW(
        decoder.parameters(), lr=_RATE, betas=(0.9, 0.99), weight_decay=1e-4
    )
    scaler = torch.amp.GradScaler(device.device.type, enabled=device.precision == "fp16")
    decoder.train()
    for step, (x, masks, weights) in enumerate(_batches(taught, device, steps, batch, seed)):
        progress.step(step, steps)
        optimiser.param_groups[0]["lr"] = _rate(step, steps)
        optimiser.zero_grad(set_to_none=True)
        try:
            with device.autocast():
                logits = decoder(x)
            scaler.scale(mask_loss(logits, masks, weights)).backward()
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            raise CfinspectError(
                f"not enough memory to learn from {batch} images at once: close other programs, or "
                "take --device cpu"
            ) from error
        scaler.step(optimiser)
        scaler.update()
        follow(mean, decoder, _DECAY, step)
    progress.step(steps, steps)
    trained: MaskDecoder = mean.eval()
    return trained


def mask_loss(logits: Tensor, masks: Tensor, weights: Tensor) -> Tensor:
    """Cross-entropy of every pixel plus 1 - Dice (Milletari et al. 2016) of the whole batch.

    ``logits`` (n, S, S); ``masks`` (n, S, S): 0 sound, 1 damage, negative where nothing is taught;
    ``weights`` (n,). Cracks are a few per cent of the pixels: cross-entropy alone would be content
    with nothing.
    """
    counted = (masks >= 0) * weights[:, None, None]
    target = masks.clamp(min=0)
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    predicted = torch.sigmoid(logits)
    both = 2 * (predicted * target * counted).sum() + 1
    dice = both / ((predicted + target) * counted).sum().add(1)
    return (entropy * counted).sum() / counted.sum().clamp(min=1) + 1 - dice


def _batches(
    taught: TaughtImages, device: Device, steps: int, batch: int, seed: int
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """For each step x (n, 3, S, S), masks as `mask_loss` takes them, weights (n,)."""
    for step in range(steps):
        rows = balanced_indices(taught.labels, batch, seed, step)
        together = np.concatenate([taught.images[rows], taught.masks[rows, ..., None]], axis=3)
        changed = augment(together, "light", np.random.default_rng((seed, step)))
        x = to_tensor(np.ascontiguousarray(changed[..., :3]), device.device)
        told = torch.from_numpy(np.ascontiguousarray(changed[..., 3])).to(device.device)
        masks = (told == DAMAGE).float() - (told == DOUBTFUL).float()
        yield x, masks, torch.from_numpy(taught.weights[rows]).to(device.device)


def _rate(step: int, steps: int) -> float:
    """A short warm-up, then a cosine down to nothing."""
    warm = min(1.0, (step + 1) / _WARM_UP)
    return _RATE * warm * (1 + math.cos(math.pi * step / steps)) / 2
