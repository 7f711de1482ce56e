"""Batches for training: class-balanced, augmented ahead of time, a function of seed and step."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.data.augment import augment
from cfinspect.engine.data.tile_store import TileStore

Batch = tuple[NDArray[np.uint8], NDArray[np.int64]]

_AHEAD = 4


def balanced_indices(
    labels: NDArray[np.int64], batch: int, seed: int, step: int
) -> NDArray[np.intp]:
    """``batch`` indices, half of each class (all of one that is alone), for one step; (batch,).

    Every image of a class comes once before any comes again. It depends on nothing but its
    arguments, so a resumed training sees exactly the batches it would have seen.
    """
    present = [label for label in (0, 1) if (labels == label).any()]
    half = batch // len(present)
    parts = []
    for label in present:
        members = np.flatnonzero(labels == label)
        places = np.arange(step * half, (step + 1) * half)
        rounds = {
            int(r): np.random.default_rng((seed, label, int(r))).permutation(members)
            for r in np.unique(places // len(members))
        }
        parts.append([rounds[int(p // len(members))][p % len(members)] for p in places])
    # Interleaved: a batch cut in two for lack of memory stays balanced.
    return np.stack(parts, axis=1).reshape(-1).astype(np.intp)


class BatchLoader:
    """Iterator of (images (n, S, S, 3) uint8, labels (n,) int64), prepared by a thread ahead.

    ``kind``: of augmentation; ``turns``: how many defect classes take turns.
    """

    def __init__(
        self, store: TileStore, *, batch: int, kind: str, seed: int, start: int, turns: int = 1
    ) -> None:
        self._store = store
        self._batch = batch
        self._kind = kind
        self._seed = seed
        self._turns = turns
        self._next = start
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="feed")
        self._waiting: deque[Future[Batch]] = deque()

    def _make(self, step: int) -> Batch:
        # Defect classes take turns; each is shown beside all undamaged images.
        labels, turns = self._store.labels, self._turns
        others = (labels == 1) & (self._store.defect_classes % turns != step % turns)
        known = np.where(others, -1, labels)
        indices = balanced_indices(known, self._batch, self._seed, step // turns)
        rng = np.random.default_rng((self._seed, 7, step))
        return augment(self._store.get(indices), self._kind, rng), self._store.labels[indices]

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        """The next step's batch; errors of the thread come out here."""
        while len(self._waiting) < _AHEAD:
            self._waiting.append(self._pool.submit(self._make, self._next))
            self._next += 1
        return self._waiting.popleft().result()

    def close(self) -> None:
        """Stop the thread; batches under way are dropped."""
        self._pool.shutdown(wait=True, cancel_futures=True)
