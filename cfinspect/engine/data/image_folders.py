"""The image files of folders: what is an image, and what only lies there.

Folders of the system and of network drives hold thumbnails and deleted files; folders that
cfinspect wrote hold pictures of pictures. Neither are anybody's images.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.images import IMAGE_SUFFIXES

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
_EXPORT = "cfinspect-export.json"  # all that lies beside it is a copy


def is_passed_over(name: str) -> bool:
    """Whether a file or folder of this name is hidden, or the system's own."""
    return name.startswith(".") or name.casefold() in _OF_THE_SYSTEM


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

    Folders are walked to the bottom, symbolic links followed. Passed over are what is hidden, the
    system's, or results of cfinspect below a folder, and other suffixes than IMAGE_SUFFIXES. A file
    named outright is taken whatever its suffix. Folders below that cannot be opened go to
    ``unread``, and the others go on. Raises CfinspectError for a path that does not exist, a folder
    of ``paths`` that cannot be opened, and without ``unread`` for any.
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
    def unopened(error: OSError) -> None:
        if unread is None or Path(error.filename) == folder:
            sentence = f"Cannot open the folder {error.filename}: {error.strerror}."
            raise CfinspectError(sentence) from error
        unread.append(Path(error.filename))

    seen: set[tuple[int, int]] = set()
    for here, folders, files in os.walk(folder, onerror=unopened, followlinks=True):
        status = Path(here).stat()
        if (status.st_dev, status.st_ino) in seen:  # A link back up would never end.
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        ours = results_among([*folders, *files], at_top=len(seen) == 1)
        folders[:] = [name for name in folders if not is_passed_over(name) and name not in ours]
        for name in files:
            wanted = not is_passed_over(name) and name not in ours
            if wanted and Path(name).suffix.lower() in IMAGE_SUFFIXES:
                yield Path(here, name)
