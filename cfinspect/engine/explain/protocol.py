"""One small interface for all that explains a verdict, by a counterfactual or by saliency.

None of it needs torch: converted models are explained without.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.progress import Progress
from cfinspect.engine.calibration.fit import fit_mask_threshold
from cfinspect.engine.inference.stream import Source
from cfinspect.engine.metrics.probability import sigmoid

Images = NDArray[np.uint8]
Maps = NDArray[np.float32]
Labels = NDArray[np.int64]

NO_NUMBER = "the classifier answers with what is no number"
NOT_ASKED = "is of that class already"
NOT_KEPT = "to be doubted: the diffusion model's filter alone changes the verdict"
NOT_FLIPPED = "no explanation: nothing that was found changes the verdict"


class BlackBox(Protocol):
    """What is explained: it tells damaged from undamaged, and nobody need look into it.

    ``size``: side in px of the squares that it sees. ``limit``: the log-odds of "damaged" from
    which on it says so.
    """

    name: str
    size: int
    limit: float

    def ask(self, images: Images | Maps) -> Maps:
        """The log-odds of "damaged", (n,), of RGB squares (n, size, size, 3).

        Bytes, or float32 in [0, 1], which some round to bytes.
        """

    def free_memory(self) -> None:
        """Hand back what it keeps between questions, before a smaller one."""


def probability(odds: float) -> float:
    """Of log-odds."""
    return float(sigmoid(odds))


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
