"""Decoded, resized training tiles in memory, and the class-balanced order they are drawn in."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.data import CLASS_NAMES, DataError, LeftOut, Sample
from cfinspect.engine.images import ImageError, read_image, resize_image


class TileStore:
    """Samples as uint8 RGB tiles of one size.

    As many tiles as fit into ``memory_limit_bytes`` stay decoded in memory; the others are decoded
    whenever they are asked for. That fixed share beats a least-recently-used cache here: epochs
    visit every tile once, so such a cache would drop each tile just before its next use.

    ``samples``, ``labels`` (int64, shape (N,)) and ``left_out`` are final after `load`.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        size: int,
        *,
        memory_limit_bytes: int = 2 << 30,
        workers: int = 2,
    ) -> None:
        self.size = size
        self.samples = list(samples)
        self.labels: NDArray[np.int64] = _labels(self.samples)
        self.left_out: list[LeftOut] = []
        self._pool = ThreadPoolExecutor(workers, "decode")
        held = min(len(self.samples), memory_limit_bytes // (size * size * 3))
        self._tiles = np.empty((held, size, size, 3), dtype=np.uint8)
        # Row of `_tiles` for each sample, -1 for those that are decoded on demand.
        rows = np.arange(len(self.samples), dtype=np.intp)
        self._rows = np.where(rows < held, rows, -1)
        self._loaded = False

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def in_memory(self) -> int:
        """How many tiles are held decoded."""
        return int((self._rows >= 0).sum())

    def load(
        self,
        progress: Callable[[int, int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> bool:
        """Decode every file once; files that fail move from ``samples`` to ``left_out``.

        Those beyond the memory limit are decoded too, so that no damaged file ends a training
        later on. ``progress(done, total)`` and ``cancelled()`` are called in this thread after
        every file. Returns False when cancelled: the store is then unusable until loaded again.
        """
        if self._loaded:
            return True
        failed: dict[int, str] = {}
        total = len(self.samples)
        futures = [self._pool.submit(self._fill, index) for index in range(total)]
        try:
            for index, future in enumerate(futures):
                try:
                    future.result()
                except ImageError as error:
                    failed[index] = error.reason
                if progress is not None:
                    progress(index + 1, total)
                if cancelled is not None and cancelled():
                    return False
        finally:
            for future in futures:
                future.cancel()
        self._drop(failed)
        self._loaded = True
        return True

    def get(self, indices: NDArray[np.intp]) -> NDArray[np.uint8]:
        """Tiles of ``samples[i]`` for i in ``indices``, shape (n, size, size, 3), a fresh array.

        Loads the store first if that has not been done. Raises ImageError when a file that is not
        in memory has become unreadable since.
        """
        self.load()
        rows = self._rows[indices]
        if rows.size == 0 or rows.min() >= 0:
            return self._tiles[rows]
        batch = np.empty((len(rows), self.size, self.size, 3), dtype=np.uint8)
        absent = rows < 0
        batch[~absent] = self._tiles[rows[~absent]]
        paths = [self.samples[index].path for index in indices[absent]]
        batch[absent] = list(self._pool.map(self._decode, paths))
        return batch

    def close(self) -> None:
        """End the decoding threads and let go of the tiles."""
        self._pool.shutdown(cancel_futures=True)
        self._tiles = np.empty((0, self.size, self.size, 3), dtype=np.uint8)
        self._rows = np.full(len(self.samples), -1, dtype=np.intp)

    def _decode(self, path: Path) -> NDArray[np.uint8]:
        return resize_image(read_image(path), self.size)

    def _fill(self, index: int) -> None:
        tile = self._decode(self.samples[index].path)
        if self._rows[index] >= 0:
            self._tiles[self._rows[index]] = tile

    def _drop(self, failed: Mapping[int, str]) -> None:
        self.left_out = [LeftOut(self.samples[i].path, reason) for i, reason in failed.items()]
        kept = [index for index in range(len(self.samples)) if index not in failed]
        self.samples = [self.samples[index] for index in kept]
        self.labels = _labels(self.samples)
        self._rows = self._rows[kept]


def _labels(samples: Sequence[Sample]) -> NDArray[np.int64]:
    return np.array([sample.label for sample in samples], dtype=np.int64)


class BalancedSampler:
    """Endless batches of indices with as many undamaged as damaged ones.

    Each class is shuffled anew whenever it is used up, so within a class every image is seen
    equally often. The classes alternate within a batch, so that a batch cut in half for lack of
    memory is balanced too; of odd batches every other one has one more of either class.

    Raises DataError when a class is missing.
    """

    def __init__(self, labels: NDArray[np.int64], batch: int, seed: int) -> None:
        if batch < 1:
            raise ValueError(f"batch must be at least 1, got {batch}")
        self._classes = [np.flatnonzero(labels == label) for label in range(len(CLASS_NAMES))]
        for name, members in zip(CLASS_NAMES, self._classes, strict=True):
            if not len(members):
                raise DataError(f"There is no {name} image to train on; add some.")
        self._batch = batch
        self._seed = seed
        self._drawn = [0 for _ in self._classes]
        self._orders: dict[int, tuple[tuple[int, int, int], NDArray[np.intp]]] = {}

    def __iter__(self) -> Iterator[NDArray[np.intp]]:
        return self

    def __next__(self) -> NDArray[np.intp]:
        """The next batch: indices into ``labels``, shape (batch,)."""
        first = sum(self._drawn) % len(self._classes)
        indices = np.empty(self._batch, dtype=np.intp)
        for offset in range(len(self._classes)):
            label = (first + offset) % len(self._classes)
            places = indices[offset :: len(self._classes)]
            places[:] = self._draw(label, len(places))
        return indices

    def state(self) -> dict[str, Any]:
        """Where the sampler stands, as JSON values; `restore` continues exactly from there."""
        return {
            "seed": self._seed,
            "drawn": list(self._drawn),
            "class_sizes": [len(members) for members in self._classes],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from ``state``; DataError when it belongs to other numbers of images."""
        sizes = [len(members) for members in self._classes]
        if list(state["class_sizes"]) != sizes:
            raise DataError(
                f"The training images have changed: {sizes} per class now, "
                f"{list(state['class_sizes'])} when training was interrupted; start a new run."
            )
        self._seed = int(state["seed"])
        self._drawn = [int(count) for count in state["drawn"]]

    def _draw(self, label: int, count: int) -> NDArray[np.intp]:
        """The next ``count`` indices of a class."""
        drawn: list[NDArray[np.intp]] = []
        members = self._classes[label]
        while count > 0:
            round_, position = divmod(self._drawn[label], len(members))
            taken = self._shuffled(label, round_)[position : position + count]
            drawn.append(taken)
            self._drawn[label] += len(taken)
            count -= len(taken)
        return np.concatenate([np.empty(0, dtype=np.intp), *drawn])

    def _shuffled(self, label: int, round_: int) -> NDArray[np.intp]:
        # The order is a function of (seed, class, round), so that a few numbers are the whole
        # state; it is kept for the batches of the same round.
        key = (self._seed, label, round_)
        if label not in self._orders or self._orders[label][0] != key:
            order = np.random.default_rng(key).permutation(self._classes[label])
            self._orders[label] = (key, order)
        return self._orders[label][1]
