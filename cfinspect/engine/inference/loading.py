"""From a model file of any kind to an inspector; torch is started only where a model needs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.installed import has_torch
from cfinspect.engine.inference.backend import Backend, NetworkOutputs, require_shapes
from cfinspect.engine.inference.inspector import Inspector
from cfinspect.engine.model.file import ModelFileError, load_metadata, require_inspecting
from cfinspect.engine.model.metadata import ModelMetadata
from cfinspect.engine.model.plugins import PLUGINS, foreign_backend, is_foreign, is_onnx


def load_inspector(
    path: Path,
    device: str = "auto",
    precision: str = "auto",
    batch: int = 64,
    threads: int | None = None,
) -> Inspector:
    """An inspector for a model file: our own, or of a suffix that a plug-in loads.

    ``device`` and ``precision`` as `device.choose_device` has it; ``batch``: images, or windows of
    photos, that go through the networks at once; ``threads``: of the CPU, None for all. Raises
    ModelFileError, MetadataError, DeviceError or PluginError with a sentence.
    """
    metadata = load_metadata(path)
    require_inspecting(path, metadata)
    if is_onnx(path):
        from cfinspect.engine.inference.onnx_backend import OnnxBackend  # noqa: PLC0415

        return Inspector(OnnxBackend(path, device, precision, threads), batch)
    if threads is not None and has_torch():
        from cfinspect.engine.base.device import limit_threads  # noqa: PLC0415

        limit_threads(threads)
    if not is_foreign(path):
        from cfinspect.engine.inference.torch_backend import load_torch_inspector  # noqa: PLC0415

        return load_torch_inspector(path, device, precision, batch)
    if metadata.defect_classes:
        raise ModelFileError(
            f"{path} knows several defect classes, which a plug-in's backend cannot answer for"
        )
    backend = cast("Backend", foreign_backend(path, device, precision))
    return Inspector(_GuardedBackend(path.suffix[1:], backend, metadata), batch)


class _GuardedBackend:
    """A plug-in's backend whose mistakes become sentences; satisfies ``Backend``."""

    def __init__(self, name: str, inner: Backend, metadata: ModelMetadata) -> None:
        self._name = name
        self._inner = inner
        self.metadata = metadata
        self.device = f"that of the plug-in {name} ({PLUGINS.origin(name)})"

    def run(self, batch: NDArray[np.uint8]) -> NetworkOutputs:
        """See ``Backend``."""
        try:
            found = self._inner.run(batch)
            require_shapes(found, len(batch), self.metadata)
        except (CfinspectError, MemoryError):
            raise
        except Exception as error:
            raise PLUGINS.failed(self._name, error) from error
        return found

    def close(self) -> None:
        """Let the model go, where the plug-in's backend can."""
        close: Any = getattr(self._inner, "close", None)
        if close is not None:
            close()
