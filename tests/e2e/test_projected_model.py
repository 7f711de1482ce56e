"""A model on the pretrained backbone, through all commands that use a model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from program import TINY_PROJECTED, Run, json_lines, table
from safetensors.torch import save_file

import cfinspect
from cfinspect.engine.networks.backbone import load_backbone, shipped_backbone


@pytest.fixture(scope="module")
def projected(cf: Run, walls: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of a few steps."""
    run = tmp_path_factory.mktemp("runs") / "projected"
    done = cf(
        *("train", walls, "--out", run, "--steps", 6, *TINY_PROJECTED),
        *("--set", "validation=0.3", "--json"),
    )
    assert done.returncode == 0, done.stderr
    return run / "model.safetensors"


def test_it_inspects_evaluates_and_is_calibrated(
    cf: Run, projected: Path, walls: Path, tmp_path: Path
) -> None:
    done = cf("inspect", projected, walls, "--out", tmp_path / "found", "--json")
    assert done.returncode == 0, done.stderr
    rows = table(tmp_path / "found" / "inspections.csv")
    assert len(rows) == 48
    assert all(float(row["unlikeness"]) >= 0 for row in rows)
    *_, last = json_lines(done.stdout)
    assert last["unlike_share"] == round(sum(float(r["unlikeness"]) > 1 for r in rows) / 48, 4)
    assert last["warning"] == ""
    result = cfinspect.load(projected, device="cpu", precision="fp32").inspect(
        walls / rows[0]["file"]
    )
    assert result.unlikeness == pytest.approx(float(rows[0]["unlikeness"]), abs=1e-3)
    assert "unlike" not in done.stderr
    fitted = tmp_path / "fitted.safetensors"
    done = cf("calibrate", projected, walls, "--out", fitted)
    assert done.returncode == 0, done.stderr
    for model in (projected, fitted):
        done = cf("evaluate", model, walls, "--out", tmp_path / model.stem)
        assert done.returncode == 0, done.stderr
        report = json.loads((tmp_path / model.stem / "report.json").read_text())
        assert report["classification"]["n"] == 48
        assert report["unlike_share"] == pytest.approx(last["unlike_share"], abs=1e-4)


def test_a_folder_unlike_the_trainings_is_told(
    cf: Run, projected: Path, model: Path, tmp_path: Path
) -> None:
    apples = tmp_path / "apples"
    done = cf("synth", apples, "--domain", "apple", "--count", 6, "--size", 48)
    assert done.returncode == 0, done.stderr
    warning = "6 of 6 images are unlike those that the model learned from: check its answers"
    done = cf("inspect", projected, apples, "--out", tmp_path / "found", "--json")
    assert warning in done.stderr
    *images, last = json_lines(done.stdout)
    assert all(one["unlikeness"] > 1 for one in images)
    assert last["unlike_share"] == 1
    assert last["warning"].startswith(warning)
    done = cf("evaluate", projected, apples, "--out", tmp_path / "report")
    assert "Unlike the images that the model learned from: 100.0%." in done.stdout
    assert warning in (tmp_path / "report" / "report.html").read_text()
    assert cf("project", "init", apples).returncode == 0
    done = cf("inspect", projected, "--project", apples)
    assert warning in done.stderr
    # one from scratch cannot tell
    done = cf("inspect", model, apples, "--out", tmp_path / "scratch", "--json")
    *images, last = json_lines(done.stdout)
    assert "unlike" not in done.stderr
    assert [one["unlikeness"] for one in images] == [None] * 6
    assert last["unlike_share"] is None


def test_what_the_model_looks_at_is_shown(
    cf: Run, projected: Path, model: Path, walls: Path, tmp_path: Path
) -> None:
    words = ("explain", projected, walls / "damaged", "--method", "evidence", "--limit", 3)
    done = cf(*words, "--out", tmp_path / "why", "--json")
    assert done.returncode == 0, done.stderr
    assert json_lines(done.stdout)[-1]["explained"] == 3
    assert len(list((tmp_path / "why" / "saliency").iterdir())) == 3
    done = cf("explain", model, walls, "--method", "evidence", "--out", tmp_path / "none")
    assert done.returncode == 2
    assert "has no map of evidence" in done.stderr


def test_a_wrong_backbone_is_a_sentence(cf: Run, walls: Path, tmp_path: Path) -> None:
    weights = {k: v.clone() for k, v in load_backbone(shipped_backbone()).weights().items()}
    weights.pop("stem.bias")
    save_file(weights, tmp_path / "part.safetensors")
    for name, said in (("part", "holds no weights of the backbone"), ("none here", "do not exist")):
        done = cf(
            *("train", walls, "--out", tmp_path / name, *TINY_PROJECTED),
            *("--steps", 2, "--backbone", tmp_path / f"{name}.safetensors"),
        )
        assert done.returncode == 2
        assert said in done.stderr.replace("\n", " ")
