"""What a training learns from and is watched by: read, split by group, decoded."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.events import CancelToken
from cfinspect.engine.base.progress import Cancelled, Progress
from cfinspect.engine.data.dataset import (
    DAMAGED,
    DataError,
    Dataset,
    LeftOut,
    Sample,
    read_folders,
    read_unlabelled,
)
from cfinspect.engine.data.folders import NoClassesError
from cfinspect.engine.data.settings import MaskValues
from cfinspect.engine.data.splits import split_by_group
from cfinspect.engine.data.tile_store import TileStore
from cfinspect.engine.model.metadata import MOST_ENLARGED, Preprocessing, Tta
from cfinspect.engine.training.config import TrainConfig

# More validation images cost time at every look and say little more about a training.
_MOST_VALIDATION = 1000
_MOST_PIXELS = 20_000_000


@dataclass(frozen=True)
class TrainingData:
    """``train``: the decoded training images; ``validation``: (n, S, S, 3) uint8 with labels (n,).

    ``validation_defect_classes`` (n,): which one; ``defect_class_count``: how many take turns, 1
    for one G and D. ``validation_groups`` (n,): their groups, numbered, as long as
    the set is whole. ``seen``: content hashes of both.
    """

    train: TileStore
    validation: NDArray[np.uint8]
    validation_labels: NDArray[np.int64]
    preprocessing: Preprocessing
    seen: NDArray[np.uint64]
    fingerprint: str
    counts: dict[str, int]
    left_out: tuple[LeftOut, ...]
    folders: tuple[str, ...]
    names: tuple[str, str]
    validation_defect_classes: NDArray[np.int64]
    validation_groups: NDArray[np.int64]
    defect_class_count: int = 1

    def in_turns(self, turns: int) -> TrainingData:
        """For so many defect classes that take turns; of one, everything damaged is of it."""
        if turns > 1:
            return self
        zeros = np.zeros_like(self.validation_defect_classes)
        return dataclasses.replace(self, validation_defect_classes=zeros, defect_class_count=1)

    def of_defect_class(self, defect_class: int) -> TrainingData:
        """With the validation images of one defect class, and all undamaged ones."""
        if self.defect_class_count == 1:
            return self
        kept = (self.validation_labels != DAMAGED) | (
            self.validation_defect_classes == defect_class
        )
        return dataclasses.replace(
            self,
            validation=self.validation[kept],
            validation_labels=self.validation_labels[kept],
            validation_defect_classes=np.full(int(kept.sum()), defect_class),
            defect_class_count=1,
        )

    def joined(self) -> TrainingData:
        """The validation images of all classes, one class after the other."""
        if self.defect_class_count == 1:
            return self
        parts = [self.of_defect_class(index) for index in range(self.defect_class_count)]
        return dataclasses.replace(
            self,
            validation=np.concatenate([part.validation for part in parts]),
            validation_labels=np.concatenate([part.validation_labels for part in parts]),
            validation_defect_classes=np.concatenate(
                [part.validation_defect_classes for part in parts]
            ),
            defect_class_count=1,
        )


Result = TypeVar("Result")


def gather(
    config: TrainConfig, cancel: CancelToken
) -> Generator[tuple[int, int], None, TrainingData | None]:
    """Read, split and decode; yields (files done, of how many), returns None when cancelled."""

    def read(progress: Progress) -> Dataset:
        folders = [Path(folder) for folder in config.data]
        try:
            return read_folders(
                folders,
                undamaged=config.undamaged,
                damaged=config.damaged,
                defect_classes=config.defect_class_names,
                mask_values=MaskValues(config.mask_values),
                allow_one_class=not config.needs_classes,
                progress=progress,
            )
        except NoClassesError:
            if config.needs_classes:
                raise
            return read_unlabelled(folders, progress)

    try:
        dataset = yield from watched(read, cancel)
        parts = split(dataset, config)
        stores = yield from _decoded(parts, config, cancel)
    except Cancelled:
        return None
    return _pack(config, dataset, parts, stores["train"], stores["validation"])


def _decoded(
    parts: dict[str, list[Sample]], config: TrainConfig, cancel: CancelToken
) -> Generator[tuple[int, int], None, dict[str, TileStore]]:
    stores: dict[str, TileStore] = {}
    for name in ("train", "validation"):
        memory = int(config.memory_gb * 2**30)
        masks = name == "train" and config.method == "segmenter"
        if masks:
            _require_masks(parts[name])
        stores[name] = store = TileStore(
            parts[name], config.size, memory_limit_bytes=memory, masks=masks
        )
        yield from watched(store.load, cancel)
    return stores


class _Latest(Progress):
    """How far a thread's work is, for another thread to look at."""

    def __init__(self, cancel: CancelToken) -> None:
        self._cancel = cancel
        self.latest = (0, 0)
        self.left = False  # nobody listens any more

    @property
    def cancelled(self) -> bool:
        return self._cancel.cancelled or self.left

    def show(self, done: int, total: int | None = None) -> None:
        self.latest = (done, total or 0)


def watched(
    work: Callable[[Progress], Result], cancel: CancelToken
) -> Generator[tuple[int, int], None, Result]:
    """Run ``work`` in a thread and yield how far it is, a few times a second."""
    progress = _Latest(cancel)
    with ThreadPoolExecutor(1, "read") as pool:
        future = pool.submit(work, progress)
        try:
            while not future.done():
                wait([future], timeout=0.2)
                yield progress.latest
            return future.result()
        finally:
            progress.left = True


def split(dataset: Dataset, config: TrainConfig) -> dict[str, list[Sample]]:
    """Parts "train", "validation" and, with ``holdout``, "held_out"; by group and content.

    The held-out share depends on ``holdout_seed`` alone: trainings with several seeds are then
    measured on the same images.
    """
    rest, held_out = list(dataset.samples), []
    if config.holdout > 0:
        shares = {"rest": 1 - config.holdout, "held_out": config.holdout}
        first = split_by_group(rest, shares, config.holdout_seed)
        rest, held_out = first["rest"], first["held_out"]
    share = config.validation / (1 - config.holdout)
    second = split_by_group(rest, {"train": 1 - share, "validation": share}, config.seed)
    return {**second, "held_out": held_out}


def _require_masks(samples: list[Sample]) -> None:
    without = [one.path for one in samples if one.label == DAMAGED and one.mask is None]
    if without:
        raise DataError(
            f"the segmenter learns from masks, and {len(without)} damaged images have none "
            f"(first: {without[0]}): put masks/<name>.png beside the folders of the classes"
        )


def _pack(
    config: TrainConfig,
    dataset: Dataset,
    parts: dict[str, list[Sample]],
    train: TileStore,
    validation: TileStore,
) -> TrainingData:
    for name, store in (("training", train), ("validation", validation)):
        if config.needs_classes and len(np.unique(store.labels)) < 2:
            raise DataError(
                f"after the split by group the {name} part has only one class: give more images, "
                "or finer groups in labels.csv"
            )
        for index, class_name in enumerate(config.defect_class_names):
            if not ((store.labels == DAMAGED) & (store.defect_classes == index)).any():
                raise DataError(
                    f"after the split by group the {name} part has no {class_name} image: give "
                    "more of them, or finer groups in labels.csv"
                )
    turns = 0 if config.names_classes else validation.defect_classes
    chosen = _subset(validation.labels + turns, config.size)
    left_out = (*dataset.left_out, *train.left_out, *validation.left_out)
    both = [*train.samples, *validation.samples]
    counts = dataset.counts() | {
        "training": len(train.samples),
        "validation": len(validation.samples),
        "held_out": len(parts["held_out"]),
        "left_out": len(left_out),
    }
    groups = [sample.group for sample in validation.samples]
    data = TrainingData(
        train=train,
        validation=validation.get(chosen),
        validation_labels=validation.labels[chosen],
        preprocessing=_preprocessing(config, both),
        seen=np.array([sample.digest for sample in both], dtype=np.uint64),
        fingerprint=dataset.fingerprint(),
        counts=counts,
        left_out=left_out,
        folders=tuple(Path(folder).resolve().name for folder in config.data),
        names=dataset.names,
        validation_defect_classes=validation.defect_classes[chosen],
        validation_groups=np.unique(groups, return_inverse=True)[1][chosen],
        defect_class_count=max(1, len(config.defect_class_names)),
    )
    validation.close()
    return data


def _subset(classes: NDArray[np.int64], size: int) -> NDArray[np.intp]:
    """All validation images, or as many as are worth their time and memory, of all classes.

    ``classes``: 0 for undamaged, then the defect classes that take turns. Undamaged images are
    looked at with every class and count as often.
    """
    most = min(_MOST_VALIDATION, max(64, _MOST_PIXELS // size**2))
    rng = np.random.default_rng(0)
    parts = [rng.permutation(np.flatnonzero(classes == one)) for one in np.unique(classes)]
    looks = [max(1, len(parts) - 1), *([1] * (len(parts) - 1))]
    # The rarest first: what they leave is for the others.
    left, kept = most, {}
    order = sorted(range(len(parts)), key=lambda place: len(parts[place]) * looks[place])
    for done, place in enumerate(order):
        room = max(1, left // (len(order) - done) // looks[place])
        kept[place] = parts[place][:room]
        left -= len(kept[place]) * looks[place]
    return np.sort(np.concatenate([kept[place] for place in range(len(parts))]))


def _preprocessing(config: TrainConfig, samples: list[Sample]) -> Preprocessing:
    """Tiles where all training images are squares of one size: then larger photos go by windows."""
    sides = {side for sample in samples for side in (sample.width, sample.height)}
    uniform = len(sides) == 1 and min(sides) * MOST_ENLARGED >= config.size
    if config.scope == "tiles" and not uniform:
        raise DataError(
            "--scope tiles needs square training images of one size, and no smaller than a "
            "sixteenth of --size: cut the photos into tiles, or use --scope whole"
        )
    tta = cast(Tta, config.tta)  # one of them: the settings are checked
    if config.scope == "whole" or not uniform:
        return Preprocessing(size=config.size, scope="whole", tta=tta)
    return Preprocessing(size=config.size, scope="tiles", tile=sides.pop(), tta=tta)
