"""CVAT for images 1.1 (https://docs.cvat.ai/docs/manual/advanced/formats/format-cvat/).

``annotations.xml`` beside ``images/``. A region is a ``<mask>`` (run lengths row by row inside its
box, the first of background) or a ``<polygon>`` (holes joined to the contour by bridges).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, tostring

from cfinspect.formats.exchange_types import (
    About,
    FormatError,
    Images,
    ImportedImage,
    Item,
    Options,
)
from cfinspect.formats.files import place_image
from cfinspect.formats.pixels import Painter, from_row_runs, polygons, regions, ring_of, row_runs
from cfinspect.formats.safe import clean_name, number, read_xml, size_of
from cfinspect.masks.files import palette

ANNOTATIONS = "annotations.xml"
_COMMON = {"source": "semi-auto", "occluded": "0", "z_order": "0"}


def write(out: Path, items: Iterator[Item], about: About, options: Options) -> None:
    """``annotations.xml`` and ``images/``; splits are CVAT's subsets."""
    with (out / ANNOTATIONS).open("w", encoding="utf-8") as stream:
        stream.write('<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n')
        stream.write("<version>1.1</version>\n")
        stream.write(_xml(_meta(about)))
        for place, item in enumerate(items):
            if options.images is Images.REFERENCE:
                name = item.source.resolve().as_posix()
            else:
                name = place_image(item, out / "images" / item.split, options.images)
            stream.write(_xml(_image(item, place, name, about, options)))
        stream.write("</annotations>\n")


def _image(item: Item, place: int, name: str, about: About, options: Options) -> Element:
    subset = {"subset": item.split} if item.split else {}
    facts = {"width": str(item.width), "height": str(item.height)}
    image = Element("image", {"id": str(place), "name": name, **subset, **facts})
    for class_id, tag, values in _polygons(item, options) if options.polygons else _masks(item):
        SubElement(image, tag, {"label": about.classes[class_id], **_COMMON, **values})
    word = "damaged" if item.label else "undamaged"
    verdict = SubElement(image, "tag", {"label": word, "source": "semi-auto"})
    origin = SubElement(verdict, "attribute", {"name": "cfinspect"})
    origin.text = json.dumps({"name": item.name, **item.provenance})
    return image


def _meta(about: About) -> Element:
    meta = Element("meta")
    task = SubElement(meta, "task")
    SubElement(task, "name").text = "cfinspect"
    labels = SubElement(task, "labels")
    colours = palette()
    for class_id, name in about.classes.items():
        red, green, blue = colours[class_id].tolist()
        _label(labels, name, f"#{red:02x}{green:02x}{blue:02x}", "any")
    for word in ("undamaged", "damaged"):
        attribute = SubElement(_label(labels, word, "#808080", "tag"), "attribute")
        for key, text in (
            ("name", "cfinspect"),
            ("mutable", "False"),
            ("input_type", "text"),
            ("default_value", ""),
            ("values", ""),
        ):
            SubElement(attribute, key).text = text
    SubElement(meta, "source").text = json.dumps(about.provenance)
    return meta


def _label(labels: Element, name: str, colour: str, kind: str) -> Element:
    """Add a label; returns the element for its attributes."""
    label = SubElement(labels, "label")
    for tag, text in (("name", name), ("color", colour), ("type", kind)):
        SubElement(label, tag).text = text
    return SubElement(label, "attributes")


def _xml(element: Element) -> str:
    return tostring(element, encoding="unicode") + "\n"


def _polygons(item: Item, options: Options) -> Iterator[tuple[int, str, dict[str, str]]]:
    for class_id, ring in polygons(item.mask, options.tolerance):
        yield class_id, "polygon", {"points": ";".join(f"{x:.2f},{y:.2f}" for x, y in ring)}


def _masks(item: Item) -> Iterator[tuple[int, str, dict[str, str]]]:
    for part in regions(item.mask):
        values = {
            "rle": ", ".join(map(str, row_runs(part.mask))),
            "left": str(part.x),
            "top": str(part.y),
            "width": str(part.mask.shape[1]),
            "height": str(part.mask.shape[0]),
        }
        yield part.class_id, "mask", values


def read(path: Path) -> Iterator[ImportedImage]:
    """An XML file, or a folder with ``annotations.xml``; masks, polygons, boxes and tags."""
    file = path / ANNOTATIONS if path.is_dir() else path
    for image in read_xml(file).iter("image"):
        where = f"Image {image.get('id')} in {file}"
        height, width = size_of(image.get("height"), image.get("width"), where)
        painter = Painter(height, width, where)
        label = None
        for shape in sorted(image, key=lambda one: number(one.get("z_order", "0"), where)):
            if shape.tag == "tag":
                word = shape.get("label", "")
                label = {"undamaged": 0, "damaged": 1}.get(word, label)
                continue
            _paint(painter, shape.get("label", "damage"), shape, where)
        name = clean_name(image.get("name"), where)
        yield ImportedImage(
            name, painter.mask, painter.classes, label, width, height, painter.undrawn
        )


def _paint(painter: Painter, name: str, shape: Element, where: str) -> None:
    height, width = painter.mask.shape
    if shape.tag == "polygon":
        flat = [cell for pair in shape.get("points", "").split(";") for cell in pair.split(",")]
        painter.polygon(name, ring_of(flat, where))
    elif shape.tag == "box":
        x0, y0, x1, y1 = (number(shape.get(key), where) for key in ("xtl", "ytl", "xbr", "ybr"))
        painter.polygon(name, ring_of([x0, y0, x1, y0, x1, y1, x0, y1], where))
    elif shape.tag != "mask":
        painter.undrawn += 1  # lines, points, ellipses, skeletons
    else:
        left, top = (int(number(shape.get(key), where)) for key in ("left", "top"))
        high, wide = size_of(shape.get("height"), shape.get("width"), where)
        if left < 0 or top < 0 or left + wide > width or top + high > height:
            raise FormatError(f"{where} has a mask that lies outside of the image.")
        counts = [int(number(cell, where)) for cell in shape.get("rle", "").split(",")]
        painter.pixels(name, top, left, from_row_runs(counts, high, wide, where))
