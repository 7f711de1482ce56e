"""``cfinspect evaluate --all --quick``, as a person would type it; less of it in a dry run."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from gpu_parts.look import Look
from gpu_parts.scale import Found

_PARTS = ("baselines", "explainers", "realism", "uncertainty", "robustness")


def section_evaluate(look: Look, found: Found) -> None:
    """Which parts the report has, and how long it took."""
    runs = sorted(look.work.glob("run_64px*/model.safetensors"))
    model = runs[0] if runs else Path(look.root) / "models" / "crack.safetensors"
    out = look.work / "report"
    command = [sys.executable, "-m", "cfinspect", "evaluate", str(model)]
    command += [*look.folders("test", 64), "--out", str(out), "--quick"]
    command += ["--device", look.name, *(["--uncertainty"] if look.tiny else ["--all"])]
    begun = time.perf_counter()
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=max(10, look.left() - 5)
    )
    found["evaluate_s"] = round(time.perf_counter() - begun, 1)
    found["rc"] = done.returncode
    found["said"] = (done.stdout + done.stderr)[-1500:]
    report = out / "report.json"
    if report.exists():
        whole = json.loads(report.read_text())
        found["parts"] = [part for part in _PARTS if part in whole]
        found["f1"] = whole["classification"]["f1"]
