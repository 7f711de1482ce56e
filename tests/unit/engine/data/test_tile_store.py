"""Tiles come out as they are on disk whether they fit into memory or not; batches are balanced."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from recorded_progress import Recorded

from cfinspect.engine.base.images import ImageError, read_image, resize_image, write_png
from cfinspect.engine.base.progress import Cancelled
from cfinspect.engine.data.dataset import Sample, read_folders
from cfinspect.engine.data.tile_store import TileStore

SIZE = 16
TILE_BYTES = SIZE * SIZE * 3


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    """Twelve images of 20 x 24 pixels, six of each class."""
    rng = np.random.default_rng(0)
    for index in range(12):
        folder = tmp_path / ("damaged" if index % 2 else "undamaged")
        folder.mkdir(exist_ok=True)
        write_png(folder / f"{index}.png", rng.integers(0, 256, (20, 24, 3), dtype=np.uint8))
    return list(read_folders([tmp_path]).samples)


def expected(samples: list[Sample]) -> NDArray[np.uint8]:
    return np.stack([resize_image(read_image(sample.path), SIZE) for sample in samples])


@pytest.mark.parametrize("held", [0, 5, 12])
def test_tiles_are_the_files_whatever_fits_into_memory(samples: list[Sample], held: int) -> None:
    store = TileStore(samples, SIZE, memory_limit_bytes=held * TILE_BYTES + 1)
    wanted = np.array([11, 0, 3, 3, 7, 4, 5])

    store.load()

    assert store.in_memory == held
    assert (store.get(wanted) == expected(samples)[wanted]).all()
    assert store.get(wanted).dtype == np.uint8
    assert store.get(wanted[:0]).shape == (0, SIZE, SIZE, 3)
    assert store.labels.tolist() == [sample.label for sample in samples]
    assert store.labels.dtype == np.int64


def test_a_batch_may_be_changed_without_changing_the_store(samples: list[Sample]) -> None:
    store = TileStore(samples, SIZE)
    store.get(np.arange(12))[:] = 0

    assert (store.get(np.arange(12)) == expected(samples)).all()


@pytest.mark.parametrize("held", [2, 12])
def test_damaged_files_are_left_out_and_the_others_move_up(
    samples: list[Sample], held: int
) -> None:
    for index in (1, 8):
        path = samples[index].path
        path.write_bytes(path.read_bytes()[:300])
    kept = [sample for index, sample in enumerate(samples) if index not in {1, 8}]
    store = TileStore(samples, SIZE, memory_limit_bytes=held * TILE_BYTES)

    store.load()

    assert [entry.path for entry in store.left_out] == [samples[1].path, samples[8].path]
    assert "cut short" in store.left_out[0].reason
    assert store.samples == kept
    assert len(store) == 10
    assert store.labels.tolist() == [sample.label for sample in kept]
    assert (store.get(np.arange(10)) == expected(kept)).all()


def test_progress_and_cancel(samples: list[Sample]) -> None:
    store = TileStore(samples, SIZE)
    stopped, whole = Recorded(after=3), Recorded()

    with pytest.raises(Cancelled):
        store.load(stopped)
    assert stopped.seen == [(1, 12), (2, 12), (3, 12)]
    store.load(whole)
    assert whole.seen == [(done, 12) for done in range(1, 13)]
    assert (store.get(np.arange(12)) == expected(samples)).all()


def test_a_file_that_vanishes_during_training_is_a_sentence(samples: list[Sample]) -> None:
    store = TileStore(samples, SIZE, memory_limit_bytes=0)
    store.load()
    samples[4].path.unlink()

    with pytest.raises(ImageError, match="No such file"):
        store.get(np.array([3, 4]))


def test_closing_lets_go_of_the_memory(samples: list[Sample]) -> None:
    store = TileStore(samples, SIZE)
    store.load()

    store.close()

    assert store.in_memory == 0
