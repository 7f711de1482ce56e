from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cfinspect.engine.base.images import ImageError
from cfinspect.engine.data.mask_values import palette
from cfinspect.masks.files import encode_indexed, read_indexed


def test_class_numbers_come_back_and_have_colours(tmp_path: Path) -> None:
    mask = np.arange(256, dtype=np.uint8).reshape(16, 16)
    (tmp_path / "m.png").write_bytes(encode_indexed(mask))
    assert np.array_equal(read_indexed(tmp_path / "m.png"), mask)
    with Image.open(tmp_path / "m.png") as image:
        assert image.mode == "P"
        assert np.array_equal(np.asarray(image.convert("RGB")), palette()[mask])
    assert palette()[:4].tolist() == [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]]


def test_what_is_no_mask_is_said(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "rgb.png")
    with pytest.raises(ImageError, match="palette"):
        read_indexed(tmp_path / "rgb.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "rgb.png").read_bytes()[:-20])
    with pytest.raises(ImageError):
        read_indexed(tmp_path / "cut.png")
    with pytest.raises(ValueError, match="uint8"):
        encode_indexed(np.zeros((2, 2, 3), np.uint8))
