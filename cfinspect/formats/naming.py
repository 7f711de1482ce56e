"""One flat name for every image of a project, the same in every export, and the way back."""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import count
from pathlib import PurePosixPath

from cfinspect.engine.base.images import IMAGE_SUFFIXES
from cfinspect.project.paths import hex_digits
from cfinspect.project.project import Project

_LONGEST = 180  # bytes of a flat name; suffixes come on top
# What Windows has no place for in a name, and what readers of label files stumble over.
_ODD = re.compile(r'[\x00-\x1f\x7f-\x9f"*:<>?|\ud800-\udfff]')
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
_LAYOUT = frozenset(
    {
        *("images", "labels", "masks", "annotations", "jpegimages", "segmentationclass"),
        *("train", "val", "valid", "test"),
    }
)


def flat_stems(project: Project) -> dict[int, str]:
    """Image id -> name without suffix and folders: ``hall/damaged/a.png`` is ``hall__damaged__a``.

    Where two would be equal (whatever the case, and however accents are written), each has the
    beginning of its content's hash behind it; so have names too long for a file. A name that some
    system cannot have is written with ``_``; a backslash, which label files take for a folder, is
    one here as well.
    """
    prefixes = folder_prefixes(project)
    stems: dict[int, str] = {}
    digests: dict[int, str] = {}
    for row in _rows(project):
        inner = PurePosixPath(row["path"]).with_suffix("").as_posix()
        parts = inner.replace("\\", "/").split("/")
        stem = _portable("__".join([*prefixes.get(row["folder_id"], ()), *parts]))
        digests[row["id"]] = hex_digits(row["digest"], 32)[:8]
        stems[row["id"]] = _short(stem, digests[row["id"]])
    used = Counter(map(_folded, stems.values()))
    marked = {number: stem for number, stem in stems.items() if used[_folded(stem)] == 1}
    taken = set(map(_folded, marked.values()))
    turns: defaultdict[str, count[int]] = defaultdict(lambda: count(2))
    for number, stem in stems.items():
        if number in marked:
            continue
        # Copies share even their hash; and a file may be called like what is made up here.
        wanted = alike = f"{stem}~{digests[number]}"
        while _folded(wanted) in taken:
            wanted = f"{alike}~{next(turns[_folded(alike)])}"
        marked[number] = wanted
        taken.add(_folded(wanted))
    return {number: marked[number] for number in stems}


def _portable(stem: str) -> str:
    """``stem`` as any system can have it, as the name of a file with a suffix."""
    plain = _ODD.sub("_", stem)
    return f"_{plain}" if _DEVICES.fullmatch(plain) else plain


def _short(stem: str, digest: str) -> str:
    """``stem``, or its beginning and ``digest`` where it would be too long for a file system."""
    data = stem.encode()
    if len(data) <= _LONGEST:
        return stem
    return f"{data[: _LONGEST - 20].decode(errors='ignore')}~{digest}"


def _rows(project: Project) -> list[sqlite3.Row]:
    return project.database.rows(
        "SELECT id, folder_id, path, digest, width, height FROM image WHERE missing = 0"
    )


def folder_prefixes(project: Project) -> dict[int, list[str]]:
    """Folder id -> what names of its images start with; nothing where there is one folder."""
    folders = project.folders()
    if len(folders) == 1:
        return {folders[0].id: []}
    used: Counter[str] = Counter()
    prefixes = {}
    for folder in folders:
        name = folder.path.name or "root"
        used[name.casefold()] += 1
        prefixes[folder.id] = [name if used[name.casefold()] == 1 else f"{name}~{folder.id}"]
    return prefixes


class Matcher:
    """Finds the image that a name from somebody else's file means.

    It is the image with our own flat name (with or without the folder before it), or else the one
    whose path ends like the name or the other way round: ``cam1/a.png`` is ``hall/cam1/a.png`` and
    ``a.png``, but never ``cam2/a.png``. Names of layouts (images, train, ...) do not count. Where
    more than one image fits, none does. ``folder``: only its images. ``stems``: the flat names.
    """

    def __init__(self, project: Project, folder: int | None = None) -> None:
        prefixes = folder_prefixes(project)
        self.stems = flat_stems(project)
        self._flat: defaultdict[str, set[int]] = defaultdict(set)
        self._by_stem: defaultdict[str, list[tuple[int, tuple[str, ...], str]]] = defaultdict(list)
        self._sizes: dict[int, tuple[int, int]] = {}
        for row in _rows(project):
            number = row["id"]
            if folder not in {None, row["folder_id"]}:
                continue
            *folders, last = _parts(_folded(row["path"]).replace("\\", "/"))
            stem, suffix = _split(last)
            # In a set's own folder names begin where that begins, whatever it is called here.
            prefix = [_folded(one) for one in prefixes[row["folder_id"]] if folder is None]
            parts = _without_layout((*prefix, *folders))
            self._by_stem[stem].append((number, parts, suffix))
            name = _folded(self.stems[number])
            self._flat[name].add(number)
            bare = name.removeprefix(f"{prefix[0]}__") if prefix else name
            if "__" in bare:  # exported before the project had several folders
                self._flat[bare].add(number)
            if row["width"]:
                self._sizes[number] = (row["height"], row["width"])

    def find(self, name: str, size: tuple[int | None, int | None] = (None, None)) -> int | None:
        """The image's id, or None where none or more than one fits.

        ``size``: (height, width) that the file speaks of; an image of another is not meant.
        """
        *folders, last = _parts(_folded(name))
        stem, suffix = _split(last)
        if stem not in self._by_stem and stem not in self._flat and "." not in stem:
            return None  # the same as below, for tables that name millions of others' files
        given = _without_layout(folders)
        # A flat name carries its folders in itself, whatever folder it lies in now.
        flat = self._flat.get(stem, ()) if not given or "__" in stem else ()
        found = {number for number in flat if self._fits(number, size)}
        if not found:
            if stem not in self._by_stem and _split(stem)[1]:
                return self.find("/".join([*folders, stem]), size)  # a.jpg.png for a.jpg
            close = [
                (number, parts == given, suffix in {"", own})
                for number, parts, own in self._by_stem.get(stem, ())
                if _agree(parts, given) and self._fits(number, size)
            ]
            # The same folders before similar ones, the same suffix before another.
            best = max((one[1:] for one in close), default=None)
            found = {number for number, *rank in close if tuple(rank) == best}
        return found.pop() if len(found) == 1 else None

    def _fits(self, number: int, size: tuple[int | None, int | None]) -> bool:
        return None in size or self._sizes.get(number, size) == size


def _folded(name: str) -> str:
    """A name as it is compared: composed, whatever the case."""
    return name.lower() if name.isascii() else unicodedata.normalize("NFC", name).casefold()


def _parts(path: str) -> list[str]:
    """Folders and name; for many names, PurePosixPath takes ten times as long."""
    return [part for part in path.split("/") if part not in {"", "."}] or [""]


def _split(name: str) -> tuple[str, str]:
    """Name and suffix; what is no suffix of an image belongs to the name."""
    stem, dot, suffix = name.rpartition(".")
    return (stem, dot + suffix) if stem and dot + suffix in IMAGE_SUFFIXES else (name, "")


def _without_layout(folders: Iterable[str]) -> tuple[str, ...]:
    return tuple(folder for folder in folders if folder not in _LAYOUT)


def _agree(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether two rows of folders end alike, as far as both go."""
    shared = min(len(one), len(other))
    return one[len(one) - shared :] == other[len(other) - shared :]
