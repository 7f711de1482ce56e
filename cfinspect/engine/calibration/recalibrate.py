"""Fit a model's decisions to a new camera or line with a handful of labelled images."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.images import ImageError, read_image, resize_image
from cfinspect.engine.base.json_types import INLINE, json_object
from cfinspect.engine.base.progress import Progress, Ticks
from cfinspect.engine.calibration.certainty import (
    Answers,
    CalibrationCertainty,
    false_alarm_certainty,
    measured_certainty,
)
from cfinspect.engine.calibration.fit import (
    LabelledOutputs,
    cross_fitted_review,
    fit_decision,
    fit_score_threshold,
    shift_to_false_alarms,
)
from cfinspect.engine.calibration.head_refit import cross_validated, refit_head
from cfinspect.engine.calibration.subject import Subject, open_subject
from cfinspect.engine.data.dataset import CLASS_NAMES, Dataset, Sample
from cfinspect.engine.inference.backend import CloserLook, PlacedBackend
from cfinspect.engine.inference.inspector import Inspector
from cfinspect.engine.metrics.probability import logit, probabilities
from cfinspect.engine.metrics.review import ReviewMetrics, in_sample_review_metrics
from cfinspect.engine.model.file import load_metadata, require_inspecting
from cfinspect.engine.model.metadata import Decision, ModelMetadata

_LEAST = 5
_PIXELS = 4096
_SMALLEST = 1e-12
_SUREST = 1e6  # of log-odds: beyond it they are no answers of a network that has learned
FALSE_ALARMS = 0.05
_PHOTOS = (
    "there are photos that are inspected in windows: only the decisions were fitted, not D's class "
    "head, for which each image must be one square; tiles of them would do ('cfinspect tile')"
)


class CalibrationError(CfinspectError):
    """Too few images, or a class without any."""


@dataclass(frozen=True)
class CalibrationResult:
    """The decision before and after, how good it is, and what to expect of its review.

    ``review`` is by cross-validation over groups; from undamaged images alone, on these images.
    """

    old: Decision
    new: Decision
    certainty: CalibrationCertainty = field(metadata=INLINE)
    review: ReviewMetrics


def calibrate(
    model: Path,
    dataset: Dataset,
    out: Path,
    *,
    device: str = "auto",
    precision: str = "auto",
    review_rate: float,
    false_alarms: float = FALSE_ALARMS,
    progress: Progress = Progress(),
) -> CalibrationResult:
    """Refit a model's decisions to ``dataset`` and write it to ``out``; ``model`` stays as it is.

    Where D looks through the pretrained backbone, its class head is refitted, anchored to what it
    was; then, for all models, temperature, score threshold, mask threshold and review rule. Without
    any damaged image, only the score threshold moves, to ``false_alarms`` of the undamaged ones.
    A segmenter's threshold stays. The figures are also kept in the metadata of ``out``. Raises
    CalibrationError for fewer than five readable images of a class.
    """
    metadata = load_metadata(model)
    require_inspecting(model, metadata)
    if metadata.asks_each_class:
        raise CalibrationError(
            f"{model} has a D for each of several defect classes, which calibration cannot refit: "
            "train it with images of the new camera ('cfinspect train --from')"
        )
    loaded, old = open_subject(model, device, precision), metadata.decision
    both = any(sample.label for sample in dataset.samples)
    in_windows = metadata.preprocessing.in_windows
    photos = any(in_windows(sample.width, sample.height) for sample in dataset.samples)
    refits = both and loaded.backend.has_evidence and not photos
    ticks = Ticks(progress, len(dataset.samples) * (2 if refits else 1))
    start, answers = old, None
    if refits:
        loaded, start, answers = _refit(loaded, dataset, ticks)
    seen, samples = _look(loaded.backend, dataset, ticks, start)
    if both:
        answers = answers or Answers(seen.logits, seen.logits)
        if len(answers.after) != len(samples):
            raise CalibrationError("some images went away while they were looked at: start again")
        seen = dataclasses.replace(seen, logits=answers.after)
        groups = [sample.group for sample in samples]
        new = fit_decision(seen, review_rate, start=start)
        certainty = measured_certainty(answers, seen.labels, groups, old, start)
        review = cross_fitted_review(seen.logits, seen.labels, groups, review_rate, start)
        if photos and loaded.backend.has_evidence:
            certainty = dataclasses.replace(certainty, warnings=(*certainty.warnings, _PHOTOS))
    else:
        new = shift_to_false_alarms(old, seen.logits, false_alarms)
        certainty = false_alarm_certainty(seen.logits, old, new, false_alarms)
        p = probabilities(seen.logits, new.temperature)
        review = in_sample_review_metrics(new, p, seen.labels)
    result = CalibrationResult(old, new, certainty, review)
    _write(out, loaded, metadata, result, dataset, samples)
    return result


def _write(
    out: Path,
    model: Subject,
    metadata: ModelMetadata,
    result: CalibrationResult,
    dataset: Dataset,
    samples: list[Sample],
) -> None:
    calibration = {
        **json_object(result.certainty),
        "review": json_object(result.review),
        "fingerprint": dataset.fingerprint(),
    }
    notes = {**metadata.metrics, "calibration": calibration}
    metadata = dataclasses.replace(metadata.with_decision(result.new), metrics=notes)
    # These images have been looked at: an evaluation on them would flatter.
    digests = np.array([sample.digest for sample in samples], dtype=np.uint64)
    known = np.unique(np.concatenate([model.seen, digests]))
    model.save(out, metadata, known)


def _refit(model: Subject, dataset: Dataset, ticks: Ticks) -> tuple[Subject, Decision, Answers]:
    """The model with a refitted D, where its decisions start from, and its answers."""
    old, size = model.backend.metadata.decision, model.backend.metadata.preprocessing.size
    looks: list[CloserLook] = []
    samples = []
    for sample, image in _readable(dataset, ticks):
        looks.append(model.backend.look_closer(resize_image(image, size)[None]))
        samples.append(sample)
    labels, groups = _labels(samples, dataset), [sample.group for sample in samples]
    logits = np.concatenate([look.logits for look in looks])
    features = np.concatenate([look.features for look in looks])
    margin = logits[:, 1].astype(np.float64) - logits[:, 0]
    if not (np.abs(margin) < _SUREST).all():
        raise CalibrationError("the model's answers are no numbers that could be calibrated")
    refit = refit_head(margin, features, labels, groups, ticks)
    elsewhere = cross_validated(margin, features, labels, groups, ticks)
    after = logits.copy()
    after[:, 1] += elsewhere - margin
    start = dataclasses.replace(old, temperature=1 / refit.slope, score_threshold=0.5)
    # G goes by which of D's logits is larger, so the threshold should lie where they are equal.
    temperature, threshold = fit_score_threshold(after, labels, start)
    shift = -temperature * float(logit(threshold))
    after[:, 1] += shift
    start = dataclasses.replace(start, temperature=temperature)
    refit = dataclasses.replace(refit, shift=refit.shift + shift)
    return model.refitted(refit), start, Answers(logits, after)


def _look(
    backend: PlacedBackend, dataset: Dataset, ticks: Ticks, start: Decision
) -> tuple[LabelledOutputs, list[Sample]]:
    """The networks' answers on all readable images; a photo stands for its worst window.

    Which windows of a photo count as damaged depends on the decision, so that photos are looked
    at again, for their saliency, once the new one is known.
    """
    inspector = _inspector(backend, dataclasses.replace(start, temperature=1.0))
    logits, pixels = [], []
    samples: list[Sample] = []
    photos: list[int] = []
    for sample, image in _readable(dataset, ticks):
        found = inspector.inspect(image, ticks)
        if inspector.is_photo(image):
            photos.append(len(samples))
        # At temperature 1 the logarithms of the probabilities are the logits, up to a constant.
        logits.append(np.log(np.maximum([found.p0, found.p1, found.p_fake], _SMALLEST)))
        pixels.append(_some(found.saliency))
        samples.append(sample)
    labels = _labels(samples, dataset)
    answers = np.array(logits, dtype=np.float32)
    if photos and labels.any():
        temperature, threshold = fit_score_threshold(answers, labels, start)
        new = dataclasses.replace(start, temperature=temperature, score_threshold=threshold)
        inspector = _inspector(backend, new)
        for place in photos:
            image = read_image(samples[place].path)
            pixels[place] = _some(inspector.inspect(image, ticks).saliency)
    return LabelledOutputs(answers, np.array(pixels, dtype=np.float32), labels), samples


def _readable(dataset: Dataset, ticks: Ticks) -> Iterator[tuple[Sample, NDArray[np.uint8]]]:
    for sample in dataset.samples:
        try:
            image = read_image(sample.path)
        except ImageError:
            continue
        finally:
            ticks.tick()
        yield sample, image


def _labels(samples: Sequence[Sample], dataset: Dataset) -> NDArray[np.int64]:
    """0 and 1; CalibrationError where either is rare, but for a set without any damaged image."""
    both = any(sample.label for sample in dataset.samples)
    labels = np.array([sample.label for sample in samples], dtype=np.int64)
    for label, name in enumerate(CLASS_NAMES):
        count = int((labels == label).sum())
        if count < _LEAST and (both or not label):
            raise CalibrationError(
                f"calibration needs at least {_LEAST} readable images of each class, "
                f"but there are {count} {name} ones: add some"
            )
    return labels


def _inspector(backend: PlacedBackend, decision: Decision) -> Inspector:
    return Inspector(backend, decision=decision)


def _some(saliency: NDArray[np.float32]) -> NDArray[np.float32]:
    """As many pixels of every image, evenly spaced."""
    flat = saliency.reshape(-1)
    return flat[np.linspace(0, len(flat) - 1, _PIXELS).astype(np.intp)]
