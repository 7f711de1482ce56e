"""The errors that a caller may want to catch; ``str(error)`` is a sentence for a person.

>>> import cfinspect
>>> try:
...     cfinspect.load("no-such-model")
... except cfinspect.errors.ModelFileError as error:
...     print("no model:", type(error).__name__)
no model: ModelFileError

All but ``Cancelled`` are subclasses of ``CfinspectError``:

- ``CfinspectError``: something that the caller can mend: what, which file, what to do.
- ``ImageError``: an image file that cannot be read or written (``path``, ``reason``).
- ``ModelFileError``: a file that is no model, is damaged, or was made by a newer cfinspect.
- ``MetadataError``: a model file whose metadata cannot be used.
- ``InspectionError``: the model's answer cannot be used, or there is too little memory.
- ``DeviceError``: the wished-for device or precision cannot be had here.
- ``DataError``: a data folder that cannot be used: a class is missing, a table is malformed.
- ``ConfigError``: a setting of a training that does not exist or cannot work.
- ``CheckpointError``: a training that cannot be resumed.
- ``EvaluationError``: images or masks that cannot be evaluated.
- ``FormatError``: a file of another tool that cannot be used.
- ``ProjectError``: a folder without a project, or a project that cannot be used.
- ``ConflictError``: somebody else changed the same verdict meanwhile (a ``ProjectError``).
- ``PluginError``: a plug-in failed in its work.
- ``Cancelled``: somebody asked the work to stop; no error, what was finished is kept.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cfinspect.engine.base.device import DeviceError
    from cfinspect.engine.base.errors import CfinspectError
    from cfinspect.engine.base.images import ImageError
    from cfinspect.engine.base.plugins import PluginError
    from cfinspect.engine.base.progress import Cancelled
    from cfinspect.engine.data.class_words import DataError
    from cfinspect.engine.evaluation.evaluate import EvaluationError
    from cfinspect.engine.inference.backend import InspectionError
    from cfinspect.engine.model.file import ModelFileError
    from cfinspect.engine.model.metadata import MetadataError
    from cfinspect.engine.training.config import ConfigError
    from cfinspect.engine.training.state import CheckpointError
    from cfinspect.formats.exchange_types import FormatError
    from cfinspect.project.database import ProjectError
    from cfinspect.project.verdicts import ConflictError

# Where each is at home. Imported when it is first asked for: two of the modules start torch.
_PLACES = {
    "Cancelled": "cfinspect.engine.base.progress",
    "CfinspectError": "cfinspect.engine.base.errors",
    "CheckpointError": "cfinspect.engine.training.state",
    "ConfigError": "cfinspect.engine.training.config",
    "ConflictError": "cfinspect.project.verdicts",
    "DataError": "cfinspect.engine.data.class_words",
    "DeviceError": "cfinspect.engine.base.device",
    "EvaluationError": "cfinspect.engine.evaluation.evaluate",
    "FormatError": "cfinspect.formats.exchange_types",
    "ImageError": "cfinspect.engine.base.images",
    "InspectionError": "cfinspect.engine.inference.backend",
    "MetadataError": "cfinspect.engine.model.metadata",
    "ModelFileError": "cfinspect.engine.model.file",
    "PluginError": "cfinspect.engine.base.plugins",
    "ProjectError": "cfinspect.project.database",
}
__all__ = [
    "Cancelled",
    "CfinspectError",
    "CheckpointError",
    "ConfigError",
    "ConflictError",
    "DataError",
    "DeviceError",
    "EvaluationError",
    "FormatError",
    "ImageError",
    "InspectionError",
    "MetadataError",
    "ModelFileError",
    "PluginError",
    "ProjectError",
]

if not TYPE_CHECKING:  # with it, every misspelt name would have a type

    def __getattr__(name: str) -> type[Exception]:
        """Import an error when it is first asked for (PEP 562)."""
        if name not in _PLACES:
            raise AttributeError(f"module 'cfinspect.errors' has no attribute {name!r}")
        found: type[Exception] = getattr(importlib.import_module(_PLACES[name]), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
