"""A project that a stranger made: what its database, and the files beside it, may not do."""

from __future__ import annotations

import os
import shutil
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from studio import inspected_project

from cfinspect.project import backup, door
from cfinspect.project.database import Database, ProjectError, is_sound
from cfinspect.project.door import open_database
from cfinspect.project.finding import find
from cfinspect.project.paths import ProjectPaths
from cfinspect.project.project import Project
from cfinspect.project.schema import MIGRATIONS
from cfinspect.project.verdicts import Verdict, decide, human_of

MAGIC = bytes.fromhex("d9d505f920a163d7")
ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x AS id FROM c"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test writes into the real user's folder."""
    monkeypatch.setenv("CFINSPECT_HOME", str(tmp_path / "home"))


@pytest.fixture
def place(tmp_path: Path) -> ProjectPaths:
    """A closed project with one verdict, in one file."""
    with inspected_project(tmp_path / "hall", [0.9, 0.2]) as project:
        decide(project, find(project, "img0.png").id, who="ann", verdict=Verdict.DAMAGED)
        return project.paths


def change(place: ProjectPaths, *statements: str) -> None:
    """What somebody with an SQLite shell would do; the file is no WAL database afterwards."""
    connection = sqlite3.connect(place.database, isolation_level=None)
    for statement in ("PRAGMA journal_mode = DELETE", "PRAGMA writable_schema = ON", *statements):
        connection.execute(statement)
    connection.close()


def require_refused(place: ProjectPaths, said: str) -> None:
    before = place.database.read_bytes()
    for attempt in (Project.open, Project.create, Project.open_again):
        with pytest.raises(ProjectError, match=said):
            attempt(place.root)
    assert not is_sound(place.database)
    assert place.database.read_bytes() == before


def journal(place: ProjectPaths, victim: Path | None) -> Path:
    """A rollback journal that is to be played back, and names a file."""
    page = struct.unpack(">H", place.database.read_bytes()[16:18])[0]
    pages = place.database.stat().st_size // page
    data = (MAGIC + struct.pack(">IIIII", 0, 0, pages, 512, page)).ljust(512, b"\0")
    if victim is not None:
        name = os.fsencode(victim)
        data += struct.pack(">I", 0x40000000 // page + 1) + name
        data += struct.pack(">II", len(name), sum(name)) + MAGIC
    path = place.database.with_name("project.sqlite-journal")
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("wal", [False, True])
def test_a_journal_that_names_a_file_is_never_played_back(
    place: ProjectPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wal: bool
) -> None:
    monkeypatch.setattr(door, "_JOURNAL_SECONDS", 0.1)
    with Project.open(place.root) as project:
        backup.back_up(place, project.database)
    victim = tmp_path / "thesis.txt"
    victim.write_text("mine")
    if not wal:
        change(place)
    path = journal(place, victim)
    require_refused(place, "the journal .* was not written by")
    backup.restore(place)
    assert victim.read_text() == "mine"
    assert not path.exists()
    with Project.open(place.root) as project:
        image = find(project, "img0.png").id
        assert human_of(project, image).verdict is Verdict.DAMAGED


def test_any_journal_beside_a_wal_database_is_refused(
    place: ProjectPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "_JOURNAL_SECONDS", 0.1)
    journal(place, None)
    require_refused(place, "the journal .* was not written by")


def test_a_change_that_a_kill_cut_short_is_taken_back(place: ProjectPaths, tmp_path: Path) -> None:
    # A restored database is no WAL database until it is opened, and has such a journal meanwhile.
    change(place)
    connection = sqlite3.connect(place.database, isolation_level=None)
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE image SET grp = hex(zeroblob(20000))")
    killed = tmp_path / "killed"
    shutil.copytree(place.root, killed)
    connection.close()
    assert (killed / ".cfinspect" / "project.sqlite-journal").stat().st_size > 0
    with Project.open(killed) as project:
        assert [row["grp"] for row in project.database.rows("SELECT grp FROM image")] == ["", ""]


def test_a_killed_programs_log_is_read(tmp_path: Path) -> None:
    with inspected_project(tmp_path / "hall", [0.9]) as project:
        decide(project, find(project, "img0.png").id, who="ann", verdict=Verdict.DAMAGED)
        shutil.copytree(tmp_path / "hall", tmp_path / "killed")
    data = tmp_path / "killed" / ".cfinspect"
    assert (data / "project.sqlite-wal").stat().st_size > 0
    assert (data / "project.sqlite-shm").exists()
    with Project.open(tmp_path / "killed") as project:
        assert human_of(project, find(project, "img0.png").id).verdict is Verdict.DAMAGED


@pytest.mark.parametrize(
    "statements",
    [
        ["ALTER TABLE meta RENAME TO old", f"CREATE VIEW meta AS {ENDLESS}"],
        [f"CREATE VIEW other AS {ENDLESS}"],
        ["CREATE TRIGGER t AFTER UPDATE ON image BEGIN UPDATE human SET verdict = 0; END"],
        ["CREATE INDEX other ON image(grp)"],
        ["CREATE INDEX other ON image(abs(grp))"],
        ["CREATE TABLE other (id)"],
        ["CREATE VIRTUAL TABLE other USING fts5(text)"],
        ["ANALYZE"],
        ["DROP TRIGGER audit_no_update"],
        ["DROP INDEX image_by_score"],
        ["UPDATE sqlite_master SET sql = replace(sql, ') STRICT', ')') WHERE name = 'image'"],
        ["UPDATE sqlite_master SET sql = replace(sql, 'REAL', 'TEXT') WHERE name = 'image'"],
        ["UPDATE sqlite_master SET sql = sql || ' ' WHERE name = 'image'"],
        ["UPDATE sqlite_master SET name = 'IMAGE' WHERE name = 'image'"],
        ["PRAGMA application_id = 7"],
    ],
)
def test_a_database_that_is_not_built_as_ours_is_not_opened(
    place: ProjectPaths, statements: list[str]
) -> None:
    change(place, *statements)
    require_refused(place, r"is not opened: it is not built|damaged")


def test_what_is_foreign_is_named_without_its_control_characters(place: ProjectPaths) -> None:
    change(place, 'CREATE TABLE "a\x1b[31m" (id)')
    with pytest.raises(ProjectError) as told:
        Project.open(place.root)
    assert r"table 'a\x1b[31m'" in str(told.value)


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("saliency", "image_id", "'../../holiday'"),
        ("saliency", "bytes", "'x'"),
        ("prediction", "model_id", "x'2e2e'"),
        ("prediction", "score", "'high'"),
        ("image", "digest", "'../../../../etc'"),
        ("image", "width", "0"),
        ("image", "state", "7"),
        ("image", "bytes", "1.5"),
        ("human", "mask", "'../../../../../../home/ann/pictures/holiday'"),
        ("human", "verdict", "9"),
    ],
)
def test_values_of_another_type_or_range_are_refused(
    place: ProjectPaths, table: str, column: str, value: str
) -> None:
    with Project.open(place.root) as project:
        if table == "saliency":
            with project.database.writing() as connection:
                connection.execute("INSERT INTO saliency VALUES (1, 1, 5, 5)")
    connection = sqlite3.connect(place.database)
    (sql,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    connection.close()
    triggers = "UPDATE sqlite_master SET {} WHERE type = 'trigger' AND tbl_name = 'human'"
    loose = sql.replace("STRICT", "", 1).replace(") ,", ")")
    change(
        place,
        f"UPDATE sqlite_master SET sql = '{loose.replace(chr(39), chr(39) * 2)}' "
        f"WHERE name = '{table}'",
        triggers.format("sql = replace(sql, 'AFTER UPDATE', 'AFTER DELETE')"),
    )
    change(
        place,
        "PRAGMA ignore_check_constraints = ON",
        f"UPDATE {table} SET {column} = {value}",
        f"UPDATE sqlite_master SET sql = '{sql.replace(chr(39), chr(39) * 2)}' "
        f"WHERE name = '{table}'",
        triggers.format("sql = replace(sql, 'AFTER DELETE', 'AFTER UPDATE')"),
    )
    for attempt in (Project.open, Project.create):
        with pytest.raises(ProjectError, match="is damaged"):
            attempt(place.root)


def test_a_project_that_hangs_is_told_and_not_waited_for(
    place: ProjectPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "_MOST_STEPS", 3_000_000)
    with Project.open(place.root) as project:
        for _ in range(2):
            with pytest.raises(ProjectError, match="took too long"):
                project.database.rows(ENDLESS)
            assert len(project.database.rows("SELECT * FROM image")) == 2


# Windows has no pipes in folders.
STRANGE: list[Callable[[Path], None]] = [Path.mkdir, getattr(os, "mkfifo", Path.mkdir)]


@pytest.mark.parametrize("name", ["project.sqlite", "project.sqlite-wal", "project.sqlite-shm"])
@pytest.mark.parametrize("put", STRANGE)
def test_a_pipe_or_folder_in_place_of_a_file_is_refused(
    place: ProjectPaths, name: str, put: Callable[[Path], None]
) -> None:
    path = place.data / name
    path.unlink(missing_ok=True)
    put(path)
    for attempt in (Project.open, Project.create, Project.open_again):
        with pytest.raises(ProjectError, match="is no file"):
            attempt(place.root)


@pytest.mark.parametrize("name", ["project.sqlite", "project.sqlite-wal", "project.sqlite-journal"])
def test_a_link_in_place_of_a_file_is_refused(
    place: ProjectPaths, tmp_path: Path, name: str
) -> None:
    other = tmp_path / "other"
    other.write_bytes(place.database.read_bytes())
    before = other.read_bytes()
    (place.data / name).unlink(missing_ok=True)
    (place.data / name).symlink_to(other)
    for attempt in (Project.open, Project.create, Project.open_again):
        with pytest.raises(ProjectError, match="is a link"):
            attempt(place.root)
    assert other.read_bytes() == before


def test_a_backup_that_is_not_built_as_ours_is_passed_over(place: ProjectPaths) -> None:
    with Project.open(place.root) as project:
        good = backup.back_up(place, project.database)
    bad = place.backups / "project-99990101T000000000000.sqlite"
    shutil.copyfile(good, bad)
    connection = sqlite3.connect(bad)
    connection.execute("CREATE TRIGGER t AFTER INSERT ON lease BEGIN SELECT 1; END")
    connection.close()
    place.database.write_bytes(b"nonsense")
    assert backup.restore(place).backup == good


def test_nothing_is_rescued_from_a_table_without_end(place: ProjectPaths) -> None:
    with Project.open(place.root) as project:
        backup.back_up(place, project.database)
    change(place, "ALTER TABLE image RENAME TO old", f"CREATE VIEW image AS {ENDLESS}")
    assert backup.restore(place).rescued == 0
    with Project.open(place.root) as project:
        assert len(project.database.rows("SELECT * FROM image")) == 2


def test_no_draft_is_written_through_a_link(place: ProjectPaths, tmp_path: Path) -> None:
    with Project.open(place.root) as project:
        backup.back_up(place, project.database)
    outside = tmp_path / "outside"
    outside.mkdir()
    place.database.write_bytes(b"nonsense")
    place.scratch.rmdir()
    place.scratch.symlink_to(outside)
    with pytest.raises(ProjectError, match="is a link"):
        backup.restore(place)
    assert not list(outside.iterdir())


def test_the_machine_cannot_write_a_verdict_with_an_image(place: ProjectPaths) -> None:
    with Project.open(place.root) as project:
        columns = "id, folder_id, path, place, bytes, mtime_ns, digest"
        for sql in (
            f"INSERT OR REPLACE INTO image ({columns}, state, verdict) SELECT {columns}, 1, 0 FROM "
            "image",
            f"INSERT OR REPLACE INTO image ({columns}) SELECT {columns} FROM image",
            "INSERT OR REPLACE INTO image (folder_id, path, place, bytes, mtime_ns, digest, verdict"
            ") SELECT folder_id, path, place, bytes, mtime_ns, digest, 0 FROM image",
            "INSERT OR REPLACE INTO image (folder_id, path, place, bytes, mtime_ns, digest) "
            "SELECT folder_id, path, place, bytes, mtime_ns, digest FROM image",
            "UPDATE OR REPLACE image SET path = 'img0.png'",
            "CREATE TABLE other (id)",
            "ANALYZE",
        ):
            with pytest.raises(sqlite3.DatabaseError):
                project.database.connection.execute(sql)
        assert find(project, "img0.png").verdict == Verdict.DAMAGED


def test_a_new_database_takes_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o002)
    try:
        database = Database(tmp_path / "x.sqlite", create=True)
        modes = {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
        database.close()
    finally:
        os.umask(before)
    assert modes == {0o666 if sys.platform == "win32" else 0o664}


def test_a_database_of_no_project_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (id)")
    connection.close()
    with pytest.raises(ProjectError, match="is no project's database"):
        open_database(path, MIGRATIONS)
    with pytest.raises(ProjectError, match="not built as"):
        open_database(path, MIGRATIONS, create=True)


_NO_ROOM = """
import resource, sys
from pathlib import Path
from cfinspect.project.database import ProjectError
from cfinspect.project.project import Project
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
try:
    Project.open(Path(sys.argv[1]))
except ProjectError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit there")
def test_a_disk_without_room_is_told(place: ProjectPaths) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _NO_ROOM, str(place.root)],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert "the disk is full or fails" in done.stdout, done.stderr
    with Project.open(place.root) as project:
        assert find(project, "img0.png").verdict == Verdict.DAMAGED
