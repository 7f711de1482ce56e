"""Pascal VOC (http://host.robots.ox.ac.uk/pascal/VOC/voc2012/): boxes and segmentation.

``JPEGImages/``, ``Annotations/<stem>.xml`` (a box a region), ``SegmentationClass/`` and
``SegmentationObject/`` (indexed PNG; the latter numbers the largest 254 regions),
``ImageSets/Segmentation/<split>.txt`` and ``labelmap.txt`` (name:colour), which names the classes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from cfinspect.engine.base.images import ImageError, list_images, read_image
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
from cfinspect.formats.pixels import Part, names_of, regions
from cfinspect.formats.safe import clean_name, read_text, read_xml
from cfinspect.masks.files import palette, read_indexed, write_indexed

CLASS, OBJECT, IMAGES, BOXES = (
    "SegmentationClass",
    "SegmentationObject",
    "JPEGImages",
    "Annotations",
)
LABELMAP = "labelmap.txt"
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
        write_indexed(out / CLASS / f"{item.stem}.png", item.mask)
        write_indexed(out / OBJECT / f"{item.stem}.png", objects)
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
    ElementTree.indent(root)
    return ElementTree.ElementTree(root)


def read(path: Path) -> Iterator[ImportedImage]:
    """A folder in VOC's layout; masks come from ``SegmentationClass/``."""
    folder = path / CLASS
    if not folder.is_dir():
        raise FormatError(f"There is no folder {CLASS} in {path}.")
    names, colours = _labelmap(path / LABELMAP)
    for file in list_images([folder]):
        mask = _read_mask(file, colours)
        inner = file.relative_to(folder).with_suffix("").as_posix()
        box = path / BOXES / f"{inner}.xml"
        name = inner
        if box.is_file():
            name = read_xml(box).findtext("filename") or inner
        yield ImportedImage(
            clean_name(name, str(box)),
            mask,
            names_of(mask, names),
            height=mask.shape[0],
            width=mask.shape[1],
        )


def _labelmap(file: Path) -> tuple[dict[int, str], dict[tuple[int, ...], int]]:
    """Class number -> name, and colour -> class number; number 0 is the background."""
    names: dict[int, str] = {}
    numbers = {tuple(colour): number for number, colour in enumerate(palette().tolist())}
    if not file.is_file():
        return names, numbers
    # Bytes end lines where files do; text would also do so at separators that a name may hold.
    for data in read_text(file, most=1 << 20).splitlines():
        line = data.decode("utf-8", "replace")
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
            numbers[red, green, blue] = number
        names[number] = name
    return names, numbers


def _read_mask(file: Path, colours: dict[tuple[int, ...], int]) -> IndexMask:
    try:
        mask = read_indexed(file)
    except ImageError:
        mask = _from_colours(file, colours)
    if set(np.unique(mask).tolist()) == {0, _BORDER}:
        return (mask > 0).astype(np.uint8)  # not VOC's border, but a mask of black and white
    mask[mask == _BORDER] = 0
    return mask


def _from_colours(file: Path, colours: dict[tuple[int, ...], int]) -> IndexMask:
    pixels = read_image(file).astype(np.int64)
    codes = (pixels[..., 0] << 16) | (pixels[..., 1] << 8) | pixels[..., 2]
    mask = np.zeros(codes.shape, dtype=np.uint8)
    for code in np.unique(codes).tolist():
        colour = (code >> 16, (code >> 8) & 255, code & 255)
        number = colours.get(colour)
        if number is None:
            raise FormatError(f"{file} has the colour {colour}, which {LABELMAP} does not name.")
        mask[codes == code] = number
    return mask
