"""Refit D's margin on frozen features of a few labelled images, anchored to what it was.

margin' = slope * (margin + weight @ features + shift): a logistic regression with a ridge on the
weight, so that few images move it little. Features are standardised by the images at hand. The
ridge is chosen by cross-validation over groups; "none at all", thresholds alone, is one choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.progress import Progress
from cfinspect.engine.metrics.probability import sigmoid

FloatArray = NDArray[np.floating[Any]]

_RIDGES = (np.inf, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)  # cautious ones first
_FOLDS, FEWEST_GROUPS = 10, 5
_SLOPE_PRIOR = 0.1
_LEAST_SLOPE = 0.05
_STEPS = 30
_FARTHEST = 2.0  # of a step
_CLOSE = 1e-5
_FLAT = 1e-4  # least curvature of an image that is as good as certain


@dataclass(frozen=True, eq=False)
class HeadRefit:
    """What is learned: ``slope`` above 0, ``weight`` (C,) and ``shift``; see the module."""

    slope: float
    weight: NDArray[np.float64]
    shift: float
    ridge: float

    def moved(self, margin: FloatArray, features: FloatArray) -> NDArray[np.float64]:
        """The margins (n,) of images with ``features`` (n, C), before the slope."""
        return np.asarray(margin + features @ self.weight + self.shift, dtype=np.float64)


def refit_head(
    margin: FloatArray,
    features: FloatArray,
    labels: NDArray[np.int64],
    groups: Sequence[str],
    progress: Progress = Progress(),
) -> HeadRefit:
    """Fit to n images: ``margin`` (n,), ``features`` (n, C), ``labels`` (n,) 0 or 1, ``groups``.

    Images of one group lie in one fold when the ridge is chosen. Raises ``Cancelled``.
    """
    data = _Standardised.of(margin, features, labels)
    rows, folds = np.arange(len(labels)), group_folds(groups, FEWEST_GROUPS)
    return data.refit(data.best_ridge(rows, folds, progress))


def cross_validated(
    margin: FloatArray,
    features: FloatArray,
    labels: NDArray[np.int64],
    groups: Sequence[str],
    progress: Progress = Progress(),
) -> NDArray[np.float64]:
    """Each image's refitted margin (n,), by a refit, its ridge as well, to other groups alone."""
    data = _Standardised.of(margin, features, labels)
    outer, inner = group_folds(groups, _FOLDS), group_folds(groups, FEWEST_GROUPS)
    found = np.array(margin, dtype=np.float64)
    for fold in np.unique(outer):
        rest, left = np.flatnonzero(outer != fold), outer == fold
        if len(np.unique(labels[rest])) < 2:
            continue
        refit = data.refit(data.best_ridge(rest, inner, progress), rest)
        found[left] = refit.moved(margin[left], features[left])
    return found


def group_folds(groups: Sequence[str], most: int) -> NDArray[np.int64]:
    """The fold of each image, at most ``most``: by group, or by image where groups are too few."""
    names = np.asarray(groups)
    alone, member = np.unique(names, return_inverse=True)
    if len(alone) < min(most, FEWEST_GROUPS):
        alone, member = np.arange(len(names)), np.arange(len(names))
    order = np.random.default_rng(0).permutation(len(alone))
    return np.asarray((order % min(most, len(alone)))[member], dtype=np.int64)


@dataclass(frozen=True, eq=False)
class _Standardised:
    """All images, in as few coordinates as they span; a fit may use some ``rows`` of them."""

    margin: NDArray[np.float64]
    coordinates: NDArray[np.float64]
    back: NDArray[np.float64]
    mean: NDArray[np.float64]
    middle: float
    scale: float
    labels: NDArray[np.int64]

    @classmethod
    def of(
        cls, margin: FloatArray, features: FloatArray, labels: NDArray[np.int64]
    ) -> _Standardised:
        mean = features.mean(axis=0, dtype=np.float64)
        deviation = features.std(axis=0, dtype=np.float64) + 1e-6
        spread = deviation * np.sqrt(features.shape[1])
        left, sizes, right = np.linalg.svd((features - mean) / spread, full_matrices=False)
        # The margin's own size says nothing: it is how sure D was elsewhere.
        middle, scale = float(np.mean(margin)), 2 / (float(np.std(margin)) + 1e-6)
        return cls(
            (np.asarray(margin, np.float64) - middle) * scale,
            left * sizes,
            right.T / spread[:, None],
            mean,
            middle,
            scale,
            labels,
        )

    def best_ridge(
        self, rows: NDArray[np.intp], folds: NDArray[np.int64], progress: Progress
    ) -> float:
        """The ridge with the least log loss in cross-validation among ``rows``, by class."""
        losses = []
        damaged = self.labels[rows] == 1
        for ridge in _RIDGES:
            progress.check()
            wrong = np.zeros(len(self.labels))
            for fold in np.unique(folds[rows]):
                rest, left = rows[folds[rows] != fold], rows[folds[rows] == fold]
                if len(np.unique(self.labels[rest])) < 2:
                    continue
                slope, shift, weight = self._fit(ridge, rest)
                said = slope * self.margin[left] + shift + self.coordinates[left] @ weight
                wrong[left] = np.logaddexp(0, np.where(self.labels[left] == 1, -said, said))
            losses.append(wrong[rows][damaged].mean() + wrong[rows][~damaged].mean())
        return _RIDGES[int(np.argmin(losses))]

    def refit(self, ridge: float, rows: NDArray[np.intp] | None = None) -> HeadRefit:
        """The refit to ``rows``, to all of them where none are named."""
        slope, shift, weight = self._fit(
            ridge, np.arange(len(self.labels)) if rows is None else rows
        )
        weight, whole = self.back @ weight, slope * self.scale
        shift -= float(self.mean @ weight) + whole * self.middle
        return HeadRefit(whole, weight / whole, shift / whole, ridge)

    def _fit(
        self, ridge: float, rows: NDArray[np.intp]
    ) -> tuple[float, float, NDArray[np.float64]]:
        """Newton's method for slope, shift and weight; both classes count alike.

        The slope stays above 0: that a margin tells less elsewhere is one thing, that it tells the
        opposite is none that a few images can show.
        """
        labels = self.labels[rows]
        free = self.coordinates.shape[1] if np.isfinite(ridge) else 0
        x = np.column_stack([self.margin[rows], np.ones(len(rows)), self.coordinates[rows, :free]])
        share = np.where(labels == 1, (labels == 1).mean(), (labels == 0).mean())
        weight = 0.5 / share
        pull = np.concatenate([[_SLOPE_PRIOR, 1e-6], np.full(free, ridge if free else 0.0)])
        start = np.zeros(x.shape[1])
        start[0] = 1.0
        found = start.copy()
        for _ in range(_STEPS):
            p = sigmoid(x @ found)
            gradient = x.T @ (weight * (p - labels)) + pull * (found - start)
            curve = weight * np.maximum(p * (1 - p), _FLAT)
            hessian = (x * curve[:, None]).T @ x + np.diag(pull)
            held = found[0] <= _LEAST_SLOPE and gradient[0] > 0
            moving = slice(1, None) if held else slice(None)
            move = np.zeros_like(found)
            move[moving] = np.linalg.solve(hessian[moving, moving], gradient[moving])
            found -= np.clip(move, -_FARTHEST, _FARTHEST)
            found[0] = max(found[0], _LEAST_SLOPE)
            if np.abs(move).max() < _CLOSE:
                break
        fitted = np.zeros(self.coordinates.shape[1])
        fitted[:free] = found[2:]
        return float(found[0]), float(found[1]), fitted
