"""``cfinspect demo``: with the shipped models, and on images cut down to seconds."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from program import Run, json_lines

import cfinspect
from cfinspect.engine.base.images import read_image
from cfinspect.resources import resource_path

# Of fewer images: how many there are changes nothing but how long it takes.
_WINDOW = """
import sys
from pathlib import Path
import cfinspect.resources
cfinspect.resources.resource_path = (
    lambda name, real=cfinspect.resources.resource_path:
        Path(sys.argv[2]) if name == "demo.json" else real(name)
)
from cfinspect.ui.shell.app import run
run(demo=Path(sys.argv[1]))
"""


@pytest.fixture
def short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = _recipe(tmp_path)
    monkeypatch.setattr("cfinspect.cli.demo.resource_path", lambda _name: file)


def _recipe(folder: Path) -> Path:
    """The demo's recipe, of a tenth of the images."""
    recipe = json.loads(resource_path("demo.json").read_text(encoding="utf-8"))
    recipe["new"].update(count=12, size=64)
    file = folder / "demo.json"
    file.write_text(json.dumps(recipe))
    return file


@pytest.mark.usefixtures("short")
def test_the_demo_leaves_figures_and_pictures_and_can_be_run_again(cf: Run, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    for _ in range(2):
        done = cf("demo", folder, "--json")
        assert done.returncode == 0, done.stderr
        lines = json_lines(done.stdout)
        assert lines[-1]["event"] == "demo"
        assert [line["event"] for line in lines].count("report") == 2
        (folder / "crack" / "note.txt").write_text("mine")
    for domain in ("crack", "apple"):
        report = json.loads((folder / domain / "report" / "report.json").read_text())
        assert report["classification"]["n"] == 12
        assert len(list((folder / domain / "results" / "overlays").rglob("*.jpg"))) == 12
        assert read_image(folder / domain / "contact-sheet.png").shape[1] >= 4 * 128
        assert not (folder / domain / "run").exists()  # nothing is trained
    assert (folder / "crack" / "note.txt").read_text() == "mine"


@pytest.mark.usefixtures("short")
def test_the_demo_leaves_folders_of_others_alone(cf: Run, tmp_path: Path) -> None:
    (tmp_path / "crack" / "images").mkdir(parents=True)
    (tmp_path / "crack" / "images" / "mine.png").touch()
    done = cf("demo", tmp_path)
    assert done.returncode == 2
    assert "not the demo's" in done.stderr
    assert (tmp_path / "crack" / "images" / "mine.png").exists()
    assert not (tmp_path / "apple" / "new").exists()


@pytest.mark.usefixtures("short")
def test_an_installation_without_its_models_says_so(
    cf: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cfinspect.resources.models_path", lambda: tmp_path / "none")
    done = cf("demo", tmp_path / "demo")
    assert done.returncode == 2
    assert "crack.safetensors is missing from this installation" in done.stderr


def test_the_window_shows_the_finished_demo(tmp_path: Path) -> None:
    # What the command does where there is a display; this one nobody sees.
    folder = tmp_path / "démo"
    shown = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "CFINSPECT_HOME": str(tmp_path / "home")}
    path = {"PYTHONPATH": str(Path(cfinspect.__file__).parents[1])}
    process = subprocess.Popen(
        [sys.executable, "-c", _WINDOW, str(folder), str(_recipe(tmp_path))],
        env={**shown, **path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    database = folder / "crack" / "new" / ".cfinspect" / "project.sqlite"
    try:
        end = time.monotonic() + 300
        while not database.is_file() or _inspected(database) < 24:
            assert process.poll() is None, "the window closed by itself"
            assert time.monotonic() < end, "the demo was not inspected within five minutes"
            time.sleep(0.5)
    finally:
        process.kill()
        process.wait()
    assert (folder / "apple" / "new" / "labels.csv").is_file()


def _inspected(database: Path) -> int:
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as opened:
            return int(opened.execute("SELECT COUNT(*) FROM prediction").fetchone()[0])
    except sqlite3.OperationalError:  # its tables are not there yet
        return 0
