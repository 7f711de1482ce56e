"""Other people's readers open what we write: pycocotools, torchvision; more in the bench."""

from __future__ import annotations

import contextlib
import io
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from labelled import ABOUT, items
from pycocotools.coco import COCO
from torchvision.datasets import VOCSegmentation

from cfinspect.formats import coco, cvat, voc
from cfinspect.formats.exchange_types import Options


@pytest.mark.parametrize("polygons", [False, True])
def test_pycocotools_loads_and_decodes_the_same_masks(tmp_path: Path, polygons: bool) -> None:
    before = items(tmp_path / "s", range(30))
    (tmp_path / "out").mkdir()
    coco.write(tmp_path / "out", iter(before), ABOUT, Options(polygons=polygons))
    with contextlib.redirect_stdout(io.StringIO()):
        data = COCO(str(tmp_path / "out" / "annotations.json"))
    names = {category["id"]: category["name"] for category in data.loadCats(data.getCatIds())}
    assert names == ABOUT.classes
    for number, item in enumerate(before, 1):
        mask = np.zeros(item.mask.shape, np.uint8)
        for annotation in data.loadAnns(data.getAnnIds(imgIds=[number])):
            drawn = data.annToMask(annotation) > 0
            assert drawn.sum() == annotation["area"]
            mask[drawn] = annotation["category_id"]
        assert np.array_equal(mask, item.mask)
        (image,) = data.loadImgs([number])
        assert (tmp_path / "out" / "images" / image["file_name"]).exists()


def test_torchvision_reads_the_voc_layout(tmp_path: Path) -> None:
    before = items(tmp_path / "s", range(12), split=True)
    out = tmp_path / "VOCdevkit" / "VOC2012"
    out.mkdir(parents=True)
    voc.write(out, iter(before), ABOUT, Options())
    for split, wanted in (("train", "train"), ("val", "val")):
        data = VOCSegmentation(str(tmp_path), year="2012", image_set=split)
        chosen = [item for item in before if item.split == wanted]
        assert len(data) == len(chosen)
        for (image, target), item in zip(data, chosen, strict=True):
            assert image.size == target.size == (item.width, item.height)
            assert np.array_equal(np.asarray(target), item.mask)


def test_voc_boxes_are_right(tmp_path: Path) -> None:
    (item,) = items(tmp_path / "s", range(1))
    mask = np.zeros_like(item.mask)
    mask[3:7, 10:12] = 2
    (tmp_path / "out").mkdir()
    one = item.__class__(**{**item.__dict__, "mask": mask})
    voc.write(tmp_path / "out", iter([one]), ABOUT, Options())
    root = ET.parse(tmp_path / "out" / "Annotations" / f"{item.stem}.xml").getroot()
    (thing,) = root.findall("object")
    assert thing.findtext("name") == ABOUT.classes[2]
    box = [int(thing.findtext(f"bndbox/{side}") or 0) for side in ("xmin", "ymin", "xmax", "ymax")]
    assert box == [11, 4, 12, 7]


def test_cvat_xml_has_the_documented_structure(tmp_path: Path) -> None:
    before = items(tmp_path / "s", range(8), split=True)
    (tmp_path / "out").mkdir()
    cvat.write(tmp_path / "out", iter(before), ABOUT, Options())
    root = ET.parse(tmp_path / "out" / "annotations.xml").getroot()
    assert root.tag == "annotations"
    assert root.findtext("version") == "1.1"
    labels = {label.findtext("name") for label in root.findall("meta/task/labels/label")}
    assert labels == {*ABOUT.classes.values(), "damaged", "undamaged"}
    images = root.findall("image")
    assert [image.get("id") for image in images] == [str(i) for i in range(8)]
    for image in images:
        assert {"id", "name", "width", "height", "subset"} == set(image.keys())
        width, height = int(image.get("width", "")), int(image.get("height", ""))
        for mask in image.findall("mask"):
            keys = {"label", "source", "occluded", "rle", "left", "top", "width", "height"}
            assert keys | {"z_order"} == set(mask.keys())
            assert mask.get("label") in labels
            runs = [int(run) for run in mask.get("rle", "").split(", ")]
            wide, high = int(mask.get("width", "")), int(mask.get("height", ""))
            assert sum(runs) == wide * high
            assert int(mask.get("left", "")) + wide <= width
            assert int(mask.get("top", "")) + high <= height
        assert [tag.get("label") in labels for tag in image.findall("tag")] == [True]
