"""Backups of a project, and the way back from a damaged database."""

from __future__ import annotations

import os
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from studio import inspected_project, write_images

from cfinspect.project import audit, backup, database, paths
from cfinspect.project.corrections import mask_class, mask_classes
from cfinspect.project.database import ProjectError
from cfinspect.project.finding import find
from cfinspect.project.listing import HumanState, list_images
from cfinspect.project.project import Project
from cfinspect.project.scan import scan
from cfinspect.project.verdicts import Verdict, decide, human_of


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test writes into the real user's folder."""
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path / "home"))


def test_a_damaged_database_is_noticed_and_restored(tmp_path: Path) -> None:
    with inspected_project(tmp_path / "hall", [0.9, 0.8]) as project:
        decide(project, find(project, "img0.png").id, who="ann", verdict=Verdict.DAMAGED)
        saved = backup.back_up(project.paths, project.database)
        here = project.paths
    data = bytearray(here.database.read_bytes())
    data[4096 * 3 : 4096 * 40] = b"\x55" * (4096 * 37)
    here.database.write_bytes(data)
    with pytest.raises(ProjectError, match="project restore"):
        Project.open(tmp_path / "hall")
    bad = here.backups / "project-99990101T000000000000.sqlite"
    bad.write_bytes(b"no database")
    done = backup.restore(here)
    assert done.backup == saved
    assert done.kept is not None
    assert done.kept.read_bytes() == data
    with Project.open(tmp_path / "hall") as project:
        image = find(project, "img0.png")
        assert human_of(project, image.id).verdict is Verdict.DAMAGED
    with pytest.raises(ProjectError, match="is sound"):
        backup.restore(here)
    for file in here.backups.iterdir():
        file.unlink()
    with pytest.raises(ProjectError, match="no sound backup"):
        backup.restore(here, force=True)
    assert here.database.exists()


def test_verdicts_newer_than_the_backup_are_rescued(tmp_path: Path) -> None:
    with inspected_project(tmp_path / "hall", [0.9] * 30) as project:
        here = project.paths
        ids = [row.id for row in list_images(project)]
        for number in ids[:5]:
            decide(project, number, who="ann", verdict=Verdict.DAMAGED)
        backup.back_up(here, project.database)
        for number in ids[3:20]:
            decide(project, number, who="bob", verdict=Verdict.UNDAMAGED, comment="later")
        rot = mask_class(project, "rot", who="bob")
        decide(project, ids[25], who="bob", mask=np.full((24, 24), rot, np.uint8))
        before = [human_of(project, number) for number in ids]
        root = project.database.row(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'image_by_score'"
        )
        assert root
        project.database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with here.database.open("r+b") as file:
        file.seek((root[0] - 1) * 4096)
        file.write(b"\x07" * 4096)
    with pytest.raises(ProjectError, match="damaged"):
        Project.open(tmp_path / "hall")
    assert backup.restore(here).rescued == 19
    with Project.open(tmp_path / "hall") as project:
        after = [human_of(project, number) for number in ids]
        assert after == before
        assert not audit.verify(project).problems
        assert mask_classes(project)[rot] == "rot"
        assert find(project, "img25.png").state is HumanState.CORRECTED


def test_backups_are_made_when_due_and_rotate(tmp_path: Path) -> None:
    with inspected_project(tmp_path / "hall", [0.9]) as project:
        here, image = project.paths, find(project, "img0.png").id
        backup.back_up_when_due(here, project.database)
        assert backup.backups(here) == []  # nobody said anything yet
        start = datetime.now(UTC) - timedelta(days=20)
        for day in range(15):
            decide(project, image, who="ann", comment=str(day))
            for hour in (0, 1):
                moment = start + timedelta(days=day, hours=hour)
                backup.back_up_when_due(here, project.database, now=moment)
        files = backup.backups(here)
        assert len(files) == backup.KEPT
        assert all(database.is_sound(file) for file in files)
        assert [file.name for file in here.backups.iterdir() if file not in files] == []
        for day in (1, 2, 3):  # nobody says anything any more
            moment = datetime.now(UTC) + timedelta(days=day)
            backup.back_up_when_due(here, project.database, now=moment)
        assert backup.backups(here)[1] == files[0]


def test_a_backup_that_fails_keeps_nobody_out(tmp_path: Path) -> None:
    with inspected_project(tmp_path / "hall", [0.9]) as project:
        decide(project, find(project, "img0.png").id, who="ann", verdict=Verdict.DAMAGED)
        project.paths.backups.touch()  # a file where the folder should be
    Project.open(tmp_path / "hall").close()


def damage(database: Path, table: str) -> None:
    """Overwrite the first page of a table or index."""
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    row = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,))
    page_number = row.fetchone()[0]
    connection.close()
    with database.open("r+b") as file:
        file.seek((page_number - 1) * 4096)
        file.write(b"\x07" * 4096)


@pytest.mark.parametrize("broken", ["image_by_score", "image"])
def test_verdicts_on_images_that_came_after_the_backup_are_rescued(
    tmp_path: Path, broken: str
) -> None:
    root = tmp_path / "hall"
    with inspected_project(root, [0.9, 0.8]) as project:
        here = project.paths
        decide(project, find(project, "img0.png").id, who="ann", verdict=Verdict.DAMAGED)
        backup.back_up(here, project.database)
        write_images(root, 2, seed=5, start=10)
        scan(project)
        decide(project, find(project, "img11.png").id, who="ann", verdict=Verdict.DAMAGED)
        decide(project, find(project, "img1.png").id, who="ann", verdict=Verdict.UNDAMAGED)
    damage(here.database, broken)
    assert backup.restore(here).rescued == 2
    with Project.open(root) as project:
        scan(project)
        verdicts = {
            name: human_of(project, find(project, name).id).verdict
            for name in ("img0.png", "img1.png", "img10.png", "img11.png")
        }
        assert list(verdicts.values()) == [1, 0, None, 1]
        assert not audit.verify(project).problems


def test_an_empty_or_missing_database_is_no_new_project(tmp_path: Path) -> None:
    root = tmp_path / "hall"
    with inspected_project(root, [0.9]) as project:
        here = project.paths
        decide(project, find(project, "img0.png").id, who="ann", verdict=Verdict.DAMAGED)
        backup.back_up(here, project.database)
    for make_it_bad in (lambda: here.database.write_bytes(b""), here.database.unlink):
        for suffix in ("-wal", "-shm"):
            here.database.with_name(here.database.name + suffix).unlink(missing_ok=True)
        make_it_bad()
        for attempt in (Project.open, Project.create):
            with pytest.raises(ProjectError, match="gone or empty"):
                attempt(root)
        backup.restore(here)
        with Project.open(root) as project:
            image = find(project, "img0.png").id
            assert human_of(project, image).verdict is Verdict.DAMAGED


def test_who_has_the_old_database_open_is_told(tmp_path: Path) -> None:
    root = tmp_path / "hall"
    with inspected_project(root, [0.9]) as project:
        image = find(project, "img0.png").id
        decide(project, image, who="ann", verdict=Verdict.DAMAGED)
        backup.back_up(project.paths, project.database)
        backup.restore(project.paths, force=True)
        with pytest.raises(ProjectError, match="replaced while it was open"):
            decide(project, image, who="ann", verdict=Verdict.UNDAMAGED)


def test_a_backup_from_the_future_stops_no_other(tmp_path: Path) -> None:
    with inspected_project(tmp_path / "hall", [0.9]) as project:
        decide(project, find(project, "img0.png").id, who="ann", verdict=Verdict.DAMAGED)
        future = datetime.now(UTC) + timedelta(days=900)
        backup.back_up(project.paths, project.database, now=future)
        backup.back_up_when_due(project.paths, project.database)
        assert len(backup.backups(project.paths)) == 2


def test_backups_of_a_wrong_clock_and_of_a_right_one_push_out_none_of_the_other(
    tmp_path: Path,
) -> None:
    with inspected_project(tmp_path / "hall", [0.9]) as project:
        now = datetime.now(UTC)
        for day in range(backup.KEPT + 3):
            for years in (-10, 0, 10):
                moment = now + timedelta(days=365 * years + day)
                assert backup.back_up(project.paths, project.database, now=moment).exists()
        kept = [path.name[8:12] for path in backup.backups(project.paths)]
        assert kept.count(f"{now.year + 10}") == backup.KEPT
        assert len(kept) <= 2 * backup.KEPT


def test_the_backup_that_knows_most_is_taken_whatever_its_clock_said(tmp_path: Path) -> None:
    with inspected_project(tmp_path / "hall", [0.9, 0.2]) as project:
        decide(project, find(project, "img0.png").id, who="ann", verdict=Verdict.DAMAGED)
        future = datetime.now(UTC) + timedelta(days=3650)
        backup.back_up(project.paths, project.database, now=future)
        decide(project, find(project, "img1.png").id, who="ann", verdict=Verdict.DAMAGED)
        newer = backup.back_up(project.paths, project.database)
    project.paths.database.write_bytes(b"nonsense")
    assert backup.restore(project.paths).backup == newer


def test_a_log_that_was_left_behind_is_a_reason_to_restore(tmp_path: Path) -> None:
    with inspected_project(tmp_path / "hall", [0.9]) as project:
        project.database.connection.execute("PRAGMA wal_checkpoint")
        decide(project, find(project, "img0.png").id, who="ann", verdict=Verdict.DAMAGED)
        backup.back_up(project.paths, project.database)
        shutil.copytree(tmp_path / "hall", tmp_path / "copy")
    (tmp_path / "copy" / ".cfinspect" / "project.sqlite-wal").unlink()
    place = paths.find_project_paths(tmp_path / "copy")
    assert place is not None
    assert backup.restore(place).rescued == 0
    with Project.open(tmp_path / "copy") as copy:
        assert human_of(copy, find(copy, "img0.png").id).verdict is Verdict.DAMAGED
    with pytest.raises(ProjectError, match="is sound"):
        backup.restore(place)


def test_a_restore_that_a_power_cut_ended_is_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with inspected_project(tmp_path / "hall", [0.9] * 9) as project:
        here = project.paths
        ids = [row.id for row in list_images(project)]
        decide(project, ids[0], who="ann", verdict=Verdict.DAMAGED)
        backup.back_up(here, project.database)
        for number in ids[1:4]:
            decide(project, number, who="bob", verdict=Verdict.UNDAMAGED)
        (root,) = project.database.row(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'image_by_score'"
        ) or (0,)
        project.database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with here.database.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\x07" * 4096)

    class PowerCut(BaseException):
        pass

    real = os.replace

    def cut(source: Path, target: Path) -> None:
        if target == here.database:
            raise PowerCut
        real(source, target)

    with monkeypatch.context() as patch, pytest.raises(PowerCut):
        patch.setattr(os, "replace", cut)
        patch.setattr(Path, "replace", cut)
        backup.restore(here)
    assert not here.database.exists()
    assert backup.restore(here).rescued == 3
    with Project.open(tmp_path / "hall") as project:
        verdicts = [human_of(project, number).verdict for number in ids[:5]]
        assert verdicts == [Verdict.DAMAGED, *[Verdict.UNDAMAGED] * 3, None]
