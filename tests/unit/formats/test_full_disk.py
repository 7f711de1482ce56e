"""An import onto a full disk: all of it is stored, or nothing is, and it says so."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from exchanging import drawn, write_images

from cfinspect.engine.base.images import write_png
from cfinspect.formats.importing import Source, import_labels
from cfinspect.project.database import ProjectError
from cfinspect.project.project import Project
from cfinspect.project.scan import scan

COUNT = 120


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    root = tmp_path / "photos"
    write_images(root, [f"img{number}.png" for number in range(COUNT)])
    with Project.create(root, human=True) as made:
        scan(made)
        yield made


def spoken_of(project: Project) -> tuple[int, int]:
    """How many images have a verdict, and how many lines the audit trail has."""
    counted = project.database.row(
        "SELECT (SELECT count(*) FROM human) AS said, (SELECT count(*) FROM audit) AS lines"
    )
    assert counted is not None
    return counted["said"], counted["lines"]


def test_a_database_that_gets_full_half_way_keeps_nothing_of_it(
    project: Project, tmp_path: Path
) -> None:
    table = tmp_path / "labels.csv"
    lines = [f"img{number}.png,damaged\n" for number in range(COUNT)]
    table.write_text("filename,label\n" + "".join(lines))
    connection = project.database.connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + 4}")
    with pytest.raises(ProjectError, match="the disk is full"):
        import_labels(project, Source("csv", table), who="bob")
    assert spoken_of(project) == (0, 0)
    connection.execute("PRAGMA max_page_count = 1000000")
    report = import_labels(project, Source("csv", table), who="bob")
    assert (report.taken, report.refused) == (COUNT, 0)
    assert spoken_of(project)[0] == COUNT


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let no file grow beyond ``size`` bytes, as on a disk that gets full."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit for files there")
def test_masks_that_do_not_fit_are_a_sentence(project: Project, tmp_path: Path) -> None:
    masks = tmp_path / "masks"
    masks.mkdir()
    write_png(masks / "img3.png", drawn() * np.uint8(255))
    with files_of_at_most(20), pytest.raises(ProjectError, match=r"Nothing was imported.*img3"):
        import_labels(project, Source("png", masks), who="bob")
    assert spoken_of(project) == (0, 0)
    assert not list((project.paths.data / "masks").rglob("*.png"))
    assert not list(project.paths.scratch.iterdir())
