"""The loss equations of CF-GAN (arXiv 2310.00761), one function each, with our weights.

    L_D = CE(D(x), y) + rho * CE(D(stop(x')), fake)
    L_G = CE(D(x'), 1-y) + l1 * mean|x - x'| + aux * BCE(head(x), y)
          + sum_i lambda_c^i * [CE(D(G^{i+1}(x)), class due)
                                + (even passes) l1 * mean|G^{i+1}(x) - x|]

The weight of each direction multiplies the adversarial term; the paper has no such weight.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from cfinspect.engine.networks.projected import Judgement

FAKE = 2


def discriminator_loss(logits: Tensor, labels: Tensor, rho: float) -> Tensor:
    """L_D from the concatenated batch: ``logits`` (2n, 3) real then fake, ``labels`` (n,)."""
    n = labels.shape[0]
    real = F.cross_entropy(logits[:n], labels)
    fake = F.cross_entropy(logits[n:], torch.full_like(labels, FAKE))
    return real + rho * fake


def classifier_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Warm-up: D as a plain classifier; ``logits`` (n, 3), ``labels`` (n,)."""
    return F.cross_entropy(logits, labels)


def evidence_loss(judged: Judgement, labels: Tensor) -> Tensor:
    """What labels teach the local evidence, which logits of the whole image do not.

    Every place of an undamaged image is sound; the strongest places of a damaged one are not.
    Both count half.
    """
    sound = F.softplus(judged.evidence.flatten(1)).mean(dim=1)
    undamaged = (labels == 0).to(sound.dtype)
    places = (sound * undamaged).sum() / undamaged.sum().clamp(min=1)
    strongest = F.binary_cross_entropy_with_logits(judged.strongest, labels.to(sound.dtype))
    return 0.5 * places + 0.5 * strongest


def flip_loss(logits: Tensor, labels: Tensor, damaged_weight: float) -> Tensor:
    """CE(D(x'), 1 - y), ``damaged_weight`` on damaged -> undamaged, 2 minus it the other way."""
    weights = torch.where(labels == 1, damaged_weight, 2.0 - damaged_weight)
    return (weights * F.cross_entropy(logits, 1 - labels, reduction="none")).mean()


def l1_loss(image: Tensor, counterfactual: Tensor) -> Tensor:
    """mean |x - x'| over everything."""
    return (image - counterfactual).abs().mean()


def head_loss(head: Tensor, labels: Tensor) -> Tensor:
    """The generator's own classification of the real image: ``head`` (n,) logits of damaged."""
    return F.binary_cross_entropy_with_logits(head, labels.to(head.dtype))
