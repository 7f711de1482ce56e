"""How far a project may read: its own folder, and those elsewhere that a person here allowed.

A project may come from anybody. Its database, or a link among its images, can name any folder of
this PC, and an export would carry the pictures in there away. So a folder outside of the project's
own is read only once a person at this PC has said so. The answer is kept in the user's data folder,
never in the project, and counts for this project at this place alone.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cfinspect.engine.base.atomic import read_regular_text, save_text
from cfinspect.engine.base.images import ImageError
from cfinspect.project.errors import ProjectError
from cfinspect.project.paths import user_folder

ANSWERS = "image_folders.json"


@dataclass
class Reach:
    """What the project of the folder ``root`` may read, its links followed.

    ``answers``: folders outside of it, by whether a person allowed them (False: refused).
    """

    root: Path
    answers: Mapping[Path, bool] = field(default_factory=dict)
    _last: tuple[str, bool] = ("", False)

    def includes(self, real: Path | str) -> bool:
        """Whether what lies at ``real``, an absolute path without links, may be read."""
        return lies_in(real, self.root) or any(
            allowed and lies_in(real, folder) for folder, allowed in self.answers.items()
        )

    def is_answered(self, real: Path) -> bool:
        """Whether a person was asked about the folder ``real``."""
        return real in self.answers or self.includes(real)

    def checked(self, path: Path) -> Path:
        """``path`` of an image, where it may be read; else ImageError says what to do.

        Touches the disk: not for the window's own thread.
        """
        if "\0" in os.fspath(path):
            raise ImageError(path, "no file can have this name")
        if not self._holds(path):
            raise ImageError(path, f"it {self.why_not(Path(os.path.realpath(path)).parent)}")
        return path

    def why_not(self, folder: Path) -> str:
        """Why nothing is read from ``folder``, and what to do, as the rest of a sentence."""
        return (
            f"lies outside of the project, in {folder}. If these images are meant to belong to it, "
            "allow it on this PC: in the window with a right click on the folder, or with "
            f'`cfinspect project folders "{self.root}" --allow "{folder}"`'
        )

    def _holds(self, path: Path) -> bool:
        # 100,000 images lie in few folders: of the folder before it is remembered what it was.
        if os.path.islink(path):  # noqa: PTH114  (no error, however long the name)
            return self.includes(os.path.realpath(path))
        parent = os.fspath(path.parent)
        if self._last[0] != parent:
            self._last = (parent, self.includes(os.path.realpath(parent)))
        return self._last[1]


def lies_in(real: Path | str, folder: Path) -> bool:
    """Whether ``real`` is ``folder`` or lies in it, both absolute and without links."""
    inner, outer = os.path.normcase(real), os.path.normcase(folder)
    return inner == outer or inner.startswith(outer.rstrip(os.sep) + os.sep)


def read_reach(root: Path, project_id: str) -> Reach:
    """How far the project ``project_id`` in the folder ``root`` may read on this PC."""
    entry = _all_answers().get(os.fspath(root), {})
    # Another project in the same place, such as another stick, has been allowed nothing.
    answers = entry.get("folders") if entry.get("project") == project_id else None
    if not isinstance(answers, dict):
        return Reach(root)
    return Reach(root, {Path(folder): allowed is True for folder, allowed in answers.items()})


def remember(root: Path, project_id: str, folders: Iterable[Path], *, allowed: bool) -> None:
    """Keep a person's answer about ``folders`` (absolute, without links) for this project.

    Raises ProjectError where it cannot be kept.
    """
    old = read_reach(root, project_id).answers
    new = {**old, **dict.fromkeys(folders, allowed)}
    entry = {"project": project_id, "folders": {os.fspath(one): new[one] for one in new}}
    file = user_folder() / ANSWERS
    try:
        save_text(file, json.dumps({**_all_answers(), os.fspath(root): entry}, indent=1) + "\n")
    except OSError as error:
        raise ProjectError(
            f"Which folders this project may read cannot be remembered: {file} cannot be written "
            f"({error.strerror}). The variable CFINSPECT_HOME names another folder for it."
        ) from error


def _all_answers() -> dict[str, dict[str, object]]:
    file = user_folder() / ANSWERS
    try:
        status = file.stat()
        return _parsed(file, (status.st_mtime_ns, status.st_size, status.st_ino))
    except (OSError, ValueError, RecursionError):
        return {}


@functools.lru_cache(maxsize=4)
def _parsed(file: Path, _version: tuple[int, int, int]) -> dict[str, dict[str, object]]:
    found = json.loads(read_regular_text(file))
    if not isinstance(found, dict):
        return {}
    return {root: entry for root, entry in found.items() if isinstance(entry, dict)}
