"""How a model's decisions stand up to attacks, and whether to believe the figures.

The protocol: L-inf balls of several eps, projected gradients with two losses and restarts, an
adaptive attack that also keeps p_fake low, and alarms for masked gradients (Carlini et al. 2019,
Athalye et al. 2018).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cfinspect.engine.base.progress import Progress
from cfinspect.engine.evaluation.attacks import AttackResult, pgd, square
from cfinspect.engine.evaluation.part_figures import Alarm, RobustnessFigures
from cfinspect.engine.inference.decision_logits import Aim, DecisionLogits
from cfinspect.engine.metrics.classification import classification

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


def robustness(
    target: DecisionLogits,
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    groups: Sequence[str],
    *,
    effort: Effort = Effort(),
    eps: Sequence[float] = EPS,
    seed: int = 0,
    progress: Progress = Progress(),
) -> RobustnessFigures:
    """Figures for ``images`` (n, S, S, 3) of the network's input size with ``labels`` (n,).

    An image that breaks at one eps is taken to
    break at all larger ones, one that holds to hold at all smaller ones. ``progress`` counts
    decided pairs of image and eps. Raises ``Cancelled``.
    """
    device = target.device.device
    x = torch.from_numpy(images).permute(0, 3, 1, 2).to(device).float() / 255
    y = torch.from_numpy(labels).to(device)
    with torch.inference_mode():
        clean = torch.cat([target.logits(part) for part in x.split(_BATCH)])
    p_fake = torch.softmax(clean, dim=1)[:, 2].cpu().numpy()
    limit = float(np.quantile(p_fake, ACCEPTED))
    strict = dataclasses.replace(target, most_fake=limit)
    wrong = target.won(clean, y, "margin").cpu().numpy()
    accepted = p_fake <= limit
    clock = _Clock(2 * len(labels) * len(eps), progress)
    run = _Run(target, strict, x, y, effort, seed, clock)
    broken_at = _weakest(wrong, eps, run.breaks, clock)
    fooled_at = _weakest(wrong & accepted, eps, run.fools, clock)
    held = len(labels) - int((broken_at < len(eps)).sum())
    held -= int(run.breaks_hugely(np.flatnonzero(broken_at == len(eps))).sum())
    figures, passed, kept = [], [], []
    for level in range(-1, len(eps)):
        said = np.where(broken_at <= level, 1 - labels, labels)
        figures.append(classification(labels, said, 0.5, groups, seed))
        # What the attack could not slip past p_fake it leaves alone.
        fooled = fooled_at <= level
        within = accepted | fooled
        answers = np.where(fooled, 1 - labels, labels)[within]
        passed.append(classification(labels[within], answers, 0.5))
        kept.append(int(within.sum()))
    return RobustnessFigures(
        n=len(labels),
        pgd_steps=effort.steps,
        restarts=effort.restarts,
        square_queries=effort.queries,
        seed=seed,
        eps=(0.0, *eps),
        accuracy=tuple(one.accuracy for one in figures),
        f1=tuple(one.f1 for one in figures),
        f1_ci95=tuple(one.ci95.f1 for one in figures),
        accepted_f1=tuple(one.f1 for one in passed),
        accepted_n=tuple(kept),
        accepted_p_fake=limit,
        alarms=_alarms(run.late, held, len(labels)),
    )


Attack = Callable[[NDArray[np.intp], float], NDArray[np.bool_]]


def _weakest(
    wrong: NDArray[np.bool_], eps: Sequence[float], attack: Attack, clock: _Clock
) -> NDArray[np.intp]:
    """For each image the place in ``eps`` of the least that breaks it, by halving.

    -1 for those that are ``wrong`` (n,) untouched, len(eps) for those that nothing breaks.
    """
    held = np.full(len(wrong), -1, dtype=np.intp)
    broken = np.where(wrong, -1, len(eps)).astype(np.intp)
    clock.decide(int(wrong.sum()) * len(eps))
    while (open_ := broken - held > 1).any():
        middle = (held + broken) // 2
        for level in np.unique(middle[open_]):
            chosen = np.flatnonzero(open_ & (middle == level))
            fell = attack(chosen, eps[level])
            clock.decide(int(np.where(fell, broken[chosen] - level, level - held[chosen]).sum()))
            broken[chosen[fell]] = level
            held[chosen[~fell]] = level
    return broken


_BATCH = 64


@dataclass
class _Run:
    """All attacks on some of the images.

    ``late`` counts what only the alarms' attacks broke; ``unnoticed``: the least grey levels at
    which any attack broke an image, by its place, and happened to keep p_fake low as well.
    """

    target: DecisionLogits
    strict: DecisionLogits
    x: Tensor
    y: Tensor
    effort: Effort
    seed: int
    clock: _Clock
    late: dict[str, int] = field(default_factory=lambda: {"square": 0, "noise": 0, "steps": 0})
    unnoticed: dict[int, float] = field(default_factory=dict)

    def breaks(self, chosen: NDArray[np.intp], level: float) -> NDArray[np.bool_]:
        """Which of the images ``chosen`` any attack within ``level`` grey levels breaks."""
        done = np.zeros(len(chosen), dtype=np.bool_)
        for aim in _AIMS:
            self._pgd(chosen, done, level, aim, self.effort.steps, self.effort.restarts)
        for name, attack in (
            ("square", self._square),
            ("noise", self._noise),
            ("steps", self._longer),
        ):
            before = int(done.sum())
            attack(chosen, done, level)
            self.late[name] += int(done.sum()) - before
        return done

    def fools(self, chosen: NDArray[np.intp], level: float) -> NDArray[np.bool_]:
        """Which are wrong and accepted, by an attack that wants both or by any other."""
        done = np.array([self.unnoticed.get(int(i), np.inf) <= level for i in chosen])
        effort = self.effort
        self._pgd(chosen, done, level, "unnoticed", effort.steps, effort.restarts, self.strict)
        return done

    def breaks_hugely(self, chosen: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Which break where everything must."""
        done = np.zeros(len(chosen), dtype=np.bool_)
        self._pgd(chosen, done, _HUGE, "margin", self.effort.steps, 1)
        return done

    def _longer(self, chosen: NDArray[np.intp], done: NDArray[np.bool_], level: float) -> None:
        self._pgd(chosen, done, level, "margin", 3 * self.effort.steps, 1)

    def _square(self, chosen: NDArray[np.intp], done: NDArray[np.bool_], level: float) -> None:
        for part in _parts(done):
            found = square(
                self.target,
                self.x[chosen[part]],
                self.y[chosen[part]],
                eps=level / 255,
                queries=self.effort.queries,
                seed=self.seed,
                progress=self.clock.progress,
            )
            self._take(found, chosen, done, part, level)

    def _pgd(
        self,
        chosen: NDArray[np.intp],
        done: NDArray[np.bool_],
        level: float,
        aim: Aim,
        steps: int,
        restarts: int,
        target: DecisionLogits | None = None,
    ) -> None:
        for part in _parts(done):
            found = pgd(
                target or self.target,
                self.x[chosen[part]],
                self.y[chosen[part]],
                eps=level / 255,
                aim=aim,
                steps=steps,
                restarts=restarts,
                seed=self.seed,
                progress=self.clock.progress,
            )
            self._take(found, chosen, done, part, level)

    @torch.inference_mode()
    def _take(
        self,
        found: AttackResult,
        chosen: NDArray[np.intp],
        done: NDArray[np.bool_],
        part: NDArray[np.intp],
        level: float,
    ) -> None:
        """Note who of ``chosen[part]`` broke, and which of those would be accepted."""
        broken = found.broken.cpu().numpy()
        done[part] |= broken
        places = chosen[part][broken]
        if not len(places):
            return
        logits = self.strict.logits(found.images[found.broken])
        won = self.strict.won(logits, self.y[places], "unnoticed")
        for place in places[won.cpu().numpy()]:
            self.unnoticed[int(place)] = min(level, self.unnoticed.get(int(place), np.inf))

    @torch.inference_mode()
    def _noise(self, chosen: NDArray[np.intp], done: NDArray[np.bool_], level: float) -> None:
        """Corners of the ball at random."""
        random = torch.Generator(device=self.x.device).manual_seed(self.seed)
        for part in _parts(done):
            x, y = self.x[chosen[part]], self.y[chosen[part]]
            for _ in range(10):
                signs = torch.randint(0, 2, x.shape, generator=random, device=x.device) * 2.0 - 1
                moved = (x + signs * level / 255).clamp(0, 1)
                broken = self.target.won(self.target.logits(moved), y, "margin")
                self._take(AttackResult(broken, moved), chosen, done, part, level)
                self.clock.progress.check()


def _parts(done: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """Places of those that are not done yet, in batches."""
    left = np.flatnonzero(~done)
    return [left[start : start + _BATCH] for start in range(0, len(left), _BATCH)]


def _alarms(late: dict[str, int], held: int, n: int) -> dict[str, Alarm]:
    """Signs that the attacks were too weak to believe the figures; ``value`` is a share of n."""
    found = {
        "square_beats_gradients": (late["square"], "broke only by a search without gradients"),
        "noise_beats_gradients": (late["noise"], "broke only by random noise"),
        "more_steps_break_more": (late["steps"], "broke only by three times the steps"),
        "held_at_64": (held, "did not even break by 64 grey levels"),
    }
    return {
        name: Alarm(value=count / max(n, 1), fired=count > _TOLERATED * n, means=means)
        for name, (count, means) in found.items()
    }


_TOLERATED = 0.02  # a straggler or two is no sign


class _Clock:
    """Progress by decided pairs of image and eps; steps of the attacks only ask to stop."""

    def __init__(self, total: int, progress: Progress) -> None:
        self._done, self._total = 0, total
        self.progress = progress

    def decide(self, pairs: int) -> None:
        self._done += pairs
        self.progress.show(self._done, self._total)
