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
from cfinspect.engine.base.images import ImageError, resize_image
from cfinspect.engine.base.progress import Progress
from cfinspect.engine.calibration.fit import fit_mask_threshold
from cfinspect.engine.data.dataset import DAMAGED
from cfinspect.engine.evaluation.encoders import Encoder
from cfinspect.engine.evaluation.part_figures import (
    CounterfactualQuality,
    CounterfactualSetDistances,
    ExplainerEncoder,
    ExplainerFigures,
    ExplainersFigures,
)
from cfinspect.engine.evaluation.realism import fid, halves, have_distances
from cfinspect.engine.evaluation.sampling import Squares
from cfinspect.engine.evaluation.simsiam import SimSiam
from cfinspect.engine.explain.classifier import Classifier
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
    said = classifier.ask(squares.images) >= classifier.limit
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
) -> ExplainersFigures:
    """Figures of each explainer, by its name.

    ``explainers``: makers, of a seed; asked again with another for the images' diversity where
    the name is among ``STOCHASTIC``. ``others``: real images that FIDs compare with; by
    ``encoder``, without one by ``simsiam``. ``progress.tick``: see ``Explainer``.
    """
    encoder = encoder or simsiam
    result: dict[str, ExplainerFigures] = {}
    for name, make in explainers.items():
        count = seeds if name in STOCHASTIC else 1
        runs = [run(make(seed), asked, batch, progress) for seed in range(count)]
        result[name] = _figures(runs, classifier, asked, others, simsiam, encoder, progress)
    return ExplainersFigures(
        n=len(asked.images),
        n_damaged=int((asked.labels == DAMAGED).sum()),
        encoder=ExplainerEncoder(
            name=encoder.name,
            features=int(encoder.encode(asked.images[:1]).shape[1]),
            similarity=simsiam.name,
            any_two=simsiam.any_two(asked.images),
        ),
        left_out={name: "needs networks for faces" for name in NEED_FACES},
        explainers=result,
    )


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
) -> ExplainerFigures:
    first = runs[0]
    iou, oracle_iou, pixel_ap, masks = _localised(first.saliency, asked)
    return ExplainerFigures(
        seconds=first.seconds,
        evaluations=first.evaluations,
        iou=iou,
        oracle_iou=oracle_iou,
        pixel_ap=pixel_ap,
        masks=masks,
        made=_quality(runs, classifier, asked, others, simsiam, encoder, progress),
    )


def _quality(
    runs: list[Run],
    classifier: Classifier,
    asked: Squares,
    others: Squares,
    simsiam: SimSiam,
    encoder: Encoder,
    progress: Progress,
) -> CounterfactualQuality | None:
    """What does not flip is no counterfactual: all but flips and COUT are of those that do."""
    pictures, flipped = runs[0].pictures, runs[0].flipped
    if pictures is None or flipped is None:
        return None
    couts = cout(classifier, asked.images, pictures, 1 - asked.labels, progress)
    damaged = asked.labels == DAMAGED
    turned = np.flatnonzero(flipped)
    change = np.abs(pictures[turned].astype(np.float32) - asked.images[turned]) / 255
    return CounterfactualQuality(
        flips_damaged=_mean(flipped[damaged]),
        cout_damaged=_mean(couts[damaged]),
        flips_undamaged=_mean(flipped[~damaged]),
        cout_undamaged=_mean(couts[~damaged]),
        flips=_mean(flipped),
        flips_ci95=group_draws(asked.groups, _weighted(flipped)),
        cout=_mean(couts),
        cout_ci95=group_draws(asked.groups, _weighted(couts)),
        flipped_n=len(turned),
        s3=_alike(simsiam, asked.images[turned], pictures[turned]),
        change=_mean(change),
        area=_mean(change.mean(axis=3) >= _AREA),
        diversity=_diversity(runs, simsiam),
        distances=_distances(
            encoder, asked.chosen(turned.tolist()), pictures[turned], others, progress
        ),
    )


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
) -> CounterfactualSetDistances:
    """Distances of ``pictures``, counterfactuals of ``asked``, to real images."""
    wanted = 1 - asked.labels
    rng = np.random.default_rng(0)
    everyone = np.arange(len(pictures))
    chosen, real = _same_classes(
        everyone, np.arange(len(others.labels)), wanted, others.labels, rng
    )
    n = len(chosen)
    if not have_distances() or n < 2 * _FEWEST:
        return CounterfactualSetDistances(None, None, None, None, None, None, n)
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
    return CounterfactualSetDistances(
        fid=fid(made[chosen], target),
        fid_floor=fid(before[floor], target[against]) if len(floor) >= _FEWEST else None,
        fid_floor_n=len(floor),
        sfid=float(np.mean(apart)) if apart else None,
        sfid_sd=float(np.std(apart)) if apart else None,
        sfid_n=round(float(np.mean(counts))) if counts else None,
        fid_n=n,
    )


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


def _localised(
    saliency: NDArray[np.float32], asked: Squares
) -> tuple[float | None, float | None, float | None, int]:
    """IoU by the median of Otsu's thresholds and by the best, pixel AP, and images with masks."""
    damaged = np.flatnonzero(asked.labels == DAMAGED)
    if not len(damaged):
        return None, None, None, 0
    threshold = fit_mask_threshold(saliency[damaged])
    found = Localisation()
    for place in damaged:
        try:
            mask = asked.samples[place].read_mask()
        except ImageError:
            mask = None
        if mask is None:
            continue
        full = resize_map(saliency[place], *mask.shape)
        found.add(mask, full >= threshold, full)
    figures = found.result()
    return figures.iou, figures.oracle_iou, figures.pixel_ap, figures.n
