"""``ablate``: a small grid, its tables, going on, and refusing to mix."""

from __future__ import annotations

import json
from pathlib import Path

from program import Run, json_lines, table

SMALL = (
    "--steps",
    "4",
    "--size",
    "32",
    "--set",
    "batch=4",
    "--set",
    "width=4",
    "--set",
    "backbone=none",
)


def test_a_grid_becomes_a_table_and_goes_on_where_it_was(
    cf: Run, walls: Path, tmp_path: Path
) -> None:
    words = ["ablate", walls, "--out", tmp_path, "--vary", "rho=0,1", "--seeds", "2", *SMALL]
    done = cf(*words, "--json")
    assert done.returncode == 0, done.stderr
    lines = json_lines(done.stdout)
    assert [(line["cell"], line["seed"]) for line in lines] == [
        (cell, seed) for seed in (0, 1) for cell in ("base", "rho=0", "rho=1")
    ]
    rows = table(tmp_path / "table.csv")
    assert [row["cell"] for row in rows] == ["base", "rho=0", "rho=1"]
    assert all("to" in row["F1"] for row in rows)
    assert "Training 6 of 6: rho=1, seed 1" in done.stderr
    config = json.loads((tmp_path / "rho=1" / "seed-1" / "config.json").read_text())
    assert (config["rho"], config["seed"], config["holdout_seed"]) == (1.0, 1, 1)

    (tmp_path / "rho=1" / "seed-1" / "report.json").unlink()
    before = (tmp_path / "base" / "seed-0" / "model.safetensors").stat().st_mtime_ns
    again = cf(*words)
    assert again.returncode == 0, again.stderr
    assert "| rho=1 |" in again.stdout
    assert (tmp_path / "base" / "seed-0" / "model.safetensors").stat().st_mtime_ns == before
    assert (tmp_path / "rho=1" / "seed-1" / "report.json").exists()


def test_realism_is_tried_where_there_are_counterfactuals(cf: Run, tmp_path: Path) -> None:
    walls = tmp_path / "walls"
    assert cf("synth", walls, "--domain", "crack", "--count", 240, "--size", 32).returncode == 0
    out = tmp_path / "out"
    words = ("ablate", walls, "--out", out, "--vary", "method=classifier", "--seeds", "1")
    assert cf(*words, *SMALL).returncode == 0
    done = cf(*words, *SMALL, "--realism")
    assert done.returncode == 0, done.stderr
    plain, classifier = table(out / "table.csv")
    assert classifier["IoU"] == "-"
    assert plain["IoU"] != "-"
    report = json.loads((out / "base" / "seed-0" / "report.json").read_text())
    assert report["realism"]["encoder"]["features"] == 256
    assert 20 <= report["realism"]["n"] <= 40
    # What is done is done: nothing is measured again, and other parts come to it.
    again = cf(*words, *SMALL, "--robustness", "--images", "4")
    assert again.returncode == 0, again.stderr
    assert "Judging" not in again.stderr
    known = json.loads((out / "base" / "seed-0" / "report.json").read_text())
    assert known["realism"] == report["realism"]
    assert known["attacked"] == 4
    # Settings that came later had their defaults then.
    file = out / "base.json"
    older = json.loads(file.read_text())
    del older["share_backbone"]
    file.write_text(json.dumps(older))
    assert cf(*words, *SMALL).returncode == 0


def test_other_budgets_do_not_come_into_the_same_table(
    cf: Run, walls: Path, tmp_path: Path
) -> None:
    words = ["ablate", walls, "--out", tmp_path, "--vary", "rho=1", "--seeds", "1"]
    assert cf(*words, *SMALL).returncode == 0
    done = cf(*words, *SMALL, "--set", "l1=3")
    assert done.returncode == 2
    assert "other data or settings" in done.stderr


def test_impossible_cells_end_it_before_hours_of_training(
    cf: Run, walls: Path, tmp_path: Path
) -> None:
    done = cf("ablate", walls, "--out", tmp_path, "--vary", "size=32,33", *SMALL[:2])
    assert done.returncode == 2
    assert "multiple of 32" in done.stderr
    assert not (tmp_path / "base").exists()


def test_no_training_goes_where_a_link_leads(cf: Run, walls: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "base").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    done = cf("ablate", walls, "--out", tmp_path / "out", *SMALL)
    assert done.returncode == 2
    assert "is a link" in done.stderr
    assert not list((tmp_path / "elsewhere").iterdir())


def test_bad_folders_are_a_sentence_and_not_a_result(cf: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    words = ("ablate", tmp_path / "empty", "--out", tmp_path / "out", *SMALL)
    for _ in range(2):
        done = cf(*words)
        assert done.returncode == 2
        assert "empty" in done.stderr
    assert not (tmp_path / "out" / "base").exists()
