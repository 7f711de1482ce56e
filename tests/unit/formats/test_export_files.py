"""What an export reads and writes once: originals, and the masks of images without damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cfinspect.engine.base.images import write_png
from cfinspect.formats.exchange_types import Images, Item, Original
from cfinspect.formats.files import place_image, write_mask
from cfinspect.masks.files import read_indexed


def test_an_original_that_was_read_is_what_is_copied(tmp_path: Path) -> None:
    """Between reading and writing the file may be exchanged: the copy is what was checked."""
    source = tmp_path / "wall.png"
    write_png(source, np.zeros((4, 6, 3), np.uint8))
    data = source.read_bytes()
    mask = np.zeros((4, 6), np.uint8)
    item = Item("wall.png", "wall", source, 6, 4, 0, mask, original=Original(data, turned=False))
    source.write_bytes(b"another file")
    name = place_image(item, tmp_path / "images", Images.COPY)
    assert (tmp_path / "images" / name).read_bytes() == data


def test_empty_masks_have_the_size_of_their_image(tmp_path: Path) -> None:
    for number, shape in enumerate([(4, 6), (6, 4), (4, 6)]):
        for binary in (False, True):
            path = tmp_path / f"{binary}" / f"{number}.png"
            write_mask(path, np.zeros(shape, np.uint8), binary=binary)
            assert read_indexed(path).shape == shape
            assert not read_indexed(path).any()


def test_an_indexed_and_a_binary_mask_of_the_same_classes(tmp_path: Path) -> None:
    mask = np.array([[0, 1], [2, 0]], np.uint8)
    write_mask(tmp_path / "a.png", mask)
    write_mask(tmp_path / "b.png", mask, binary=True)
    assert read_indexed(tmp_path / "a.png").tolist() == [[0, 1], [2, 0]]
    assert read_indexed(tmp_path / "b.png").tolist() == [[0, 255], [255, 0]]
