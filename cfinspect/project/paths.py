"""Where a project keeps its files: beside the images, or in the user's folder when it cannot.

Whoever sends a project chooses what is in its ``.cfinspect``. So every file in there is named here,
from integers and hex digits alone, and is read, written and deleted here, never through a link.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cfinspect.engine.base.atomic import read_regular, write_atomically
from cfinspect.project.errors import ProjectError

NAME = ".cfinspect"
HOME_VARIABLE = "CFINSPECT_HOME"
STAMP = "%Y%m%dT%H%M%S%f"
_BACKUP = re.compile(r"project-\d{8}T\d{12}\.sqlite")
_THUMBNAIL = re.compile(r"[0-9a-f]{32}\.jpg")
_MOST = 512 << 20  # bytes of a picture that is kept
_TWO_DIGITS = re.compile(r"[0-9a-f]{2}")


@dataclass(frozen=True)
class ProjectPaths:
    """``root``: the folder that was opened. ``data``: where the project's own files are.

    Methods that name a file raise ProjectError for a name that cfinspect would not give, all that
    touch one raise it for a link between ``data`` and the file.
    """

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
    def thumbnails(self) -> Path:
        """Thumbnails that can be made again."""
        return self.data / "cache" / "thumbnails"

    @property
    def backups(self) -> Path:
        """Copies of the database."""
        return self.data / "backups"

    # Names --------------------------------------------------------------------------------------

    def mask_file(self, name: str) -> Path:
        """The corrected mask called ``name``: 40 hex digits."""
        return self.masks / hex_digits(name, 40)[:2] / f"{name}.png"

    def thumbnail_file(self, digest: str) -> Path:
        """The thumbnail of the image with this ``digest``: 32 hex digits."""
        return self.thumbnails / hex_digits(digest, 32)[:2] / f"{digest}.jpg"

    def saliency_file(self, image_id: int, model_id: int) -> Path:
        """The saliency map of an image by a model; its counterfactual is a JPEG of that name."""
        return self.saliency / f"{_whole(model_id)}" / f"{_whole(image_id)}.png"

    def backup_file(self, moment: datetime) -> Path:
        """The backup that is made at ``moment``."""
        return self.backups / f"project-{moment.strftime(STAMP)}.sqlite"

    def backup_files(self) -> list[Path]:
        """The backups there are, newest first."""
        return sorted(
            (path for path, _ in self._files(self.backups, _BACKUP)),
            key=lambda path: path.name,
            reverse=True,
        )

    def thumbnail_files(self) -> Iterator[tuple[Path, os.stat_result]]:
        """The thumbnails there are; whatever else lies among them is passed over."""
        for folder in _listed(self.thumbnails) if self._is_ours(self.thumbnails) else ():
            if _TWO_DIGITS.fullmatch(folder.name) and folder.is_dir(follow_symlinks=False):
                yield from self._files(Path(folder.path), _THUMBNAIL)

    def _files(self, folder: Path, name: re.Pattern[str]) -> Iterator[tuple[Path, os.stat_result]]:
        for entry in _listed(folder) if self._is_ours(folder) else ():
            if name.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                try:
                    yield Path(entry.path), entry.stat(follow_symlinks=False)
                except OSError:  # deleted just now
                    continue

    # Files --------------------------------------------------------------------------------------

    def refuse_links(self) -> None:
        """Raise ProjectError where the project's folder, or what lies in it, is a link.

        Deeper folders are looked at when a file in them is: there may be 100,000.
        """
        refuse_link(self.data)
        for entry in _listed(self.data):
            refuse_link(Path(entry.path))
        for folder in (self.saliency, self.thumbnails):
            refuse_link(folder)

    def make(self, folder: Path) -> Path:
        """Make ``folder``, which lies in ``data``, where it is missing; returns it.

        Raises OSError where it cannot be made, and where ``data`` itself is gone: a project that
        was moved meanwhile leaves no empty one behind.
        """
        self._refuse_links_to(folder)
        here = self.data
        for part in folder.relative_to(self.data).parts:
            here = here / part
            here.mkdir(exist_ok=True)
        return folder

    def read(self, file: Path, most: int = _MOST) -> bytes | None:
        """The bytes of a regular file in ``data``; None where it is gone or cannot be read.

        One of more than ``most`` bytes is not read.
        """
        try:
            self._refuse_links_to(file)
            return read_regular(file, most, follow=False)
        except (OSError, ProjectError):
            return None

    def write(self, file: Path, write: Callable[[Path], object], *, sync: bool = True) -> None:
        """Put a file into ``data`` in one step, as ``write_atomically`` does."""
        self.make(self.scratch)
        self.make(file.parent)
        write_atomically(file, write, sync=sync, scratch=self.scratch)

    def remove(self, file: Path) -> None:
        """Delete a regular file in ``data``; one that is gone already is no error."""
        self._refuse_links_to(file)
        if is_regular(file):
            file.unlink(missing_ok=True)

    def remove_leftovers(self) -> None:
        """Delete the temporary files that a killed process left."""
        self._refuse_links_to(self.scratch)
        for entry in _listed(self.scratch):
            if entry.name.startswith(".tmp-") and entry.is_file(follow_symlinks=False):
                try:
                    Path(entry.path).unlink(missing_ok=True)
                except PermissionError:  # Windows: somebody is writing it just now
                    continue

    def _refuse_links_to(self, path: Path) -> None:
        """Raise ProjectError where ``path`` does not lie in ``data``, or a part of it is a link."""
        inner = path.relative_to(self.data).parts if path.is_relative_to(self.data) else ("..",)
        if ".." in inner:
            raise ProjectError(f"{path} does not lie in {self.data}.")
        here = self.data
        refuse_link(here)
        for part in inner:
            here = here / part
            refuse_link(here)

    def _is_ours(self, folder: Path) -> bool:
        try:
            self._refuse_links_to(folder)
        except ProjectError:
            return False
        return True


def _listed(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def hex_digits(name: str, digits: int) -> str:
    """``name`` itself; ProjectError unless it is so many hex digits: it becomes a part of a path,
    and comes from a database that anybody may have written.
    """
    if not re.fullmatch(f"[0-9a-f]{{{digits}}}", name):
        raise ProjectError(f"{name[:60]!r} names no file of a project: that takes {digits} digits.")
    return name


def _whole(number: int) -> int:
    # From a database, where a type is what somebody wrote down: text would be part of a path.
    if type(number) is not int or number < 0:
        raise ProjectError(f"{str(number)[:60]!r} is no number of an image or model.")
    return number


def may(path: Path, what: int) -> bool:
    """Whether this user may do ``what`` (of os.R_OK, W_OK, X_OK) with a file or folder."""
    return os.access(path, what, effective_ids=os.access in os.supports_effective_ids)


def is_regular(path: Path) -> bool:
    """Whether ``path`` is a file to read and write: no link, folder, pipe or device."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def refuse_link(path: Path) -> None:
    """Raise ProjectError where ``path`` is a link; what is missing is none."""
    try:
        status = path.lstat()
    except OSError:
        return
    if stat.S_ISLNK(status.st_mode) or _is_junction(status):
        raise ProjectError(
            f"{path} is a link. What cfinspect keeps in a project lies in the project's own "
            "folder: put the folder or file itself there, or delete the link."
        )


def _is_junction(status: os.stat_result) -> bool:
    """Whether it is Windows' own kind of link to a folder; files of cloud drives are none."""
    if sys.platform != "win32":
        return False
    return status.st_reparse_tag == stat.IO_REPARSE_TAG_MOUNT_POINT


def find_project_paths(root: Path) -> ProjectPaths | None:
    """The place of the project of folder ``root``, or None where none was made.

    Backups alone count. Nothing is opened. Raises ProjectError where its owner lets nobody in.
    """
    root = root.resolve()
    for data in (root / NAME, _apart(root)):
        if os.path.isdir(data) and not may(data, os.R_OK | os.X_OK):  # noqa: PTH112
            raise ProjectError(f"You may not open the project in {data}; ask whose it is.")
        place = ProjectPaths(root, data)
        if os.path.lexists(place.database) or place.backup_files():
            return place
    return None


def new_place(root: Path) -> ProjectPaths:
    """The place for a new project: ``root/.cfinspect``, or apart where ``root`` is read-only.

    Raises ProjectError where a link stands in its place.
    """
    root = root.resolve()
    data = root / NAME
    if not can_write(root):
        data = _apart(root)
    place = ProjectPaths(root, data)
    place.refuse_links()
    data.mkdir(parents=True, exist_ok=True)
    return place


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
