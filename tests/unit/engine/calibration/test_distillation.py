"""Distillation with networks whose masks are known by hand."""

import dataclasses
import gc
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from recorded_progress import Recorded
from torch import Tensor, nn

from cfinspect.engine.base.device import choose_device
from cfinspect.engine.base.images import write_png
from cfinspect.engine.base.progress import Progress
from cfinspect.engine.calibration.distillable import (
    DistillationError,
    is_distillable,
    require_distillable,
)
from cfinspect.engine.calibration.distillation import Distillation, DistillationSettings
from cfinspect.engine.calibration.mask_choice import painted_over
from cfinspect.engine.calibration.mask_teacher import read_squares, teach, witnesses
from cfinspect.engine.calibration.mask_training import DAMAGE, DOUBTFUL
from cfinspect.engine.data.dataset import read_folders
from cfinspect.engine.data.mask_values import read_mask
from cfinspect.engine.inference.torch_backend import TorchBackend
from cfinspect.engine.model.file import Model, load_metadata
from cfinspect.engine.model.metadata import Decision, ModelMetadata, Preprocessing
from cfinspect.engine.networks.generators import GeneratorOutput
from cfinspect.engine.networks.spec import NetworkSpec

SIDE = 32


class Mend(nn.Module):
    """Paints dark places grey; darkish ones a little."""

    def forward(self, x: Tensor) -> GeneratorOutput:
        dark, darkish = (x < 0.2).float(), ((x >= 0.2) & (x < 0.35)).float()
        picture = x * (1 - dark) + 0.51 * dark + 0.1 * darkish
        return GeneratorOutput(picture, dark[:, :1], dark.mean(dim=(1, 2, 3)))


class Darkest(nn.Module):
    """Damaged is what has dark places."""

    def forward(self, x: Tensor) -> Tensor:
        dark = (x < 0.2).float().mean(dim=(1, 2, 3)) * 200
        return torch.stack([torch.ones_like(dark), dark, torch.zeros_like(dark) - 5], dim=1)


def model(**preprocessing: object) -> Model:
    metadata = ModelMetadata(
        created="2026-01-01T00:00:00+00:00",
        cfinspect_version="0",
        generator=NetworkSpec("unet"),
        discriminator=NetworkSpec("compact"),
        preprocessing=Preprocessing(SIDE, **preprocessing),  # type: ignore[arg-type]
        decision=Decision(mask_threshold=0.1, min_area_fraction=0.0),
    )
    return Model(Mend(), Darkest(), metadata, np.array([7], np.uint64))


@pytest.fixture(scope="module")
def walls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty walls, every second with a dark block and a human mask, which is one row lower."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for number in range(40):
        image = rng.integers(120, 140, (SIDE, SIDE, 3), dtype=np.uint8)
        name = "undamaged"
        if number % 2:
            name = "damaged"
            row = int(rng.integers(4, 20))
            image[row : row + 6, 8:18] = 20
            mask = np.zeros((SIDE, SIDE), bool)
            mask[row + 1 : row + 7, 8:18] = True
            (folder / "masks").mkdir(exist_ok=True)
            write_png(folder / "masks" / f"{number}.png", mask)
        (folder / name).mkdir(exist_ok=True)
        write_png(folder / name / f"{number}.png", image)
    return folder


def test_what_is_taught(walls: Path) -> None:
    samples = read_folders([walls]).samples
    squares = read_squares(samples, model().metadata.preprocessing, read_mask, Progress())
    # A darkish spot, whose saliency of .1 is neither damage nor none.
    damaged = int(np.flatnonzero(squares.labels)[0])
    squares.images[damaged, 0, 0] = 70
    # A damaged image in which nobody sees anything.
    hidden = int(np.flatnonzero(squares.labels)[1])
    squares.images[hidden] = 130
    backend = TorchBackend(model(), choose_device("cpu", "fp32"))
    alone = teach(backend, squares, by_humans=False, progress=Progress())
    assert len(alone.images) == 39
    assert int(alone.labels.sum()) == 19
    for image, mask, label in zip(alone.images, alone.masks, alone.labels, strict=True):
        assert np.array_equal(mask == DAMAGE, (image < 50).all(axis=2) & bool(label))
    assert int((alone.masks == DOUBTFUL).sum()) == 1
    assert (alone.weights == 1).all()
    helped = teach(backend, squares, by_humans=True, progress=Progress())
    assert len(helped.images) == 40
    own = helped.labels == 1
    assert int(own.sum()) == 20
    assert np.array_equal(helped.masks[own] == DAMAGE, squares.human[squares.labels == 1])
    assert (helped.weights[own] == 3).all() and (helped.weights[~own] == 1).all()


def test_photos_are_taught_as_windows(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    photo = rng.integers(120, 140, (48, 80, 3), dtype=np.uint8)
    photo[20:28, 70:78] = 20
    mask = np.asarray((photo < 50).all(axis=2))
    for name in ("undamaged", "damaged", "masks"):
        (tmp_path / name).mkdir()
    write_png(tmp_path / "damaged" / "a.png", photo)
    write_png(tmp_path / "masks" / "a.png", mask)
    write_png(tmp_path / "undamaged" / "b.png", photo[:, :60])
    samples = [one for one in read_folders([tmp_path]).samples if one.label == 1]
    tiles = model(scope="tiles", tile=32).metadata.preprocessing
    squares = read_squares(samples, tiles, read_mask, Progress())
    assert len(squares.images) == 8  # two rows of windows, four in each
    assert (squares.origin == 0).all()
    assert np.array_equal(squares.human, (squares.images < 50).all(axis=3))
    backend = TorchBackend(model(scope="tiles", tile=32), choose_device("cpu", "fp32"))
    taught = teach(backend, squares, by_humans=False, progress=Progress())
    # Only the windows in which the model finds damage: of the others nobody has said anything.
    assert len(taught.images) == int(squares.human.any(axis=(1, 2)).sum()) == 2


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 photos, every second with a damaged row, which nine windows of 32 px show; masks."""
    folder = tmp_path_factory.mktemp("photos")
    for name in ("undamaged", "damaged", "masks"):
        (folder / name).mkdir()
    rng = np.random.default_rng(2)
    for number in range(24):
        photo = rng.integers(120, 140, (32, 160, 3), dtype=np.uint8)
        if number % 2:
            photo[4:12] = 20
            mask = np.asarray((photo < 50).all(axis=2))
            write_png(folder / "masks" / f"{number}.png", mask)
        write_png(folder / ("undamaged", "damaged")[number % 2] / f"{number}.png", photo)
    return folder


def test_windows_of_a_photo_are_one_human_mask(photos: Path) -> None:
    settings = DistillationSettings(by_humans=True, steps=1, batch=2)
    work = Distillation(
        model(scope="tiles", tile=32), read_folders([photos]), read_mask, settings, device="cpu"
    )
    work.look()
    work.teach()
    result = work.compare()
    assert result.held_out == 27  # windows, nine of each photo
    assert result.human_masks == 3
    assert result.mask_rule != "human masks"


def test_a_photo_has_its_share_of_the_squares(photos: Path) -> None:
    tiles = model(scope="tiles", tile=32).metadata.preprocessing
    samples = read_folders([photos]).samples
    squares = read_squares(samples, tiles, read_mask, Progress(), most=36)
    assert np.bincount(squares.origin).tolist() == [3] * 24  # of twelve photos a class
    few = read_squares(samples, tiles, read_mask, Progress(), most=5)
    assert np.bincount(few.origin).tolist() == [1] * 24


def test_a_mask_of_another_size_is_left_out_and_told(walls: Path) -> None:
    samples = [one for one in read_folders([walls]).samples if one.label == 1][:1]
    squares = read_squares(
        samples, model().metadata.preprocessing, lambda _: np.zeros((3, 3), bool), Progress()
    )
    assert squares.has_human.tolist() == [False]
    assert len(squares.bad_masks) == 1 and "not that of its image" in squares.bad_masks[0]


def test_witnesses_are_a_choice_of_what_is_found(walls: Path) -> None:
    samples = read_folders([walls]).samples
    squares = read_squares(samples, model().metadata.preprocessing, read_mask, Progress())
    backend = TorchBackend(model(), choose_device("cpu", "fp32"))
    progress = Recorded()
    found = witnesses(backend, squares, 7, progress)
    assert progress.ticks == 20
    assert np.array_equal(found.images, squares.images[found.origin])
    assert found.images.shape == (7, SIDE, SIDE, 3)
    assert np.array_equal(found.old, (found.images < 50).all(axis=3))
    assert np.array_equal(found.images, squares.images[found.rows])


def test_looking_shows_its_progress_to_the_end(walls: Path) -> None:
    progress = Recorded()
    settings = DistillationSettings(steps=1)
    work = Distillation(model(), read_folders([walls]), read_mask, settings, device="cpu")
    work.look(progress)
    # 40 images are read, their 20 damaged ones looked at.
    assert [done for done, _ in progress.seen][:60] == list(range(1, 61))
    assert progress.seen[-1] == (60, 60)
    work.close()


def test_closing_lets_the_networks_go(walls: Path) -> None:
    given = model()
    generator = weakref.ref(given.generator)
    settings = DistillationSettings(steps=1)
    work = Distillation(given, read_folders([walls]), read_mask, settings, device="cpu")
    work.look()
    work.close()
    del given
    gc.collect()
    assert generator() is None


def test_images_that_are_gone_are_a_sentence(walls: Path, tmp_path: Path) -> None:
    dataset = read_folders([walls])
    gone = [dataclasses.replace(one, path=tmp_path / one.path.name) for one in dataset.samples]
    settings = DistillationSettings(steps=1)
    lost = dataclasses.replace(dataset, samples=tuple(gone))
    with pytest.raises(DistillationError, match="give more images"):
        Distillation(model(), lost, read_mask, settings, device="cpu").look()


def test_the_whole_of_it(walls: Path, tmp_path: Path) -> None:
    settings = DistillationSettings(steps=60, batch=8, seed=1)
    work = Distillation(model(), read_folders([walls]), read_mask, settings, device="cpu")
    work.look()
    work.teach()
    result = work.compare()
    assert result.taught == 30 and result.taught_damaged == 15 and result.taught_by_humans == 0
    assert result.held_out == result.human_masks == 5
    # G's mask is the block: painting it over turns the verdict; human masks are a row lower.
    assert result.old.filled == 1.0
    assert result.old.agreement == pytest.approx(5 / 7)
    assert result.mask_rule == "median of otsu"
    assert 0 < result.mask_threshold < 1
    out = tmp_path / "new" / "model.safetensors"
    work.save(out, result)
    metadata = load_metadata(out)
    assert metadata.segmenter is not None
    assert metadata.segmenter.mask_threshold == result.mask_threshold
    figures = metadata.metrics["distillation"]
    assert isinstance(figures, dict)
    assert figures["old"]["filled"] == 1.0 and figures["steps"] == 60
    assert "EfficientNet" in metadata.licence_note


def test_too_few_images_are_a_sentence(walls: Path) -> None:
    dataset = read_folders([walls])
    settings = DistillationSettings(steps=1)
    blind = model()
    blind.discriminator.forward = lambda x: torch.tensor([[1.0, 0, 0]]).repeat(len(x), 1)
    with pytest.raises(DistillationError, match="give more images"):
        Distillation(blind, dataset, read_mask, settings, device="cpu").look()


def test_models_that_cannot_be_distilled() -> None:
    metadata = model().metadata
    several = dataclasses.replace(metadata, defect_classes={"rot": metadata.decision})
    with pytest.raises(DistillationError, match="several defect classes"):
        require_distillable(Path("m"), several)
    plain = dataclasses.replace(metadata, training={"method": "classifier"})
    with pytest.raises(DistillationError, match="makes no counterfactuals"):
        require_distillable(Path("m"), plain)
    require_distillable(Path("m"), metadata)
    found = [is_distillable(Path("m"), one) for one in (None, several, plain, metadata)]
    assert found == [False, False, False, True]


def test_painted_over() -> None:
    image = np.full((1, 8, 8, 3), 130, np.uint8)
    image[0, 3:5, 3:5] = 0
    mask = (image == 0).all(axis=3)
    assert (np.abs(painted_over(image, mask).astype(int) - 130) <= 2).all()
    assert np.array_equal(painted_over(image, np.zeros_like(mask)), image)
