"""The cells of our CSV tables: no text from outside becomes a formula in a person's spreadsheet.

All tables are written by ``TableWriter``, and those that cfinspect reads again go through
``from_cell``: what comes back is exactly what was written.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from typing import TextIO

# How a formula begins in Excel, LibreOffice and others, also after a tab or a new line, and in the
# wide forms of East Asian keyboards.
_STARTS = "[-=+@\t\r\n\uff1d\uff0b\uff0d\uff20]"
_FORMULA = re.compile(f"'*{_STARTS}.", re.DOTALL)  # one sign alone, as "-" for nothing, is none
_MARKED = re.compile(f"'+{_STARTS}.", re.DOTALL)
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?")


def to_cell(value: object) -> object:
    """The value as it is written: text that looks like a formula gets an apostrophe before it.

    Numbers, also negative ones as text, stay as they are.
    """
    if not isinstance(value, str) or not _FORMULA.match(value) or _NUMBER.fullmatch(value):
        return value
    return f"'{value}"


def from_cell(text: str) -> str:
    """The text that ``to_cell`` was given."""
    return text[1:] if text.startswith("'") and _MARKED.match(text) else text


class TableWriter:
    """Writes rows as CSV with commas and plain ends of lines."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._line = stream, io.StringIO(newline="")
        # Only of the signs in its end of line does csv know that they need quotes in a cell.
        self._writer = csv.writer(self._line, lineterminator="\r\n")

    def row(self, cells: Iterable[object]) -> None:
        """Write one row; None is an empty cell."""
        self._line.seek(0)
        self._line.truncate()
        self._writer.writerow([to_cell(cell) for cell in cells])
        self._stream.write(self._line.getvalue().removesuffix("\r\n") + "\n")

    def rows(self, rows: Iterable[Iterable[object]]) -> None:
        """Write rows."""
        for cells in rows:
            self.row(cells)
