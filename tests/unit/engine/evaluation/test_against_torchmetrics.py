"""Our measures, which know groups and weights, give what torchmetrics gives without them."""

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import (
    binary_accuracy,
    binary_auroc,
    binary_average_precision,
    binary_calibration_error,
    binary_f1_score,
    binary_jaccard_index,
    binary_precision,
    binary_recall,
)

from cfinspect.engine.evaluation.uncertainty import calibration_error
from cfinspect.engine.metrics.classification import auroc, average_precision, classification
from cfinspect.engine.metrics.localisation import Localisation


@pytest.fixture(params=[0, 1, 2])
def answers(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray]:
    """Labels and scores of 300 images; the last seed has many equal scores."""
    rng = np.random.default_rng(request.param)
    labels = (rng.random(300) < 0.4).astype(np.int64)
    scores = 1 / (1 + np.exp(-(labels * 2 - 1 + rng.normal(0, 1.5, 300))))
    return labels, np.round(scores, 1) if request.param == 2 else scores


def test_classification(answers: tuple[np.ndarray, np.ndarray]) -> None:
    labels, scores = answers
    found = classification(labels, scores, 0.45)
    target, given = torch.from_numpy(labels), torch.from_numpy(scores)
    # torchmetrics calls damaged what is above the threshold, we what reaches it.
    said = (given >= 0.45).long()
    for name, measure in (
        ("f1", binary_f1_score),
        ("accuracy", binary_accuracy),
        ("precision", binary_precision),
        ("recall", binary_recall),
    ):
        assert getattr(found, name) == pytest.approx(float(measure(said, target)), abs=1e-6), name
    assert found.auroc == pytest.approx(float(binary_auroc(given, target)), abs=1e-6)
    assert auroc(labels, scores) == found.auroc


def test_average_precision(answers: tuple[np.ndarray, np.ndarray]) -> None:
    labels, scores = answers
    ours = average_precision(labels, scores)
    theirs = binary_average_precision(torch.from_numpy(scores), torch.from_numpy(labels))
    assert ours == pytest.approx(float(theirs), abs=1e-6)


def test_calibration_error(answers: tuple[np.ndarray, np.ndarray]) -> None:
    labels, scores = answers
    ours = calibration_error(scores, labels == 1)
    # Ours bins the confidence in the class that was said, as torchmetrics does for two classes.
    said, right = np.maximum(scores, 1 - scores), (scores >= 0.5) == (labels == 1)
    theirs = binary_calibration_error(
        torch.from_numpy(said), torch.from_numpy(right.astype(np.int64)), n_bins=15
    )
    assert ours == pytest.approx(float(theirs), abs=2e-3)


def test_overlap_of_masks() -> None:
    rng = np.random.default_rng(0)
    found = Localisation()
    truth, said = rng.random((2, 5, 24, 24)) < 0.3
    for one, mask in zip(truth, said, strict=True):
        found.add(one, mask, mask.astype(np.float32))
    theirs = binary_jaccard_index(torch.from_numpy(said), torch.from_numpy(truth))
    assert found.result().iou == pytest.approx(float(theirs), abs=1e-6)
