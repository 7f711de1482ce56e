"""The image files of a folder, and the hashes of their content."""

from __future__ import annotations

import errno
import hashlib
import os
import unicodedata
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from cfinspect.engine.base.budget import MAX_FILE_BYTES
from cfinspect.engine.base.images import IMAGE_SUFFIXES
from cfinspect.engine.data.class_words import class_words, fold_word
from cfinspect.engine.data.folders import MASKS
from cfinspect.engine.data.image_folders import (
    is_folder,
    is_link,
    is_passed_over,
    leads_up,
    results_among,
)
from cfinspect.engine.data.label_table import LABELS, LabelRow, read_labels
from cfinspect.project.project import Folder
from cfinspect.project.reach import Reach

_SMALL = 1 << 20


class File(NamedTuple):
    """A file as the walk saw it; ``path`` is relative to its folder, ``full`` is not.

    ``inode``: the file's number on its disk, 0 where the system has none at hand.
    """

    folder: int
    path: str
    full: str
    size: int
    mtime_ns: int
    inode: int
    label: int | None
    group: str


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:  # bytes of another encoding; no database or export can name them
        return False
    return True


def digest_all(files: Sequence[File]) -> list[str | OSError]:
    """The content's hash of each file, 32 hex digits, or why it cannot be read."""
    return [_digest(file) for file in files]


def content_digest(data: bytes) -> str:
    """The hash of an image file's content, by which the project knows it: 32 hex digits."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _digest(file: File) -> str | OSError:
    if file.size > MAX_FILE_BYTES:  # no picture is read from it; hashing it can take minutes
        return OSError(errno.EFBIG, f"it has more than {MAX_FILE_BYTES >> 30} GiB", file.full)
    try:
        with open(file.full, "rb", buffering=0) as stream:  # noqa: PTH123  (a Path each is slow)
            if file.size <= _SMALL:
                return content_digest(stream.read())
            hashed = hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16))
            return hashed.hexdigest()
    except OSError as error:
        return error


@dataclass
class Walked:
    """What a walk found: files; ``unread``: paths below that were not looked at, those of folders
    with a slash at their end; ``outside``: links (paths in the folder) that lead out of the
    project, by the folder that they lead to or into; ``problems``: a sentence each.
    """

    files: list[File] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    outside: dict[Path, list[str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def leave_out(self, path: str, *, leads_to: Path) -> None:
        """Leave out a link; what is known below it stays known."""
        self.unread.append(path)
        self.outside.setdefault(leads_to, []).append(path)


def walk(folder: Folder, reach: Reach) -> Walked:
    """All image files below a folder; hidden ones, those in ``masks/``, the
    system's and results of cfinspect left out.

    Links are followed as far as ``reach`` allows, those to folders once all real ones are done, and
    never up: each folder is walked once, under its own name where it has one. Raises OSError when
    the folder itself cannot be opened, DataError for a malformed `labels.csv`.
    """
    words, found = class_words(), Walked()
    rows = _labels(folder, words, reach, found)
    todo: deque[tuple[str, str, int | None]] = deque([(os.fspath(folder.path), "", None)])
    visited: set[tuple[int, int]] = set()
    while todo:
        here, inner, label = todo.pop()
        try:
            status = os.stat(here)  # noqa: PTH116  (100,000 paths as objects take a second)
            if (status.st_dev, status.st_ino) in visited:  # a link back up would never end
                continue
            visited.add((status.st_dev, status.st_ino))
            with os.scandir(here) as entries:
                listed = list(entries)
        except OSError as error:
            if not inner:
                raise
            _leave(found, here, inner, error)
            continue
        ours = results_among([entry.name for entry in listed], at_top=not inner)
        for entry in listed:
            name = entry.name
            if is_passed_over(name) or name in ours:
                continue
            suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122
            if suffix in IMAGE_SUFFIXES and _is_file(entry):
                if not is_link(entry) or _may_follow(entry, f"{inner}{name}", reach, found):
                    _add(found, folder.id, entry, f"{inner}{name}", label, rows)
            elif name != MASKS and is_folder(entry):
                below = (entry.path, f"{inner}{name}/", words.get(fold_word(name), label))
                if not is_link(entry):
                    todo.append(below)
                elif not leads_up(entry, folder.path) and _may_follow(
                    entry, below[1], reach, found
                ):
                    todo.appendleft(below)
    return found


def _labels(
    folder: Folder, words: Mapping[str, int], reach: Reach, found: Walked
) -> dict[str, LabelRow]:
    """The rows of the folder's `labels.csv`; none where it leads to what may not be read."""
    table = folder.path / LABELS
    if not table.is_file():
        return {}
    if not reach.includes(os.path.realpath(table)):
        found.leave_out(LABELS, leads_to=table.resolve().parent)
        return {}
    others: set[str] = set()
    rows = read_labels(table, words, others=others)
    if others:  # of several defect classes, or a slip of the pen
        found.problems.append(
            f"{table} has labels that mean neither undamaged nor damaged here and are left out: "
            f"{', '.join(sorted(others)[:10])}."
        )
    return rows


def _may_follow(entry: os.DirEntry[str], path: str, reach: Reach, found: Walked) -> bool:
    """Whether a link leads to what may be read; else it is left out and noted."""
    real = os.path.realpath(entry.path)
    if reach.includes(real):
        return True
    found.leave_out(path, leads_to=Path(real if path.endswith("/") else os.path.dirname(real)))  # noqa: PTH120
    return False


def _leave(found: Walked, folder: str, inner: str, error: OSError) -> None:
    found.unread.append(inner)
    found.problems.append(
        f"{folder} cannot be read ({error.strerror}); its images are left as they were known."
    )


def _add(
    found: Walked,
    folder: int,
    entry: os.DirEntry[str],
    path: str,
    label: int | None,
    rows: dict[str, LabelRow],
) -> None:
    if not _is_text(path):
        safe = path.encode("utf-8", "backslashreplace").decode()
        found.problems.append(f"{safe} is left out: its name is no text; rename it.")
        return
    # Macs take names apart (e and an accent), tables hold them composed.
    row = rows.get(path if path.isascii() else unicodedata.normalize("NFC", path))
    try:
        status = entry.stat()
    except FileNotFoundError:  # deleted just now
        return
    except OSError as error:  # a folder that may be listed, and no more
        inner = path.removesuffix(entry.name)
        if inner not in found.unread:
            _leave(found, os.path.dirname(entry.path), inner, error)  # noqa: PTH120
        return
    found.files.append(
        File(
            folder,
            path,
            entry.path,
            status.st_size,
            status.st_mtime_ns,
            status.st_ino,
            label if row is None or row.label is None else row.label,
            row.group if row else "",
        )
    )


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Whether it is a file to read: no folder, no dead link, no pipe that would wait for ever."""
    try:
        return entry.is_file()
    except OSError:
        return False
