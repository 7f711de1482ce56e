"""What came of explaining one file; needs no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.inference.stream import Source

NO_NUMBER = "the classifier answers with what is no number"
NOT_ASKED = "is of that class already"
NOT_KEPT = "to be doubted: the diffusion model's filter alone changes the verdict"
NOT_FLIPPED = "no explanation: nothing that was found changes the verdict"


@dataclass(frozen=True, eq=False)
class Explained:
    """What came of one file, or else the ``error``.

    ``target``: 1 for damaged. ``before``, ``after``: the classifier's score (probability of
    damage) for the image and for the counterfactual as it is at the image's size, if there is one.
    ``flipped``: whether the latter has the class that was asked for; None without one. ``kept``:
    whether the diffusion model's filter alone leaves the verdict as it is; None for other methods.
    ``picture`` (the counterfactual, uint8), ``saliency`` and ``mask``: at the size of ``image``
    (H, W, 3); None where nothing turned the verdict, which is no explanation. ``note``: why it is
    none, or what is to be doubted about it.
    """

    source: Source
    error: str = ""
    note: str = ""
    image: NDArray[np.uint8] | None = None
    picture: NDArray[np.uint8] | None = None
    saliency: NDArray[np.float32] | None = None
    mask: NDArray[np.bool_] | None = None
    target: int = 0
    before: float = 0.0
    after: float | None = None
    flipped: bool | None = None
    kept: bool | None = None
    evaluations: int = 0
    seconds: float = 0.0
