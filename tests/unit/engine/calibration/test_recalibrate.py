"""Calibration of a real, tiny model on a handful of images of another camera."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from recorded_progress import Recorded

from cfinspect.engine.base.images import read_image
from cfinspect.engine.calibration.fit import fit_mask_threshold
from cfinspect.engine.calibration.recalibrate import CalibrationError, calibrate
from cfinspect.engine.data.dataset import Dataset, read_folders
from cfinspect.engine.inference.inspector import Inspector
from cfinspect.engine.inference.torch_backend import load_backend
from cfinspect.engine.model.file import load_metadata, load_model, seen_digests
from cfinspect.engine.synth import write_folder
from cfinspect.engine.training.config import TrainConfig
from cfinspect.engine.training.trainer import train


def trained(folder: Path, **settings: object) -> Path:
    data = write_folder(folder / "walls", "crack", count=40, size=32, seed=1)
    config = TrainConfig.from_preset(
        "balanced",
        data=(str(data),),
        out=str(folder / "run"),
        size=32,
        batch=8,
        device="cpu",
        precision="fp32",
        **settings,  # type: ignore[arg-type]
    )
    list(train(config))
    return folder / "run" / "model.safetensors"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("calibrate")
    return trained(folder, backbone="none", width=4, discriminator_width=8, steps=40, warmup=30)


@pytest.fixture(scope="module")
def projected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("projected")
    names = {"discriminator": "projected", "generator": "projected"}
    return trained(folder, **names, width=8, steps=12, warmup=10)


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("camera")
    return read_folders([write_folder(folder / "new", "crack", count=20, size=48, seed=9)])


def test_weights_stay_and_decisions_change(model: Path, camera: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "new.safetensors"
    progress = Recorded()
    result = calibrate(
        model,
        camera,
        out,
        device="cpu",
        precision="fp32",
        review_rate=0.2,
        progress=progress,
    )
    assert progress.seen[-1] == (20, 20)
    assert result.certainty.n == 20
    assert load_metadata(out).decision.review_rate == 0.2
    assert load_metadata(out).decision != load_metadata(model).decision
    before, after = load_model(model), load_model(out)
    for name, value in before.discriminator.state_dict().items():
        assert (value == after.discriminator.state_dict()[name]).all()
    low, high = result.certainty.error_new_ci95
    assert low <= result.certainty.error_new <= high
    assert any("only" in warning for warning in result.certainty.warnings)


def test_the_images_used_are_remembered_as_seen(
    model: Path, camera: Dataset, tmp_path: Path
) -> None:
    out = tmp_path / "new.safetensors"
    calibrate(model, camera, out, device="cpu", precision="fp32", review_rate=0.1)
    digests = {sample.digest for sample in camera.samples}
    assert digests <= set(seen_digests(out).tolist())
    assert not digests & set(seen_digests(model).tolist())


def test_too_few_images_are_refused(model: Path, camera: Dataset, tmp_path: Path) -> None:
    damaged = [sample for sample in camera.samples if sample.label == 1]
    undamaged = [sample for sample in camera.samples if sample.label == 0][:3]
    few = dataclasses.replace(camera, samples=(*damaged, *undamaged))
    with pytest.raises(CalibrationError, match="3 undamaged"):
        calibrate(model, few, tmp_path / "new.safetensors", review_rate=0.1)
    assert not (tmp_path / "new.safetensors").exists()


def test_the_mask_threshold_of_photos_is_that_of_their_new_masks(
    model: Path, tmp_path: Path
) -> None:
    photos = read_folders([write_folder(tmp_path / "photos", "crack", count=16, size=96, seed=5)])
    out = tmp_path / "new.safetensors"
    calibrate(model, photos, out, device="cpu", precision="fp32", review_rate=0.1)
    inspector = Inspector(load_backend(out, "cpu", "fp32"))
    found = [inspector.inspect(read_image(sample.path)) for sample in photos.samples]
    damaged = np.stack([one.saliency for one in found if one.label == 1])
    assert load_metadata(out).decision.mask_threshold == pytest.approx(
        fit_mask_threshold(damaged), rel=0.1
    )


def scored(model: Path, camera: Dataset) -> np.ndarray:
    inspector = Inspector(load_backend(model, "cpu", "fp32"))
    images = [read_image(sample.path) for sample in camera.samples]
    return np.array([one.score for one in inspector.inspect_many(images)])


def test_a_pretrained_model_refits_its_head(
    projected: Path, camera: Dataset, tmp_path: Path
) -> None:
    out, progress = tmp_path / "new.safetensors", Recorded()
    result = calibrate(
        projected,
        camera,
        out,
        device="cpu",
        precision="fp32",
        review_rate=0.2,
        progress=progress,
    )
    assert progress.seen[-1] == (40, 40)  # it looks twice
    before, after = load_model(projected), load_model(out)
    heads, blame = after.discriminator.heads, after.generator.blame
    assert (heads.refit.weight == blame.refit.weight).all()  # type: ignore[union-attr]
    told = load_metadata(out)
    assert told.discriminator.kwargs["refit"] == 1
    # G goes by the larger logit, so the threshold lies near to where they are equal.
    assert told.decision.score_threshold == pytest.approx(0.5, abs=0.1)
    for name, value in before.discriminator.state_dict().items():
        same = (value == after.discriminator.state_dict()[name]).all()
        assert same or name == "heads.whole.1.bias"
    low, high = result.certainty.error_new_ci95
    assert low <= result.certainty.error_new <= high
    again = tmp_path / "again.safetensors"
    calibrate(out, camera, again, device="cpu", precision="fp32", review_rate=0.2)
    assert load_metadata(again).discriminator == told.discriminator


def test_photos_leave_the_head_as_it_is(projected: Path, tmp_path: Path) -> None:
    photos = read_folders([write_folder(tmp_path / "photos", "crack", count=16, size=96, seed=5)])
    out = tmp_path / "new.safetensors"
    result = calibrate(projected, photos, out, device="cpu", precision="fp32", review_rate=0.1)
    assert load_metadata(out).discriminator == load_metadata(projected).discriminator
    assert "only the decisions were fitted" in result.certainty.warnings[-1]


def test_few_groups_are_told(model: Path, camera: Dataset, tmp_path: Path) -> None:
    samples = tuple(dataclasses.replace(one, group="a") for one in camera.samples)
    few = dataclasses.replace(camera, samples=samples)
    result = calibrate(model, few, tmp_path / "n.safetensors", device="cpu", review_rate=0.1)
    assert any("of 1 groups" in warning for warning in result.certainty.warnings)


def test_undamaged_images_alone_move_the_threshold(
    model: Path, projected: Path, camera: Dataset, tmp_path: Path
) -> None:
    undamaged = tuple(sample for sample in camera.samples if sample.label == 0)
    good = dataclasses.replace(camera, samples=undamaged)
    for number, one in enumerate((model, projected)):
        out = tmp_path / f"{number}.safetensors"
        result = calibrate(
            one,
            good,
            out,
            device="cpu",
            precision="fp32",
            review_rate=0.1,
            false_alarms=0.2,
        )
        scores = scored(out, good)
        called = (scores >= load_metadata(out).decision.score_threshold).mean()
        # Of 11, the next one among them, two may be called damaged: one of these ten.
        assert called == pytest.approx(0.1)
        assert result.certainty.error_new == pytest.approx(0.1)
        assert result.certainty.auroc is None
        assert "no damaged image" in result.certainty.warnings[0]
        assert load_metadata(out).discriminator == load_metadata(one).discriminator


def test_too_few_undamaged_images_for_a_low_rate_are_told(
    model: Path, camera: Dataset, tmp_path: Path
) -> None:
    undamaged = tuple(sample for sample in camera.samples if sample.label == 0)
    good = dataclasses.replace(camera, samples=undamaged)
    result = calibrate(
        model, good, tmp_path / "n.safetensors", device="cpu", review_rate=0.1, false_alarms=0.01
    )
    assert result.certainty.error_new == 0
    assert "10 images cannot show" in result.certainty.warnings[1]
