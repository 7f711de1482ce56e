"""Images in, inspections out: everything around the networks, without torch.

The networks sit behind ``Backend``. Small images are resized to the network's square and go in
batches. A large photo (scope "tiles", longer side above two tiles) goes through overlapping
windows:

- It is as bad as its worst place: score, p0, p1, p_fake, flip and head are those of the window with
  the highest score. There is no vote among windows: damage in a corner is seen by one window only,
  and a miss costs more than a look at the review queue.
- The change x' - x and the saliency of each window are weighted by how damaged it is
  (``damage_weight``), so that a clean window's imagined damage enters neither the mask nor the
  counterfactual: a photo's counterfactual is the photo with its damaged places repaired.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.images import resize_image
from cfinspect.engine.base.progress import Progress
from cfinspect.engine.data.ordered import OrderedThreads
from cfinspect.engine.inference.backend import Backend, InspectionError
from cfinspect.engine.inference.review_reason import ReviewReason, in_words, review_reasons
from cfinspect.engine.inference.saliency import clean_mask, mean_of_channels
from cfinspect.engine.inference.tiling import (
    Blender,
    FloatMap,
    Window,
    WindowGrid,
    damage_weight,
    pad_to,
    resize_map,
)
from cfinspect.engine.metrics.probability import probabilities, score
from cfinspect.engine.model.familiar import FamiliarImages
from cfinspect.engine.model.metadata import Decision

_BAND_ROWS = 256
_PENDING_PIXELS = 32_000_000  # of images that wait for a full batch: about 100 MB
_PENDING_OF_MANY = 2_000_000  # the same where several batches are under way, with what they made


@dataclass(frozen=True, eq=False)
class DefectClassResult:
    """What is said of one of several defect classes; ``saliency``: (H, W) uint8, 255 is 1.

    Where each has a G and a D (see ``multi_class``), what these say; where one D names them, its
    answer and the saliency times the class's probability.
    """

    label: int
    score: float
    p_fake: float
    saliency: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Inspection:
    """What the model says about one image of H x W px.

    ``label``: 1 damaged, 0 undamaged. ``score``: p1 / (p0 + p1). ``p0``, ``p1``, ``p_fake``: D's
    calibrated probabilities. ``flipped``: D gives x' the other label. ``review``: a human should
    look, ``reasons`` say why (else empty). ``saliency``: |x - x'|, (H, W) float32 in 0..1.
    ``counterfactual``: (H, W, 3) uint8. ``mask``: (H, W) bool, empty when undamaged; cut from
    ``mask_probability``, (H, W) float32 in 0..1, where the model has a segmenter, else from the
    saliency.
    ``area_fraction``: share of mask pixels. ``head``: G's own probability of damaged.
    ``defect_class``: the name of the class that is found and ``defect_classes`` what is said of
    each, where the model knows several; else empty. ``unlikeness``: how
    unlike the images that the model learned from (1 is the limit; of a photo the median of its
    windows), None where the model cannot tell.
    """

    label: int
    score: float
    p0: float
    p1: float
    p_fake: float
    flipped: bool
    review: bool
    reasons: tuple[ReviewReason, ...]
    saliency: NDArray[np.float32]
    counterfactual: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    area_fraction: float
    head: float
    defect_class: str = ""
    defect_classes: Mapping[str, DefectClassResult] = dataclasses.field(default_factory=dict)
    unlikeness: float | None = None
    mask_probability: NDArray[np.float32] | None = None

    @property
    def cut_map(self) -> NDArray[np.float32]:
        """What the mask is cut from, (H, W) in 0..1."""
        return self.saliency if self.mask_probability is None else self.mask_probability

    @property
    def reason(self) -> str:
        """``reasons`` in English words; empty without any."""
        return in_words(self.reasons)


def says_damaged(logits: NDArray[np.floating[Any]], decision: Decision) -> NDArray[np.bool_]:
    """Whether D's ``logits`` (n, 3) mean damaged by ``decision``: (n,)."""
    scores = score(probabilities(logits, decision.temperature))
    return np.asarray(scores >= decision.score_threshold)


@dataclass(frozen=True)
class _Answer:
    """The numbers for one square, after calibration."""

    score: float
    p: tuple[float, float, float]
    flipped: bool
    head: float
    unlikeness: float | None
    named: tuple[float, ...]


class Inspector:
    """Inspects images with a backend, ``batch`` squares at a time.

    A backend may say that no more than ``at_once`` squares should go through it, as somebody who
    asked to stop has to wait for them; and that it answers ``workers`` threads at the same time.
    ``decision``: another than the model's own.

    Not for several threads at once. Images are RGB uint8 of any size; anything else is a
    ``ValueError``. ``InspectionError`` when the networks answer with something that is no number.
    """

    def __init__(self, backend: Backend, batch: int = 64, decision: Decision | None = None) -> None:
        if batch < 1:
            raise ValueError(f"batch must be at least 1, got {batch}")
        self.backend = backend
        self.batch = batch
        self._at_once = min(batch, getattr(backend, "at_once", batch))
        self._closed = False
        self._threads = OrderedThreads(getattr(backend, "workers", 1), "inspect")
        # Only backends of the pretrained backbone have it; see ``TorchBackend``.
        self._familiar: FamiliarImages | None = getattr(backend, "familiar", None)
        self._decision = decision or backend.metadata.decision
        self._names = tuple(backend.metadata.defect_classes)
        self._segmenter = backend.metadata.segmenter
        self._preprocessing = backend.metadata.preprocessing

    @property
    def device(self) -> str:
        """Where the networks run, and why there, in words."""
        return str(getattr(self.backend, "device", "cpu"))

    def close(self) -> None:
        """Let the networks go and hand their memory back, where the backend holds any."""
        self._threads.close()
        self._closed = True
        close = getattr(self.backend, "close", None)
        if close is not None:
            close()

    def inspect(self, image: NDArray[np.uint8], progress: Progress = Progress()) -> Inspection:
        """Inspect one image (H, W, 3) uint8 at its own resolution; may raise ``Cancelled``."""
        return next(self.inspect_many([image], progress))

    def inspect_many(
        self, images: Iterable[NDArray[np.uint8]], progress: Progress = Progress()
    ) -> Iterator[Inspection]:
        """Inspect ``images``, in order; small ones share batches, large ones go one by one.

        Lazy: images are taken as results are asked for, at most a batch of them ahead, or one for
        each thread of the backend and one more; large ones are not taken ahead. Raises
        ``Cancelled`` in the middle of a large one once somebody asked to stop.
        """
        batches = self._batches(images)
        if self._closed:
            raise InspectionError("The model was closed: load it again.")
        for large, some in groupby(batches, self._is_large):
            if large:
                for (image,) in some:
                    if self.is_photo(image):
                        yield self._inspect_photo(image, progress)
                    else:
                        yield from self._inspect_whole([image])
            else:
                for found in self._threads.map(self._inspect_whole, some):
                    yield from found

    def _batches(self, images: Iterable[NDArray[np.uint8]]) -> Iterator[list[NDArray[np.uint8]]]:
        """Small images together, each large one alone; in order."""
        most = _PENDING_PIXELS if self._threads.workers == 1 else _PENDING_OF_MANY
        waiting: list[NDArray[np.uint8]] = []
        pixels = 0
        for image in images:
            if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
                raise ValueError(f"expected (H, W, 3) uint8, got {image.shape} {image.dtype}")
            large = self._is_large([image])
            if large and waiting:
                yield waiting
                waiting, pixels = [], 0
            waiting.append(image)
            pixels += image.shape[0] * image.shape[1]
            if large or len(waiting) >= self._at_once or pixels >= most:
                yield waiting
                waiting, pixels = [], 0
        if waiting:
            yield waiting

    def _is_large(self, batch: list[NDArray[np.uint8]]) -> bool:
        """Whether it goes alone: it has windows, or is too much to wait beside others."""
        height, width = batch[0].shape[:2]
        several = self._threads.workers > 1
        return self.is_photo(batch[0]) or (several and height * width > _PENDING_OF_MANY)

    def is_photo(self, image: NDArray[np.uint8]) -> bool:
        """Whether ``image`` (H, W, 3) goes through overlapping windows."""
        return self._preprocessing.in_windows(*image.shape[:2])

    def _inspect_whole(self, images: list[NDArray[np.uint8]]) -> Iterable[Inspection]:
        """One batch, on a thread of its own where there are several."""
        made = self._concluded(images)
        return made if self._threads.workers == 1 else list(made)

    def _concluded(self, images: list[NDArray[np.uint8]]) -> Iterator[Inspection]:
        answers, changes = self._run([resize_image(i, self._preprocessing.size) for i in images])
        for image, answer, change in zip(images, answers, changes, strict=True):
            height, width = image.shape[:2]
            full = resize_map(change, height, width)
            counterfactual = np.empty_like(image)
            for y in range(0, height, _BAND_ROWS):
                band = slice(y, y + _BAND_ROWS)
                counterfactual[band] = _changed(image[band], full[band, :, :3])
            maps = np.ascontiguousarray(np.moveaxis(full[:, :, 3:], 2, 0))
            yield self._conclude(answer, maps, counterfactual, height * width)

    def _inspect_photo(self, image: NDArray[np.uint8], progress: Progress) -> Inspection:
        tile, size = self._preprocessing.tile, self._preprocessing.size
        height, width = image.shape[:2]
        padded = pad_to(image, tile)
        maps = np.empty((self._maps, *padded.shape[:2]), dtype=np.float32)
        counterfactual = np.empty_like(padded)

        def finish(y: int, band: FloatMap) -> None:
            rows = slice(y, y + len(band))
            maps[:, rows] = np.moveaxis(band[:, :, 3:], 2, 0)
            counterfactual[rows] = _changed(padded[rows], band[:, :, :3])

        grid = WindowGrid(padded.shape[0], padded.shape[1], tile)
        blender = Blender(grid, 3 + self._maps, finish)
        answers: list[_Answer] = []

        def chunks() -> Iterator[list[Window]]:
            windows = iter(grid)
            while chunk := list(islice(windows, self._at_once)):
                progress.check()
                yield chunk

        def look(chunk: list[Window]) -> tuple[list[Window], list[_Answer], FloatMap]:
            squares = [resize_image(_cut(padded, w, tile), size) for w in chunk]
            return chunk, *self._run(squares)

        for chunk, found, changes in self._threads.map(look, chunks()):
            answers += found
            gates = damage_weight(
                np.array([answer.score for answer in found]), self._decision.score_threshold
            )
            for window, change, gate in zip(chunk, changes, gates, strict=True):
                blender.add(window, resize_map(change, tile, tile) * np.float32(gate))
        blender.close()
        worst = max(answers, key=lambda answer: answer.score)
        known = [answer.unlikeness for answer in answers if answer.unlikeness is not None]
        if known:
            worst = dataclasses.replace(worst, unlikeness=float(np.median(known)))
        maps = np.ascontiguousarray(maps[:, :height, :width])
        counterfactual = np.ascontiguousarray(counterfactual[:height, :width])
        return self._conclude(worst, maps, counterfactual, tile * tile)

    def _run(self, squares: list[NDArray[np.uint8]]) -> tuple[list[_Answer], FloatMap]:
        """Return the answers and the changes: x' - x, its mean absolute value, and where the
        model has a segmenter its probability; (n, S, S, 4 or 5).
        """
        batch = np.stack(squares)
        raw = self.backend.run(batch)
        answered = [raw.logits, raw.flipped_logits, raw.counterfactual, raw.head]
        if self._segmenter is not None:
            assert raw.mask_probability is not None
            answered.append(raw.mask_probability)
        if raw.named is not None:
            answered.append(raw.named)
        for values in answered:
            if not np.isfinite(values).all():
                raise InspectionError(
                    "The model's answer is not a number: its weights are damaged, or the chosen "
                    "precision is too coarse for it; try --precision fp32."
                )
        temperature, threshold = self._decision.temperature, self._decision.score_threshold
        p = probabilities(raw.logits, temperature)
        scores = score(p)
        others = score(probabilities(raw.flipped_logits, temperature))
        flipped = (scores >= threshold) != (others >= threshold)
        unlike: list[float | None] = [None] * len(batch)
        if self._familiar is not None and raw.appearance is not None:
            unlike = self._familiar.unlikeness(raw.appearance).tolist()
        named = np.empty((len(batch), 0)) if raw.named is None else raw.named
        answers = [
            _Answer(
                float(s), (float(q[0]), float(q[1]), float(q[2])), bool(f), float(h), u, tuple(n)
            )
            for s, q, f, h, u, n in zip(
                scores, p, flipped, raw.head, unlike, named.tolist(), strict=True
            )
        ]
        changes = np.empty((*batch.shape[:3], 3 + self._maps), dtype=np.float32)
        np.subtract(raw.counterfactual, batch / np.float32(255), out=changes[..., :3])
        changes[..., 3] = mean_of_channels(np.abs(changes[..., :3]))
        if self._segmenter is not None:
            changes[..., 4] = raw.mask_probability
        return answers, changes

    @property
    def _maps(self) -> int:
        """How many maps there are beside x' - x: the saliency, and a segmenter's probability."""
        return 1 if self._segmenter is None else 2

    def _conclude(
        self, answer: _Answer, maps: FloatMap, counterfactual: NDArray[np.uint8], area: int
    ) -> Inspection:
        """Put an inspection together.

        ``maps`` (1 or 2, H, W): see ``_maps``; ``area``: px of a window or of the whole image.
        """
        decision = self._decision
        saliency, cut_map, threshold = maps[0], maps[-1], decision.mask_threshold
        if self._segmenter is not None:
            threshold = self._segmenter.mask_threshold
        label = int(answer.score >= decision.score_threshold)
        if label:
            smallest = max(1, round(decision.min_area_fraction * area))
            mask = clean_mask(cut_map >= np.float32(threshold), smallest)
        else:
            mask = np.zeros(saliency.shape, dtype=np.bool_)
        p0, p1, p_fake = answer.p
        reasons = review_reasons(decision, answer.score, p_fake, answer.flipped)
        winner = ""
        if answer.named and label:
            winner = self._names[int(np.argmax(answer.named))]
        return Inspection(
            label=label,
            score=answer.score,
            p0=p0,
            p1=p1,
            p_fake=p_fake,
            flipped=answer.flipped,
            review=bool(reasons),
            reasons=reasons,
            saliency=saliency,
            counterfactual=counterfactual,
            mask=mask,
            area_fraction=float(mask.mean()),
            head=answer.head,
            defect_class=winner,
            defect_classes=self._each_class(answer, winner, saliency),
            unlikeness=answer.unlikeness,
            mask_probability=None if self._segmenter is None else cut_map,
        )

    def _each_class(
        self, answer: _Answer, winner: str, saliency: FloatMap
    ) -> dict[str, DefectClassResult]:
        """What is said of each defect class, where D names them."""
        if not answer.named:
            return {}
        return {
            name: DefectClassResult(
                int(name == winner),
                answer.score * share,
                answer.p[2],
                np.rint(saliency * np.float32(255 * share)).astype(np.uint8),
            )
            for name, share in zip(self._names, answer.named, strict=True)
        }


def _cut(image: NDArray[np.uint8], window: Window, tile: int) -> NDArray[np.uint8]:
    return image[window.y : window.y + tile, window.x : window.x + tile]


def _changed(image: NDArray[np.uint8], change: FloatMap) -> NDArray[np.uint8]:
    """Return ``image`` (h, w, 3) plus ``change`` (in units of the full range), clipped."""
    return np.clip(np.rint(image + change * np.float32(255)), 0, 255).astype(np.uint8)
