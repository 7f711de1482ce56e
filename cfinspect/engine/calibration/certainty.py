"""How good a calibration is, measured on images it was not fitted to, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.calibration.fit import fit_score_threshold
from cfinspect.engine.calibration.head_refit import FEWEST_GROUPS, group_folds
from cfinspect.engine.metrics.classification import auroc
from cfinspect.engine.metrics.probability import probabilities, score
from cfinspect.engine.metrics.review import wilson
from cfinspect.engine.model.metadata import Decision

_SURE = 50
_WEAK = 0.8
_MOST_FOLDS = 50


@dataclass(frozen=True)
class CalibrationCertainty:
    """How good a refit is, on images that it was not fitted to, and how sure that is.

    ``n`` images; ``auroc`` of D's margin, which no threshold can mend; ``error_old`` and
    ``error_new``: share of wrong labels before and after, the latter by cross-validation over
    groups, with its 95 % interval; ``warnings``: sentences. From undamaged images alone both are
    shares of false alarms, ``error_new`` on the images fitted to, and there is no ``auroc``.
    """

    n: int
    auroc: float | None
    error_old: float
    error_new: float
    error_new_ci95: tuple[float, float]
    warnings: tuple[str, ...]


class Answers(NamedTuple):
    """D's logits (n, 3) on the labelled images.

    ``before`` the calibration; ``after`` it, each by a D that was refitted to other groups.
    """

    before: NDArray[np.float32]
    after: NDArray[np.float32]


def measured_certainty(
    answers: Answers,
    labels: NDArray[np.int64],
    groups: Sequence[str],
    old: Decision,
    start: Decision,
) -> CalibrationCertainty:
    """Of a calibration of ``old``; ``start``: where the fit of the threshold begins."""
    count = len(labels)
    folds = group_folds(groups, _MOST_FOLDS)
    wrong_new = 0
    for fold in np.unique(folds):
        rest, left = folds != fold, folds == fold
        fitted = fit_score_threshold(answers.after[rest], labels[rest], start)
        wrong_new += _wrong(answers.after[left], labels[left], *fitted)
    wrong_old = _wrong(answers.before, labels, old.temperature, old.score_threshold)
    low, high = wilson(wrong_new, count) or (0.0, 1.0)
    fewest = int(np.bincount(labels, minlength=2).min())
    warnings = []
    if fewest < _SURE:
        warnings.append(
            f"only {fewest} images of the rarer class: the error after calibration lies "
            f"between {low:.1%} and {high:.1%} (95 % interval)"
        )
    if len(set(groups)) < FEWEST_GROUPS:
        warnings.append(
            f"the images are of {len(set(groups))} groups: too few to part them by group, so the "
            "error after calibration is that on other images of the same groups"
        )
    area = auroc(labels, answers.after[:, 1] - answers.after[:, 0])
    if area is not None and area < _WEAK:
        warnings.append(
            f"the model ranks these images badly (AUROC {area:.2f}): no threshold mends that, "
            "fine-tune it with 'cfinspect train --from'"
        )
    if wrong_new > wrong_old:
        warnings.append("the old model makes fewer errors on these images: keep the old model")
    return CalibrationCertainty(
        n=count,
        auroc=area,
        error_old=wrong_old / count,
        error_new=wrong_new / count,
        error_new_ci95=(low, high),
        warnings=tuple(warnings),
    )


def false_alarm_certainty(
    logits: NDArray[np.float32], old: Decision, new: Decision, wanted: float
) -> CalibrationCertainty:
    """Of a threshold that was shifted on undamaged images alone; logits (n, 3)."""
    count, labels = len(logits), np.zeros(len(logits), np.int64)
    wrong_old, wrong_new = (
        _wrong(logits, labels, one.temperature, one.score_threshold) for one in (old, new)
    )
    low, high = wilson(wrong_new, count) or (0.0, 1.0)
    warnings = [
        f"no damaged image among them: {wrong_new / count:.1%} of the undamaged ones are called "
        f"damaged (95 % interval {low:.1%} to {high:.1%}); how much damage is missed is unknown"
    ]
    if wanted * (count + 1) < 1:
        warnings.append(
            f"{count} images cannot show a false-alarm rate of {wanted:.1%}: the threshold lies "
            f"just above all of them; {int(np.ceil(1 / wanted)) - 1} images could"
        )
    return CalibrationCertainty(
        n=count,
        auroc=None,
        error_old=wrong_old / count,
        error_new=wrong_new / count,
        error_new_ci95=(low, high),
        warnings=tuple(warnings),
    )


def _wrong(
    logits: NDArray[np.float32], labels: NDArray[np.int64], temperature: float, threshold: float
) -> int:
    said = score(probabilities(logits, temperature)) >= threshold
    return int((said != (labels == 1)).sum())
