"""Inspect labelled images and put the figures of all parts into one report."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.images import ImageError, read_image
from cfinspect.engine.base.json_types import INLINE, OMIT_NONE
from cfinspect.engine.base.progress import Progress
from cfinspect.engine.data.dataset import DAMAGED, Sample
from cfinspect.engine.inference.inspector import Inspection, Inspector
from cfinspect.engine.metrics.classification import ClassificationFigures, classification
from cfinspect.engine.metrics.counterfactual import CounterfactualFigures, counterfactual
from cfinspect.engine.metrics.localisation import Localisation, LocalisationFigures
from cfinspect.engine.metrics.review import ReviewFigures, review
from cfinspect.engine.model.unlikeness import UnlikeCount


class EvaluationError(CfinspectError):
    """Images or masks that cannot be evaluated."""


@dataclass(frozen=True)
class EvaluatedImage:
    """One image: its label, what the model says, and how well they agree; a row of images.csv.

    ``label`` and ``predicted`` are 0 or 1, ``kind`` and ``answer`` names of the kinds of damage or
    ""; ``mean_abs_change`` is mean |x - x'| and ``iou`` that of the masks, both in 0..1, ``iou``
    None without a true mask; ``unlikeness``: see ``Inspection``. An unreadable image has its
    ``error`` and None for all figures.
    """

    file: str
    group: str
    label: int
    predicted: int | None = None
    score: float | None = None
    p0: float | None = None
    p1: float | None = None
    p_fake: float | None = None
    head: float | None = None
    flipped: bool | None = None
    review: bool | None = None
    reason: str | None = None
    mean_abs_change: float | None = None
    area_fraction: float | None = None
    iou: float | None = None
    error: str = ""
    kind: str | None = None
    answer: str | None = None
    unlikeness: float | None = None


ROW_FIELDS = tuple(one.name for one in fields(EvaluatedImage))


@dataclass(frozen=True)
class LocalisationReport:
    """How well the masks fit, and how many damaged images have none to compare with."""

    figures: LocalisationFigures = field(metadata=INLINE)
    missing_masks: int


@dataclass(frozen=True)
class KindFigures:
    """How well kinds of damage are told apart.

    ``names``: "" for undamaged, then the kinds; ``confusion``: images by true class (rows) and by
    answer (columns) in that order. ``accuracy``: share of images with the right answer of all
    classes; ``right_kind``: share of those damaged images that are found whose kind is right,
    None where none is found.
    """

    names: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    accuracy: float
    right_kind: float | None


@dataclass(frozen=True)
class LeftOut:
    """A file that could not be read, or whose mask could not be used, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class EvaluationFigures:
    """The figures of all parts; ``kinds`` only of a model that knows several kinds of damage.

    ``unlike_share``: share of the images that are unlike those that the model learned from, where
    it can tell.
    """

    kinds: KindFigures | None = field(metadata=OMIT_NONE)
    classification: ClassificationFigures
    localisation: LocalisationReport
    counterfactual: CounterfactualFigures
    review: ReviewFigures
    left_out: tuple[LeftOut, ...]
    unlike_share: float | None = field(default=None, metadata=OMIT_NONE)


@dataclass(frozen=True)
class Evaluation:
    """The figures, and one row for each image: those that were read, then those that were not."""

    figures: EvaluationFigures
    rows: tuple[EvaluatedImage, ...]


def evaluate(
    inspector: Inspector,
    samples: Sequence[Sample],
    *,
    progress: Progress = Progress(),
) -> Evaluation:
    """Inspect ``samples`` and compare with their labels and masks, at original resolution.

    ``progress`` is shown every image, and asked before it. Raises ``EvaluationError`` when no image
    can be read, ``Cancelled``: there is no report then.
    """
    reader = _Reader(samples, progress)
    gathered = _Gathered(tuple(inspector.backend.metadata.defect_classes))
    for done, found in enumerate(inspector.inspect_many(reader, progress), start=1):
        gathered.add(reader.waiting.popleft(), found)
        progress.show(done + len(reader.left_out), len(samples))
    if not gathered.rows:
        why = f": {reader.left_out[0][1]}" if reader.left_out else "."
        raise EvaluationError(f"There is no image to evaluate{why}")
    left_out = [
        LeftOut(str(sample.path), reason)
        for sample, reason in [*reader.left_out, *gathered.bad_masks]
    ]
    threshold = inspector.backend.metadata.decision.score_threshold
    unreadable = [
        EvaluatedImage(str(sample.path), sample.group, sample.label, error=reason)
        for sample, reason in reader.left_out
    ]
    return Evaluation(gathered.figures(threshold, left_out), (*gathered.rows, *unreadable))


def with_names(found: Evaluation, name: Callable[[str], str]) -> Evaluation:
    """The evaluation with other names of its files: ``name`` gets a path as text."""
    left_out = tuple(replace(one, file=name(one.file)) for one in found.figures.left_out)
    return Evaluation(
        replace(found.figures, left_out=left_out),
        tuple(replace(row, file=name(row.file)) for row in found.rows),
    )


class _Reader:
    """Reads images as the inspector takes them, and remembers whose inspection comes next."""

    def __init__(self, samples: Sequence[Sample], progress: Progress) -> None:
        self._samples = samples
        self._progress = progress
        self.waiting: deque[Sample] = deque()
        self.left_out: list[tuple[Sample, str]] = []

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        for sample in self._samples:
            self._progress.check()
            try:
                image = read_image(sample.path)
            except ImageError as error:
                self.left_out.append((sample, str(error)))
                continue
            self.waiting.append(sample)
            yield image


class _Gathered:
    """Everything the figures need, without keeping any image."""

    def __init__(self, kinds: Sequence[str]) -> None:
        self.rows: list[EvaluatedImage] = []
        self._kinds = tuple(kinds)
        self._localisation = Localisation()
        self._missing_masks = 0
        self.bad_masks: list[tuple[Sample, str]] = []

    def add(self, sample: Sample, found: Inspection) -> None:
        """Take in one inspection."""
        self.rows.append(
            EvaluatedImage(
                file=str(sample.path),
                group=sample.group,
                label=sample.label,
                predicted=found.label,
                score=found.score,
                p0=found.p0,
                p1=found.p1,
                p_fake=found.p_fake,
                head=found.head,
                flipped=found.flipped,
                review=found.review,
                reason=found.reason,
                mean_abs_change=float(found.saliency.mean(dtype=np.float64)),
                area_fraction=found.area_fraction,
                iou=self._locate(sample, found),
                error="",
                kind=self._kinds[sample.defect_class] if self._kinds and sample.label else "",
                answer=found.defect_class,
                unlikeness=found.unlikeness,
            )
        )

    def _locate(self, sample: Sample, found: Inspection) -> float | None:
        if sample.label != DAMAGED:
            return None
        try:
            mask = sample.read_mask()
        except ImageError as error:
            self._without_mask(sample, str(error))
            return None
        if mask is None:
            self._missing_masks += 1
            return None
        if mask.shape != found.mask.shape:
            self._without_mask(
                sample,
                f"The mask {sample.mask} has {mask.shape[1]} x {mask.shape[0]} px, its image "
                f"{found.mask.shape[1]} x {found.mask.shape[0]} (after the camera's rotation): "
                "make the mask as large as the image, or take it away.",
            )
            return None
        return self._localisation.add(mask, found.mask, found.cut_map)

    def _without_mask(self, sample: Sample, reason: str) -> None:
        """One bad mask must not cost the figures of all other images."""
        self._missing_masks += 1
        self.bad_masks.append((sample, reason))

    def figures(self, score_threshold: float, left_out: Sequence[LeftOut]) -> EvaluationFigures:
        """Compute all figures."""
        labels, predicted, scores = self._column("label", "predicted", "score")
        groups = [row.group for row in self.rows]
        return EvaluationFigures(
            kinds=kinds_told(self.rows, self._kinds) if self._kinds else None,
            classification=classification(labels, scores, score_threshold, groups),
            localisation=LocalisationReport(self._localisation.result(), self._missing_masks),
            counterfactual=counterfactual(predicted, *self._column("flipped", "mean_abs_change")),
            review=review(labels, predicted, scores, *self._column("p_fake", "review")),
            left_out=tuple(left_out),
            unlike_share=unlike_count(self.rows).share,
        )

    def _column(self, *names: str) -> list[NDArray[np.float64]]:
        return [np.array([getattr(row, n) for row in self.rows], dtype=np.float64) for n in names]


def unlike_count(rows: Sequence[EvaluatedImage]) -> UnlikeCount:
    """How many images are unlike those that the model learned from."""
    count = UnlikeCount()
    for row in rows:
        count.add(row.unlikeness)
    return count


def kinds_told(rows: Sequence[EvaluatedImage], kinds: Sequence[str]) -> KindFigures:
    """How well defect classes are told apart, from the ``rows`` of images that were read."""
    names = ("", *kinds)
    table = np.zeros((len(names), len(names)), dtype=np.int64)
    for row in rows:
        table[names.index(row.kind or ""), names.index(row.answer or "")] += 1
    found = int(table[1:, 1:].sum())
    return KindFigures(
        names=names,
        confusion=tuple(tuple(int(count) for count in line) for line in table),
        accuracy=float(np.trace(table) / table.sum()),
        right_kind=float(np.trace(table[1:, 1:]) / found) if found else None,
    )
