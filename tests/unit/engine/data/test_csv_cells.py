"""Cells of tables: no formula for a spreadsheet, and back comes what was written."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfinspect.engine.data.class_words import class_words
from cfinspect.engine.data.csv_cells import TableWriter, from_cell, to_cell
from cfinspect.engine.data.label_table import read_labels


@pytest.mark.parametrize("start", "=+-@\t\r\n＝＋－＠")
def test_formulas_become_text(start: str) -> None:
    assert to_cell(f"{start}cmd|' /C calc'!A0") == f"'{start}cmd|' /C calc'!A0"


@pytest.mark.parametrize(
    "value", ["a=1", "", "-", "'quoted'", "-1", "+4.5", "-1e-3", -0.5, None, 7]
)
def test_numbers_and_other_text_stay(value: object) -> None:
    assert to_cell(value) == value


@given(st.text(st.sampled_from("'=-+@\t\r\n1e.,a\"")) | st.text())
def test_back_comes_what_was_written(text: str) -> None:
    cell = to_cell(text)
    assert isinstance(cell, str)
    assert from_cell(cell) == text


def test_rows_are_csv() -> None:
    stream = io.StringIO(newline="")
    TableWriter(stream).rows([("file", "score"), ("=1+1,\n", -0.5), ("'=x", None)])
    assert stream.getvalue() == "file,score\n\"'=1+1,\n\",-0.5\n''=x,\n"
    rows = list(csv.reader(io.StringIO(stream.getvalue(), newline="")))
    assert [from_cell(row[0]) for row in rows] == ["file", "=1+1,\n", "'=x"]


def test_labels_of_our_own_tables_come_back(tmp_path: Path) -> None:
    names = ["=1+1.png", "-1.png", "@a.png", "'=x.png", "a.png"]
    with (tmp_path / "labels.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = TableWriter(stream)
        writer.row(("filename", "label", "group"))
        writer.rows((name, "damaged", f"+{name}") for name in names)
    rows = read_labels(tmp_path / "labels.csv", class_words())
    assert [(name, row.group) for name, row in rows.items()] == [(n, f"+{n}") for n in names]
