"""Odd and hostile files that lie beside the data sets, each with its own check: a table.

    python tests/bench/strangers.py [cases] [hostile] [--only NAME ...] [--limit SECONDS]

A row each: name, ok or FAIL, seconds, and the last line that a failed one printed. Exit code 1 if
one fails. The hostile ones want root for mounts, and are meant for a machine that nobody works on.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import DATA

SETS = ("cases", "hostile")
ROOT = Path(__file__).resolve().parents[2]
_SHOWN = 120  # characters


def main() -> None:
    """Run the checks, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--only", nargs="+", default=[], help="beginnings of names")
    parser.add_argument("--limit", type=float, default=600, help="seconds for each")
    arguments = parser.parse_args()
    program = [sys.executable, "-m", "cfinspect"]
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        shell = Path(scratch) / "cfinspect"
        shell.write_text(f'#!/bin/sh\nexec {" ".join(program)} "$@"\n')
        shell.chmod(0o755)
        known = {"CF": str(shell), "PY": sys.executable, "CASE_TMP": scratch}
        # Some run the program as another user, with a Python that this user may read.
        if os.geteuid() == 0:
            Path(scratch).chmod(0o755)
            leave = shutil.ignore_patterns("site-packages", "test", "__pycache__")
            shutil.copytree(sys.base_prefix, f"{scratch}/py", ignore=leave, symlinks=True)
        packages = ":".join(place for place in sys.path if place)
        known |= {"PROJECT": str(ROOT), "SITE_PACKAGES": packages, "HOSTILE_HOME": scratch}
        environment = {**os.environ, **known}
        print("| case | right | seconds | said |\n|---|---|---|---|")
        for name in arguments.sets:
            for script in sorted((DATA.parent / name).glob("*/run.sh")):
                case = script.parent.name
                if arguments.only and not case.startswith(tuple(arguments.only)):
                    continue
                started = time.monotonic()
                said = run(script, environment, arguments.limit)
                failed += said is not None
                seconds = time.monotonic() - started
                row = (case, "ok" if said is None else "FAIL", f"{seconds:.0f}", said or "")
                print(f"| {' | '.join(row)} |", flush=True)
    sys.exit(failed > 0)


def _hear_signals() -> None:
    for one in (signal.SIGINT, signal.SIGHUP):
        signal.signal(one, signal.SIG_DFL)


def run(script: Path, environment: dict[str, str], limit: float) -> str | None:
    """None if the check ends well and in time; else the last line of what it printed."""
    try:
        done = subprocess.run(
            ["bash", script],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=limit,
            check=False,
            # Some send it; what a shell started in the background would not hear it.
            preexec_fn=_hear_signals,
        )
    except subprocess.TimeoutExpired:
        return f"not done in {limit:.0f} s"
    if done.returncode == 0:
        return None
    lines = done.stdout.decode("utf-8", "replace").split("\n")
    last = next((line for line in reversed(lines) if line.strip()), "")
    return "".join(c if c.isprintable() and c != "|" else "?" for c in last)[:_SHOWN]


if __name__ == "__main__":
    main()
