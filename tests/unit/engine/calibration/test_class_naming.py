"""One D finds damage of all defect classes and names it: training, file, answers."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from cfinspect.engine.base.device import choose_device
from cfinspect.engine.base.events import CancelToken, Finished, StepDone
from cfinspect.engine.base.images import read_image
from cfinspect.engine.calibration.class_naming import learn_names
from cfinspect.engine.calibration.recalibrate import calibrate
from cfinspect.engine.data.batch_loader import BatchLoader
from cfinspect.engine.data.dataset import Dataset, read_folders
from cfinspect.engine.data.tile_store import TileStore
from cfinspect.engine.inference.backend import InspectionError
from cfinspect.engine.inference.inspector import Inspection, Inspector
from cfinspect.engine.inference.loading import load_inspector
from cfinspect.engine.inference.torch_backend import TorchBackend
from cfinspect.engine.model.file import load_metadata, load_model
from cfinspect.engine.model.metadata import MetadataError
from cfinspect.engine.networks.names import NAMED
from cfinspect.engine.networks.projected import ProjectedDiscriminator, ProjectedGenerator
from cfinspect.engine.synth import write_folder
from cfinspect.engine.training.config import TrainConfig
from cfinspect.engine.training.trainer import train
from cfinspect.engine.training.training_data import _subset, gather

KINDS = ("rot", "scab", "worm")


@pytest.fixture(scope="module")
def apples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "apples"
    return write_folder(folder, "apple", count=96, size=64, seed=3, kinds=KINDS)


def config(apples: Path, out: Path, **changes: object) -> TrainConfig:
    settings: dict[str, object] = {
        "data": (str(apples),),
        "out": str(out),
        "defect_classes": ",".join(KINDS),
        "size": 64,
        "width": 8,
        "batch": 8,
        "steps": 40,
        "warmup": 30,
        "mask_steps": 20,
        "scope": "whole",
        "validation": 0.3,
        "validate_every": 40,
        "checkpoint_every": 20,
        "precision": "fp32",
        "device": "cpu",
    }
    return TrainConfig.from_preset("balanced", **{**settings, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def model(apples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    list(train(config(apples, out)))
    return out / "model.safetensors"


@pytest.fixture(scope="module")
def data(apples: Path) -> Dataset:
    return read_folders([apples], defect_classes=KINDS)


@pytest.fixture(scope="module")
def found(model: Path, data: Dataset) -> list[Inspection]:
    inspector = load_inspector(model, "cpu", "fp32")
    return list(inspector.inspect_many(read_image(one.path) for one in data.samples))


def test_there_is_one_g_and_one_d(model: Path) -> None:
    loaded = load_model(model)
    assert isinstance(loaded.discriminator, ProjectedDiscriminator)
    assert isinstance(loaded.generator, ProjectedGenerator)
    assert loaded.metadata.discriminator.kwargs[NAMED] == len(KINDS)
    assert loaded.metadata.names_classes
    assert not loaded.metadata.asks_each_class
    assert set(loaded.metadata.defect_classes.values()) == {loaded.metadata.decision}


def test_a_file_that_names_another_number_of_classes_is_refused(model: Path) -> None:
    metadata = load_metadata(model)
    with pytest.raises(MetadataError, match="number of defect_classes"):
        dataclasses.replace(metadata, defect_classes={"rot": metadata.decision})


def test_what_was_learned_from_is_named_rightly(data: Dataset, found: list[Inspection]) -> None:
    damaged = [(s, f) for s, f in zip(data.samples, found, strict=True) if s.label]
    shares = [[f.defect_classes[name].score for name in KINDS] for _, f in damaged]
    right = [
        int(np.argmax(own)) == s.defect_class for own, (s, _) in zip(shares, damaged, strict=True)
    ]
    # Guessing finds a third. Two thirds of these images were fitted to, the others never seen.
    assert np.mean(right) > 0.75


def test_a_name_is_given_to_what_is_damaged_alone(found: list[Inspection]) -> None:
    assert {one.label for one in found} == {0, 1}
    for one in found:
        assert list(one.defect_classes) == list(KINDS)
        scores = [own.score for own in one.defect_classes.values()]
        assert sum(scores) == pytest.approx(one.score, abs=1e-5)
        named = [name for name, own in one.defect_classes.items() if own.label]
        assert named == ([one.defect_class] if one.label else [])
        assert one.defect_class == (KINDS[int(np.argmax(scores))] if one.label else "")
        together = sum(own.saliency.astype(np.float32) for own in one.defect_classes.values())
        assert np.abs(together - 255 * one.saliency).max() <= 2  # each is rounded


def test_a_photo_has_the_name_of_its_worst_window(model: Path, data: Dataset) -> None:
    loaded = load_model(model)
    windows = dataclasses.replace(loaded.metadata.preprocessing, scope="tiles", tile=64)
    backend = TorchBackend(
        dataclasses.replace(
            loaded, metadata=dataclasses.replace(loaded.metadata, preprocessing=windows)
        ),
        choose_device("cpu", "fp32"),
    )
    damaged = next(one for one in data.samples if one.label)
    found = Inspector(backend).inspect(np.tile(read_image(damaged.path), (2, 3, 1)))
    assert list(found.defect_classes) == list(KINDS)
    for own in found.defect_classes.values():
        assert own.saliency.shape == (128, 192)
    assert (found.defect_class in KINDS) == bool(found.label)


def test_names_that_are_no_numbers_are_an_error(model: Path, data: Dataset) -> None:
    loaded = load_model(model)
    assert isinstance(loaded.discriminator, ProjectedDiscriminator)
    assert loaded.discriminator.heads.naming is not None
    loaded.discriminator.heads.naming.weight.fill_(float("nan"))
    inspector = Inspector(TorchBackend(loaded, choose_device("cpu", "fp32")))
    with pytest.raises(InspectionError, match="not a number"):
        inspector.inspect(read_image(data.samples[0].path))


def test_a_file_that_has_gone_at_the_end_loses_no_training(
    model: Path, apples: Path, tmp_path: Path
) -> None:
    copied = Path(shutil.copytree(apples, tmp_path / "apples"))
    samples = read_folders([copied], defect_classes=KINDS).samples
    store = TileStore(samples, 64, memory_limit_bytes=40 * 64 * 64 * 3)
    store.load()
    for sample in samples[60:]:
        sample.path.unlink()
    discriminator = load_model(model).discriminator
    assert isinstance(discriminator, ProjectedDiscriminator)
    assert discriminator.heads.naming is not None
    before = discriminator.heads.naming.weight.clone()
    learn_names(discriminator, store, choose_device("cpu", "fp32"), 16)
    assert not discriminator.heads.naming.weight.equal(before)
    assert discriminator.heads.naming.weight.isfinite().all()


def test_validation_keeps_undamaged_images_that_no_class_takes_turns_with(
    apples: Path, tmp_path: Path
) -> None:
    classes = np.repeat([0, 1, 2, 3], (200, 50, 50, 50))
    assert (_subset(classes, 256) < 200).sum() < 100  # each class is looked at beside them
    assert (_subset((classes > 0).astype(np.int64), 256) < 200).sum() > 150
    work = gather(config(apples, tmp_path), CancelToken())
    while True:
        try:
            next(work)
        except StopIteration as end:
            found = end.value
            break
    assert set(found.validation_defect_classes[found.validation_labels == 1]) == {0, 1, 2}


def test_labels_of_damage_do_where_classes_are_not_told_apart(
    model: Path, apples: Path, tmp_path: Path
) -> None:
    copied = Path(shutil.copytree(apples, tmp_path / "apples"))
    (copied / "labels.csv").unlink()
    (copied / "scab").rename(copied / "damaged")
    names = list(load_metadata(model).defect_classes)
    found = read_folders([copied], also_damaged=names)
    assert found.counts()["damaged"] == 48
    assert {one.defect_class for one in found.samples} == {0}


def test_batches_hold_all_classes_where_none_takes_turns(data: Dataset) -> None:
    store = TileStore(data.samples, 32)
    store.load()
    pictures = {store.get(np.array([i])).tobytes(): int(store.defect_classes[i]) for i in range(96)}
    feed = BatchLoader(store, batch=96, kind="none", seed=0, start=0)
    try:
        images, labels = next(feed)
    finally:
        feed.close()
    seen = [pictures[image[None].tobytes()] for image in images[labels == 1]]
    assert np.bincount(seen).tolist() == [16, 16, 16]


def test_calibration_moves_all_classes_together(model: Path, data: Dataset, tmp_path: Path) -> None:
    fitted = tmp_path / "fitted.safetensors"
    result = calibrate(model, data, fitted, device="cpu", review_rate=0.1)
    metadata = load_metadata(fitted)
    assert metadata.decision == result.new != result.old
    assert list(metadata.defect_classes) == list(KINDS)
    assert set(metadata.defect_classes.values()) == {result.new}
    before, after = (load_model(path).discriminator for path in (model, fitted))
    assert isinstance(before, ProjectedDiscriminator)
    assert isinstance(after, ProjectedDiscriminator)
    assert before.heads.naming is not None
    assert after.heads.naming is not None
    assert before.heads.naming.weight.equal(after.heads.naming.weight)


def test_training_goes_on_and_can_start_from_such_a_model(
    model: Path, apples: Path, tmp_path: Path
) -> None:
    settings = config(apples, tmp_path, init_from=str(model), steps=24)
    cancel = CancelToken()
    for event in train(settings, cancel=cancel):
        if isinstance(event, StepDone) and event.step == 21:
            cancel.cancel()
    last = list(train(settings, resume=True))[-1]
    assert isinstance(last, Finished)
    assert last.model is not None
    assert load_metadata(last.model).names_classes


def test_each_class_has_its_own_where_nothing_is_shared(apples: Path, tmp_path: Path) -> None:
    list(train(config(apples, tmp_path, share_backbone=False, steps=6, warmup=3)))
    metadata = load_metadata(tmp_path / "model.safetensors")
    assert metadata.asks_each_class
    assert not metadata.names_classes
