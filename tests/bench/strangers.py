"""Odd and hostile files that lie beside the data sets, each with its own check: a table.

    python tests/bench/strangers.py [cases] [hostile] [--only NAME ...] [--limit SECONDS]

A row each: name, ok or FAIL, seconds. Exit code 1 if one fails. The hostile ones want root for
mounts, and are meant for a machine that nobody works on.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import DATA

SETS = ("cases", "hostile")


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
        environment = {**os.environ, **known, "HOSTILE_HOME": scratch}
        print("| case | right | seconds |\n|---|---|---|")
        for name in arguments.sets:
            for script in sorted((DATA.parent / name).glob("*/run.sh")):
                case = script.parent.name
                if arguments.only and not case.startswith(tuple(arguments.only)):
                    continue
                started = time.monotonic()
                right = run(script, environment, arguments.limit)
                failed += not right
                seconds = time.monotonic() - started
                print(f"| {case} | {'ok' if right else 'FAIL'} | {seconds:.0f} |", flush=True)
    sys.exit(failed > 0)


def run(script: Path, environment: dict[str, str], limit: float) -> bool:
    """Whether the check ends well and in time."""
    try:
        done = subprocess.run(
            ["bash", script],
            env=environment,
            capture_output=True,
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


if __name__ == "__main__":
    main()
