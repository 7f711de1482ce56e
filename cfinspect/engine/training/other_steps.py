"""Training steps of the reference systems: what CF-GAN is measured against.

Same data, budget, augmentation and model file as ``gan_step.Step``; ``TrainConfig.method`` chooses.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from cfinspect.engine.networks.adversarial import perturbed
from cfinspect.engine.networks.diffusion import NEAR, noising
from cfinspect.engine.training import losses
from cfinspect.engine.training.gan_step import Step, Weights


class ClassifierStep(Step):
    """D alone, as a plain classifier; with ``config.perturbation`` on images perturbed against it.

    The third logit, for fakes, is never right and so learns to stay low. Training on the worst
    image of an L-inf ball instead of the image: Madry et al. 2018.
    """

    def __call__(
        self, images: Tensor, labels: Tensor, weights: Weights, share: float = 1.0
    ) -> dict[str, Tensor]:
        """See ``gan_step.Step``; the losses are {"d"}."""
        if self.config.perturbation and not weights.warming:
            images = perturbed(
                self.discriminator,
                images,
                labels,
                self.config.perturbation,
                self.config.robust_steps,
                self.device,
            )
        return {"d": self.classify(images, labels, share)}


class SegmenterStep(Step):
    """G learns masks from masks, D the labels; nobody deceives anybody.

    The ceiling for what can be learned from labels alone. Images come with their mask as a fourth
    channel.
    """

    def __call__(
        self, images: Tensor, labels: Tensor, weights: Weights, share: float = 1.0
    ) -> dict[str, Tensor]:
        """See ``gan_step.Step``, for ``images`` (n, 4, S, S); the losses are {"d", "g", "head"}."""
        images, masks = images[:, :3], (images[:, 3:] > 0.5).float()
        d_loss = self.classify(images, labels, share)
        if weights.warming:
            return {"d": d_loss}
        with self.device.autocast():
            output = self.generator(images)
        head = losses.head_loss(output.head, labels)
        loss = mask_loss(output.gate, masks) + self.config.aux * head
        self.scaler.scale(loss * share).backward()
        return {"d": d_loss, "g": loss.detach(), "head": head.detach()}


def mask_loss(predicted: Tensor, masks: Tensor) -> Tensor:
    """Cross-entropy of every pixel plus 1 - Dice (Milletari et al. 2016) of the whole batch.

    Both (n, 1, S, S) in [0, 1]. Cracks are a few per cent of the pixels: cross-entropy alone
    would be content with nothing.
    """
    predicted = predicted.clamp(1e-6, 1 - 1e-6)
    both = 2 * (predicted * masks).sum() + 1
    dice = both / (predicted.sum() + masks.sum() + 1)
    return F.binary_cross_entropy(predicted, masks) + 1 - dice


class DiffusionStep(Step):
    """Ho et al. 2020, algorithm 1: tell the noise at a random step; labels are not looked at.

    Ours: the step is not chosen evenly but for ``diffusion_near`` of the images from the first
    tenth, where F_tau works by default and where most of the error is.
    """

    def __call__(
        self, images: Tensor, labels: Tensor, weights: Weights, share: float = 1.0
    ) -> dict[str, Tensor]:
        """See ``gan_step.Step``; the losses are {"g"}: the mean squared error of the noise."""
        levels = self.config.diffusion_steps
        chance = torch.rand(2, len(images), device=images.device)
        most = torch.where(chance[0] < self.config.diffusion_near, levels // NEAR, levels)
        steps = (chance[1] * most).long()
        noise = torch.randn_like(images)
        noised = noising(levels).add_noise(images * 2 - 1, noise, steps)
        with self.device.autocast():
            found = self.generator(noised, steps)
        loss = F.mse_loss(found.float(), noise)
        self.scaler.scale(loss * share).backward()
        return {"g": loss.detach()}
