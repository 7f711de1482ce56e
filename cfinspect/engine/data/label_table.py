"""`labels.csv`: the table of a data folder that names files with their labels and groups."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from cfinspect.engine.data.class_words import DataError, composed, label_of
from cfinspect.engine.data.csv_cells import from_cell
from cfinspect.engine.data.encodings import EncodingError, read_decoded
from cfinspect.engine.data.image_folders import path_below

_log = logging.getLogger(__name__)

LABELS = "labels.csv"
_HEADER = "filename,label,group"
_COLUMNS = tuple(_HEADER.split(","))
_MORE_CELLS = "has more cells than the first line; quote names with commas."
_MOST_COLUMNS = 1000  # every row has as many cells
_MOST_BYTES = 512 << 20


class LabelRow(NamedTuple):
    """What `labels.csv` says of a file; ``label`` is None and ``group`` empty where not given."""

    label: int | None
    group: str


def read_labels(
    table: Path, words: Mapping[str, int], *, others: set[str] | None = None
) -> dict[str, LabelRow]:
    """Path below the data folder -> row; by commas or semicolons, a warning for old encodings.

    ``others``: takes up labels that are none of ``words``: they are no error then, but as none.
    Raises DataError for a table that is malformed; the sentence names the line.
    """
    text = _text_of(table)
    header = text.partition("\n")[0]
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=";" if ";" in header and "," not in header else ",",
        strict=True,
    )
    rows: dict[str, LabelRow] = {}
    columns: list[str] = []
    labels = cache(partial(label_of, words))  # few words in what may be millions of rows
    try:
        columns = [composed(name).strip().casefold() for name in next(reader, [])]
        if len(columns) > _MOST_COLUMNS:
            raise DataError(f"{table} has {len(columns)} columns; {_MOST_COLUMNS} can be read.")
        if twice := [name for name in _COLUMNS if columns.count(name) > 1]:
            raise DataError(f"{table} has the column {twice[0]} twice; keep one.")
        if "filename" not in columns:
            raise DataError(f"{table} has no column filename; its first line must be {_HEADER}.")
        places = [columns.index(name) if name in columns else _MOST_COLUMNS for name in _COLUMNS]
        for cells in filter(None, reader):
            given = [cells[place] if place < len(cells) else "" for place in places]
            few = len(cells) <= len(columns)
            if problem := _add_row(rows, given, labels, others) if few else _MORE_CELLS:
                raise DataError(f"Line {reader.line_num} of {table} {problem}")
    except csv.Error as error:
        line = reader.line_num if columns else 1
        raise DataError(f"Line {line} of {table} is malformed: {error}.") from error
    return rows


def _text_of(table: Path) -> str:
    notes: list[str] = []
    try:
        text = read_decoded(table, _MOST_BYTES, notes)
    except EncodingError as error:
        raise DataError(str(error)) from error
    for note in notes:
        _log.warning("%s", note)
    return text


def _add_row(
    rows: dict[str, LabelRow],
    cells: Sequence[str],
    labels: Callable[[str], int | None],
    others: set[str] | None,
) -> str:
    """Put a row to the others, or say what is wrong; quick, as there may be millions."""
    filename, word, group = (from_cell(cell.strip()) for cell in cells)
    if (path := path_below(composed(filename))) is None:
        return f'names no file below the data folder: "{filename}".'
    label = labels(word) if word else None
    if word and label is None:
        if others is None:
            return (
                f'has the unknown label "{word}"; use undamaged or damaged, or name your '
                "words with --undamaged and --damaged, or with --defect-classes."
            )
        others.add(word)
    row = LabelRow(label, composed(group).strip())
    if rows.setdefault(path, row) != row:
        return f"contradicts an earlier line about {filename}; keep one."
    return ""
