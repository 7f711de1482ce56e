"""labels.csv: encodings, odd tables, and what of it is no error."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from cfinspect.engine.base.images import write_png
from cfinspect.engine.data.class_words import DataError, class_words
from cfinspect.engine.data.folders import scan_folder
from cfinspect.engine.data.label_table import LabelRow, read_labels


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030", "cp1252"])
def test_labels_csv_of_older_programs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, encoding: str
) -> None:
    text = "filename,label,group\r\nundamaged/u0.png,bad,{}\r\n"
    word = "Süd" if encoding == "cp1252" else "南面"
    (tmp_path / "labels.csv").write_bytes(text.format(word).encode(encoding))
    rows = read_labels(tmp_path / "labels.csv", class_words())
    assert rows == {"undamaged/u0.png": LabelRow(1, word)}
    assert (encoding.upper() in caplog.text) == (encoding in {"gb18030", "cp1252"})


def test_labels_csv_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes(b"filename,label\n\x81\x8d\x8f\xff.png,good\n")
    with pytest.raises(DataError, match="save it as UTF-8"):
        read_labels(tmp_path / "labels.csv", class_words())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes among files")
def test_labels_csv_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "labels.csv")
    with pytest.raises(DataError, match="no regular file"):
        read_labels(tmp_path / "labels.csv", class_words())


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("filename,label,label", "the column label twice"),
        ("filename,Label,label ", "the column label twice"),
        ("filename,label" + ",x" * 5000, "5002 columns"),
    ],
)
def test_a_table_of_two_labels_or_of_columns_without_end_is_refused(
    tmp_path: Path, header: str, said: str
) -> None:
    table = tmp_path / "labels.csv"
    table.write_text(f"{header}\na.png,damaged,undamaged\n")
    with pytest.raises(DataError, match=said):
        read_labels(table, class_words())


def test_a_table_names_a_file_that_no_disk_has(tmp_path: Path) -> None:
    for word in ("damaged", "undamaged"):
        (tmp_path / word).mkdir()
        write_png(tmp_path / word / "a.png", np.full((4, 4), len(word), np.uint8))
    rows = f"filename,label\ndamaged/a.png,damaged\n{'x' * 5000}.png,damaged\n"
    (tmp_path / "labels.csv").write_text(rows)
    found = scan_folder(tmp_path, class_words())
    assert len(found.candidates) == 2
    assert [one.reason for one in found.left_out] == ["labels.csv names it and it is not there"]
