"""Ctrl+C and its like: the first asks the work to stop at a safe point, the second ends at once."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType

from cfinspect.cli.output import INTERRUPTED
from cfinspect.engine.base.events import CancelToken

SHOW_CURSOR = b"\x1b[?25h"


@contextlib.contextmanager
def cancel_on_signals(doing: str = "Stopping") -> Iterator[CancelToken]:
    """Yield a token that SIGINT, SIGTERM and SIGHUP cancel; handlers are put back afterwards.

    ``doing`` is what the person reads after the first signal.
    """
    token = CancelToken()

    def handle(_signum: int, _frame: FrameType | None) -> None:
        if token.cancelled:
            if sys.stderr.isatty():
                os.write(2, SHOW_CURSOR)
            # Not an exception: the work may sit in native code that never looks.
            os._exit(INTERRUPTED)
        token.cancel()
        # Not print: the signal may have come in the middle of one.
        with contextlib.suppress(OSError):  # the terminal may be gone
            os.write(2, f"\n{doing}; press Ctrl+C again to end at once.\n".encode())

    names = ("SIGINT", "SIGTERM", "SIGHUP")  # of which Windows has the first two
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    # Under nohup nobody wants to hear of the terminal; the others are heard in any case.
    heard = numbers[:2] + [n for n in numbers[2:] if signal.getsignal(n) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in heard}
    try:
        yield token
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
