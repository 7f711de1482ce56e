"""Inspect labelled images and put the figures of all parts into one report."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.images import ImageError, read_image, read_mask
from cfinspect.engine.base.progress import Progress
from cfinspect.engine.data.dataset import DAMAGED, Sample
from cfinspect.engine.inference.inspector import Inspection, Inspector
from cfinspect.engine.metrics.classification import classification
from cfinspect.engine.metrics.counterfactual import counterfactual
from cfinspect.engine.metrics.localisation import Localisation
from cfinspect.engine.metrics.review import review

ROW_FIELDS = (
    "file",
    "group",
    "label",
    "predicted",
    "score",
    "p0",
    "p1",
    "p_fake",
    "head",
    "flipped",
    "review",
    "reason",
    "mean_abs_change",
    "area_fraction",
    "iou",
    "error",
    "kind",
    "answer",
)


class EvaluationError(CfinspectError):
    """Images or masks that cannot be evaluated."""


@dataclass(frozen=True)
class Evaluation:
    """``report``: nested figures, JSON-able, None where undefined.

    ``rows``: one dict per image with the keys ROW_FIELDS, for a CSV; labels are 0 or 1, ``iou`` is
    None without a mask, and an unreadable image has its ``error`` and None for all figures.
    """

    report: dict[str, Any]
    rows: list[dict[str, Any]]


def evaluate(
    inspector: Inspector,
    samples: Sequence[Sample],
    *,
    progress: Progress = Progress(),
) -> Evaluation:
    """Inspect ``samples`` and compare with their labels and masks, at original resolution.

    The report has the parts classification, localisation (with ``missing_masks``: damaged images
    without one, not part of its figures), counterfactual, review, and left_out: files that could
    not be read, or whose mask could not be used, and why; of a model that knows several kinds of
    damage also kinds, see ``kinds_told``. ``progress`` is shown every
    image, and asked before it. Raises ``EvaluationError`` when no image can be read,
    ``Cancelled``: there is no report then.
    """
    reader = _Reader(samples, progress)
    gathered = _Gathered(tuple(inspector.backend.metadata.defect_classes))
    for done, found in enumerate(inspector.inspect_many(reader), start=1):
        gathered.add(reader.waiting.popleft(), found)
        progress.show(done + len(reader.left_out), len(samples))
    if not gathered.rows:
        why = f": {reader.left_out[0][1]}" if reader.left_out else "."
        raise EvaluationError(f"There is no image to evaluate{why}")
    report = gathered.report(inspector.backend.metadata.decision.score_threshold)
    report["left_out"] = [
        {"file": str(sample.path), "reason": reason}
        for sample, reason in [*reader.left_out, *gathered.bad_masks]
    ]
    return Evaluation(report, gathered.rows + [_error_row(*entry) for entry in reader.left_out])


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
        self.rows: list[dict[str, Any]] = []
        self._kinds = tuple(kinds)
        self._localisation = Localisation()
        self._missing_masks = 0
        self.bad_masks: list[tuple[Sample, str]] = []

    def add(self, sample: Sample, found: Inspection) -> None:
        """Take in one inspection."""
        self.rows.append(
            {
                "file": str(sample.path),
                "group": sample.group,
                "label": sample.label,
                "predicted": found.label,
                "score": found.score,
                "p0": found.p0,
                "p1": found.p1,
                "p_fake": found.p_fake,
                "head": found.head,
                "flipped": found.flipped,
                "review": found.review,
                "reason": found.reason,
                "mean_abs_change": float(found.saliency.mean(dtype=np.float64)),
                "area_fraction": found.area_fraction,
                "iou": self._locate(sample, found),
                "error": "",
                "kind": self._kinds[sample.defect_class] if self._kinds and sample.label else "",
                "answer": found.defect_class,
            }
        )

    def _locate(self, sample: Sample, found: Inspection) -> float | None:
        if sample.label != DAMAGED:
            return None
        if sample.mask is None:
            self._missing_masks += 1
            return None
        try:
            mask = read_mask(sample.mask)
        except ImageError as error:
            self._without_mask(sample, str(error))
            return None
        if mask.shape != found.mask.shape:
            self._without_mask(
                sample,
                f"The mask {sample.mask} has {mask.shape[1]} x {mask.shape[0]} px, its image "
                f"{found.mask.shape[1]} x {found.mask.shape[0]} (after the camera's rotation): "
                "make the mask as large as the image, or take it away.",
            )
            return None
        return self._localisation.add(mask, found.mask, found.saliency)

    def _without_mask(self, sample: Sample, reason: str) -> None:
        """One bad mask must not cost the figures of all other images."""
        self._missing_masks += 1
        self.bad_masks.append((sample, reason))

    def report(self, score_threshold: float) -> dict[str, Any]:
        """Compute all figures."""
        labels, predicted, scores = self._column("label", "predicted", "score")
        groups = [row["group"] for row in self.rows]
        told = {"kinds": kinds_told(self.rows, self._kinds)} if self._kinds else {}
        return told | {
            "classification": classification(labels, scores, score_threshold, groups),
            "localisation": self._localisation.result() | {"missing_masks": self._missing_masks},
            "counterfactual": counterfactual(
                predicted, *self._column("flipped", "mean_abs_change")
            ),
            "review": review(labels, predicted, scores, *self._column("p_fake", "review")),
        }

    def _column(self, *names: str) -> list[NDArray[np.float64]]:
        return [np.array([row[name] for row in self.rows], dtype=np.float64) for name in names]


def kinds_told(rows: Sequence[Mapping[str, Any]], kinds: Sequence[str]) -> dict[str, Any]:
    """How well defect classes are told apart, from the ``rows`` of an evaluation.

    ``names``: "" for undamaged, then the kinds; ``confusion``: images by true class (rows) and by
    answer (columns) in that order. ``accuracy``: share of images with the right answer of all
    classes; ``right_kind``: share of those damaged images that are found whose kind is right.
    """
    names = ["", *kinds]
    table = np.zeros((len(names), len(names)), dtype=np.int64)
    for row in rows:
        table[names.index(row["kind"]), names.index(row["answer"])] += 1
    found = int(table[1:, 1:].sum())
    return {
        "names": names,
        "confusion": table.tolist(),
        "accuracy": float(np.trace(table) / table.sum()),
        "right_kind": float(np.trace(table[1:, 1:]) / found) if found else None,
    }


def _error_row(sample: Sample, reason: str) -> dict[str, Any]:
    known = {
        "file": str(sample.path),
        "group": sample.group,
        "label": sample.label,
        "error": reason,
    }
    return dict.fromkeys(ROW_FIELDS) | known
