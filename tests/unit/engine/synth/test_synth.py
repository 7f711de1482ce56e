"""Drawn images: exact masks, no cheap tell-tale between the classes, folders that reproduce."""

import csv
import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from recorded_progress import Recorded

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.images import read_image
from cfinspect.engine.base.progress import Cancelled
from cfinspect.engine.data.dataset import read_folders
from cfinspect.engine.data.mask_values import read_mask
from cfinspect.engine.synth import Domain, SynthImage, make_apple, make_crack, write_folder

Maker = Callable[[np.random.Generator, int, bool], SynthImage]
MAKERS: list[Maker] = [make_crack, make_apple]


@cache
def _draw(make: Maker, count: int, size: int = 48) -> list[SynthImage]:
    with np.errstate(invalid="raise", divide="raise"):  # one NaN would be a black pixel
        return [make(np.random.default_rng([7, i]), size, i % 2 == 1) for i in range(count)]


def _grey(drawn: SynthImage) -> NDArray[np.float64]:
    return cv2.cvtColor(drawn.image, cv2.COLOR_RGB2GRAY).astype(np.float64)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("size", [32, 75])
def test_shapes_and_masks(make: Maker, size: int) -> None:
    for drawn in _draw(make, 12, size):
        assert drawn.image.shape == (size, size, 3)
        assert drawn.image.dtype == np.uint8
        assert drawn.mask.shape == (size, size)
        assert drawn.mask.dtype == np.bool_
        assert drawn.mask.any() == drawn.damaged
        assert drawn.mask.mean() < 0.6
        assert drawn.image.std() > 2.0


@pytest.mark.parametrize("make", MAKERS)
def test_same_seed_same_image_and_other_seed_other_image(make: Maker) -> None:
    first, again, other = (make(np.random.default_rng(seed), 48, True) for seed in (1, 1, 2))
    assert (first.image == again.image).all()
    assert (first.mask == again.mask).all()
    assert (first.image != other.image).any()


@pytest.mark.parametrize("make", MAKERS)
def test_damage_is_visible_against_its_surroundings(make: Maker) -> None:
    contrasts = []
    for drawn in _draw(make, 160)[1::2]:
        near = cv2.dilate(drawn.mask.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
        inside = drawn.image[drawn.mask].mean(axis=0)
        outside = drawn.image[near & ~drawn.mask].mean(axis=0)
        contrasts.append(float(np.abs(inside - outside).max()))
    assert np.median(contrasts) > 20.0


def _best_accuracy(values: NDArray[np.float64], labels: NDArray[np.bool_]) -> float:
    """Of the best threshold, in the better direction, chosen on the very same images."""
    order = labels[np.argsort(values)]
    below = np.concatenate([[0], np.cumsum(~order)]) + np.concatenate(
        [[order.sum()], order.sum() - np.cumsum(order)]
    )
    return float(max(below.max(), len(order) - below.min()) / len(order))


def test_best_accuracy_finds_a_threshold_that_exists() -> None:
    labels = np.array([False, True] * 20)
    assert _best_accuracy(np.where(labels, 3.0, 5.0), labels) == 1.0


@pytest.mark.parametrize("make", MAKERS)
def test_no_brightness_threshold_separates_the_classes(make: Maker) -> None:
    drawn = _draw(make, 160)
    labels = np.array([one.damaged for one in drawn])
    greys = [_grey(one) for one in drawn]
    for name, values in {
        "mean": [grey.mean() for grey in greys],
        "darkest": [grey.min() for grey in greys],
        "dark percentile": [np.percentile(grey, 2) for grey in greys],
        "spread": [grey.std() for grey in greys],
        "share of dark pixels": [(grey < 0.6 * np.median(grey)).mean() for grey in greys],
        "red": [one.image[..., 0].mean() for one in drawn],
        "blue": [one.image[..., 2].mean() for one in drawn],
    }.items():
        assert _best_accuracy(np.array(values), labels) < 0.78, name


@pytest.mark.parametrize("make", MAKERS)
def test_darkness_is_no_mask(make: Maker) -> None:
    damaged = _draw(make, 160)[1::2]
    grey = np.concatenate([_grey(one).ravel() for one in damaged])
    truth = np.concatenate([one.mask.ravel() for one in damaged])
    overlaps = [
        (truth & (grey < level)).sum() / (truth | (grey < level)).sum() for level in range(10, 200)
    ]
    assert max(overlaps) < 0.45


@pytest.mark.parametrize("make", MAKERS)
def test_too_small_an_image_is_refused(make: Maker) -> None:
    with pytest.raises(ValueError, match="at least 32"):
        make(np.random.default_rng(0), 31, True)


def _hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("domain", ["crack", "apple"])
def test_folder_reads_back_as_training_data(tmp_path: Path, domain: Domain) -> None:
    progress = Recorded()
    out = write_folder(
        tmp_path / "ünter" / "data",
        domain,
        count=10,
        size=40,
        damaged_share=0.3,
        seed=5,
        progress=progress,
    )
    assert progress.seen == [(i + 1, 10) for i in range(10)]
    dataset = read_folders([out])
    assert not dataset.left_out
    assert [sample.label for sample in dataset.samples].count(1) == 3
    assert len({sample.group for sample in dataset.samples}) == 3
    for sample in dataset.samples:
        assert read_image(sample.path).shape == (40, 40, 3)
        assert (sample.mask is not None) == (sample.label == 1)
        if sample.mask is not None:
            assert read_mask(sample.mask).any()
    with (out / "labels.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["filename"].split("/")[0] for row in rows} == {"undamaged", "damaged"}
    assert not list(out.parent.glob(".data*"))


def test_folder_is_the_same_byte_for_byte(tmp_path: Path) -> None:
    one = write_folder(tmp_path / "one", "crack", count=6, size=40, seed=3)
    two = write_folder(tmp_path / "two", "crack", count=6, size=40, seed=3)
    other = write_folder(tmp_path / "other", "crack", count=6, size=40, seed=4)
    longer = write_folder(tmp_path / "longer", "crack", count=9, size=40, seed=3)
    assert _hashes(one) == _hashes(two)
    images = {name for name in _hashes(one) if name.endswith(".png")}
    assert all(_hashes(longer)[name] == _hashes(one)[name] for name in images)
    assert all(_hashes(other)[name] != _hashes(one)[name] for name in images if "mask" not in name)


def test_images_of_a_group_share_their_light_and_material(tmp_path: Path) -> None:
    out = write_folder(tmp_path / "data", "apple", count=24, size=40, seed=1, tiles_per_group=4)
    corners: dict[str, list[NDArray[np.float64]]] = {}
    for sample in read_folders([out]).samples:
        corner = read_image(sample.path)[:5, :5].reshape(-1, 3).mean(axis=0)
        corners.setdefault(sample.group, []).append(corner)
    within = np.mean([np.std(group, axis=0).mean() for group in corners.values()])
    between = np.std([np.mean(group, axis=0) for group in corners.values()], axis=0).mean()
    assert between > 2 * within


def test_redrawing_replaces_our_own_folder_only(tmp_path: Path) -> None:
    out = write_folder(tmp_path / "data", "crack", count=4, size=40, seed=0)
    write_folder(out, "apple", count=2, size=40, seed=0)
    assert len(list(out.rglob("apple_*.png"))) == 3  # two images, one mask
    assert not list(out.rglob("crack_*.png"))
    (out / "damaged" / "mine.png").write_bytes(b"precious")
    with pytest.raises(CfinspectError, match=r"mine\.png"):
        write_folder(out, "crack", count=2, size=40, seed=0)
    assert (out / "damaged" / "mine.png").read_bytes() == b"precious"


def test_foreign_folder_and_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.txt").write_text("x")
    with pytest.raises(CfinspectError, match="empty folder"):
        write_folder(tmp_path / "photos", "crack", count=1, size=40, seed=0)
    with pytest.raises(CfinspectError, match="is a file"):
        write_folder(tmp_path / "photos" / "a.txt", "crack", count=1, size=40, seed=0)
    assert _hashes(tmp_path).keys() == {"photos/a.txt"}


def test_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    write_folder(tmp_path / "data", "crack", count=2, size=40, seed=0)
    assert (tmp_path / "data" / "labels.csv").is_file()


def test_a_break_leaves_nothing_behind_and_the_old_folder_whole(tmp_path: Path) -> None:
    out = write_folder(tmp_path / "data", "crack", count=2, size=40, seed=0)
    before = _hashes(tmp_path)

    with pytest.raises(Cancelled):
        write_folder(out, "crack", count=5, size=40, seed=1, progress=Recorded(after=2))
    assert _hashes(tmp_path) == before
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"count": 0}, "count is 0"),
        ({"size": 16}, "size is 16"),
        ({"damaged_share": 1.5}, "damaged share"),
        ({"tiles_per_group": 0}, "tiles_per_group is 0"),
    ],
)
def test_impossible_settings_are_named(
    tmp_path: Path, changes: dict[str, float], sentence: str
) -> None:
    settings: dict[str, float] = {"count": 2, "size": 40, "seed": 0} | changes
    with pytest.raises(CfinspectError, match=sentence):
        write_folder(tmp_path / "x", "crack", **settings)  # type: ignore[arg-type]
    assert not (tmp_path / "x").exists()


def test_kinds_of_damage_are_drawn_in_turn_and_alone(tmp_path: Path) -> None:
    out = write_folder(tmp_path / "a", "apple", count=12, size=40, seed=1, kinds=("cut", "rot"))
    folders = {path.name: len(list(path.iterdir())) for path in out.iterdir() if path.is_dir()}
    assert folders == {"undamaged": 6, "cut": 3, "rot": 3, "masks": 6}
    plain = write_folder(tmp_path / "b", "apple", count=12, size=40, seed=1)
    # Undamaged apples are the same with and without.
    for path in (out / "undamaged").iterdir():
        assert path.read_bytes() == (plain / "undamaged" / path.name).read_bytes()
    write_folder(out, "apple", count=2, size=40, seed=1)  # known as drawn by us, and replaced
