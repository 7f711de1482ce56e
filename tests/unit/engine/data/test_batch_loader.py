"""Batches: balanced, complete, and a function of seed and step."""

from pathlib import Path

import numpy as np
import pytest

from cfinspect.engine.data.augment import _bolder, _rough, augment
from cfinspect.engine.data.batch_loader import BatchLoader, balanced_indices
from cfinspect.engine.data.dataset import read_folders
from cfinspect.engine.data.tile_store import TileStore
from cfinspect.engine.synth import write_folder


def test_every_image_comes_once_before_any_comes_again() -> None:
    labels = np.array([0] * 5 + [1] * 12)
    drawn = np.concatenate([balanced_indices(labels, 4, seed=1, step=s) for s in range(6)])
    damaged = drawn[labels[drawn] == 1]
    assert sorted(damaged) == list(range(5, 17))
    undamaged = drawn[labels[drawn] == 0]
    assert sorted(undamaged[:5]) == list(range(5))
    assert sorted(undamaged[5:10]) == list(range(5))


def test_both_halves_of_a_batch_are_balanced() -> None:
    labels = np.array([0] * 9 + [1] * 9)
    batch = labels[balanced_indices(labels, 8, seed=0, step=3)]
    assert batch[:4].sum() == batch[4:].sum() == 2


def test_a_batch_depends_on_seed_and_step_only() -> None:
    labels = np.array([0, 1] * 20)
    assert np.array_equal(
        balanced_indices(labels, 8, seed=3, step=17), balanced_indices(labels, 8, seed=3, step=17)
    )
    assert not np.array_equal(
        balanced_indices(labels, 8, seed=3, step=17), balanced_indices(labels, 8, seed=4, step=17)
    )


def test_a_feed_started_late_gives_the_batches_it_would_have_given(tmp_path: Path) -> None:
    write_folder(tmp_path / "walls", "crack", count=12, size=32, seed=0)
    store = TileStore(read_folders([tmp_path / "walls"]).samples, 32)
    early = BatchLoader(store, batch=4, kind="strong", seed=5, start=0)
    late = BatchLoader(store, batch=4, kind="strong", seed=5, start=2)
    batches = [next(early) for _ in range(3)]
    images, labels = next(late)
    early.close()
    late.close()
    assert np.array_equal(images, batches[2][0])
    assert np.array_equal(labels, batches[2][1])
    assert images.shape == (4, 32, 32, 3)


@pytest.mark.parametrize("kind", ["none", "flips", "strong"])
def test_augmentation_keeps_shape_and_type(kind: str) -> None:
    images = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)
    changed = augment(images, kind, np.random.default_rng(1))
    assert changed.shape == images.shape
    assert changed.dtype == np.uint8
    assert np.array_equal(changed, images) == (kind == "none")


def test_flips_only_move_pixels() -> None:
    images = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), dtype=np.uint8)
    changed = augment(images, "flips", np.random.default_rng(1))
    for before, after in zip(images, changed, strict=True):
        assert np.array_equal(np.sort(before.reshape(-1)), np.sort(after.reshape(-1)))


def test_strong_augmentation_keeps_a_dark_crack_dark() -> None:
    image = np.full((1, 64, 64, 3), 180, dtype=np.uint8)
    image[:, 30:33] = 40
    rng = np.random.default_rng(0)
    for _ in range(50):
        changed = augment(image, "strong", rng)[0].astype(float).mean(axis=2)
        lines = min(changed.mean(axis=0).min(), changed.mean(axis=1).min())
        assert lines < np.median(changed) - 25


def test_bolder_lines_grow_by_a_pixel_on_each_side() -> None:
    wall = np.full((32, 32, 3), 200, np.uint8)
    wall[:, 16] = 20
    changed = _bolder(wall, np.random.default_rng(0))
    assert (changed[:, 16] == 20).all()
    assert (changed[:, 15] < 200).all() and (changed[:, 17] < 200).all()
    rest = np.delete(changed, [15, 16, 17], axis=1)
    assert (rest == 200).all()


def test_roughness_is_grey_and_keeps_the_brightness() -> None:
    wall = np.full((64, 64, 3), 128, np.uint8)
    changed = [_rough(wall, np.random.default_rng(seed)) for seed in range(20)]
    assert all((one[..., 0] == one[..., 1]).all() for one in changed)
    assert np.mean(changed) == pytest.approx(128, abs=3)
    assert 5 < np.mean([one.std() for one in changed]) < 40
