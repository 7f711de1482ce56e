"""COCO instance annotations (https://cocodataset.org/#format-data).

A region is an annotation: run lengths in COCO's compressed form, or polygons. COCO's polygons know
no holes, so a region with holes is written as run lengths in any case, with ``iscrowd`` 0 as tools
have it today. Each image keeps its provenance under ``cfinspect``.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from pycocotools import mask as coco_mask

from cfinspect.formats.files import place_image
from cfinspect.formats.pixels import from_column_runs, ring_of, shapes
from cfinspect.formats.records import About, FormatError, Found, Images, Item, Options
from cfinspect.formats.safe import clean_name, objects, read_json, size_of
from cfinspect.masks.polygons import Mask, rasterise

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
        for class_id, shape in shapes(item.mask, options.tolerance if options.polygons else 0):
            drawn = rasterise(shape.rings, (item.height, item.width))
            rle = coco_mask.encode(np.asfortranarray(drawn, dtype=np.uint8))
            segmentation: object = {**rle, "counts": rle["counts"].decode("ascii")}
            if options.polygons and not shape.holes:
                segmentation = [shape.outer.ravel().tolist()]
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


def read(path: Path) -> Iterator[Found]:
    """An annotation file, or a folder with ``annotations.json`` or ``annotations/*.json``."""
    for file in _files(path):
        yield from _read(file)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = [path / ANNOTATIONS] if (path / ANNOTATIONS).is_file() else []
    files += sorted((path / "annotations").glob("*.json"))
    if not files:
        raise FormatError(f"There is no {ANNOTATIONS} and no annotations/*.json in {path}.")
    return files


def _read(file: Path) -> Iterator[Found]:
    data = read_json(file)
    names: dict[object, str] = {}
    for category in objects(data.get("categories", []), f"categories in {file}"):
        name = category.get("name")
        if not isinstance(name, str) or not isinstance(category.get("id"), int):
            raise FormatError(f"{file} has a category without id and name.")
        names[category["id"]] = name
    annotations: defaultdict[object, list[dict[str, Any]]] = defaultdict(list)
    for annotation in objects(data.get("annotations"), f"annotations in {file}"):
        image_id = annotation.get("image_id")
        if not isinstance(image_id, int | str):
            raise FormatError(f"{file} has an annotation without image_id.")
        annotations[image_id].append(annotation)
    for image in objects(data.get("images"), f"images in {file}"):
        where = f"Image {str(image.get('id'))[:40]} in {file}"
        height, width = size_of(image.get("height"), image.get("width"), where)
        parts: list[tuple[str, Mask]] = []
        image_id = image.get("id")
        if not isinstance(image_id, int | str):
            raise FormatError(f"{where} has no id.")
        for one in annotations.pop(image_id, []):
            category_id = one.get("category_id")
            if not isinstance(category_id, int) or category_id not in names:
                raise FormatError(f"{where} has an annotation of an unknown category.")
            mask = _mask(one.get("segmentation"), height, width, where)
            parts.append((names[category_id], mask))
        extra = image.get("cfinspect")
        label = extra.get("label") if isinstance(extra, dict) else None
        yield Found(
            clean_name(image.get("file_name"), where),
            parts,
            label if label in (0, 1) else None,
            width,
            height,
        )
    if annotations:
        raise FormatError(
            f"{file} has annotations of images that it does not list: "
            f"{', '.join(str(key)[:40] for key in list(annotations)[:3])}."
        )


def _mask(segmentation: object, height: int, width: int, where: str) -> Mask:
    if isinstance(segmentation, list):
        # Several polygons of one annotation are its parts: together, not even-odd.
        mask = np.zeros((height, width), dtype=np.bool_)
        for coordinates in segmentation:
            mask |= rasterise([ring_of(coordinates, where)], (height, width))
        return mask
    if not isinstance(segmentation, dict):
        raise FormatError(f"{where} has an annotation without segmentation.")
    if segmentation.get("size") != [height, width]:
        raise FormatError(f"{where} has a mask of another size: {segmentation.get('size')}.")
    counts = segmentation.get("counts")
    if isinstance(counts, str):
        counts = _unpack(counts, where)
    if not isinstance(counts, list) or not all(type(count) is int for count in counts):
        raise FormatError(f"{where} has run lengths that are no numbers.")
    return from_column_runs(counts, height, width, where)


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
