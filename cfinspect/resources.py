"""The files beside the code: demo recipe, icons, help, shipped models."""

from __future__ import annotations

import functools
import json
from pathlib import Path

from cfinspect import __version__
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.installed import BACKBONE, has_torch, installed_file, installed_folder
from cfinspect.engine.model.plugins import ONNX_SUFFIX, SUFFIX


def resource_path(name: str) -> Path:
    """Return the file or folder ``name`` (such as ``demo.json``) of ``resources/``.

    Raises CfinspectError when it is missing, which means that the installation is damaged.
    """
    return installed_file("resources", name)


def models_path() -> Path:
    """Return the folder of shipped models; it may hold none."""
    return installed_folder("models")


def shipped_models() -> dict[str, Path]:
    """The models that come with cfinspect, by the kind of images they are for ("crack", ...).

    Where there is no torch they are converted ones.
    """
    found = sorted(models_path().glob(f"*{_model_suffix()}"))
    return {path.stem: path for path in found if path.stem != BACKBONE}


def shipped_model(kind: str) -> Path:
    """The model for images of this kind; raises CfinspectError where it is missing."""
    found = shipped_models().get(kind)
    if found is None:
        raise CfinspectError(
            f"The model {kind}{_model_suffix()} is missing from this installation: reinstall it."
        )
    return found


def _model_suffix() -> str:
    return SUFFIX if has_torch() else ONNX_SUFFIX


@functools.cache
def build_info() -> dict[str, str]:
    """What ``packaging/build.py`` noted in this bundle; {} where it is no bundle.

    version, flavour ("light", "cpu" or "cuda"), commit, source_date, python, torch or onnxruntime,
    system.
    """
    try:
        found = json.loads(
            (installed_folder("resources") / "build.json").read_text(encoding="utf-8")
        )
    except (OSError, ValueError):  # none, or a damaged one: no reason not to start
        return {}
    return {str(name): str(value) for name, value in found.items()}


def version_in_words() -> str:
    """Version, and of a bundle the build: "0.1.0 (cpu bundle, commit 0123456789ab)"."""
    build = build_info()
    if not build:
        return __version__
    commit = f", commit {build['commit']}" if build.get("commit") else ""
    return f"{__version__} ({build.get('flavour', '')} bundle{commit})"
