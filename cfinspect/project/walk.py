"""The image files of a folder, and the hashes of their content."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cfinspect.engine.datafolder import (
    LABELS,
    MASKS,
    LabelRow,
    class_words,
    fold_word,
    read_labels,
)
from cfinspect.engine.images import IMAGE_SUFFIXES
from cfinspect.project.project import Folder

_SMALL = 1 << 20


class File(NamedTuple):
    """A file as the walk saw it; ``path`` is relative to its folder, ``full`` is not."""

    folder: int
    path: str
    full: str
    size: int
    mtime_ns: int
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


def _digest(file: File) -> str | OSError:
    try:
        with open(file.full, "rb", buffering=0) as stream:  # noqa: PTH123  (a Path each is slow)
            if file.size <= _SMALL:
                return hashlib.blake2b(stream.read(), digest_size=16).hexdigest()
            hashed = hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16))
            return hashed.hexdigest()
    except OSError as error:
        return error


def walk(folder: Folder, problems: list[str]) -> Iterator[File]:
    """All image files below a folder, hidden ones and those in ``masks/`` left out.

    Names that are no text are told in ``problems``. Raises OSError when a folder cannot be opened,
    DataError for a malformed `labels.csv`.
    """
    words = class_words()
    table = folder.path / LABELS
    rows: dict[str, LabelRow] = read_labels(table, words) if table.is_file() else {}
    todo: list[tuple[str, str, int | None]] = [(os.fspath(folder.path), "", None)]
    visited: set[tuple[int, int]] = set()
    while todo:
        here, inner, label = todo.pop()
        status = os.stat(here)  # noqa: PTH116  (100,000 paths as objects take a second)
        if (status.st_dev, status.st_ino) in visited:  # a link back up would never end
            continue
        visited.add((status.st_dev, status.st_ino))
        with os.scandir(here) as entries:
            for entry in entries:
                name = entry.name
                if name.startswith("."):
                    continue
                if entry.is_dir():
                    if name != MASKS:
                        known = words.get(fold_word(name), label)
                        todo.append((entry.path, f"{inner}{name}/", known))
                elif os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES:  # noqa: PTH122
                    path = f"{inner}{name}"
                    if not _is_text(path):
                        safe = path.encode("utf-8", "backslashreplace").decode()
                        problems.append(f"{safe} is left out: its name is no text; rename it.")
                        continue
                    row = rows.get(path)
                    try:
                        status = entry.stat()
                    except FileNotFoundError:  # a dead link, or just deleted
                        continue
                    yield File(
                        folder.id,
                        path,
                        entry.path,
                        status.st_size,
                        status.st_mtime_ns,
                        label if row is None or row.label is None else row.label,
                        row.group if row else "",
                    )
