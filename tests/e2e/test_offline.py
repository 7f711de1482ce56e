"""The commands talk to no network: demo, training, export with every socket forbidden.

The window draws through sockets of its own system; that it works without a network is tried by
packaging/smoke.py, in a namespace that has none.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from program import json_lines

import cfinspect
from cfinspect.resources import resource_path

# Python loads this module by itself, before anything else. The hook cannot be taken off again.
_GUARD = """
import os, sys

def _forbid(event, arguments):
    if event.startswith("socket.") and event not in {"socket.gethostname"}:
        sys.stderr.write(f"FORBIDDEN {event} {arguments}\\n")
        sys.stderr.flush()
        os._exit(99)

sys.addaudithook(_forbid)
"""

# The demo of few images: what it opens does not hang on how many there are.
_SHORT_DEMO = """
import sys
import cfinspect.cli.demo as demo
from pathlib import Path
recipe = Path(sys.argv.pop(1))
demo.resource_path = lambda _name: recipe
from cfinspect.__main__ import main
main()
"""


def _run(guard: Path, *words: object) -> subprocess.CompletedProcess[str]:
    guard.mkdir(exist_ok=True)
    (guard / "sitecustomize.py").write_text(_GUARD)
    shown = {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"}
    kept = {name: value for name, value in os.environ.items() if name not in shown}
    path = os.pathsep.join([str(guard), str(Path(cfinspect.__file__).parents[1])])
    return subprocess.run(
        [sys.executable, *map(str, words)],
        env={**kept, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


def test_the_guard_stops_a_program_that_opens_a_socket(tmp_path: Path) -> None:
    done = _run(tmp_path / "guard", "-c", "import socket; socket.socket(); print('open')")
    assert done.returncode == 99
    assert "FORBIDDEN socket" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="its console needs no socket, but asyncio does")
def test_demo_training_and_export_open_no_socket(tmp_path: Path) -> None:
    guard = tmp_path / "guard"
    recipe = json.loads(resource_path("demo.json").read_text(encoding="utf-8"))
    recipe["new"].update(count=12, size=64)
    short = tmp_path / "demo.json"
    short.write_text(json.dumps(recipe))
    demo = ("demo", tmp_path / "demo", "--headless", "--json")
    done = _run(guard, "-c", _SHORT_DEMO, short, *demo)
    assert done.returncode == 0, done.stderr
    assert json_lines(done.stdout)[-1]["event"] == "demo"
    images = tmp_path / "demo" / "crack" / "new"
    for words in (
        ("train", images, "--out", tmp_path / "run", "--steps", 4, "--size", 32, "--width", 4),
        ("project", "init", images, "--domain", "crack"),
        ("inspect", tmp_path / "run" / "model.safetensors", "--project", images),
        ("export", images, "--format", "coco", "--only", "all", "--out", tmp_path / "labels"),
    ):
        done = _run(guard, "-m", "cfinspect", *words, "--json")
        assert done.returncode == 0, (words, done.stderr)
    done = _run(guard, "-m", "cfinspect", "doctor", "--json")
    *checks, last = json_lines(done.stdout)
    # What it finds on this machine, a full disk for one, is not asked here.
    assert last["event"] == "done" and done.returncode == bool(last["failed"]), done.stderr
    assert {"device", "disk", "self-test"} <= {check.get("name") for check in checks}
