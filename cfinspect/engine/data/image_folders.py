"""The image files of folders: what is an image, and what only lies there.

Folders of the system and of network drives hold thumbnails and deleted files; folders that
cfinspect wrote hold pictures of pictures. Neither are anybody's images.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.images import IMAGE_SUFFIXES
from cfinspect.engine.base.progress import remark

# By their folded names: Windows, Linux, Synology, QNAP, what a Mac leaves in archives.
_OF_THE_SYSTEM = frozenset(
    {
        *("system volume information", "$recycle.bin", "recycler", "found.000", "lost+found"),
        *("@eadir", "#recycle", "#snapshot", "@tmp", "@recycle", "@recently-snapshot"),
        "__macosx",
    }
)
# Beside which files cfinspect writes pictures, and how these are called: of inspections,
# explanations and trainings.
_PICTURES = (
    ({"inspection.json", "inspections.csv"}, {"overlays", "saliency", "masks"}),
    ({"explanations.csv"}, {"counterfactuals", "saliency", "masks"}),
    ({"config.json", "metrics.jsonl"}, {"samples", "curves.png"}),
)
_ON_WINDOWS = os.name == "nt"
_EXPORT = "cfinspect-export.json"  # all that lies beside it is a copy


def is_passed_over(name: str) -> bool:
    """Whether a file or folder of this name is hidden, or the system's own."""
    return name.startswith(".") or name.casefold() in _OF_THE_SYSTEM


def path_below(text: str) -> str | None:
    """A path below a folder, as a table gives it, with forward slashes; None where it leads out."""
    parts = [part for part in text.replace("\\", "/").split("/") if part not in {"", "."}]
    away = not text or text[0] in "/\\" or ".." in parts
    # A drive, or a stream of a file; elsewhere a colon is a sign like others.
    return None if away or (_ON_WINDOWS and ":" in text) else "/".join(parts) or "."


def results_among(names: Collection[str], *, at_top: bool) -> Collection[str]:
    """Those of the ``names`` in a folder under which earlier runs of cfinspect wrote pictures.

    An export below the folder that somebody gave counts whole; one that was given (``at_top``) is
    meant.
    """
    there = set(names)
    if _EXPORT in there and not at_top:
        return names
    found: set[str] = set()
    return found.union(*(own for manifest, own in _PICTURES if manifest <= there))


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key that puts ``img2`` before ``img10`` and ignores case."""
    parts = re.findall(r"\d+|\D+", text.casefold())
    return tuple((0, int(part), part) if part.isdecimal() else (1, 0, part) for part in parts)


def list_images(paths: Iterable[Path], unread: list[Path] | None = None) -> list[Path]:
    """Image files in files and folders, each once, in the order given, folders sorted naturally.

    Folders are walked to the bottom; symbolic links are followed, but none to a folder above.
    Passed over are what is hidden, the system's, or results of cfinspect below a folder, and other
    suffixes than IMAGE_SUFFIXES. A file named outright is taken whatever its suffix. Folders below
    that cannot be opened go to ``unread``, and the others go on. Raises CfinspectError for a path
    that does not exist, a folder of ``paths`` that cannot be opened, and without ``unread`` for
    any.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            files = sorted(_walk(path, unread), key=lambda p: natural_key(str(p)))
            found.update(dict.fromkeys(files))
        elif path.is_file():
            found[path] = None
        else:
            raise CfinspectError(f"There is no file or folder {path}; check the path.")
    return list(found)


def _walk(folder: Path, unread: list[Path] | None) -> Iterator[Path]:
    """Image files below ``folder``; links come last, so that folders keep their own names."""
    seen: set[tuple[int, int]] = set()
    todo = deque([os.fspath(folder)])
    while todo:
        here = todo.pop()
        try:
            status = os.stat(here)  # noqa: PTH116  (100,000 paths as objects take a second)
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(here) as entries:
                listed = list(entries)
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:  # nobody's images are 400 folders deep
                remark(Path(here), "in truth a folder too deep to be opened: left out")
                continue
            if unread is None or Path(here) == folder:
                sentence = f"Cannot open the folder {here}: {error.strerror}."
                raise CfinspectError(sentence) from error
            unread.append(Path(here))
            continue
        ours = results_among([entry.name for entry in listed], at_top=len(seen) == 1)
        for entry in listed:
            if is_passed_over(entry.name) or entry.name in ours:
                continue
            if not is_folder(entry):
                if os.path.splitext(entry.name)[1].lower() in IMAGE_SUFFIXES:  # noqa: PTH122
                    yield Path(entry.path)
            elif not is_link(entry):
                todo.append(entry.path)
            elif leads_up(entry, folder.resolve()):
                remark(Path(entry.path), "in truth a link to a folder above: not followed")
            else:
                todo.appendleft(entry.path)


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder or leads to one."""
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def is_link(entry: os.DirEntry[str]) -> bool:
    """Whether it is a symbolic link, or what Windows has for folders besides."""
    try:
        if sys.platform == "win32":
            tag = entry.stat(follow_symlinks=False).st_reparse_tag
            return tag in {stat.IO_REPARSE_TAG_SYMLINK, stat.IO_REPARSE_TAG_MOUNT_POINT}
        return entry.is_symlink()
    except OSError:  # deleted just now
        return False


def leads_up(entry: os.DirEntry[str], folder: Path) -> bool:
    """Whether a link to a folder leads to where it lies itself, above that, or above ``folder``.

    ``folder``: absolute, without links. What is there would be walked from the top again, and with
    it whatever lies beside.
    """
    real = Path(os.path.realpath(entry.path))
    here = Path(os.path.realpath(os.path.dirname(entry.path)))  # noqa: PTH120
    return here.is_relative_to(real) or folder.is_relative_to(real)
