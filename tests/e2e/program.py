"""Runs the program, in this process or in one of its own, and reads what it leaves and prints."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from isolation import HIDDEN, SHOWN, as_if_alone
from typer.testing import CliRunner

import cfinspect
from cfinspect.cli import app

Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]

# The smallest networks that still learn: these tests are about the program, not the figures.
_SMALL = (
    "--size 32 --width 4 --batch 8 --scope whole --device cpu --precision fp32 --set warmup=10 "
    "--set validate_every=20 --set checkpoint_every=10 --set mask_steps=0"
)
TINY = tuple(f"{_SMALL} --backbone none --set discriminator_width=8".split())
TINY_PROJECTED = tuple(_SMALL.split())  # on the pretrained features


def _environment() -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if name not in HIDDEN},
        **SHOWN,
        "PYTHONPATH": str(Path(cfinspect.__file__).parents[1]),
    }


def _command(arguments: tuple[object, ...]) -> list[str]:
    return [sys.executable, "-m", "cfinspect", *map(str, arguments)]


def run_cfinspect(*arguments: object, cwd: Path | None = None) -> Done:
    """Run the command in this process, which has loaded torch already, to its end.

    Everything that it may have changed in the process is as before afterwards. Bare ``cfinspect``
    and ``cfinspect gui`` never come here: see ``spawn_cfinspect``.
    """
    words = [str(argument) for argument in arguments]
    with as_if_alone(["cfinspect", *words], cwd) as failed:
        result = CliRunner().invoke(app, words, prog_name="cfinspect")
    return Done(words, result.exit_code, result.stdout, result.stderr + failed(result.exc_info))


def spawn_cfinspect(*arguments: object, cwd: Path | None = None) -> Done:
    """Run ``python -m cfinspect`` to its end, where the process itself is the point."""
    return subprocess.run(
        _command(arguments),
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=_environment(),
        timeout=300,
    )


def start_cfinspect(
    *arguments: object, stdout: int | IO[str] = subprocess.PIPE, **environment: str
) -> subprocess.Popen[str]:
    """Start ``python -m cfinspect`` and return while it runs."""
    return subprocess.Popen(
        _command(arguments),
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        env=_environment() | environment,
        preexec_fn=_hear_all if os.name == "posix" else None,  # noqa: PLW1509  (only signals)
    )


def _hear_all() -> None:
    """Signals as in a terminal: what was started by nohup, or in the background, ignores some."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def rest_of(process: subprocess.Popen[str]) -> tuple[str, str]:
    """All that a process prints from here to its end.

    Not ``communicate``: it passes over lines that readline has already taken into its buffer.
    """
    assert process.stdout and process.stderr
    printed, errors = process.stdout.read(), process.stderr.read()
    process.wait(timeout=60)
    return printed, errors


def json_lines(text: str) -> list[dict[str, Any]]:
    """Parse stdout of a command with --json; anything but objects, one a line, is an error."""
    lines = [json.loads(line) for line in text.splitlines()]
    assert all(isinstance(line, dict) and "event" in line for line in lines)
    return lines


def table(path: Path) -> list[dict[str, str]]:
    """Read a CSV file as a list of rows."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
