"""Image files of an export: copied, linked or only named."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from cfinspect.engine.base.images import (
    JPEG_SIDE,
    header_size,
    is_turned,
    read_bytes,
    read_image,
    write_jpeg,
    write_png,
)
from cfinspect.formats.exchange_types import FormatError, Images, Item

_JPEG = {".jpg", ".jpeg"}
_QUALITY = 95


def place_image(item: Item, folder: Path, images: Images, *, jpeg: bool = False) -> str:
    """Put an item's image into ``folder`` under its flat name; returns the file's name there.

    A photo that its EXIF block turns is written upright, even where others are linked: most tools
    ignore the block, and masks would lie across. ``jpeg``: formats that know JPEG only get others
    converted (quality 95), longer ones than a JPEG can be to PNG.
    """
    suffix = item.source.suffix.lower()
    folder.mkdir(parents=True, exist_ok=True)
    turned = is_turned(item.source, read_bytes(item.source))
    if turned or (images is Images.COPY and jpeg and suffix not in _JPEG):
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
        shutil.copyfile(item.source, target)
    else:
        _link(item.source, target)
    return name


def check_image(source: Path, *, jpeg: bool = False) -> None:
    """Raise ImageError where `place_image` could not place the image."""
    data = read_bytes(source)
    header_size(source, data)
    if is_turned(source, data) or (jpeg and source.suffix.lower() not in _JPEG):
        read_image(source)  # it will be written anew


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
