"""YOLO segmentation as Ultralytics lays it out (https://docs.ultralytics.com/datasets/segment/).

``images/<split>/``, ``labels/<split>/<stem>.txt`` with a region a line (class number from 0, then x
and y of the corners as shares of width and height), ``data.yaml``. Polygons know no holes here:
each hole is joined to the contour by a bridge of no width.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import yaml

from cfinspect.engine.base.images import header_size, list_images, read_bytes
from cfinspect.formats.exchange_types import (
    About,
    FormatError,
    Images,
    ImportedImage,
    Item,
    Options,
)
from cfinspect.formats.files import place_image
from cfinspect.formats.pixels import Painter, polygons, ring_of
from cfinspect.formats.safe import clean_name, number, read_text

DATA = "data.yaml"
_MAX_YAML = 1 << 20


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


def read(path: Path) -> Iterator[ImportedImage]:
    """A folder with ``data.yaml``, ``images/`` and ``labels/``, or its ``data.yaml``."""
    root = path if path.is_dir() else path.parent
    data = root / DATA if path.is_dir() else path
    names = _names(data)
    if not (root / "images").is_dir():
        raise FormatError(f"There is no folder images in {root}; sizes are taken from the images.")
    for image in list_images([root / "images"]):
        inner = image.relative_to(root / "images")
        labels = (root / "labels" / inner).with_suffix(".txt")
        if not labels.is_file():
            continue  # not labelled yet; an image without damage has an empty file
        height, width = header_size(image, read_bytes(image))
        painter = Painter(height, width, str(labels))
        text = read_text(labels).decode("utf-8", "replace")
        for place, line in enumerate(text.splitlines(), 1):
            where = f"Line {place} of {labels}"
            cells = line.split()
            if not cells:
                continue
            class_id = int(number(cells[0], where))
            if class_id not in names:
                raise FormatError(f"{where} has the class {class_id}, which {data} does not name.")
            if len(cells) == 5:
                painter.undrawn += 1  # a box only
                continue
            ring = ring_of(cells[1:], where) * np.array([width, height])
            painter.polygon(names[class_id], ring)
        yield ImportedImage(
            clean_name(inner.as_posix(), str(image)),
            painter.mask,
            painter.classes,
            None,
            width,
            height,
            painter.undrawn,
        )


class _Loader(yaml.SafeLoader):
    """Plain values only: no aliases, which unfold without end."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not read")
        node: yaml.Node | None = super().compose_node(parent, index)
        return node


def _names(data: Path) -> dict[int, str]:
    text = read_text(data, most=_MAX_YAML)
    try:
        loaded = yaml.load(text, Loader=_Loader)
    except Exception as error:  # explicit tags on odd values make the loader raise nearly anything
        raise FormatError(f"{data} is no YAML file ({error}).") from error
    names = loaded.get("names") if isinstance(loaded, dict) else None
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not all(
        isinstance(key, int) and isinstance(name, str | int) for key, name in names.items()
    ):
        raise FormatError(f"{data} has no names of classes.")
    return {key: str(name) for key, name in names.items()}
