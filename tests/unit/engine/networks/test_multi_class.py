"""Several defect classes: networks that share or do not, training in turns, one answer."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from cfinspect.engine.base.device import choose_device
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.events import CancelToken, StepDone
from cfinspect.engine.base.setting import SettingValue
from cfinspect.engine.calibration.recalibrate import CalibrationError, calibrate
from cfinspect.engine.data.batch_loader import BatchLoader
from cfinspect.engine.data.dataset import DataError, read_folders
from cfinspect.engine.data.tile_store import TileStore
from cfinspect.engine.inference.loading import load_inspector
from cfinspect.engine.inference.multi_class import MultiClassBackend
from cfinspect.engine.inference.torch_backend import load_backend
from cfinspect.engine.model.file import ModelFileError, load_metadata, load_model
from cfinspect.engine.networks.discriminators import make_discriminator
from cfinspect.engine.networks.generators import make_generator
from cfinspect.engine.networks.multi_class import make_networks, of_defect_class
from cfinspect.engine.networks.spec import NetworkSpec
from cfinspect.engine.synth import write_folder
from cfinspect.engine.training.config import ConfigError, TrainConfig
from cfinspect.engine.training.trainer import train
from cfinspect.engine.training.training_data import _subset, gather
from cfinspect.workflows.config_parsing import new_config

KINDS = ("rot", "scab", "worm")


@pytest.fixture(scope="module")
def apples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "apples"
    return write_folder(folder, "apple", count=72, size=32, seed=3, kinds=KINDS)


def config(apples: Path, out: Path, **changes: object) -> TrainConfig:
    settings: dict[str, object] = {
        "data": (str(apples),),
        "out": str(out),
        "defect_classes": "rot,scab,worm",
        "size": 32,
        "width": 4,
        "discriminator": "compact",
        "discriminator_width": 4,
        "batch": 4,
        "steps": 12,
        "warmup": 2,
        "validation": 0.3,
        "validate_every": 6,
        "checkpoint_every": 6,
        "precision": "fp32",
        "device": "cpu",
    }
    return TrainConfig.from_preset("balanced", **{**settings, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module", params=["shared", "alone"])
def model(
    request: pytest.FixtureRequest, apples: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp(request.param)
    list(train(config(apples, out, share_backbone=request.param == "shared")))
    return out / "model.safetensors"


def test_folders_of_kinds_are_read_as_damaged_of_a_kind(apples: Path) -> None:
    data = read_folders([apples], defect_classes=KINDS)
    counts = data.counts()
    assert (counts["undamaged"], counts["damaged"]) == (36, 36)
    assert [counts[f"damaged: {name}"] for name in KINDS] == [12, 12, 12]
    assert counts["masks"] == 36
    for sample in data.samples:
        folder = sample.path.parent.name
        assert (folder == "undamaged") == (sample.label == 0)
        assert sample.defect_class == (KINDS.index(folder) if sample.label else 0)
    others = read_folders([apples], defect_classes=KINDS[::-1])
    assert data.fingerprint() != others.fingerprint()


def test_kinds_that_cannot_be_are_sentences(apples: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no bruise image") as caught:
        read_folders([apples], defect_classes=("rot", "bruise"))
    assert "--defect-classes" in str(caught.value)
    with pytest.raises(DataError, match="Two classes are named"):
        read_folders([apples], defect_classes=("rot", "Rot"))
    with pytest.raises(DataError, match="either the name"):
        read_folders([apples], damaged="rot", defect_classes=KINDS)
    with pytest.raises(ConfigError, match="two or more"):
        config(apples, tmp_path, defect_classes="rot")
    for name in ("../x", "a:b", "masks", "..", "a\x01b"):
        with pytest.raises(ConfigError, match="defect_classes: the name"):
            config(apples, tmp_path, defect_classes=f"rot,{name}")
    with pytest.raises(ConfigError, match=r"defect_classes .* zero character"):
        config(apples, tmp_path, defect_classes="rot,a\x00b")
    assert (
        config(apples, tmp_path, defect_classes=" rot/, scab\\ ,worm,").defect_classes
        == "rot,scab,worm"
    )
    with pytest.raises(CfinspectError, match="no defect class that can be drawn"):
        write_folder(tmp_path / "x", "crack", count=2, seed=0, kinds=("rot",))


def test_some_of_the_kinds_may_be_left_aside(apples: Path) -> None:
    data = read_folders([apples], defect_classes=("worm", "rot"))
    assert data.counts()["damaged"] == 24
    assert {
        sample.path.parent.name: sample.defect_class for sample in data.samples if sample.label
    } == {
        "worm": 0,
        "rot": 1,
    }
    assert {entry.path.parent.name for entry in data.left_out} == {"scab"}
    assert len({sample.group for sample in data.samples}) == 18


def test_an_image_in_two_kinds_is_left_out(apples: Path, tmp_path: Path) -> None:
    data = write_folder(tmp_path / "two", "apple", count=12, size=32, seed=1, kinds=("rot", "scab"))
    first = next((data / "rot").iterdir())
    (data / "scab" / "copy.png").write_bytes(first.read_bytes())
    read = read_folders([data], defect_classes=("rot", "scab"))
    assert {entry.path.name for entry in read.left_out} == {first.name, "copy.png"}


def test_masks_by_kind_where_names_are_the_same(tmp_path: Path) -> None:
    data = write_folder(tmp_path / "a", "apple", count=8, size=32, seed=1, kinds=("rot", "scab"))
    for defect_class in ("rot", "scab"):
        (data / "masks" / defect_class).mkdir()
        for number, path in enumerate(sorted((data / defect_class).iterdir())):
            (data / "masks" / path.name).rename(data / "masks" / defect_class / f"{number:03d}.png")
            path.rename(path.with_name(f"{number:03d}.png"))
    (data / "labels.csv").unlink()
    found = {
        s.path: s.mask
        for s in read_folders([data], defect_classes=("rot", "scab")).samples
        if s.label
    }
    assert found == {
        path: data / "masks" / path.parent.name / path.name
        for defect_class in ("rot", "scab")
        for path in (data / defect_class).iterdir()
    }


def test_validation_images_stay_within_bounds() -> None:
    classes = np.repeat([0, 1, 2, 3], (5000, 5000, 5000, 2))
    kept = np.bincount(classes[_subset(classes, 96)])
    assert kept[3] == 2
    assert 3 * kept[0] + kept[1:].sum() <= 1000
    assert kept[1] == pytest.approx(kept[2], abs=1)
    two = np.bincount(np.repeat([0, 1], (5000, 100))[_subset(np.repeat([0, 1], (5000, 100)), 96)])
    assert two.tolist() == [900, 100]


def test_of_a_shared_trunk_each_kind_sees_its_own_logits() -> None:
    unet = NetworkSpec("unet", {"width": 4})
    compact = NetworkSpec("compact", {"width": 4, "classes": 9})
    generator, discriminator = make_networks(unet, compact, 3)
    discriminator.eval()
    x = torch.rand(2, 3, 32, 32)
    whole = [of_defect_class(discriminator, defect_class)(x) for defect_class in range(3)]
    assert all(logits.shape == (2, 3) for logits in whole)
    (network,) = discriminator.children()
    assert torch.equal(torch.cat(whole, dim=1), network(x))
    assert of_defect_class(generator, 0) is not of_defect_class(generator, 1)
    plain = make_networks(unet, NetworkSpec("compact", {"width": 4}), 0)
    assert of_defect_class(plain[1], 0) is plain[1]


def test_kinds_take_turns_in_the_batches(apples: Path) -> None:
    store = TileStore(read_folders([apples], defect_classes=KINDS).samples, 32)
    store.load()
    pictures = {
        store.get(np.array([i])).tobytes(): store.defect_classes[i] for i in range(len(store))
    }
    feed = BatchLoader(store, batch=4, kind="none", seed=0, start=0, turns=3)
    try:
        for step in range(7):
            images, labels = next(feed)
            defect_classes = {int(pictures[image[None].tobytes()]) for image in images[labels == 1]}
            assert defect_classes == {step % 3}
    finally:
        feed.close()


def test_a_model_of_kinds_is_one_file_with_one_answer(model: Path, apples: Path) -> None:
    metadata = load_metadata(model)
    assert tuple(metadata.defect_classes) == KINDS
    assert metadata.decision.score_threshold == 0.5
    assert ("classes" in metadata.discriminator.kwargs) == (metadata.training["share_backbone"])
    inspector = load_inspector(model, "cpu", "fp32")
    images = [np.full((40, 60, 3), shade, np.uint8) for shade in (20, 120, 220)]
    for image, found in zip(images, inspector.inspect_many(images), strict=True):
        assert tuple(found.defect_classes) == KINDS
        assert found.saliency.shape == found.mask.shape == image.shape[:2]
        assert found.p0 + found.p1 + found.p_fake == pytest.approx(1)
        assert found.score == pytest.approx(found.p1 / (found.p0 + found.p1))
        said = {name for name, own in found.defect_classes.items() if own.label}
        assert bool(said) == bool(found.label) == (found.score >= 0.5)
        assert found.defect_class in said or (not said and found.defect_class == "")
        if said:
            own = found.defect_classes[found.defect_class].saliency
            assert np.array_equal(np.rint(found.saliency * np.float32(255)), own)
    inspector.close()


def test_the_files_weights_are_those_that_were_trained(model: Path) -> None:
    loaded = load_model(model)
    one, other = (
        of_defect_class(loaded.generator, defect_class).state_dict() for defect_class in (0, 1)
    )
    assert any(not torch.equal(one[name], other[name]) for name in one)
    with pytest.raises(ModelFileError, match="several defect classes"):
        load_backend(model, "cpu")


def test_training_goes_on_where_it_was(apples: Path, tmp_path: Path) -> None:
    def losses(settings: TrainConfig, stop: int | None, resume: bool) -> dict[int, object]:
        cancel = CancelToken()
        found: dict[int, object] = {}
        for event in train(settings, cancel=cancel, resume=resume):
            if isinstance(event, StepDone):
                found[event.step] = event.losses
                if event.step == stop:
                    cancel.cancel()
        return found

    whole = losses(config(apples, tmp_path / "whole"), None, False)
    first = losses(config(apples, tmp_path / "broken"), 7, False)
    assert first | losses(config(apples, tmp_path / "broken"), None, True) == whole


def test_fine_tuning_keeps_the_kinds(model: Path, apples: Path, tmp_path: Path) -> None:
    options: dict[str, SettingValue] = {"init_from": str(model), "steps": 3}
    options |= {"validation": 0.3, "batch": 4, "device": "cpu", "precision": "fp32"}
    tuned = new_config([apples], tmp_path / "tuned", "fast", options)
    assert tuned.defect_class_names == KINDS
    assert tuned.share_backbone == load_metadata(model).training["share_backbone"]
    list(train(tuned))
    assert tuple(load_metadata(tmp_path / "tuned" / "model.safetensors").defect_classes) == KINDS
    with pytest.raises(CfinspectError, match="other defect classes"):
        list(train(tuned.replace(out=str(tmp_path / "other"), defect_classes="scab,rot,worm")))
    with pytest.raises(ConfigError, match="keeps the networks"):
        new_config([apples], tmp_path / "x", "fast", {**options, "share_backbone": False})


def test_calibration_of_kinds_is_refused_in_words(
    model: Path, apples: Path, tmp_path: Path
) -> None:
    data = read_folders([apples], defect_classes=KINDS)
    with pytest.raises(CalibrationError, match="several defect classes"):
        calibrate(model, data, tmp_path / "new.safetensors", review_rate=0.1, device="cpu")


def test_validation_looks_at_each_kind_beside_all_undamaged(apples: Path, tmp_path: Path) -> None:
    reading = gather(config(apples, tmp_path), CancelToken())
    while True:
        try:
            next(reading)
        except StopIteration as end:
            data = end.value
            break
    sound = int((data.validation_labels == 0).sum())
    parts = [data.of_defect_class(defect_class) for defect_class in range(3)]
    assert all(int((part.validation_labels == 0).sum()) == sound for part in parts)
    joined = data.joined()
    assert len(joined.validation) == sum(len(part.validation) for part in parts)
    assert np.array_equal(joined.validation[: len(parts[0].validation)], parts[0].validation)
    data.train.close()


@pytest.mark.parametrize("looks", [0, 1, 2])
def test_a_cancel_ends_the_reading_wherever_it_is(apples: Path, tmp_path: Path, looks: int) -> None:
    cancel = CancelToken()
    reading = gather(config(apples, tmp_path), cancel)
    try:
        for _ in range(looks):
            next(reading)
        cancel.cancel()
        while True:
            next(reading)
    except StopIteration as end:
        assert end.value is None


def test_weights_of_a_backbone_go_into_every_kind(apples: Path, tmp_path: Path) -> None:
    network = make_networks(NetworkSpec("identity"), NetworkSpec("compact", {"width": 4}), 0)[1]
    torch.save(network.state_dict(), tmp_path / "weights.pth")
    for shared in (True, False):
        weights = str(tmp_path / "weights.pth")
        out = tmp_path / str(shared)
        settings = config(
            apples,
            out,
            share_backbone=shared,
            backbone=weights,
            steps=1,
            ema=0.0,
            lr_warmup=1e-9,
        )
        list(train(settings))
        loaded = load_model(out / "model.safetensors")
        for defect_class in range(3):
            first = next(
                p
                for p in of_defect_class(loaded.discriminator, defect_class).parameters()
                if p.ndim == 4
            )
            wanted = next(p for p in network.parameters() if p.ndim == 4)
            assert torch.allclose(first, wanted, atol=1e-4)


def test_a_module_that_is_neither_is_itself() -> None:
    layer = nn.Identity()
    assert of_defect_class(layer, 3) is layer


def test_device_of_members(model: Path) -> None:
    inspector = load_inspector(model, "cpu", "fp32")
    assert isinstance(inspector.backend, MultiClassBackend)
    assert len(inspector.backend.members) == 3
    assert str(choose_device("cpu", "fp32")) == str(inspector.backend.members[0].device)  # type: ignore[attr-defined]


def test_a_seed_gives_the_weights_that_it_gave_before_there_was_a_backbone() -> None:
    # Generator first: trainings of earlier versions are repeated by their seed.
    torch.manual_seed(5)
    wanted = [make_generator("unet", width=4), make_discriminator("compact", width=4)]
    torch.manual_seed(5)
    unet, compact = NetworkSpec("unet", {"width": 4}), NetworkSpec("compact", {"width": 4})
    for network, other in zip(wanted, make_networks(unet, compact, 0), strict=True):
        theirs = other.state_dict()
        assert all(torch.equal(own, theirs[name]) for name, own in network.state_dict().items())
