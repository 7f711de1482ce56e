"""Fit a model's decisions to a new camera or line with a handful of labelled images."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.device import choose_device
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.images import ImageError, read_image
from cfinspect.engine.base.json_types import INLINE, json_object
from cfinspect.engine.base.probability import probabilities, score
from cfinspect.engine.base.progress import Progress
from cfinspect.engine.calibration.fit import LabelledOutputs, fit_decision, fit_score_threshold
from cfinspect.engine.data.dataset import CLASS_NAMES, Dataset, Sample
from cfinspect.engine.inference.inspector import Inspector
from cfinspect.engine.inference.torch_backend import TorchBackend
from cfinspect.engine.metrics.classification import auroc
from cfinspect.engine.metrics.review import (
    InSampleReviewMetrics,
    in_sample_review_metrics,
    wilson,
)
from cfinspect.engine.model.file import (
    load_metadata,
    load_model,
    require_inspecting,
    save_model,
)
from cfinspect.engine.model.metadata import Decision

_LEAST = 5
_SURE = 50
_WEAK = 0.8
_MOST_FOLDS = 50
_PIXELS = 4096
_SMALLEST = 1e-12


class CalibrationError(CfinspectError):
    """Too few images, or a class without any."""


@dataclass(frozen=True)
class CalibrationCertainty:
    """How good a refit is, on images that it was not fitted to, and how sure that is.

    ``n`` images; ``auroc`` of D's margin, which no threshold can mend; ``error_old`` and
    ``error_new``: share of wrong labels before and after, the latter by cross-validation, with its
    95 % interval; ``warnings``: sentences.
    """

    n: int
    auroc: float | None
    error_old: float
    error_new: float
    error_new_ci95: tuple[float, float]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class CalibrationResult:
    """The decision before and after, how good it is, and what it does on the images fitted to."""

    old: Decision
    new: Decision
    certainty: CalibrationCertainty = field(metadata=INLINE)
    review: InSampleReviewMetrics


def calibrate(
    model: Path,
    dataset: Dataset,
    out: Path,
    *,
    device: str = "auto",
    precision: str = "auto",
    review_rate: float,
    progress: Progress = Progress(),
) -> CalibrationResult:
    """Refit temperature, score threshold, mask threshold and review rule; write them to ``out``.

    The weights stay as they are, and so do the file ``model`` and a segmenter's threshold. The
    figures are also kept in the
    metadata of ``out``. Raises CalibrationError for fewer than five readable images of a class.
    """
    require_inspecting(model, load_metadata(model))
    loaded = load_model(model)
    metadata = loaded.metadata
    if metadata.defect_classes:
        raise CalibrationError(
            f"{model} knows several defect classes, which calibration cannot refit: train it with "
            "images of the new camera ('cfinspect train --from')"
        )
    old = metadata.decision
    backend = TorchBackend(loaded, choose_device(device, precision))
    seen, digests = _look(backend, dataset, progress)
    new = fit_decision(seen, review_rate, start=old)
    p = probabilities(seen.logits, new.temperature)
    result = CalibrationResult(
        old, new, _certainty(seen, old), in_sample_review_metrics(new, p, seen.labels)
    )
    calibration = {
        **json_object(result.certainty),
        "review": json_object(result.review),
        "fingerprint": dataset.fingerprint(),
    }
    notes = {**metadata.metrics, "calibration": calibration}
    metadata = dataclasses.replace(metadata, decision=new, metrics=notes)
    # These images have been looked at: an evaluation on them would flatter.
    known = np.unique(np.concatenate([loaded.seen, digests]))
    save_model(out, dataclasses.replace(loaded, metadata=metadata, seen=known))
    return result


def _look(
    backend: TorchBackend, dataset: Dataset, progress: Progress
) -> tuple[LabelledOutputs, NDArray[np.uint64]]:
    """The networks' answers on all readable images; a photo stands for its worst window.

    Which windows of a photo count as damaged depends on the decision, so that photos are looked
    at again, for their saliency, once the new one is known.
    """
    old = backend.metadata.decision
    inspector = _inspector(backend, dataclasses.replace(old, temperature=1.0))
    logits, pixels = [], []
    samples: list[Sample] = []
    photos: list[int] = []
    for index, sample in enumerate(dataset.samples):
        try:
            image = read_image(sample.path)
        except ImageError:
            continue
        finally:
            progress.step(index + 1, len(dataset.samples))
        found = inspector.inspect(image)
        if inspector.is_photo(image):
            photos.append(len(samples))
        # At temperature 1 the logarithms of the probabilities are the logits, up to a constant.
        logits.append(np.log(np.maximum([found.p0, found.p1, found.p_fake], _SMALLEST)))
        pixels.append(_some(found.saliency))
        samples.append(sample)
    labels = np.array([sample.label for sample in samples], dtype=np.int64)
    for label, name in enumerate(CLASS_NAMES):
        if (count := int((labels == label).sum())) < _LEAST:
            raise CalibrationError(
                f"calibration needs at least {_LEAST} readable images of each class, "
                f"but there are {count} {name} ones: add some"
            )
    answers = np.array(logits, dtype=np.float32)
    if photos:
        temperature, threshold = fit_score_threshold(answers, labels, old)
        new = dataclasses.replace(old, temperature=temperature, score_threshold=threshold)
        inspector = _inspector(backend, new)
        for place in photos:
            image = read_image(samples[place].path)
            pixels[place] = _some(inspector.inspect(image).saliency)
    seen = LabelledOutputs(answers, np.array(pixels, dtype=np.float32), labels)
    return seen, np.array([sample.digest for sample in samples], dtype=np.uint64)


def _inspector(backend: TorchBackend, decision: Decision) -> Inspector:
    backend.metadata = dataclasses.replace(backend.metadata, decision=decision)
    return Inspector(backend)


def _some(saliency: NDArray[np.float32]) -> NDArray[np.float32]:
    """As many pixels of every image, evenly spaced."""
    flat = saliency.reshape(-1)
    return flat[np.linspace(0, len(flat) - 1, _PIXELS).astype(np.intp)]


def _certainty(seen: LabelledOutputs, old: Decision) -> CalibrationCertainty:
    """How good the refit is, measured on images it was not fitted to, and how sure that is."""
    count = len(seen.labels)
    folds = np.random.default_rng(0).permutation(count) % min(count, _MOST_FOLDS)
    wrong_new = 0
    for fold in np.unique(folds):
        rest, left = folds != fold, folds == fold
        temperature, threshold = fit_score_threshold(seen.logits[rest], seen.labels[rest], old)
        said = score(probabilities(seen.logits[left], temperature)) >= threshold
        wrong_new += int((said != (seen.labels[left] == 1)).sum())
    said = score(probabilities(seen.logits, old.temperature)) >= old.score_threshold
    wrong_old = int((said != (seen.labels == 1)).sum())
    low, high = wilson(wrong_new, count) or (0.0, 1.0)
    margin = seen.logits[:, 1] - seen.logits[:, 0]
    fewest = int(np.bincount(seen.labels, minlength=2).min())
    warnings = []
    if fewest < _SURE:
        warnings.append(
            f"only {fewest} images of the rarer class: the error after calibration lies "
            f"between {low:.1%} and {high:.1%} (95 % interval)"
        )
    area = auroc(seen.labels, margin)
    if area is not None and area < _WEAK:
        warnings.append(
            f"the model ranks these images badly (AUROC {area:.2f}): no threshold mends that, "
            "fine-tune it with 'cfinspect train --from'"
        )
    if wrong_new > wrong_old:
        warnings.append("the old thresholds make fewer errors on these images: keep the old model")
    return CalibrationCertainty(
        n=count,
        auroc=area,
        error_old=wrong_old / count,
        error_new=wrong_new / count,
        error_new_ci95=(low, high),
        warnings=tuple(warnings),
    )
