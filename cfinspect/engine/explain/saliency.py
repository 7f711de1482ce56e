"""Explainers that ask a model and never look into it: G, evidence, RISE, occlusion; no torch."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeGuard

import cv2
import numpy as np

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.progress import Progress
from cfinspect.engine.explain.protocol import (
    BlackBox,
    Explanation,
    Images,
    Labels,
    Maps,
    own_masks,
)
from cfinspect.engine.inference.backend import Backend, InspectionError, PlacedBackend
from cfinspect.engine.inference.saliency import saliency as change_map
from cfinspect.engine.inference.tiling import resize_map
from cfinspect.engine.metrics.probability import sigmoid

_RISE_GRID, _RISE_KEPT, _AT_ONCE = 7, 0.5, 64
_PATCHES = 8  # occluding squares along a side


class Cfgan:
    """|x - G(x)|, by one pass of G; D, or whoever judges the counterfactual, is ``judge``."""

    name: str = "cfgan"

    def __init__(self, backend: Backend, judge: BlackBox) -> None:
        self.size = backend.metadata.preprocessing.size
        self._backend = backend
        self._judge = judge

    def ticks(self, count: int) -> int:
        """See ``Explainer``."""
        return 1

    def explain(
        self, images: Images, target: Labels, progress: Progress = Progress()
    ) -> Explanation:
        """See ``Explainer``; G makes the class that D does not see, whatever ``target`` says."""
        begun = time.perf_counter()
        made = self._backend.run(images).counterfactual
        if not np.isfinite(made).all():
            raise InspectionError(f"{self._judge.name} makes counterfactuals that are no numbers")
        seconds = (time.perf_counter() - begun) / len(images)
        saliency = change_map(images, made)
        damaged = self._judge.ask(np.rint(made * 255).astype(np.uint8)) >= self._judge.limit
        progress.tick()
        return Explanation(
            counterfactual=made,
            saliency=saliency,
            mask=saliency >= self._backend.metadata.decision.mask_threshold,
            flipped=damaged == (target == 1),
            evaluations=np.ones(len(images), dtype=np.int64),
            seconds=seconds,
        )


@dataclass(frozen=True)
class Mapped:
    """An ``Explainer`` by saliency alone.

    ``maps``: of what speaks for the class that an image is given, (n, S, S) in [0, 1], from images
    and (n,) +1 for damaged, -1 for undamaged. ``evaluations``: passes of a network for an image;
    ``ticks_each``: calls of ``progress.tick`` for an image.
    """

    name: str
    size: int
    maps: Callable[[Images, Labels, Progress], Maps]
    evaluations: int
    ticks_each: int = 1

    def ticks(self, count: int) -> int:
        """See ``Explainer``."""
        return count * self.ticks_each

    def explain(
        self, images: Images, target: Labels, progress: Progress = Progress()
    ) -> Explanation:
        """See ``Explainer``."""
        begun = time.perf_counter()
        saliency = self.maps(images, 1 - 2 * target, progress)
        return Explanation(
            counterfactual=None,
            saliency=saliency,
            mask=own_masks(saliency),
            flipped=None,
            evaluations=np.full(len(images), self.evaluations),
            seconds=(time.perf_counter() - begun) / len(images),
        )


def has_evidence(backend: Backend | None) -> TypeGuard[PlacedBackend]:
    """Whether a model says itself how much each place speaks for damage."""
    return bool(getattr(backend, "has_evidence", False))


def evidence(backend: Backend | None, name: str) -> Mapped:
    """What the D "projected" looks at: its evidence at each place, by one pass.

    ``name``: of the model, for messages. Raises CfinspectError for one that has none.
    """
    if not has_evidence(backend):
        raise CfinspectError(
            f"{name} has no map of evidence, which only a discriminator projected has: "
            "use another method"
        )
    placed = backend

    def maps(images: Images, sign: Labels, progress: Progress) -> Maps:
        side = images.shape[1]
        rows = []
        for n, own in enumerate(sign.tolist()):
            found = sigmoid(placed.evidence(images[n : n + 1])[0] * own)
            rows.append(resize_map(found, side, side))
            progress.tick()
        return np.stack(rows)

    return Mapped("evidence", backend.metadata.preprocessing.size, maps, 1)


def rise(classifier: BlackBox, masks: int = 400, seed: int = 0) -> Mapped:
    """RISE (Petsiuk et al. 2018): the mean of random masks, weighted by what is said of the rest.

    What is hidden becomes the image's mean colour: black would look like damage. Stretched to
    [0, 1] per image.
    """

    def maps(images: Images, sign: Labels, progress: Progress) -> Maps:
        chosen = _random_masks(masks, images.shape[1], seed)
        return _weighed(classifier, images, sign, chosen, progress, hidden=False)

    return Mapped("rise", classifier.size, maps, masks, -(-masks // _AT_ONCE))


def occlusion(classifier: BlackBox) -> Mapped:
    """Zeiler and Fergus 2014: how much the verdict loses where a square is hidden.

    Squares of an eighth of the side, half overlapping, in the image's mean colour; a pixel has the
    mean of the squares that hide it. Stretched to [0, 1] per image.
    """

    def maps(images: Images, sign: Labels, progress: Progress) -> Maps:
        chosen = _squares(images.shape[1])
        return _weighed(classifier, images, sign, chosen, progress, hidden=True)

    count = (2 * _PATCHES - 1) ** 2
    return Mapped("occlusion", classifier.size, maps, count, -(-count // _AT_ONCE))


def _weighed(
    classifier: BlackBox,
    images: Images,
    sign: Labels,
    shown: Maps,
    progress: Progress,
    *,
    hidden: bool,
) -> Maps:
    """The mean over what is ``shown`` (masks, S, S), weighted by the verdict's probability.

    ``hidden``: the mean over what is not shown instead, weighted by the verdict's loss.
    """
    counted = 1 - shown if hidden else shown
    weight = np.maximum(counted.sum(axis=0), 1e-6)
    result = []
    for image, own in zip(images, sign.tolist(), strict=True):
        x = image / np.float32(255)
        mean = x.mean(axis=(0, 1))
        total = np.zeros(x.shape[:2], dtype=np.float32)
        for start in range(0, len(shown), _AT_ONCE):
            part = shown[start : start + _AT_ONCE, :, :, None]
            odds = classifier.ask(mean + (x - mean) * part) - classifier.limit
            if not np.isfinite(odds).all():
                raise InspectionError(f"{classifier.name} answers with what is no number")
            said = sigmoid(own * odds).astype(np.float32)
            share = 1 - said if hidden else said
            total += np.tensordot(share, counted[start : start + _AT_ONCE], 1)
            progress.tick()
        result.append(_stretched(total / weight))
    return np.stack(result)


def _stretched(found: Maps) -> Maps:
    low, high = float(found.min()), float(found.max())
    stretched: Maps = ((found - low) / max(high - low, 1e-9)).astype(np.float32)
    return stretched


def _random_masks(count: int, side: int, seed: int) -> Maps:
    """Coarse random grids, enlarged and shifted: (count, side, side) in [0, 1]."""
    rng = np.random.default_rng(seed)
    cell = -(-side // _RISE_GRID)
    large = (_RISE_GRID + 1) * cell
    found = np.empty((count, side, side), dtype=np.float32)
    for mask in found:
        grid = (rng.random((_RISE_GRID + 1, _RISE_GRID + 1)) < _RISE_KEPT).astype(np.float32)
        grown = cv2.resize(grid, (large, large), interpolation=cv2.INTER_LINEAR)
        top, left = rng.integers(0, cell, 2)
        mask[:] = grown[top : top + side, left : left + side]
    return found


def _squares(side: int) -> Maps:
    """1 but for one square each: (count, side, side)."""
    edges = np.linspace(0, side, 2 * _PATCHES + 1).round().astype(int)
    places = range(2 * _PATCHES - 1)
    found = np.ones(((2 * _PATCHES - 1) ** 2, side, side), dtype=np.float32)
    for number, (row, column) in enumerate((r, c) for r in places for c in places):
        found[number, edges[row] : edges[row + 2], edges[column] : edges[column + 2]] = 0
    return found
