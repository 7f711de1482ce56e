"""A project in the folder of a group, on a read-only disk, and on a disk of another computer."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from colleague import COLLEAGUE, WINDOWS, a_colleague
from studio import inspected_project
from test_earlier_formats import write_version
from typer.testing import CliRunner

from cfinspect.cli import app
from cfinspect.project import audit, backup, database, door
from cfinspect.project.database import ProjectError, is_sound
from cfinspect.project.door import is_logged
from cfinspect.project.finding import find
from cfinspect.project.network_disk import kind_of, network_disk
from cfinspect.project.project import Project
from cfinspect.project.queue import release, renew, take
from cfinspect.project.saliency import SaliencyCache
from cfinspect.project.scan import scan
from cfinspect.project.verdicts import Verdict, decide, human_of


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test writes into the real user's folder."""
    monkeypatch.setenv("CFINSPECT_HOME", str(tmp_path / "home"))


@pytest.fixture
def hall() -> Iterator[Path]:
    """A folder that others may come into, with a project in one file and one verdict."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with inspected_project(Path(folder) / "hall", [0.9, 0.2]) as project:
            decide(project, find(project, "img0.png").id, who="ann", verdict=Verdict.DAMAGED)
        yield Path(folder) / "hall"
        lock(Path(folder) / "hall", 0o644, 0o755)  # or Windows cannot delete it


def lock(root: Path, files: int, folders: int) -> None:
    """Give all that is in a project's own folder these modes."""
    data = root / ".cfinspect"
    data.chmod(0o755)
    for path in sorted(data.rglob("*"), reverse=True):
        path.chmod(folders if path.is_dir() else files)
    data.chmod(folders)


def files_of(root: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (root / ".cfinspect").iterdir()}


def as_closed(_: Path) -> None:
    """One file."""


def as_killed(root: Path) -> None:
    """With the log and its index of a program that was killed; the verdict is in the log."""
    left(root, "PRAGMA journal_mode = WAL")


def as_copied(root: Path) -> None:
    """The same without the index, as on a disk that was written by a program for CDs."""
    as_killed(root)
    (root / ".cfinspect" / "project.sqlite-shm").unlink()


def as_half_written(root: Path) -> None:
    """With a rollback journal that is to be played back."""
    left(root, "PRAGMA journal_mode = DELETE", half=True)


def without_log(root: Path) -> None:
    """As on a network disk."""
    change(root, "PRAGMA journal_mode = DELETE")


def left(root: Path, mode: str, *, half: bool = False) -> None:
    path = root / ".cfinspect" / "project.sqlite"
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in (mode, "PRAGMA cache_size = 1", "BEGIN IMMEDIATE"):
        connection.execute(statement)
    connection.execute("UPDATE image SET grp = hex(zeroblob(20000))")
    if not half:
        connection.execute("UPDATE image SET grp = 'logged'")
        connection.execute("COMMIT")
    shutil.copytree(root, root.with_name("copy"))
    connection.close()
    shutil.rmtree(root)
    root.with_name("copy").rename(root)


def change(root: Path, *statements: str) -> None:
    connection = sqlite3.connect(root / ".cfinspect" / "project.sqlite", isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


STATES = [as_closed, as_killed, as_copied, as_half_written, without_log]


@pytest.mark.parametrize("state", STATES)
def test_a_project_that_cannot_be_written_is_looked_at(
    hall: Path, state: Callable[[Path], None]
) -> None:
    state(hall)
    (hall / ".cfinspect" / "backups").mkdir()
    lock(hall, 0o444, 0o555)
    before = files_of(hall)
    with a_colleague(), Project.open(hall, human=True) as project:
        assert "you may" in project.read_only
        image = find(project, "img0.png").id
        assert human_of(project, image).verdict is Verdict.DAMAGED
        said = {row["grp"] for row in project.database.rows("SELECT grp FROM image")}
        assert said == ({"logged"} if state in (as_killed, as_copied) else {""})
        assert not audit.verify(project).problems
        assert [row.name for row in take(project, "w", "ben", everything=True)] == ["img1.png"]
        renew(project, "w")
        release(project, "w")
        SaliencyCache(project).used(image, 1)
        for attempt in (
            lambda: decide(project, image, who="ben", verdict=Verdict.UNDAMAGED),
            lambda: scan(project),
            lambda: project.add_folder(hall),
        ):
            with pytest.raises(ProjectError, match=r"can only be looked at \(.* you may"):
                attempt()
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            project.database.connection.execute("DELETE FROM lease")
    assert files_of(hall) == before


def test_whoever_only_looks_leaves_nothing_in_the_owners_way(hall: Path) -> None:
    lock(hall, 0o444 if WINDOWS else 0o644, 0o777)  # the folder is the group's, the file is not
    before = set(files_of(hall))
    with a_colleague():
        if not WINDOWS and os.geteuid() != COLLEAGUE:  # an ordinary user owns the file
            (hall / ".cfinspect" / "project.sqlite").chmod(0o444)
        with Project.open(hall) as project:
            assert "project.sqlite in it is" in project.read_only
            assert project.database.row("SELECT 1 FROM human") is not None
        assert is_sound(hall / ".cfinspect" / "project.sqlite")
    assert set(files_of(hall)) == before
    lock(hall, 0o644, 0o755)
    with Project.open(hall, human=True) as project:
        assert not project.read_only
        decide(project, find(project, "img1.png").id, who="ann", verdict=Verdict.DAMAGED)


@pytest.mark.parametrize("state", [as_closed, as_copied, without_log])
def test_whoever_only_looks_sees_what_the_owner_says_meanwhile(
    hall: Path, state: Callable[[Path], None]
) -> None:
    state(hall)
    lock(hall, 0o444, 0o555)
    with a_colleague():
        looking = Project.open(hall)
        assert looking.read_only
    lock(hall, 0o644, 0o755)
    image = find(looking, "img1.png").id
    for verdict in (Verdict.DAMAGED, Verdict.UNDAMAGED):
        with Project.open(hall, human=True) as project:
            decide(project, image, who="ann", verdict=verdict)
            assert human_of(looking, image).verdict is verdict
        assert human_of(looking, image).verdict is verdict
    looking.close()


def test_an_earlier_project_is_looked_at_without_being_changed(hall: Path) -> None:
    path = hall / ".cfinspect" / "project.sqlite"
    path.unlink()
    write_version(4, path)
    before = path.read_bytes()
    lock(hall, 0o444, 0o555)
    with a_colleague(), Project.open(hall) as project:
        assert project.read_only
        assert not audit.verify(project).problems
        assert project.database.rows("SELECT reason FROM prediction WHERE reason LIKE '[%'")
    assert path.read_bytes() == before


def test_empty_files_of_a_colleague_who_looked_are_no_hindrance(hall: Path) -> None:
    data = hall / ".cfinspect"
    for suffix in ("-wal", "-shm"):
        data.joinpath(f"project.sqlite{suffix}").touch(0o444)
    if not WINDOWS and os.geteuid() == 0:
        for path in (data, *data.iterdir()):
            os.chown(path, COLLEAGUE, COLLEAGUE)
    with a_colleague(), Project.open(hall, human=True) as project:
        assert not project.read_only
        decide(project, find(project, "img1.png").id, who="ann", verdict=Verdict.DAMAGED)


def test_a_log_that_holds_something_is_left_alone(hall: Path) -> None:
    as_killed(hall)
    log = hall / ".cfinspect" / "project.sqlite-wal"
    before = log.read_bytes()
    lock(hall, 0o666, 0o777)
    log.chmod(0o444)
    with a_colleague(), Project.open(hall) as project:
        assert "project.sqlite-wal in it is" in project.read_only
        assert project.database.rows("SELECT 1 FROM image WHERE grp = 'logged'")
    assert log.read_bytes() == before


def test_nothing_is_tried_out_behind_a_link(hall: Path, tmp_path: Path) -> None:
    data = hall / ".cfinspect"
    data.rename(tmp_path / "data")
    for suffix in ("-wal", "-shm"):
        (tmp_path / "data" / f"project.sqlite{suffix}").touch(0o444)
    data.symlink_to(tmp_path / "data", target_is_directory=True)
    before = sorted((tmp_path / "data").iterdir())
    for attempt in (Project.open, Project.open_again):
        with pytest.raises(ProjectError, match="is a link"):
            attempt(hall)
    assert sorted((tmp_path / "data").iterdir()) == before


def test_what_nobody_else_may_open_is_a_sentence(hall: Path) -> None:
    data = hall / ".cfinspect"
    modes = [
        (data / "project.sqlite", r"project.sqlite: Permission denied"),
        (data, "may not open"),
    ]
    for path, said in modes:
        path.chmod(0o000)
        if not WINDOWS:  # there a mode takes away no more than writing
            with a_colleague():
                for attempt in (Project.open, Project.create, Project.open_again):
                    with pytest.raises(ProjectError, match=said):
                        attempt(hall)
        path.chmod(0o700)


def test_what_cannot_be_restored_is_a_sentence(hall: Path) -> None:
    lock(hall, 0o444, 0o555)
    with a_colleague(), pytest.raises(ProjectError, match="cannot be restored: the folder is"):
        found = Project.open_again(hall)
        found.close()
        backup.restore(found.paths)


def test_the_commands_say_that_a_project_can_only_be_looked_at(hall: Path) -> None:
    def run(*words: object) -> tuple[int, str, str]:
        done = CliRunner().invoke(app, [str(word) for word in words])
        return done.exit_code, done.stdout, done.stderr

    looks = [
        ("project", "status", hall),
        ("project", "status", hall, "--check", "--json"),
        ("audit", hall, "--verify"),
        ("review", hall, "--list", "--all"),
    ]
    changes = [
        ("review", hall, "--set", "img1.png=damaged"),
        ("project", "scan", hall),
        ("import", hall, "--format", "csv", hall.parent / "said.csv", "--replace"),
    ]
    (hall.parent / "said.csv").write_text("filename,label\nimg1.png,damaged\n")
    export = ("export", hall, "--format", "png", "--only", "all", "--out")
    for words in looks:
        code, _, said = run(*words)
        assert (code, "only be looked at" in said) == (0, False)
    assert run(*export, hall.parent / "own")[0] == 0
    for words in changes[1:]:
        code, _, said = run(*words)
        assert code == 0, said
    lock(hall, 0o444, 0o555)
    hall.parent.chmod(0o777)  # for the export
    (hall.parent / "said.csv").write_text("filename,label\nimg1.png,undamaged\n")
    with a_colleague():
        for words in looks:
            code, _, said = run(*words)
            assert (code, ".cfinspect can only be looked at: " in said) == (0, words[0] != "review")
        code, _, said = run(*export, hall.parent / "others")
        assert (code, ".cfinspect can only be looked at: " in said) == (0, True)
        for words in changes:
            code, _, said = run(*words)
            assert code == 2, (words, said)
            assert "Error: Nothing was changed: the project in" in said
    names = {path.name for path in (hall.parent / "others" / "images").iterdir()}
    assert names == {"img0.png"}  # the other one is damaged by now, and has no mask


# Disks of other computers -----------------------------------------------------------------------


def test_file_systems_of_other_computers_are_known(tmp_path: Path) -> None:
    assert network_disk(tmp_path) == ""
    assert network_disk(tmp_path / "nowhere") == ""
    assert [kind_of(one) for one in (0x6969, 0xFF534D42, 0x01021997)] == ["NFS", "CIFS", "9p"]
    assert kind_of(0xEF53) == ""  # ext4
    assert kind_of(0x65735546, "fuse.sshfs") == "sshfs"
    assert kind_of(0x65735546, "fuseblk") == kind_of(0x65735546, "fuse.ntfs-3g") == ""


@pytest.fixture
def on_a_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every disk counts as another computer's; there is none where tests run."""
    monkeypatch.setattr(database, "network_disk", lambda _: "NFS")


@pytest.mark.usefixtures("on_a_share")
def test_a_new_project_on_a_share_has_no_log(tmp_path: Path) -> None:
    with inspected_project(tmp_path / "hall", [0.9]) as project:
        assert project.database.network == "NFS"
        again = project.again(human=True)
        image = find(again, "img0.png").id
        decide(again, image, who="ann", verdict=Verdict.DAMAGED)
        assert human_of(project, image).verdict is Verdict.DAMAGED
        assert not is_logged(project.paths.database)
        assert {one.name for one in project.paths.data.glob("project*")} == {"project.sqlite"}
        again.close()


@pytest.mark.usefixtures("on_a_share")
def test_a_project_that_comes_to_a_share_gives_up_its_log(hall: Path) -> None:
    as_killed(hall)
    path = hall / ".cfinspect" / "project.sqlite"
    assert is_logged(path)
    with Project.open(hall) as project:
        assert project.database.rows("SELECT 1 FROM image WHERE grp = 'logged'")
        assert not is_logged(path)
        assert not list(path.parent.glob("project.sqlite-*"))


def test_a_log_that_somebody_is_at_work_with_stays(
    hall: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "_ALONE_SECONDS", 0.1)
    with Project.open(hall) as owner:
        monkeypatch.setattr(database, "network_disk", lambda _: "NFS")
        with Project.open(hall, human=True) as project:
            decide(project, find(project, "img1.png").id, who="ben", verdict=Verdict.DAMAGED)
        assert len(owner.database.rows("SELECT 1 FROM human")) == 2
        assert is_logged(owner.paths.database)


@pytest.mark.usefixtures("on_a_share")
def test_looking_at_a_header_drops_no_lock(hall: Path) -> None:
    # A journal is there while somebody writes; whoever opens the database then reads its header.
    with Project.open(hall, human=True) as project:
        path = project.paths.database
        with project.database.writing() as connection:
            connection.execute("UPDATE image SET grp = 'x'")
            assert path.with_name("project.sqlite-journal").exists()
            project.again().close()
            other = (
                "import sqlite3, sys; sqlite3.connect(sys.argv[1], 0.1).execute('BEGIN IMMEDIATE')"
            )
            done = subprocess.run(
                [sys.executable, "-c", other, path], capture_output=True, text=True, check=False
            )
        assert "database is locked" in done.stderr
