"""How well masks and saliencies find the damage, on damaged images that have a true mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BINS = 4096  # saliency levels kept: sixteen to one step of an 8 bit image


@dataclass(frozen=True)
class LocalisationFigures:
    """Figures of ``n`` images with a true mask, in 0..1; None where undefined (no true pixel).

    ``iou``: summed intersection over summed union, with the model's own masks;
    ``mean_image_iou``: mean over images; ``pixel_ap``: average precision of the saliency over
    all pixels; ``oracle_iou``: the saliency under the one threshold that suits the true masks
    best, ``oracle_threshold``. That is an upper bound for a global threshold on the saliency,
    not a result: it has seen the true masks. Where a model has a segmenter, its probability stands
    in the saliency's place: both are of what the masks are cut from.
    """

    iou: float | None
    mean_image_iou: float | None
    pixel_ap: float | None
    oracle_iou: float | None
    oracle_threshold: float | None
    n: int


class Localisation:
    """Adds up images one by one, in memory that does not grow with their number or size."""

    def __init__(self) -> None:
        self._hits = 0
        self._union = 0
        self._image_ious: list[float] = []
        self._n = 0
        self._inside = np.zeros(_BINS, dtype=np.int64)
        self._all = np.zeros(_BINS, dtype=np.int64)

    def add(
        self,
        mask_true: NDArray[np.bool_],
        mask_pred: NDArray[np.bool_],
        saliency: NDArray[np.float32],
    ) -> float | None:
        """Add a damaged image; three maps (H, W), ``saliency`` in 0..1.

        Returns the image's IoU, None where both masks are empty. ``ValueError`` when the sizes
        differ.
        """
        if not mask_true.shape == mask_pred.shape == saliency.shape:
            raise ValueError(f"sizes differ: {mask_true.shape} {mask_pred.shape} {saliency.shape}")
        hits = int(np.count_nonzero(mask_true & mask_pred))
        union = int(np.count_nonzero(mask_true | mask_pred))
        self._n += 1
        self._hits += hits
        self._union += union
        levels = np.clip(saliency * np.float32(_BINS), 0, _BINS - 1).astype(np.uint16)
        self._inside += np.bincount(levels[mask_true], minlength=_BINS)
        self._all += np.bincount(levels.ravel(), minlength=_BINS)
        if not union:
            return None
        self._image_ious.append(hits / union)
        return hits / union

    def result(self) -> LocalisationFigures:
        """Return the figures of the images so far."""
        pixel_ap, oracle_iou, oracle_threshold = self._over_thresholds()
        return LocalisationFigures(
            iou=self._hits / self._union if self._union else None,
            mean_image_iou=float(np.mean(self._image_ious)) if self._image_ious else None,
            pixel_ap=pixel_ap,
            oracle_iou=oracle_iou,
            oracle_threshold=oracle_threshold,
            n=self._n,
        )

    def _over_thresholds(self) -> tuple[float | None, float | None, float | None]:
        """Average precision, the best IoU of one threshold, and that threshold."""
        found = np.cumsum(self._inside[::-1])  # true pixels from the highest level down
        chosen = np.cumsum(self._all[::-1])
        total = int(found[-1])
        if not total:
            return None, None, None
        used = chosen > 0
        found, chosen = found[used], chosen[used]
        precision = found / chosen
        recall_steps = np.diff(found, prepend=0) / total
        iou = found / (total + chosen - found)
        best = int(np.argmax(iou))
        level = int(np.flatnonzero(used)[best])
        return (
            float((precision * recall_steps).sum()),
            float(iou[best]),
            (_BINS - 1 - level) / _BINS,
        )
