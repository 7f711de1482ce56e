"""All explainers of a model beside two that ask no network at all, to compare them with."""

from __future__ import annotations

import cv2
import numpy as np

from cfinspect.engine.base.progress import Progress
from cfinspect.engine.explain.classifier import Classifier
from cfinspect.engine.explain.protocol import Explainer, Images, Labels, Maps
from cfinspect.engine.explain.saliency import (
    Cfgan,
    Mapped,
    cam_layers,
    evidence,
    gradcam,
    has_evidence,
    have_cams,
    layercam,
    occlusion,
    rise,
)
from cfinspect.engine.inference.torch_backend import TorchBackend


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
    found: dict[str, Explainer] = {"cfgan": Cfgan(backend)}
    if have_cams() and cam_layers(classifier):
        found["gradcam"] = gradcam(classifier)
        found["gradcam, third stage"] = gradcam(classifier, 2)
        found["layercam"] = layercam(classifier)
    if has_evidence(classifier):
        found["evidence"] = evidence(classifier)
    found["rise"] = rise(classifier, rise_masks)
    found["occlusion"] = occlusion(classifier)
    found["black-hat"] = black_hat(classifier.size)
    found["darkness"] = darkness(classifier.size)
    return found
