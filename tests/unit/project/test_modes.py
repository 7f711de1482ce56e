"""Who may read and write what is written: what the umask leaves, as for any other program."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from colleague import WINDOWS
from studio import inspected_project

from cfinspect.engine.base.atomic import folder_in_one_step, save_text, write_atomically
from cfinspect.project import backup
from cfinspect.project.finding import find
from cfinspect.project.project import Project
from cfinspect.project.verdicts import Verdict, decide


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test writes into the real user's folder."""
    monkeypatch.setenv("CFINSPECT_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize("umask", [0o002, 0o022, 0o077])
def test_all_that_is_written_takes_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "file", lambda part: part.write_text("x"))
        save_text(tmp_path / "text" / "file", "x")
        with folder_in_one_step(tmp_path / "folder") as draft:
            (draft / "inner").mkdir()
        with inspected_project(tmp_path / "hall", [0.9]) as project:
            image = find(project, "img0.png").id
            decide(project, image, who="ann", verdict=Verdict.DAMAGED)
            backup.back_up(project.paths, project.database)
        project.paths.database.write_bytes(b"nonsense")
        backup.restore(project.paths)
        Project.open(tmp_path / "hall").close()
    finally:
        os.umask(before)
    paths = [path for path in tmp_path.rglob("*") if path.name != "home"]
    modes = {(path.is_dir(), path.stat().st_mode & 0o777) for path in paths}
    kept = 0o777 if WINDOWS else ~umask
    assert modes == {(True, 0o777 & kept), (False, 0o666 & kept)}


def test_a_restored_database_is_for_the_same_people(tmp_path: Path) -> None:
    with inspected_project(tmp_path / "hall", [0.9]) as project:
        backup.back_up(project.paths, project.database)
    project.paths.database.write_bytes(b"nonsense")
    project.paths.database.chmod(0o660)
    backup.restore(project.paths)
    assert project.paths.database.stat().st_mode & 0o777 == (0o666 if WINDOWS else 0o660)
