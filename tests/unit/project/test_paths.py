"""Files in a project's own folder: named by digits, and never reached through a link."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from studio import SIDE, inspected_project

from cfinspect.engine.base.atomic import read_regular
from cfinspect.project import backup
from cfinspect.project.database import ProjectError
from cfinspect.project.finding import find
from cfinspect.project.paths import ProjectPaths, find_project_paths
from cfinspect.project.predictions import Inspected, save
from cfinspect.project.project import Project
from cfinspect.project.saliency import SaliencyCache, kept_saliency
from cfinspect.project.verdicts import Verdict, decide

PARTS = ("scratch", "masks", "cache", "cache/saliency", "cache/thumbnails", "backups")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test writes into the real user's folder."""
    monkeypatch.setenv("CFINSPECT_HOME", str(tmp_path / "home"))


@pytest.fixture
def place(tmp_path: Path) -> ProjectPaths:
    """A closed project, with a verdict and a backup."""
    with inspected_project(tmp_path / "hall", [0.9, 0.2]) as project:
        decide(project, find(project, "img0.png").id, who="ann", verdict=Verdict.DAMAGED)
        backup.back_up(project.paths, project.database)
        return project.paths


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of the operator with files whose names are like ours."""
    folder = tmp_path / "outside"
    (folder / "ab").mkdir(parents=True)
    for name in (
        ".tmp-draft.safetensors",
        "project-20200101T000000000000.sqlite",
        f"ab/{'ab' * 16}.jpg",
        f"ab/{'ab' * 20}.png",
        "1.png",
        "1.jpg",
    ):
        (folder / name).write_text("mine")
    return folder


def put_link(path: Path, target: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("part", PARTS)
def test_a_project_with_a_link_among_its_folders_is_not_opened(
    place: ProjectPaths, outside: Path, part: str
) -> None:
    before = contents(outside)
    put_link(place.data / part, outside)
    for attempt in (Project.open, Project.create):
        with pytest.raises(ProjectError, match=f"{Path(part).name} is a link"):
            attempt(place.root)
    with pytest.raises(ProjectError, match="is a link"):
        backup.restore(place, force=True)
    assert contents(outside) == before


def test_a_project_that_is_a_link_is_not_opened(place: ProjectPaths, tmp_path: Path) -> None:
    root = tmp_path / "yard"
    root.mkdir()
    (root / ".cfinspect").symlink_to(place.data)
    before = contents(place.data)
    for attempt in (Project.open, Project.create):
        with pytest.raises(ProjectError, match="is a link"):
            attempt(root)
    assert contents(place.data) == before


def test_no_project_is_made_through_a_link(tmp_path: Path, outside: Path) -> None:
    root = tmp_path / "yard"
    root.mkdir()
    (root / ".cfinspect").symlink_to(tmp_path / "outside")
    before = contents(outside)
    with pytest.raises(ProjectError, match="is a link"):
        Project.create(root)
    assert contents(outside) == before


def test_links_further_down_are_not_followed(place: ProjectPaths, outside: Path) -> None:
    before = contents(outside)
    put_link(place.saliency / "1", outside)
    put_link(place.thumbnails / "ab", outside / "ab")
    assert list(place.thumbnail_files()) == []
    with Project.open(place.root) as project:
        cache = SaliencyCache(project, limit=1)
        flat = np.zeros((SIDE, SIDE), np.float32)
        picture = np.zeros((SIDE, SIDE, 3), np.uint8)
        assert cache.write(1, 1, flat, picture) == 0
        with pytest.raises(ProjectError, match="is a link"), project.database.writing() as writing:
            cache.note(writing, 1, 1, 100)
        assert kept_saliency(place, 1, 1, (SIDE, SIDE)) is None
        (model,) = project.models()
        save(project, model, [Inspected(1, picture, None)], cache)
    with pytest.raises(ProjectError, match="is a link"):
        place.write(place.thumbnail_file("ab" * 16), lambda part: part.write_text("x"))
    with pytest.raises(ProjectError, match="is a link"):
        place.remove(place.thumbnail_file("ab" * 16))
    assert contents(outside) == before


def test_a_mask_is_neither_read_nor_written_through_a_link(
    place: ProjectPaths, outside: Path
) -> None:
    mask = np.ones((SIDE, SIDE), np.uint8)
    with Project.open(place.root, human=True) as project:
        image = find(project, "img0.png").id
        name = decide(project, image, who="ann", mask=mask).mask
        assert name is not None
        put_link(place.masks / name[:2], outside)
        before = contents(outside)
        said = decide(project, image, who="ann", verdict=Verdict.UNDAMAGED)
        with pytest.raises(ProjectError, match="is a link"):
            decide(project, image, who="ann", mask=mask, verdict=Verdict.DAMAGED)
        assert find(project, "img0.png").verdict == said.verdict
    assert contents(outside) == before


def test_clean_ups_delete_only_what_cfinspect_wrote(place: ProjectPaths, outside: Path) -> None:
    before = contents(outside)
    place.make(place.scratch)
    (place.scratch / ".tmp-link").symlink_to(outside / "1.png")
    (place.scratch / ".tmp-folder").mkdir()
    (place.scratch / ".tmp-killed.png").write_text("half")
    (place.scratch / "notes.txt").write_text("ann's")
    (place.backups / "project-mine.sqlite").write_text("ann's")
    (place.backups / "project-20000101T000000000000.sqlite").symlink_to(outside / "1.png")
    with Project.open(place.root) as project:
        for day in range(1, backup.KEPT + 3):
            backup.back_up(place, project.database, now=datetime(2027, 1, day, tzinfo=UTC))
    assert len(backup.backups(place)) == backup.KEPT
    left = {path.name for path in place.scratch.iterdir()}
    assert left == {".tmp-link", ".tmp-folder", "notes.txt"}
    assert (place.backups / "project-mine.sqlite").read_text() == "ann's"
    assert contents(outside) == before


@pytest.mark.parametrize("name", ["", "../x", "/etc/passwd", "A" * 40, "a" * 39, "a" * 40 + "\n"])
def test_no_text_becomes_a_path(place: ProjectPaths, name: str) -> None:
    for of in (place.mask_file, place.thumbnail_file):
        with pytest.raises(ProjectError, match="names no file"):
            of(name)
    with pytest.raises(ProjectError, match="is no number"):
        place.saliency_file(name, 1)  # type: ignore[arg-type]  # as from a database
    with pytest.raises(ProjectError, match="is no number"):
        place.saliency_file(1, name)  # type: ignore[arg-type]
    with pytest.raises(ProjectError, match="is no number"):
        place.saliency_file(-1, 1)


def test_only_what_lies_in_the_project_is_touched(place: ProjectPaths, outside: Path) -> None:
    before = contents(outside)
    with pytest.raises(ProjectError, match="does not lie"):
        place.remove(place.data / ".." / ".." / "outside" / "1.png")
    with pytest.raises(ProjectError, match="does not lie"):
        place.write(outside / "1.png", lambda part: part.write_text("x"))
    assert place.read(outside / "1.png") is None
    assert contents(outside) == before


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\r\n\x1a")
    assert read_regular(tmp_path / "file", 100, follow=False) == b"\r\n\x1a"
    (tmp_path / "link").symlink_to(tmp_path / "file")
    strange = [tmp_path, tmp_path / "link", tmp_path / "gone"]
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        strange.append(tmp_path / "pipe")
    for path in strange:
        with pytest.raises(OSError):
            read_regular(path, 100, follow=False)


def test_a_project_without_a_database_is_known_by_a_backup_alone(place: ProjectPaths) -> None:
    place.database.unlink()
    assert find_project_paths(place.root) == place
    for path in place.backups.iterdir():
        path.unlink()
    (place.backups / "project-notes.sqlite").write_text("no backup")
    assert find_project_paths(place.root) is None
