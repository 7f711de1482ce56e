"""What is installed here: the packages that cfinspect stands on, and its folders of files.

The folders ``resources/`` and ``models/`` are beside the package in a checkout, under
``cfinspect/shared`` in an installed wheel (see ``tool.setuptools.package-dir``), and in the
bundle's folder in a frozen program.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import sys
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Package:
    """A package that cfinspect needs: names for pip and for import, and the versions it takes.

    ``below`` is the first version that will not do, "" for none; only the window needs those
    with ``for_window``, and converted models do without those with ``for_torch``.
    """

    name: str
    module: str
    least: str
    below: str = ""
    for_window: bool = False
    for_torch: bool = False


# The same bounds as in pyproject.toml (tested); a frozen application has no such file.
PACKAGES = (
    Package("torch", "torch", "2.5", for_torch=True),
    Package("torchvision", "torchvision", "0.20", for_torch=True),
    Package("opencv-python-headless", "cv2", "4.10"),
    Package("numpy", "numpy", "1.26"),
    Package("safetensors", "safetensors", "0.4.5"),
    Package("typer", "typer", "0.29"),
    Package("rich", "rich", "13.7"),
    Package("pillow", "PIL", "10.3"),
    Package("tifffile", "tifffile", "2024.2.12"),
    Package("pycocotools", "pycocotools", "2.0.8"),
    Package("pyyaml", "yaml", "6.0"),
    Package("jinja2", "jinja2", "3.1"),
    Package("matplotlib", "matplotlib", "3.10"),
    Package("PySide6-Essentials", "PySide6", "6.11.2", below="6.12", for_window=True),
    Package("qdarkstyle", "qdarkstyle", "3.2", for_window=True),
    Package("pyqtgraph", "pyqtgraph", "0.13.7", for_window=True),
)


def has_torch() -> bool:
    """Whether torch is here; it is not imported for this."""
    return importlib.util.find_spec("torch") is not None


def without_torch(error: ImportError) -> str | None:
    """What to say where torch was asked for and is not there; None for any other import."""
    if (error.name or "").partition(".")[0] not in {"torch", "torchvision"}:
        return None
    if getattr(sys, "frozen", False):
        where = "this bundle leaves out: take the bundle whose name ends in cpu or cuda"
    else:
        where = "is not installed here: pip install torch torchvision"
    return (
        f"This needs PyTorch, which {where}. Converted models (.onnx) inspect, explain and are "
        "calibrated without it, and reviewing, import and export need none."
    )


def installed_version(package: Package) -> str | None:
    """Version of an installed package, "" where it is not recorded, None where it is missing."""
    names = [package.name]
    if package.module == "cv2":  # any of its wheels brings the module; plugins are checked apart
        names += ["opencv-python", "opencv-contrib-python-headless", "opencv-contrib-python"]
    if importlib.util.find_spec(package.module) is None:
        return None
    for name in names:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return ""


def version_numbers(version: str) -> tuple[int, ...]:
    """Leading numbers of a version, trailing zeros dropped: 2.5.0+cpu gives (2, 5)."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    numbers = [int(part) for part in found.group().split(".")] if found else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
