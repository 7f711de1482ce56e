"""Model files of other formats, which plug-ins read and run; needs no torch.

An entry point of the group ``cfinspect.backends`` is called as the files' suffix, without the dot,
and names a module (or any object) with the two functions of ``BackendPlugin``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, TypeGuard

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.plugins import PluginError, Plugins
from cfinspect.engine.model.metadata import ModelMetadata

SUFFIX = ".safetensors"
ONNX_SUFFIX = ".onnx"  # of converted models
_FUNCTIONS = ("load_metadata", "load_backend")


class BackendPlugin(Protocol):
    """What an entry point of ``cfinspect.backends`` has to offer."""

    def load_metadata(self, path: Path) -> ModelMetadata:
        """What the model file is and how it is used; quick, without its weights."""

    def load_backend(self, path: Path, device: str, precision: str) -> object:
        """The model, ready to run: an ``engine.inference.backend.Backend``.

        ``device``: auto, cpu, cuda or cuda:N. ``precision``: auto, fp32, bf16 or fp16. What a
        plug-in cannot do of these it refuses with a CfinspectError.
        """


def _is_backend(value: object) -> TypeGuard[BackendPlugin]:
    return all(callable(getattr(value, name, None)) for name in _FUNCTIONS)


PLUGINS = Plugins(
    group="cfinspect.backends",
    kind="backend",
    usable=_is_backend,
    expected=f"a module with the functions {' and '.join(_FUNCTIONS)}",
    built_in=frozenset({SUFFIX[1:], ONNX_SUFFIX[1:]}),
)


def model_suffixes() -> tuple[str, ...]:
    """Suffixes of the model files that can be used, ours first: (".safetensors", ...)."""
    return (SUFFIX, ONNX_SUFFIX, *(f".{name}" for name in PLUGINS.names()))


def is_foreign(path: Path) -> bool:
    """Whether a plug-in is there for model files of this suffix."""
    known = path.suffix == SUFFIX or is_onnx(path)
    return not known and path.suffix[1:] in PLUGINS.names()


def is_onnx(path: Path) -> bool:
    """Whether a file is a converted model, by its name; so may another program's be called."""
    return path.suffix.lower() == ONNX_SUFFIX


def foreign_metadata(path: Path) -> ModelMetadata:
    """The metadata of a plug-in's model file. Raises CfinspectError with a sentence."""
    name = path.suffix[1:]
    try:
        found = _plugin(name).load_metadata(path)
        if not isinstance(found, ModelMetadata):
            raise TypeError(f"load_metadata gave {type(found).__name__}, not ModelMetadata")
    except CfinspectError:
        raise
    except Exception as error:
        raise PLUGINS.failed(name, error) from error
    return found


def foreign_backend(path: Path, device: str, precision: str) -> object:
    """A plug-in's model, ready to run. Raises CfinspectError with a sentence."""
    name = path.suffix[1:]
    try:
        found = _plugin(name).load_backend(path, device, precision)
        if not callable(getattr(found, "run", None)) or not hasattr(found, "metadata"):
            raise TypeError(f"load_backend gave {type(found).__name__}, which cannot run a model")
    except CfinspectError:
        raise
    except Exception as error:
        raise PLUGINS.failed(name, error) from error
    return found


def _plugin(name: str) -> BackendPlugin:
    found = PLUGINS.load(name)
    if found is None:
        raise PluginError(
            f"The plug-in for .{name} files cannot be used: the warning before this says why."
        )
    return found
