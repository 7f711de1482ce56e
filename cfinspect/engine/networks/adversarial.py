"""Images perturbed against D while it learns; the attacks that measure are in ``evaluate``."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cfinspect.engine.base.device import Device


def perturbed(
    discriminator: nn.Module,
    images: Tensor,
    labels: Tensor,
    levels: float,
    steps: int,
    device: Device,
) -> Tensor:
    """``images`` (n, 3, S, S) in [0, 1], D's loss high within ``levels`` grey levels of 255.

    Projected gradient descent (Madry et al. 2018) from a random start, ``steps`` steps of
    2.5 eps / steps, clamped to [0, 1]; D's weights get no gradients from it.
    """
    eps = levels / 255
    rate = 2.5 * eps / steps
    moved = inside(images, torch.empty_like(images).uniform_(-eps, eps))
    with frozen(discriminator):
        for _ in range(steps):
            moved = moved.detach().requires_grad_(True)
            with device.autocast():
                logits = discriminator(images + moved)
            loss = F.cross_entropy(logits.float(), labels, reduction="sum") * SIGN_SCALE
            (slope,) = torch.autograd.grad(loss, moved)
            moved = inside(images, (moved + rate * slope.sign()).clamp(-eps, eps))
    return (images + moved.detach()).clamp(0, 1)


SIGN_SCALE = 2.0**12  # for gradients of which only the sign is used: in 16 bit they would vanish


def inside(images: Tensor, moved: Tensor) -> Tensor:
    """Cut so that the sum is in [0, 1]: clamping it afterwards would stop gradients at the ends."""
    return (images + moved.detach()).clamp(0, 1) - images


@contextlib.contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """D under G's or an attack's gradients: none for its weights, batch normalisation as later."""
    layers = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d) and m.training]
    network.requires_grad_(False)
    for layer in layers:
        layer.eval()
    try:
        yield
    finally:
        for layer in layers:
            layer.train()
        network.requires_grad_(True)
