"""A converted model learns what a model of torch learns, from the same images."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.calibration.head_refit import HeadRefit
from cfinspect.engine.calibration.recalibrate import CalibrationResult, calibrate
from cfinspect.engine.calibration.subject import ConvertedSubject, open_subject
from cfinspect.engine.data.dataset import Dataset, read_folders
from cfinspect.engine.inference.backend import NetworkOutputs
from cfinspect.engine.inference.onnx_backend import OnnxBackend
from cfinspect.engine.model.file import load_metadata, seen_digests
from cfinspect.engine.model.onnx_file import read_onnx
from cfinspect.engine.synth import write_folder
from cfinspect.engine.synth.cracks import make_crack
from cfinspect.resources import models_path

CONVERTED, ORIGINAL = models_path() / "crack.onnx", models_path() / "crack.safetensors"


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("camera") / "new"
    return read_folders([write_folder(folder, "crack", count=16, size=96, seed=31)])


def test_both_answer_alike_once_they_are_refitted(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    squares = np.stack([make_crack(rng, 96, n % 2 == 0).image for n in range(6)])
    before = ConvertedSubject.read(CONVERTED, "cpu", "fp32")
    look = before.backend.look_closer(squares)
    weight = rng.normal(size=look.features.shape[1]) * 0.2
    refit = HeadRefit(slope=1.0, weight=np.asarray(weight), shift=-3.0, ridge=1.0)
    found = []
    for path in (CONVERTED, ORIGINAL):
        # Twice: what was learned before is not forgotten.
        subject = open_subject(path, "cpu", "fp32").refitted(refit)
        out = tmp_path / path.name
        subject.save(out, subject.backend.metadata, subject.seen)
        again = open_subject(out, "cpu", "fp32").refitted(refit)
        found.append(again.backend.run(squares))
    for field in dataclasses.fields(NetworkOutputs):
        first, second = (getattr(one, field.name) for one in found)
        assert (first is None) == (second is None), field.name
        if first is not None:
            assert np.abs(first - second).max() < 2e-3, field.name
    moved = found[0].logits[:, 1] - look.logits[:, 1]
    assert moved == pytest.approx(2 * (look.features @ weight - 3.0), abs=1e-3)
    # Where it is not damaged any more, G may change all of it: its prior has learned as well.
    assert np.abs(found[0].counterfactual - before.backend.run(squares).counterfactual).max() > 0.02


def test_calibration_without_torch_decides_the_same(camera: Dataset, tmp_path: Path) -> None:
    results: list[CalibrationResult] = []
    for path in (CONVERTED, ORIGINAL):
        out = tmp_path / path.name
        results.append(
            calibrate(path, camera, out, device="cpu", precision="fp32", review_rate=0.1)
        )
        assert load_metadata(out).decision == results[-1].new
        assert "calibration" in load_metadata(out).metrics
        assert len(seen_digests(out)) == len(seen_digests(path)) + 16
    converted, original = (one.new for one in results)
    for name in ("temperature", "score_threshold", "mask_threshold", "review_p_fake"):
        assert getattr(converted, name) == pytest.approx(getattr(original, name), rel=1e-3), name
    assert results[0].certainty == results[1].certainty


def test_undamaged_images_alone_move_the_threshold(camera: Dataset, tmp_path: Path) -> None:
    undamaged = tuple(one for one in camera.samples if not one.label)
    good = dataclasses.replace(camera, samples=undamaged)
    out = tmp_path / "o.onnx"
    found = calibrate(CONVERTED, good, out, device="cpu", precision="fp32", review_rate=0.1)
    assert found.new.score_threshold != found.old.score_threshold
    old, new = read_onnx(CONVERTED), read_onnx(out)
    assert new.refit is not None and old.refit is not None
    assert np.array_equal(new.refit.weight, old.refit.weight) and new.source == old.source
    assert OnnxBackend(out, "cpu").metadata.decision == found.new


def test_a_damaged_file_is_a_sentence(tmp_path: Path) -> None:
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"no model")
    with pytest.raises(CfinspectError, match=r"bad\.onnx is not a readable ONNX file"):
        open_subject(bad, "cpu", "auto")
