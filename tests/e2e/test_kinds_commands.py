"""Several defect classes by the command line: drawn, trained, inspected, evaluated."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import pytest
from program import TINY, Run, json_lines, table

KINDS = ("rot", "scab", "worm")


@pytest.fixture(scope="module")
def apples(cf: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("data") / "apples"
    words = ("--domain", "apple", "--count", 48, "--size", 32, "--kinds", ",".join(KINDS))
    done = cf("synth", out, *words)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in out.iterdir() if path.is_dir()} == {"undamaged", "masks", *KINDS}
    return out


@pytest.fixture(scope="module")
def model(cf: Run, apples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "kinds"
    words = ("--kinds", "rot, scab, worm", "--set", "validation=0.3", "--steps", 30, *TINY)
    done = cf("train", apples, "--out", run, *words)
    assert done.returncode == 0, done.stderr
    return run / "model.safetensors"


def test_an_inspection_names_the_kind_and_says_what_each_kind_says(
    cf: Run, model: Path, apples: Path, tmp_path: Path
) -> None:
    done = cf("inspect", model, apples, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    rows = table(tmp_path / "inspections.csv")
    assert len(rows) == 48
    assert {row["label"] for row in rows} <= {"undamaged", *KINDS}
    damaged = sum(row["label"] != "undamaged" for row in rows)
    assert f": {damaged} damaged" in done.stdout
    for row in rows:
        scores = {name: float(row[f"score {name}"]) for name in KINDS}
        assert all(0 <= float(row[f"p_fake {name}"]) <= 1 for name in KINDS)
        assert all(0 <= value <= 1 for value in scores.values())
    first = rows[0]
    for name in KINDS:
        picture = cv2.imread(
            str(tmp_path / "saliency" / name / first["file"]), cv2.IMREAD_UNCHANGED
        )
        assert picture is not None
        assert picture.shape == (32, 32)
    again = cf("inspect", model, apples, "--out", tmp_path, "--skip-done")
    assert "Skipped 48 images" in again.stderr
    assert table(tmp_path / "inspections.csv") == rows


def test_what_an_earlier_model_said_goes_with_its_rows(
    cf: Run, model: Path, apples: Path, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    picture = tmp_path / "in" / "a.png"
    shutil.copy(next((apples / "rot").iterdir()), picture)
    assert cf("inspect", model, tmp_path / "in", "--out", tmp_path / "out").returncode == 0
    assert len(list((tmp_path / "out" / "saliency").rglob("*.png"))) == 3
    picture.write_bytes(b"no picture")
    cf("inspect", model, tmp_path / "in", "--out", tmp_path / "out")
    assert not list((tmp_path / "out" / "saliency").rglob("*.png"))


def test_a_project_keeps_the_kind(cf: Run, model: Path, apples: Path, tmp_path: Path) -> None:
    root = tmp_path / "apples"
    shutil.copytree(apples, root)
    assert cf("project", "init", root, "--domain", "apple").returncode == 0
    done = cf("inspect", model, "--project", root, "--json")
    assert done.returncode == 0, done.stderr
    scan = cf("project", "scan", root)
    assert "neither undamaged nor damaged here" in scan.stdout + scan.stderr
    lines = [line for line in json_lines(done.stdout) if "label" in line]
    assert len(lines) == 48
    assert {line["label"] for line in lines} <= {"undamaged", *KINDS}


def test_an_evaluation_counts_answers_by_class(
    cf: Run, model: Path, apples: Path, tmp_path: Path
) -> None:
    done = cf("evaluate", model, apples, "--out", tmp_path, "--all", "--quick")
    assert done.returncode == 0, done.stderr
    assert "Answers by true class" in done.stdout
    assert "Without the part robustness: --robustness looks at one defect class" in done.stderr
    told = json.loads((tmp_path / "report.json").read_text())["kinds"]
    assert told["names"] == ["", *KINDS]
    assert [sum(counts) for counts in told["confusion"]] == [24, 8, 8, 8]
    rows = table(tmp_path / "images.csv")
    right = sum(row["kind"] == row["answer"] for row in rows) / len(rows)
    assert told["accuracy"] == pytest.approx(right)
    assert "Which kind of damage" in (tmp_path / "report.html").read_text("utf-8")


def test_a_part_for_one_kind_is_refused_when_asked_for(
    cf: Run, model: Path, apples: Path, tmp_path: Path
) -> None:
    done = cf("evaluate", model, apples, "--out", tmp_path, "--robustness", "--quick")
    assert done.returncode == 2
    assert "one defect class at a time" in done.stderr
    assert not (tmp_path / "report.json").exists()  # told before anything slow
    words = ("ablate", apples, "--out", tmp_path / "a", "--set", "kinds=rot,scab", "--realism")
    done = cf(*words, "--vary", "trunk=shared,alone", "--steps", 2)
    assert done.returncode == 2
    assert "one defect class at a time" in done.stderr


def test_a_folder_without_the_kinds_is_told(
    cf: Run, model: Path, walls: Path, tmp_path: Path
) -> None:
    done = cf("evaluate", model, walls, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("WARNING: there is no") == 3


def test_kinds_that_are_not_there_are_a_sentence(cf: Run, apples: Path, tmp_path: Path) -> None:
    done = cf("train", apples, "--out", tmp_path / "run", "--kinds", "rot,mould", "--steps", 1)
    assert done.returncode == 2
    assert "no mould image" in done.stderr
    done = cf("synth", tmp_path / "x", "--domain", "apple", "--kinds", "mould")
    assert done.returncode == 2
    assert "rot, browning, bruise" in done.stderr


def test_calibrating_several_kinds_is_refused(
    cf: Run, model: Path, apples: Path, tmp_path: Path
) -> None:
    done = cf("calibrate", model, apples, "--out", tmp_path / "new.safetensors")
    assert done.returncode == 2
    assert "several defect classes" in done.stderr
