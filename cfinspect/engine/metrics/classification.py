"""How well images are told apart: F1 and its kin, AUROC, and how sure these figures are."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

_ROUNDS = 1000

# Both ends of a 95 % interval; None where there is too little to draw from.
Interval = tuple[float, float] | None


@dataclass(frozen=True)
class ClassificationIntervals:
    """95 % intervals of three figures, see ``classification``."""

    f1: Interval
    accuracy: Interval
    auroc: Interval


@dataclass(frozen=True)
class ClassificationFigures:
    """How well ``n`` images, ``n_damaged`` of them damaged, are told apart; all others in 0..1.

    None where a figure is undefined, see ``classification``.
    """

    n: int
    n_damaged: int
    f1: float | None
    accuracy: float | None
    precision: float | None
    recall: float | None
    auroc: float | None
    ci95: ClassificationIntervals


def auroc(
    labels: ArrayLike, scores: ArrayLike, weights: NDArray[np.float64] | None = None
) -> float | None:
    """Area under the ROC curve, from ranks (Mann and Whitney 1947); equal scores count half.

    ``labels``: 1 or True is what high ``scores`` should find; ``weights``: how often each counts.
    None when one class is missing.
    """
    positive = np.asarray(labels).astype(np.bool_)
    values, inverse = np.unique(np.asarray(scores, dtype=np.float64), return_inverse=True)
    often = np.ones(positive.size) if weights is None else weights
    ups = np.bincount(inverse, often * positive, minlength=values.size)
    downs = np.bincount(inverse, often * ~positive, minlength=values.size)
    return _area(ups, downs) if ups.any() and downs.any() else None


def average_precision(labels: ArrayLike, scores: ArrayLike) -> float | None:
    """Area under precision over recall, as the sum over its steps; equal scores are one step.

    ``labels`` and ``scores`` as for ``auroc``. None when there is nothing to find.
    """
    positive = np.asarray(labels).astype(np.bool_)
    if not positive.any():
        return None
    values, inverse = np.unique(-np.asarray(scores, dtype=np.float64), return_inverse=True)
    found = np.cumsum(np.bincount(inverse, positive, minlength=values.size))
    taken = np.cumsum(np.bincount(inverse, minlength=values.size))
    steps = np.diff(found, prepend=0.0)
    return float((steps * found / taken).sum() / positive.sum())


def group_draws(
    groups: Sequence[Hashable], figure: Callable[[NDArray[np.float64]], float], seed: int = 0
) -> Interval:
    """95 % interval of ``figure(weights)`` over 1000 bootstrap draws of whole ``groups``.

    ``weights`` (n,): how often each image was drawn. None as for ``classification``.
    """
    group_of, count = numbered(groups)
    if count < 2:
        return None
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(_ROUNDS):
        times = np.bincount(rng.integers(count, size=count), minlength=count)
        drawn.append(figure(times.astype(np.float64)[group_of]))
    return _interval(np.array(drawn))


def classification(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    groups: Sequence[Hashable] | None = None,
    seed: int = 0,
) -> ClassificationFigures:
    """Figures for ``labels`` (1 damaged) and ``scores`` (damaged from ``threshold`` on).

    ``ci95``: for f1, accuracy and auroc the 2.5 % and 97.5 % quantiles of 1000 bootstrap rounds
    that draw whole ``groups`` (images of one source photo stand or fall together; default: every
    image on its own). None where a figure is undefined: f1, precision and recall without damaged
    images (precision also when none is called damaged), auroc with one class, intervals with fewer
    than two groups.
    """
    truth = np.asarray(labels).astype(np.bool_)
    values = np.asarray(scores, dtype=np.float64)
    if groups is None:
        groups = range(truth.size)
    counts = _outcomes(truth, values >= threshold)
    return ClassificationFigures(
        n=int(truth.size),
        n_damaged=int(truth.sum()),
        **{name: _or_none(value) for name, value in _figures(counts.sum(axis=0)).items()},
        auroc=auroc(truth, values),
        ci95=_intervals(truth, values, counts, groups, seed),
    )


def _outcomes(truth: NDArray[np.bool_], said: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return (n, 4) of 0 and 1: true positive, false positive, false negative, true negative."""
    columns = [truth & said, ~truth & said, truth & ~said, ~truth & ~said]
    return np.stack(columns, axis=-1).astype(np.float64)


def _figures(counts: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return figures from counts (..., 4) as `_outcomes` orders them; NaN where undefined."""
    tp, fp, fn, tn = np.moveaxis(counts, -1, 0)
    damaged = tp + fn
    return {
        "f1": np.where(damaged > 0, _ratio(2 * tp, 2 * tp + fp + fn), np.nan),
        "accuracy": _ratio(tp + tn, tp + fp + fn + tn),
        "precision": np.where(damaged > 0, _ratio(tp, tp + fp), np.nan),
        "recall": _ratio(tp, damaged),
    }


def _intervals(
    truth: NDArray[np.bool_],
    values: NDArray[np.float64],
    counts: NDArray[np.float64],
    groups: Sequence[Hashable],
    seed: int,
) -> ClassificationIntervals:
    """Return the 95 % interval of f1, accuracy and auroc over bootstrap draws of whole groups."""
    group_of, count = numbered(groups)
    if count < 2:
        return ClassificationIntervals(None, None, None)
    per_group = np.stack(
        [np.bincount(group_of, column, minlength=count) for column in counts.T], axis=-1
    )
    levels, inverse = np.unique(values, return_inverse=True)
    rng = np.random.default_rng(seed)
    totals, areas = [], []
    for _ in range(_ROUNDS):
        drawn = rng.integers(count, size=count)
        times = np.bincount(drawn, minlength=count).astype(np.float64)
        totals.append(times @ per_group)
        weights = times[group_of]
        ups = np.bincount(inverse, weights * truth, minlength=levels.size)
        downs = np.bincount(inverse, weights * ~truth, minlength=levels.size)
        areas.append(_area(ups, downs) if ups.any() and downs.any() else np.nan)
    drawn_figures = _figures(np.array(totals))
    return ClassificationIntervals(
        f1=_interval(drawn_figures["f1"]),
        accuracy=_interval(drawn_figures["accuracy"]),
        auroc=_interval(np.array(areas)),
    )


def numbered(groups: Sequence[Hashable]) -> tuple[NDArray[np.intp], int]:
    """Each image's group as a number, and how many groups there are."""
    numbers: dict[Hashable, int] = {}
    group_of = [numbers.setdefault(group, len(numbers)) for group in groups]
    return np.array(group_of, dtype=np.intp), len(numbers)


def _area(ups: NDArray[Any], downs: NDArray[Any]) -> float:
    """Return the AUROC from how many (or how much weight) of either class each score has."""
    below = np.cumsum(downs) - downs
    won = float((ups * (below + downs / 2)).sum())
    return won / (float(ups.sum()) * float(downs.sum()))


def _interval(drawn: NDArray[np.float64]) -> Interval:
    """Return the middle 95 % of what is defined; None when less than half of the rounds is."""
    defined = drawn[np.isfinite(drawn)]
    if defined.size < drawn.size / 2:
        return None
    low, high = np.quantile(defined, [0.025, 0.975])
    return float(low), float(high)


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide; NaN where ``below`` is 0."""
    above, below = np.asarray(above), np.asarray(below)
    result = np.divide(above, below, out=np.full(below.shape, np.nan), where=below > 0)
    return np.asarray(result, dtype=np.float64)


def _or_none(value: NDArray[np.float64]) -> float | None:
    return float(value) if np.isfinite(value) else None
