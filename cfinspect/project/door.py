"""The one door to a project's database, which may come from anywhere.

A database is opened only when it and the files beside it are regular files, no journal beside it
could make SQLite delete a file, and its schema is, statement by statement, what our migrations
make: a view could be without end, a trigger could change verdicts after they were stored. Whether
each value has its column's type is then a matter of `PRAGMA quick_check` (see ``strict_tables``).
"""

from __future__ import annotations

import contextlib
import functools
import os
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cfinspect.project.errors import ProjectError
from cfinspect.project.paths import is_regular, refuse_link
from cfinspect.project.schema import APPLICATION_ID, FUNCTIONS

BUSY_SECONDS = 60.0
SIDE_FILES = ("-journal", "-wal", "-shm")
_JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
_WAL = 2
_JOURNAL_SECONDS = 2.0
_ALONE_SECONDS = 2.0
_STEPS = 1_000_000
_MOST_STEPS = 1000 * _STEPS  # more than any question to a project of some million images
_TYPED_SINCE = 6  # the format from which on the database says whose it is
# What a value, a statement and its parts may be at most. A mask of a gigapixel has 120 MB.
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 1 << 28,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 1 << 24,
    sqlite3.SQLITE_LIMIT_COLUMN: 200,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 20,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 20,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 4,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
_HELD: dict[tuple[int, int], int] = {}  # open databases by their number on disk
Schema = frozenset[tuple[str, str, str, str | None]]


class _Steps:
    """Counts SQLite's steps, and ends a statement that takes too many.

    Steps, and not seconds: a slow disk is no attack, nor is a program that takes its time between
    two rows.
    """

    def __init__(self) -> None:
        self.taken = 0

    def count(self) -> bool:
        self.taken += _STEPS
        return self.taken > _MOST_STEPS


@contextlib.contextmanager
def undecodable_is_damage() -> Iterator[None]:
    """Raise sqlite3.DatabaseError for text that is no UTF-8; Python's own error is no SQLite's."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise sqlite3.DatabaseError(f"Could not decode to UTF-8: {error}") from error


class Connection(sqlite3.Connection):
    """A connection on which no statement runs for ever."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._steps = _Steps()
        self.set_progress_handler(self._steps.count, _STEPS)

    def execute(self, *args: Any) -> sqlite3.Cursor:
        """As SQLite's own; each statement has its own count of steps."""
        self._steps.taken = 0
        with undecodable_is_damage():
            return super().execute(*args)

    def executemany(self, *args: Any) -> sqlite3.Cursor:
        """As SQLite's own; all of its rows have one count of steps."""
        self._steps.taken = 0
        return super().executemany(*args)


def open_database(
    path: Path,
    scripts: tuple[str, ...],
    *,
    create: bool = False,
    how: str = "",
    alone: bool = False,
) -> Connection:
    """Connect to the database ``path``, made by the first few of ``scripts`` (migrations).

    Nothing is changed in it. With ``create`` it may be missing or empty; then the file is made.
    ``how``: words of SQLite's addresses, such as "mode=ro". ``alone``: the database is locked for
    all others, and a log is read without its index; for a moment only, and who has to wait for
    others gives up soon.

    Raises ProjectError for a file that is gone, whose surroundings or schema are not ours, or which
    is newer than this program; sqlite3.Error for one that is damaged.
    """
    refuse_link(path.parent)
    for name in (path.name, *(path.name + suffix for suffix in SIDE_FILES)):
        _require_regular(path.with_name(name))
    if create:
        _make(path)
    if not create and (not path.exists() or path.stat().st_size == 0):
        raise ProjectError(
            f"The project's database {path} is gone or empty; `cfinspect project restore` "
            "brings back a backup."
        )
    _require_harmless_journal(path)
    connection = sqlite3.connect(
        f"{_address(path)}?{how}" if how else path,
        timeout=_ALONE_SECONDS if alone else BUSY_SECONDS,
        isolation_level=None,
        factory=Connection,
        uri=bool(how),
    )
    try:
        limited(connection)
        if alone:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        _require_our_schema(connection, path, scripts, create)
    except BaseException:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def one_look(connection: sqlite3.Connection) -> Iterator[None]:
    """All that the block reads is of one moment, whatever others write meanwhile."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:  # SQLite ends it itself where the disk fails
            connection.execute("ROLLBACK")


def limited(connection: Connection) -> Connection:
    """Set the limits of values and statements, and that no part of a schema is trusted."""
    for limit, most in _LIMITS.items():
        connection.setlimit(limit, most)
    for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def migrate(connection: sqlite3.Connection, script: str) -> None:
    """Apply one of the migrations, statement by statement, in the transaction that is open."""
    for name, function in FUNCTIONS.items():
        connection.create_function(name, 1, function)
    for statement in _statements(script):
        connection.execute(statement)


def format_of(connection: sqlite3.Connection) -> int:
    """How many migrations a database has seen."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def is_logged(path: Path) -> bool:
    """Whether a database has a write-ahead log (WAL). Raises OSError where it cannot be read."""
    return _WAL in read_at(path, 18, 2)


def read_at(path: Path, start: int, count: int) -> bytes:
    """Up to ``count`` bytes of a database from ``start``. Raises OSError where it cannot be read.

    The file stays open till the program ends: closing it would drop the locks that SQLite holds on
    it for this program's other connections (not on Windows), and two could write at once.
    """
    if sys.platform == "win32":
        with path.open("rb") as file:
            file.seek(start)
            return file.read(count)
    number = (path.stat().st_dev, path.stat().st_ino)
    if number not in _HELD:
        _HELD[number] = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    return os.pread(_HELD[number], count, start)


def _address(path: Path) -> str:
    # A path that starts with two slashes (\\server\share) would name a host: a third and fourth.
    name = quote(os.fsencode(path.absolute().as_posix()))
    return f"file://{name}" if name.startswith("/") else f"file:///{name}"


def _make(path: Path) -> None:
    """Make an empty file; what SQLite makes is 0644 whatever the umask, and shuts a group out."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666))
    except OSError:  # it is there; or SQLite will say what is wrong
        return


def _require_regular(path: Path) -> None:
    refuse_link(path)
    if os.path.lexists(path) and not is_regular(path):
        raise ProjectError(f"{path} is no file: it is a folder, a pipe or a device. Delete it.")


def _require_harmless_journal(path: Path) -> None:
    """Raise ProjectError for a journal that is not ours.

    SQLite plays a rollback journal back before it looks at anything else, and deletes the file that
    the journal names as its "super-journal". We write one only while a file that is no WAL database
    yet becomes one: that may take a moment, and may have been cut short.
    """
    journal = path.with_name(f"{path.name}-journal")
    deadline = time.monotonic() + _JOURNAL_SECONDS
    while _is_foreign_journal(path, journal):
        if time.monotonic() > deadline:
            raise ProjectError(
                f"{path} is not opened: the journal {journal} beside it was not written by "
                "cfinspect, and could change the database or delete a file elsewhere. Delete the "
                "journal, or ask whoever sent you the project."
            )
        time.sleep(0.02)


def _is_foreign_journal(path: Path, journal: Path) -> bool:
    try:
        with journal.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - len(_JOURNAL_MAGIC)))
            names_another = size > 16 and file.read() == _JOURNAL_MAGIC
        return size > 0 and (names_another or is_logged(path))
    except OSError:  # gone; or SQLite cannot read it either, and will say so
        return False


def _require_our_schema(
    connection: sqlite3.Connection, path: Path, scripts: tuple[str, ...], create: bool
) -> None:
    with one_look(connection):  # another program may be bringing it up to date
        version = format_of(connection)
        mark = connection.execute("PRAGMA application_id").fetchone()[0]
        if version > len(scripts):
            raise ProjectError(
                f"{path} was written by a newer cfinspect (format {version}, this one knows "
                f"{len(scripts)}); update cfinspect."
            )
        if version < 0 or (version == 0 and not create):
            raise ProjectError(
                f"{path} is no project's database; `cfinspect project restore` brings back a "
                "backup."
            )
        ours = schema_of(scripts[:version])
        with undecodable_is_damage():
            found = connection.execute(_SCHEMA, (len(ours) + 1,)).fetchall()
    # What is there and not ours says most; what is missing is often only its other side.
    odd = sorted(
        f"{str(row[0])[:9]} {str(row[1])[:60]!r}" for row in set(found) - ours or ours - set(found)
    )
    if odd or len(found) != len(ours) or mark != (APPLICATION_ID * (version >= _TYPED_SINCE)):
        names = ", ".join(odd[-3:])
        raise ProjectError(
            f"{path} is not opened: it is not built as cfinspect builds it ({names or 'its mark'}),"
            " so what is stored in it could be changed unseen. `cfinspect project restore` brings "
            "back a backup."
        )


_SCHEMA = "SELECT type, name, tbl_name, sql FROM main.sqlite_master LIMIT ?"


@functools.cache
def schema_of(scripts: tuple[str, ...]) -> Schema:
    """What a database holds after these migrations: type, name, table and SQL of each part."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        for script in scripts:
            migrate(connection, script)
        return frozenset(connection.execute(_SCHEMA, (-1,)).fetchall())
    finally:
        connection.close()


def _statements(script: str) -> Iterator[str]:
    """Split a script; sqlite3's own executescript would commit the transaction around it."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
