"""Text from outside goes through one printer each: terminal, window, tables; nobody goes past."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import cfinspect

PACKAGE = Path(cfinspect.__file__).parent
SOURCES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
WINDOW = [name for name in SOURCES if name.startswith("ui/")]
COMMANDS = [name for name in SOURCES if name.startswith("cli/")]
LABEL, OUTPUT, CELLS = "ui/widgets/label.py", "cli/output.py", "engine/data/csv_cells.py"
# What Qt shows as HTML if it looks like it, and our own instead.
GUESSING = {"QLabel", "QMessageBox", "QErrorMessage", "QProgressDialog", "QToolTip", "QWhatsThis"}


def calls_in(name: str) -> Iterator[tuple[str, ast.Call]]:
    """Every call in a file with the last part of what is called: ``setToolTip`` of a widget."""
    for node in ast.walk(ast.parse(SOURCES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func).rpartition(".")[2], node


def imported_by(name: str) -> set[str]:
    tree = ast.parse(SOURCES[name].read_text(encoding="utf-8"))
    return {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom | ast.Import)
        for alias in node.names
    }


def is_plain(text: ast.expr) -> bool:
    """Whether a text is our own word for word, or defused: "x", tr("x"), plain(...)."""
    if isinstance(text, ast.IfExp):
        return is_plain(text.body) and is_plain(text.orelse)
    if isinstance(text, ast.Call):
        called = ast.unparse(text.func)
        return called == "plain" or (called == "tr" and not text.keywords)
    return isinstance(text, ast.Constant)


@pytest.mark.parametrize("name", [name for name in WINDOW if name != LABEL])
def test_the_window_has_plain_labels_only(name: str) -> None:
    assert not imported_by(name) & GUESSING, "take Label of cfinspect/ui/widgets/label.py"


@pytest.mark.parametrize("name", WINDOW)
def test_tool_tips_and_questions_of_the_window_are_plain(name: str) -> None:
    for called, call in calls_in(name):
        if called == "setToolTip":
            assert is_plain(call.args[-1]), f"line {call.lineno}: write plain({ast.unparse(call)})"
        elif ast.unparse(call.func).startswith("QInputDialog."):
            assert is_plain(call.args[2]), f"line {call.lineno}: write plain(...)"
        elif called == "addRow" and isinstance(call.args[0], ast.Call):
            assert is_plain(call.args[0]), f"line {call.lineno}: write plain(...)"


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != OUTPUT])
def test_commands_print_through_output(name: str) -> None:
    printed = [call for called, call in calls_in(name) if called in {"print", "secho", "print_exc"}]
    through_console = [call for call in printed if "Text(visible(" in ast.unparse(call)]
    assert printed == through_console, "use Output.say, Output.table, note or print_line"
    columns = [call for called, call in calls_in(name) if called == "TextColumn"]
    for call in columns:
        safe = "markup=False" in ast.unparse(call) or "rate" in ast.unparse(call.args[0])
        assert safe, f"line {call.lineno}: rich takes names for markup"


@pytest.mark.parametrize("name", [name for name in SOURCES if name != CELLS])
def test_tables_are_written_without_formulas(name: str) -> None:
    if name == "engine/synth/folder.py":
        return  # all of its words are its own, and it may not import that room
    written = [ast.unparse(call.func) for _, call in calls_in(name)]
    assert not {"csv.writer", "csv.DictWriter"} & set(written), "use TableWriter of csv_cells.py"
