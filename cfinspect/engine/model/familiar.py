"""What the images that a model learned from look like, to tell others from them without labels.

The features are those of the frozen backbone alone (``backbone.appearance``). The distance is that
of Mahalanobis along the training images' principal directions, with all that lies beside these
directions as one more term.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

_DIRECTIONS = 16
_QUANTILE = 0.99  # of the held-out images' distances: the limit
_LEAST_IMAGES = 8
_LEAST_DEVIATION = 1e-3
_PREFIX = "familiar."


@dataclass(frozen=True, eq=False)
class FamiliarImages:
    """Features (C,) of the images that a model learned from; all float32.

    ``mean``, ``deviation``: of each feature, (C,). ``directions``: the k principal directions of
    the standardised features, unit vectors, (k, C); ``spread``: deviation along each, (k,);
    ``rest``: root mean square of what lies beside them, (). ``limit``: the distance that hardly
    any image exceeds that is of their kind but was not learned from, ().
    """

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]
    directions: NDArray[np.float32]
    spread: NDArray[np.float32]
    rest: NDArray[np.float32]
    limit: NDArray[np.float32]

    def __post_init__(self) -> None:
        features, count = self.mean.shape, self.spread.shape
        if (self.mean.ndim, self.spread.ndim) != (1, 1):
            raise ValueError(f"{_PREFIX}mean and {_PREFIX}spread are no lists of numbers")
        shapes = {
            "deviation": features,
            "directions": (*count, *features),
            "rest": (),
            "limit": (),
        }
        for name, shape in shapes.items():
            found = getattr(self, name).shape
            if found != shape:
                raise ValueError(f"{_PREFIX}{name} has the shape {found}, not {shape}")

    @classmethod
    def of(cls, training: NDArray[np.float32], held_out: NDArray[np.float32]) -> Self | None:
        """From features of training images (n, C) and of held-out ones of their kind (m, C).

        None where there are fewer than 8 of either: they would say nothing.
        """
        if min(len(training), len(held_out)) < _LEAST_IMAGES:
            return None
        features = training.astype(np.float64)
        mean = features.mean(axis=0)
        deviation = np.maximum(features.std(axis=0), _LEAST_DEVIATION)
        z = (features - mean) / deviation
        _, lengths, directions = np.linalg.svd(z, full_matrices=False)
        # As many as the images can tell: four for each.
        count = min(_DIRECTIONS, len(z) // 4, z.shape[1])
        rest = float((lengths[count:] ** 2).sum() / len(z)) ** 0.5
        parts = (
            mean,
            deviation,
            directions[:count],
            np.maximum(lengths[:count] / len(z) ** 0.5, _LEAST_DEVIATION),
            max(rest, _LEAST_DEVIATION),
        )
        unscaled = cls(*(np.asarray(part, dtype=np.float32) for part in (*parts, 1.0)))
        limit = max(float(np.quantile(unscaled.unlikeness(held_out), _QUANTILE)), _LEAST_DEVIATION)
        return cls(*(np.asarray(part, dtype=np.float32) for part in (*parts, limit)))

    def unlikeness(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """How far images (n, C) are from those learned from, (n,) >= 0; 1 is the limit."""
        z = (features.astype(np.float64) - self.mean) / self.deviation
        along = z @ self.directions.T
        beside = np.maximum((z**2).sum(axis=1) - (along**2).sum(axis=1), 0)
        squared = ((along / self.spread) ** 2).mean(axis=1) + beside / self.rest**2
        return np.asarray(np.sqrt(squared / 2) / self.limit, dtype=np.float32)

    def tensors(self) -> dict[str, NDArray[np.float32]]:
        """As they stand in a model file: by name, always of 32 bit, some 30 kB."""
        return {f"{_PREFIX}{one.name}": getattr(self, one.name) for one in fields(self)}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[np.float32]]) -> Self | None:
        """The inverse, from all tensors of a file; None where it holds none of them.

        Raises KeyError where one is missing and ValueError where they do not fit together.
        """
        if not any(name.startswith(_PREFIX) for name in tensors):
            return None
        made = cls(*(tensors[f"{_PREFIX}{one.name}"] for one in fields(cls)))
        if not (np.isfinite(made.limit).all() and (made.limit > 0).all()):
            raise ValueError("the limit of what is like what was learned from is no number above 0")
        if not all(np.isfinite(getattr(made, one.name)).all() for one in fields(cls)):
            raise ValueError("what the images look like holds what is no number")
        return made
