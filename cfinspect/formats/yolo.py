"""YOLO segmentation as Ultralytics lays it out (https://docs.ultralytics.com/datasets/segment/).

``images/<split>/``, ``labels/<split>/<stem>.txt`` with a region a line (class number from 0, then x
and y of the corners as shares of width and height), ``data.yaml``. Polygons know no holes here:
each hole is joined to the contour by a bridge of no width.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from os.path import exists, isfile  # no error, whatever the name
from pathlib import Path
from typing import Any

import yaml

from cfinspect.engine.base.images import ImageError, header_size, read_bytes
from cfinspect.engine.data.image_folders import list_images
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
from cfinspect.formats.pixels import polygons
from cfinspect.formats.safe import clean_name, number, read_text, visible_files

DATA = "data.yaml"
_MAX_YAML = 1 << 17  # a thousand names take 40 kB; the reader is slow
_LARGEST_NAME = 10**100  # of a class that is called by a number
_MAX_CLASS = 1_000_000  # far more classes than any data set names
_OURS = "# {"  # our provenance, as JSON in a comment
_BESIDE = 0.05  # share by which a corner may lie outside; more is another unit


def write(out: Path, items: Iterator[Item], about: About, options: Options) -> None:
    """Write the layout; without a split everything is ``train``, and ``val`` points there too."""
    if options.images is Images.REFERENCE:
        raise FormatError(
            "YOLO finds labels beside its images folder: export with images copied or linked."
        )
    numbers = {class_id: place for place, class_id in enumerate(about.classes)}
    splits: dict[str, None] = {}
    for item in items:
        split = item.split or "train"
        splits[split] = None
        place_image(item, out / "images" / split, options.images)
        labels = out / "labels" / split / f"{item.stem}.txt"
        labels.parent.mkdir(parents=True, exist_ok=True)
        size = (item.width, item.height)
        lines = [
            " ".join([str(numbers[class_id]), *(f"{v:.8g}" for v in (ring / size).ravel())])
            for class_id, ring in polygons(item.mask, options.tolerance)
        ]
        labels.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
    # No path: Ultralytics then takes the folder of data.yaml, wherever that is moved.
    lines = [f"# {json.dumps(about.provenance)}"]
    for split in ("train", "val", "test"):
        if split in splits or split != "test":
            have = split if split in splits else next(iter(splits), "train")
            lines.append(f"{split}: images/{have}")
    lines.append("names:")
    lines += [f"  {numbers[key]}: {_quoted(name)}" for key, name in about.classes.items()]
    (out / DATA).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _quoted(text: str) -> str:
    """``text`` as YAML in ASCII: JSON's strings, but for the pairs it writes beyond U+FFFF."""
    inner = (json.dumps(c)[1:-1] if c <= "\uffff" else f"\\U{ord(c):08x}" for c in text)
    return f'"{"".join(inner)}"'


@dataclass(frozen=True)
class _Data:
    """What ``data.yaml`` says. ``ours``: whether we wrote it. ``keypoints``: how many numbers
    of key points follow a box; they are no polygon.
    """

    path: Path
    parts: dict[str, Any]
    names: dict[int, str]
    ours: bool
    notes: tuple[str, ...]
    keypoints: int


def read(path: Path) -> Iterator[ImportedImage | Refused]:
    """A folder with ``data.yaml``, or that file: images where it says, labels as Ultralytics looks.

    An image without a label file is not labelled yet; one with an empty file is undamaged.
    """
    data = _data(_data_file(path) if path.is_dir() else path)
    root = data.path.parent.resolve()
    images, refused = _images(data.parts, root)
    yield from refused
    if not images and not refused:
        raise FormatError(
            f"There are no images where {data.path} says (path, train, val, test), nor in a folder "
            f"images in {root}; sizes are taken from the images."
        )
    for image in images:
        labels = _labels_of(image, root)
        if labels is None:
            continue
        name = image.relative_to(root).as_posix()
        try:
            yield _image(image, clean_name(name, str(image)), labels, data)
        except (FormatError, ImageError) as error:
            yield Refused(name, str(error))


def _image(image: Path, name: str, labels: Path, data: _Data) -> ImportedImage:
    height, width = header_size(image, read_bytes(image))
    painter = Painter(height, width, str(labels), ours=data.ours)
    odd: list[str] = []
    for place, line in enumerate(read_text(labels, odd).splitlines(), 1):
        where = f"Line {place} of {labels}"
        cells = line.split()
        if not cells:
            continue
        class_id = number(cells[0], where)
        if class_id not in data.names:
            raise FormatError(
                f"{where} has the class {cells[0][:20]}, which {data.path} does not name."
            )
        shares = [number(cell, where) for cell in cells[1:]]
        if data.keypoints and len(shares) == 4 + data.keypoints:
            shares = shares[:4]
        if len(shares) % 2 or len(shares) < 4:
            raise FormatError(
                f"{where} is neither a box nor a polygon: a class, then pairs of numbers. (Is it a "
                "prediction, with a confidence at its end?)"
            )
        if not all(-_BESIDE <= share <= 1 + _BESIDE for share in shares):
            raise FormatError(f"{where} is not in shares of width and height, from 0 to 1.")
        if len(shares) == 4:
            painter.undrawn(data.names[int(class_id)])  # a box only
        else:
            sides = [width, height] * (len(shares) // 2)
            ring = [share * side for share, side in zip(shares, sides, strict=True)]
            painter.polygon(data.names[int(class_id)], ring)
    return painter.image(name, complete=True, notes=(*data.notes, *odd))


def _data_file(folder: Path) -> Path:
    """``data.yaml`` of a folder, or the one other YAML file there."""
    if (folder / DATA).is_file():
        return folder / DATA
    others = visible_files(folder, {".yaml", ".yml"})
    others = [file for file in others if file.parent == folder]
    if len(others) != 1:
        raise FormatError(f"There is no {DATA} in {folder}: it names the classes.")
    return others[0]


def _images(parts: dict[str, Any], root: Path) -> tuple[list[Path], list[Refused]]:
    """The images that the splits name, each once, and the parts that cannot be looked at.

    A part is a folder, a list of images (.txt), or several of these, below ``path`` or the folder
    of ``data.yaml``. One above it is looked for below, as Ultralytics does.
    """
    base = parts.get("path")
    bases = [root, *([_below(root, base)] if isinstance(base, str) else [])]
    found: dict[Path, None] = {}
    refused = []
    for split in ("train", "val", "valid", "test"):
        value = parts.get(split)
        for part in value if isinstance(value, list) else [value]:
            if not isinstance(part, str) or not part.strip():
                continue
            places = [_below(one, part) for one in bases]
            place = next((one for one in places if exists(one)), None)  # noqa: PTH110
            if place is None:
                if split != "test":  # is named by many a file that has none
                    refused.append(Refused(part, f"There is no {part} ({split}) in {root}."))
            elif not place.resolve().is_relative_to(root):
                refused.append(Refused(part, f"{part} ({split}) leads out of {root}."))
            else:
                listed, absent = _listed(place, root)
                found.update(dict.fromkeys(listed))
                if absent:
                    refused.append(Refused(part, f"{absent} in {root}."))
    if not found and (root / "images").is_dir():
        return list_images([root / "images"]), []
    return list(found), refused


def _below(folder: Path, text: str) -> Path:
    try:
        return folder / clean_name(text, DATA)
    except FormatError:  # "." and what else leads nowhere
        return folder


def _listed(place: Path, root: Path) -> tuple[list[Path], str]:
    """The images of a folder, or of a list; and a clause about those of the list that are none."""
    if place.suffix.lower() != ".txt" or place.is_dir():
        return list_images([place]), ""
    found, absent = [], []
    lines = dict.fromkeys(line.strip() for line in read_text(place).splitlines())
    for line in filter(None, lines):
        file = _below(root, line)
        if isfile(file) and file.resolve().is_relative_to(root):  # noqa: PTH113
            found.append(file)
        else:
            absent.append(line)
    if not absent:
        return found, ""
    count = f"{len(absent):,} of the {len(found) + len(absent):,} images"
    return found, f"{count} that {place.name} names, such as {absent[0][:200]}, are not"


def _labels_of(image: Path, root: Path) -> Path | None:
    """The label file: ``labels`` in place of the last ``images`` of the path, or beside it."""
    parts = list(image.relative_to(root).with_suffix(".txt").parts)
    for place in reversed(range(len(parts) - 1)):
        if parts[place] == "images":
            parts[place] = "labels"
            break
    labels = root.joinpath(*parts)
    return labels if labels.is_file() else None


class _Loader(yaml.SafeLoader):
    """Plain values only: no aliases or merges, which unfold without end, and no key twice."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not read")
        node: yaml.Node | None = super().compose_node(parent, index)
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [(key.tag, key.value) for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(set(keys)) < len(keys):
            raise yaml.YAMLError("a key stands twice in it")
        if any(tag == "tag:yaml.org,2002:merge" for tag, _ in keys):
            raise yaml.YAMLError("merges are not read")
        made: dict[Any, Any] = super().construct_mapping(node, deep)
        return made


def _data(file: Path) -> _Data:
    notes: list[str] = []
    text = read_text(file, notes, most=_MAX_YAML)
    try:
        loaded = yaml.load(text, Loader=_Loader)
    except Exception as error:  # explicit tags on odd values make the loader raise nearly anything
        raise FormatError(f"{file} is no YAML file ({error}).") from error
    parts = loaded if isinstance(loaded, dict) else {}
    names, ours = _names(parts, file), text.startswith(_OURS)
    return _Data(file, parts, names, ours, tuple(notes), _keypoints(parts.get("kpt_shape")))


def _keypoints(shape: object) -> int:
    """From how many there are, and how many numbers each has: [17, 3]."""
    if not isinstance(shape, list) or not all(type(side) is int and side > 0 for side in shape):
        return 0
    return math.prod(shape)


def _names(parts: dict[str, Any], file: Path) -> dict[int, str]:
    """Class number -> name; a mapping's keys may be text, as other writers of YAML leave them."""
    names = parts.get("names")
    if isinstance(names, list):
        names = dict(enumerate(names))
    if isinstance(names, dict) and all(isinstance(name, str | int) for name in names.values()):
        found: dict[int, str] = {}
        for key, name in names.items():
            number_of = _class_number(key)
            if number_of is None or _too_long(name):
                break
            if found.setdefault(number_of, str(name)) != str(name):
                raise FormatError(f"{file} has two names for the class {number_of}.")
        else:
            return found
    raise FormatError(f"{file} has no names of classes.")


def _class_number(key: object) -> int | None:
    """A class number of ``names``, None for what is none; ten thousand digits are a trap."""
    if isinstance(key, str) and len(key) <= len(str(_MAX_CLASS)) and key.strip().isdecimal():
        key = int(key)
    return key if type(key) is int and 0 <= key <= _MAX_CLASS else None


def _too_long(name: str | int) -> bool:
    """Whether a name is a number of more digits than Python writes out."""
    return isinstance(name, int) and abs(name) > _LARGEST_NAME
