"""What came of explaining one file; needs no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.bulk import Source

NOT_ASKED = "is of that class already"
NOT_KEPT = "the diffusion model's filter alone changes the verdict"
NOT_FLIPPED = "no explanation: nothing that was found changes the verdict"


@dataclass(frozen=True, eq=False)
class Explained:
    """What came of one file, or else the ``error``.

    ``target``: 1 for damaged. ``before``, ``after``: probability of damage above the threshold's
    (0.5 where the verdict turns), of the image and of the counterfactual, if there is one.
    ``flipped``: None without a counterfactual. ``picture`` (the counterfactual, uint8),
    ``saliency`` and ``mask``: at the size of ``image`` (H, W, 3). ``note``: why an explanation is
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
    evaluations: int = 0
    seconds: float = 0.0
