"""``train --method diffusion``, ``explain`` and ``evaluate --explainers``."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from program import Run, json_lines, table


@pytest.fixture(scope="module")
def ddpm(cf: Run, walls: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A diffusion model that has hardly learned anything."""
    run = tmp_path_factory.mktemp("runs") / "ddpm"
    done = cf(
        *("train", walls, "--method", "diffusion", "--out", run, "--steps", 6, "--size", 32),
        *("--width", 8, "--batch", 4, "--device", "cpu", "--precision", "fp32", "--json"),
    )
    assert done.returncode == 0, done.stderr
    events = json_lines(done.stdout)
    assert {"started", "step_done", "validated", "samples_written", "finished"} <= {
        event["event"] for event in events
    }
    assert (run / "curves.png").exists()
    return run / "model.safetensors"


def test_ace_leaves_a_row_and_pictures_of_every_image(
    cf: Run, model: Path, walls: Path, ddpm: Path, tmp_path: Path
) -> None:
    done = cf(
        *("explain", model, walls / "damaged", "--method", "ace", "--diffusion", ddpm),
        *("--out", tmp_path, "--limit", 3, "--iterations", 2, "--batch", 2, "--device", "cpu"),
        "--json",
    )
    assert done.returncode == 0, done.stderr
    *images, end = json_lines(done.stdout)
    rows = table(tmp_path / "explanations.csv")
    assert [row["file"] for row in rows] == [image["file"] for image in images]
    assert len(rows) == 3 and end["event"] == "done" and end["explained"] == 3
    about = json.loads((tmp_path / "explanation.json").read_text())
    threshold = about["threshold"]
    for row in rows:
        assert row["target"] in ("undamaged", "damaged")
        # A classifier and a filter that know next to nothing: it may or may not flip.
        assert row["kept"] in ("0", "1")
        above = float(row["after"]) >= threshold
        assert (row["flipped"] == "1") == (above == (row["target"] == "damaged"))
        assert ("no explanation" in row["note"]) == (row["flipped"] == "0")
        name = Path(row["file"]).stem
        if row["flipped"] == "0":
            assert not (tmp_path / "counterfactuals" / f"{name}.png").exists()
            continue
        image = cv2.imread(str(walls / "damaged" / f"{name}.png"))
        other = cv2.imread(str(tmp_path / "counterfactuals" / f"{name}.png"))
        assert image is not None and other is not None and other.shape == image.shape
        saliency = cv2.imread(str(tmp_path / "saliency" / f"{name}.png"), cv2.IMREAD_GRAYSCALE)
        assert saliency is not None and saliency.shape == image.shape[:2]
        assert (tmp_path / "masks" / f"{name}.png").exists()
    assert about["settings"]["iterations"] == 2
    flips = any(row["flipped"] == "1" for row in rows)
    assert (tmp_path / "overview.png").exists() == flips


@pytest.mark.parametrize(("method", "extra"), [("cfgan", ()), ("rise", ("--rise-masks", 8))])
def test_the_other_methods_need_no_diffusion(
    cf: Run, model: Path, walls: Path, tmp_path: Path, method: str, extra: tuple[object, ...]
) -> None:
    done = cf(
        *("explain", model, walls / "damaged", "--method", method, "--out", tmp_path),
        *("--limit", 2, "--device", "cpu", *extra),
    )
    assert done.returncode == 0, done.stderr
    rows = table(tmp_path / "explanations.csv")
    assert all(bool(row["after"]) == (method == "cfgan") for row in rows)
    flips = any(row["flipped"] == "1" for row in rows)
    assert (tmp_path / "counterfactuals").exists() == flips
    assert "2 images in" in done.stdout


def test_a_target_that_is_reached_already_is_said(
    cf: Run, model: Path, walls: Path, tmp_path: Path
) -> None:
    for target in ("damaged", "undamaged"):
        done = cf(
            *("explain", model, walls / "damaged", "--method", "cfgan", "--limit", 2),
            *("--out", tmp_path / target, "--target", target),
        )
        assert done.returncode == 0, done.stderr
    notes = [
        [row["note"] for row in table(tmp_path / target / "explanations.csv")]
        for target in ("damaged", "undamaged")
    ]
    for first, second in zip(*notes, strict=True):
        assert ("already" in first) != ("already" in second)


def test_a_diffusion_model_gives_no_verdicts(
    cf: Run, model: Path, walls: Path, ddpm: Path, tmp_path: Path
) -> None:
    for words in (
        ("inspect", ddpm, walls / "damaged", "--out", tmp_path / "out"),
        ("evaluate", ddpm, walls, "--out", tmp_path / "out"),
        ("calibrate", ddpm, walls, "--out", tmp_path / "out.safetensors"),
    ):
        done = cf(*words)
        assert done.returncode == 2, words
        assert "is a diffusion model" in done.stderr
    assert cf("models", "show", ddpm).returncode == 0
    done = cf(
        *("explain", model, walls / "damaged", "--method", "ace", "--diffusion", model),
        *("--out", tmp_path / "out"),
    )
    assert done.returncode == 2
    assert "is no diffusion model: train one" in done.stderr


def test_explainers_side_by_side(
    cf: Run, model: Path, walls: Path, ddpm: Path, tmp_path: Path
) -> None:
    done = cf(
        *("evaluate", model, walls, "--out", tmp_path, "--diffusion", ddpm, "--quick"),
        *("--images", 4, "--device", "cpu", "--precision", "fp32", "--ace", "iterations=20"),
    )
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "report.json").read_text())["explainers"]
    found = report["explainers"]
    assert list(found) == ["cfgan", "ace", "gradcam", "layercam", "rise", "occlusion"]
    for name in ("cfgan", "ace"):
        assert 0 <= found[name]["flips"] <= 1
        assert -1 <= found[name]["cout"] <= 1
        assert (found[name]["s3"] is None) == (found[name]["flipped_n"] == 0)
    assert found["cfgan"]["diversity"] is None
    assert found["ace"]["evaluations"] > 10 * found["cfgan"]["evaluations"]
    assert report["ace"]["iterations"] == 20
    assert found["rise"]["evaluations"] == 100
    assert all((one["iou"] is None) == (one["masks"] == 0) for one in found.values())
    assert 0 <= report["filter_keeps"] <= 1
    assert set(report["left_out"]) == {"MNAC", "CD", "FVA", "FS"}
    assert "What would change its mind, by explainer" in (tmp_path / "report.html").read_text()
    assert "What would change its mind" in done.stdout
    assert not np.isnan(found["ace"]["seconds"])
    assert "the diffusion model has seen 48 of these 48 images" in done.stderr
    assert "so ACE's figures flatter it" in done.stderr
    # The classifier's own figures are flattered by what it has seen itself alone.
    assert json.loads((tmp_path / "report.json").read_text())["seen"] < 48


def test_what_the_diffusion_model_has_seen_is_seen(
    cf: Run, model: Path, walls: Path, ddpm: Path, tmp_path: Path
) -> None:
    """The classifier's held-out images are none if the filter has learned from them."""
    words = ("evaluate", model, walls, "--out", tmp_path / "out", "--unseen", "--device", "cpu")
    assert cf(*words).returncode == 0
    done = cf(*words, "--diffusion", ddpm)
    assert done.returncode == 2
    assert "The model or the diffusion model has seen all 48 images" in done.stderr


def test_settings_of_ace_need_ace(cf: Run, model: Path, walls: Path, tmp_path: Path) -> None:
    done = cf("evaluate", model, walls, "--out", tmp_path / "out", "--ace", "tau=3")
    assert done.returncode == 2
    assert "--ace needs --diffusion" in done.stderr
    assert not (tmp_path / "out").exists()
