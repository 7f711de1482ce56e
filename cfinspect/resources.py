"""Where the files beside the code are: demo recipe, icons, help, shipped models.

They live in the top-level folders ``resources/`` and ``models/``. From a checkout they are beside
the package, in an installed wheel under ``cfinspect/shared`` (see ``tool.setuptools.package-dir``),
and in a frozen program in the bundle's folder.
"""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path

from cfinspect import __version__
from cfinspect.engine.base.errors import CfinspectError

_PACKAGE = Path(__file__).resolve().parent


def resource_path(name: str) -> Path:
    """Return the file or folder ``name`` (such as ``demo.json``) of ``resources/``.

    Raises CfinspectError when it is missing, which means that the installation is damaged.
    """
    path = _folder("resources") / name
    if not path.exists():
        raise CfinspectError(f"The file {name} is missing from this installation: reinstall it.")
    return path


def models_path() -> Path:
    """Return the folder of shipped models; it may hold none."""
    return _folder("models")


def shipped_models() -> dict[str, Path]:
    """The models that come with cfinspect, by the kind of images they are for ("crack", ...)."""
    return {path.stem: path for path in sorted(models_path().glob("*.safetensors"))}


def shipped_model(kind: str) -> Path:
    """The model for images of this kind; raises CfinspectError where it is missing."""
    found = shipped_models().get(kind)
    if found is None:
        raise CfinspectError(
            f"The model {kind}.safetensors is missing from this installation: reinstall it."
        )
    return found


@functools.cache
def build_info() -> dict[str, str]:
    """What ``packaging/build.py`` noted in this bundle; {} where it is no bundle.

    version, flavour ("cpu" or "cuda"), commit, source_date, python, torch, system.
    """
    try:
        found = json.loads((_folder("resources") / "build.json").read_text(encoding="utf-8"))
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


def _folder(name: str) -> Path:
    if getattr(sys, "frozen", False):
        return Path(getattr(sys, "_MEIPASS", Path(sys.executable).parent)) / name
    # Inside first: what lies beside an installed package belongs to somebody else.
    inside = _PACKAGE / "shared" / name
    return inside if inside.is_dir() else _PACKAGE.parent / name
