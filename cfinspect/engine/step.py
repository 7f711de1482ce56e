"""One training step of G and D together, and nothing else; see losses.py for the equations."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cfinspect.engine import losses
from cfinspect.engine.config import TrainConfig
from cfinspect.engine.device import Device
from cfinspect.engine.noise import NoiseBank


@dataclass(frozen=True)
class Weights:
    """The loss weights that change while training runs."""

    rho: float
    l1: float
    warming: bool


def train_step(
    generator: nn.Module,
    discriminator: nn.Module,
    images: Tensor,
    labels: Tensor,
    config: TrainConfig,
    weights: Weights,
    device: Device,
    noise: NoiseBank,
    scaler: torch.amp.GradScaler,
    share: float = 1.0,
) -> dict[str, Tensor]:
    """Accumulate the gradients of both networks for one (part of a) batch.

    ``images`` (n, 3, S, S) in [0, 1], ``labels`` (n,). ``share``: this part's share of the batch.
    G runs once: its picture, cut off, trains D as a fake; the same picture, attached, trains G
    through D's frozen weights. Returns detached scalars by name.
    """
    if weights.warming:
        with device.autocast():
            logits = discriminator(noise.add(images, config.noise))
        loss = losses.classifier_loss(logits.float(), labels)
        scaler.scale(loss * share).backward()
        return {"d": loss.detach()}

    with device.autocast():
        output = generator(images)
        pair = torch.cat([images, _quantised(output.image.detach())])
        logits = discriminator(noise.add(pair, config.noise))
    d_loss = losses.discriminator_loss(logits.float(), labels, weights.rho)
    scaler.scale(d_loss * share).backward()

    discriminator.requires_grad_(False)
    frozen = _freeze_statistics(discriminator)
    g_loss, parts = _generator_loss(
        generator, discriminator, images, labels, output, config, weights, device, noise
    )
    scaler.scale(g_loss * share).backward()
    for layer in frozen:
        layer.train()
    discriminator.requires_grad_(True)
    return {"d": d_loss.detach(), "g": g_loss.detach(), **parts}


def _generator_loss(
    generator: nn.Module,
    discriminator: nn.Module,
    images: Tensor,
    labels: Tensor,
    output: Tensor,
    config: TrainConfig,
    weights: Weights,
    device: Device,
    noise: NoiseBank,
) -> tuple[Tensor, dict[str, Tensor]]:
    passes = [output.image]
    with device.autocast():
        for _ in range(config.cycles):
            passes.append(generator(noise.add(passes[-1], config.noise)).image)
        logits = discriminator(noise.add(torch.cat(passes), config.noise)).float()
    per_pass = logits.split(len(images))
    flip = losses.flip_loss(per_pass[0], labels, config.damaged_weight)
    change = losses.sparsity_loss(images, passes[0])
    head = losses.head_loss(output.head, labels)
    loss = flip + weights.l1 * change + config.aux * head
    parts = {"flip": flip.detach(), "change": change.detach(), "head": head.detach()}
    for number in range(1, config.cycles + 1):
        back = number % 2 == 1  # the second pass is due at the original class again
        due = labels if back else 1 - labels
        term = losses.classifier_loss(per_pass[number], due)
        if back:
            term = term + weights.l1 * losses.sparsity_loss(images, passes[number])
        loss = loss + config.cycle_weight**number * term
        parts[f"cycle{number}"] = term.detach()
    return loss, parts


def _quantised(images: Tensor) -> Tensor:
    """Real images come from 8-bit files; without this, D could tell fakes by their fine steps."""
    return (images * 255).round() / 255


def _freeze_statistics(network: nn.Module) -> list[nn.Module]:
    """Batch normalisation of D in G's step: running statistics, those of inspection."""
    layers = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d) and m.training]
    for layer in layers:
        layer.eval()
    return layers
