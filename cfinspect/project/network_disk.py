"""Whether a folder lies on a disk of another computer, where a write-ahead log does not hold.

The log's index is shared memory: programs on two computers would each have their own, and damage
the database. On such disks a project is kept with SQLite's older rollback journal.
"""

from __future__ import annotations

import ctypes
import os
import sqlite3
import sys
from pathlib import Path

from cfinspect.project.door import is_logged, open_database

# The numbers that Linux' statfs gives for file systems of other computers.
_NUMBERS = {
    0x6969: "NFS",
    0x517B: "SMB",
    0xFF534D42: "CIFS",
    0xFE534D42: "SMB",
    0x01021997: "9p",
    0x5346414F: "AFS",
    0x6B414653: "AFS",
    0x73757245: "Coda",
    0x564C: "NCP",
    0x00C36400: "Ceph",
    0x0BD00BD0: "Lustre",
    0x7461636F: "OCFS2",
    0x01161970: "GFS2",
    0x19830326: "BeeGFS",
    0x47504653: "GPFS",
    0x786F4256: "VirtualBox's shared folder",
    0xBACBACBC: "VMware's shared folder",
}
_FUSE = 0x65735546
# Programs behind FUSE that have the files on this computer's own disks.
_LOCAL_FUSE = ("fuseblk", "ntfs", "exfat", "bindfs", "mergerfs", "overlay", "encfs", "gocryptfs")
_REMOTE_DRIVE = 4  # of Windows' GetDriveType


def network_disk(folder: Path) -> str:
    """The kind of network disk that ``folder`` lies on, such as "NFS"; "" for a disk of its own.

    Known on Linux and Windows. Where it cannot be told, a disk counts as this computer's.
    """
    try:
        if sys.platform == "win32":
            return _windows_drive(folder)
        if sys.platform == "linux":
            number = _statfs_number(folder)
            return kind_of(number, _mounted_as(folder) if number == _FUSE else "")
    except (OSError, AttributeError, ValueError):
        return ""
    return ""


def kind_of(number: int, mounted_as: str = "") -> str:
    """What a file system is called that is another computer's; "" for all others.

    ``number``: as `statfs` tells it. ``mounted_as``: the type of the mount, such as "fuse.sshfs",
    which tells programs behind FUSE apart; one that is not known to be local counts as remote.
    """
    if number == _FUSE:
        local = not mounted_as or any(word in mounted_as for word in _LOCAL_FUSE)
        return "" if local else mounted_as.removeprefix("fuse.")
    return _NUMBERS.get(number, "")


def leave_log(path: Path, scripts: tuple[str, ...]) -> None:
    """Give up the write-ahead log of the database ``path``; its index is not used for that.

    Nothing is done where there is none, or somebody has the database open just now. Raises what
    ``open_database`` does.
    """
    try:
        if not is_logged(path):
            return
    except OSError:  # gone, or empty; others say so
        return
    try:
        connection = open_database(path, scripts, alone=True)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return
    try:
        connection.execute("PRAGMA journal_mode = DELETE")
        path.with_name(f"{path.name}-shm").unlink(missing_ok=True)  # nobody else is there
    finally:
        connection.close()


def _statfs_number(folder: Path) -> int:
    library = ctypes.CDLL(None, use_errno=True)
    # The number is the structure's first field, a word; no system's structure is this large.
    room = (ctypes.c_ulong * 64)()
    if library.statfs(os.fsencode(folder), room) != 0:
        raise OSError(ctypes.get_errno(), "statfs failed", str(folder))
    return int(room[0]) & 0xFFFFFFFF


def _mounted_as(folder: Path) -> str:
    """The type of the mount that ``folder`` lies on, as the kernel lists it."""
    device = folder.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape").splitlines():
        before, _, after = line.partition(" - ")
        if before.split()[2] == number:
            return after.split()[0]
    return ""


def _windows_drive(folder: Path) -> str:
    anchor = folder.resolve().anchor
    if sys.platform != "win32":  # for the type checker
        return ""
    if anchor.startswith("\\\\"):
        return "network share"
    kind = ctypes.windll.kernel32.GetDriveTypeW(anchor)
    return "network drive" if kind == _REMOTE_DRIVE else ""
