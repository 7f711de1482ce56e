"""Write a file so that a kill, a full disk or a power cut leaves the old one or the new one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def write_atomically(path: Path, write: Callable[[Path], object], *, sync: bool = True) -> None:
    """Let ``write`` fill a temporary file beside ``path``, then put it in place in one step.

    ``sync=False`` survives a kill but not a power cut. The temporary name starts with ``.tmp-``;
    leftovers of killed writers are removed by ``remove_leftovers``. Errors of ``write`` pass
    through and leave ``path`` as it was.
    """
    handle, name = tempfile.mkstemp(prefix=".tmp-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        if sync:
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
        # mkstemp makes files that only their owner reads; a model is meant to be passed on.
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Delete the temporary files that a killed process left in ``folder``."""
    for leftover in folder.glob(".tmp-*"):
        leftover.unlink(missing_ok=True)
