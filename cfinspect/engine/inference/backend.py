"""What an inspection needs of the networks: torch's, onnxruntime's, or those of a plug-in."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.model.familiar import FamiliarImages
from cfinspect.engine.model.metadata import ModelMetadata


class InspectionError(CfinspectError):
    """The model's answer cannot be used."""


@dataclass(frozen=True, eq=False)
class NetworkOutputs:
    """What the networks say about a batch of n squares of side S.

    ``logits``: D's three (undamaged, damaged, fake) on x, (n, 3) float32. ``counterfactual``: x' =
    G(x), (n, S, S, 3) float32 in 0..1. ``flipped_logits``: D's on x', (n, 3) float32. ``head``: G's
    own probability of damaged for x, (n,) float32. ``appearance``: what x looks like to the
    pretrained backbone, (n, C) float32, where D looks through one. ``mask_probability``: a
    segmenter's of each pixel, (n, S, S) float32 in 0..1, where the model has one. ``named``: the
    probability of each defect class of what is damaged, (n, k) float32, where D names them.
    """

    logits: NDArray[np.float32]
    counterfactual: NDArray[np.float32]
    flipped_logits: NDArray[np.float32]
    head: NDArray[np.float32]
    appearance: NDArray[np.float32] | None = None
    mask_probability: NDArray[np.float32] | None = None
    named: NDArray[np.float32] | None = None

    def chosen(self, rows: NDArray[np.bool_]) -> NetworkOutputs:
        """The answers about some of the squares; ``rows`` (n,)."""
        values = vars(self).items()
        found: dict[str, Any] = {k: None if one is None else one[rows] for k, one in values}
        return NetworkOutputs(**found)

    @classmethod
    def joined(cls, parts: Sequence[NetworkOutputs]) -> NetworkOutputs:
        """The answers of several batches as one."""
        found: dict[str, Any] = {}
        for name in (field.name for field in dataclasses.fields(cls)):
            each = [getattr(one, name) for one in parts]
            found[name] = None if each[0] is None else np.concatenate(each)
        return cls(**found)


def require_squares(batch: NDArray[np.uint8], metadata: ModelMetadata) -> None:
    """Raise ValueError for what is no batch (n, S, S, 3) uint8, n >= 1, of the input size S."""
    size = metadata.preprocessing.size
    if batch.shape[1:] != (size, size, 3) or not len(batch) or batch.dtype != np.uint8:
        raise ValueError(f"expected (n, {size}, {size}, 3) uint8, got {batch.shape} {batch.dtype}")


def require_shapes(
    outputs: NetworkOutputs,
    count: int,
    metadata: ModelMetadata,
    familiar: FamiliarImages | None = None,
) -> None:
    """Raise ValueError where what a foreign runtime says of ``count`` squares is not all there.

    ``familiar``: what the ``appearance`` will be compared with.
    """
    size = metadata.preprocessing.size
    shapes: dict[str, tuple[int, ...]] = {
        "logits": (count, 3),
        "counterfactual": (count, size, size, 3),
        "flipped_logits": (count, 3),
        "head": (count,),
    }
    if metadata.segmenter is not None:
        shapes["mask_probability"] = (count, size, size)
    if metadata.names_classes:
        shapes["named"] = (count, len(metadata.defect_classes))
    elif outputs.named is not None:
        raise ValueError("it names defect classes, and its metadata names none")
    if familiar is not None and outputs.appearance is not None:
        shapes["appearance"] = (count, len(familiar.mean))
        if not np.isfinite(outputs.appearance).all():
            raise ValueError("its appearance is not a number")
    for name, shape in shapes.items():
        found = np.asarray(getattr(outputs, name))
        if found.shape != shape:
            raise ValueError(f"its {name} is {found.shape}, not {shape}")


class Backend(Protocol):
    """What an inspector needs of the networks: torch, or the runtime of a plug-in."""

    @property
    def metadata(self) -> ModelMetadata:
        """The model's metadata."""

    def run(self, batch: NDArray[np.uint8]) -> NetworkOutputs:
        """Answer for RGB squares (n, S, S, 3) of the metadata's input size."""


@dataclass(frozen=True, eq=False)
class CloserLook:
    """What D says of n squares, ``logits`` (n, 3), and its ``features`` there, (n, C)."""

    logits: NDArray[np.float32]
    features: NDArray[np.float32]


class PlacedBackend(Backend, Protocol):
    """One whose D may say how much each place speaks for damage: those of cfinspect's own models.

    The other two methods are for backends that have it (``has_evidence``), and raise
    InspectionError otherwise.
    """

    @property
    def has_evidence(self) -> bool:
        """Whether D looks through the pretrained backbone, at each place of its own."""

    def evidence(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """D's logits of damage at each place of squares (n, S, S, 3): (n, S/k, S/k), k = 2 or 4."""

    def look_closer(self, batch: NDArray[np.uint8]) -> CloserLook:
        """What calibration learns from, over all views of squares (n, S, S, 3)."""
