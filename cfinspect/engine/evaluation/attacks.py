"""Attacks on D within an L-inf ball: projected gradients, and a random search without gradients.

They work on the network's input in [0, 1], before any normalisation, and against the answer that
inspections use: the mean over D's views, with the model's temperature and threshold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from cfinspect.engine.base.progress import Progress
from cfinspect.engine.inference.decision_logits import Aim, DecisionLogits
from cfinspect.engine.networks.adversarial import SIGN_SCALE, frozen, inside


@dataclass(frozen=True)
class AttackResult:
    """``broken`` (n,) bool; ``images`` (n, 3, S, S), the attacked ones, x itself where it held."""

    broken: Tensor
    images: Tensor


def pgd(
    target: DecisionLogits,
    x: Tensor,
    labels: Tensor,
    *,
    eps: float,
    aim: Aim,
    steps: int = 50,
    restarts: int = 5,
    seed: int = 0,
    progress: Progress = Progress(),
) -> AttackResult:
    """Projected gradient ascent (Madry et al. 2018) on ``x`` (n, 3, S, S) in [0, 1].

    ``eps`` in units of that range; steps of 2.5 eps / steps from random starts; images that are
    broken are left out of what follows. ``progress.tick`` is called once a step.
    """
    random = torch.Generator(device=x.device).manual_seed(seed)
    result, broken = x.clone(), torch.zeros(len(x), dtype=torch.bool, device=x.device)
    rate = 2.5 * eps / steps
    with frozen(target.discriminator):
        for _ in range(restarts):
            left = torch.nonzero(~broken).squeeze(1)
            moved = (torch.rand(x[left].shape, generator=random, device=x.device) * 2 - 1) * eps
            moved = inside(x[left], moved)
            for step in range(steps + 1):
                if not len(left):
                    break
                moved = moved.detach().requires_grad_(True)
                attacked = x[left] + moved
                logits = target.logits(attacked)
                won = target.won(logits, labels[left], aim)
                if won.any():
                    result[left[won]] = attacked[won].detach()
                    broken[left[won]] = True
                if step == steps:
                    break
                gain = target.gain(logits, labels[left], aim).sum() * SIGN_SCALE
                (slope,) = torch.autograd.grad(gain, moved)
                moved = (moved + rate * slope.sign()).clamp(-eps, eps)
                moved, left = inside(x[left], moved)[~won], left[~won]
                progress.tick()
    return AttackResult(broken, result)


@torch.inference_mode()
def square(
    target: DecisionLogits,
    x: Tensor,
    labels: Tensor,
    *,
    eps: float,
    queries: int = 500,
    seed: int = 0,
    progress: Progress = Progress(),
) -> AttackResult:
    """Random search by squares (Andriushchenko et al. 2020, Square Attack L-inf): no gradients.

    Where it breaks what ``pgd`` could not, gradients are masked. ``x`` and ``eps`` as in ``pgd``.
    """
    random = torch.Generator(device=x.device).manual_seed(seed)
    n, channels, side = len(x), x.shape[1], x.shape[-1]

    def signs(*shape: int) -> Tensor:
        return torch.randint(0, 2, shape, generator=random, device=x.device) * 2.0 - 1

    best = (x + eps * signs(n, channels, 1, side)).clamp(0, 1)
    logits = target.logits(best)
    gain = target.gain(logits, labels, "margin")
    for query in range(queries):
        left = torch.nonzero(gain < 0).squeeze(1)
        if not len(left):
            break
        window = max(1, round(math.sqrt(_share(query / queries)) * side))
        place = torch.randint(0, side - window + 1, (2,), generator=random, device=x.device)
        top, start = int(place[0]), int(place[1])
        tried = best[left].clone()
        area = (..., slice(top, top + window), slice(start, start + window))
        tried[area] = (x[left][area] + eps * signs(len(left), channels, 1, 1)).clamp(0, 1)
        found = target.gain(target.logits(tried), labels[left], "margin")
        better = found > gain[left]
        best[left[better]] = tried[better]
        gain[left[better]] = found[better]
        progress.tick()
    broken = target.won(target.logits(best), labels, "margin")
    return AttackResult(broken, torch.where(broken[:, None, None, None], best, x))


def _share(done: float) -> float:
    """Share of the image that a square covers, as a function of the share of queries done."""
    halvings = sum(done > limit for limit in (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8))
    return float(0.3 / 2**halvings)
