"""Where to cut a segmenter's probability, and whether it marks better: evidence without masks.

The verdict of D is the witness. A mask that holds the damage, painted over, turns it; one that
misses some does not; and the smaller the mask that does, the better it fits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.inference.saliency import otsu_threshold

Masks = NDArray[np.bool_]
Rows = NDArray[np.bool_]

OTSU, HUMAN = "median of otsu", "human masks"

_CANDIDATES = np.arange(95, 0, -5) / 100
_SLACK = 0.02  # of shares of images: a hundred held-out images say no more than that
_MORE_AREA = 1.25  # larger masks turn more verdicts whatever they hold
FEWEST_HUMAN = 10


@dataclass(frozen=True)
class MaskEvidence:
    """What speaks for one way of marking, on the held-out damaged images.

    ``filled``: share of D's verdicts that turn when the inside of the mask is painted over from its
    surroundings; mending it by x' would favour G's masks, as x' differs most from x where those
    are. ``area``: mean share of the pixels. ``agreement``: summed intersection over summed union
    with human masks; None without any.
    """

    filled: float
    area: float
    agreement: float | None = None


def fit_cut(probability: NDArray[np.float32]) -> tuple[float, str]:
    """The threshold for ``probability`` (n, S, S) of damaged images, and the rule's name.

    The median of the images' Otsu thresholds: it needs no masks. On three splits of development
    images (cracks) it came within .02 of the best threshold's IoU each time.
    """
    return float(np.median([otsu_threshold(one.reshape(-1)) for one in probability])), OTSU


def fit_cut_to(probability: NDArray[np.float32], human: Masks) -> tuple[float, str]:
    """The threshold that agrees best with human masks (n, S, S), and the rule's name."""
    found = [agreement(probability >= cut, human) or 0.0 for cut in _CANDIDATES]
    return float(_CANDIDATES[int(np.argmax(found))]), HUMAN


def halves(keys: Sequence[NDArray[np.int64]], counted: Rows) -> Rows:
    """Which of n squares are the first half, so that thresholds can be judged on the other.

    ``keys``, each (n,), from the coarsest on: squares of equal key stay together. The first key of
    which the ``counted`` squares (n,), those that a threshold is fitted to, have several decides.
    """
    several = (key for key in keys if len(np.unique(key[counted])) > 1)
    key = next(several, np.arange(len(counted)))
    names, sizes = np.unique(key[counted], return_counts=True)
    return np.isin(key, names[np.argsort(-sizes, kind="stable")][::2])


def cross_fitted(
    probability: NDArray[np.float32], fit: Callable[[Rows], float], first: Rows
) -> Masks:
    """Masks (n, S, S) of each half, cut at the threshold that ``fit`` finds on the other half.

    ``first`` (n,): see `halves`. A threshold is not judged on what it was fitted to.
    """
    cuts = np.where(first, np.float32(fit(~first)), np.float32(fit(first)))
    return np.asarray(probability >= cuts[:, None, None])


def better(old: MaskEvidence, new: MaskEvidence, human_masks: int) -> tuple[bool, str]:
    """Whether ``new`` marks better than ``old``, and why or why not, as a sentence.

    With ten ``human_masks`` or more their word counts. Otherwise as many verdicts must turn, less
    two hundredths, by masks that are no larger; or more, by masks that are hardly larger.
    """
    if agreements := deciding_agreements(old, new, human_masks):
        before, now = agreements
        said = (
            f"the agreement with {human_masks} human masks (IoU) is {now:.3f}, before {before:.3f}"
        )
        return now > before, said
    said = (
        f"{new.filled:.1%} of the verdicts turn when the inside of the mask is painted over, "
        f"before {old.filled:.1%}; the masks cover {new.area:.2%} of the image, before "
        f"{old.area:.2%}"
    )
    as_many = new.filled >= old.filled - _SLACK and new.area <= old.area
    more = new.filled > old.filled and new.area <= _MORE_AREA * old.area
    return as_many or more, said


def deciding_agreements(
    old: MaskEvidence, new: MaskEvidence, human_masks: int
) -> tuple[float, float] | None:
    """The agreements by which `better` decides, before and now; None: too few human masks."""
    if human_masks < FEWEST_HUMAN or old.agreement is None or new.agreement is None:
        return None
    return old.agreement, new.agreement


def agreement(masks: Masks, human: Masks) -> float | None:
    """Summed intersection over summed union of masks (n, S, S); None where both are empty."""
    union = int((masks | human).sum())
    return int((masks & human).sum()) / union if union else None


def painted_over(images: NDArray[np.uint8], masks: Masks) -> NDArray[np.uint8]:
    """Images (n, S, S, 3) whose masks are filled from their surroundings (Telea 2004)."""
    return np.stack(
        [
            np.asarray(cv2.inpaint(image, mask.astype(np.uint8) * 255, 3, cv2.INPAINT_TELEA))
            for image, mask in zip(images, masks, strict=True)
        ]
    ).astype(np.uint8)
