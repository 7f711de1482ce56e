"""A model is one file: round trip, and a sentence for every file that is none."""

import dataclasses
import errno
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tiny_models import tiny_model

from cfinspect.engine.model.familiar import FamiliarImages
from cfinspect.engine.model.file import (
    Model,
    ModelFileError,
    load_metadata,
    load_model,
    save_model,
    seen_digests,
)
from cfinspect.engine.model.metadata import (
    MetadataError,
    ModelMetadata,
    SegmenterSpec,
)
from cfinspect.engine.networks.backbone import load_backbone, shipped_backbone
from cfinspect.engine.networks.mask_decoder import MASK_DECODER, MaskDecoder
from cfinspect.engine.networks.spec import NetworkSpec


def test_round_trip(tmp_path: Path) -> None:
    model = tiny_model()
    path = tmp_path / "Prüfung 1" / "modèle.safetensors"
    save_model(path, model)
    again = load_model(path)
    assert again.metadata == model.metadata == load_metadata(path)
    assert seen_digests(path).tolist() == [5, 2**64 - 1]
    x = torch.rand(1, 3, 32, 32)
    assert torch.equal(model.generator.eval()(x).image, again.generator(x).image)
    assert torch.equal(model.discriminator.eval()(x), again.discriminator(x))


def test_half_the_space_costs_next_to_nothing(tmp_path: Path) -> None:
    model = tiny_model()
    whole, half = tmp_path / "whole.safetensors", tmp_path / "half.safetensors"
    save_model(whole, model)
    save_model(half, model, half=True)
    assert half.stat().st_size < 0.75 * whole.stat().st_size
    again = load_model(half)
    x = torch.rand(1, 3, 32, 32)
    for part in ("generator", "discriminator"):
        assert all(p.dtype == torch.float32 for p in getattr(again, part).parameters())
    expected = model.discriminator.eval()(x)
    assert torch.allclose(again.discriminator(x), expected, atol=2e-3, rtol=2e-3)
    assert seen_digests(half).tolist() == [5, 2**64 - 1]


def test_what_training_images_look_like_is_kept_also_in_half_the_space(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    look = rng.normal(size=(60, 384)).astype(np.float32) * 5
    familiar = FamiliarImages.of(look[:40], look[40:])
    assert familiar is not None
    model = dataclasses.replace(tiny_model(), familiar=familiar)
    plain, path = tmp_path / "plain.safetensors", tmp_path / "model.safetensors"
    save_model(plain, tiny_model())
    assert load_model(plain).familiar is None
    for half in (False, True):
        save_model(path, model, half=half)
        again = load_model(path).familiar
        assert again is not None
        assert (again.unlikeness(look) == familiar.unlikeness(look)).all()
    save_model(path, model)
    assert path.stat().st_size - plain.stat().st_size < 40_000


def with_segmenter() -> Model:
    model = tiny_model()
    spec = SegmenterSpec(NetworkSpec(MASK_DECODER, {"width": 8}), 0.25, "mending")
    return dataclasses.replace(
        model,
        metadata=dataclasses.replace(model.metadata, segmenter=spec),
        segmenter=MaskDecoder(load_backbone(shipped_backbone()), 8).eval(),
    )


@pytest.mark.parametrize("half", [False, True])
def test_a_segmenter_goes_along(tmp_path: Path, half: bool) -> None:
    model = with_segmenter()
    path = tmp_path / "model.safetensors"
    save_model(path, model, half=half)
    again = load_model(path)
    assert again.metadata == model.metadata == load_metadata(path)
    assert again.segmenter is not None and model.segmenter is not None
    assert not again.segmenter.training
    assert all(p.dtype == torch.float32 for p in again.segmenter.parameters())
    x = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        found, expected = again.segmenter(x), model.segmenter(x)
    assert torch.allclose(found, expected, atol=1e-2) if half else torch.equal(found, expected)


def test_a_model_without_segmenter_is_written_as_before(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, tiny_model())
    assert load_model(path).segmenter is None
    assert "segmenter" not in json.loads(tiny_model().metadata.to_json())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (None, "segmenter must be an object"),
        ({"mask_threshold": 1.5}, "segmenter.mask_threshold must lie in 0..1"),
        ({"colour": "red"}, "unknown field segmenter.colour"),
    ],
)
def test_a_segmenter_that_is_misdescribed(change: dict[str, object] | None, said: str) -> None:
    told = json.loads(with_segmenter().metadata.to_json())
    told["segmenter"] = None if change is None else told["segmenter"] | change
    with pytest.raises(MetadataError, match=said):
        ModelMetadata.from_json(json.dumps(told))


def test_a_segmenter_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, dataclasses.replace(tiny_model(), metadata=with_segmenter().metadata))
    with pytest.raises(ModelFileError, match="do not fit together"):
        load_model(path)


def test_files_that_are_no_model_get_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    with pytest.raises(ModelFileError, match="does not exist"):
        load_metadata(path)
    path.write_bytes(b"not a model at all")
    with pytest.raises(ModelFileError, match="not a readable model"):
        load_metadata(path)
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(ModelFileError, match="not written by cfinspect"):
        load_model(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_file_cut_short_gets_a_sentence(tmp_path: Path, share: float) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, tiny_model())
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ModelFileError, match="cut short"):
        load_model(path)


def changed_card(path: Path, **changes: object) -> None:
    """Rewrite the card with other fields, keeping the weights."""
    model = tiny_model()
    tensors = {f"generator.{k}": v for k, v in model.generator.state_dict().items()}
    tensors |= {f"discriminator.{k}": v for k, v in model.discriminator.state_dict().items()}
    tensors["seen"] = torch.zeros(1, dtype=torch.int64)
    metadata = json.loads(model.metadata.to_json()) | changes
    save_file(tensors, path, metadata={"cfinspect_card": json.dumps(metadata)})


def test_a_newer_file_says_update(tmp_path: Path) -> None:
    changed_card(tmp_path / "new.safetensors", format_version=99)
    with pytest.raises(MetadataError, match="update cfinspect"):
        load_model(tmp_path / "new.safetensors")


def test_weights_that_do_not_fit_the_card_get_a_sentence(tmp_path: Path) -> None:
    other = {"name": "compact", "kwargs": {"width": 8}}
    changed_card(tmp_path / "odd.safetensors", discriminator=other)
    with pytest.raises(ModelFileError, match="do not fit together"):
        load_model(tmp_path / "odd.safetensors")


def test_an_unknown_network_gets_a_sentence(tmp_path: Path) -> None:
    changed_card(tmp_path / "odd.safetensors", generator={"name": "vae", "kwargs": {}})
    with pytest.raises(ModelFileError, match="unknown generator"):
        load_model(tmp_path / "odd.safetensors")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit for files there")
def test_where_a_model_does_not_fit_the_old_one_stays(tmp_path: Path) -> None:
    import resource

    path = tmp_path / "model.safetensors"
    save_model(path, tiny_model())
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))  # as a disk that gets full
    try:
        with pytest.raises(OSError) as raised:
            save_model(path, tiny_model())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert raised.value.errno == errno.EFBIG
    assert raised.value.filename == str(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_header_without_end_is_not_read(tmp_path: Path) -> None:
    many = ",".join(
        f'"{n}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}' for n in range(200_000)
    )
    header = f"{{{many}}}".encode()
    path = tmp_path / "m.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(ModelFileError, match="its header says"):
        load_model(path)
    with pytest.raises(ModelFileError, match="its header says"):
        load_metadata(path)
