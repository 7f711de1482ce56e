"""Names of a stranger in what commands print: no escape sequence, no markup, no crash."""

from __future__ import annotations

import io
import json
import os

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from cfinspect.cli import app
from cfinspect.cli.display import TrainDisplay
from cfinspect.cli.output import Output, guarded, note
from cfinspect.cli.progress import Counter, print_line
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.events import Notice

NAMES = [
    "\x1b]0;owned\x07\x1b[2Jx.png",
    "[/x]",
    "[link=file:///etc/passwd]click[/link]",
    "[red]a\nUNDAMAGED b.png",
    ":bomb: \u202egnp.exe",
    os.fsdecode(b"b\xfcro.png"),
]
SHOWN = [
    "\\x1b]0;owned\\x07\\x1b[2Jx.png",
    "[/x]",
    "[link=file:///etc/passwd]click[/link]",
    "[red]a\\nUNDAMAGED b.png",
    ":bomb: \\u202egnp.exe",
    "b\\xfcro.png",
]
BOTH = list(zip(NAMES, SHOWN, strict=True))


@pytest.mark.parametrize(("name", "shown"), BOTH)
def test_lines_tables_and_notes(name: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(False)
    output.say(name)
    output.table(name, [(name, name)])
    note(name)
    out, err = capsys.readouterr()
    first, *table = out.splitlines()
    assert first == shown
    assert table[0].strip() == shown
    assert "".join(table[1:]).count(shown) == 2
    assert err == f"{shown}\n"
    assert "\x1b" not in out


@pytest.mark.parametrize(("name", "shown"), BOTH)
def test_progress_and_training(name: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    with Counter(name) as counter:
        counter.say(name)
    with TrainDisplay() as display:
        display.show(Notice(0, name))
    assert capsys.readouterr().err == f"{shown}\n" * 2


@pytest.mark.parametrize(("name", "shown"), BOTH)
def test_on_a_terminal_as_well(name: str, shown: str) -> None:
    screen = io.StringIO()
    print_line(Console(file=screen, force_terminal=True, width=200), name)
    assert screen.getvalue() == f"{shown}\n"


@pytest.mark.parametrize(("name", "shown"), BOTH)
def test_errors_known_and_unknown(
    name: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for error in (CfinspectError(name), OSError(2, "Gone", name), ValueError(name)):

        @guarded
        def command(error: Exception, *, as_json: bool) -> None:
            raise error

        with pytest.raises(typer.Exit):
            command(error, as_json=True)
        out, err = capsys.readouterr()
        assert name in json.loads(out)["error"]
        assert shown in err
        assert "\x1b" not in err
        assert not {"UNDAMAGED b.png", "UNDAMAGED b.png."} & set(err.splitlines())


@pytest.mark.parametrize(
    "words", [["{}"], ["--{}"], ["review", "p", "--{}"], ["inspect", "m", "p", "--batch", "{}"]]
)
def test_wrong_words_of_the_command_line(words: list[str]) -> None:
    evil = "\x1b[31mred\x1b]0;t\x07\u202e"
    result = CliRunner().invoke(app, [word.format(evil) for word in words])
    assert result.exit_code == 2
    assert "Error: " in result.output
    assert not {"\x1b", "\x07", "\u202e"} & set(result.output)
