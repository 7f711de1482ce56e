"""Open a project: images, verdicts and masks that outlive every model."""

from __future__ import annotations

import os
from pathlib import Path

from cfinspect.project.project import Project


def open_project(
    folder: str | os.PathLike[str], *, create: bool = False, human: bool = False
) -> Project:
    """Open the project of a folder; use it as a context manager, or call its ``close``.

    ``create``: make a project where there is none, and take in the images of the folder.
    ``human``: open it for verdicts and masks of people, which are what a project must never lose.

    The same project may be open in the window meanwhile. A ``Project`` is for one thread at a time;
    ``project.again()`` is a second connection for another one.

    Raises ProjectError where there is no such folder, no project (without ``create``), or its
    database is damaged.

    >>> import cfinspect
    >>> from cfinspect.project.listing import ImageFilter, list_images
    >>> with cfinspect.open_project("photos", create=True) as project:
    ...     print([folder.name for folder in project.folders()])
    ...     print(len(list_images(project, ImageFilter())))
    ['.']
    8
    """
    root = Path(folder)
    if not create:
        return Project.open(root, human=human)
    from cfinspect.project.paths import find_project_paths  # noqa: PLC0415
    from cfinspect.project.scan import scan  # noqa: PLC0415

    known = root.is_dir() and find_project_paths(root) is not None
    project = Project.create(root, human=human)
    if not known:
        try:
            scan(project, project.folders())
        except BaseException:
            project.close()
            raise
    return project
