"""Pascal VOC (http://host.robots.ox.ac.uk/pascal/VOC/voc2012/): boxes and segmentation.

``JPEGImages/``, ``Annotations/<stem>.xml`` (a box a region), ``SegmentationClass/`` and
``SegmentationObject/`` (indexed PNG; the latter numbers the largest 254 regions),
``ImageSets/Segmentation/<split>.txt`` and ``labelmap.txt`` (name:colour), which names the classes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from cfinspect.engine.base.images import ImageError, read_image
from cfinspect.engine.data.image_folders import list_images
from cfinspect.engine.data.mask_values import palette, read_mask_values
from cfinspect.formats.exchange_types import (
    About,
    FormatError,
    Images,
    ImportedImage,
    IndexMask,
    Item,
    Options,
    Refused,
)
from cfinspect.formats.files import place_image, write_mask
from cfinspect.formats.painter import Painter
from cfinspect.formats.pixels import Part, names_of, regions
from cfinspect.formats.safe import clean_name, for_xml, read_text, read_xml, size_of, visible_files
from cfinspect.masks.files import read_indexed

CLASS, OBJECT, IMAGES, BOXES = (
    "SegmentationClass",
    "SegmentationObject",
    "JPEGImages",
    "Annotations",
)
LABELMAP = "labelmap.txt"
_BAND = 2_000_000  # pixels whose colours are looked up at a time
_BORDER = 255  # pixels that VOC asks to ignore


def write(out: Path, items: Iterator[Item], about: About, options: Options) -> None:
    """Write the layout; images that are no JPEG are converted (quality 95)."""
    if options.images is Images.REFERENCE:
        raise FormatError("VOC has its images in JPEGImages/: export with images copied or linked.")
    for folder in (IMAGES, BOXES, CLASS, OBJECT):
        (out / folder).mkdir()
    splits: dict[str, list[str]] = {"trainval": []}
    for item in items:
        file = place_image(item, out / IMAGES, options.images, jpeg=True)
        parts = sorted(regions(item.mask), key=lambda part: -int(part.mask.sum()))
        objects = np.zeros(item.mask.shape, dtype=np.uint8)
        for number, part in enumerate(parts[:254], 1):
            height, width = part.mask.shape
            objects[part.y : part.y + height, part.x : part.x + width][part.mask] = number
        write_mask(out / CLASS / f"{item.stem}.png", item.mask)
        write_mask(out / OBJECT / f"{item.stem}.png", objects)
        tree = _annotation(item, file, parts, about)
        tree.write(out / BOXES / f"{item.stem}.xml", encoding="utf-8")
        splits.setdefault(item.split or "train", []).append(item.stem)
        if item.split != "test":
            splits["trainval"].append(item.stem)
    sets = out / "ImageSets" / "Segmentation"
    sets.mkdir(parents=True)
    for split, stems in splits.items():
        (sets / f"{split}.txt").write_text("".join(f"{s}\n" for s in stems), encoding="utf-8")
    colours = palette().tolist()
    rows = ["# label:color_rgb:parts:actions", "background:0,0,0::"]
    rows += [
        f"{name}:{','.join(map(str, colours[number]))}::" for number, name in about.classes.items()
    ]
    (out / LABELMAP).write_text("\n".join(rows) + "\n", encoding="utf-8")


def _annotation(
    item: Item, file: str, parts: list[Part], about: About
) -> ElementTree.ElementTree[ElementTree.Element]:
    root = ElementTree.Element("annotation")

    def add(parent: ElementTree.Element, **texts: object) -> None:
        for tag, text in texts.items():
            ElementTree.SubElement(parent, tag).text = str(text)

    add(root, folder=IMAGES, filename=file)
    source = ElementTree.SubElement(root, "source")
    origin = {**about.provenance, "image": {"name": item.name, **item.provenance}}
    add(source, database="cfinspect", annotation=json.dumps(origin), image=item.name)
    size = ElementTree.SubElement(root, "size")
    add(size, width=item.width, height=item.height, depth=3)
    add(root, segmented=1)
    for part in parts:
        height, width = part.mask.shape
        one = ElementTree.SubElement(root, "object")
        name = about.classes[part.class_id]
        add(one, name=name, pose="Unspecified", truncated=0, difficult=0)
        box = ElementTree.SubElement(one, "bndbox")
        # VOC counts pixels from 1 and includes the last.
        first = {"xmin": part.x + 1, "ymin": part.y + 1}
        add(box, **first, xmax=part.x + width, ymax=part.y + height)
    ElementTree.indent(for_xml(root))
    return ElementTree.ElementTree(root)


def read(path: Path) -> Iterator[ImportedImage | Refused]:
    """A folder in VOC's layout: masks from ``SegmentationClass/``, or boxes alone (damaged, without
    a mask) where there is no such folder.
    """
    folder = path / CLASS
    if not folder.is_dir():
        yield from _read_boxes(path)
        return
    names, colours = _labelmap(path / LABELMAP)
    for file in list_images([folder]):
        inner = file.relative_to(folder)
        box = path / BOXES / inner.with_suffix(".xml")
        try:
            mask, ignored = _read_mask(file, colours)
            name = (
                read_xml(box).findtext("filename") if box.is_file() else None
            ) or inner.as_posix()
            yield ImportedImage(
                clean_name(name, str(box)),
                None if ignored and not mask.any() else mask,
                names_of(mask, names),
                height=mask.shape[0],
                width=mask.shape[1],
                complete=True,
            )
        except (FormatError, ImageError) as error:
            yield Refused(inner.as_posix(), str(error))


def _read_boxes(path: Path) -> Iterator[ImportedImage | Refused]:
    folder = path / BOXES if (path / BOXES).is_dir() else path
    files = visible_files(folder, {".xml"}) if folder.is_dir() else [path]
    if not files:
        raise FormatError(f"There is no folder {CLASS} and no {BOXES}/*.xml in {path}.")
    for file in files:
        try:
            notes: list[str] = []
            root = read_xml(file, notes)
            size = _size(root, str(file))
            painter = Painter(*(size or (1, 1)), str(file))
            for one in root.iter("object"):
                painter.undrawn(one.findtext("name") or "damage")
            name = clean_name(root.findtext("filename") or file.stem, str(file))
            found = painter.image(name, notes=tuple(notes))
            yield found if size else replace(found, height=None, width=None)
        except FormatError as error:
            yield Refused(file.name, str(error))


def _size(root: ElementTree.Element, where: str) -> tuple[int, int] | None:
    """(height, width), None where the file says 0 or nothing: boxes alone can do without."""
    sides = [(root.findtext(f"size/{side}") or "0").strip() for side in ("height", "width")]
    if all(not side.strip("0.") for side in sides):
        return None
    return size_of(sides[0], sides[1], where)


def _labelmap(file: Path) -> tuple[dict[int, str], dict[tuple[int, ...], int]]:
    """Class number -> name, and colour -> class number; number 0 is the background."""
    names: dict[int, str] = {}
    numbers = {tuple(colour): number for number, colour in enumerate(palette().tolist())}
    if not file.is_file():
        return names, numbers
    # Not by splitlines: it also ends lines at separators that a name may hold.
    for line in re.split(r"\r\n|\r|\n", read_text(file, most=1 << 20)):
        comment = line.startswith("#") and (line.startswith("# label:") or line.count(":") < 3)
        if comment or not line.strip():
            continue
        try:
            name, text, _, _ = line.rsplit(":", 3)  # a name may hold colons itself
            red, green, blue = (int(value) for value in text.split(","))
        except ValueError as error:
            raise FormatError(f"{file} must have lines like crack:128,0,0::") from error
        if name == "background":
            numbers[red, green, blue] = 0
            continue
        number = numbers.get((red, green, blue), 0)
        if number == 0 or number in names:  # another palette than VOC's
            number = next((free for free in range(1, 255) if free not in names), 0)
            if not number:
                raise FormatError(f"{file} has more than 254 classes.")
            numbers[red, green, blue] = number
        names[number] = name
    return names, numbers


def _read_mask(file: Path, colours: dict[tuple[int, ...], int]) -> tuple[IndexMask, bool]:
    """The mask, and whether pixels of it are to be ignored (taken as background)."""
    try:
        mask = read_indexed(file)
    except ImageError:
        mask = _from_colours(file, colours)
    border = mask == _BORDER
    if border.any() and not (mask[~border] > 0).any() and (mask == 0).any():
        # Either a mask of black and white, or nothing but VOC's border.
        mask = read_mask_values(file).mask
        return mask, False
    mask[border] = 0
    return mask, bool(border.any())


def _from_colours(file: Path, colours: dict[tuple[int, ...], int]) -> IndexMask:
    pixels = read_image(file)
    mask = np.zeros(pixels.shape[:2], dtype=np.uint8)
    step = max(1, _BAND // pixels.shape[1])
    for top in range(0, len(pixels), step):
        red, green, blue = np.moveaxis(pixels[top : top + step].astype(np.int32), 2, 0)
        codes = (red << 16) | (green << 8) | blue
        for code in np.unique(codes).tolist():
            colour = (code >> 16, (code >> 8) & 255, code & 255)
            number = colours.get(colour)
            if number is None:
                raise FormatError(
                    f"{file} has the colour {colour}, which {LABELMAP} does not name."
                )
            mask[top : top + step][codes == code] = number
    return mask
