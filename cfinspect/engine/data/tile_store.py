"""Decoded, resized training tiles, as many of them in memory as fit."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.images import ImageError, read_image, resize_image
from cfinspect.engine.base.progress import Progress
from cfinspect.engine.data.dataset import DAMAGED, LeftOut, Sample


class TileStore:
    """Samples as uint8 RGB tiles of one size; with ``masks`` these are a fourth channel, 0 or 255.

    As many tiles as fit into ``memory_limit_bytes`` stay decoded in memory; the others are decoded
    whenever they are asked for. That fixed share beats a least-recently-used cache here: epochs
    visit every tile once, so such a cache would drop each tile just before its next use.

    ``samples``, ``labels`` and ``defect_classes`` (int64, shape (N,)) and ``left_out`` are final
    after `load`.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        size: int,
        *,
        memory_limit_bytes: int = 2 << 30,
        workers: int = 2,
        masks: bool = False,
    ) -> None:
        self.size = size
        self.samples = list(samples)
        self.labels: NDArray[np.int64] = _labels(self.samples)
        self.defect_classes: NDArray[np.int64] = _defect_classes(self.samples)
        self.left_out: list[LeftOut] = []
        self._pool = ThreadPoolExecutor(workers, "decode")
        self._shape = (size, size, 4 if masks else 3)
        held = min(len(self.samples), memory_limit_bytes // int(np.prod(self._shape)))
        self._tiles = np.empty((held, *self._shape), dtype=np.uint8)
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

    def load(self, progress: Progress = Progress()) -> None:
        """Decode every file once; files that fail move from ``samples`` to ``left_out``.

        Those beyond the memory limit are decoded too, so that no damaged file ends a training
        later on. ``progress`` is shown every file in this thread and asked after it. Raises
        ``Cancelled``: the store is then unusable until loaded again.
        """
        if self._loaded:
            return
        failed: dict[int, str] = {}
        total = len(self.samples)
        futures = [self._pool.submit(self._fill, index) for index in range(total)]
        try:
            for index, future in enumerate(futures):
                try:
                    future.result()
                except ImageError as error:
                    failed[index] = error.reason
                progress.show(index + 1, total)
                progress.check()
        finally:
            for future in futures:
                future.cancel()
        self._drop(failed)
        self._loaded = True

    def get(self, indices: NDArray[np.intp]) -> NDArray[np.uint8]:
        """Tiles of ``samples[i]`` for i in ``indices``, shape (n, size, size, 3 or 4), a new array.

        Loads the store first if that has not been done. Raises ImageError when a file that is not
        in memory has become unreadable since.
        """
        self.load()
        rows = self._rows[indices]
        if rows.size == 0 or rows.min() >= 0:
            return self._tiles[rows]
        batch = np.empty((len(rows), *self._shape), dtype=np.uint8)
        absent = rows < 0
        batch[~absent] = self._tiles[rows[~absent]]
        wanted = [self.samples[index] for index in indices[absent]]
        batch[absent] = list(self._pool.map(self._decode, wanted))
        return batch

    def close(self) -> None:
        """End the decoding threads and let go of the tiles."""
        self._pool.shutdown(cancel_futures=True)
        self._tiles = np.empty((0, *self._shape), dtype=np.uint8)
        self._rows = np.full(len(self.samples), -1, dtype=np.intp)

    def _decode(self, sample: Sample) -> NDArray[np.uint8]:
        tile = resize_image(read_image(sample.path), self.size)
        if self._shape[2] == 3:
            return tile
        mask = np.zeros(self._shape[:2], dtype=np.uint8)
        if sample.label == DAMAGED and sample.mask is not None:
            marked = sample.read_mask()
            if marked is None or marked.shape != (sample.height, sample.width):
                raise ImageError(sample.mask, "its size is not that of its image")
            mask = shrunk_mask(marked.astype(np.uint8) * np.uint8(255), self.size)
        return np.dstack([tile, mask])

    def _fill(self, index: int) -> None:
        tile = self._decode(self.samples[index])
        if self._rows[index] >= 0:
            self._tiles[self._rows[index]] = tile

    def _drop(self, failed: Mapping[int, str]) -> None:
        self.left_out = [LeftOut(self.samples[i].path, reason) for i, reason in failed.items()]
        kept = [index for index in range(len(self.samples)) if index not in failed]
        self.samples = [self.samples[index] for index in kept]
        self.labels = _labels(self.samples)
        self.defect_classes = _defect_classes(self.samples)
        self._rows = self._rows[kept]


def shrunk_mask(mask: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """A mask (H, W) of 0 and 255 as a square of ``size`` px, of 0 and 255 as well."""
    shrunk = cv2.resize(mask, (size, size), interpolation=cv2.INTER_AREA)
    # Half coverage would let lines of one pixel vanish.
    return np.where(np.asarray(shrunk) >= 85, 255, 0).astype(np.uint8)


def _labels(samples: Sequence[Sample]) -> NDArray[np.int64]:
    return np.array([sample.label for sample in samples], dtype=np.int64)


def _defect_classes(samples: Sequence[Sample]) -> NDArray[np.int64]:
    return np.array([sample.defect_class for sample in samples], dtype=np.int64)
