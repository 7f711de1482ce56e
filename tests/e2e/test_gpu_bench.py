"""The check for machines with a GPU still runs: a part of its dry run, on the CPU."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cfinspect

BENCH = Path(__file__).parents[1] / "bench" / "gpu.py"


def test_the_dry_run_trains_and_compares_losses(tmp_path: Path) -> None:
    root = Path(cfinspect.__file__).parents[1]
    command = [sys.executable, str(BENCH), "--tiny", "--only", "env,equal,train"]
    command += ["--root", str(root), "--out", str(tmp_path / "out")]
    done = subprocess.run(
        [*command, "--work", str(tmp_path / "work")],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "out" / "gpu_check.json").read_text())
    sections = found["sections"]
    assert set(sections) == {"env", "equal", "train"}
    assert not [name for name, section in sections.items() if "error" in section], sections
    assert sections["equal"]["ok"]
    assert found["answers"]["trains"] == 1
