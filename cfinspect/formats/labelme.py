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

from cfinspect.formats.files import place_image
from cfinspect.formats.pixels import polygons, regions, ring_of
from cfinspect.formats.records import About, FormatError, Found, Images, Item, Options
from cfinspect.formats.safe import clean_name, number, objects, read_json, size_of
from cfinspect.masks.polygons import Mask, rasterise

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
    for class_id, mask in regions(item.mask):
        ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        box = mask[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1]
        _, data = cv2.imencode(".png", box.astype(np.uint8))
        corners = [[float(xs[0]), float(ys[0])], [float(xs[-1]), float(ys[-1])]]
        text = base64.b64encode(data.tobytes()).decode("ascii")
        yield class_id, {"shape_type": "mask", "points": corners, "mask": text}


def read(path: Path) -> Iterator[Found]:
    """A JSON file, or a folder of them; points and lines, which have no area, are passed over."""
    files = sorted(path.rglob("*.json")) if path.is_dir() else [path]
    for file in files:
        data = read_json(file)
        if "shapes" not in data and path.is_dir():
            continue  # another JSON file that lies there, such as our own provenance
        height, width = size_of(data.get("imageHeight"), data.get("imageWidth"), str(file))
        parts = []
        for shape in objects(data.get("shapes"), f"shapes in {file}"):
            mask = _mask(shape, height, width, str(file))
            if mask is not None:
                parts.append((str(shape.get("label", "damage")), mask))
        flags = data.get("flags")
        damaged = flags.get("damaged") if isinstance(flags, dict) else None
        label = int(damaged) if isinstance(damaged, bool) else None
        yield Found(clean_name(data.get("imagePath"), str(file)), parts, label, width, height)


def _mask(shape: dict[str, Any], height: int, width: int, where: str) -> Mask | None:
    kind = shape.get("shape_type", "polygon")
    points = shape.get("points")
    if not isinstance(points, list) or not all(
        isinstance(point, list) and len(point) == 2 for point in points
    ):
        raise FormatError(f"{where} has a shape without points.")
    flat = [value for point in points for value in point]
    size = (height, width)
    if kind == "polygon":
        return rasterise([ring_of(flat, where)], size)
    numbers = [number(value, where) for value in flat]
    if kind in {"rectangle", "circle", "mask"} and len(numbers) != 4:
        raise FormatError(f"{where} has a {kind} without two points.")
    if kind == "rectangle":
        x0, y0, x1, y1 = numbers
        return rasterise([ring_of([x0, y0, x1, y0, x1, y1, x0, y1], where)], size)
    if kind == "circle":
        x0, y0, x1, y1 = numbers
        radius = math.hypot(x1 - x0, y1 - y0)
        angles = np.linspace(0, 2 * np.pi, _CIRCLE_CORNERS, endpoint=False)
        ring = np.stack([x0 + radius * np.cos(angles), y0 + radius * np.sin(angles)], axis=1)
        return rasterise([ring_of(ring.ravel().tolist(), where)], size)
    return _placed(shape.get("mask"), numbers, size, where) if kind == "mask" else None


def _placed(text: object, corners: list[float], size: tuple[int, int], where: str) -> Mask:
    """A mask's own little picture, put at its place; ``corners``: first and last pixel, x and y."""
    x0, y0, x1, y1 = (round(value) for value in corners)
    height, width = size
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
    mask = np.zeros(size, dtype=np.bool_)
    mask[y0 : y1 + 1, x0 : x1 + 1] = box
    return mask
