"""Explainers side by side: do they flip, how much do they change, and do they find the damage?

The measures of Jeanneret et al. 2023 that need no networks for faces; MNAC, CD, FVA and FS do.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.images import ImageError, read_mask, resize_image
from cfinspect.engine.base.progress import Progress
from cfinspect.engine.calibration.fit import fit_mask_threshold
from cfinspect.engine.data.dataset import DAMAGED
from cfinspect.engine.evaluation.encoders import Encoder
from cfinspect.engine.evaluation.realism import fid, halves, have_distances
from cfinspect.engine.evaluation.sampling import Squares
from cfinspect.engine.evaluation.simsiam import SimSiam
from cfinspect.engine.explain.classifier import Classifier, odds_of
from cfinspect.engine.explain.protocol import Explainer
from cfinspect.engine.inference.forward import to_tensor
from cfinspect.engine.inference.tiling import resize_map
from cfinspect.engine.metrics.classification import group_draws
from cfinspect.engine.metrics.localisation import Localisation

Images = NDArray[np.uint8]
Floats = NDArray[np.float64]
NEED_FACES = ("MNAC", "CD", "FVA", "FS")
_PARTS = 50  # of an insertion curve
_REPEATS = 10
_FEWEST = 10
STOCHASTIC = ("ace",)
_AREA = 0.02  # a change of so much, in [0, 1], counts as one; some 5 grey levels


def select_correct_samples(classifier: Classifier, squares: Squares, count: int) -> Squares:
    """``count`` of the images that the classifier has right, half of each class where it can be.

    What one class lacks the other makes up for, as far as it goes. CfinspectError where it has
    none right.
    """
    said = odds_of(classifier, squares.images) >= classifier.limit
    right = said == (squares.labels == DAMAGED)
    none, some = (np.flatnonzero(right & (squares.labels == label)) for label in (0, 1))
    first = min(len(none), max(count // 2, count - len(some)))
    places = [*none[:first].tolist(), *some[: count - first].tolist()]
    if not places:
        raise CfinspectError("the classifier has none of the images right: there is nothing to ask")
    return squares.chosen(places)


def explaining(
    explainers: Mapping[str, Callable[[int], Explainer]],
    classifier: Classifier,
    asked: Squares,
    others: Squares,
    simsiam: SimSiam,
    encoder: Encoder | None = None,
    *,
    batch: int = 16,
    seeds: int = 2,
    progress: Progress = Progress(),
) -> dict[str, Any]:
    """Figures of each explainer, by its name.

    ``explainers``: makers, of a seed; asked again with another for the images' diversity where
    the name is among ``STOCHASTIC``. ``others``: real images that FIDs compare with; by
    ``encoder``, without one by ``simsiam``. ``progress.tick``: see ``Explainer``.
    """
    encoder = encoder or simsiam
    result: dict[str, Any] = {}
    for name, make in explainers.items():
        count = seeds if name in STOCHASTIC else 1
        runs = [run(make(seed), asked, batch, progress) for seed in range(count)]
        result[name] = _figures(runs, classifier, asked, others, simsiam, encoder, progress)
    return {
        "n": len(asked.images),
        "n_damaged": int((asked.labels == DAMAGED).sum()),
        "encoder": {
            "name": encoder.name,
            "features": int(encoder.encode(asked.images[:1]).shape[1]),
            "similarity": simsiam.name,
            "any_two": simsiam.any_two(asked.images),
        },
        "left_out": {name: "needs networks for faces" for name in NEED_FACES},
        "explainers": result,
    }


@dataclass(frozen=True)
class Run:
    """What an explainer gave for all images; ``pictures`` in 8 bit."""

    pictures: Images | None
    saliency: NDArray[np.float32]
    flipped: NDArray[np.bool_] | None
    evaluations: float
    seconds: float


def run(explainer: Explainer, asked: Squares, batch: int, progress: Progress) -> Run:
    """Ask ``explainer``, so many images at once, what would make each the other class."""
    size = asked.images.shape[1]
    parts = []
    for start in range(0, len(asked.images), batch):
        chosen = slice(start, start + batch)
        images = asked.images[chosen]
        shown = images
        if explainer.size != size:
            shown = np.stack([resize_image(image, explainer.size) for image in images])
        parts.append(explainer.explain(shown, 1 - asked.labels[chosen], progress))
    pictures = None
    if parts[0].counterfactual is not None:
        made = [part.counterfactual for part in parts if part.counterfactual is not None]
        pictures = np.rint(np.concatenate(made) * 255).astype(np.uint8)
        if explainer.size != size:
            pictures = np.stack([resize_image(picture, size) for picture in pictures])
    flipped = [part.flipped for part in parts if part.flipped is not None]
    weights = [len(part.saliency) for part in parts]
    return Run(
        pictures,
        np.concatenate([part.saliency for part in parts]),
        np.concatenate(flipped) if flipped else None,
        float(np.concatenate([part.evaluations for part in parts]).mean()),
        float(np.average([part.seconds for part in parts], weights=weights)),
    )


def _figures(
    runs: list[Run],
    classifier: Classifier,
    asked: Squares,
    others: Squares,
    simsiam: SimSiam,
    encoder: Encoder,
    progress: Progress,
) -> dict[str, Any]:
    """What does not flip is no counterfactual: all but flips and COUT are of those that do."""
    first = runs[0]
    found: dict[str, Any] = {
        "seconds": first.seconds,
        "evaluations": first.evaluations,
        **_localised(first.saliency, asked),
    }
    if first.pictures is None or first.flipped is None:
        return found
    couts = cout(classifier, asked.images, first.pictures, 1 - asked.labels, progress)
    for name, label in (("damaged", 1), ("undamaged", 0)):
        own = asked.labels == label
        found[f"flips_{name}"] = _mean(first.flipped[own])
        found[f"cout_{name}"] = _mean(couts[own])
    turned = np.flatnonzero(first.flipped)
    change = np.abs(first.pictures[turned].astype(np.float32) - asked.images[turned]) / 255
    return found | {
        "flips": _mean(first.flipped),
        "flips_ci95": group_draws(asked.groups, _weighted(first.flipped)),
        "cout": _mean(couts),
        "cout_ci95": group_draws(asked.groups, _weighted(couts)),
        "flipped_n": len(turned),
        "s3": _alike(simsiam, asked.images[turned], first.pictures[turned]),
        "change": _mean(change),
        "area": _mean(change.mean(axis=3) >= _AREA),
        "diversity": _diversity(runs, simsiam),
        **_distances(
            encoder, asked.chosen(turned.tolist()), first.pictures[turned], others, progress
        ),
    }


def _alike(simsiam: SimSiam, images: Images, pictures: Images) -> float | None:
    return _mean(simsiam.alike(images, pictures)) if len(images) else None


def _diversity(runs: list[Run], simsiam: SimSiam) -> float | None:
    """Mean distance of all pairs of seeds, of images that both flipped; None for a single one."""
    apart = []
    for one, other in itertools.combinations(runs, 2):
        if one.pictures is None or other.pictures is None:
            continue
        both = np.ones(len(one.pictures), dtype=np.bool_)
        for run in (one, other):
            both &= run.flipped if run.flipped is not None else False
        if both.any():
            apart.append(simsiam.apart(one.pictures[both], other.pictures[both]))
    return _mean(np.concatenate(apart)) if apart else None


def _mean(values: NDArray[Any]) -> float | None:
    return float(values.mean()) if len(values) else None


def _weighted(values: NDArray[Any]) -> Callable[[Floats], float]:
    return lambda weights: float((weights * values).sum() / weights.sum())


@torch.no_grad()
def cout(
    classifier: Classifier,
    images: Images,
    pictures: Images,
    target: NDArray[np.int64],
    progress: Progress = Progress(),
) -> Floats:
    """COUT (Khorram and Fuxin 2022) of n counterfactuals, (n,) in [-1, 1].

    The counterfactual's pixels are inserted by descending difference; the area under the target
    class's probability minus that under the other's. Near 1: few pixels turn the verdict.
    """
    device = classifier.device.device
    result = []
    for image, picture, wanted in zip(images, pictures, target, strict=True):
        gap = np.abs(image.astype(np.int16) - picture).sum(axis=2).ravel()
        order = torch.from_numpy(np.argsort(-gap, kind="stable")).to(device)
        rank = torch.empty_like(order)
        rank[order] = torch.arange(len(order), device=device)
        x, y = (to_tensor(one[None], device) for one in (image, picture))
        limits = torch.linspace(0, len(order), _PARTS + 1, device=device)
        inserted = rank.view(1, 1, *image.shape[:2]) < limits.view(-1, 1, 1, 1)
        odds = classifier.odds(torch.where(inserted, y, x))
        p = torch.sigmoid(odds if wanted else -odds).cpu().numpy().astype(np.float64)
        result.append(float(np.trapezoid(2 * p - 1, dx=1 / _PARTS)))
        progress.tick()
    return np.array(result)


def _distances(
    encoder: Encoder,
    asked: Squares,
    pictures: Images,
    others: Squares,
    progress: Progress,
) -> dict[str, Any]:
    """FID to real images of the classes asked for, and sFID.

    Most of a counterfactual's pixels are its image's, so FID to a set that holds the image itself
    flatters: ``sfid`` is the mean over random halves of the groups, both ways, ten times over,
    of counterfactuals of one half to real images of the other (Jeanneret et al. 2023).
    ``fid_floor``: of other real images among themselves, of as many of each class, which is what
    a perfect explainer would reach. On ``fid_n``, ``fid_floor_n`` and about ``sfid_n`` images a
    side; those of different numbers do not compare.
    """
    names = ("fid", "fid_floor", "fid_floor_n", "sfid", "sfid_sd", "sfid_n")
    wanted = 1 - asked.labels
    rng = np.random.default_rng(0)
    everyone = np.arange(len(pictures))
    chosen, real = _same_classes(
        everyone, np.arange(len(others.labels)), wanted, others.labels, rng
    )
    n = len(chosen)
    if not have_distances() or n < 2 * _FEWEST:
        return {**dict.fromkeys(names), "fid_n": n}
    made, before, target = (
        encoder.encode(one) for one in (pictures, asked.images, others.images[real])
    )
    # Undamaged counterfactuals come from damaged images: the images asked about have the classes
    # of the others' counterfactuals.
    floor, against = _same_classes(everyone, np.arange(n), asked.labels, others.labels[real], rng)
    apart, counts = [], []
    for _ in range(_REPEATS):
        one, other = halves(asked.groups, rng)
        for left, right in ((one, other), (other, one)):
            mine, theirs = _same_classes(left, right, wanted[left], asked.labels[right], rng)
            if len(mine) >= _FEWEST:
                apart.append(fid(made[mine], before[theirs]))
                counts.append(len(mine))
            progress.tick()
    return {
        "fid": fid(made[chosen], target),
        "fid_floor": fid(before[floor], target[against]) if len(floor) >= _FEWEST else None,
        "fid_floor_n": len(floor),
        "sfid": float(np.mean(apart)) if apart else None,
        "sfid_sd": float(np.std(apart)) if apart else None,
        "sfid_n": round(float(np.mean(counts))) if counts else None,
        "fid_n": n,
    }


def _same_classes(
    left: NDArray[np.intp],
    right: NDArray[np.intp],
    left_classes: NDArray[np.int64],
    right_classes: NDArray[np.int64],
    rng: np.random.Generator,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """As many of the left places as of the right ones, class by class."""
    mine, theirs = [], []
    for label in (0, 1):
        made = rng.permutation(left[left_classes == label])
        real = rng.permutation(right[right_classes == label])
        n = min(len(made), len(real))
        mine.append(made[:n])
        theirs.append(real[:n])
    return np.concatenate(mine), np.concatenate(theirs)


def _localised(saliency: NDArray[np.float32], asked: Squares) -> dict[str, Any]:
    """IoU by the median of Otsu's thresholds and by the best, pixel AP; on images with masks."""
    damaged = np.flatnonzero(asked.labels == DAMAGED)
    if not len(damaged):
        return {"iou": None, "oracle_iou": None, "pixel_ap": None, "masks": 0}
    threshold = fit_mask_threshold(saliency[damaged])
    found, count = Localisation(), 0
    for place in damaged:
        path = asked.samples[place].mask
        try:
            mask = read_mask(path) if path is not None else None
        except ImageError:
            mask = None
        if mask is None:
            continue
        full = resize_map(saliency[place], *mask.shape)
        found.add(mask, full >= threshold, full)
        count += 1
    figures = found.result()
    return {name: figures[name] for name in ("iou", "oracle_iou", "pixel_ap")} | {"masks": count}
