"""Files that somebody else made, some with bad intent: one sentence, nothing outside, no crash."""

from __future__ import annotations

import base64
import json
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from labelled import ABOUT, items, taken

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.images import write_png
from cfinspect.formats import coco, cvat, labelme, tables, voc, yolo
from cfinspect.formats.exchange_types import (
    FormatError,
    Options,
    Reader,
    Refused,
)
from cfinspect.formats.safe import clean_name, number

RLE = {"size": [10, 10], "counts": [100]}


def coco_file(folder: Path, **changes: Any) -> Path:
    """A sound little COCO file, with some of its parts changed."""
    image = {"id": 1, "file_name": "a.png", "width": 10, "height": 10}
    annotation = {"image_id": 1, "category_id": 1, "segmentation": RLE}
    data: dict[str, Any] = {
        "images": [{**image, **changes.pop("image", {})}],
        "categories": [{"id": 1, "name": "crack"}],
        "annotations": [{**annotation, **changes.pop("annotation", {})}],
        **changes,
    }
    path = folder / "a.json"
    path.write_text(json.dumps(data))
    return path


def sentence(read: Reader, path: Path) -> str:
    """Why nothing is taken of ``path``: of none of its parts, or of all of it."""
    try:
        found = list(read(path))
    except FormatError as error:
        return str(error)
    refused = [one.why for one in found if isinstance(one, Refused)]
    assert len(refused) == len(found) > 0, found
    return " ".join(refused)


def test_the_sound_one_is_read(tmp_path: Path) -> None:
    changes = {"segmentation": {"size": [10, 10], "counts": [95, 5]}}
    (found,) = taken(coco.read, coco_file(tmp_path, unknown={"field": 1}, annotation=changes))
    assert found.mask is not None
    assert found.mask.shape == (10, 10)
    assert found.mask.sum() == 5


@pytest.mark.parametrize(
    "changes",
    [
        {"image": {"width": 10**9, "height": 10**9}},
        {"image": {"width": -3}},
        {"image": {"width": 2.5}},
        {"image": {"width": None}},
        {"image": {"width": "many"}},
        {"image": {"width": True}},
        {"image": {"id": None}},
        {"image": {"id": [1]}},
        {"image": {"file_name": ""}},
        {"image": {"file_name": 7}},
        {"image": {"file_name": "../../"}},
        {"image": {"file_name": "x" * 5000}},
        {"image": {"file_name": "a\ud800.png"}},
        {"image": {"file_name": "a\n.png"}},
        {"annotation": {"category_id": 9}},
        {"annotation": {"category_id": [1]}},
        {"annotation": {"segmentation": [[1, 2, 3, 4, 5, "x"]]}},
        {"annotation": {"segmentation": [[1, 2, 3, 4, 5, 10**400]]}},
        {"annotation": {"segmentation": ["text"]}},
        {"annotation": {"segmentation": {"size": [10, 11], "counts": [110]}}},
        {"annotation": {"segmentation": {"size": [10, 10], "counts": [99]}}},
        {"annotation": {"segmentation": {"size": [10, 10], "counts": [200, -100]}}},
        {"annotation": {"segmentation": {"size": [10, 10], "counts": [1e2]}}},
        {"annotation": {"segmentation": {"size": [10, 10], "counts": "~~~~"}}},
        {"annotation": {"segmentation": {"size": [10, 10], "counts": "o" * 200}}},
        {"annotation": {"segmentation": {"size": [10, 10], "counts": "P"}}},
        {"annotations": {"a": 1}},
        {"annotations": [1]},
        {"images": None},
        {"categories": [{"id": 2, "name": "rust"}]},
    ],
)
def test_a_coco_file_that_lies_is_one_sentence(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert "a.json" in sentence(coco.read, coco_file(tmp_path, **changes))


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", "1", '{"images": NaN}', "[" * 200_000, '{"a": 1e999, "images": Infinity}'],
)
def test_what_is_no_json_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(FormatError, match=r"a\.json"):
        list(coco.read(path))


def test_huge_coordinates_and_nan_in_polygons(tmp_path: Path) -> None:
    for far, said in ((1e8, ""), (1e300, "a corner beyond 1e+09 px")):
        corners = [[-far, -far, far, -far, far, far, -far, far]]
        path = coco_file(tmp_path, annotation={"segmentation": corners})
        if said:
            assert said in sentence(coco.read, path)
        else:
            (found,) = taken(coco.read, path)
            assert found.parts["crack"].all()
    text = coco_file(tmp_path, annotation={"segmentation": [[0, 0, 1, 0, 1, "NAN"]]}).read_text()
    (tmp_path / "a.json").write_text(text.replace('"NAN"', "NaN"))
    assert "'nan' is no number" in sentence(coco.read, tmp_path / "a.json")


def test_a_file_of_a_gigabyte_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with path.open("wb") as stream:
        stream.truncate(1 << 30)  # takes no room on the disk
    tracemalloc.start()
    with pytest.raises(FormatError, match="split it"):
        list(coco.read(path))
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("C:\\Windows\\a.png", "Windows/a.png"),
        ("\\\\server\\share\\a.png", "server/share/a.png"),
        ("a/./b/../c.png", "a/b/c.png"),
        ("übung 1/ä.png", "übung 1/ä.png"),
    ],
)
def test_names_lead_nowhere(name: str, clean: str) -> None:
    assert clean_name(name, "here") == clean


BOMB = """<?xml version="1.0"?>
<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>
<annotations>&c;</annotations>"""
OUTSIDE = """<?xml version="1.0"?>
<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotations>&x;</annotations>"""


@pytest.mark.parametrize("text", [BOMB, OUTSIDE, "<annotations>", "", "no xml", "<a/><b/>"])
def test_xml_bombs_and_broken_xml_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "annotations.xml"
    path.write_text(text)
    started = time.monotonic()
    with pytest.raises(FormatError, match=r"annotations\.xml"):
        list(cvat.read(path))
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    "shape",
    [
        '<mask label="a" rle="100" left="0" top="0" width="1000000" height="1000000"/>',
        '<mask label="a" rle="5, 5" left="0" top="0" width="10" height="10"/>',
        '<mask label="a" rle="x" left="0" top="0" width="2" height="2"/>',
        '<mask label="a" left="0" top="0" width="2" height="2"/>',
        '<polygon label="a" points="1,2;3"/>',
        '<polygon label="a" points="1,2;3,nan;4,5"/>',
        '<box label="a" xtl="1" ytl="1" xbr="2"/>',
    ],
)
def test_a_cvat_file_that_lies_is_one_sentence(tmp_path: Path, shape: str) -> None:
    path = tmp_path / "annotations.xml"
    path.write_text(
        f'<annotations><image id="0" name="a.png" width="10" height="10">{shape}</image>'
        "</annotations>"
    )
    assert "annotations.xml" in sentence(cvat.read, path)


@pytest.mark.parametrize(
    "shape",
    [
        {"shape_type": "polygon", "points": [[1, 2], [3]]},
        {"shape_type": "polygon", "points": "none"},
        {"shape_type": "rectangle", "points": [[1, 2]]},
        {"shape_type": "mask", "points": [[0, 0], [1, 1]], "mask": "no picture"},
        {"shape_type": "mask", "points": [[0, 0], [1, 1]], "mask": None},
        {"shape_type": "mask", "points": [[0, 0], [99, 99]], "mask": ""},
    ],
)
def test_a_labelme_file_that_lies_is_one_sentence(tmp_path: Path, shape: dict[str, Any]) -> None:
    path = tmp_path / "a.json"
    sizes = {"imageHeight": 10, "imageWidth": 10, "imagePath": "a.png"}
    path.write_text(json.dumps({**sizes, "shapes": [{"label": "a", **shape}]}))
    with pytest.raises(FormatError, match=r"a\.json"):
        list(labelme.read(path))


@pytest.mark.parametrize("kind", [["polygon"], {"a": 1}, 7])
def test_a_labelme_shape_of_no_type_is_one_sentence(tmp_path: Path, kind: object) -> None:
    shape = {"label": "a", "shape_type": kind, "points": [[1, 1], [5, 1], [5, 5]]}
    sizes = {"imageHeight": 10, "imageWidth": 10, "imagePath": "a.png"}
    (tmp_path / "a.json").write_text(json.dumps({**sizes, "shapes": [shape]}))
    assert "type is no word" in sentence(labelme.read, tmp_path)


def test_names_no_disk_has_are_one_sentence(tmp_path: Path) -> None:
    text = json.dumps({"shapes": [], "imagePath": f"{'x' * 900}.png"})
    (tmp_path / "a.json").write_text(text)
    assert "picture" in sentence(labelme.read, tmp_path)
    sizes = json.dumps({"shapes": [], "imagePath": "b.png", "imageHeight": 4, "imageWidth": 4})
    (tmp_path / "b.json").write_text(sizes)
    assert [one.name for one in labelme.read(tmp_path) if not isinstance(one, Refused)] == ["b.png"]
    (tmp_path / "list.txt").write_text(f"{'x' * 900}.png\nc.png\n")
    parts = f"[list.txt, {'x' * 300}/{'y' * 300}]"
    (tmp_path / "data.yaml").write_text(f"train: {parts}\nnames: [crack]\n")
    (tmp_path / "c.txt").write_text("")
    write_png(tmp_path / "c.png", np.zeros((4, 4), np.uint8))
    absent, refused, read = yolo.read(tmp_path)
    assert isinstance(absent, Refused) and absent.why.startswith("1 of the 2 images that list.txt")
    assert isinstance(refused, Refused) and refused.why.startswith("There is no xxx")
    assert read.name == "c.png"


@pytest.mark.parametrize(
    "heading", ['filename,label,"' + "x" * 200_000 + '"', 'filename,"a"b,label', '"filename']
)
def test_a_table_whose_first_line_is_odd_is_one_sentence(tmp_path: Path, heading: str) -> None:
    (tmp_path / "labels.csv").write_text(f"{heading}\na.png,damaged,\n")
    with pytest.raises(CfinspectError, match=r"Line 1 of .*labels\.csv is malformed|no column"):
        list(tables.read_table(tmp_path))


def test_a_labelme_mask_that_would_unfold_is_not_unfolded(tmp_path: Path) -> None:
    write_png(tmp_path / "big.png", np.zeros((6000, 6000), np.uint8))
    text = base64.b64encode((tmp_path / "big.png").read_bytes()).decode()
    shape = {"label": "a", "shape_type": "mask", "points": [[0, 0], [1, 1]], "mask": text}
    sizes = {"imageHeight": 10, "imageWidth": 10, "imagePath": "a.png"}
    (tmp_path / "a.json").write_text(json.dumps({**sizes, "shapes": [shape]}))
    with pytest.raises(FormatError, match="size"):
        list(labelme.read(tmp_path / "a.json"))


YAML_BOMB = "a0: &a0 [x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)
YAML_BOMB += "names: {0: *a11}\n"


def change_text(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        (file,) = root.glob(name)
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    return change


@pytest.mark.parametrize(
    "change",
    [
        change_text("data.yaml", "names:", "other:"),
        change_text("data.yaml", "names:", "names: !!python/object/apply:os.system ['true']\nx:"),
        change_text("labels/train/*0.txt", "0 ", "7 "),
        change_text("labels/train/*0.txt", "0.", "nan 0."),
        lambda root: (root / "data.yaml").write_text("a: &a [*a, *a"),
        lambda root: (root / "data.yaml").write_text(YAML_BOMB),
        change_text("data.yaml", "names:", "names: !!int ''\nx:"),
        change_text("data.yaml", "names:", "names: !!timestamp 'x'\nx:"),
        change_text("data.yaml", "names:", "names: {0: {a: 1}}\nx:"),
        change_text("data.yaml", "names:", f"names:\n  ? '{'9' * 5000}'\n  : x\nx:"),
        change_text("data.yaml", "names:", f"names:\n  ? 0x{'f' * 5000}\n  : x\nx:"),
        change_text("data.yaml", "names:", f"names: [0x{'f' * 5000}]\nx:"),
        lambda root: (root / "images").rename(root / "pictures"),
    ],
)
def test_a_yolo_folder_that_lies_is_one_sentence(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    (tmp_path / "out").mkdir()
    yolo.write(tmp_path / "out", iter(items(tmp_path / "s", range(1))), ABOUT, Options())
    change(tmp_path / "out")
    assert str(tmp_path) in sentence(yolo.read, tmp_path / "out")


def test_a_voc_folder_with_unknown_colours_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "SegmentationClass").mkdir()
    (tmp_path / "empty").mkdir()
    with pytest.raises(FormatError, match="SegmentationClass"):
        list(voc.read(tmp_path / "empty"))
    write_png(tmp_path / "SegmentationClass" / "a.png", np.full((4, 4, 3), 77, np.uint8))
    assert "colour" in sentence(voc.read, tmp_path)
    (tmp_path / "labelmap.txt").write_text("crack:77,77,77::\nbad line\n")
    with pytest.raises(FormatError, match="labelmap"):
        list(voc.read(tmp_path))
    (tmp_path / "labelmap.txt").write_text("# comment\nbackground:0,0,0::\n")
    assert "colour" in sentence(voc.read, tmp_path)


def test_many_regions_of_a_large_image_take_little_memory(tmp_path: Path) -> None:
    side = 2000
    counts = [3, 2] * 300
    counts.append(side * side - sum(counts))
    one = {"image_id": 1, "category_id": 1, "segmentation": {"size": [side] * 2, "counts": counts}}
    path = coco_file(tmp_path, image={"width": side, "height": side}, annotations=[one] * 100)
    tracemalloc.start()
    (found,) = taken(coco.read, path)
    assert tracemalloc.get_traced_memory()[1] < 60 << 20
    tracemalloc.stop()
    assert found.mask is not None
    assert int(found.mask.sum()) == 600
    mask = np.zeros((1000, 1000), np.uint8)
    mask[::10, ::10] = 1
    (item,) = items(tmp_path / "s", range(1))
    speckled = item.__class__(**{**item.__dict__, "mask": mask, "width": 1000, "height": 1000})
    for form in (coco, voc):
        out = tmp_path / form.__name__
        out.mkdir()
        started = time.monotonic()
        form.write(out, iter([speckled]), ABOUT, Options())
        assert time.monotonic() - started < 20


def test_voc_of_other_tools(tmp_path: Path) -> None:
    (tmp_path / "SegmentationClass").mkdir()
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[1] = (250, 50, 83)
    pixels[2] = (51, 221, 255)
    write_png(tmp_path / "SegmentationClass" / "a.png", pixels)
    text = "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncrack:wide:250,50,83::\n"
    (tmp_path / "labelmap.txt").write_text(text + "#rust:51,221,255::\n")
    (found,) = taken(voc.read, tmp_path)
    assert {name: int(part.sum()) for name, part in found.parts.items()} == {
        "crack:wide": 6,
        "#rust": 6,
    }
    write_png(tmp_path / "SegmentationClass" / "a.png", np.uint8(255) * (pixels[..., 0] > 0))
    (found,) = taken(voc.read, tmp_path)
    assert sum(int(part.sum()) for part in found.parts.values()) == 12


def test_voc_of_more_classes_than_a_mask_can_hold_is_refused(tmp_path: Path) -> None:
    (tmp_path / "SegmentationClass").mkdir()
    write_png(tmp_path / "SegmentationClass" / "a.png", np.full((4, 4, 3), 3, np.uint8))
    lines = [f"class {number}:{number % 256},{number // 256},201::" for number in range(300)]
    (tmp_path / "labelmap.txt").write_text("\n".join([*lines, "last:3,3,3::"]))
    with pytest.raises(FormatError, match="more than 254 classes"):
        list(voc.read(tmp_path))


@pytest.mark.parametrize("text", ["1_0", "", "0x1", "1e999", "nan", True])
def test_what_is_no_number_in_a_file_is_none(text: object) -> None:
    with pytest.raises(FormatError, match="no number"):
        number(text, "a.json")


def test_a_file_that_says_two_things_is_refused_and_never_the_last_word(tmp_path: Path) -> None:
    path = coco_file(tmp_path)
    text = path.read_text()
    path.write_text(text.replace('"file_name"', '"file_name": "x.png", "file_name"', 1))
    with pytest.raises(FormatError, match="twice in one object"):
        list(coco.read(path))
    two = [{"id": 1, "name": "good"}, {"id": 1, "name": "crack"}]
    data = json.loads(text)
    path.write_text(json.dumps({**data, "categories": two}))
    with pytest.raises(FormatError, match="two names for the category 1"):
        list(coco.read(path))
    for names, said in (
        ("names: {0: crack, '0': good}", "two names for the class 0"),
        ("names: {0: crack, 0: good}", "stands twice"),
        ("names: [crack]\nnames: [good]", "stands twice"),
        ("names: {<<: [{0: a}, {0: b}]}", "merges are not read"),
    ):
        (tmp_path / "data.yaml").write_text(names)
        with pytest.raises(FormatError, match=said):
            list(yolo.read(tmp_path))


def test_a_long_yaml_is_refused_with_its_limit(tmp_path: Path) -> None:
    (tmp_path / "data.yaml").write_text("names: [" + "a, " * 60_000 + "b]")
    with pytest.raises(FormatError, match=r"more than 0\.125 MiB"):
        list(yolo.read(tmp_path))


def test_text_that_would_unfold_into_far_more_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cfinspect.formats.safe._MOST_PARTS", 1000)
    (tmp_path / "a.json").write_text('{"images": [' + "[]," * 998 + "[]]}")
    with pytest.raises(FormatError, match="1,001 brackets"):
        list(coco.read(tmp_path / "a.json"))
    (tmp_path / "a.xml").write_text("<annotations>" + "<image/>" * 1000 + "</annotations>")
    with pytest.raises(FormatError, match="1,002 brackets"):
        list(cvat.read(tmp_path / "a.xml"))
