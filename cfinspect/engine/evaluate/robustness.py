"""How a model's decisions stand up to attacks, and whether to believe the figures.

The protocol: L-inf balls of several eps, projected gradients with two losses and restarts, an
adaptive attack that also keeps p_fake low, and alarms for masked gradients (Carlini et al. 2019,
Athalye et al. 2018).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cfinspect.engine.evaluate.attacks import Aim, Target, pgd, square
from cfinspect.engine.evaluate.classification import classification

EPS = (0.5, 1.0, 2.0, 4.0, 8.0)  # grey levels of 255
ACCEPTED = 0.99  # share of clean images that p_fake lets pass
_HUGE = 64.0  # at so many grey levels everything can be broken, or gradients are masked
_AIMS: tuple[Aim, ...] = ("margin", "ce")


@dataclass(frozen=True)
class Effort:
    """How hard it is attacked: ``steps`` and ``restarts`` of PGD, ``queries`` of Square."""

    steps: int = 50
    restarts: int = 5
    queries: int = 500


class AttackCancelled(Exception):
    """Stopped before the figures were complete."""


def robustness(
    target: Target,
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    groups: Sequence[str],
    *,
    effort: Effort = Effort(),
    eps: Sequence[float] = EPS,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> dict[str, Any]:
    """Figures for ``images`` (n, S, S, 3) of the network's input size with ``labels`` (n,).

    The result has n, the effort, and for each eps, 0 among them: ``accuracy`` and ``f1`` with 95 %
    intervals (bootstrapped over ``groups``) against the worst of all attacks, ``accepted_f1``
    where p_fake may refuse images (at 99 % acceptance of clean ones) and the attack has to keep it
    low, and ``alarms``: {name: {"value", "fired", "means"}}. An image that breaks at one eps is
    broken at all larger ones. Raises ``AttackCancelled``.
    """
    clock = _Clock(effort, len(eps), progress, cancelled)
    device = target.device.device
    x = torch.from_numpy(images).permute(0, 3, 1, 2).to(device).float() / 255
    y = torch.from_numpy(labels).to(device)
    with torch.inference_mode():
        clean = torch.cat([target.logits(part) for part in x.split(_BATCH)])
    p_fake = torch.softmax(clean, dim=1)[:, 2].cpu().numpy()
    limit = float(np.quantile(p_fake, ACCEPTED))
    strict = Target(target.discriminator, target.decision, target.device, target.views, limit)
    wrong = target.won(clean, y, "margin").cpu().numpy()
    accepted = p_fake <= limit
    run = _Run(target, strict, x, y, effort, seed, clock)
    result: dict[str, Any] = {
        "n": len(labels),
        "pgd_steps": effort.steps,
        "restarts": effort.restarts,
        "square_queries": effort.queries,
        "seed": seed,
        "eps": [0.0, *eps],
        "accuracy": [],
        "f1": [],
        "f1_ci95": [],
        "accepted_f1": [],
    }
    fooled = wrong & accepted
    late = {"square": 0, "noise": 0, "steps": 0}
    for level in (0.0, *eps):
        if level:
            wrong, late_now = run.break_more(wrong, level)
            late = {name: late[name] + late_now[name] for name in late}
            fooled = run.fool_more(fooled, level)
        figures = classification(labels, np.where(wrong, 1 - labels, labels), 0.5, groups, seed)
        result["accuracy"].append(figures["accuracy"])
        result["f1"].append(figures["f1"])
        result["f1_ci95"].append(figures["ci95"]["f1"])
        # What the attack could not slip past p_fake it leaves alone.
        kept = accepted | fooled
        passed = np.where(fooled, 1 - labels, labels)[kept]
        result["accepted_f1"].append(classification(labels[kept], passed, 0.5)["f1"])
    held = run.held_at(wrong, _HUGE)
    result["accepted_p_fake"] = limit
    result["alarms"] = _alarms(late, held, len(labels))
    return result


_BATCH = 64


@dataclass(frozen=True)
class _Run:
    target: Target
    strict: Target
    x: Tensor
    y: Tensor
    effort: Effort
    seed: int
    clock: _Clock

    def break_more(
        self, wrong: NDArray[np.bool_], level: float
    ) -> tuple[NDArray[np.bool_], dict[str, int]]:
        """Who is wrong at ``level`` grey levels, and how many only the alarms' attacks broke."""
        wrong = wrong.copy()
        for aim in _AIMS:
            self._pgd(wrong, level, aim, self.effort.steps, self.effort.restarts)
        late = {}
        before = int(wrong.sum())
        for start in self._parts(wrong):
            found = square(
                self.target,
                self.x[start],
                self.y[start],
                eps=level / 255,
                queries=self.effort.queries,
                seed=self.seed,
                tick=self.clock.check,
            )
            wrong[start] |= found.broken.cpu().numpy()
        late["square"] = int(wrong.sum()) - before
        before = int(wrong.sum())
        self._noise(wrong, level)
        late["noise"] = int(wrong.sum()) - before
        before = int(wrong.sum())
        self._pgd(wrong, level, "margin", 3 * self.effort.steps, 1)
        late["steps"] = int(wrong.sum()) - before
        self.clock.stage()
        return wrong, late

    def fool_more(self, fooled: NDArray[np.bool_], level: float) -> NDArray[np.bool_]:
        """Who is wrong and accepted at ``level``."""
        fooled = fooled.copy()
        effort = self.effort
        self._pgd(fooled, level, "unnoticed", effort.steps, effort.restarts, self.strict)
        self.clock.stage()
        return fooled

    def held_at(self, wrong: NDArray[np.bool_], level: float) -> int:
        """How many images even a huge perturbation does not break."""
        wrong = wrong.copy()
        self._pgd(wrong, level, "margin", self.effort.steps, 1)
        self.clock.stage()
        return int((~wrong).sum())

    def _pgd(
        self,
        done: NDArray[np.bool_],
        level: float,
        aim: Aim,
        steps: int,
        restarts: int,
        target: Target | None = None,
    ) -> None:
        for part in self._parts(done):
            found = pgd(
                target or self.target,
                self.x[part],
                self.y[part],
                eps=level / 255,
                aim=aim,
                steps=steps,
                restarts=restarts,
                seed=self.seed,
                tick=self.clock.check,
            )
            done[part] |= found.broken.cpu().numpy()

    @torch.inference_mode()
    def _noise(self, done: NDArray[np.bool_], level: float) -> None:
        """Corners of the ball at random: if these break what gradients do not, they are masked."""
        random = torch.Generator(device=self.x.device).manual_seed(self.seed)
        for part in self._parts(done):
            x = self.x[part]
            for _ in range(10):
                signs = torch.randint(0, 2, x.shape, generator=random, device=x.device) * 2.0 - 1
                logits = self.target.logits((x + signs * level / 255).clamp(0, 1))
                done[part] |= self.target.won(logits, self.y[part], "margin").cpu().numpy()
                self.clock.check()

    def _parts(self, done: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
        """Indices of those that are not done yet, in batches."""
        left = np.flatnonzero(~done)
        return [left[start : start + _BATCH] for start in range(0, len(left), _BATCH)]


def _alarms(late: dict[str, int], held: int, n: int) -> dict[str, Any]:
    """Signs that the attacks were too weak to believe the figures; ``value`` is a share of n."""
    found = {
        "square_beats_gradients": (late["square"], "broke only by a search without gradients"),
        "noise_beats_gradients": (late["noise"], "broke only by random noise"),
        "more_steps_break_more": (late["steps"], "broke only by three times the steps"),
        "held_at_64": (held, "did not even break by 64 grey levels"),
    }
    return {
        name: {"value": count / max(n, 1), "fired": count > _TOLERATED * n, "means": means}
        for name, (count, means) in found.items()
    }


_TOLERATED = 0.02  # a straggler or two is no sign


class _Clock:
    """Progress by stages, and the question whether to stop, asked at every step."""

    def __init__(
        self,
        effort: Effort,
        levels: int,
        progress: Callable[[int, int], None] | None,
        cancelled: Callable[[], bool] | None,
    ) -> None:
        self._done, self._total = 0, 2 * levels + 1
        self._progress, self._cancelled = progress, cancelled

    def check(self) -> None:
        if self._cancelled and self._cancelled():
            raise AttackCancelled

    def stage(self) -> None:
        self._done += 1
        if self._progress:
            self._progress(self._done, self._total)
