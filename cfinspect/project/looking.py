"""Looking at a project that cannot be written: on a read-only disk, or in somebody else's folder.

To look into a database with a write-ahead log, SQLite makes two files beside it. In the folder of a
group they would belong to whoever looked, and the owner could not write any more. So who may not
write makes nothing at all here: the database is read where that is safe, else a copy of it.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from cfinspect.project.door import (
    SIDE_FILES,
    Connection,
    is_logged,
    limited,
    open_database,
    read_at,
)
from cfinspect.project.errors import ProjectError
from cfinspect.project.paths import is_regular, may, refuse_link

_TRIES = 5
_PART = 1 << 22
_REFUSALS = {errno.EACCES, errno.EPERM, errno.EROFS}
State = tuple[tuple[int, int, int] | None, ...]


def why_read_only(path: Path) -> str:
    """Why nothing can be written into the database ``path``, as part of a sentence; "" if it can.

    A database that is missing or no file is no matter of permissions, and the door's business.
    Raises ProjectError where its folder is a link: nothing may be tried out there.
    """
    refuse_link(path.parent)
    if not is_regular(path):
        return ""
    if hasattr(os, "statvfs") and os.statvfs(path).f_flag & os.ST_RDONLY:
        return "its disk is read-only"
    if reason := why_nothing_is_made(path.parent):
        return reason
    if may_write(path):
        _remove_empty_log(path)
    for file in (path, *(path.with_name(path.name + suffix) for suffix in SIDE_FILES)):
        if is_regular(file) and not may_write(file):
            return f"the file {file.name} in it is {_owner(file)}'s, and you may only read it"
    return ""


def why_nothing_is_made(folder: Path) -> str:
    """Why no file can be made in ``folder``, as part of a sentence; "" where one can."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        if error.errno not in _REFUSALS:  # a full disk is not for ever
            return ""
        return f"the folder is {_owner(folder)}'s, and you may make no files in it"


def may_write(file: Path) -> bool:
    """Whether a file that is there can be written; its content is not touched."""
    if sys.platform == "win32":  # there, only opening it tells
        try:
            with file.open("rb+"):
                return True
        except OSError:
            return False
    # Elsewhere it must not be opened: closing it would drop the locks that SQLite holds on it.
    return may(file, os.W_OK)


def state_of(path: Path) -> State:
    """What shows that a database was written: number, size and date of its file and of its log."""
    found: list[tuple[int, int, int] | None] = []
    for file in (path, path.with_name(f"{path.name}-wal")):
        try:
            status = file.stat()
            found.append((status.st_ino, status.st_size, status.st_mtime_ns))
        except OSError:
            found.append(None)
    return tuple(found)


def look(path: Path, scripts: tuple[str, ...]) -> tuple[Connection, bool]:
    """Connect to the database ``path``, of which nothing is changed, and beside which none is made.

    Also says whether the connection sees what others write from now on. Where not, ``state_of``
    tells when to look again. Raises what ``open_database`` does.
    """
    journal, log, index = (path.with_name(path.name + suffix) for suffix in SIDE_FILES)
    empty = not log.exists() or log.stat().st_size == 0
    if not is_logged(path):
        try:
            return open_database(path, scripts, how="mode=ro"), True
        except sqlite3.OperationalError:
            if not journal.exists():
                raise
            return _copy(path, scripts), False  # somebody was killed, and nobody may clear up
    if index.exists():  # somebody is at work, or was killed
        try:
            return open_database(path, scripts, how="mode=ro&readonly_shm=1"), True
        except sqlite3.OperationalError:
            return _copy(path, scripts), False
    if empty:
        return open_database(path, scripts, how="immutable=1"), False
    return _copy(path, scripts), False


def in_memory(source: Connection) -> Connection:
    """A copy of a whole database in memory, which can be brought up to date there."""
    memory = limited(sqlite3.connect(":memory:", isolation_level=None, factory=Connection))
    source.backup(memory)
    return memory


def _copy(path: Path, scripts: tuple[str, ...]) -> Connection:
    """A copy in memory of a database with the log or journal beside it, as one moment has them."""
    with tempfile.TemporaryDirectory(prefix="cfinspect-") as folder:
        copy = Path(folder) / path.name
        for _ in range(_TRIES):
            before = state_of(path)
            with copy.open("wb") as target:
                while part := read_at(path, target.tell(), _PART):
                    target.write(part)
            for suffix in ("-wal", "-journal"):
                beside, own = (one.with_name(one.name + suffix) for one in (path, copy))
                own.unlink(missing_ok=True)
                if beside.exists():
                    shutil.copyfile(beside, own, follow_symlinks=False)
            if state_of(path) == before:
                break
        else:
            raise ProjectError(f"{path} is being written all the time; try again in a moment.")
        with closing(open_database(copy, scripts)) as opened:
            opened.execute("PRAGMA journal_mode = DELETE")  # memory knows no log
            return in_memory(opened)


def _remove_empty_log(path: Path) -> None:
    """Delete the log's two files where somebody else's are in the way, and hold nothing.

    Versions before this one left them when a colleague only looked.
    """
    log, index = (path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))
    there = [file for file in (log, index) if is_regular(file)]
    if all(map(may_write, there)) or (log in there and log.stat().st_size > 0):
        return
    for file in there:
        file.unlink(missing_ok=True)


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except (KeyError, OSError, NotImplementedError):  # no account of that number; Windows
        return "somebody else"
