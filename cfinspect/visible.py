"""Text from outside on a terminal or in a log: nothing in it acts, all of it is seen."""

from __future__ import annotations

import logging
import re
import traceback
from typing import Any

# Control characters (C0, DEL, C1), line separators, what turns the direction of writing round, and
# halves of characters: what a name that is no UTF-8 holds.
_ACTS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_WORDS = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def visible(text: str) -> str:
    """The text on one line, with everything that a terminal would obey written out (``\\x1b``)."""
    return _ACTS.sub(lambda found: _written_out(found[0]), text)


def visible_traceback(error: BaseException) -> list[str]:
    """The lines of an error's traceback; what the error says is one of them."""
    lines: list[str] = []
    for part in traceback.format_exception(error):
        text = part.strip("\n")
        ours = text.startswith("  File ")  # a place in the code with its line below
        lines += map(visible, text.split("\n") if ours else [text])
    return lines


def _written_out(sign: str) -> str:
    code = ord(sign)
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a name that is no UTF-8
        code -= 0xDC00
    return _WORDS.get(sign) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


class VisibleFormatter(logging.Formatter):
    """Formats the records of a log; what names of files and errors hold is written out."""

    def format(self, record: logging.LogRecord) -> str:
        """See ``logging.Formatter``; the lines of a traceback stay lines."""
        plain = logging.makeLogRecord(vars(record))
        plain.msg, plain.args = visible(record.getMessage()), None
        plain.exc_text = None  # that of another formatter
        return super().format(plain)

    def formatException(self, ei: Any) -> str:
        """See ``logging.Formatter``."""
        return "\n".join(visible_traceback(ei[1]))
