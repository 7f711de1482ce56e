"""Where the folders beside the code are: ``resources/`` and ``models/``.

From a checkout they are beside the package, in an installed wheel under ``cfinspect/shared`` (see
``tool.setuptools.package-dir``), and in a frozen program in the bundle's folder.
"""

from __future__ import annotations

import sys
from pathlib import Path

from cfinspect.engine.base.errors import CfinspectError

_PACKAGE = Path(__file__).resolve().parents[2]
BACKBONE = "backbone"  # of models/: pretrained weights that are no model


def installed_folder(name: str) -> Path:
    """The folder called "resources" or "models"; it may be missing in a damaged installation."""
    if getattr(sys, "frozen", False):
        return Path(getattr(sys, "_MEIPASS", Path(sys.executable).parent)) / name
    # Inside first: what lies beside an installed package belongs to somebody else.
    inside = _PACKAGE / "shared" / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


def installed_file(folder: str, name: str) -> Path:
    """The file or folder ``name`` in one of them.

    Raises CfinspectError when it is missing, which means that the installation is damaged.
    """
    path = installed_folder(folder) / name
    if not path.exists():
        raise CfinspectError(f"The file {name} is missing from this installation: reinstall it.")
    return path
