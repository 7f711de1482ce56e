from __future__ import annotations

import cv2
import numpy as np
import pytest

from cfinspect.masks.refine import snap_to_edges


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / (a | b).sum())


def scene(draw: str) -> tuple[np.ndarray, np.ndarray]:
    truth = np.zeros((160, 200), np.uint8)
    if draw == "blob":
        cv2.ellipse(truth, (100, 80), (50, 30), 20, 0, 360, 1, -1)
    else:
        cv2.line(truth, (20, 30), (180, 130), 1, 4)
    chance = np.random.default_rng(0)
    image = np.where(truth[..., None] > 0, (90, 60, 50), (170, 165, 160))
    noisy = np.clip(image + chance.normal(0, 8, image.shape), 0, 255).astype(np.uint8)
    return noisy, truth > 0


@pytest.mark.parametrize("draw", ["blob", "crack"])
def test_a_rough_mask_comes_nearer_to_the_truth(draw: str) -> None:
    image, truth = scene(draw)
    rough = cv2.dilate(truth.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    snapped = snap_to_edges(image, rough, radius=6)
    assert iou(snapped, truth) > 0.9 > iou(rough, truth) + 0.05
    assert np.array_equal(snapped, snap_to_edges(image, rough, radius=6))


def test_it_stays_within_its_radius() -> None:
    image, truth = scene("blob")
    shrunk = cv2.erode(truth.astype(np.uint8), np.ones((31, 31), np.uint8)) > 0
    snapped = snap_to_edges(image, shrunk, radius=4)
    reach = cv2.distanceTransform((~shrunk).astype(np.uint8), cv2.DIST_L2, 5)
    assert not (snapped & (reach > 4)).any()


def test_nothing_to_decide_changes_nothing() -> None:
    image, truth = scene("blob")
    assert not snap_to_edges(image, np.zeros_like(truth)).any()
    assert snap_to_edges(image, np.ones_like(truth)).all()
