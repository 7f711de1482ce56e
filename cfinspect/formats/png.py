"""Masks as PNG files: ``images/`` and ``masks/<stem>.png``, indexed or binary (0 and 255)."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from cfinspect.engine.base.images import ImageError
from cfinspect.engine.data.folders import MASKS
from cfinspect.engine.data.image_folders import list_images
from cfinspect.engine.data.mask_values import read_mask_values
from cfinspect.engine.data.settings import MaskValues
from cfinspect.formats.exchange_types import (
    About,
    FormatError,
    Images,
    ImportedImage,
    Item,
    Options,
    Refused,
)
from cfinspect.formats.files import place_image, write_mask
from cfinspect.formats.pixels import names_of
from cfinspect.formats.safe import clean_name, read_json

CLASSES = "classes.json"
_WRITERS = 2
_AHEAD = 8  # images that are held until they are written; each may have megabytes
_SAID = {
    MaskValues.BINARY: "Masks of two values: the brighter one was read as damage.",
    MaskValues.LABELS: "Masks of class numbers: 255 beside them was read as pixels to ignore.",
    MaskValues.INSTANCES: "Masks of instance numbers: all of them were read as damage.",
}


def write_indexed_masks(out: Path, items: Iterator[Item], about: About, options: Options) -> None:
    """Masks whose pixels are class numbers, with a palette; ``classes.json`` names them."""
    _write(out, items, options, binary=False)
    names = {str(number): name for number, name in about.classes.items()}
    (out / CLASSES).write_text(json.dumps(names, indent=1) + "\n", encoding="utf-8")


def write_binary_masks(out: Path, items: Iterator[Item], _about: About, options: Options) -> None:
    """Masks of 0 and 255, whatever the class."""
    _write(out, items, options, binary=True)


def _write(out: Path, items: Iterator[Item], options: Options, *, binary: bool) -> None:
    """Files are made while the next images are read: to make one takes as long as the rest."""

    def write(item: Item) -> None:
        part = Path(item.split) if item.split else Path()
        if options.images is not Images.REFERENCE:
            place_image(item, out / "images" / part, options.images)
        write_mask(out / MASKS / part / f"{item.stem}.png", item.mask, binary=binary)

    waiting: deque[Future[None]] = deque()
    with ThreadPoolExecutor(_WRITERS, thread_name_prefix="export") as pool:
        for item in items:
            waiting.append(pool.submit(write, item))
            if len(waiting) > _AHEAD:
                waiting.popleft().result()
        for one in waiting:
            one.result()


def read_masks(
    path: Path, values: MaskValues = MaskValues.AUTO
) -> Iterator[ImportedImage | Refused]:
    """A folder of mask files, or one file; what their values mean: `masks.mask_values`.

    Class numbers are named by ``classes.json`` in or beside the folder; without it a mask of one
    class is damage. A mask in which nothing is marked says that the image is undamaged.
    """
    folder = path / MASKS if (path / MASKS).is_dir() else path
    home = folder if folder.is_dir() else folder.parent
    names = _names(home, home.parent)
    for file in list_images([folder]):
        inner = file.relative_to(home).as_posix()
        try:
            yield _image(file, clean_name(inner, str(file)), names, values)
        except (FormatError, ImageError) as error:
            yield Refused(inner, str(error))


def _image(file: Path, name: str, names: dict[int, str], values: MaskValues) -> ImportedImage:
    found = read_mask_values(file, values, named=names)
    nothing = found.ignored and not found.mask.any()  # all of it is left open
    return ImportedImage(
        name,
        None if nothing else found.mask,
        names_of(found.mask, names or {1: "damage"}),
        height=found.mask.shape[0],
        width=found.mask.shape[1],
        complete=True,
        notes=(_SAID[found.values],) if found.mask.any() else (),
    )


def _names(*folders: Path) -> dict[int, str]:
    for folder in folders:
        file = folder / CLASSES
        if file.is_file():
            try:
                return {int(key): str(name) for key, name in read_json(file).items()}
            except ValueError as error:
                raise FormatError(f"{file} must map class numbers to names.") from error
    return {}
