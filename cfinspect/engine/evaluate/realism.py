"""Whether counterfactuals look like images of the other class, to others than the model itself."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cfinspect.engine.card import Decision
from cfinspect.engine.errors import CfinspectError
from cfinspect.engine.evaluate.classification import group_draws
from cfinspect.engine.evaluate.encoders import Encoder, train_judge
from cfinspect.engine.evaluate.squares import Squares
from cfinspect.engine.inspection import Raw, probabilities, score
from cfinspect.engine.torch_backend import TorchBackend

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
_FEWEST = 10  # images of a set, below which a distance between sets says nothing
_BATCH = 64
_SUBSETS, _SUBSET = 50, 100


class RealismCancelled(Exception):
    """Stopped before the figures were complete."""


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
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> dict[str, Any]:
    """Figures of the counterfactuals of ``measured``; a judge learns from ``learned``.

    The two should have no group in common. ``judge`` is a small classifier that shares nothing
    with the model; its ``accuracy`` on ``measured`` says what its word is worth. Without
    ``encoder`` the judge's features are compared, and distances compare within one data set only.
    For both ``directions`` (by the true class of x): ``flips`` and ``judge_flips`` (of the images
    that D, or the judge, has right, the share whose counterfactual, rounded to 8 bit, it gives
    the other class) with their 95 % intervals over groups; ``change`` mean |x - x'|, ``area`` share
    of pixels that change by the mask threshold or more; ``cycle`` mean |x - G(G(x))|, all in
    [0, 1]; ``fid``, ``kid`` and ``kid_sd`` between the counterfactuals and real images of the class
    they should belong to, ``fid_before`` and ``kid_before`` the same for the images as they were,
    ``fid_floor`` between two halves of those real images. Distances are None with fewer than 10
    images on a side or without torchmetrics. Raises ``RealismCancelled``, and CfinspectError
    where a class is lacking.
    """
    for half in (learned, measured):
        if len(np.unique(half.labels)) < 2:
            raise CfinspectError(
                "realism needs images of both classes from several groups, half of them to train "
                "a judge: give more images"
            )

    def step(done: int, total: int) -> None:
        if cancelled and cancelled():
            raise RealismCancelled
        if progress:
            progress(done, total)

    judge = train_judge(
        learned.images, learned.labels, backend.device, steps=steps, seed=seed, progress=step
    )
    encoder = encoder or judge
    images, truth, groups = measured.images, measured.labels == 1, measured.groups
    raw, pictures, again = _twice(backend, images, step)
    said, after = (_said(one, backend.card.decision) for one in (raw, again))
    judged, judged_after = judge.damaged(images), judge.damaged(pictures)
    change = np.abs(raw.counterfactual - images / np.float32(255)).mean(axis=3)
    area = (change >= backend.card.decision.mask_threshold).mean(axis=(1, 2))
    cycle = np.abs(again.counterfactual - images / np.float32(255)).mean(axis=(1, 2, 3))
    before, made = encoder.encode(images), encoder.encode(pictures)
    directions = {}
    for name, own in (("damaged", truth), ("undamaged", ~truth)):
        directions[name] = {
            "n": int(own.sum()),
            **_share("flips", said != after, own & (said == truth), groups, seed),
            **_share("judge_flips", judged != judged_after, own & (judged == truth), groups, seed),
            "change": float(change[own].mean()),
            "area": float(area[own].mean()),
            "cycle": float(cycle[own].mean()),
            **_distances(made[own], before[own], before[~own], seed),
        }
    return {
        "n": len(images),
        "judge": {"name": judge.name, "accuracy": float((judged == truth).mean())},
        "encoder": {"name": encoder.name, "features": int(before.shape[1])},
        "directions": directions,
    }


def _twice(
    backend: TorchBackend, images: NDArray[np.uint8], step: Callable[[int, int], None]
) -> tuple[Raw, NDArray[np.uint8], Raw]:
    """The networks on ``images``, the counterfactuals as files hold them, the networks on those."""
    parts, again = [], []
    for start in range(0, len(images), _BATCH):
        step(start, len(images))
        parts.append(backend.run(images[start : start + _BATCH]))
        again.append(backend.run(_rounded(parts[-1])))
    pictures = np.concatenate([_rounded(one) for one in parts])
    return Raw.joined(parts), pictures, Raw.joined(again)


def _rounded(raw: Raw) -> NDArray[np.uint8]:
    return np.rint(raw.counterfactual * 255).astype(np.uint8)


def _said(raw: Raw, decision: Decision) -> Bools:
    scores = score(probabilities(raw.logits, decision.temperature))
    return np.asarray(scores >= decision.score_threshold)


def _share(
    name: str, flipped: Bools, of: Bools, groups: Sequence[Hashable], seed: int
) -> dict[str, Any]:
    """``name``: the share of ``flipped`` among ``of``, how many those are, and the interval."""

    def share(weights: Floats) -> float:
        chosen = weights * of
        total = chosen.sum()
        return float((chosen * flipped).sum() / total) if total else np.nan

    known = bool(of.any())
    return {
        name: share(np.ones(len(of))) if known else None,
        f"{name}_n": int(of.sum()),
        f"{name}_ci95": group_draws(groups, share, seed) if known else None,
    }


def _distances(
    made: NDArray[np.float32], source: NDArray[np.float32], target: NDArray[np.float32], seed: int
) -> dict[str, float | None]:
    """FID (Heusel et al. 2017) and KID (Binkowski et al. 2018) of features (n, d)."""
    if not have_distances() or min(len(made), len(target)) < _FEWEST:
        names = ("fid", "kid", "kid_sd", "fid_before", "kid_before", "fid_floor")
        return dict.fromkeys(names)
    half = np.random.default_rng(seed).permutation(len(target))
    one, other = target[half[::2]], target[half[1::2]]
    kid, kid_sd = _kid(made, target, seed)
    return {
        "fid": _fid(made, target),
        "kid": kid,
        "kid_sd": kid_sd,
        "fid_before": _fid(source, target),
        "kid_before": _kid(source, target, seed)[0],
        "fid_floor": _fid(one, other),
    }


class _Ready(nn.Module):
    """Stands where torchmetrics wants a network: the features are there already."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.num_features = features

    def forward(self, features: Tensor) -> Tensor:
        """What came in."""
        return features


def _fid(made: NDArray[np.float32], real: NDArray[np.float32]) -> float:
    from torchmetrics.image.fid import FrechetInceptionDistance  # noqa: PLC0415  (an extra)

    measure = FrechetInceptionDistance(_Ready(made.shape[1]))
    measure.update(torch.from_numpy(real).double(), real=True)
    measure.update(torch.from_numpy(made).double(), real=False)
    return float(measure.compute())


def _kid(made: NDArray[np.float32], real: NDArray[np.float32], seed: int) -> tuple[float, float]:
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
