"""Shapes, names, layouts and encodings of other tools, read as these mean them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exchanging import SIDE, write_images
from foreign import (
    AREA,
    NAMES,
    POLYGON,
    SQUARE,
    Hall,
    coco,
    cvat,
    cvat_image,
    labelme,
    points,
)

from cfinspect.engine.base.images import write_png
from cfinspect.engine.data.settings import MaskValues
from cfinspect.formats.exchange_types import FormatError
from cfinspect.formats.importing import Source, import_labels
from cfinspect.project.finding import find
from cfinspect.project.project import Project
from cfinspect.project.scan import scan
from cfinspect.project.verdicts import Verdict, human_of, read_mask_of


@pytest.fixture
def hall(tmp_path: Path) -> Hall:
    return Hall(tmp_path)


# E. Shapes and names.


@pytest.mark.parametrize(
    ("shape", "area"),
    [
        ({"shape_type": "rectangle", "points": [[5, 5], [20, 20]]}, AREA),
        ({"shape_type": "rectangle", "points": points(SQUARE)}, AREA),
        ({"shape_type": "oriented_rectangle", "points": points(SQUARE)}, AREA),
        ({"shape_type": "rotation", "points": points(SQUARE), "direction": 0.5}, AREA),
        ({"shape_type": None, "points": points(SQUARE)}, AREA),
        ({"shape_type": "circle", "points": [[12, 12], [12, 18]]}, round(np.pi * 36)),
        ({"shape_type": "polygon", "points": points([20, 20, 60, 20, 60, 60, 20, 60])}, 144),
    ],
)
def test_labelme_shapes_with_an_area(hall: Hall, shape: dict[str, Any], area: int) -> None:
    labelme(hall.folder / "l", "a", shape)
    hall.take("labelme", hall.folder / "l")
    assert hall.area("a.png") == pytest.approx(area, rel=0.04)


def test_what_is_background_is_cut_out_and_no_class(hall: Hall) -> None:
    hole = points([10, 10, 15, 10, 15, 15, 10, 15])
    labelme(
        hall.folder / "l",
        "a",
        {"points": points(SQUARE)},
        {"label": "_background_", "points": hole},
    )
    hall.take("labelme", hall.folder / "l")
    assert hall.area("a.png") == AREA - 25
    assert hall.names() == {"damage", "crack"}


def test_a_labelme_mask_over_the_edge_is_cut_off_with_a_note(hall: Hall) -> None:
    write_png(hall.folder / "m.png", np.full((8, 8), 255, np.uint8))
    text = base64.b64encode((hall.folder / "m.png").read_bytes()).decode()
    labelme(
        hall.folder / "l",
        "a",
        {"shape_type": "mask", "points": [[SIDE - 4, -4], [SIDE + 3, 3]], "mask": text},
    )
    report = hall.take("labelme", hall.folder / "l")
    assert hall.area("a.png") == 16
    assert any("cut off" in note for note in report.notes)


@pytest.mark.parametrize("where", ["in the file", "beside it"])
def test_labelme_3_takes_the_size_from_the_picture(hall: Hall, where: str) -> None:
    picture = (hall.folder / "hall" / "a.png").read_bytes()
    text = base64.b64encode(picture).decode() if where == "in the file" else None
    file = labelme(
        hall.folder / "l",
        "a",
        {"points": points(SQUARE)},
        imageHeight="none",
        imageWidth="none",
        imageData=text,
    )
    if text is None:
        (file.parent / "a.png").write_bytes(picture)
    hall.take("labelme", hall.folder / "l")
    assert hall.area("a.png") == AREA


@pytest.mark.parametrize(
    ("shape", "area"),
    [
        ('<box label="crack" xtl="5" ytl="5" xbr="20" ybr="20"/>', AREA),
        ('<box label="crack" xtl="5" ytl="5" xbr="20" ybr="20" rotation="90"/>', AREA),
        ('<box label="crack" xtl="5" ytl="5" xbr="20" ybr="20" rotation="45"/>', AREA),
        ('<ellipse label="crack" cx="16" cy="16" rx="8" ry="4" rotation="30"/>', round(np.pi * 32)),
        ('<mask label="crack" rle="0, 16" left="-2" top="-2" width="4" height="4"/>', 4),
    ],
)
def test_cvat_shapes_with_an_area(hall: Hall, shape: str, area: int) -> None:
    hall.take("cvat", cvat(hall.folder / "a.xml", cvat_image("a.png", shape)))
    assert hall.area("a.png") == pytest.approx(area, rel=0.05)


def test_a_box_turns_clockwise(hall: Hall) -> None:
    shape = '<box label="crack" xtl="4" ytl="14" xbr="28" ybr="18" rotation="45"/>'
    hall.take("cvat", cvat(hall.folder / "a.xml", cvat_image("a.png", shape)))
    project = hall.project
    mask = read_mask_of(project, human_of(project, find(project, "a.png").id))
    assert mask is not None
    assert mask[21, 21] and mask[10, 10] and not mask[21, 10] and not mask[10, 21]


# F. Layouts and text.


def test_frames_of_a_cvat_video_that_lie_there_as_images(tmp_path: Path) -> None:
    write_images(tmp_path / "hall", ["frame_000000.png", "frame_000007.png"])
    size = f"<original_size><width>{SIDE}</width><height>{SIDE}</height></original_size>"
    shapes = (
        '<polygon frame="7" outside="0" points="5,5;20,5;20,20;5,20"/>'
        '<polygon frame="9" outside="0" points="5,5;20,5;20,20;5,20"/>'
        '<polygon frame="0" outside="1" points="5,5;20,5;20,20;5,20"/>'
    )
    file = cvat(
        tmp_path / "v.xml",
        f'<track id="0" label="crack">{shapes}</track>',
        before=f"<meta><task>{size}</task></meta>",
    )
    with Project.create(tmp_path / "hall", human=True) as project:
        scan(project)
        report = import_labels(project, Source("cvat", file), who="bob")
        assert (report.taken, report.unknown) == (1, 1)
        assert human_of(project, find(project, "frame_000007.png").id).verdict is Verdict.DAMAGED
        assert human_of(project, find(project, "frame_000000.png").id).verdict is None


def yolo(root: Path, yaml: str, place: Callable[[str], tuple[str, str]]) -> Path:
    """A YOLO folder of a.png (a square) and b.png (an empty file), placed by ``place``."""
    square = " ".join(f"{value / SIDE:.6f}" for value in SQUARE)
    for name, text in (("a", f"0 {square}\n"), ("b", "")):
        image, label = place(name)
        for part in (image, label):
            (root / part).parent.mkdir(parents=True, exist_ok=True)
        chance = np.random.default_rng(0)
        write_png(root / image, chance.integers(0, 255, (SIDE, SIDE, 3), np.uint8))
        (root / label).write_text(text)
    (root / "data.yaml").write_bytes(yaml.encode("utf-8"))
    return root


@pytest.mark.parametrize(
    ("yaml", "image", "label"),
    [
        ("train: ../train/images\nval: ../valid/images\n", "train/images/", "train/labels/"),
        ("path: .\ntrain: images\n", "images/", "labels/"),
        ("path: datasets/x\ntrain: images/train\n", "images/train/", "labels/train/"),
        ("path: sub\ntrain: [one, two]\n", "sub/one/", "sub/one/"),
        ("train: here\n", "here/", "here/"),
        ("\ufefftrain: images\n", "images/", "labels/"),
        ("", "images/deep/", "labels/deep/"),
    ],
)
@pytest.mark.parametrize("names", ["names: [crack]", "names: {0: crack}", "names: {'0': crack}"])
def test_yolo_folders_of_all_makers(
    hall: Hall, yaml: str, image: str, label: str, names: str
) -> None:
    root = yolo(
        hall.folder / "y", f"{yaml}{names}\n", lambda n: (f"{image}{n}.png", f"{label}{n}.txt")
    )
    hall.take("yolo", root)
    assert [hall.verdict(name) for name in NAMES] == [Verdict.DAMAGED, Verdict.UNDAMAGED, None]
    assert hall.area("a.png") == pytest.approx(AREA, rel=0.05)
    assert hall.names() == {"damage", "crack"}


def test_a_list_of_images_is_a_split(hall: Hall) -> None:
    root = yolo(
        hall.folder / "y",
        "train: train.txt\nnames: [crack]\n",
        lambda name: (f"images/{name}.png", f"labels/{name}.txt"),
    )
    (root / "train.txt").write_text("./images/a.png\n\n/elsewhere/etc/passwd\n./images/a.png\n")
    report = hall.take("yolo", root)
    assert report.taken == 1
    assert report.problems == [
        f"1 of the 2 images that train.txt names, such as /elsewhere/etc/passwd, are not in {root}."
    ]


@pytest.mark.parametrize(
    "line",
    [
        "0 0.1 0.1 0.5 0.1 0.5 0.5 0.93",
        "0 0.5 0.5 0.2 0.2 0.93",
        "0 16 16 20 16 20 20",
        "0.5 0.1 0.1 0.5 0.1 0.5 0.5",
        "crack 0.1 0.1 0.5 0.1 0.5 0.5",
    ],
)
def test_a_line_that_is_no_label_costs_its_image_alone(hall: Hall, line: str) -> None:
    root = yolo(
        hall.folder / "y",
        "names: [crack]\n",
        lambda name: (f"images/{name}.png", f"labels/{name}.txt"),
    )
    (root / "labels" / "b.txt").write_text(line)
    report = hall.take("yolo", root)
    assert (report.taken, report.refused) == (1, 1)
    assert "b.txt" in report.problems[0]
    assert hall.verdict("b.png") is None


@pytest.mark.parametrize(
    ("encoding", "note"),
    [("utf-8-sig", None), ("utf-16", None), ("utf-16-le", None), ("gb18030", "GB18030")],
)
def test_files_of_older_programs_are_read(hall: Hall, encoding: str, note: str | None) -> None:
    file = labelme(hall.folder / "l", "a", {"label": "裂纹", "points": points(SQUARE)})
    data = json.loads(file.read_text())
    file.write_bytes(json.dumps(data, ensure_ascii=False).encode(encoding))
    report = hall.take("labelme", hall.folder / "l")
    assert hall.names() == {"damage", "裂纹"}
    assert len(report.notes) == (note is not None)
    assert all(str(note) in one for one in report.notes)


def test_a_western_file_is_not_read_as_chinese(hall: Hall) -> None:
    file = labelme(hall.folder / "l", "a", {"label": "Riß", "points": points(SQUARE)})
    data = json.loads(file.read_text())
    file.write_bytes(json.dumps(data, ensure_ascii=False).encode("cp1252"))
    hall.take("labelme", hall.folder / "l")
    assert hall.names() == {"damage", "Riß"}


@pytest.mark.parametrize("declared", [True, False])
def test_xml_of_older_programs_is_read(hall: Hall, declared: bool) -> None:
    text = f"<annotations>{cvat_image('a.png', POLYGON.replace('crack', '裂纹'))}</annotations>"
    head = '<?xml version="1.0" encoding="GB2312"?>\n' if declared else ""
    (hall.folder / "a.xml").write_bytes((head + text).encode("gb18030"))
    hall.take("cvat", hall.folder / "a.xml")
    assert hall.names() == {"damage", "裂纹"}


def test_voc_boxes_alone_are_damage_without_a_mask(hall: Hall) -> None:
    folder = hall.folder / "voc" / "Annotations"
    folder.mkdir(parents=True)
    size = f"<size><width>{SIDE}</width><height>{SIDE}</height></size>"
    box = "<object><name>crack</name><bndbox/></object>"
    (folder / "a.xml").write_text(f"<annotation><filename>a.png</filename>{size}{box}</annotation>")
    (folder / "b.xml").write_text(f"<annotation><filename>b.png</filename>{size}</annotation>")
    (folder / "c.xml").write_text("<annotation>")
    report = hall.take("voc", hall.folder / "voc")
    assert (report.taken, report.undrawn, report.silent, report.refused) == (1, 1, 1, 1)


def test_mask_files_say_what_their_values_are(hall: Hall) -> None:
    masks = hall.folder / "m"
    masks.mkdir()
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[5:20, 5:20] = 90
    mask[25:, 25:] = 200
    write_png(masks / "a.png", mask)
    report = hall.take("png", masks)
    assert (report.taken, report.refused) == (0, 1)
    assert "--mask-values" in report.problems[0]
    hall.take("png", masks, values=MaskValues.BINARY)
    assert hall.area("a.png") == 7 * 7
    hall.take("png", masks, values=MaskValues.INSTANCES, replace=True)
    assert hall.area("a.png") == AREA + 7 * 7
    with pytest.raises(FormatError, match="no mask files"):
        hall.take("coco", coco(hall.folder / "a.json", []), values=MaskValues.BINARY)
