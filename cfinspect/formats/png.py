"""Masks as PNG files: ``images/`` and ``masks/<stem>.png``, indexed or binary (0 and 255)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cfinspect.engine.base.images import ImageError, list_images, read_image, write_png
from cfinspect.engine.data.folders import MASKS
from cfinspect.formats.exchange_types import (
    About,
    FormatError,
    Images,
    ImportedImage,
    IndexMask,
    Item,
    Options,
)
from cfinspect.formats.files import place_image
from cfinspect.formats.pixels import names_of
from cfinspect.formats.safe import clean_name, read_json
from cfinspect.masks.files import read_indexed, write_indexed

CLASSES = "classes.json"
_FEW_CLASSES = 20  # up to here, grey values are taken for class numbers
_GREY = 0.05  # JPEG leaves a few greys at edges


def write_indexed_masks(out: Path, items: Iterator[Item], about: About, options: Options) -> None:
    """Masks whose pixels are class numbers, with a palette; ``classes.json`` names them."""
    _write(out, items, options, binary=False)
    names = {str(number): name for number, name in about.classes.items()}
    (out / CLASSES).write_text(json.dumps(names, indent=1) + "\n", encoding="utf-8")


def write_binary_masks(out: Path, items: Iterator[Item], _about: About, options: Options) -> None:
    """Masks of 0 and 255, whatever the class."""
    _write(out, items, options, binary=True)


def _write(out: Path, items: Iterator[Item], options: Options, *, binary: bool) -> None:
    for item in items:
        part = Path(item.split) if item.split else Path()
        if options.images is not Images.REFERENCE:
            place_image(item, out / "images" / part, options.images)
        target = out / MASKS / part / f"{item.stem}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        if binary:
            write_png(target, item.mask > 0)
        else:
            write_indexed(target, item.mask)


def read_masks(path: Path) -> Iterator[ImportedImage]:
    """A folder of mask files, or one file; also JPEG masks, which are cut at 128.

    Class numbers are named by ``classes.json`` in or beside the folder; without it a mask of one
    class is damage.
    """
    folder = path / MASKS if (path / MASKS).is_dir() else path
    home = folder if folder.is_dir() else folder.parent
    names = _names(home, home.parent)
    for file in list_images([folder]):
        inner = file.relative_to(home).with_suffix("").as_posix()
        mask = _read(file, names)
        yield ImportedImage(
            clean_name(inner, str(file)),
            mask,
            names_of(mask, names or {1: "damage"}),
            height=mask.shape[0],
            width=mask.shape[1],
        )


def _read(file: Path, names: dict[int, str] | None) -> IndexMask:
    try:
        mask = read_indexed(file) if file.suffix.lower() == ".png" else None
    except ImageError:
        mask = None  # colours, 16 bit or damaged: the general reader says which
    if mask is not None and (names is not None or int(mask.max()) <= _FEW_CLASSES):
        return mask
    grey = read_image(file).max(axis=2) if mask is None else mask
    between = float(((grey > 32) & (grey < 223)).mean())
    if between > _GREY:
        raise FormatError(
            f"{file} is no mask: {between * 100:.0f} % of its pixels are neither black nor white. "
            "Masks of class numbers need a classes.json that names them."
        )
    return (grey >= 128).astype(np.uint8)


def _names(*folders: Path) -> dict[int, str] | None:
    for folder in folders:
        file = folder / CLASSES
        if file.is_file():
            try:
                return {int(key): str(name) for key, name in read_json(file).items()}
            except ValueError as error:
                raise FormatError(f"{file} must map class numbers to names.") from error
    return None
