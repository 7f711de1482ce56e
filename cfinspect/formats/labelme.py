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
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from cfinspect.formats.exchange_types import (
    About,
    FormatError,
    Images,
    ImportedImage,
    Item,
    Options,
)
from cfinspect.formats.files import place_image
from cfinspect.formats.pixels import Painter, polygons, regions, ring_of
from cfinspect.formats.safe import clean_name, number, objects, read_json, size_of

VERSION = "5.5.0"
_CIRCLE_CORNERS = 90


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


def read(path: Path) -> Iterator[ImportedImage]:
    """A JSON file, or a folder of them; points and lines have no area and are counted only."""
    files = sorted(path.rglob("*.json")) if path.is_dir() else [path]
    for file in files:
        data = read_json(file)
        if "shapes" not in data and path.is_dir():
            continue  # another JSON file that lies there, such as our own provenance
        height, width = size_of(data.get("imageHeight"), data.get("imageWidth"), str(file))
        painter = Painter(height, width, str(file))
        for shape in objects(data.get("shapes"), f"shapes in {file}"):
            _paint(painter, str(shape.get("label", "damage")), shape, str(file))
        flags = data.get("flags")
        damaged = flags.get("damaged") if isinstance(flags, dict) else None
        label = int(damaged) if isinstance(damaged, bool) else None
        name = clean_name(data.get("imagePath"), str(file))
        yield ImportedImage(
            name, painter.mask, painter.classes, label, width, height, painter.undrawn
        )


def _paint(painter: Painter, name: str, shape: dict[str, Any], where: str) -> None:
    kind = shape.get("shape_type", "polygon")
    points = shape.get("points")
    if not isinstance(points, list) or not all(
        isinstance(point, list) and len(point) == 2 for point in points
    ):
        raise FormatError(f"{where} has a shape without points.")
    flat = [value for point in points for value in point]
    if kind == "polygon":
        painter.polygon(name, ring_of(flat, where))
        return
    numbers = [number(value, where) for value in flat]
    if kind not in {"rectangle", "circle", "mask"}:
        painter.undrawn += 1
        return
    if len(numbers) != 4:
        raise FormatError(f"{where} has a {kind} without two points.")
    x0, y0, x1, y1 = numbers
    if kind == "rectangle":
        painter.polygon(name, ring_of([x0, y0, x1, y0, x1, y1, x0, y1], where))
    elif kind == "circle":
        radius = math.hypot(x1 - x0, y1 - y0)
        angles = np.linspace(0, 2 * np.pi, _CIRCLE_CORNERS, endpoint=False)
        ring = np.stack([x0 + radius * np.cos(angles), y0 + radius * np.sin(angles)], axis=1)
        painter.polygon(name, ring_of(ring.ravel().tolist(), where))
    else:
        _paint_mask(painter, name, shape.get("mask"), numbers, where)


def _paint_mask(
    painter: Painter, name: str, text: object, corners: list[float], where: str
) -> None:
    """Put a mask's own little picture at its place; ``corners``: first and last pixel, x and y."""
    x0, y0, x1, y1 = (round(value) for value in corners)
    height, width = painter.mask.shape
    if not (0 <= x0 <= x1 < width and 0 <= y0 <= y1 < height) or not isinstance(text, str):
        raise FormatError(f"{where} has a mask that lies outside of the image, or is none.")
    try:
        image: Image.Image = Image.open(BytesIO(base64.b64decode(text)), formats=("PNG",))
        if image.size != (x1 - x0 + 1, y1 - y0 + 1):  # before a pixel is decoded
            raise FormatError(f"{where} has a mask whose size is not that of its box.")
        box = np.asarray(image.convert("L")) > 0
    except FormatError:
        raise
    except Exception as error:  # A damaged picture makes the decoder raise nearly anything.
        raise FormatError(f"{where} has a mask that is damaged ({error}).") from error
    painter.pixels(name, y0, x0, box)
