"""Class labels as a CSV table, and cfinspect's own data folder, ready to train on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from cfinspect.engine.base.images import ImageError
from cfinspect.engine.data.class_words import CLASS_NAMES, class_words
from cfinspect.engine.data.csv_cells import TableWriter
from cfinspect.engine.data.folders import MASKS, scan_folder
from cfinspect.engine.data.label_table import LABELS, read_labels
from cfinspect.engine.data.mask_values import read_mask_values
from cfinspect.engine.data.settings import MaskValues
from cfinspect.formats.exchange_types import (
    About,
    FormatError,
    Images,
    ImportedImage,
    Item,
    Options,
    Refused,
)
from cfinspect.formats.files import place_image, write_mask
from cfinspect.formats.pixels import names_of
from cfinspect.formats.safe import clean_name
from cfinspect.masks.regions import regions_of

COLUMNS = ("filename", "label", "group", "split", "area_fraction", "width", "height")
REGIONS = "regions.csv"
REGION_COLUMNS = (
    *("filename", "class", "x", "y", "width", "height", "area", "length", "mean_width"),
    *("area_mm2", "length_mm", "mean_width_mm"),
)
_ORIGIN = ("layer", "who", "at", "model", "score", "p_fake")


def write_table(out: Path, items: Iterator[Item], about: About, _options: Options) -> None:
    """``labels.csv``: a row per image with label, group, split, damaged area and who said so.

    ``regions.csv``: a row per region with its class, box, area, length and mean width, in pixels
    and, where the folder has a scale, in millimetres.
    """
    with (
        (out / LABELS).open("w", encoding="utf-8", newline="") as stream,
        (out / REGIONS).open("w", encoding="utf-8", newline="") as region_stream,
    ):
        writer = TableWriter(stream)
        writer.row((*COLUMNS, *_ORIGIN))
        regions = TableWriter(region_stream)
        regions.row(REGION_COLUMNS)
        for item in items:
            for region in regions_of(item.mask, item.mm_per_px):
                values = asdict(region)
                name = about.classes[values.pop("class_id")]
                numbers = (
                    None if values[column] is None else round(values[column], 3)
                    for column in REGION_COLUMNS[2:]
                )
                regions.row((item.name, name, *numbers))
            area = round(float((item.mask > 0).mean()), 8)
            facts = (CLASS_NAMES[item.label], item.group, item.split, area, item.width, item.height)
            writer.row((item.name, *facts, *(item.provenance.get(key) for key in _ORIGIN)))


def read_table(path: Path) -> Iterator[ImportedImage | Refused]:
    """A table with the columns ``filename`` and ``label``; or a folder with ``labels.csv``."""
    file = path / LABELS if path.is_dir() else path
    for name, row in read_labels(file, class_words()).items():
        if row.label is None:
            continue
        try:
            yield ImportedImage(clean_name(name, str(file)), None, label=row.label)
        except FormatError as error:
            yield Refused(name, str(error))


def write_data_folder(out: Path, items: Iterator[Item], _about: About, options: Options) -> None:
    """``undamaged/``, ``damaged/``, ``masks/`` and ``labels.csv``: what `cfinspect train` takes."""
    if options.images is Images.REFERENCE:
        raise FormatError("A data folder holds its images: export with images copied or linked.")
    rows = []
    for item in items:
        part = Path(item.split, CLASS_NAMES[item.label])
        name = place_image(item, out / part, options.images)
        if item.mask.any():
            write_mask(out / item.split / MASKS / f"{item.stem}.png", item.mask, binary=True)
        # Without a group of its own, an image must not share the empty one with others.
        group = item.group or item.stem
        rows.append((item.split, (CLASS_NAMES[item.label], name), group))
    for split in dict.fromkeys(split for split, _, _ in rows):
        with (out / split / LABELS).open("w", encoding="utf-8", newline="") as stream:
            writer = TableWriter(stream)
            writer.row(("filename", "label", "group"))
            for own, (word, name), group in rows:
                if own == split:
                    writer.row((f"{word}/{name}", word, group))


def read_data_folder(
    path: Path, values: MaskValues = MaskValues.AUTO
) -> Iterator[ImportedImage | Refused]:
    """A data folder: labels from its class folders or ``labels.csv``, and ``masks/``.

    Also one that was split: ``train/``, ``val/`` and ``test/`` are read one after the other.
    """
    splits = [path / name for name in ("train", "val", "test") if (path / name).is_dir()]
    for root in splits or [path]:
        for candidate in scan_folder(root, class_words()).candidates:
            inner = candidate.path.relative_to(root).as_posix()
            try:
                mask = read_mask_values(candidate.mask, values).mask if candidate.mask else None
                yield ImportedImage(
                    clean_name(inner, str(path)),
                    mask,
                    {} if mask is None else names_of(mask, {1: "damage"}),
                    candidate.label,
                    height=None if mask is None else mask.shape[0],
                    width=None if mask is None else mask.shape[1],
                    complete=True,
                )
            except (FormatError, ImageError) as error:
                yield Refused(inner, str(error))
