"""Where the folders beside the code are: ``resources/`` and ``models/``.

From a checkout they are beside the package, in an installed wheel under ``cfinspect/shared`` (see
``tool.setuptools.package-dir``), and in a frozen program in the bundle's folder.
"""

from __future__ import annotations

import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[2]
BACKBONE = "backbone"  # of models/: pretrained weights that are no model


def installed_folder(name: str) -> Path:
    """The folder called "resources" or "models"; it may be missing in a damaged installation."""
    if getattr(sys, "frozen", False):
        return Path(getattr(sys, "_MEIPASS", Path(sys.executable).parent)) / name
    # Inside first: what lies beside an installed package belongs to somebody else.
    inside = _PACKAGE / "shared" / name
    return inside if inside.is_dir() else _PACKAGE.parent / name
