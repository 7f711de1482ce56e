"""Rotating copies of a project's database, through SQLite's own backup; and the way back."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cfinspect.engine.base.atomic import write_atomically
from cfinspect.project import audit
from cfinspect.project.database import Database, ProjectError, is_sound
from cfinspect.project.paths import ProjectPaths

_log = logging.getLogger(__name__)

KEPT = 12
_EVERY = timedelta(hours=4)
_STAMP = "%Y%m%dT%H%M%S%f"


def backups(place: ProjectPaths) -> list[Path]:
    """Backups, newest first."""
    return sorted(place.backups.glob("project-*.sqlite"), reverse=True)


def back_up(place: ProjectPaths, database: Database, *, now: datetime | None = None) -> Path:
    """Write a backup and delete the oldest beyond ``KEPT``; returns its path."""
    moment = now or datetime.now(UTC)
    place.backups.mkdir(parents=True, exist_ok=True)
    place.scratch.mkdir(exist_ok=True)
    path = place.backups / f"project-{moment.strftime(_STAMP)}.sqlite"

    def copy(part: Path) -> None:
        target = sqlite3.connect(part)
        try:
            database.connection.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")  # one file, whatever happens to it
        finally:
            target.close()

    with database.telling():
        write_atomically(path, copy, scratch=place.scratch)
    for old in backups(place)[KEPT:]:
        old.unlink(missing_ok=True)
    return path


def back_up_when_due(
    place: ProjectPaths, database: Database, *, now: datetime | None = None
) -> None:
    """Back up when the newest backup is four hours old, and something was said since then.

    That it cannot (a full disk) must not keep anybody from the project, and is only logged.
    """
    moment = now or datetime.now(UTC)
    newest = next(iter(backups(place)), None)
    last = database.row("SELECT at FROM audit ORDER BY id DESC LIMIT 1")
    if last is None:
        return
    if newest is not None:
        made = _made(newest)
        # A stamp from the future is that of a wrong clock, and no reason to wait for it.
        if made and made <= moment and (moment - made < _EVERY or made.isoformat() > last["at"]):
            return
    try:
        back_up(place, database, now=moment)
    except (OSError, ProjectError) as error:
        _log.warning("No backup was made: %s", error)


@dataclass(frozen=True)
class Restored:
    """``backup``: the one used. ``kept``: where the damaged file lies now, None when there was
    none. ``rescued``: entries of the audit trail that were newer than the backup and could be read.
    """

    backup: Path
    kept: Path | None
    rescued: int


def restore(place: ProjectPaths, *, force: bool = False) -> Restored:
    """Put the newest sound backup in the database's place, with all newer verdicts that can be
    read from the damaged file.

    Raises ProjectError when no backup is sound, and when the database is not damaged at all: a
    backup knows less than it. ``force`` goes back to the backup even so, and rescues nothing.
    """
    if not force and place.database.exists() and is_sound(place.database):
        raise ProjectError(
            f"The database {place.database} is sound, and knows more than any backup: nothing to "
            "restore. To go back to the backup even so, use --force."
        )
    backup = next((one for one in backups(place) if is_sound(one)), None)
    if backup is None:
        raise ProjectError(f"There is no sound backup in {place.backups}.")
    place.scratch.mkdir(exist_ok=True)
    draft = place.scratch / f".tmp-restore-{os.getpid()}.sqlite"
    draft.write_bytes(backup.read_bytes())
    # Everything is put together beside the old one: a rescue that fails can be tried again.
    rescued = 0 if force or not place.database.exists() else _rescue(draft, place.database)
    with draft.open("rb+") as file:
        os.fsync(file.fileno())
    kept = _put_aside(place.database)
    draft.replace(place.database)
    return Restored(backup, kept, rescued)


def _rescue(draft: Path, damaged: Path) -> int:
    """Continue the draft's audit trail with what the damaged file has, as far as it is whole."""
    database = Database(draft, human=True)
    source = sqlite3.connect(damaged)
    source.row_factory = sqlite3.Row
    count = 0
    try:
        for table in ("model", "folder", "image"):
            _copy_missing(database, source, table)
        newer = "SELECT * FROM audit WHERE id > ? ORDER BY id"
        for values in _readable(source, newer, _last_id(database)):
            with database.writing() as connection:
                _make_image(connection, values)
                if not audit.continue_with(connection, values):
                    break
            count += 1
        database.connection.execute("PRAGMA journal_mode = DELETE")  # one file again
        return count
    finally:
        source.close()
        database.close()


def _copy_missing(database: Database, source: sqlite3.Connection, table: str) -> None:
    """Take over the rows of a table that came after the backup, as far as they can be read."""
    with database.writing() as connection:
        last = connection.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()[0]
        known = {row["name"] for row in connection.execute(f"PRAGMA table_info({table})")}
        # An image's state follows from the human layer, which comes after it.
        known -= {"state", "verdict"}
        for row in _readable(source, f"SELECT * FROM {table} WHERE id > ? ORDER BY id", last):
            columns = [name for name in row.keys() if name in known]  # noqa: SIM118
            connection.execute(
                f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES "
                f"({', '.join('?' * len(columns))})",
                [row[name] for name in columns],
            )


def _make_image(connection: sqlite3.Connection, entry: sqlite3.Row) -> None:
    """Make the image that an entry speaks of where it could not be read; a scan will find it."""
    if entry["image_id"] is not None:
        connection.execute(
            "INSERT OR IGNORE INTO image (id, folder_id, path, place, bytes, mtime_ns, digest, "
            "missing) SELECT ?, min(id), ?, ?, 0, 0, ?, 1 FROM folder",
            (entry["image_id"], entry["file"], entry["file"], entry["digest"]),
        )


def _last_id(database: Database) -> int:
    row = database.row("SELECT coalesce(max(id), 0) AS id FROM audit")
    return int(row["id"]) if row else 0


def _readable(source: sqlite3.Connection, sql: str, *values: object) -> Iterator[sqlite3.Row]:
    """The rows of a query up to where the damage begins."""
    try:
        yield from source.execute(sql, values)
    except sqlite3.Error:
        return


def _put_aside(database: Path) -> Path | None:
    """Rename a database with its log; what it holds may still be of use to someone."""
    if not database.exists():
        return None
    stamp = datetime.now(UTC).strftime(_STAMP)
    kept = database.with_name(f"damaged-{stamp}.sqlite")
    for suffix in ("", "-wal", "-shm"):
        part = database.with_name(database.name + suffix)
        if part.exists():
            os.replace(part, kept.with_name(kept.name + suffix))  # noqa: PTH105
    return kept


def _made(backup: Path) -> datetime | None:
    try:
        return datetime.strptime(backup.stem.removeprefix("project-"), _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
