"""Where the files beside the code are: demo recipe, icons, help, shipped models.

They live in the top-level folders ``resources/`` and ``models/``. From a checkout they are beside
the package, in an installed wheel under ``cfinspect/shared`` (see ``tool.setuptools.package-dir``),
and in a frozen program in the bundle's folder.
"""

from __future__ import annotations

import sys
from pathlib import Path

from cfinspect.engine.errors import CfinspectError

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


def _folder(name: str) -> Path:
    if getattr(sys, "frozen", False):
        return Path(getattr(sys, "_MEIPASS", Path(sys.executable).parent)) / name
    # Inside first: what lies beside an installed package belongs to somebody else.
    inside = _PACKAGE / "shared" / name
    return inside if inside.is_dir() else _PACKAGE.parent / name
