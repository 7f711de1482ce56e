"""Files of an export: images copied, linked or only named, and masks.

An export is written into a folder that is thrown away when something fails, so its files are
written as they are, without a temporary name each.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from cfinspect.engine.base.images import (
    JPEG_SIDE,
    is_turned,
    read_bytes,
    read_image,
    write_jpeg,
    write_png,
)
from cfinspect.formats.exchange_types import FormatError, Images, IndexMask, Item, Original
from cfinspect.masks.files import encode_indexed

_JPEG = {".jpg", ".jpeg"}
_QUALITY = 95


def place_image(item: Item, folder: Path, images: Images, *, jpeg: bool = False) -> str:
    """Put an item's image into ``folder`` under its flat name; returns the file's name there.

    A photo that its EXIF block turns is written upright, even where others are linked: most tools
    ignore the block, and masks would lie across. ``jpeg``: formats that know JPEG only get others
    converted (quality 95), longer ones than a JPEG can be to PNG.
    """
    suffix = item.source.suffix.lower()
    original = item.original or read_original(item.source)
    folder.mkdir(parents=True, exist_ok=True)
    if original.turned or (images is Images.COPY and jpeg and suffix not in _JPEG):
        pixels = read_image(item.source)
        fits = max(pixels.shape[:2]) <= JPEG_SIDE
        name = item.stem + (".jpg" if fits and (jpeg or suffix in _JPEG) else ".png")
        if name.endswith(".jpg"):
            write_jpeg(folder / name, pixels, _QUALITY)
        else:
            write_png(folder / name, pixels)
        return name
    name = item.stem + (".jpg" if jpeg and suffix in _JPEG else suffix)
    if jpeg and suffix not in _JPEG:
        raise FormatError(
            f"{item.name} is no JPEG file, and this format knows no other: export with images "
            "copied, they are converted."
        )
    target = folder / name
    if images is Images.COPY:
        target.write_bytes(original.data)
    else:
        _link(item.source, target)
    return name


def read_original(source: Path, *, jpeg: bool = False) -> Original:
    """An image file that `place_image` can place; raises ImageError where it could not."""
    data = read_bytes(source)
    turned = is_turned(source, data)  # by its header, which is looked at once
    if turned or (jpeg and source.suffix.lower() not in _JPEG):
        read_image(source)  # it will be written anew
    return Original(data, turned)


def write_mask(path: Path, mask: IndexMask, *, binary: bool = False) -> None:
    """Write a mask (H, W) of class numbers as an indexed PNG, or as 0 and 255.

    Most images are sound, and the empty masks of one size are the same file: it is made once.
    """
    encode = _encode_binary if binary else encode_indexed
    data = encode(mask) if mask.any() else _empty(mask.shape, binary)
    try:
        path.write_bytes(data)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@lru_cache(maxsize=16)
def _empty(shape: tuple[int, int], binary: bool) -> bytes:
    encode = _encode_binary if binary else encode_indexed
    return encode(np.zeros(shape, dtype=np.uint8))


def _encode_binary(mask: IndexMask) -> bytes:
    done, data = cv2.imencode(".png", (mask > 0).astype(np.uint8) * np.uint8(255))
    if not done:
        raise FormatError(f"A mask of {mask.shape[1]} x {mask.shape[0]} pixels fits into no PNG.")
    return data.tobytes()


def _link(source: Path, target: Path) -> None:
    """A hard link where both are on one disk, else a symbolic one."""
    real = source.resolve()
    try:
        os.link(real, target)
    except OSError:
        try:
            target.symlink_to(real)
        except OSError as error:  # Windows asks for a privilege
            raise FormatError(
                f"{target} cannot be linked ({error.strerror}): export with images copied."
            ) from error
