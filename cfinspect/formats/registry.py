"""The formats by name: what the command line and the window offer, plug-ins included."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.plugins import Plugins
from cfinspect.engine.base.progress import Cancelled
from cfinspect.formats import coco, cvat, labelme, png, public, tables, voc, yolo
from cfinspect.formats.exchange_types import (
    About,
    FormatError,
    ImportedImage,
    Item,
    MaskReader,
    Options,
    Reader,
    Refused,
    Writer,
)


@dataclass(frozen=True)
class Format:
    """One format. ``needs_masks``: it has no place for a label without a mask: damage that nobody
    has marked would pass for background. ``images``: the folder of images below the imported path,
    for data sets that bring their own; None for annotations of images that the project has.
    ``jpeg_only``: images of other kinds are converted for it. ``read_as``: for formats with mask
    files, ``read`` that is told what their values are.
    """

    name: str
    summary: str
    write: Writer | None = None
    read: Reader | None = None
    images: str | None = None
    needs_masks: bool = True
    jpeg_only: bool = False
    read_as: MaskReader | None = None


FORMATS: dict[str, Format] = {
    one.name: one
    for one in (
        Format(
            "png",
            "masks as indexed PNG, and classes.json",
            png.write_indexed_masks,
            png.read_masks,
            read_as=png.read_masks,
        ),
        Format(
            "png-binary",
            "masks as PNG of 0 and 255",
            png.write_binary_masks,
            png.read_masks,
            read_as=png.read_masks,
        ),
        Format("coco", "COCO instances, run lengths or polygons", coco.write, coco.read),
        Format("yolo", "YOLO segmentation (Ultralytics), data.yaml", yolo.write, yolo.read),
        Format("voc", "Pascal VOC boxes and segmentation", voc.write, voc.read, jpeg_only=True),
        Format("labelme", "labelme JSON beside each image", labelme.write, labelme.read),
        Format("cvat", "CVAT for images 1.1 XML", cvat.write, cvat.read),
        Format(
            "csv",
            "labels and regions as tables",
            tables.write_table,
            tables.read_table,
            needs_masks=False,
        ),
        Format(
            "cfinspect",
            "a data folder for cfinspect train",
            tables.write_data_folder,
            tables.read_data_folder,
            needs_masks=False,
            read_as=tables.read_data_folder,
        ),
        Format(
            "concrete-crack",
            "Concrete Crack Segmentation Dataset (rgb/ and BW/)",
            read=public.read_concrete_crack,
            images="rgb",
        ),
        Format(
            "casc-ifw",
            "CASC IFW: folders of undamaged and damaged apples",
            read=public.read_casc_ifw,
            images=".",
        ),
    )
}


def _is_format(value: object) -> TypeGuard[Format]:
    return isinstance(value, Format) and (value.write is not None or value.read is not None)


PLUGINS = Plugins(
    group="cfinspect.formats",
    kind="format",
    usable=_is_format,
    expected="a cfinspect.formats.registry.Format that writes or reads",
    built_in=frozenset(FORMATS),
)


def formats() -> dict[str, Format]:
    """All formats by name: our own, then those of plug-ins, which are loaded for it."""
    plugins = {name: _guarded(name, one) for name, one in PLUGINS.load_all().items()}
    return FORMATS | plugins


def format_named(name: str) -> Format | None:
    """One format; a plug-in is looked for where we have none of this name."""
    if name in FORMATS:
        return FORMATS[name]
    found = PLUGINS.load(name)
    return None if found is None else _guarded(name, found)


def writers() -> tuple[str, ...]:
    """Names of the formats that can be written."""
    return tuple(name for name, one in formats().items() if one.write)


def readers() -> tuple[str, ...]:
    """Names of the formats that can be read."""
    return tuple(name for name, one in formats().items() if one.read)


def writer(name: str) -> tuple[Writer, Format]:
    """The writer of a format; FormatError names those there are."""
    one = format_named(name)
    if one is None or one.write is None:
        raise FormatError(f"There is no export format {name}; there are {', '.join(writers())}.")
    return one.write, one


def reader(name: str) -> tuple[Reader, Format]:
    """The reader of a format; FormatError names those there are."""
    one = format_named(name)
    if one is None or one.read is None:
        raise FormatError(f"There is no import format {name}; there are {', '.join(readers())}.")
    return one.read, one


def _guarded(name: str, one: Format) -> Format:
    """A plug-in's format under the name of its entry point; its mistakes become sentences."""
    return dataclasses.replace(
        one,
        name=name,
        write=one.write and _guarded_writer(name, one.write),
        read=one.read and _guarded_reader(name, one.read),
    )


def _guarded_writer(name: str, write: Writer) -> Writer:
    def guarded(folder: Path, items: Iterator[Item], about: About, options: Options) -> None:
        try:
            write(folder, items, about, options)
        except _OURS:
            raise
        except Exception as error:
            raise PLUGINS.failed(name, error) from error

    return guarded


def _guarded_reader(name: str, read: Reader) -> Reader:
    def guarded(path: Path) -> Iterator[ImportedImage | Refused]:
        try:
            yield from read(path)
        except _OURS:
            raise
        except Exception as error:
            raise PLUGINS.failed(name, error) from error

    return guarded


_OURS = (CfinspectError, Cancelled, OSError, MemoryError)  # these are told already
