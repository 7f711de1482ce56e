"""A converted model is explained as the one of torch is, but by what looks into its layers."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.explain.external import ClassifierUsage
from cfinspect.engine.explain.factory import (
    OpenedClassifier,
    classifier_of,
    make_explainer,
    open_classifier,
    require_layers,
)
from cfinspect.engine.explain.single import saliency_by
from cfinspect.engine.inference.inspector import Inspector
from cfinspect.engine.synth.cracks import make_crack
from cfinspect.resources import models_path

CRACK = models_path() / "crack.onnx"


@pytest.fixture(scope="module")
def both() -> tuple[OpenedClassifier, OpenedClassifier]:
    paths = (CRACK, CRACK.with_suffix(".safetensors"))
    first, second = (open_classifier(path, "cpu", "fp32", None) for path in paths)
    return first, second


@pytest.fixture(scope="module")
def wall() -> NDArray[np.uint8]:
    return make_crack(np.random.default_rng(5), 96, True).image


@pytest.mark.parametrize("method", ["cfgan", "evidence", "rise", "occlusion"])
def test_it_is_explained_as_with_torch(
    both: tuple[OpenedClassifier, OpenedClassifier], wall: NDArray[np.uint8], method: str
) -> None:
    target = np.zeros(1, dtype=np.int64)
    ours, theirs = (
        make_explainer(method, one, rise_masks=32).explain(wall[None], target) for one in both
    )
    # What is hidden is rounded to bytes for a graph.
    apart = np.abs(ours.saliency - theirs.saliency)
    assert apart.mean() < 0.01 and apart.max() < 0.05
    assert float(ours.saliency.max()) > 0.1
    if ours.flipped is not None and theirs.flipped is not None:
        assert ours.flipped.tolist() == theirs.flipped.tolist()


@pytest.mark.parametrize("method", ["gradcam", "layercam"])
def test_what_looks_into_layers_needs_the_original(
    both: tuple[OpenedClassifier, OpenedClassifier], method: str
) -> None:
    converted, original = both
    with pytest.raises(CfinspectError, match=rf"{method} looks into the layers .* crack\.onnx"):
        make_explainer(method, converted)
    assert require_layers(original.classifier, method) is original.classifier


def test_an_unknown_method_is_said_to_be_one(
    both: tuple[OpenedClassifier, OpenedClassifier],
) -> None:
    with pytest.raises(CfinspectError, match="unknown method 'magic'"):
        make_explainer("magic", both[0])


def test_how_it_is_used_is_in_the_file() -> None:
    with pytest.raises(CfinspectError, match="leave out --input-size"):
        open_classifier(CRACK, "cpu", "fp32", ClassifierUsage(size=96))


def test_a_loaded_one_is_explained(
    both: tuple[OpenedClassifier, OpenedClassifier], wall: NDArray[np.uint8]
) -> None:
    backend = both[0].backend
    assert backend is not None
    found = saliency_by("evidence", Inspector(backend), "crack.onnx", wall)
    assert found.shape == wall.shape[:2] and found.dtype == np.float32
    opened = classifier_of(backend, "again")
    assert opened is not None and opened.classifier.name == "again"
    assert "onnxruntime" in opened.device
