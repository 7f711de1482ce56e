"""Somebody whom permissions hold, for tests that run as root, whom nothing holds."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

COLLEAGUE = 65534
WINDOWS = sys.platform == "win32"


@contextlib.contextmanager
def a_colleague() -> Iterator[None]:
    """Be an ordinary user; whoever runs the tests as one is that already."""
    if sys.platform == "win32" or os.geteuid() != 0:
        yield
        return
    os.seteuid(COLLEAGUE)
    try:
        yield
    finally:
        os.seteuid(0)
