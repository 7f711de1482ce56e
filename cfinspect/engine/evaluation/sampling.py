"""A balanced choice of labelled images as the squares that the networks see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.images import ImageError, read_image, resize_image
from cfinspect.engine.data.dataset import Sample
from cfinspect.engine.inference.inspector import Inspector


@dataclass(frozen=True)
class Squares:
    """``images`` (n, S, S, 3) uint8, ``labels`` (n,), ``groups`` of n; ``photos``: left aside.

    ``samples``: the files, where they are known.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    groups: tuple[str, ...]
    photos: int
    samples: tuple[Sample, ...] = ()

    def chosen(self, places: Sequence[int]) -> Squares:
        """Those at ``places``, whose ``samples`` must be known."""
        return Squares(
            self.images[places],
            self.labels[places],
            tuple(self.groups[place] for place in places),
            self.photos,
            tuple(self.samples[place] for place in places),
        )


def squares(
    inspector: Inspector, samples: Sequence[Sample], count: int | None, seed: int = 0
) -> Squares:
    """At most ``count`` images, half of each class, from as many groups as there are; None: all.

    Photos that are looked at through windows and files that cannot be read are left aside.
    CfinspectError where nothing is left.
    """
    size = inspector.backend.metadata.preprocessing.size
    kept: list[tuple[NDArray[np.uint8], Sample]] = []
    photos = 0
    for label in (0, 1):
        wanted = len(samples) if count is None else (count + label) // 2
        for sample in _spread([one for one in samples if one.label == label], seed):
            if wanted == 0:
                break
            try:
                image = read_image(sample.path)
            except ImageError:
                continue
            if inspector.is_photo(image):
                photos += 1
                continue
            kept.append((resize_image(image, size), sample))
            wanted -= 1
    if not kept:
        raise CfinspectError(
            "There is no image that is looked at as a whole: cut the photos into tiles "
            "('cfinspect tile') and give those."
        )
    return Squares(
        np.stack([image for image, _ in kept]),
        np.array([sample.label for _, sample in kept], dtype=np.int64),
        tuple(sample.group for _, sample in kept),
        photos,
        tuple(sample for _, sample in kept),
    )


def _spread(samples: list[Sample], seed: int) -> list[Sample]:
    """One of every group, then a second of every group, and so on; shuffled by ``seed``."""
    order = np.random.default_rng(seed).permutation(len(samples))
    turns: dict[str, int] = {}
    ranked: list[tuple[int, int, Sample]] = []
    for place in order:
        sample = samples[place]
        turns[sample.group] = turns.get(sample.group, -1) + 1
        ranked.append((turns[sample.group], len(ranked), sample))
    return [sample for _, _, sample in sorted(ranked, key=lambda entry: entry[:2])]
