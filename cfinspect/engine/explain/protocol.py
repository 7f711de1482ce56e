"""One small interface for all that explains a verdict, by a counterfactual or by saliency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.progress import Progress
from cfinspect.engine.calibration.fit import fit_mask_threshold

Images = NDArray[np.uint8]
Maps = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Explanation:
    """Of n images (n, S, S, 3).

    ``counterfactual``: (n, S, S, 3) in [0, 1], or None from what only says where. ``saliency``:
    (n, S, S) in [0, 1]; ``mask``: (n, S, S) bool. ``flipped`` (n,): whether the classifier gives
    the counterfactual, rounded to 8 bit, the class that was asked for; None without one.
    ``evaluations`` (n,): passes of a network, backward ones and further views not counted.
    ``seconds``: per image. ``notes``: n sentences on what is to be doubted, "" where nothing is.
    """

    counterfactual: Maps | None
    saliency: Maps
    mask: NDArray[np.bool_]
    flipped: NDArray[np.bool_] | None
    evaluations: Labels
    seconds: float
    notes: tuple[str, ...] = ()


class Explainer(Protocol):
    """What would change the classifier's mind, or what in the image made it up."""

    @property
    def name(self) -> str:
        """One of ``plugins.method_names()``."""

    @property
    def size(self) -> int:
        """Side in px of the images that it takes."""

    def ticks(self, count: int) -> int:
        """How often ``explain`` calls ``progress.tick`` for so many images at once, at most."""

    def explain(
        self, images: Images, target: Labels, progress: Progress = Progress()
    ) -> Explanation:
        """Explain why images (n, size, size, 3) RGB uint8 are not of class ``target`` (n,).

        1 is damaged. ``progress.tick`` is called after each part of the work, and may raise
        ``Cancelled``.
        """


def own_masks(saliency: Maps) -> NDArray[np.bool_]:
    """Each map (n, S, S) from its own Otsu threshold on; empty where the map is."""
    return np.stack([(one >= fit_mask_threshold(one[None])) & (one > 0) for one in saliency])
