"""A share that does not answer: the window stays alive, closes at once, and keeps every verdict."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cfinspect.project.project import Project
from cfinspect.project.scan import scan
from cfinspect.project.verdicts import Verdict, human_of

pytest_plugins = ["stage"]

# The real window in a process of its own: how that ends is the point. From a moment on, every read
# of an image hangs, as one of a share does whose server is gone.
_PROGRAM = """
import shutil, sys, threading, time
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from cfinspect.engine.base import images
from cfinspect.project.project import Project
from cfinspect.project.verdicts import Verdict, human_of
from cfinspect.ui.shell import app as shell

folder, what, ends = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
read, hangs, hung = images.read_regular, threading.Event(), threading.Event()

def slow(path, most):
    if hangs.is_set():
        hung.set()
        time.sleep(600)
    return read(path, most)

images.read_regular = slow
app = shell.make_app(["cfinspect"])
state = {"at": time.monotonic(), "gap": 0.0, "step": 0}

def window():
    return next(w for w in QApplication.topLevelWidgets() if type(w).__name__ == "MainWindow")

def look_again():
    # Nothing that was made before may answer; some may be on its way still.
    shutil.rmtree(folder / ".cfinspect" / "cache" / "thumbnails", ignore_errors=True)
    window().session.thumbnails._held.clear()
    window().gallery.grid.viewport().update()

def tick():
    now = time.monotonic()
    w = window()
    if state["step"] >= 2:
        state["gap"] = max(state["gap"], now - state["at"])
    state["at"] = now
    session = getattr(w, "session", None) if w.is_built else None
    if session is None or session.project is None or session.facts is None:
        return
    if state["step"] == 0 and w.model.rowCount() == 6 and not session.jobs.tickets:
        state["step"] = 1
        hangs.set()
        if what == "picture":
            w.controllers.review.open_image(w.model.ids[0])
    elif state["step"] == 1 and what == "thumbnail" and not hung.is_set():
        look_again()
    elif state["step"] == 1 and hung.is_set():
        state["step"], state["from"] = 2, now
        row = session.rows([w.model.ids[1]])[0]
        session.say(row, verdict=Verdict.DAMAGED)
    elif state["step"] == 2 and now - state["from"] > 1.5:
        state["step"] = 3
        print(f"gap {state['gap']:.2f}", flush=True)
        state["closed"] = time.monotonic()
        w.close()
        print(f"closed {time.monotonic() - state['closed']:.2f}", flush=True)

timer = QTimer()
timer.timeout.connect(tick)
timer.start(20)
if ends == "run":
    code = shell.run(folder)
    print("returned", flush=True)  # never, with a thread that hangs
    sys.exit(code)
# As a program that does not come back through our own loop, such as a script or a test.
real, shell.QApplication.exec = shell.QApplication.exec, lambda self=None: 0
shell.run(folder)
while state["step"] < 3:
    app.processEvents()
    time.sleep(0.005)
del timer
"""


@pytest.fixture
def photos(drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of six images without thumbnails."""
    monkeypatch.setenv("CFINSPECT_HOME", str(tmp_path / "home"))
    folder = tmp_path / "photos"
    folder.mkdir()
    for image in sorted((drawn / "damaged").glob("*.png"))[:6]:
        shutil.copy(image, folder)
    with Project.create(folder, domain="crack") as project:
        scan(project)
    return folder


@pytest.mark.parametrize("what", ["thumbnail", "picture"])
@pytest.mark.parametrize("ends", ["run", "script"])
def test_closing_waits_for_no_read_and_loses_no_verdict(photos: Path, what: str, ends: str) -> None:
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(photos), what, ends],
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout
    told = dict(line.split() for line in done.stdout.splitlines() if " " in line)
    assert "returned" not in done.stdout
    assert float(told["gap"]) < 20.0  # s without an answer while the disk hangs
    assert float(told["closed"]) < 30.0
    assert time.monotonic() - begun < 390  # a read hangs for 600 s
    with Project.open(photos) as project:
        rows = project.database.rows("SELECT image_id FROM human")
        assert len(rows) == 1
        assert human_of(project, rows[0]["image_id"]).verdict is Verdict.DAMAGED
