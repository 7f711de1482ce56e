"""A model file of a few kB takes no memory and no time, whatever its numbers say."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import tiny_model

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.model.file import ModelFileError, load_metadata, load_model, save_model
from cfinspect.engine.model.fitting import require_fitting
from cfinspect.engine.model.metadata import MetadataError, ModelMetadata
from cfinspect.engine.networks.spec import NetworkSpec

UNET = NetworkSpec("unet", {"width": 4, "stem": 2})
COMPACT = NetworkSpec("compact", {"width": 4})


@pytest.fixture
def card(tmp_path: Path) -> dict[str, Any]:
    stored: dict[str, Any] = tiny_model().metadata.to_stored()
    return stored


def written(card: dict[str, Any] | str, folder: Path, **tensors: torch.Tensor) -> Path:
    path = folder / "crafted.safetensors"
    own = {"seen": torch.zeros(1, dtype=torch.int64)} | tensors
    text = card if isinstance(card, str) else json.dumps(card)
    save_file(own, path, metadata={"cfinspect_card": text})
    return path


def put(**parts: Any) -> Callable[[dict[str, Any]], None]:
    return lambda card: card.update(parts)


SIZES: dict[str, Callable[[dict[str, Any]], None]] = {
    "wide": put(generator={"name": "unet", "kwargs": {"width": 1024, "depth": 10}}),
    "deep": put(generator={"name": "unet", "kwargs": {"width": 1024, "depth": 1024}}),
    "swin": put(generator={"name": "swin_unet", "kwargs": {"width": 1024, "depth": 12}}),
    "stages": put(discriminator={"name": "compact", "kwargs": {"width": 1024, "stages": 1024}}),
    "blocks": put(discriminator={"name": "hybrid", "kwargs": {"width": 1024, "blocks": 1024}}),
    "beyond": put(generator={"name": "unet", "kwargs": {"width": 10**400}}),
    "list": put(generator={"name": ["unet"], "kwargs": {}}),
    "text": put(generator={"name": "unet", "kwargs": {"width": "4"}}),
    "negative": put(generator={"name": "unet", "kwargs": {"width": -4}}),
    "nothing": put(generator={"name": "unet", "kwargs": {"width": 0}}),
    "unknown": put(generator={"name": "unet", "kwargs": {"evil": 3}}),
    "classes": put(kinds={f"kind {i}": {} for i in range(100_000)}),
    "side": put(preprocessing={"size": 20_000}),
    "side of 400 digits": put(preprocessing={"size": 10**400}),
    "temperature": put(decision={"temperature": 10**400}),
}


@pytest.mark.parametrize("change", SIZES)
def test_numbers_without_tensors_are_refused_at_once(
    change: str, card: dict[str, Any], tmp_path: Path
) -> None:
    changed = copy.deepcopy(card)
    SIZES[change](changed)
    path = written(changed, tmp_path)
    assert path.stat().st_size < 10_000_000
    with pytest.raises((ModelFileError, MetadataError)) as caught:
        load_model(path)
    assert len(str(caught.value)) < 1000


def test_as_many_layers_as_tensors_are_not_enough(card: dict[str, Any], tmp_path: Path) -> None:
    card["generator"]["kwargs"] |= {"width": 1024, "depth": 200}
    many = {f"generator.{i}": torch.zeros(0) for i in range(400)}
    with pytest.raises(ModelFileError, match="do not fit together"):
        load_model(written(card, tmp_path, **many))


def test_one_tensor_of_another_shape_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, tiny_model())
    tensors = load_file(path)
    tensors["generator.body.last.weight"] = torch.zeros(2, 2)
    text = tiny_model().metadata.to_json()
    save_file(tensors, path, metadata={"cfinspect_card": text})
    with pytest.raises(ModelFileError, match=r"generator.body.last.weight has the shape \(2, 2\)"):
        load_model(path)


def test_a_name_of_megabytes_is_not_said_in_full(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, tiny_model())
    tensors = load_file(path) | {f"generator.{'x' * 3_000_000}": torch.zeros(1)}
    save_file(tensors, path, metadata={"cfinspect_card": tiny_model().metadata.to_json()})
    with pytest.raises(ModelFileError, match="unknown tensor 'xxx") as error:
        load_model(path)
    assert len(str(error.value)) < 500


@pytest.mark.parametrize(
    "seen", [torch.zeros(3), torch.zeros(3, 3, dtype=torch.int64), torch.tensor(5), torch.zeros(0)]
)
def test_odd_lists_of_seen_images_are_refused(
    seen: torch.Tensor, card: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(ModelFileError, match="which images were seen"):
        load_metadata(written(card, tmp_path, seen=seen))


@pytest.mark.parametrize(
    "metrics", ['{"a": ' * 900 + "1" + "}" * 900, "[" * 100_000 + "]" * 100_000]
)
def test_deep_metadata_is_a_sentence(metrics: str, card: dict[str, Any], tmp_path: Path) -> None:
    text = json.dumps({**card, "metrics": "@"}).replace('"@"', metrics)
    with pytest.raises(MetadataError, match=r"nested|not valid JSON"):
        load_metadata(written(text, tmp_path))


def test_long_metadata_and_escape_signs_are_told_briefly(
    card: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(MetadataError, match="far more than any model needs"):
        load_metadata(written({**card, "licence_note": "x" * 5_000_000}, tmp_path))
    with pytest.raises(MetadataError) as caught:
        ModelMetadata.from_json(json.dumps({**card, "\x1b[31mevil": 1}))
    assert "\x1b" not in str(caught.value)


def test_laying_out_draws_no_random_numbers() -> None:
    model = tiny_model()
    networks = {"generator": model.generator, "discriminator": model.discriminator}
    shapes = {
        f"{part}.{name}": tuple(value.shape)
        for part, network in networks.items()
        for name, value in network.state_dict().items()
    }
    before = torch.get_rng_state()
    require_fitting(UNET, COMPACT, 0, shapes)
    assert torch.equal(before, torch.get_rng_state())
    with pytest.raises(ValueError, match="has the unknown tensor"):
        require_fitting(UNET, COMPACT, 2, shapes)


def test_files_that_are_cut_or_promise_more_than_they_hold(
    card: dict[str, Any], tmp_path: Path
) -> None:
    header = json.dumps(
        {
            "__metadata__": {"cfinspect_card": json.dumps(card)},
            "seen": {"dtype": "I64", "shape": [2**60], "data_offsets": [0, 8]},
        }
    ).encode()
    path = tmp_path / "crafted.safetensors"
    for content in (
        np.uint64(len(header)).tobytes() + header + bytes(8),
        np.uint64(2**63 - 1).tobytes() + b"{}",
        b"",
    ):
        path.write_bytes(content)
        with pytest.raises(CfinspectError, match="not a readable model file"):
            load_metadata(path)
