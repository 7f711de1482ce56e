"""``cfinspect gui``: the window."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cfinspect.cli.output import guarded

EXAMPLES = """
Opens where it was left, or at a folder, which becomes a project (a hidden folder .cfinspect in it).
A model file is taken into the project that was open last.

Examples:

  cfinspect

  cfinspect gui photos/ --log-file cfinspect.log
"""


@guarded
def gui(
    path: Annotated[
        Path | None,
        typer.Argument(metavar="FOLDER|MODEL", help="A folder of images, or a model file."),
    ] = None,
    log_file: Annotated[
        Path | None, typer.Option("--log-file", help="Append the log to this file.")
    ] = None,
) -> None:
    """Open the window: browse, inspect, see why, review, correct, train, export."""
    from cfinspect.ui.shell.app import run  # noqa: PLC0415  (Qt only where there is a window)

    code = run(path, log_file)
    if code:
        raise typer.Exit(code)
