"""Whether counterfactuals look like images of the other class, to others than the model itself."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.progress import Progress, Ticks
from cfinspect.engine.evaluation.encoders import Encoder, train_judge
from cfinspect.engine.evaluation.part_figures import (
    DirectionFigures,
    EncoderFigures,
    JudgeFigures,
    RealismFigures,
    SetDistances,
)
from cfinspect.engine.evaluation.sampling import Squares
from cfinspect.engine.inference.inspector import says_damaged
from cfinspect.engine.inference.saliency import absolute_change, saliency
from cfinspect.engine.inference.torch_backend import TorchBackend
from cfinspect.engine.metrics.classification import Interval, group_draws, numbered

Features = NDArray[np.float32]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
_FEWEST = 10  # images of a set, below which a distance between sets says nothing
_KNOWS = 0.65  # accuracy below which a judge's word is worth nothing
_BATCH = 64
_SUBSETS, _SUBSET = 50, 100


def have_distances() -> bool:
    """Whether FID and KID can be computed: torchmetrics is installed."""
    return importlib.util.find_spec("torchmetrics") is not None


def realism(
    backend: TorchBackend,
    learned: Squares,
    measured: Squares,
    encoder: Encoder | None = None,
    *,
    steps: int = 300,
    seed: int = 0,
    progress: Progress = Progress(),
) -> RealismFigures:
    """Figures of the counterfactuals of ``measured``; a judge learns from ``learned``.

    The two should have no group in common. ``judge`` is a small classifier of its own, not the
    model's; its ``accuracy`` on ``measured`` says what its word is worth, and below 0.65 it has
    none: ``judge_flips`` is None. Without ``encoder`` the judge's features are compared, and
    distances compare within one data set only. Raises ``Cancelled``, and CfinspectError where a
    class has too few images.
    """
    _require_both(learned, measured)
    ticks = Ticks(progress, steps + 4 * -(-len(measured.images) // _BATCH))
    judge = train_judge(
        learned.images, learned.labels, backend.device, steps=steps, seed=seed, progress=ticks
    )
    encoder = encoder or judge
    images, truth, groups = measured.images, measured.labels == 1, measured.groups
    seen = _looked(backend, images, ticks)
    judged, judged_after = judge.damaged(images), judge.damaged(seen.pictures)
    accuracy = float((judged == truth).mean())
    before, made = (_encoded(encoder, shown, ticks) for shown in (images, seen.pictures))
    directions = {}
    for name, own in (("damaged", truth), ("undamaged", ~truth)):
        right = own & (judged == truth) & (accuracy >= _KNOWS)
        sets = made[own], before[own], before[~own]
        target = [group for group, other in zip(groups, ~own, strict=True) if other]
        flips = _share(seen.said != seen.after, own & (seen.said == truth), groups, seed)
        judge_flips = _share(judged != judged_after, right, groups, seed)
        directions[name] = DirectionFigures(
            n=int(own.sum()),
            flips=flips.value,
            flips_n=flips.n,
            flips_ci95=flips.ci95,
            judge_flips=judge_flips.value,
            judge_flips_n=judge_flips.n,
            judge_flips_ci95=judge_flips.ci95,
            change=float(seen.change[own].mean()),
            area=float(seen.area[own].mean()),
            cycle=float(seen.cycle[own].mean()),
            distances=_distances(*sets, target, seed),
        )
    return RealismFigures(
        n=len(images),
        judge=JudgeFigures(judge.name, accuracy),
        encoder=EncoderFigures(encoder.name, int(before.shape[1])),
        directions=directions,
    )


def _require_both(learned: Squares, measured: Squares) -> None:
    for half, least in ((learned, _FEWEST), (measured, 1)):
        if min(int((half.labels == label).sum()) for label in (0, 1)) < least:
            raise CfinspectError(
                f"realism needs images of both classes from several groups, at least {_FEWEST} of "
                "each to train a judge and as many to measure: give more images"
            )


@dataclass(frozen=True)
class _Seen:
    """What D and G make of n images: counterfactuals as files hold them, and figures of each."""

    pictures: NDArray[np.uint8]
    said: Bools
    after: Bools
    change: Floats
    area: Floats
    cycle: Floats


def _looked(backend: TorchBackend, images: NDArray[np.uint8], progress: Progress) -> _Seen:
    """The networks on ``images`` and on their counterfactuals, batch by batch."""
    decision = backend.metadata.decision
    rows = []
    for start in range(0, len(images), _BATCH):
        progress.tick()
        batch = images[start : start + _BATCH]
        raw = backend.run(batch)
        pictures = np.rint(raw.counterfactual * 255).astype(np.uint8)
        progress.tick()
        again = backend.run(pictures)
        change = saliency(batch, raw.counterfactual)
        rows.append(
            (
                pictures,
                says_damaged(raw.logits, decision),
                says_damaged(again.logits, decision),
                change.mean(axis=(1, 2), dtype=np.float64),
                (change >= decision.mask_threshold).mean(axis=(1, 2)),
                absolute_change(batch, again.counterfactual).mean(axis=(1, 2, 3), dtype=np.float64),
            )
        )
    return _Seen(*(np.concatenate(part) for part in zip(*rows, strict=True)))


def _encoded(encoder: Encoder, images: NDArray[np.uint8], progress: Progress) -> Features:
    parts = []
    for start in range(0, len(images), _BATCH):
        progress.tick()
        parts.append(encoder.encode(images[start : start + _BATCH]))
    return np.concatenate(parts)


@dataclass(frozen=True)
class _Share:
    """A share in 0..1 of ``n`` images and its interval; None of none."""

    value: float | None
    n: int
    ci95: Interval


def _share(flipped: Bools, of: Bools, groups: Sequence[Hashable], seed: int) -> _Share:
    """The share of ``flipped`` among ``of``."""

    def share(weights: Floats) -> float:
        chosen = weights * of
        total = chosen.sum()
        return float((chosen * flipped).sum() / total) if total else np.nan

    known = bool(of.any())
    return _Share(
        share(np.ones(len(of))) if known else None,
        int(of.sum()),
        group_draws(groups, share, seed) if known else None,
    )


def _distances(
    made: Features, source: Features, target: Features, groups: Sequence[Hashable], seed: int
) -> SetDistances:
    """Distances of features (n, d); ``groups`` are those of ``target``."""
    rng = np.random.default_rng(seed)
    one, other = (rng.permutation(half) for half in halves(groups, rng))
    sources = rng.permutation(len(made))
    n = min(len(one), len(other), len(made))
    if not have_distances() or n < _FEWEST:
        return SetDistances(None, None, None, n, None, None, None)
    real = target[one[:n]]
    kid, kid_sd = _kid(made, target, seed)
    return SetDistances(
        fid=fid(made[sources[:n]], real),
        fid_before=fid(source[sources[:n]], real),
        fid_floor=fid(target[other[:n]], real),
        fid_n=n,
        kid=kid,
        kid_sd=kid_sd,
        kid_before=_kid(source, target, seed)[0],
    )


def halves(
    groups: Sequence[Hashable], rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Places of two halves that have no group in common, as even as the groups allow."""
    group_of, count = numbered(groups)
    sizes = np.bincount(group_of, minlength=count)
    order = rng.permutation(count)
    inside = np.isin(group_of, order[np.cumsum(sizes[order]) <= len(groups) / 2])
    return np.flatnonzero(inside), np.flatnonzero(~inside)


class _Ready(nn.Module):
    """Stands where torchmetrics wants a network: the features are there already."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.num_features = features

    def forward(self, features: Tensor) -> Tensor:
        """What came in."""
        return features


def fid(made: Features, real: Features) -> float:
    """Frechet distance (Heusel et al. 2017) of features (n, d) and (m, d)."""
    from torchmetrics.image.fid import FrechetInceptionDistance  # noqa: PLC0415  (an extra)

    measure = FrechetInceptionDistance(_Ready(made.shape[1]))
    measure.update(torch.from_numpy(real).double(), real=True)
    measure.update(torch.from_numpy(made).double(), real=False)
    return float(measure.compute())


def _kid(made: Features, real: Features, seed: int) -> tuple[float, float]:
    from torchmetrics.image.kid import KernelInceptionDistance  # noqa: PLC0415  (an extra)

    subset = min(_SUBSET, len(made) // 2, len(real) // 2)
    with warnings.catch_warnings(), torch.random.fork_rng([]):
        warnings.filterwarnings("ignore", "Metric `Kernel Inception Distance` will save")
        torch.manual_seed(seed)
        measure = KernelInceptionDistance(_Ready(made.shape[1]), _SUBSETS, subset)
        measure.update(torch.from_numpy(real).double(), real=True)
        measure.update(torch.from_numpy(made).double(), real=False)
        mean, spread = measure.compute()
    return float(mean), float(spread)
