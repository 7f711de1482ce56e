"""Which image of a project a name means."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from cfinspect.project.database import ProjectError
from cfinspect.project.listing import ImageRow, by_ids, literally
from cfinspect.project.project import Project


def find(project: Project, name: str, *, vanished: bool = False) -> ImageRow:
    """The present image that is called ``name`` or lies there.

    Accepts the name that lists print, a path in a folder of the project, a path on this machine, or
    a bare file name that only one image has. ``vanished``: where no present image is meant, one
    that is gone. Raises ProjectError when there is none, or several.
    """
    wanted = name.replace("\\", "/") if "\\" in name else name
    hits = _named(project, wanted, Path(name).resolve(), 0)
    if not hits and vanished:
        hits = _named(project, wanted, Path(name).resolve(), 1)[-1:]
    if not hits:
        raise ProjectError(
            f"The project has no image {name}; `cfinspect review --list --all` names them, and "
            "`cfinspect project scan` takes in new ones."
        )
    if len(hits) > 1:
        raise ProjectError(f"Several images are called {name}; put the folder before it.")
    return by_ids(project, hits)[0]


def _named(project: Project, wanted: str, real: Path, missing: int) -> list[int]:
    """Ids of the images that may be meant, in ascending order."""
    forms = {unicodedata.normalize(form, wanted) for form in ("NFC", "NFD")} | {wanted}
    hits: set[int] = set()
    for folder in project.folders():
        inner = {form.removeprefix(f"{folder.name}/") for form in forms} | forms
        if real.is_relative_to(folder.path):
            inner.add(real.relative_to(folder.path).as_posix())
        marks = ", ".join("?" * len(inner))
        rows = project.database.rows(
            f"SELECT id FROM image WHERE missing = ? AND folder_id = ? AND path IN ({marks})",
            missing,
            folder.id,
            *inner,
        )
        hits |= {row["id"] for row in rows}
    if not hits and "/" not in wanted:
        for form in forms:
            rows = project.database.rows(
                "SELECT id, path FROM image WHERE missing = ? AND path LIKE ? ESCAPE '\\'",
                missing,
                f"%/{literally(form)}",
            )
            # LIKE takes upper and lower case for the same.
            hits |= {row["id"] for row in rows if row["path"].endswith(f"/{form}")}
    return sorted(hits)
