"""labelme's JSON files (https://github.com/wkentaro/labelme), one beside each image.

A region is a shape: a polygon (holes joined to the contour by bridges), or with pixels a shape of
type "mask" (labelme 5.2 and later), which loses nothing.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator
from io import BytesIO
from os.path import isfile  # no error, whatever the name
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np
from PIL import Image

from cfinspect.engine.base.budget import MAX_PIXELS
from cfinspect.engine.base.images import ImageError, header_size, read_bytes
from cfinspect.formats.exchange_types import (
    About,
    FormatError,
    Images,
    ImportedImage,
    Item,
    Options,
    Refused,
)
from cfinspect.formats.files import place_image
from cfinspect.formats.painter import Painter
from cfinspect.formats.pixels import polygons, regions
from cfinspect.formats.safe import (
    clean_name,
    number,
    objects,
    read_json,
    size_of,
    verdict_of,
    visible_files,
)

VERSION = "5.5.0"
# labelme 6 and X-AnyLabeling have a name each for a rectangle that is turned.
_POLYGONS = frozenset({"polygon", "oriented_rectangle", "rotation", "quadrilateral"})


def write(out: Path, items: Iterator[Item], about: About, options: Options) -> None:
    """``<stem>.json`` and the image beside it."""
    for item in items:
        folder = out / item.split
        folder.mkdir(exist_ok=True)
        if options.images is Images.REFERENCE:
            name = item.source.resolve().as_posix()
        else:
            name = place_image(item, folder, options.images)
        found = _polygons(item, options) if options.polygons else _masks(item)
        shapes = [
            {"label": about.classes[class_id], "group_id": None, "flags": {}, **shape}
            for class_id, shape in found
        ]
        data = {
            "version": VERSION,
            "flags": {"damaged": bool(item.label)},
            "shapes": shapes,
            "imagePath": name,
            "imageData": None,
            "imageHeight": item.height,
            "imageWidth": item.width,
            "cfinspect": {**about.provenance, "image": {"name": item.name, **item.provenance}},
        }
        (folder / f"{item.stem}.json").write_text(json.dumps(data, indent=1), encoding="utf-8")


def _polygons(item: Item, options: Options) -> Iterator[tuple[int, dict[str, Any]]]:
    for class_id, ring in polygons(item.mask, options.tolerance):
        yield class_id, {"shape_type": "polygon", "points": ring.tolist(), "mask": None}


def _masks(item: Item) -> Iterator[tuple[int, dict[str, Any]]]:
    for part in regions(item.mask):
        height, width = part.mask.shape
        _, data = cv2.imencode(".png", part.mask.astype(np.uint8))
        first = [float(part.x), float(part.y)]
        last = [float(part.x + width - 1), float(part.y + height - 1)]
        text = base64.b64encode(data.tobytes()).decode("ascii")
        yield part.class_id, {"shape_type": "mask", "points": [first, last], "mask": text}


def read(path: Path) -> Iterator[ImportedImage | Refused]:
    """A JSON file, or a folder of them; points and lines have no area and are counted only."""
    if not path.is_dir():
        notes: list[str] = []
        yield _image(path, path.parent, read_json(path, notes), notes)
        return
    for file in visible_files(path, {".json"}):
        notes = []
        try:
            data = read_json(file, notes)
            if "shapes" in data:  # else it is another JSON file, such as our own provenance
                yield _image(file, path, data, notes)
        except (FormatError, ImageError) as error:
            yield Refused(file.relative_to(path).as_posix(), str(error))


def _image(file: Path, root: Path, data: dict[str, Any], notes: list[str]) -> ImportedImage:
    where = str(file)
    ours = isinstance(data.get("cfinspect"), dict)
    painter = Painter(*_size(data, file, root), where, ours=ours)
    for shape in objects(data.get("shapes") or [], f"shapes in {file}"):
        _paint(painter, str(shape.get("label") or "damage"), shape, where)
    label = _verdict(data.get("flags"), where, ours=ours)
    name = clean_name(data.get("imagePath") or file.stem, where)
    return painter.image(name, label=label, notes=tuple(notes))


def _verdict(flags: object, where: str, *, ours: bool) -> int | None:
    """What the flags of the image say, in the words that class folders may have.

    A flag that is not ticked says nothing: labelme writes all that it was started with. Only in our
    own files the one flag means both.
    """
    if not isinstance(flags, dict):
        return None
    if ours and isinstance(flags.get("damaged"), bool):
        return int(flags["damaged"])
    return verdict_of((str(name) for name, ticked in flags.items() if ticked is True), where)


def _size(data: dict[str, Any], file: Path, root: Path) -> tuple[int, int]:
    """(height, width), which labelme 3 did not write: then from the picture in or beside the file.

    A file elsewhere than below ``root`` is not looked at.
    """
    height, width = data.get("imageHeight"), data.get("imageWidth")
    if height is not None and width is not None:
        return size_of(height, width, str(file))
    text = data.get("imageData")
    if isinstance(text, str) and text:
        try:
            return header_size(file, base64.b64decode(text))
        except ValueError as error:
            raise FormatError(f"{file} holds a damaged picture ({error}).") from error
    name = PurePosixPath(clean_name(data.get("imagePath"), str(file))).name
    image = file.parent / name
    if image.resolve().is_relative_to(root.resolve()) and isfile(image):  # noqa: PTH113
        return header_size(image, read_bytes(image))
    raise FormatError(
        f"{file} does not say how large its image is, and has no picture: put the image beside it."
    )


def _paint(painter: Painter, name: str, shape: dict[str, Any], where: str) -> None:
    kind = shape.get("shape_type") or "polygon"
    if not isinstance(kind, str):
        raise FormatError(f"{where} has a shape whose type is no word.")
    points = shape.get("points")
    if not isinstance(points, list) or not all(
        isinstance(point, list) and len(point) == 2 for point in points
    ):
        raise FormatError(f"{where} has a shape without points.")
    flat = [number(value, where) for point in points for value in point]
    if kind in _POLYGONS or (kind == "rectangle" and len(points) == 4):
        painter.polygon(name, flat)
    elif kind == "rectangle":
        x0, y0, x1, y1 = _two_points(flat, kind, where)
        painter.box(name, x0, y0, x1, y1)
    elif kind == "circle":
        x0, y0, x1, y1 = _two_points(flat, kind, where)
        radius = math.hypot(x1 - x0, y1 - y0)
        painter.ellipse(name, x0, y0, radius, radius)
    elif kind == "mask":
        _paint_mask(painter, name, shape.get("mask"), _two_points(flat, kind, where), where)
    else:
        painter.undrawn(name)


def _two_points(flat: list[float], kind: object, where: str) -> list[float]:
    if len(flat) != 4:
        raise FormatError(f"{where} has a {kind} without two points.")
    return flat


def _paint_mask(
    painter: Painter, name: str, text: object, corners: list[float], where: str
) -> None:
    """Put a mask's own little picture at its place; ``corners``: first and last pixel, x and y."""
    x0, y0, x1, y1 = (round(value) for value in corners)
    if not isinstance(text, str) or not (-MAX_PIXELS < x0 <= x1 and -MAX_PIXELS < y0 <= y1):
        raise FormatError(f"{where} has a mask without a picture or a place.")
    try:
        image: Image.Image = Image.open(BytesIO(base64.b64decode(text)), formats=("PNG",))
        if image.size != (x1 - x0 + 1, y1 - y0 + 1):  # before a pixel is decoded
            raise FormatError(f"{where} has a mask whose size is not that of its box.")
        size_of(image.height, image.width, where)
        box = np.asarray(image.convert("L")) > 0
    except FormatError:
        raise
    except Exception as error:  # A damaged picture makes the decoder raise nearly anything.
        raise FormatError(f"{where} has a mask that is damaged ({error}).") from error
    painter.pixels(name, y0, x0, box)
