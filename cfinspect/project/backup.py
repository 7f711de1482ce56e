"""Rotating copies of a project's database, through SQLite's own backup; and the way back."""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cfinspect.engine.atomic import write_atomically
from cfinspect.project.database import Database, ProjectError, is_sound
from cfinspect.project.place import Place

KEPT = 7
_EVERY = timedelta(hours=12)
_STAMP = "%Y%m%dT%H%M%S%f"


def backups(place: Place) -> list[Path]:
    """Backups, newest first."""
    return sorted(place.backups.glob("project-*.sqlite"), reverse=True)


def back_up(place: Place, database: Database, *, now: datetime | None = None) -> Path:
    """Write a backup and delete the oldest beyond ``KEPT``; returns its path."""
    moment = now or datetime.now(UTC)
    place.backups.mkdir(parents=True, exist_ok=True)
    path = place.backups / f"project-{moment.strftime(_STAMP)}.sqlite"

    def copy(part: Path) -> None:
        target = sqlite3.connect(part)
        try:
            database.connection.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")  # one file, whatever happens to it
        finally:
            target.close()

    with database.telling():
        write_atomically(path, copy)
    for old in backups(place)[KEPT:]:
        old.unlink(missing_ok=True)
    return path


def back_up_when_due(place: Place, database: Database, *, now: datetime | None = None) -> None:
    """Back up when the newest backup is half a day old, and something was said since then."""
    moment = now or datetime.now(UTC)
    newest = next(iter(backups(place)), None)
    last = database.row("SELECT at FROM audit ORDER BY id DESC LIMIT 1")
    if last is None:
        return
    if newest is not None:
        made = _made(newest)
        if made and (moment - made < _EVERY or made.isoformat() > last["at"]):
            return
    back_up(place, database, now=moment)


def restore(place: Place) -> tuple[Path, Path | None]:
    """Put the newest sound backup in the database's place.

    Returns the backup, and where the damaged file was kept (None when there was none). Raises
    ProjectError when no backup is sound.
    """
    backup = next((one for one in backups(place) if is_sound(one)), None)
    if backup is None:
        raise ProjectError(f"There is no sound backup in {place.backups}.")
    data = backup.read_bytes()
    kept = _put_aside(place.database)
    write_atomically(place.database, lambda part: part.write_bytes(data))
    return backup, kept


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
