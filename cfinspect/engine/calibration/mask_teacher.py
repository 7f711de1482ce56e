"""What a distillation learns from: squares of images, and the masks that G or people made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.images import ImageError, read_image, resize_image
from cfinspect.engine.base.progress import Progress
from cfinspect.engine.calibration.mask_training import DAMAGE, DOUBTFUL, SOUND, TaughtImages
from cfinspect.engine.data.dataset import DAMAGED, UNDAMAGED, Sample
from cfinspect.engine.data.tile_store import shrunk_mask
from cfinspect.engine.inference.backend import NetworkOutputs
from cfinspect.engine.inference.inspector import says_damaged
from cfinspect.engine.inference.saliency import clean_mask, saliency
from cfinspect.engine.inference.tiling import WindowGrid, pad_to
from cfinspect.engine.inference.torch_backend import TorchBackend
from cfinspect.engine.model.metadata import Decision, Preprocessing

ReadMask = Callable[[Path], NDArray[np.bool_]]

_BATCH = 64
_MOST_WINDOWS = 16  # of one photo: more of it would say the same again
MOST_SQUARES = 4000  # of a class: so many fit into memory, and all steps together see as many
_MOST_A_CLASS = 2000  # images: more than all steps together look at
_DOUBT = (0.6, 1.2)  # of the mask threshold: saliency that is neither
_HUMAN_WEIGHT = 3.0  # a person has looked


@dataclass(frozen=True, eq=False)
class Squares:
    """n squares as the networks see them: small images whole, photos as windows.

    ``images`` (n, S, S, 3) uint8; ``origin`` (n,): which of the images that were read each is of;
    ``labels`` (n,) of the whole images; ``human`` (n, S, S) bool, and ``has_human`` (n,) whether
    there is such a mask. ``bad_masks``: what is wrong with those that were left out.
    """

    images: NDArray[np.uint8]
    origin: NDArray[np.int64]
    labels: NDArray[np.int64]
    human: NDArray[np.bool_]
    has_human: NDArray[np.bool_]
    bad_masks: tuple[str, ...] = ()

    @property
    def damaged(self) -> NDArray[np.intp]:
        """Indices of the squares of damaged images."""
        return np.flatnonzero(self.labels == DAMAGED)


@dataclass(frozen=True, eq=False)
class Witnesses:
    """n held-out squares of damaged images that D calls damaged, and how they are marked so far.

    ``images`` (n, S, S, 3) uint8; ``rows`` (n,): which of the `Squares` these are; ``origin`` (n,)
    as there; ``old``: the model's masks so far, which are G's where it has no segmenter, ``human``:
    (n, S, S) bool; ``has_human`` (n,).
    """

    images: NDArray[np.uint8]
    rows: NDArray[np.intp]
    origin: NDArray[np.int64]
    old: NDArray[np.bool_]
    human: NDArray[np.bool_]
    has_human: NDArray[np.bool_]


def some_of(samples: Sequence[Sample], seed: int) -> list[Sample]:
    """The samples, or as many of each class as are worth their time; those with a mask first."""
    rng = np.random.default_rng(seed)
    kept: list[Sample] = []
    for label in (UNDAMAGED, DAMAGED):
        own = [samples[i] for i in rng.permutation(len(samples)) if samples[i].label == label]
        own.sort(key=lambda sample: sample.mask is None)
        kept += own[:_MOST_A_CLASS]
    return kept


def read_squares(
    samples: Sequence[Sample],
    preprocessing: Preprocessing,
    read_mask: ReadMask,
    progress: Progress,
    most: int = MOST_SQUARES,
) -> Squares:
    """Read the images and their human masks; those that cannot be used are left out.

    Of photos so many windows are taken that each class has about ``most`` squares at most.
    ``progress`` ticks once an image.
    """
    size = preprocessing.size
    count = Counter(sample.label for sample in samples)
    images, origin, labels, human, has_human = [], [], [], [], []
    bad_masks: list[str] = []
    for number, sample in enumerate(samples):
        progress.tick()
        try:
            image = read_image(sample.path)
        except ImageError:
            continue
        marked = None
        try:
            marked = _human_mask(sample, image.shape[:2], read_mask)
        except ImageError as error:
            bad_masks.append(str(error))
        windows = min(_MOST_WINDOWS, max(1, most // count[sample.label]))
        for square, mask in _cut(image, marked, preprocessing, windows):
            images.append(resize_image(square, size))
            origin.append(number)
            labels.append(sample.label)
            has_human.append(mask is not None)
            drawn = np.zeros((size, size), np.uint8) if mask is None else shrunk_mask(mask, size)
            human.append(drawn > 0)
    return Squares(
        np.array(images, np.uint8).reshape(-1, size, size, 3),
        np.array(origin, np.int64),
        np.array(labels, np.int64),
        np.array(human, np.bool_).reshape(-1, size, size),
        np.array(has_human, np.bool_),
        tuple(bad_masks),
    )


def teach(
    backend: TorchBackend, squares: Squares, by_humans: bool, progress: Progress
) -> TaughtImages:
    """The squares with G's masks, or where ``by_humans`` people's, which count for more.

    Undamaged images have empty masks. A square of a damaged image in which D sees no damage, or G
    marks none, is left out: whether it holds any nobody has said. ``progress`` ticks once a damaged
    square.
    """
    decision = backend.metadata.decision
    masks = np.full(squares.images.shape[:3], SOUND, np.uint8)
    taught = squares.labels != DAMAGED
    for rows in _batches(squares.damaged):
        raw = _run(backend, squares.images[rows], progress)
        change = saliency(squares.images[rows], raw.counterfactual)
        marked = teacher_masks(change, decision)
        told = np.where(marked, DAMAGE, SOUND).astype(np.uint8)
        level = decision.mask_threshold
        told[(change >= _DOUBT[0] * level) & (change < _DOUBT[1] * level)] = DOUBTFUL
        masks[rows] = told
        taught[rows] = says_damaged(raw.logits, decision) & marked.any(axis=(1, 2))
    weights = np.ones(len(masks), np.float32)
    if by_humans:
        own = squares.has_human & (squares.labels == DAMAGED)
        masks[own] = np.where(squares.human[own], DAMAGE, SOUND)
        weights[own] = _HUMAN_WEIGHT
        taught |= own
    labels = (masks == DAMAGE).any(axis=(1, 2)).astype(np.int64)
    return TaughtImages(squares.images[taught], masks[taught], weights[taught], labels[taught])


def witnesses(backend: TorchBackend, squares: Squares, most: int, progress: Progress) -> Witnesses:
    """Up to ``most`` of the squares; see the class.

    ``progress`` ticks once a damaged square.
    """
    decision = backend.metadata.decision
    found, marked = [np.empty(0, np.intp)], [np.empty((0, *squares.images.shape[1:3]), np.bool_)]
    for rows in _batches(squares.damaged):
        raw = _run(backend, squares.images[rows], progress)
        masks = _marks(backend, squares.images[rows], raw)
        # In a window of a photo there may be no damage; where nobody marks any, there is none.
        seen = (masks | squares.human[rows]).any(axis=(1, 2)) & says_damaged(raw.logits, decision)
        found.append(rows[seen])
        marked.append(masks[seen])
    every, old = np.concatenate(found), np.concatenate(marked)
    some = np.linspace(0, len(every) - 1, min(most, len(every))).astype(np.intp)
    kept = every[some]
    return Witnesses(
        squares.images[kept],
        kept,
        squares.origin[kept],
        old[some],
        squares.human[kept],
        squares.has_human[kept],
    )


def _batches(rows: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    """Those of the rows that go through the networks at once."""
    for start in range(0, len(rows), _BATCH):
        yield rows[start : start + _BATCH]


def _run(backend: TorchBackend, images: NDArray[np.uint8], progress: Progress) -> NetworkOutputs:
    progress.check()
    raw = backend.run(images)
    for _ in images:
        progress.tick()
    return raw


def _marks(
    backend: TorchBackend, images: NDArray[np.uint8], raw: NetworkOutputs
) -> NDArray[np.bool_]:
    """The masks of inspections so far."""
    metadata = backend.metadata
    if metadata.segmenter is None or raw.mask_probability is None:
        return teacher_masks(saliency(images, raw.counterfactual), metadata.decision)
    cut = np.float32(metadata.segmenter.mask_threshold)
    return cleaned(raw.mask_probability >= cut, metadata.decision)


def teacher_masks(change: NDArray[np.float32], decision: Decision) -> NDArray[np.bool_]:
    """G's masks from its saliency (n, S, S), as inspections made them before."""
    return cleaned(change >= np.float32(decision.mask_threshold), decision)


def cleaned(masks: NDArray[np.bool_], decision: Decision) -> NDArray[np.bool_]:
    """Masks (n, S, S) without the islands that inspections drop."""
    smallest = max(1, round(decision.min_area_fraction * masks[0].size))
    return np.stack([clean_mask(mask, smallest) for mask in masks])


def _human_mask(
    sample: Sample, shape: tuple[int, ...], read_mask: ReadMask
) -> NDArray[np.uint8] | None:
    """The person's mask of a damaged image (H, W), 0 or 255, or None.

    Raises ImageError for one that cannot be used.
    """
    if sample.mask is None or sample.label != DAMAGED:
        return None
    mask = read_mask(sample.mask)
    if mask.shape != shape:
        raise ImageError(sample.mask, "its size is not that of its image")
    return mask.astype(np.uint8) * np.uint8(255)


def _cut(
    image: NDArray[np.uint8],
    mask: NDArray[np.uint8] | None,
    preprocessing: Preprocessing,
    most: int,
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8] | None]]:
    """The image and its mask; where inspections look through windows, ``most`` windows of both."""
    if not preprocessing.in_windows(*image.shape[:2]):
        yield image, mask
        return
    tile = preprocessing.tile
    image = pad_to(image, tile)
    grid = list(WindowGrid(image.shape[0], image.shape[1], tile))
    if mask is not None:
        below, right = image.shape[0] - mask.shape[0], image.shape[1] - mask.shape[1]
        mask = np.pad(mask, ((0, below), (0, right)))
    count = min(len(grid), most)
    for place in np.linspace(0, len(grid) - 1, count).astype(int):
        window = grid[place]
        part = slice(window.y, window.y + tile), slice(window.x, window.x + tile)
        yield image[part], None if mask is None else mask[part]
