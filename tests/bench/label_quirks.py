"""Odd label files of every format, against each format's own library: a table.

    pip install labelme ultralytics datumaro    (heavy; into a venv of their own, beside cfinspect)
    python tests/bench/label_quirks.py [coco] [labelme] [cvat] [yolo] [voc]

A row each: how many odd files; of how many the project says what is written down for them by hand;
how many the library reads to an area, and of these how many are equal (the others are named below);
how many are left out with a sentence; wrong verdicts; stopped imports. Two areas are equal where
they differ by pixels of their edges alone: labelme and Ultralytics draw outlines as well, and
COCO rounds corners, which all add up to a pixel to each side. Exit code 1 where something is wrong.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import sys
import tempfile
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "formats" / "quirks"))
from quirk import HEIGHT, WIDTH, Mask, Quirk, complaints, hall, near_edges, taken, written
from quirks_all import FORMATS

from cfinspect.engine.data.class_words import UNDAMAGED, class_words

SOUND = {word for word, label in class_words().items() if label == UNDAMAGED}
NO_MARK = {"background", "_background_", "ignore", "__ignore__"}
# Where the library does less than its format says, or names are ours to understand.
KNOWN = {
    "coco: image id in text, there": "pycocotools does not know 1 and '1' for the same",
    "coco: image id in text, here": "pycocotools does not know 1 and '1' for the same",
    "cvat: ellipse": "datumaro passes ellipses over",
    "cvat: ellipse turned": "datumaro passes ellipses over",
}


class CannotReadError(Exception):
    """The library has no word on this file."""


class DiffersError(Exception):
    """It says something else."""


def lay(mask: Mask, name: str, part: Mask) -> None:
    """Add a mark to a mask as its name has it: damage, or what is none."""
    if name in NO_MARK:
        mask[part] = False
    elif name not in SOUND:
        mask |= part


def with_coco(_quirk: Quirk, path: Path) -> Mask:
    """The union of what pycocotools makes of the first image's annotations."""
    from pycocotools.coco import COCO

    with contextlib.redirect_stdout(io.StringIO()):
        data = COCO(str(path))
    image = data.dataset["images"][0]
    names = {one["id"]: one["name"] for one in data.dataset.get("categories") or []}
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    for one in data.imgToAnns[image["id"]]:
        lay(mask, names.get(one.get("category_id"), "damage"), data.annToMask(one) > 0)
    return mask


def with_labelme(quirk: Quirk, path: Path) -> Mask:
    """What labelme's own function draws of each shape."""
    from labelme import utils

    (file,) = (path / name for name in quirk.files if name not in {"c.json", "b.json"})
    data = json.loads(file.read_text("utf-8"))
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    for one in data["shapes"]:
        if one["shape_type"] == "mask":
            part = np.zeros_like(mask)
            (x0, y0), (x1, y1) = one["points"]
            drawn = utils.img_b64_to_arr(one["mask"]).astype(np.bool_)
            part[y0 : y1 + 1, x0 : x1 + 1] = drawn[: HEIGHT - y0, : WIDTH - x0]
        elif one["shape_type"] in {"line", "linestrip", "point", "points"}:
            continue  # which it gives a width of its own
        else:
            part = utils.shape_to_mask((HEIGHT, WIDTH), one["points"], one["shape_type"])
        lay(mask, one["label"], part)
    return mask


def with_datumaro(quirk: Quirk, path: Path) -> Mask:
    """What datumaro reads of the file of CVAT, drawn by pycocotools.

    It asks for labels in <meta> and for the images, and gets them.
    """
    from datumaro.components.annotation import AnnotationType, Bbox, Polygon, RotatedBbox
    from datumaro.components.annotation import Mask as Drawn
    from datumaro.components.dataset import Dataset
    from pycocotools import mask as coco_mask

    root = ET.parse(path / "annotations.xml" if path.is_dir() else path).getroot()
    kit = Path(f"{path}-kit")
    (kit / "images").mkdir(parents=True)
    for image in root.iter("image"):
        name = PureWindowsPath(image.get("name", "")).name
        image.set("name", name)
        (kit / "images" / name).write_bytes(_jpeg())
    meta = root.find("meta")
    if meta is None:
        meta = ET.Element("meta")
        root.insert(0, meta)
    task = meta.find("task")
    labels = ET.SubElement(ET.SubElement(meta, "task") if task is None else task, "labels")
    for name in {one.get("label", "") for one in root.iter()} - {""}:
        ET.SubElement(ET.SubElement(labels, "label"), "name").text = name
    ET.ElementTree(root).write(kit / "annotations.xml")
    data = Dataset.import_from(str(kit), "cvat")
    names = data.categories()[AnnotationType.label]
    stem = Path(quirk.image).stem
    (item,) = (one for one in data if unicodedata.normalize("NFC", one.id).lower() == stem.lower())
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    for one in sorted(item.annotations, key=lambda one: getattr(one, "z_order", 0)):
        if one.attributes.get("outside"):
            continue  # of a video's frame that it has left
        if isinstance(one, Drawn):
            part = np.asarray(one.image, dtype=np.bool_)
        elif isinstance(one, Polygon | Bbox | RotatedBbox):
            flat = one.points if isinstance(one, Polygon) else one.as_polygon()
            runs = coco_mask.frPyObjects([np.ravel(flat).tolist()], HEIGHT, WIDTH)
            part = coco_mask.decode(runs)[..., 0] > 0
        else:
            continue
        lay(mask, names[one.label].name if one.label is not None else "damage", part)
    return mask


def with_ultralytics(quirk: Quirk, path: Path) -> Mask:
    """What Ultralytics checks and draws."""
    from ultralytics.data.utils import polygon2mask, verify_image_label

    root = path if path.is_dir() else path.parent
    data = yaml.safe_load((root / "data.yaml").read_text("utf-8"))
    names, points = data["names"], data.get("kpt_shape", (0, 0))
    stem = quirk.image.rsplit(".", 1)[0]
    (image,) = root.rglob(quirk.image)
    (labels,) = root.rglob(f"{stem}.txt")
    known = (str(image), str(labels), "", False, len(names), *points, False)
    found = verify_image_label(known)
    if found[0] is None:
        raise CannotReadError(found[-1])
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    for row, segment in zip(found[1], found[3], strict=False):
        corners = (segment * (WIDTH, HEIGHT)).ravel()
        number = int(row[0])
        name = names[number] if isinstance(names, list) else names.get(number, "damage")
        lay(mask, str(name), polygon2mask((HEIGHT, WIDTH), [corners]) > 0)
    return mask


def with_torchvision(quirk: Quirk, path: Path) -> Mask:
    """The target that torchvision gives beside an image, as marked or not."""
    from torchvision.datasets import VOCDetection, VOCSegmentation

    masks = [
        name
        for name in quirk.files
        if name.startswith("SegmentationClass/") and "/c.png" not in name
    ]
    if not masks:
        (file,) = (name for name in quirk.files if name.endswith("a.xml") and "._" not in name)
        root = ET.fromstring(quirk.files[file])
        objects = VOCDetection.parse_voc_xml(root)["annotation"]["object"]
        damaged = any(one.get("name", "damage") not in SOUND | NO_MARK for one in objects)
        if damaged != (quirk.verdict == 1):
            raise DiffersError(f"{len(objects)} objects")
        return np.zeros((HEIGHT, WIDTH), np.bool_)
    inner = masks[0].split("/", 1)[1].rsplit(".", 1)[0]
    devkit = path / "kit" / "VOCdevkit" / "VOC2012"
    shutil.copytree(path / "SegmentationClass", devkit / "SegmentationClass")
    (devkit / "JPEGImages" / inner).parent.mkdir(parents=True)
    (devkit / "JPEGImages" / f"{inner}.jpg").write_bytes(_jpeg())
    (devkit / "ImageSets" / "Segmentation").mkdir(parents=True)
    (devkit / "ImageSets" / "Segmentation" / "train.txt").write_text(f"{inner}\n", "utf-8")
    _, target = VOCSegmentation(str(path / "kit"), year="2012", image_set="train")[0]
    numbers = np.asarray(target)
    marked = numbers.reshape(HEIGHT, WIDTH, -1).max(axis=2) > 0
    border = numbers == 255 if numbers.ndim == 2 and (numbers[numbers != 255] > 0).any() else False
    return np.asarray(marked & ~np.asarray(border))


def _jpeg() -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", (WIDTH, HEIGHT)).save(stream, "JPEG")
    return stream.getvalue()


LIBRARIES: dict[str, Callable[[Quirk, Path], Mask]] = {
    "coco": with_coco,
    "labelme": with_labelme,
    "cvat": with_datumaro,
    "yolo": with_ultralytics,
    "voc": with_torchvision,
}


def equal(one: Mask | None, other: Mask) -> bool:
    """Whether two areas differ by pixels of their edges alone."""
    mine = np.zeros_like(other) if one is None else one
    differs = (mine != other) & ~near_edges(mine) & ~near_edges(other)
    return not differs.any()


def compared(form: str, quirk: Quirk, path: Path, mask: Mask | None) -> str | None:
    """ "" where the library says the same, how it differs, or None where it says nothing."""
    if f"{form}: {quirk.name}" in KNOWN:
        return None
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            theirs = LIBRARIES[form](quirk, path)
    except DiffersError as error:
        return str(error)
    except Exception as error:  # whatever a library does with an odd file
        if "--why" in sys.argv:
            print(f"{form}: {quirk.name}: {type(error).__name__}: {error}"[:200])
        return None
    return "" if equal(mask, theirs) else f"{int(theirs.sum())} pixels"


def main() -> None:
    """A row for each format; what is wrong below."""
    failed = []
    print(
        "| format | odd files | as written down | read by the library | equal | with a sentence |"
    )
    print("|---|---|---|---|---|---|", flush=True)
    sums: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, hall(Path(folder) / "hall") as project:
        for form in [one for one in sys.argv[1:] if one in FORMATS] or FORMATS:
            row = [0] * 5
            for number, quirk in enumerate(FORMATS[form]):
                path = written(quirk, Path(folder) / f"{form}-{number}")
                found = taken(project, form, path)
                wrong = complaints(quirk, found)
                row[0] += 1
                row[1] += not wrong
                row[4] += bool(found.error or found.report.problems)
                verdict = found.verdicts.get(quirk.image)
                sums["verdicts"] = sums.get("verdicts", 0) + (
                    not found.error and verdict != quirk.verdict
                )
                sums["stopped"] = sums.get("stopped", 0) + (bool(found.error) and not quirk.stops)
                if not found.error and not found.report.left_out:
                    differs = compared(form, quirk, path, found.masks.get(quirk.image))
                    row[2] += differs is not None
                    row[3] += differs == ""
                    wrong += [f"the library says {differs}"] if differs else []
                failed += [f"{form}: {quirk.name}: {one}" for one in wrong]
            print(f"| {form} | {' | '.join(map(str, row))} |", flush=True)
    print(f"\nWrong verdicts: {sums['verdicts']}; stopped imports: {sums['stopped']}.")
    print("\n".join(failed))
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
