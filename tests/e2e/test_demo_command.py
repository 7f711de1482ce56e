"""``cfinspect demo`` with its own recipe cut down to seconds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from program import json_lines
from typer.testing import CliRunner

from cfinspect.cli import app
from cfinspect.engine.images import read_image
from cfinspect.resources import resource_path


@pytest.fixture
def short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = json.loads(resource_path("demo.json").read_text(encoding="utf-8"))
    recipe["images"].update(count=48, size=48)
    recipe["new"].update(count=12, size=48)
    del recipe["train"]["minutes"]
    recipe["train"].update(size=32, steps=20, warmup=8, width=4, discriminator_width=8, batch=8)
    file = tmp_path / "demo.json"
    file.write_text(json.dumps(recipe))
    monkeypatch.setattr("cfinspect.cli.demo.resource_path", lambda _name: file)
    monkeypatch.setattr("cfinspect.cli.demo.models_path", lambda: tmp_path / "no-models")


@pytest.mark.usefixtures("short")
def test_the_demo_leaves_figures_and_pictures_and_can_be_run_again(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    for _ in range(2):
        done = CliRunner().invoke(app, ["demo", str(folder), "--headless", "--json"])
        assert done.exit_code == 0, done.output
        lines = json_lines(done.stdout)
        assert lines[-1]["event"] == "demo"
        assert [line["event"] for line in lines].count("report") == 2
        (folder / "crack" / "note.txt").write_text("mine")
    for domain in ("crack", "apple"):
        report = json.loads((folder / domain / "report" / "report.json").read_text())
        assert report["classification"]["n"] == 12
        assert len(list((folder / domain / "results" / "overlays").rglob("*.jpg"))) == 12
        assert read_image(folder / domain / "contact-sheet.png").shape[1] >= 4 * 128
    assert (folder / "crack" / "note.txt").read_text() == "mine"


@pytest.mark.usefixtures("short")
def test_the_demo_leaves_folders_of_others_alone(tmp_path: Path) -> None:
    (tmp_path / "crack" / "images").mkdir(parents=True)
    (tmp_path / "crack" / "images" / "mine.png").touch()
    done = CliRunner().invoke(app, ["demo", str(tmp_path)])
    assert done.exit_code == 2
    assert "not the demo's" in done.stderr
    assert (tmp_path / "crack" / "images" / "mine.png").exists()
