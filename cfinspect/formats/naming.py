"""One flat name for every image of a project, the same in every export, and the way back."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath

from cfinspect.project.project import Project


def flat_stems(project: Project) -> dict[int, str]:
    """Image id -> name without suffix and folders: ``hall/damaged/a.png`` is ``hall__damaged__a``.

    Where two would be equal (whatever the case), each has the beginning of its content's hash
    behind it.
    """
    prefixes = folder_prefixes(project)
    stems: dict[int, str] = {}
    digests: dict[int, str] = {}
    for row in project.database.rows(
        "SELECT id, folder_id, path, digest FROM image WHERE missing = 0"
    ):
        inner = PurePosixPath(row["path"]).with_suffix("").as_posix()
        stems[row["id"]] = "__".join([*prefixes[row["folder_id"]], *inner.split("/")])
        digests[row["id"]] = row["digest"]
    used = Counter(stem.casefold() for stem in stems.values())
    marked = {
        number: stem if used[stem.casefold()] == 1 else f"{stem}~{digests[number][:8]}"
        for number, stem in stems.items()
    }
    # Copies share even their hash.
    again: Counter[str] = Counter()
    for number, stem in marked.items():
        again[stem.casefold()] += 1
        if again[stem.casefold()] > 1:
            marked[number] = f"{stem}~{again[stem.casefold()]}"
    return marked


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

    Tried in this order: the path in its folder; our own flat name; the end of the path; the file
    name; the name without suffix. A step counts only where it finds exactly one image.
    """

    def __init__(self, project: Project) -> None:
        stems = flat_stems(project)
        prefixes = folder_prefixes(project)
        self._steps: list[defaultdict[str, set[int]]] = [defaultdict(set) for _ in range(6)]
        for row in project.database.rows("SELECT id, folder_id, path FROM image WHERE missing = 0"):
            path = PurePosixPath(row["path"])
            whole = PurePosixPath(*prefixes[row["folder_id"]], path)
            names = (
                whole.as_posix(),
                path.as_posix(),
                stems[row["id"]],
                path.name,
                whole.with_suffix("").as_posix(),
                path.stem,
            )
            for step, name in zip(self._steps, names, strict=True):
                step[name.casefold()].add(row["id"])

    def find(self, name: str) -> int | None:
        """The image's id, or None where none or more than one fits."""
        path = PurePosixPath(name.casefold())
        for wanted in _forms(path):
            for step in self._steps:
                found = step.get(wanted, ())
                if len(found) == 1:
                    return next(iter(found))
        return None


def _forms(path: PurePosixPath) -> Iterable[str]:
    """A name as it is, without its leading folders one by one, then the same without suffix."""
    for start in range(len(path.parts)):
        yield "/".join(path.parts[start:])
    bare = path.with_suffix("")
    for start in range(len(bare.parts)):
        yield "/".join(bare.parts[start:])
