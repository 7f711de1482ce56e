"""COCO instance annotations (https://cocodataset.org/#format-data).

A region is an annotation: run lengths in COCO's compressed form, or polygons. COCO's polygons know
no holes, so a region with holes is written as run lengths in any case, with ``iscrowd`` 0 as tools
have it today. Each image keeps its provenance under ``cfinspect``.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from pycocotools import mask as coco_mask

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
from cfinspect.formats.pixels import Part, column_runs, from_column_runs, regions, shapes
from cfinspect.formats.safe import clean_name, objects, read_json, size_of, visible_files
from cfinspect.masks.polygons import Ring, rasterise

ANNOTATIONS = "annotations.json"


class _File:
    """One annotation file, written as it grows: annotations go to disk at once."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._annotations = path.with_suffix(".part").open("w+", encoding="utf-8")
        self._images: list[dict[str, Any]] = []
        self._count = 0

    def add(self, item: Item, file_name: str, options: Options) -> None:
        number = len(self._images) + 1
        self._images.append(
            {
                "id": number,
                "file_name": file_name,
                "width": item.width,
                "height": item.height,
                "cfinspect": {"name": item.name, "label": item.label, **item.provenance},
            }
        )
        for class_id, rle, rings in _drawn(item, options):
            segmentation: object = {**rle, "counts": rle["counts"].decode("ascii")}
            if len(rings) == 1:
                segmentation = [rings[0].ravel().tolist()]
            self._count += 1
            annotation = {
                "id": self._count,
                "image_id": number,
                "category_id": class_id,
                "segmentation": segmentation,
                "area": int(coco_mask.area(rle)),
                "bbox": coco_mask.toBbox(rle).tolist(),
                "iscrowd": 0,
            }
            self._annotations.write(",\n" * (self._count > 1) + json.dumps(annotation))

    def finish(self, about: About) -> None:
        categories = [
            {"id": number, "name": name, "supercategory": "damage"}
            for number, name in about.classes.items()
        ]
        head = {
            "info": {"description": "cfinspect", "cfinspect": about.provenance},
            "licenses": [],
            "categories": categories,
            "images": self._images,
        }
        text = json.dumps(head, indent=1)
        with self._path.open("w", encoding="utf-8") as stream:
            stream.write(text.removesuffix("\n}") + ',\n "annotations": [\n')
            _append(stream, self._annotations)
            stream.write("\n]}\n")
        self._annotations.close()
        self._path.with_suffix(".part").unlink()


def _drawn(item: Item, options: Options) -> Iterator[tuple[int, dict[str, Any], list[Ring]]]:
    """Each region as (class number, compressed run lengths, its contours if wanted as polygons)."""
    size = (item.height, item.width)
    if not options.polygons:
        for part in regions(item.mask):
            yield part.class_id, _packed(part, size), []
        return
    for class_id, shape in shapes(item.mask, options.tolerance):
        low = np.floor(shape.outer.min(axis=0)).astype(int)
        box = (np.ceil(shape.outer.max(axis=0)) - low).astype(int)
        drawn = rasterise([ring - low for ring in shape.rings], (int(box[1]), int(box[0])))
        part = Part(class_id, int(low[1]), int(low[0]), drawn)
        yield class_id, _packed(part, size), shape.rings


def _packed(part: Part, size: tuple[int, int]) -> dict[str, Any]:
    rle = {"size": list(size), "counts": column_runs(part, *size)}
    packed: dict[str, Any] = coco_mask.frPyObjects(rle, *size)
    return packed


def _append(stream: TextIO, part: TextIO) -> None:
    part.seek(0)
    while block := part.read(1 << 20):
        stream.write(block)


def write(out: Path, items: Iterator[Item], about: About, options: Options) -> None:
    """``annotations.json``, or ``annotations/instances_<split>.json``, and ``images/``."""
    files: dict[str, _File] = {}
    for item in items:
        if item.split not in files:
            name = f"annotations/instances_{item.split}.json" if item.split else ANNOTATIONS
            files[item.split] = _File(out / name)
        if options.images is Images.REFERENCE:
            name = item.source.resolve().as_posix()
        else:
            name = place_image(item, out / "images" / item.split, options.images)
        files[item.split].add(item, name, options)
    for file in files.values() or [_File(out / ANNOTATIONS)]:
        file.finish(about)


def read(path: Path) -> Iterator[ImportedImage | Refused]:
    """An annotation file, or a folder with ``annotations.json`` or ``annotations/*.json``.

    An image that is listed without an annotation is undamaged, unless the file has none at all or
    some that belong to no image.
    """
    if not path.is_dir():
        yield from _read(path)
        return
    for file in _files(path):
        try:
            yield from _read(file)
        except FormatError as error:
            yield Refused(file.relative_to(path).as_posix(), str(error))


def _files(path: Path) -> list[Path]:
    files = [path / ANNOTATIONS] if (path / ANNOTATIONS).is_file() else []
    if (path / "annotations").is_dir():
        files += visible_files(path / "annotations", {".json"})
    if not files:
        raise FormatError(f"There is no {ANNOTATIONS} and no annotations/*.json in {path}.")
    return files


def _read(file: Path) -> Iterator[ImportedImage | Refused]:
    notes: list[str] = []
    data = read_json(file, notes)
    names = _categories(data, file)
    annotations: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for annotation in objects(data.get("annotations"), f"annotations in {file}"):
        annotations[_key(annotation.get("image_id"))].append(annotation)
    images = objects(data.get("images"), f"images in {file}")
    listed = Counter(_key(image.get("id")) for image in images)
    lost = [key for key in annotations if key not in listed]
    # What is looked for before the first image: nothing may come in on the word of half a file.
    for key in lost:
        what = f"an image {key[:40]} that it does not list" if key else "no image"
        yield Refused(
            f"image {key[:40]}", f"{file} has {len(annotations[key])} annotations of {what}."
        )
    complete = bool(annotations) and not lost
    for image in images:
        name, key = str(image.get("file_name"))[:200], _key(image.get("id"))
        where = f"Image {name} in {file}"
        try:
            if not key or listed[key] > 1:
                raise FormatError(f"{where} has no id, or one that others have as well.")
            yield _image(image, annotations[key], names, where, complete, tuple(notes))
        except FormatError as error:
            yield Refused(name, str(error))


def _key(value: object) -> str:
    """An id as it is compared: tools write 1, "1" and 1.0 of one image; "" where there is none."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""


def _categories(data: dict[str, Any], file: Path) -> dict[str, str] | None:
    """Id -> name; None where the file knows no categories at all."""
    names: dict[str, str] = {}
    for category in objects(data.get("categories") or [], f"categories in {file}"):
        key, name = _key(category.get("id")), category.get("name")
        if not key or not isinstance(name, str | int):
            continue
        if names.setdefault(key, str(name)) != str(name):
            raise FormatError(f"{file} has two names for the category {key}.")
    return names or None


def _image(
    image: dict[str, Any],
    annotations: list[dict[str, Any]],
    names: dict[str, str] | None,
    where: str,
    complete: bool,
    notes: tuple[str, ...],
) -> ImportedImage:
    extra = image.get("cfinspect")
    size = size_of(image.get("height"), image.get("width"), where)
    painter = Painter(*size, where, ours=isinstance(extra, dict))
    for one in annotations:
        category = _key(one.get("category_id"))
        if names is not None and category not in names:
            raise FormatError(f"{where} has an annotation of an unknown category.")
        _paint(painter, "damage" if names is None else names[category], one, where)
    label = extra.get("label") if isinstance(extra, dict) else None
    return painter.image(
        clean_name(image.get("file_name"), where),
        label=label if type(label) is int and label in (0, 1) else None,
        complete=complete,
        notes=notes,
    )


def _paint(painter: Painter, name: str, annotation: dict[str, Any], where: str) -> None:
    segmentation = annotation.get("segmentation")
    height, width = painter.mask.shape
    if not segmentation:  # a box only
        painter.undrawn(name)
        return
    if isinstance(segmentation, list):
        # Several polygons of one annotation are its parts: together, not even-odd.
        parts = segmentation if isinstance(segmentation[0], list) else [segmentation]
        for coordinates in parts:
            painter.polygon(name, coordinates)
        return
    if not isinstance(segmentation, dict):
        raise FormatError(f"{where} has a segmentation that is neither polygons nor run lengths.")
    if segmentation.get("size") != [height, width]:
        raise FormatError(f"{where} has a mask of another size: {segmentation.get('size')}.")
    counts = segmentation.get("counts")
    if isinstance(counts, str):
        counts = _unpack(counts, where)
    if not isinstance(counts, list) or not all(type(count) is int for count in counts):
        raise FormatError(f"{where} has run lengths that are no numbers.")
    painter.pixels(name, 0, 0, from_column_runs(counts, height, width, where))


def _unpack(text: str, where: str) -> list[int]:
    """COCO's compressed run lengths: 5 bits a character, each run as the difference to the last
    but one. By hand, because pycocotools trusts what it is given, and this is a stranger's file.
    """
    counts: list[int] = []
    value = shift = 0
    for character in text:
        code = ord(character) - 48
        if not 0 <= code < 64 or shift > 60:
            raise FormatError(f"{where} has damaged run lengths.")
        value |= (code & 0x1F) << shift
        shift += 5
        if code & 0x20:
            continue
        if code & 0x10:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value = shift = 0
    if shift:
        raise FormatError(f"{where} has run lengths that are cut short.")
    return counts
