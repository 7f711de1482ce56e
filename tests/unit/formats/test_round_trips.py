"""Every format gives back what it was given: 200 masks that are hard on formats."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from labelled import ABOUT, CLASSES, as_mask, iou, items, round_trip, taken

from cfinspect.engine.base.images import read_image
from cfinspect.formats.exchange_types import FormatError, Images, Options
from cfinspect.formats.registry import FORMATS

SEEDS = range(200)


@pytest.mark.parametrize(
    ("form", "polygons"),
    [
        ("png", False),
        ("coco", False),
        ("coco", True),
        ("voc", False),
        ("labelme", False),
        ("labelme", True),
        ("cvat", False),
        ("cvat", True),
        ("yolo", True),
    ],
)
def test_masks_come_back_pixel_by_pixel(tmp_path: Path, form: str, polygons: bool) -> None:
    one = FORMATS[form]
    assert one.write
    assert one.read
    for item, found in round_trip(tmp_path, one.write, one.read, SEEDS, Options(polygons=polygons)):
        assert np.array_equal(as_mask(found, item.mask.shape), item.mask), item.name
        assert (found.width, found.height) == (item.width, item.height)


@pytest.mark.parametrize("form", ["coco", "labelme", "cvat", "yolo"])
def test_simplified_polygons_stay_near(tmp_path: Path, form: str) -> None:
    one = FORMATS[form]
    assert one.write
    assert one.read
    options = Options(polygons=True, tolerance=1.0)
    pairs = round_trip(tmp_path, one.write, one.read, range(60), options)
    values = [iou(as_mask(found, item.mask.shape), item.mask) for item, found in pairs]
    assert min(values) >= 0.98


@pytest.mark.parametrize("form", ["png-binary", "cfinspect"])
def test_binary_masks_come_back(tmp_path: Path, form: str) -> None:
    one = FORMATS[form]
    assert one.write
    assert one.read
    for item, found in round_trip(tmp_path, one.write, one.read, range(40), Options()):
        drawn = found.parts.get("damage", np.zeros(item.mask.shape, bool))
        assert np.array_equal(drawn, item.mask > 0)


@pytest.mark.parametrize("form", ["coco", "labelme", "cvat", "cfinspect", "csv"])
def test_labels_come_back(tmp_path: Path, form: str) -> None:
    one = FORMATS[form]
    assert one.write
    assert one.read
    before = items(tmp_path / "source", range(20))
    (tmp_path / "out").mkdir()
    one.write(tmp_path / "out", iter(before), ABOUT, Options())
    labels = sorted(
        found.label for found in taken(one.read, tmp_path / "out") if found.label is not None
    )
    assert labels == sorted(item.label for item in before)


@pytest.mark.parametrize("form", ["png", "coco", "voc", "labelme", "cvat", "yolo", "cfinspect"])
def test_splits_have_their_own_place_and_lose_nothing(tmp_path: Path, form: str) -> None:
    one = FORMATS[form]
    assert one.write
    before = items(tmp_path / "source", range(12), split=True)
    (tmp_path / "out").mkdir()
    one.write(tmp_path / "out", iter(before), ABOUT, Options())
    names = {path.as_posix() for path in (tmp_path / "out").rglob("*")}
    assert any("val" in name for name in names)
    images = [n for n in names if n.endswith((".jpg", ".png")) and "/img " not in n]
    stems = {Path(name).stem for name in images if "asks" not in name and "Segm" not in name}
    assert stems == {item.stem for item in before}


@pytest.mark.parametrize("form", ["png", "coco", "labelme", "cvat"])
def test_images_can_be_linked_or_only_named(tmp_path: Path, form: str) -> None:
    one = FORMATS[form]
    assert one.write
    assert one.read
    before = items(tmp_path / "source", range(4))
    for images in (Images.LINK, Images.REFERENCE):
        out = tmp_path / images.value
        out.mkdir()
        one.write(out, iter(before), ABOUT, Options(images=images))
        files = [
            path
            for path in out.rglob("*")
            if path.suffix in {".png", ".jpg"} and "masks" not in path.parts
        ]
        assert len(files) == (4 if images is Images.LINK else 0)
        assert len(list(one.read(out))) == 4
        for file in files:
            source = next(item.source for item in before if item.stem == file.stem)
            assert file.samefile(source)


def test_formats_that_need_their_images_say_so(tmp_path: Path) -> None:
    before = items(tmp_path / "source", range(2))
    for form in ("yolo", "voc", "cfinspect"):
        write = FORMATS[form].write
        assert write
        with pytest.raises(FormatError, match="copied"):
            write(tmp_path, iter(before), ABOUT, Options(images=Images.REFERENCE))


def test_provenance_stands_in_the_formats_own_place(tmp_path: Path) -> None:
    for form in ("coco", "yolo", "voc", "labelme", "cvat"):
        write = FORMATS[form].write
        assert write
        out = tmp_path / form
        out.mkdir()
        write(out, iter(items(tmp_path / "source", range(2))), ABOUT, Options())
    info = json.loads((tmp_path / "coco" / "annotations.json").read_text())
    assert info["info"]["cfinspect"] == ABOUT.provenance
    assert info["images"][0]["cfinspect"]["who"] == "ann"
    assert '"m.safetensors"' in (tmp_path / "yolo" / "data.yaml").read_text()
    texts = {
        "voc": (tmp_path / "voc" / "Annotations" / "hall__img 0.xml").read_text(),
        "labelme": (tmp_path / "labelme" / "hall__img 0.json").read_text(),
        "cvat": (tmp_path / "cvat" / "annotations.xml").read_text(),
    }
    for text in texts.values():
        assert "m.safetensors" in text
        assert "ann" in text


def test_turned_photos_are_written_upright(tmp_path: Path) -> None:
    from PIL import Image

    (item,) = items(tmp_path / "source", range(2, 3))
    photo = tmp_path / "source" / "turned.jpg"
    pixels = np.zeros((item.width, item.height, 3), np.uint8)
    pixels[:10] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(photo, exif=exif)
    turned = item.__class__(**{**item.__dict__, "source": photo})
    assert read_image(photo).shape[:2] == item.mask.shape
    (tmp_path / "out").mkdir()
    write = FORMATS["coco"].write
    assert write
    write(tmp_path / "out", iter([turned]), ABOUT, Options())
    (file,) = (tmp_path / "out" / "images").iterdir()
    with Image.open(file) as stored:
        assert stored.size == (item.width, item.height)
        assert stored.getexif().get(0x0112, 1) == 1


def test_class_names_need_no_luck(tmp_path: Path) -> None:
    assert any("<" in name for name in CLASSES.values())
    for form in ("voc", "cvat", "yolo"):
        one = FORMATS[form]
        assert one.write
        assert one.read
        out = tmp_path / form
        out.mkdir()
        one.write(out, iter(items(tmp_path / "source", range(6))), ABOUT, Options())
        names = {name for found in taken(one.read, out) for name in found.parts}
        assert names == set(CLASSES.values())
