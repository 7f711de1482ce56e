"""Corrected masks: indexed PNG files named by their content, and the classes they use.

A mask's file is written, synced and in place before the transaction that speaks of it is over; what
a kill leaves in between is a file that nobody speaks of. Files are never changed or deleted: the
audit trail names them.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.budget import MAX_PIXELS
from cfinspect.engine.base.images import ImageError, header_size, read_bytes
from cfinspect.masks.files import classes_in, encode_indexed, read_indexed
from cfinspect.project import audit
from cfinspect.project.errors import ProjectError
from cfinspect.project.paths import is_regular
from cfinspect.project.project import Project

IndexMask = NDArray[np.uint8]


def read_mask(project: Project, name: str) -> IndexMask:
    """The corrected mask called ``name``, (H, W) class numbers.

    Raises ProjectError when its file is gone or is not what was saved.
    """
    return read_mask_file(mask_path(project, name))


def read_mask_file(path: Path) -> IndexMask:
    """The corrected mask at a `mask_path`; as `read_mask`, and no project need be open."""
    try:
        mask = _read(path)
    except ImageError as error:
        raise ProjectError(f"A corrected mask is lost: {error}") from error
    if _mask_name(mask) != path.stem:
        raise ProjectError(f"The corrected mask {path} was changed outside of cfinspect.")
    return mask


def mask_classes(project: Project) -> dict[int, str]:
    """Number -> name of the mask classes; 0 is background and not among them."""
    rows = project.database.rows("SELECT id, name FROM mask_class ORDER BY id")
    return {row["id"]: row["name"] for row in rows}


def mask_class(project: Project, name: str, *, who: str) -> int:
    """The number of the mask class called ``name``, which is added where it is new."""
    name = plain_class_name(name)
    with project.database.writing() as connection:
        known = {row["name"]: row["id"] for row in connection.execute("SELECT * FROM mask_class")}
        if name in known:
            return int(known[name])
        number = 1 + max(int(one) for one in known.values())
        if number > 254:
            raise ProjectError("A project holds 254 mask classes at most.")
        connection.execute("INSERT INTO mask_class VALUES (?, ?)", (number, name))
        audit.append(connection, who=who, action="class", after={"class": number, "name": name})
        return number


def plain_class_name(name: str) -> str:
    """``name`` without spaces around it; ProjectError for what no mask class can be called."""
    name = name.strip()
    # Neither control characters nor what XML, and so an export, has no place for.
    odd = any(unicodedata.category(one) in {"Cc", "Cs"} or one in "\ufffe\uffff" for one in name)
    if not name or len(name) > 200 or odd:
        raise ProjectError(f"{name[:50]!r} is no name for a mask class.")
    return name


def store_mask(
    project: Project, connection: sqlite3.Connection, image: sqlite3.Row, mask: IndexMask | None
) -> str | None:
    """Write the corrected mask of ``image`` (a row), inside its transaction; returns its name.

    Raises ProjectError for another size than the image's, an unknown class, and a full disk.
    """
    if mask is None:
        return None
    if mask.dtype != np.uint8 or mask.ndim != 2:
        raise ValueError(f"a mask is (H, W) uint8, got {mask.shape} {mask.dtype}")
    path = project.paths.root / image["folder"] / image["path"]
    height, width = size_of(image["height"], image["width"], lambda: project.reach.checked(path))
    if mask.shape != (height, width):
        raise ProjectError(
            f"The mask of {image['path']} has {mask.shape[1]} x {mask.shape[0]} pixels, the image "
            f"{width} x {height}; they must be equal."
        )
    known = {row["id"] for row in connection.execute("SELECT id FROM mask_class")}
    unknown = set(classes_in(mask)) - known
    if unknown:
        raise ProjectError(
            f"The mask of {image['path']} uses the class numbers {sorted(unknown)}, which the "
            "project does not have."
        )
    try:
        return keep_mask_file(project, mask)
    except OSError as error:
        raise ProjectError(
            f"Nothing was changed: the mask of {image['path']} cannot be written "
            f"({error.strerror})."
        ) from error


def keep_mask_file(project: Project, mask: IndexMask) -> str:
    """Write the file of a mask (H, W) uint8, unless it is there; returns its name.

    Nobody speaks of it before `store_mask` does. Raises OSError.
    """
    name = _mask_name(mask)
    path = mask_path(project, name)
    if not _is_stored(path, name):
        data = encode_indexed(mask)
        project.paths.write(path, lambda part: part.write_bytes(data))
    _sync_folder(path.parent)
    return name


def size_of(
    height: int | None, width: int | None, checked_path: Callable[[], Path]
) -> tuple[int, int]:
    """(height, width) as the project knows them, or else as the image's file says.

    ``checked_path``: see `ImageRow.checked_path`. Raises ImageError where nobody knows.
    """
    if height is not None and width is not None and height * width <= MAX_PIXELS:
        return height, width
    path = checked_path()
    return header_size(path, read_bytes(path))


def _is_stored(path: Path, name: str) -> bool:
    try:
        return _mask_name(_read(path)) == name
    except ImageError:
        return False


def _read(path: Path) -> IndexMask:
    # A pipe in its place would be waited for, and a link leads to what is none of ours.
    if not is_regular(path):
        raise ImageError(path, "there is no such file")
    return read_indexed(path)


def _mask_name(mask: IndexMask) -> str:
    data = f"{mask.shape[0]}x{mask.shape[1]}:".encode() + np.ascontiguousarray(mask).tobytes()
    return hashlib.sha256(data).hexdigest()[:40]


def mask_path(project: Project, name: str) -> Path:
    """Where the corrected mask called ``name`` lies; `read_mask` also checks that it is whole."""
    return project.paths.mask_file(name)


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut; Windows does so by itself."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
