import json
import math
from typing import Any

import numpy as np
import pytest

from cfinspect.engine.model.metadata import Decision, MetadataError, ModelMetadata, Preprocessing
from cfinspect.engine.networks.spec import NetworkSpec


def make_card(**changes: Any) -> ModelMetadata:
    fields: dict[str, Any] = {
        "created": "2025-01-31T12:00:00+00:00",
        "cfinspect_version": "0.1.0",
        "generator": NetworkSpec("unet", {"width": 16}),
        "discriminator": NetworkSpec("compact"),
        "preprocessing": Preprocessing(size=64, scope="tiles", tile=128),
        "decision": Decision(temperature=1.3, mask_rule="quantile:0.995"),
    }
    return ModelMetadata(**(fields | changes))


def changed(**changes: Any) -> str:
    raw = json.loads(make_card().to_json())
    for name, value in changes.items():
        if value is None:
            del raw[name]
        else:
            raw[name] = value
    return json.dumps(raw)


def test_a_card_comes_back_as_it_was() -> None:
    metadata = make_card(
        data={"names": ["gut", "Ärger"], "counts": {"damaged": 3}}, classes=("a", "b")
    )
    again = ModelMetadata.from_json(metadata.to_json())
    assert again == metadata
    assert "Ärger" in metadata.to_json()


def test_numpy_numbers_and_undefined_figures_are_plain_json() -> None:
    metrics = {"f1": np.float32(0.5), "auroc": math.nan, "n": np.int64(3), "list": [np.inf, 1]}
    again = ModelMetadata.from_json(make_card(metrics=metrics).to_json())
    assert again.metrics == {"f1": 0.5, "auroc": None, "n": 3, "list": [None, 1]}


def test_a_field_with_a_default_may_be_missing_in_the_decision() -> None:
    again = ModelMetadata.from_json(changed(decision={"temperature": 2}))
    assert again.decision == Decision(temperature=2.0)
    assert isinstance(again.decision.temperature, float)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("{", "not valid JSON"),
        ("[]", "no format_version"),
        ("{}", "no format_version"),
        (changed(format_version=2), "has format 2, this cfinspect reads up to 1: update"),
        (changed(format_version="one"), "unknown format 'one'"),
        (changed(format_version=0), "unknown format 0"),
        (changed(format_version=True), "unknown format True"),
        (changed(decision=None), "lacks the field decision"),
        (changed(preprocessing={"scope": "whole"}), "lacks the field preprocessing.size"),
        (changed(surprise=1), "unknown field surprise"),
        (changed(decision={"gamma": 1}), "unknown field decision.gamma"),
        (changed(decision={"temperature": 0}), "decision.temperature must be above 0"),
        (changed(decision={"temperature": "x"}), "decision.temperature must be a number"),
        (changed(decision={"review_rate": 1.5}), "decision.review_rate must lie in 0..1"),
        (changed(decision={"mask_threshold": -0.1}), "decision.mask_threshold must be 0 or more"),
        (changed(decision=3), "decision must be an object"),
        (changed(preprocessing={"size": 0}), "preprocessing.size must be above 0"),
        (
            changed(preprocessing={"size": 96, "scope": "tiles", "tile": 5}),
            "preprocessing.tile must be at least 6 for tiles",
        ),
        (changed(preprocessing={"size": 64.5}), "preprocessing.size must be a whole number"),
        (changed(preprocessing={"size": 64, "scope": "bits"}), "preprocessing.scope is unknown"),
        (changed(preprocessing={"size": 64, "views": "both"}), "preprocessing.tta is unknown"),
        (changed(preprocessing={"size": 64, "scope": "tiles"}), "preprocessing.tile must be"),
        (changed(classes=["a"]), "classes must be two names"),
        (changed(classes=["damaged", "undamaged"]), "classes must be two words"),
        (changed(classes=["same", "same"]), "classes must be two words"),
        (changed(classes=["", "damaged"]), "classes must be two words"),
        (changed(classes=["ok", "no\ud800"]), "classes must be two words"),
        (changed(generator={"kwargs": {}}), "lacks the field generator.name"),
        (changed(metrics=[1]), "metrics must be an object"),
        (changed(licence_note=1), "licence_note must be text"),
    ],
)
def test_a_wrong_card_gives_a_sentence(text: str, part: str) -> None:
    with pytest.raises(MetadataError) as caught:
        ModelMetadata.from_json(text)
    assert part in str(caught.value)
    assert str(caught.value).endswith(".")
