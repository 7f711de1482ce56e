"""What a command prints and how it ends: JSON lines, sentences for errors, exit codes."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Annotated, ParamSpec, TypeVar

import typer

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.installed import without_torch
from cfinspect.engine.base.json_types import plain
from cfinspect.engine.base.progress import Cancelled, collect_remarks, take_remarks
from cfinspect.visible import visible, visible_traceback

FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130

JsonFlag = Annotated[
    bool, typer.Option("--json", help="Print one JSON object per line and nothing else on stdout.")
]

_P = ParamSpec("_P")
_R = TypeVar("_R")
_WIDEST = 4000  # characters of a cell


class Output:
    """Results of a command: for people on stdout, or with ``as_json`` one JSON object per line.

    Notes go to stderr in both cases, so that stdout holds results only. Names and other text from
    outside act on no terminal: whatever is printed for people goes through ``visible``.
    """

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    def emit(self, event: str, fields: Mapping[str, object] | None = None) -> None:
        """Write one JSON line ``{"event": event, **fields}``; does nothing for people."""
        if self.as_json:
            _write(
                json.dumps(
                    {"event": event, **{name: plain(one) for name, one in (fields or {}).items()}},
                    allow_nan=False,
                )
            )

    def say(self, text: str) -> None:
        """Write one line for people; does nothing with ``as_json``."""
        if not self.as_json:
            _write(visible(text))

    def table(self, title: str, rows: list[tuple[str, str]]) -> None:
        """Write names and values in two columns for people; does nothing with ``as_json``."""
        if self.as_json:
            return
        from rich.console import Console  # noqa: PLC0415  (keeps --help quick)
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        # As Text: rich would take [/x] in a name for markup.
        table = Table(title=Text(visible(title)), title_justify="left", show_header=False)
        cells = [[_short(visible(cell)) for cell in row] for row in rows]
        for row in cells:
            table.add_row(*map(Text, row))
        console = Console()
        if not console.is_terminal:
            # A pipe or a log has no width to keep to: long paths stay in one piece.
            console = Console(width=max(200, 8 + max(sum(map(len, row)) for row in cells)))
        console.print(table)


def _short(cell: str) -> str:
    """A text of megabytes, from a stranger's file, in part: all rows are as wide as the longest."""
    return cell if len(cell) <= _WIDEST else f"{cell[:_WIDEST]}…"


def note(text: str) -> None:
    """Write one line for people on stderr."""
    print(visible(text), file=sys.stderr, flush=True)


def _write(line: str) -> None:
    try:
        print(line, flush=True)
    except BrokenPipeError:
        # The reader left (``| head``). The work's files matter more than its lines: go on without.
        close_stdout()


def close_stdout() -> None:
    """Nobody hears what is printed from here on, and no error comes of it, at the end neither."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def guarded(command: Callable[_P, _R]) -> Callable[_P, _R]:
    """Turn every end of a command into a sentence and an exit code; no traceback for known ones.

    What was remarked on image files meanwhile is noted at the end, once for each kind.
    """

    @functools.wraps(command)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        output = Output(bool(kwargs.get("as_json", False)))
        collect_remarks()
        try:
            return command(*args, **kwargs)
        except CfinspectError as error:
            code, sentence = BAD_INPUT, str(error)
        except (Cancelled, KeyboardInterrupt) as stop:
            code, sentence = INTERRUPTED, str(stop) or "Interrupted."
        except BrokenPipeError:
            raise  # typer's business: the reader of our output has gone
        except OSError as error:
            where = f": {error.filename}" if error.filename else ""
            code, sentence = FAILED, f"{error.strerror or error}{where}."
        except MemoryError:
            code, sentence = FAILED, "Out of memory: use a smaller --batch or --size."
        except (typer.Exit, typer.Abort, typer.TyperException):
            raise
        except Exception as error:
            code, sentence = _unexpected(error)
        finally:
            for text in take_remarks():
                note(text)
        with contextlib.suppress(OSError):  # a full disk; stderr may be something else
            output.emit("interrupted" if code == INTERRUPTED else "error", {"error": sentence})
        note(sentence if code == INTERRUPTED else f"Error: {sentence}")
        raise typer.Exit(code)

    return run


def _unexpected(error: Exception) -> tuple[int, str]:
    if isinstance(error, ImportError) and (sentence := without_torch(error)):
        return BAD_INPUT, sentence
    if str(error).startswith("Symlink loop"):  # how Python before 3.13 says where a link leads
        return BAD_INPUT, f"{error}: give a path that exists."
    for line in visible_traceback(error):
        note(line)
    return FAILED, f"Unexpected {type(error).__name__}: {error} (please report)."
