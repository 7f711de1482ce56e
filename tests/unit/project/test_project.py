from __future__ import annotations

import os
import sqlite3
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from studio import SIDE, bound_model, inspected_project, write_images

from cfinspect.project import audit, backup, database, paths
from cfinspect.project.database import Database, ProjectError
from cfinspect.project.finding import find
from cfinspect.project.listing import HumanState
from cfinspect.project.predictions import prediction_of
from cfinspect.project.project import Project
from cfinspect.project.saliency import SaliencyCache, kept_counterfactual, kept_saliency
from cfinspect.project.scan import scan
from cfinspect.project.schema import MIGRATIONS
from cfinspect.project.verdicts import Verdict, decide, human_of


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test writes into the real user's folder."""
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_project_lies_beside_the_images_and_moves_with_them(tmp_path: Path) -> None:
    with inspected_project(tmp_path / "hall", [0.9]) as project:
        assert project.paths.data == tmp_path / "hall" / ".cfinspect"
        decide(project, find(project, "img0.png").id, who="ann", verdict=Verdict.DAMAGED)
        name = project.id
    (tmp_path / "hall").rename(tmp_path / "yard")
    with Project.open(tmp_path / "yard") as project:
        assert project.id == name
        assert scan(project).moved == 0
        image = find(project, str(tmp_path / "yard" / "img0.png"))
        assert image.path.exists()
        assert human_of(project, image.id).verdict is Verdict.DAMAGED


def test_a_read_only_folder_has_its_project_in_the_users_folder(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "cd"
    write_images(root, 2)
    # Permissions do not hold an administrator back, so the question itself is answered here.
    monkeypatch.setattr(paths, "can_write", lambda folder: folder != root)
    with Project.create(root) as project:
        scan(project)
        assert project.paths.data.is_relative_to(home)
    assert not (root / ".cfinspect").exists()
    with Project.open(root) as project:
        assert find(project, "img1.png").path == root / "img1.png"


def test_a_folder_can_be_asked_whether_it_takes_files(tmp_path: Path) -> None:
    assert paths.can_write(tmp_path)
    assert not paths.can_write(tmp_path / "nowhere")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_opened_is_said(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="project init"):
        Project.open(tmp_path)
    with pytest.raises(ProjectError, match="There is no folder"):
        Project.create(tmp_path / "nowhere")


def test_folders_do_not_lie_in_one_another(tmp_path: Path) -> None:
    for name in ("hall/a", "lot"):
        write_images(tmp_path / name, 1)
    with Project.create(tmp_path / "hall", domain="crack") as project:
        with pytest.raises(ProjectError, match="one another"):
            project.add_folder(tmp_path / "hall" / "a", "crack")
        lot = project.add_folder(tmp_path / "lot", "apple", mm_per_px=0.5)
        assert project.add_folder(tmp_path / "lot", "pear").mm_per_px == 0.5
        assert [folder.domain for folder in project.folders()] == ["crack", "pear"]
        assert project.folder_named(str(tmp_path / "lot")).id == lot.id
        with pytest.raises(ProjectError, match="it has"):
            project.folder_named("elsewhere")


def test_same_names_in_two_folders_need_the_folder_before_them(tmp_path: Path) -> None:
    for name in ("hall", "lot"):
        write_images(tmp_path / name, 1, seed=len(name))
    with Project.create(tmp_path / "hall") as project:
        project.add_folder(tmp_path / "lot", "apple")
        scan(project)
        with pytest.raises(ProjectError, match="Several"):
            find(project, "img0.png")
        write_images(tmp_path / "lot" / "deep", 1, start=70)
        scan(project)
        assert find(project, "img70.png").path.parent.name == "deep"
        with pytest.raises(ProjectError, match="no image"):
            find(project, "img%.png")
        assert find(project, f"{tmp_path / 'lot'}/img0.png").path.parent.name == "lot"
        with pytest.raises(ProjectError, match="no image"):
            find(project, "img7.png")


def test_a_newer_format_is_said_and_left_alone(tmp_path: Path) -> None:
    with inspected_project(tmp_path / "hall", [0.9]) as project:
        file = project.paths.database
        project.database.connection.execute("PRAGMA user_version = 99")
    before = file.read_bytes()
    with pytest.raises(ProjectError, match="newer cfinspect"):
        Project.open(tmp_path / "hall")
    assert file.read_bytes() == before


def test_an_older_format_is_brought_up_step_by_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "x.sqlite"
    Database(file, create=True).close()
    newer = (*MIGRATIONS, "CREATE TABLE extra (id INTEGER);\nCREATE TABLE more (id);")
    monkeypatch.setattr(database, "MIGRATIONS", newer)
    Database(file).close()
    assert Database(file).row("SELECT count(*) AS n FROM more")
    broken = (*newer, "CREATE TABLE last (id);\nCREATE TABLE extra (id);")
    monkeypatch.setattr(database, "MIGRATIONS", broken)
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        Database(file)
    monkeypatch.setattr(database, "MIGRATIONS", newer)
    assert Database(file).row("SELECT name FROM sqlite_schema WHERE name = 'last'") is None


def test_leftovers_of_killed_programs_go_at_the_next_opening(tmp_path: Path) -> None:
    with inspected_project(tmp_path / "hall", [0.9]) as project:
        here = project.paths
    (here.scratch / ".tmp-1.png").touch()
    (here.scratch / ".tmp-2.sqlite").touch()
    Project.open(tmp_path / "hall").close()
    assert not list(here.data.rglob(".tmp-*"))


def test_all_temporary_files_lie_where_they_are_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []
    make = os.open

    def watched(path: Any, *args: Any, **kwargs: Any) -> int:
        if Path(path).name.startswith(".tmp-"):
            made.append(Path(path))
        return make(path, *args, **kwargs)

    with inspected_project(tmp_path / "hall", [0.9]) as project:
        monkeypatch.setattr(os, "open", watched)
        image = find(project, "img0.png").id
        decide(project, image, who="ann", mask=np.ones((24, 24), np.uint8))
        backup.back_up(project.paths, project.database)
        saliency, picture = np.zeros((24, 24), np.float32), np.zeros((24, 24, 3), np.uint8)
        assert SaliencyCache(project).write(image, 1, saliency, picture)
        assert len(made) == 4
        assert {path.parent for path in made} == {project.paths.scratch}


def test_a_full_disk_is_a_sentence_and_nothing_is_changed(tmp_path: Path) -> None:
    with inspected_project(tmp_path / "hall", [0.9]) as project:
        image = find(project, "img0.png").id
        said = decide(project, image, who="ann", verdict=Verdict.DAMAGED)
        pages = project.database.row("PRAGMA page_count")
        assert pages
        project.database.connection.execute(f"PRAGMA max_page_count = {pages[0]}")
        with pytest.raises(ProjectError, match="disk is full"):
            decide(project, image, who="ann", comment="x" * 10_000)
        assert human_of(project, image) == said
        project.database.connection.execute("PRAGMA max_page_count = 1000000")
        assert decide(project, image, who="ann", comment="y").version == 2
        project.database.check(thorough=True)


def test_the_saliency_cache_stays_within_its_bytes(tmp_path: Path) -> None:
    with inspected_project(tmp_path / "hall", [0.9] * 30) as project:
        model = bound_model(project)
        cache = SaliencyCache(project, limit=60_000)
        chance = np.random.default_rng(0)
        maps = chance.random((30, 40, 50)).astype(np.float32)
        pictures = np.repeat(np.arange(0, 240, 8, dtype=np.uint8), 6000).reshape(30, 40, 50, 3)
        for number in range(30):
            size = cache.write(number + 1, model.id, maps[number], pictures[number])
            with project.database.writing() as connection:
                cache.note(connection, number + 1, model.id, size)
        held = sum(file.stat().st_size for file in project.paths.saliency.rglob("*.*"))
        assert held <= 60_000
        assert kept_saliency(project.paths, 1, model.id, (40, 50)) is None
        assert kept_counterfactual(project.paths, 1, model.id, (40, 50)) is None
        last = kept_saliency(project.paths, 30, model.id, (40, 50))
        assert last is not None
        assert np.abs(last / 255 - maps[29]).max() <= 0.5 / 255 + 1e-6
        picture = kept_counterfactual(project.paths, 30, model.id, (40, 50))
        assert picture is not None
        assert np.abs(picture.astype(int) - pictures[29]).max() <= 2
        rows = project.database.rows("SELECT sum(bytes) AS n FROM saliency")
        assert rows[0]["n"] == held


def test_a_project_whose_making_was_cut_short_is_finished(tmp_path: Path) -> None:
    root = tmp_path / "hall"
    write_images(root, 1)
    (root / ".cfinspect").mkdir()
    Database(root / ".cfinspect" / "project.sqlite", create=True).close()
    with Project.create(root) as project:
        assert [folder.name for folder in project.folders()] == ["."]
        assert project.id


def test_masks_without_a_verdict_wait_for_one_in_older_projects_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Today's predictions need their column, which this old project has not.
    today = "ALTER TABLE prediction ADD COLUMN kind TEXT NOT NULL DEFAULT '';"
    monkeypatch.setattr(database, "MIGRATIONS", (MIGRATIONS[0], MIGRATIONS[1] + today))
    with inspected_project(tmp_path / "hall", [0.9, 0.8]) as project:
        for name, verdict in (("img0.png", None), ("img1.png", Verdict.DAMAGED)):
            mask = np.ones((SIDE, SIDE), np.uint8)
            decide(project, find(project, name).id, who="ann", verdict=verdict, mask=mask)
        assert find(project, "img0.png").state is HumanState.CORRECTED  # as it was then
        project.database.connection.execute("ALTER TABLE prediction DROP COLUMN kind")
    monkeypatch.setattr(database, "MIGRATIONS", MIGRATIONS)
    with Project.open(tmp_path / "hall") as project:
        assert find(project, "img0.png").to_review
        assert find(project, "img1.png").state is HumanState.CORRECTED
        assert not audit.verify(project).problems
        (model,) = project.models()
        said = prediction_of(project, find(project, "img0.png").id, model.id)
        assert said is not None
        assert (said.score, said.kind) == (0.9, "")


def test_a_model_whose_metadata_no_version_wrote_stays_in_the_project(tmp_path: Path) -> None:
    with inspected_project(tmp_path / "hall", [0.9]) as project:
        with project.database.writing() as connection:
            connection.execute("UPDATE model SET card = ?", ('{"from": "somewhere else"}',))
        (model,) = project.models()
        assert model.metadata is None and model.name == "model.safetensors"
        bound_model(project)
        assert [one.metadata for one in project.models()] == [None]


@pytest.mark.skipif(sys.platform != "linux", reason="names of other systems are text")
def test_a_folder_whose_name_is_no_text_is_refused_with_a_sentence(tmp_path: Path) -> None:
    old_stick = tmp_path / os.fsdecode(b"b\xfcro")
    old_stick.mkdir()
    with pytest.raises(ProjectError, match="is no UTF-8 text"):
        Project.create(old_stick)
    assert not list(old_stick.iterdir())
    (tmp_path / "here").mkdir()
    with (
        Project.create(tmp_path / "here") as project,
        pytest.raises(ProjectError, match="is no UTF-8 text"),
    ):
        project.add_folder(old_stick)


@pytest.mark.skipif(
    sys.platform == "win32", reason="a folder with open files cannot be moved there"
)
def test_a_project_that_is_moved_while_it_is_open_says_so_and_leaves_nothing(
    tmp_path: Path,
) -> None:
    root = tmp_path / "photos"
    with inspected_project(root, [0.9, 0.2]) as project:
        cache = SaliencyCache(project)
        root.rename(tmp_path / "moved")
        image = np.zeros((4, 4, 3), np.uint8)
        assert cache.write(1, 1, np.zeros((4, 4), np.float32), image) == 0
        with pytest.raises(ProjectError, match="was moved or deleted"):
            decide(project, 1, who="ann", verdict=Verdict.DAMAGED)
    assert not root.exists()
    with Project.open(tmp_path / "moved") as project:
        project.database.check(thorough=True)
