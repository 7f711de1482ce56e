"""Write a file or a folder so that a kill or a full disk leaves the old one or the new one."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath

from cfinspect.engine.base.errors import CfinspectError


def make_temporary(folder: Path, suffix: str = "") -> Path:
    """Make an empty file in ``folder`` under a name that nobody can know; it starts with ``.tmp-``.

    Its mode is what the umask leaves of 0666, as for any other file: in the folder of a group the
    others can read or write it, under umask 077 nobody can. (`tempfile` makes all files 0600.)
    Raises OSError where it cannot be made.
    """
    path = folder / f".tmp-{secrets.token_hex(8)}{suffix}"
    flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0)
    os.close(os.open(path, flags, 0o666))
    return path


def write_atomically(
    path: Path,
    write: Callable[[Path], object],
    *,
    sync: bool = True,
    scratch: Path | None = None,
) -> None:
    """Let ``write`` fill a temporary file beside ``path``, then put it in place in one step.

    ``sync=False`` survives a kill but not a power cut. ``scratch``: another folder of the same disk
    for the temporary file, where leftovers are found without searching everything. The temporary
    name starts with ``.tmp-``; leftovers of killed writers are removed by ``remove_leftovers``.
    Errors of ``write`` pass through and leave ``path`` as it was.
    """
    temporary = make_temporary(scratch or path.parent, path.suffix)
    try:
        write(temporary)
        if sync:
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        if error.filename is None or error.filename == os.fspath(temporary):
            error.filename = os.fspath(path)  # a full disk does not say what did not fit
        raise
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Delete the temporary files that a killed process left in ``folder``."""
    for leftover in folder.glob(".tmp-*"):
        # Windows: somebody is writing it just now; a folder of that name is not ours.
        with contextlib.suppress(PermissionError, IsADirectoryError):
            leftover.unlink(missing_ok=True)


@contextlib.contextmanager
def folder_in_one_step(out: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of ``out`` when the block ends without an error.

    An older ``out`` is replaced; a kill or a full disk leaves that one. What a killed call left
    beside ``out`` is removed first. Whether ``out`` may be replaced is the caller's business.
    """
    out = out.absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_name(f".{out.name}.partial")
    old = out.with_name(f".{out.name}.old")
    if old.exists() and not out.exists():  # killed between the two renames below
        old.rename(out)
    for leftover in (draft, old):
        if leftover.exists():
            shutil.rmtree(leftover)
    draft.mkdir()
    try:
        yield draft
        if out.exists():
            out.rename(old)
        try:
            draft.rename(out)
        except OSError:
            if old.exists():
                old.rename(out)
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        if out.exists():
            shutil.rmtree(old, ignore_errors=True)


def save_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file in one step, making its folder; names may hold undecodable bytes."""
    content = text.encode("utf-8", errors="surrogateescape")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda part: part.write_bytes(content))


class LinkRefuser:
    """Refuses links among the folders below ``out``; each folder is looked at once.

    Results may be a stranger's: writing into them anew would write and delete where a link leads.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._plain: set[PurePath] = set()

    def check(self, folder: PurePath) -> None:
        """CfinspectError where a part of ``folder``, a path from ``out`` on, is a link."""
        if folder in self._plain:
            return
        place = self._out
        for part in folder.parts:
            place = place / part
            if place.is_symlink():
                raise CfinspectError(
                    f"{place} is a link: nothing is written or deleted there. Put the folder "
                    "itself in its place, or give another --out."
                )
        self._plain.add(folder)


class NoRegularFileError(OSError):
    """A pipe, device or socket where a file should be: reading it might never end."""

    def __init__(self, path: Path) -> None:
        super().__init__(errno.EINVAL, "it is no regular file (a pipe or a device)", str(path))


def read_regular_text(path: Path, most: int = 64 << 20) -> str:
    """The UTF-8 text of a file, such as those in folders of results, which may be a stranger's.

    Raises OSError, also for what is no regular file or has more than ``most`` bytes, and
    UnicodeDecodeError, a ValueError.
    """
    data = read_regular(path, most)
    if data is None:
        raise OSError(errno.EFBIG, f"it has more than {most >> 20} MiB", str(path))
    return data.decode("utf-8")


def read_regular(path: Path, most: int, *, follow: bool = True) -> bytes | None:
    """The bytes of a file, None where it has more than ``most``; never waits for a writer.

    ``follow``: also through a link. Raises OSError, ``NoRegularFileError`` for what is no file.
    Windows has neither pipes among files nor the flag against links.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    flags |= 0 if follow else getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(path, flags), "rb") as stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise NoRegularFileError(path)
        return None if status.st_size > most else stream.read()
