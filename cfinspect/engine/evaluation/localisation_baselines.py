"""How well other saliencies find the damage, beside the counterfactual's, by one rule for all."""

from __future__ import annotations

import time
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.images import ImageError, read_image, resize_image
from cfinspect.engine.base.progress import Progress
from cfinspect.engine.calibration.fit import fit_mask_threshold
from cfinspect.engine.data.dataset import DAMAGED, Sample
from cfinspect.engine.evaluation.part_figures import BaselineFigures
from cfinspect.engine.explain.cam import cam_layers, gradcam, have_cams, layercam
from cfinspect.engine.explain.classifier import Classifier, OwnClassifier
from cfinspect.engine.explain.protocol import Explainer, Images, Labels, Maps
from cfinspect.engine.explain.saliency import (
    Cfgan,
    Mapped,
    evidence,
    has_evidence,
    occlusion,
    rise,
)
from cfinspect.engine.inference.forward import classify
from cfinspect.engine.inference.inspector import Inspector, says_damaged
from cfinspect.engine.inference.tiling import resize_map
from cfinspect.engine.inference.torch_backend import TorchBackend
from cfinspect.engine.metrics.localisation import Localisation

_BATCH = 32


def baselines(
    backend: TorchBackend,
    samples: Sequence[Sample],
    count: int,
    *,
    rise_masks: int = 400,
    seed: int = 0,
    progress: Progress = Progress(),
) -> dict[str, BaselineFigures]:
    """Localisation figures of each explainer, by its name.

    ``count`` of the damaged images that have a mask and are looked at as a whole, at their own
    resolution. Where D says undamaged, the mask is empty for every explainer. All thresholds are
    the median of Otsu's over these images' own saliencies, without a look at a mask; ``oracle_iou``
    has looked. Raises ``Cancelled``, and CfinspectError where no
    image has a mask.
    """
    images, masks = _with_masks(backend, samples, count, seed)
    size = backend.metadata.preprocessing.size
    squares = np.stack([resize_image(image, size) for image in images])
    said = _said(backend, squares)
    named = explainers(backend, OwnClassifier(backend, "D"), rise_masks)
    undamaged = np.zeros(len(squares), dtype=np.int64)
    result: dict[str, BaselineFigures] = {}
    for done, (name, explainer) in enumerate(named.items(), start=1):
        begun = time.perf_counter()
        parts = []
        for start in range(0, len(squares), _BATCH):
            progress.check()
            chosen = slice(start, start + _BATCH)
            parts.append(explainer.explain(squares[chosen], undamaged[chosen]).saliency)
        spent = time.perf_counter() - begun
        saliency = np.concatenate(parts)
        shown = saliency[said] if said.any() else saliency
        threshold = fit_mask_threshold(shown)
        found = Localisation()
        for mask, change, damaged in zip(masks, saliency, said, strict=True):
            full = resize_map(change, *mask.shape)
            found.add(mask, (full >= threshold) & damaged, full)
        result[name] = BaselineFigures(found.result(), threshold, spent / len(squares))
        progress.show(done, len(named))
    return result


def _with_masks(
    backend: TorchBackend, samples: Sequence[Sample], count: int, seed: int
) -> tuple[list[NDArray[np.uint8]], list[NDArray[np.bool_]]]:
    chosen = [one for one in samples if one.label == DAMAGED and one.mask is not None]
    inspector = Inspector(backend)
    images: list[NDArray[np.uint8]] = []
    masks: list[NDArray[np.bool_]] = []
    for place in np.random.default_rng(seed).permutation(len(chosen)):
        if len(images) == count:
            break
        try:
            image = read_image(chosen[place].path)
            mask = chosen[place].read_mask()
        except ImageError:
            continue
        if mask is None or mask.shape != image.shape[:2] or inspector.is_photo(image):
            continue
        images.append(image)
        masks.append(mask)
    if not images:
        raise CfinspectError(
            "no damaged image that is looked at as a whole has a mask to compare with: put "
            "masks/<name>.png beside the folders of the classes"
        )
    return images, masks


def _said(backend: TorchBackend, squares: NDArray[np.uint8]) -> NDArray[np.bool_]:
    tta = backend.metadata.preprocessing.tta
    logits = classify(backend.discriminator, squares, backend.device, tta, _BATCH)
    return says_damaged(logits, backend.metadata.decision)


def black_hat(size: int) -> Mapped:
    """Dark and thin: morphological closing minus the image, no network at all."""

    def maps(images: Images, sign: Labels, progress: Progress) -> Maps:
        wide = max(3, images.shape[1] // 8) | 1
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (wide, wide))
        found = [
            cv2.morphologyEx(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.MORPH_BLACKHAT, kernel)
            for image in images
        ]
        return np.stack(found).astype(np.float32) / np.float32(255)

    return Mapped("black-hat", size, maps, 0)


def darkness(size: int) -> Mapped:
    """One minus the brightness, no network at all."""

    def maps(images: Images, sign: Labels, progress: Progress) -> Maps:
        found: Maps = 1 - images.mean(axis=3, dtype=np.float32) / np.float32(255)
        return found

    return Mapped("darkness", size, maps, 0)


def explainers(
    backend: TorchBackend, classifier: Classifier, rise_masks: int = 400
) -> dict[str, Explainer]:
    """All that work on this model and with what is installed, by name."""
    found: dict[str, Explainer] = {"cfgan": Cfgan(backend, classifier)}
    if have_cams() and cam_layers(classifier):
        found["gradcam"] = gradcam(classifier)
        found["gradcam, third stage"] = gradcam(classifier, 2)
        found["layercam"] = layercam(classifier)
    if has_evidence(backend):
        found["evidence"] = evidence(backend, classifier.name)
    found["rise"] = rise(classifier, rise_masks)
    found["occlusion"] = occlusion(classifier)
    found["black-hat"] = black_hat(classifier.size)
    found["darkness"] = darkness(classifier.size)
    return found
