"""After a training: G's masks of the images that it learned from teach a segmenter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.images import ImageError
from cfinspect.engine.base.progress import Progress
from cfinspect.engine.calibration.distillable import DistillationError
from cfinspect.engine.calibration.distillation import (
    Distillation,
    DistillationResult,
    DistillationSettings,
)
from cfinspect.engine.calibration.mask_teacher import Squares
from cfinspect.engine.data.dataset import CLASS_NAMES, Dataset
from cfinspect.engine.data.tile_store import TileStore
from cfinspect.engine.model.file import load_model

_MOST = 600  # of a class, to learn from
_WITNESSES = 150


def learn_own_masks(
    path: Path,
    train: TileStore,
    validation: Squares,
    groups: NDArray[np.int64],
    *,
    steps: int,
    seed: int,
    device: str,
    precision: str,
    progress: Progress,
) -> DistillationResult:
    """Teach a segmenter G's masks of ``train``, and write it into the model file at ``path`` where
    it marks better on ``validation``, whose ``groups`` are (n,), by evidence that needs no masks.

    ``progress`` steps through the whole of it. Raises DistillationError where there is too little
    to learn from or a file has gone since, CfinspectError where memory does not suffice, and
    ``Cancelled``: the file is left as it was then.
    """
    rng = np.random.default_rng(seed)
    rows = np.concatenate(
        [rng.permutation(np.flatnonzero(train.labels == label))[:_MOST] for label in (0, 1)]
    )
    try:
        taught = squares_of(train.get(rows)[..., :3], train.labels[rows])
    except ImageError as error:
        raise DistillationError(str(error)) from error
    work = Distillation(
        load_model(path),
        Dataset((), (), CLASS_NAMES),
        _no_mask,
        DistillationSettings(steps=steps, seed=seed, witnesses=_WITNESSES),
        device=device,
        precision=precision,
    )
    try:
        work.look_at(taught, validation, groups, progress)
        work.teach(progress)
        result = work.compare(progress)
        progress.check()
        if result.accepted:
            work.save(path, result)
    finally:
        work.close()
    return result


def squares_of(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> Squares:
    """Images (n, S, S, 3) with labels (n,) and without human masks."""
    count, *shape = images.shape[:3]
    return Squares(
        images,
        np.arange(count),
        labels,
        np.zeros((count, *shape), np.bool_),
        np.zeros(count, np.bool_),
    )


def _no_mask(mask: Path) -> NDArray[np.bool_]:
    raise AssertionError(f"nobody gave a mask, and {mask} was asked for")
