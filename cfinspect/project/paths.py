"""Where a project keeps its files: beside the images, or in the user's folder when it cannot."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

NAME = ".cfinspect"
HOME_VARIABLE = "CFINSPECT_HOME"


@dataclass(frozen=True)
class ProjectPaths:
    """``root``: the folder that was opened. ``data``: where the project's own files are."""

    root: Path
    data: Path

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.data / "project.sqlite"

    @property
    def scratch(self) -> Path:
        """Temporary files, all of them, so that leftovers are found at once."""
        return self.data / "scratch"

    @property
    def masks(self) -> Path:
        """Corrected masks, named by their content."""
        return self.data / "masks"

    @property
    def saliency(self) -> Path:
        """Saliency maps that can be computed again."""
        return self.data / "cache" / "saliency"

    @property
    def backups(self) -> Path:
        """Copies of the database."""
        return self.data / "backups"


def find_project_paths(root: Path) -> ProjectPaths | None:
    """The place of the project of folder ``root``, or None where none was made.

    One whose database is gone, but not its backups, still counts.
    """
    root = root.resolve()
    for data in (root / NAME, _apart(root)):
        place = ProjectPaths(root, data)
        if place.database.is_file() or next(place.backups.glob("*.sqlite"), None):
            return place
    return None


def new_place(root: Path) -> ProjectPaths:
    """The place for a new project: ``root/.cfinspect``, or apart where ``root`` is read-only."""
    root = root.resolve()
    data = root / NAME
    if not can_write(root):
        data = _apart(root)
    data.mkdir(parents=True, exist_ok=True)
    return ProjectPaths(root, data)


def can_write(folder: Path) -> bool:
    """Whether a file can be made in ``folder``; asks by making one, as permissions may lie."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def user_folder() -> Path:
    """The folder for this user's data; the variable CFINSPECT_HOME names another."""
    if chosen := os.environ.get(HOME_VARIABLE):
        return Path(chosen)
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / "cfinspect"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "cfinspect"
    return Path(os.environ.get("XDG_DATA_HOME", home / ".local" / "share")) / "cfinspect"


def _apart(root: Path) -> Path:
    digest = hashlib.blake2b(os.fsencode(root), digest_size=8).hexdigest()
    return user_folder() / "projects" / f"{root.name or 'root'}-{digest}"
