"""Everything about one image that the canvas shows."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from cfinspect.project.listing import ImageRow
from cfinspect.project.predictions import Prediction
from cfinspect.project.verdicts import HumanAnnotation

Levels = list[QImage]
Maps = list[NDArray[np.uint8]]


@dataclass(frozen=True, eq=False)
class Picture:
    """One image of H x W px as the canvas shows it.

    ``levels``, ``counterfactual``: the image and x' at full size, half, a quarter, ...; empty when
    not there (yet). ``preview``: that the largest level is smaller than the image, which is still
    being read. ``saliency``: |x - x'| as (h, w) uint8, 255 for 1, in the same sizes. ``mask``: of
    the machine, (H, W) bool, ``mask_levels`` its halves. ``human_mask``: class numbers (H, W)
    uint8, None where no human drew one. ``error``: why there is no image, a sentence.
    """

    row: ImageRow
    width: int
    height: int
    levels: Levels
    preview: bool = False
    counterfactual: Levels = field(default_factory=list)
    saliency: Maps = field(default_factory=list)
    mask: NDArray[np.bool_] | None = None
    prediction: Prediction | None = None
    human: HumanAnnotation = field(default_factory=HumanAnnotation)
    human_mask: NDArray[np.uint8] | None = None
    mask_levels: Maps = field(default_factory=list)
    error: str = ""

    @property
    def size_in_bytes(self) -> int:
        """Memory that it takes, about."""
        images = sum(one.sizeInBytes() for one in (*self.levels, *self.counterfactual))
        maps = sum(one.nbytes for one in self.saliency)
        arrays = (*self.mask_levels, self.human_mask)
        return images + maps + sum(one.nbytes for one in arrays if one is not None)

    def pixels(
        self, rows: slice = slice(None), columns: slice = slice(None)
    ) -> NDArray[np.uint8] | None:
        """The image or a part of it, (h, w, 3) RGB uint8; None while only a preview is here."""
        if self.preview or not self.levels:
            return None
        image = self.levels[0]
        four = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1, 4)
        return np.ascontiguousarray(four[rows, columns, 2::-1])
