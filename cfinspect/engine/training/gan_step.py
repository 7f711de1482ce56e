"""One training step of G and D together, and nothing else; see losses.py for the equations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from cfinspect.engine.base.device import Device
from cfinspect.engine.networks.adversarial import frozen, perturbed
from cfinspect.engine.networks.generators import GeneratorOutput
from cfinspect.engine.networks.projected import (
    Judgement,
    ProjectedDiscriminator,
    ProjectedGenerator,
)
from cfinspect.engine.training import losses
from cfinspect.engine.training.config import TrainConfig


@dataclass(frozen=True)
class Weights:
    """The loss weights that change while training runs."""

    rho: float
    l1: float
    warming: bool


@dataclass(frozen=True)
class Step:
    """One step over one (part of a) batch: adds to the gradients, changes no weight.

    ``generator`` and ``discriminator`` are called, never looked into, so they may be wrapped
    (DistributedDataParallel); all but a projected D, which is asked for more than logits.
    """

    generator: nn.Module
    discriminator: nn.Module
    config: TrainConfig
    device: Device
    noise: NoiseBank
    scaler: torch.amp.GradScaler

    def __call__(
        self, images: Tensor, labels: Tensor, weights: Weights, share: float = 1.0
    ) -> dict[str, Tensor]:
        """Return detached scalars by name, for ``images`` (n, 3, S, S) in [0, 1], ``labels`` (n,).

        ``share``: this part's share of the batch. G runs once: its picture, cut off, trains D as
        a fake; the same picture, attached, trains G through D's frozen weights.
        """
        if weights.warming:
            return {"d": self.classify(images, labels, share)}
        with self.device.autocast():
            output = self.generator(images)
        real = self._perturbed(images, labels)
        with self.device.autocast():
            pair = torch.cat([real, quantised(output.image.detach())])
            logits = self.discriminator(self._noisy(pair))
        rho = 0.0 if self.config.method == "no-fake" else weights.rho
        d_loss = losses.discriminator_loss(logits.float(), labels, rho)
        self.scaler.scale(d_loss * share).backward()
        with frozen(self.discriminator):
            g_loss, parts = self._generator_loss(images, labels, output, weights.l1)
            self.scaler.scale(g_loss * share).backward()
        return {"d": d_loss.detach(), "g": g_loss.detach(), **parts}

    def _perturbed(self, images: Tensor, labels: Tensor) -> Tensor:
        """A share of them perturbed against D where that is asked for, in 8 bit.

        Else D could tell fakes as what is clean, or finely graded.
        """
        if not self.config.perturbation:
            return images
        count = max(1, round(len(images) * self.config.robust_share))
        moved = perturbed(
            self.discriminator,
            images[:count],
            labels[:count],
            self.config.perturbation,
            self.config.robust_steps,
            self.device,
        )
        return torch.cat([quantised(moved), images[count:]])

    def classify(self, images: Tensor, labels: Tensor, share: float) -> Tensor:
        """D as a plain classifier: adds to its gradients and returns the detached loss."""
        with self.device.autocast():
            seen = self._noisy(images)
            if isinstance(self.discriminator, ProjectedDiscriminator):
                judged = self.discriminator.judge(seen)
                loss = losses.classifier_loss(judged.logits, labels)
                loss = loss + losses.evidence_loss(judged, labels)
            else:
                loss = losses.classifier_loss(self.discriminator(seen).float(), labels)
        self.scaler.scale(loss * share).backward()
        return loss.detach()

    def _generator_loss(
        self, images: Tensor, labels: Tensor, output: GeneratorOutput, l1: float
    ) -> tuple[Tensor, dict[str, Tensor]]:
        config = self.config
        passes = [output.image]
        with self.device.autocast():
            for _ in range(config.cycles):
                passes.append(self.generator(self._noisy(passes[-1])).image)
            logits = self.discriminator(self._noisy(torch.cat(passes))).float()
        return self._terms(images, labels, output, passes, logits, l1)

    def _terms(
        self,
        images: Tensor,
        labels: Tensor,
        output: GeneratorOutput,
        passes: list[Tensor],
        logits: Tensor,
        l1: float,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """G's loss from D's ``logits`` on all ``passes``, one after another."""
        config = self.config
        per_pass = logits.split(len(images))
        flip = losses.flip_loss(per_pass[0], labels, config.damaged_weight)
        change = losses.l1_loss(images, passes[0])
        head = losses.head_loss(output.head, labels)
        loss = flip + l1 * change + config.aux * head
        parts = {"flip": flip.detach(), "change": change.detach(), "head": head.detach()}
        for number in range(1, config.cycles + 1):
            back = number % 2 == 1  # the second pass is due at the original class again
            term = losses.classifier_loss(per_pass[number], labels if back else 1 - labels)
            if back:
                term = term + l1 * losses.l1_loss(images, passes[number])
            loss = loss + config.cycle_weight**number * term
            parts[f"cycle{number}"] = term.detach()
        return loss, parts

    def _noisy(self, images: Tensor) -> Tensor:
        """Noise hides the tiny signals by which G could smuggle the image past the cycle."""
        return self.noise.add(images, self.config.noise)


class ProjectedStep(Step):
    """As `gan_step.Step`; both networks share a pass of the backbone over x and one over x'.

    (Where D sees x with noise or perturbed, it has a pass of its own.)

    The backbone is most of a step's work. What it says of x' trains D, cut off, and G, attached.
    """

    def __call__(
        self, images: Tensor, labels: Tensor, weights: Weights, share: float = 1.0
    ) -> dict[str, Tensor]:
        """See ``gan_step.Step``."""
        if weights.warming:
            return {"d": self.classify(images, labels, share)}
        generator, discriminator = self.generator, self.discriminator
        assert isinstance(discriminator, ProjectedDiscriminator)
        real = self._noisy(self._perturbed(images, labels))
        with self.device.autocast():
            with torch.no_grad():
                stages = discriminator.backbone(images)
                seen = stages if real is images else discriminator.backbone(real)
            if isinstance(generator, ProjectedGenerator):
                output = generator.decode(images, stages, labels == 1)
            else:
                output = generator(images)
            there = discriminator.backbone(self._noisy(through_quantising(output.image)))
            pair = [torch.cat([a, b.detach()]) for a, b in zip(seen, there, strict=True)]
            judged: Judgement = discriminator.heads(pair)
        rho = 0.0 if self.config.method == "no-fake" else weights.rho
        d_loss = losses.discriminator_loss(judged.logits, labels, rho)
        d_loss = d_loss + losses.evidence_loss(judged.first(len(images)), labels)
        self.scaler.scale(d_loss * share).backward()
        with frozen(discriminator):
            passes, logits = [output.image], []
            with self.device.autocast():
                logits.append(discriminator.heads(there).logits)
                for _ in range(self.config.cycles):
                    passes.append(generator(self._noisy(passes[-1])).image)
                    logits.append(discriminator(self._noisy(passes[-1])))
            g_loss, parts = self._terms(
                images, labels, output, passes, torch.cat(logits), weights.l1
            )
            self.scaler.scale(g_loss * share).backward()
        return {"d": d_loss.detach(), "g": g_loss.detach(), **parts}


def quantised(images: Tensor) -> Tensor:
    """Real images come from 8-bit files; without this, D could tell fakes by their fine steps."""
    return (images * 255).round() / 255


def through_quantising(images: Tensor) -> Tensor:
    """In steps of 8 bit, as real images are; gradients pass as if nothing had happened."""
    return images + (quantised(images.detach()) - images.detach())


class NoiseBank:
    """Standard normal noise for the image batches of one training.

    Drawing 64 images' worth of noise takes a CPU longer than the discriminator's first layers;
    cutting it from a bank takes no time. ``at(step)`` makes the places a function of the step,
    so that a resumed training draws the same noise.
    """

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        self._seed = config.seed
        images = config.batch * max(2, config.cycles + 1)
        # Half as much again as the largest batch: room for different places.
        count = images * 3 * config.size**2 * 3 // 2
        drawn = torch.randn(count, generator=torch.Generator().manual_seed(config.seed))
        self._bank = drawn.to(device)
        self._places = np.random.default_rng(config.seed)

    def at(self, step: int) -> None:
        """Begin the step: its draws come from places that depend on seed and step only."""
        self._places = np.random.default_rng((self._seed, 11, step))

    def add(self, images: Tensor, sigma: float) -> Tensor:
        """``images`` (n, 3, S, S) plus noise of ``sigma``, in the range of the images."""
        if sigma == 0:
            return images
        count = images.numel()
        start = int(self._places.integers(len(self._bank) - count))
        n, channels, height, width = images.shape
        flat = self._bank[start : start + count].view(n, height, width, channels)
        return images.add(flat.permute(0, 3, 1, 2), alpha=sigma)
