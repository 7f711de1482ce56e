"""CVAT for images 1.1 (https://docs.cvat.ai/docs/manual/advanced/formats/format-cvat/).

``annotations.xml`` beside ``images/``. A region is a ``<mask>`` (run lengths row by row inside its
box, the first of background) or a ``<polygon>`` (holes joined to the contour by bridges).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, tostring

from cfinspect.engine.data.mask_values import palette
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
from cfinspect.formats.pixels import from_row_runs, polygons, regions, row_runs
from cfinspect.formats.safe import clean_name, for_xml, number, read_xml, size_of, verdict_of

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
    return tostring(for_xml(element), encoding="unicode") + "\n"


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


def read(path: Path) -> Iterator[ImportedImage | Refused]:
    """An XML file, or a folder with ``annotations.xml``; masks, polygons, boxes, ellipses, tags.

    Of a video (``<track>``) the frames are called as CVAT calls their images, frame_000012.
    """
    file = path / ANNOTATIONS if path.is_dir() else path
    notes: list[str] = []
    root = read_xml(file, notes)
    for image in root.iter("image"):
        where = f"Image {image.get('name') or image.get('id')} in {file}"
        try:
            yield _read(image, where, tuple(notes))
        except FormatError as error:
            yield Refused(image.get("name") or where, str(error))
    yield from _read_video(root, file)


def _read(image: Element, where: str, notes: tuple[str, ...]) -> ImportedImage:
    ours = image.find("tag/attribute[@name='cfinspect']") is not None
    painter = Painter(*size_of(image.get("height"), image.get("width"), where), where, ours=ours)
    words = []
    for shape in sorted(image, key=lambda one: number(one.get("z_order", "0"), where)):
        if shape.tag == "tag":
            words.append(shape.get("label", ""))
        else:
            _paint(painter, shape.get("label", "damage"), shape, where)
    name = clean_name(image.get("name"), where)
    return painter.image(name, label=verdict_of(words, where), notes=notes)


def _read_video(root: Element, file: Path) -> Iterator[ImportedImage | Refused]:
    tracks = root.findall("track")
    if not tracks:
        return
    size = root.find(".//meta//original_size")
    height, width = (None if size is None else size.findtext(key) for key in ("height", "width"))
    frames: dict[str, list[tuple[str, Element]]] = {}
    for track in tracks:
        for shape in track:
            if shape.get("outside") != "1":  # there the object has left the picture
                one = (track.get("label", "damage"), shape)
                frames.setdefault(shape.get("frame", ""), []).append(one)
    for frame, shapes in sorted(frames.items(), key=lambda one: (len(one[0]), one[0])):
        where = f"Frame {frame[:20]} of the video in {file}"
        try:
            painter = Painter(*size_of(height, width, where), where)
            for label, shape in sorted(
                shapes, key=lambda one: number(one[1].get("z_order", "0"), where)
            ):
                _paint(painter, label, shape, where)
            yield painter.image(f"frame_{int(number(frame, where)):06d}")
        except FormatError as error:
            yield Refused(f"frame {frame[:20]}", str(error))


def _paint(painter: Painter, name: str, shape: Element, where: str) -> None:
    def numbers(*keys: str) -> list[float]:
        return [number(shape.get(key), where) for key in keys]

    turn = number(shape.get("rotation", "0"), where)
    if shape.tag == "polygon":
        pairs = shape.get("points", "").split(";")
        painter.polygon(name, [cell for pair in pairs for cell in pair.split(",")])
    elif shape.tag == "box":
        x0, y0, x1, y1 = numbers("xtl", "ytl", "xbr", "ybr")
        painter.box(name, x0, y0, x1, y1, turn)
    elif shape.tag == "ellipse":
        x, y, rx, ry = numbers("cx", "cy", "rx", "ry")
        painter.ellipse(name, x, y, rx, ry, turn)
    elif shape.tag == "mask":
        left, top = (int(value) for value in numbers("left", "top"))
        high, wide = size_of(shape.get("height"), shape.get("width"), where)
        counts = [int(number(cell, where)) for cell in shape.get("rle", "").split(",")]
        painter.pixels(name, top, left, from_row_runs(counts, high, wide, where))
    else:
        painter.undrawn(name)  # lines, points, skeletons, cuboids
