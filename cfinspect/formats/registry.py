"""The formats by name: what the command line and the window offer."""

from __future__ import annotations

from dataclasses import dataclass

from cfinspect.formats import coco, cvat, labelme, png, public, tables, voc, yolo
from cfinspect.formats.exchange_types import FormatError, Reader, Writer


@dataclass(frozen=True)
class Format:
    """One format. ``needs_masks``: it has no place for a label without a mask: damage that nobody
    has marked would pass for background. ``images``: the folder of images below the imported path,
    for data sets that bring their own; None for annotations of images that the project has.
    """

    name: str
    summary: str
    write: Writer | None = None
    read: Reader | None = None
    images: str | None = None
    needs_masks: bool = True


FORMATS: dict[str, Format] = {
    one.name: one
    for one in (
        Format(
            "png", "masks as indexed PNG, and classes.json", png.write_indexed_masks, png.read_masks
        ),
        Format("png-binary", "masks as PNG of 0 and 255", png.write_binary_masks, png.read_masks),
        Format("coco", "COCO instances, run lengths or polygons", coco.write, coco.read),
        Format("yolo", "YOLO segmentation (Ultralytics), data.yaml", yolo.write, yolo.read),
        Format("voc", "Pascal VOC boxes and segmentation", voc.write, voc.read),
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
WRITERS = tuple(name for name, one in FORMATS.items() if one.write)
READERS = tuple(name for name, one in FORMATS.items() if one.read)


def writer(name: str) -> tuple[Writer, bool]:
    """The writer of a format, and whether it needs masks; FormatError names those there are."""
    one = FORMATS.get(name)
    if one is None or one.write is None:
        raise FormatError(f"There is no export format {name}; there are {', '.join(WRITERS)}.")
    return one.write, one.needs_masks


def reader(name: str) -> tuple[Reader, Format]:
    """The reader of a format; FormatError names those there are."""
    one = FORMATS.get(name)
    if one is None or one.read is None:
        raise FormatError(f"There is no import format {name}; there are {', '.join(READERS)}.")
    return one.read, one
