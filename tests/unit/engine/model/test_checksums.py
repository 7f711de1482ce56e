"""Model files are compared with published sums, and every way of being wrong has its sentence."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from tiny_models import tiny_model

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.model.checksums import check_models, read_sums
from cfinspect.engine.model.file import save_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "wände.safetensors"
    save_model(path, tiny_model())
    return path


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_unchanged_model_is_said_to_be(model: Path) -> None:
    sums = model.with_name("SHA256SUMS")
    sums.write_text(f"{_sum(model).upper()} *models/{model.name}\n\n", encoding="utf-8")
    (found,) = check_models([model], read_sums(sums))
    assert found.ok
    assert found.sha256 == _sum(model)
    assert "unchanged" in found.detail


def test_one_flipped_bit_is_found(model: Path) -> None:
    sums = {model.name: _sum(model)}
    content = bytearray(model.read_bytes())
    content[-1] ^= 1
    model.write_bytes(content)
    (found,) = check_models([model], sums)
    assert not found.ok
    assert "differs from the published file" in found.detail
    (alone,) = check_models([model], None)  # weights have no sum of their own
    assert alone.ok
    assert "no list of sums" in alone.detail


def test_files_that_are_missing_unlisted_or_no_models(model: Path, tmp_path: Path) -> None:
    text = tmp_path / "notes.safetensors"
    text.write_text("not a model")
    gone = tmp_path / "gone.safetensors"
    sums = {gone.name: "", text.name: _sum(text)}
    details = [one.detail for one in check_models([model, gone, text], sums)]
    assert "not in the list" in details[0]
    assert "cannot be read" in details[1]
    assert "not a readable model" in details[2]


def test_a_list_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    sums = tmp_path / "SHA256SUMS"
    with pytest.raises(CfinspectError, match="cannot be read"):
        read_sums(sums)
    sums.write_text("# models\n")
    with pytest.raises(CfinspectError, match="line 1 is no SHA-256 sum"):
        read_sums(sums)


@pytest.mark.skipif(os.name != "posix", reason="Windows has no pipes in folders")
def test_pipes_are_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "SHA256SUMS"
    os.mkfifo(pipe)
    with pytest.raises(CfinspectError, match="pipe"):
        read_sums(pipe)
    (found,) = check_models([pipe], None)
    assert not found.ok
    assert "pipe" in found.detail
