"""Every end of a command is an exit code and a sentence; stdout with --json is JSON only."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import typer

from cfinspect.cli.output import Output, guarded
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.json_types import json_text, plain
from cfinspect.engine.base.progress import Cancelled, remark, take_remarks


@dataclass(frozen=True)
class _Event:
    path: Path
    figures: dict[str, float]


def test_plain_values_are_json() -> None:
    event = _Event(Path("a/b"), {"f1": float("nan"), "n": float(np.float32(0.5))})
    expected = {"path": str(Path("a/b")), "figures": {"f1": None, "n": 0.5}}
    assert json.loads(json.dumps(plain(event), allow_nan=False)) == expected
    assert plain((np.arange(2), np.float32(np.inf))) == [[0, 1], None]


def end_of(error: Exception | KeyboardInterrupt, *, as_json: bool = False) -> int:
    @guarded
    def command(*, as_json: bool) -> None:
        del as_json
        raise error

    with pytest.raises(typer.Exit) as ended:
        command(as_json=as_json)
    return ended.value.exit_code


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (CfinspectError("give another folder"), 2, "Error: give another folder\n"),
        (Cancelled("kept"), 130, "kept\n"),
        (KeyboardInterrupt(), 130, "Interrupted.\n"),
        (
            OSError(28, "No space left on device", "a.csv"),
            1,
            "Error: No space left on device: a.csv",
        ),
        (MemoryError(), 1, "Error: Out of memory"),
        (ZeroDivisionError("x"), 1, "Error: Unexpected ZeroDivisionError: x"),
    ],
)
def test_ends(
    error: Exception, code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert end_of(error) == code
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert not captured.out
    assert ("Traceback" in captured.err) == (code == 1 and "Unexpected" in sentence)


def test_a_link_to_itself_is_no_fault_of_the_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")

    @guarded
    def command() -> None:
        (tmp_path / "loop").resolve(strict=True)  # without "strict" an error up to Python 3.12 only

    with pytest.raises(typer.Exit) as ended:
        command()
    assert ended.value.exit_code == 2
    assert "loop'" in capsys.readouterr().err


def test_with_json_the_error_is_a_line_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    end_of(CfinspectError("give another folder"), as_json=True)
    line = json.loads(capsys.readouterr().out)
    assert line == {"event": "error", "error": "give another folder"}


def test_json_and_people_get_different_lines(capsys: pytest.CaptureFixture[str]) -> None:
    for as_json in (True, False):
        output = Output(as_json)
        output.emit("done", {"n": 1})
        output.say("one image")
        output.table("Figures", [("f1", "0.9")])
    machine, person = capsys.readouterr().out.split("\n", 1)
    assert json.loads(machine) == {"event": "done", "n": 1}
    assert person.startswith("one image\n")
    assert "f1" in person


def test_remarks_on_files_are_noted_once_for_each_kind_also_after_an_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    @guarded
    def command(*, as_json: bool) -> None:
        Output(as_json).emit("done")
        for name in ("a.tif", "b.tif", "a.tif"):
            remark(Path(name), "read as 12 bit")
        raise CfinspectError("the rest is missing")

    with pytest.raises(typer.Exit):
        command(as_json=True)
    out, err = capsys.readouterr()
    assert "12 bit" not in out
    assert err.splitlines() == [
        "2 images (such as a.tif): read as 12 bit.",
        "Error: the rest is missing",
    ]
    remark(Path("c.tif"), "read as 12 bit")  # nobody collects any more
    assert take_remarks() == []


def test_json_files_hold_names_that_are_no_utf8() -> None:
    name = os.fsdecode(b"b\xfcro \xc3\xa4")
    text = json_text({"data": [name]}, indent=2)
    assert "ä" in text
    assert json.loads(text.encode("utf-8")) == {"data": [name]}


def test_a_cell_of_megabytes_is_shown_in_part(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=False).table("a", [("name", "x" * 3_000_000), ("other", "y")])
    shown = capsys.readouterr().out
    assert len(shown) < 50_000
    assert "x…" in shown
