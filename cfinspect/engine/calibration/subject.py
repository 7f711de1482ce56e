"""A model that calibration changes: of torch, or a converted one, which needs none."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.calibration.head_refit import HeadRefit
from cfinspect.engine.inference.backend import PlacedBackend
from cfinspect.engine.inference.onnx_backend import OnnxBackend
from cfinspect.engine.model.metadata import ModelMetadata
from cfinspect.engine.model.onnx_file import OnnxModel, Refit, read_onnx, write_onnx
from cfinspect.engine.model.plugins import is_onnx


class Subject(Protocol):
    """Its networks, and how they learn.

    ``seen``: hashes of the images that it has learned from.
    """

    @property
    def backend(self) -> PlacedBackend:
        """Its networks, ready to run."""

    @property
    def seen(self) -> NDArray[np.uint64]:
        """See the class."""

    def refitted(self, refit: HeadRefit) -> Subject:
        """A new one whose D, and what G goes by, have learned ``refit``; its slope is left out."""

    def save(self, path: Path, metadata: ModelMetadata, seen: NDArray[np.uint64]) -> None:
        """Write it with other ``metadata`` and ``seen``; raises OSError."""


def open_subject(path: Path, device: str, precision: str) -> Subject:
    """The model in a file; raises CfinspectError with a sentence."""
    if is_onnx(path):
        return ConvertedSubject.read(path, device, precision)
    from cfinspect.engine.calibration.refit_model import TorchSubject  # noqa: PLC0415

    return TorchSubject.read(path, device, precision)


@dataclasses.dataclass(frozen=True, eq=False)
class ConvertedSubject:
    """A converted model: what it learns is an input of its graph; satisfies ``Subject``."""

    model: OnnxModel
    backend: OnnxBackend

    @classmethod
    def read(cls, path: Path, device: str, precision: str) -> ConvertedSubject:
        """Open a file; raises CfinspectError with a sentence."""
        return cls(read_onnx(path), OnnxBackend(path, device, precision, workers=1))

    @property
    def seen(self) -> NDArray[np.uint64]:
        """See ``Subject``."""
        return self.model.seen

    def refitted(self, refit: HeadRefit) -> ConvertedSubject:
        """See ``Subject``."""
        old = self.backend.refit
        assert old is not None
        weight = (old.weight + refit.weight).astype(np.float32)
        learned = Refit(weight, old.shift + refit.shift)
        return dataclasses.replace(self, backend=self.backend.with_refit(learned))

    def save(self, path: Path, metadata: ModelMetadata, seen: NDArray[np.uint64]) -> None:
        """See ``Subject``."""
        learned = dataclasses.replace(
            self.model, metadata=metadata, seen=seen, refit=self.backend.refit
        )
        write_onnx(path, learned)
