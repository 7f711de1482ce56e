"""``cfinspect distill``: refused, forced, cancelled; its model in the other commands."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from program import Run, json_lines

from cfinspect.engine.base.events import CancelToken
from cfinspect.engine.base.images import read_image, write_png
from cfinspect.engine.base.progress import Cancelled
from cfinspect.engine.model.file import load_metadata, seen_digests
from cfinspect.resources import models_path
from cfinspect.workflows.distil_model import distil_model, read_lessons
from cfinspect.workflows.listener import Listener

CRACK = models_path() / "crack.safetensors"
QUICK = ("--steps", 2, "--device", "cpu", "--precision", "fp32")


def test_masks_that_are_no_better_are_refused(cf: Run, walls: Path, tmp_path: Path) -> None:
    out = tmp_path / "better.safetensors"
    done = cf("distill", CRACK, walls, "--out", out, *QUICK, "--json")
    assert done.returncode == 1, done.stderr
    assert "no better" in done.stderr and "--force" in done.stderr
    told = json_lines(done.stdout)[-1]
    assert told["event"] == "distilled"
    assert told["accepted"] is False and told["out"] is None
    assert told["held_out"] >= 4 and told["taught_by_humans"] == 0
    assert not out.exists()


@pytest.fixture(scope="module")
def forced(cf: Run, walls: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose segmenter has learned next to nothing, of walls and their masks."""
    out = tmp_path_factory.mktemp("distilled") / "better.safetensors"
    done = cf("distill", CRACK, walls, "--masks", "--force", "--out", out, *QUICK)
    assert done.returncode == 0, done.stderr
    assert "Distillation" in done.stdout and "written all the same" in done.stderr
    return out


def test_the_model_goes_through_the_other_commands(
    cf: Run, forced: Path, walls: Path, tmp_path: Path
) -> None:
    metadata = load_metadata(forced)
    assert metadata.segmenter is not None
    figures = metadata.metrics["distillation"]
    assert isinstance(figures, dict) and figures["taught_by_humans"] > 0
    assert set(seen_digests(CRACK)) < set(seen_digests(forced))
    fitted = tmp_path / "fitted.safetensors"
    done = cf("calibrate", forced, walls, "--out", fitted)
    assert done.returncode == 0, done.stderr
    assert load_metadata(fitted).segmenter == metadata.segmenter
    done = cf("evaluate", fitted, walls, "--out", tmp_path / "report")
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert report["localisation"]["n"] == 24
    done = cf("models", "show", forced)
    assert "segmenter.mask_threshold" in done.stdout


def test_training_further_leaves_the_segmenter_out(
    cf: Run, forced: Path, walls: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    done = cf("train", walls, "--out", run, "--from", forced, "--steps", 1, "--size", 32)
    assert done.returncode == 0, done.stderr
    assert "segmenter" in done.stderr.replace("\n", " ") + done.stdout
    assert load_metadata(run / "model.safetensors").segmenter is None


def test_a_project_teaches_by_its_corrected_masks(cf: Run, walls: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    for name in ("undamaged", "damaged", "masks"):
        (photos / name).mkdir(parents=True)
        for path in sorted((walls / name).iterdir()):
            (photos / name / path.name).write_bytes(path.read_bytes())
    corrected = sorted((photos / "masks").iterdir())[:8]
    (tmp_path / "drawn").mkdir()
    drawn = [path.replace(tmp_path / "drawn" / path.name) for path in corrected]
    assert cf("project", "init", photos, "--domain", "crack").returncode == 0
    for mask in drawn:
        marked = (read_image(mask)[..., 0] > 0).astype(np.uint8) * 255
        write_png(mask, marked)
        image = next((photos / "damaged").glob(f"{mask.stem}.*"))
        done = cf("review", photos, "--mask", f"damaged/{image.name}={mask}")
        assert done.returncode == 0, done.stderr
    out = tmp_path / "better.safetensors"
    done = cf("distill", CRACK, photos, "--out", out, "--force", *QUICK, "--json")
    assert done.returncode == 0, done.stderr
    told = json_lines(done.stdout)[-1]
    assert told["taught_by_humans"] + told["human_masks"] == 8


def test_cancelled_work_writes_nothing(walls: Path, tmp_path: Path) -> None:
    from cfinspect.engine.calibration.distillation import DistillationSettings

    cancel = CancelToken()
    listener = Listener(cancel)
    lessons = read_lessons([walls], listener, None, None)
    cancel.cancel()
    out = tmp_path / "better.safetensors"
    with pytest.raises(Cancelled):
        distil_model(
            CRACK,
            lessons,
            out,
            DistillationSettings(steps=10_000),
            device="cpu",
            precision="fp32",
            force=True,
            listener=listener,
        )
    assert not out.exists()


def test_bad_input_is_a_sentence(cf: Run, forced: Path, walls: Path, tmp_path: Path) -> None:
    for words, said in (
        (("distill", CRACK, walls, "--out", tmp_path), "is a folder"),
        (("distill", CRACK, walls, "--out", CRACK), "--out is the model itself"),
        (("distill", CRACK, tmp_path / "none", "--out", tmp_path / "a.safetensors"), "There is no"),
        (("distill", walls / "labels.csv", walls, "--out", tmp_path / "a.safetensors"), "readable"),
    ):
        done = cf(*words)
        assert done.returncode == 2
        assert said in done.stderr
