"""Rotating copies of a project's database, through SQLite's own backup; and the way back."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cfinspect.engine.base.atomic import make_temporary
from cfinspect.project import audit
from cfinspect.project.database import Database, is_sound
from cfinspect.project.door import SIDE_FILES, open_database
from cfinspect.project.errors import ProjectError
from cfinspect.project.looking import why_nothing_is_made
from cfinspect.project.paths import STAMP, ProjectPaths, is_regular
from cfinspect.project.schema import MIGRATIONS

_log = logging.getLogger(__name__)

KEPT = 12
_EVERY = timedelta(hours=4)


def backups(place: ProjectPaths) -> list[Path]:
    """Backups, newest first."""
    return place.backup_files()


def back_up(place: ProjectPaths, database: Database, *, now: datetime | None = None) -> Path:
    """Write a backup and delete the oldest beyond ``KEPT``; returns its path."""
    moment = now or datetime.now(UTC)
    path = place.backup_file(moment)

    def copy(part: Path) -> None:
        target = sqlite3.connect(part)
        try:
            database.connection.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")  # one file, whatever happens to it
        finally:
            target.close()

    with database.telling():
        place.write(path, copy)
    # A clock that was ahead must not push out what comes after it, nor one that is behind what was
    # there before: each kind has its own turn.
    ahead, others = _by_clock(place, moment)
    for old in (*ahead[KEPT:], *others[KEPT:]):
        place.remove(old)
    return path


def back_up_when_due(
    place: ProjectPaths, database: Database, *, now: datetime | None = None
) -> None:
    """Back up when the newest backup is four hours old, and something was said since then.

    That it cannot (a full disk) must not keep anybody from the project, and is only logged.
    """
    moment = now or datetime.now(UTC)
    # A stamp from the future is that of a wrong clock, and no reason to wait for it.
    newest = next(iter(_by_clock(place, moment)[1]), None)
    last = database.row("SELECT at FROM audit ORDER BY id DESC LIMIT 1")
    if last is None:
        return
    if newest is not None:
        made = _made(newest)
        if made and (moment - made < _EVERY or made.isoformat() > last["at"]):
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

    The newest is the one with the longest audit trail: clocks can be wrong. Raises ProjectError
    when no backup is sound, when nothing can be written there, and when the database is not
    damaged, its trail is whole, and it knows what the backup does. (One whose log was damaged or
    left behind does not: SQLite takes it for sound, as it was before.) ``force`` goes back to the
    backup even so, and rescues nothing.
    """
    place.refuse_links()
    if reason := why_nothing_is_made(place.data):
        raise ProjectError(f"{place.data} cannot be restored: {reason}.")
    _put_back(place.database)
    newest = sorted(backups(place), key=_last_entry, reverse=True)  # stable: then by their names
    backup = next((one for one in newest if is_sound(one)), None)
    known = -1 if backup is None else _last_entry(backup)
    if not force and is_sound(place.database) and _length(place.database) >= known:
        raise ProjectError(
            f"The database {place.database} is sound, and knows more than any backup: nothing to "
            "restore. To go back to the backup even so, use --force."
        )
    if backup is None:
        raise ProjectError(f"There is no sound backup in {place.backups}.")
    with _scratch_copy(place, backup) as draft:
        # Everything is put together beside the old one: a rescue that fails can be tried again.
        rescued = 0 if force else _rescue(place, draft)
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        _take_mode(place.database, draft)
        kept = _put_aside(place.database)
        draft.replace(place.database)
    return Restored(backup, kept, rescued)


@contextlib.contextmanager
def _scratch_copy(place: ProjectPaths, *originals: Path) -> Iterator[Path]:
    """A database's copy under a name that nobody can know; deleted in the end, where it is still
    there. Any further ``originals`` are its side files.
    """
    copy = make_temporary(place.make(place.scratch), ".sqlite")
    try:
        for original in originals:
            suffix = original.name.removeprefix(originals[0].name)
            if is_regular(original):
                shutil.copyfile(original, f"{copy}{suffix}", follow_symlinks=False)
        yield copy
    finally:
        for suffix in ("", *SIDE_FILES):
            copy.with_name(copy.name + suffix).unlink(missing_ok=True)


def _rescue(place: ProjectPaths, draft: Path) -> int:
    """Continue the draft's audit trail with what the damaged file has, as far as it is whole.

    Works on a copy without a rollback journal, which could do anything (see ``door``). A file that
    is no longer built as ours has nothing that could be trusted.
    """
    log = place.database.with_name(f"{place.database.name}-wal")
    database = Database(draft, human=True)
    try:
        with _scratch_copy(place, place.database, log) as damaged:
            try:
                source = open_database(damaged, MIGRATIONS)
            except (ProjectError, sqlite3.Error) as error:
                _log.warning("Nothing is rescued from %s: %s", place.database, error)
                return 0
            try:
                source.row_factory = sqlite3.Row
                return _take_over(database, source)
            finally:
                source.close()
    finally:
        database.connection.execute("PRAGMA journal_mode = DELETE")  # one file again
        database.close()


def _take_over(database: Database, source: sqlite3.Connection) -> int:
    """Copy what is newer than the backup; returns the number of entries of the audit trail."""
    for table in ("model", "folder", "image"):
        _copy_missing(database, source, table)
    count = 0
    for values in _readable(source, "audit", _last_id(database)):
        try:
            with database.writing() as connection:
                _make_image(connection, values)
                if not audit.continue_with(connection, values):
                    break
        # What was damaged, or made up, follows on nothing.
        except (sqlite3.Error, ProjectError, ValueError, KeyError, TypeError, RecursionError):
            break
        count += 1
    return count


def _copy_missing(database: Database, source: sqlite3.Connection, table: str) -> None:
    """Take over the rows of a table that came after the backup, as far as they can be read."""
    with database.writing() as connection:
        last = connection.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()[0]
        known = {row["name"] for row in connection.execute(f"PRAGMA table_info({table})")}
        # An image's state follows from the human layer, which comes after it.
        known -= {"state", "verdict"}
        for row in _readable(source, table, last):
            columns = [name for name in row.keys() if name in known]  # noqa: SIM118
            with contextlib.suppress(sqlite3.IntegrityError):  # damaged: a value of another type
                connection.execute(
                    f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES "
                    f"({', '.join('?' * len(columns))})",
                    [row[name] for name in columns],
                )


def _make_image(connection: sqlite3.Connection, entry: sqlite3.Row) -> None:
    """Make the image that an entry speaks of where it could not be read; a scan will find it."""
    if entry["image_id"] is not None:
        connection.execute(
            "INSERT INTO image (id, folder_id, path, place, bytes, mtime_ns, digest, missing) "
            "SELECT ?1, min(id), ?2, ?2, 0, 0, ?3, 1 FROM folder "
            "HAVING NOT EXISTS (SELECT 1 FROM image WHERE id = ?1)",
            (entry["image_id"], entry["file"], entry["digest"]),
        )


def _last_id(database: Database) -> int:
    row = database.row("SELECT coalesce(max(id), 0) AS id FROM audit")
    return int(row["id"]) if row else 0


def _readable(source: sqlite3.Connection, table: str, last: int) -> Iterator[sqlite3.Row]:
    """The rows of a table that come after the number ``last``, up to where the damage begins."""
    try:
        for row in source.execute(f"SELECT * FROM {table} WHERE id > ? ORDER BY id", (last,)):
            if row["id"] <= last:  # a page that is its own neighbour would have no end
                return
            last = row["id"]
            yield row
    except (sqlite3.Error, UnicodeDecodeError):
        return


def _take_mode(database: Path, draft: Path) -> None:
    """Let the draft be read and written by those who could before, whoever restores it."""
    mode = stat.S_IMODE(database.lstat().st_mode) if is_regular(database) else 0
    if mode & 0o600 == 0o600:
        draft.chmod(mode & 0o777)


def _put_aside(database: Path) -> Path | None:
    """Rename a database with its log; what it holds may still be of use to someone."""
    stamp = datetime.now(UTC).strftime(STAMP)
    kept = database.with_name(f"damaged-{stamp}.sqlite")
    _rename(database, kept)
    return kept if os.path.lexists(kept) else None


def _put_back(database: Path) -> None:
    """Begin again where a restore ended (a power cut) between its two renames, and nothing is here.

    The verdicts that are newer than the backup are in what was put aside, and only there.
    """
    if os.path.lexists(database):
        return
    aside = [one for one in database.parent.glob("damaged-*.sqlite") if is_regular(one)]
    if aside:
        _rename(max(aside, key=lambda one: one.name), database)


def _rename(database: Path, target: Path) -> None:
    for suffix in ("", *SIDE_FILES):
        part = database.with_name(database.name + suffix)
        if os.path.lexists(part):
            os.replace(part, target.with_name(target.name + suffix))  # noqa: PTH105


def _last_entry(backup: Path) -> int:
    """The number of the last entry of a backup's audit trail, -1 where it cannot be read."""
    try:
        with contextlib.closing(open_database(backup, MIGRATIONS)) as opened:
            return int(opened.execute("SELECT coalesce(max(id), 0) FROM audit").fetchone()[0])
    except (ProjectError, sqlite3.Error):
        return -1


def _length(database: Path) -> int:
    """The number of entries of a database's audit trail, -1 where that is not whole."""
    try:
        with contextlib.closing(Database(database)) as opened:
            found = audit.verify_database(opened)
    except ProjectError:
        return -1
    return -1 if found.problems else found.entries


def _by_clock(place: ProjectPaths, moment: datetime) -> tuple[list[Path], list[Path]]:
    """Backups from after ``moment``, which a wrong clock made, and all others; newest first."""
    found = backups(place)
    ahead = [one for one in found if (made := _made(one)) is not None and made > moment]
    return ahead, [one for one in found if one not in ahead]


def _made(backup: Path) -> datetime | None:
    try:
        return datetime.strptime(backup.stem.removeprefix("project-"), STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
