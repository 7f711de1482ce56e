"""One connection to a project's SQLite file: transactions, migrations, and who may write what."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from cfinspect.project.authorizer import authorize_machine
from cfinspect.project.door import (
    BUSY_SECONDS,
    format_of,
    migrate,
    open_database,
    undecodable_is_damage,
)
from cfinspect.project.errors import ProjectError
from cfinspect.project.looking import State, in_memory, look, state_of, why_read_only
from cfinspect.project.network_disk import leave_log, network_disk
from cfinspect.project.schema import MIGRATIONS

__all__ = ["Database", "ProjectError", "file_number", "is_sound", "now_text"]

_NAP = 0.004  # s
_TURN = 16
_CACHE_KIB = 64 * 1024
_SENTENCES = {
    sqlite3.SQLITE_FULL: "the disk is full; make room and try again",
    sqlite3.SQLITE_IOERR: "the disk is full or fails; make room, or check its cable or network",
    sqlite3.SQLITE_READONLY: "it is write-protected",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check the folder's permissions",
    sqlite3.SQLITE_BUSY: "another program has kept it busy for a minute; close that and try again",
    sqlite3.SQLITE_CORRUPT: "it is damaged; `cfinspect project restore` brings back a backup",
    sqlite3.SQLITE_INTERRUPT: "a question to it took too long; it is damaged, or made to hang",
    sqlite3.SQLITE_TOOBIG: "it holds a value that is larger than any of ours",
    sqlite3.SQLITE_NOTADB: "it is no database; `cfinspect project restore` brings back a backup",
}


def now_text() -> str:
    """This moment in UTC, ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Database:
    """A connection to the file ``path``; with ``create``, it is made if missing.

    Opened for the machine (``human=False``), every write to the human layer is refused by SQLite
    itself, whatever statement it hides in: a prediction can never touch a verdict. For one thread;
    several threads and processes each open their own.

    ``read_only``: why nothing can be written into it, "" where it can. It is looked at then without
    making a file; one of an earlier version is brought up to date in memory. ``network``: the kind
    of network disk it lies on, "" for none; there it has no write-ahead log.

    Raises ProjectError for a file that is damaged, newer than this program, or out of reach.
    """

    def __init__(self, path: Path, *, human: bool = False, create: bool = False) -> None:
        self.path = path
        self._depth = self._in_a_row = 0
        self._ended = 0.0
        self._human = human
        self._seen: State | None = None  # where the connection does not see what others write
        self._outdated: list[sqlite3.Connection] = []
        with self.telling():
            self.read_only = "" if create else why_read_only(path)
            self.network = network_disk(path.parent)
            if self.read_only:
                self._look()
            else:
                self._open(create)

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection; where the project is only looked at, one that sees its present state."""
        is_free = self._seen is not None and not self._connection.in_transaction
        if is_free and state_of(self.path) != self._seen:
            for one in self._outdated:
                one.close()
            self._outdated = [self._connection]  # a row of it may be on its way to somebody
            with self.telling():
                self._look()
        return self._connection

    def _look(self) -> None:
        before = state_of(self.path)
        try:
            self._connection, sees_changes = look(self.path, MIGRATIONS)
        except OSError as error:
            raise ProjectError(f"{error.filename or self.path}: {error.strerror}.") from error
        if format_of(self._connection) < len(MIGRATIONS):
            with contextlib.closing(self._connection) as opened:
                self._connection, sees_changes = in_memory(opened), False
        self._seen = None if sees_changes else before
        self._prepare()

    def _open(self, create: bool) -> None:
        if self.network:
            leave_log(self.path, MIGRATIONS)
        self._connection = open_database(self.path, MIGRATIONS, create=create)
        # With a log readers never wait for the writer, and a kill loses no commit.
        self._prepare("synchronous = FULL", *([] if self.network else ["journal_mode = WAL"]))

    def _prepare(self, *pragmas: str) -> None:
        try:
            self._connection.row_factory = sqlite3.Row
            for pragma in (*pragmas, f"cache_size = -{_CACHE_KIB}"):
                self._connection.execute(f"PRAGMA {pragma}")
            self._file = file_number(self.path)
            if format_of(self._connection) < len(MIGRATIONS):
                self._migrate()
            self._connection.execute("PRAGMA foreign_keys = ON")
            if self.read_only:
                self._connection.execute("PRAGMA query_only = ON")
            if not self._human:
                self._connection.set_authorizer(authorize_machine)
        except BaseException:
            self._connection.close()
            raise

    def _migrate(self) -> None:
        # A table that is made anew is for a moment not there to be referred to.
        self._connection.execute("PRAGMA foreign_keys = OFF")
        with self._transaction():
            version = format_of(self._connection)  # another process may have been quicker
            try:
                for number, script in enumerate(MIGRATIONS[version:], version + 1):
                    migrate(self._connection, script)
                    self._connection.execute(f"PRAGMA user_version = {number}")
            except sqlite3.IntegrityError as error:
                raise ProjectError(
                    f"{self.path} holds values that cfinspect does not write ({error}); `cfinspect "
                    "project restore` brings back a backup. Nothing was changed."
                ) from error

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is on disk when the block ends, or nothing is.

        Nested blocks belong to the outermost one. Waits for other writers. Raises ProjectError for
        a project that can only be looked at.
        """
        if self.read_only:
            raise ProjectError(
                f"Nothing was changed: the project in {self.path.parent} can only be looked at "
                f"({self.read_only})."
            )
        with self._transaction() as connection:
            yield connection

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self.telling():
            if self._depth == 0:
                self._begin()
            self._depth += 1
            try:
                yield self._connection
                if self._depth == 1:
                    self._connection.execute("COMMIT")
                    self._ended = time.monotonic()
            except BaseException:
                if self._depth == 1 and self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            finally:
                self._depth -= 1

    def _begin(self) -> None:
        """Take the write lock, waiting for our turn."""
        # SQLite's own waiting sleeps for up to 100 ms, and those who write all the time are always
        # quicker than who sleeps. So waiting is done in short naps of random length, and who has
        # written many times in a row pauses for longer than a nap: everybody gets a turn.
        self._in_a_row = self._in_a_row + 1 if time.monotonic() - self._ended < _NAP else 0
        if self._in_a_row >= _TURN:
            time.sleep(2 * _NAP)
            self._in_a_row = 0
        deadline = time.monotonic() + BUSY_SECONDS
        self._connection.execute("PRAGMA busy_timeout = 0")
        try:
            while True:
                try:
                    self._still_there()
                    # IMMEDIATE: taking the lock at the first write instead could fail half-way.
                    self._connection.execute("BEGIN IMMEDIATE")
                    return
                except sqlite3.OperationalError as error:
                    busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                    if not busy or time.monotonic() > deadline:
                        raise
                time.sleep(random.uniform(_NAP / 20, _NAP))
        finally:
            self._connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")

    def _still_there(self) -> None:
        """Refuse to write into a file that was put aside (restored) under our hands."""
        now = file_number(self.path)
        if now is None:
            raise ProjectError(
                f"{self.path} is gone: the project was moved or deleted, or its disk is away. Open "
                "it where it is now. What was stored before stays; nothing was changed."
            )
        if now != self._file:
            raise ProjectError(
                f"{self.path} was replaced while it was open; open the project again. Nothing was "
                "changed."
            )

    @contextlib.contextmanager
    def telling(self) -> Iterator[None]:
        """Turn SQLite's errors about the file or the disk into ProjectError."""
        try:
            with undecodable_is_damage():
                yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", None)
            sentence = _SENTENCES.get(code & 0xFF) if code is not None else None
            if str(error).startswith("Could not decode"):  # Python's own, without a code
                sentence = _SENTENCES[sqlite3.SQLITE_CORRUPT]
            if sentence is None:
                raise
            raise ProjectError(
                f"Nothing was changed in the project {self.path}: {sentence}."
            ) from error

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """All rows of a query."""
        with self.telling():
            return self.connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: object) -> sqlite3.Row | None:
        """The first row of a query, or None."""
        with self.telling():
            found: sqlite3.Row | None = self.connection.execute(sql, values).fetchone()
            return found

    def check(self, *, thorough: bool = False) -> None:
        """Raise ProjectError when the file is damaged; ``thorough`` compares indexes as well."""
        how = "integrity_check" if thorough else "quick_check"
        found = [str(row[0]) for row in self.rows(f"PRAGMA {how}(3)")]
        if found != ["ok"]:
            raise ProjectError(
                f"The project {self.path} is damaged ({found[0]}); "
                "`cfinspect project restore` brings back a backup."
            )

    def close(self) -> None:
        """Close the connection."""
        for one in (*self._outdated, self._connection):
            one.close()


def file_number(path: Path) -> tuple[int, int] | None:
    """What tells a file from another one of its name, None where it is gone."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def is_sound(path: Path) -> bool:
    """Whether a file is a project's database, built as we build it, without damage."""
    try:
        looks = why_read_only(path)  # then no file is made beside it
        connection = look(path, MIGRATIONS)[0] if looks else open_database(path, MIGRATIONS)
        try:
            connection.execute("PRAGMA query_only = ON")
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()
            made = connection.execute("SELECT 1 FROM meta WHERE key = 'id'").fetchone()
            return bool(found and found[0] == "ok" and made)
        finally:
            connection.close()
    except (ProjectError, sqlite3.Error):
        return False
