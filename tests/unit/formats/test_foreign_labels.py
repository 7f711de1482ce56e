"""Labels as other tools and people really write them: no wrong verdict, and nothing stops the rest.

Each odd file is written here by hand, after what users of these tools have reported.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exchanging import SIDE, write_images

from cfinspect.engine.base.images import write_png
from cfinspect.engine.data.settings import MaskValues
from cfinspect.formats.exchange_types import Empty, FormatError
from cfinspect.formats.import_plan import ImportReport
from cfinspect.formats.importing import Source, import_labels, preview
from cfinspect.project import audit
from cfinspect.project.corrections import mask_classes
from cfinspect.project.finding import find
from cfinspect.project.project import Project
from cfinspect.project.scan import scan
from cfinspect.project.verdicts import Verdict, decide, human_of, read_mask_of, undo

NAMES = ["a.png", "b.png", "c.png"]
SQUARE = [5, 5, 20, 5, 20, 20, 5, 20]
AREA = 225
SIZE = {"width": SIDE, "height": SIDE}


class Hall:
    """A project of three images, what is imported into it, and what it says then."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        write_images(folder / "hall", NAMES)
        self.project = Project.create(folder / "hall", human=True)
        scan(self.project)

    def take(self, form: str, path: Path, **how: Any) -> ImportReport:
        return import_labels(self.project, Source(form, path, **how), who="bob")

    def verdict(self, name: str) -> Verdict | None:
        return human_of(self.project, find(self.project, name).id).verdict

    def area(self, name: str) -> int:
        mask = read_mask_of(self.project, human_of(self.project, find(self.project, name).id))
        return 0 if mask is None else int((mask > 0).sum())

    def names(self) -> set[str]:
        return set(mask_classes(self.project).values())


@pytest.fixture
def hall(tmp_path: Path) -> Hall:
    return Hall(tmp_path)


def labelme(folder: Path, stem: str, *shapes: dict[str, Any], **more: Any) -> Path:
    """A labelme file; ``more`` with None takes a key away."""
    data = {
        "version": "5.5.0",
        "flags": {},
        "shapes": [{"label": "crack", "shape_type": "polygon", **shape} for shape in shapes],
        "imagePath": f"{stem}.png",
        "imageData": None,
        "imageHeight": SIDE,
        "imageWidth": SIDE,
        **more,
    }
    folder.mkdir(exist_ok=True)
    file = folder / f"{stem}.json"
    file.write_text(json.dumps({key: one for key, one in data.items() if one != "none"}))
    return file


def points(flat: list[int]) -> list[list[int]]:
    return [flat[i : i + 2] for i in range(0, len(flat), 2)]


def coco(file: Path, annotations: list[dict[str, Any]], **more: Any) -> Path:
    """A COCO file of the three images, with the ids 1, 2, 3."""
    images = [{"id": n, "file_name": name, **SIZE} for n, name in enumerate(NAMES, 1)]
    data = {"images": images, "categories": [{"id": 1, "name": "crack"}], **more}
    file.write_text(json.dumps({**data, "annotations": annotations}))
    return file


def mark(image: object, **more: Any) -> dict[str, Any]:
    return {"image_id": image, "category_id": 1, "segmentation": [SQUARE], **more}


def cvat(file: Path, *images: str, before: str = "") -> Path:
    file.write_text(f"<annotations>{before}{''.join(images)}</annotations>", encoding="utf-8")
    return file


def cvat_image(name: str, inside: str) -> str:
    return f'<image id="0" name="{name}" width="{SIDE}" height="{SIDE}">{inside}</image>'


POLYGON = '<polygon label="crack" points="5,5;20,5;20,20;5,20" z_order="0"/>'


# A. Verdicts are taken where the file states one.


@pytest.mark.parametrize(
    ("flags", "verdict"),
    [
        ({"good": False, "bad": True}, Verdict.DAMAGED),
        ({"good": True, "bad": False}, Verdict.UNDAMAGED),
        ({"OK": True}, Verdict.UNDAMAGED),
        ({"NG": True}, Verdict.DAMAGED),
        ({"scratch": True}, None),
        ({"good": False, "bad": False}, None),
        ({"damaged": False}, None),
        ({}, None),
    ],
)
def test_labelmes_ticked_flags_speak(
    hall: Hall, flags: dict[str, bool], verdict: Verdict | None
) -> None:
    labelme(hall.folder / "l", "a", flags=flags)
    report = hall.take("labelme", hall.folder / "l")
    assert hall.verdict("a.png") == verdict
    assert report.silent == (verdict is None)


def test_words_that_contradict_are_refused_by_name(hall: Hall) -> None:
    labelme(hall.folder / "l", "a", flags={"good": True, "bad": True})
    labelme(hall.folder / "l", "b", {"points": points(SQUARE)}, flags={"good": True})
    labelme(hall.folder / "l", "c", {"points": points(SQUARE)}, flags={"bad": True})
    report = hall.take("labelme", hall.folder / "l")
    assert (report.taken, report.refused) == (1, 2)
    assert "a.json" in report.problems[0] and "b.png" in report.problems[1]
    assert [hall.verdict(name) for name in NAMES] == [None, None, Verdict.DAMAGED]


@pytest.mark.parametrize(
    ("tag", "verdict"),
    [("good", 0), ("ng", 1), ("Undamaged", 0), ("blurred", None)],
)
def test_cvats_tags_speak_the_words_of_class_folders(
    hall: Hall, tag: str, verdict: int | None
) -> None:
    file = cvat(hall.folder / "a.xml", cvat_image("a.png", f'<tag label="{tag}"/>'))
    hall.take("cvat", file)
    assert hall.verdict("a.png") == verdict


@pytest.mark.parametrize("image_id", ["1", 1, 1.0])
def test_coco_ids_are_matched_whatever_their_type(hall: Hall, image_id: object) -> None:
    hall.take("coco", coco(hall.folder / "a.json", [mark(image_id)]))
    assert [hall.verdict(name) for name in NAMES] == [1, 0, 0]


def test_annotations_of_images_that_are_not_listed_leave_no_image_undamaged(hall: Hall) -> None:
    report = hall.take("coco", coco(hall.folder / "a.json", [mark(1), mark(77), mark(None)]))
    assert (report.taken, report.refused, report.silent) == (1, 2, 2)
    assert any("77" in sentence for sentence in report.problems)
    assert [hall.verdict(name) for name in NAMES] == [Verdict.DAMAGED, None, None]


def test_a_list_of_images_without_a_single_annotation_says_nothing(hall: Hall) -> None:
    report = hall.take("coco", coco(hall.folder / "a.json", []))
    assert (report.taken, report.silent) == (0, 3)


def test_one_id_for_two_images_is_refused(hall: Hall) -> None:
    images = [{"id": n, "file_name": name, **SIZE} for n, name in zip("112", NAMES, strict=True)]
    report = hall.take("coco", coco(hall.folder / "a.json", [mark(1), mark(2)], images=images))
    assert (report.taken, report.refused) == (1, 2)
    assert hall.verdict("c.png") is Verdict.DAMAGED


def test_empty_can_be_said_to_mean_something(hall: Hall) -> None:
    file = coco(hall.folder / "a.json", [mark(1)])
    assert hall.take("coco", file, empty=Empty.OPEN).taken == 1
    labelme(hall.folder / "l", "b")
    assert hall.take("labelme", hall.folder / "l").taken == 0
    assert hall.take("labelme", hall.folder / "l", empty=Empty.UNDAMAGED).taken == 1
    assert hall.verdict("b.png") is Verdict.UNDAMAGED


@pytest.mark.parametrize(
    "shape",
    [
        {"label": "good", "points": points(SQUARE)},
        {"label": "_background_", "points": points(SQUARE)},
        {"label": "__ignore__", "points": points(SQUARE)},
        {"points": points([5, 5, 9, 9])},
        {"points": points([5, 5, 9, 9, 5, 5])},
        {"points": points([-50, -50, -40, -50, -40, -40])},
    ],
)
def test_marks_of_which_nothing_is_left_say_nothing(hall: Hall, shape: dict[str, Any]) -> None:
    labelme(hall.folder / "l", "a", shape)
    report = hall.take("labelme", hall.folder / "l", empty=Empty.UNDAMAGED)
    assert (report.taken, report.silent) == (0, 1)


def test_an_image_that_is_named_twice(hall: Hall) -> None:
    folder = hall.folder / "l"
    for stem, path, flags in (
        ("1", "a.png", {"good": True}),
        ("2", "x/../a.png", {"bad": True}),
        ("3", "b.png", {"bad": True}),
        ("4", "b.png", {"bad": True}),
        ("5", "c.png", {}),
        ("6", "c.png", {"good": True}),
        ("7", "c.png", {}),
    ):
        labelme(folder, stem, imagePath=path, flags=flags)
    report = hall.take("labelme", folder)
    assert (report.taken, report.refused) == (2, 1)
    assert "a.png is named twice" in report.problems[0]
    assert [hall.verdict(name) for name in NAMES] == [None, Verdict.DAMAGED, Verdict.UNDAMAGED]
    assert hall.take("labelme", folder).kept == 2


def test_a_mask_against_its_class_folder(hall: Hall) -> None:
    data = hall.folder / "data"
    for word, name in (("damaged", "a.png"), ("undamaged", "b.png"), ("damaged", "c.png")):
        (data / word).mkdir(parents=True, exist_ok=True)
        (data / word / name).write_bytes((hall.folder / "hall" / name).read_bytes())
    (data / "masks").mkdir()
    empty, full = np.zeros((SIDE, SIDE), np.uint8), np.full((SIDE, SIDE), 255, np.uint8)
    write_png(data / "masks" / "a.png", empty)
    write_png(data / "masks" / "b.png", full)
    write_png(data / "masks" / "c.png", full)
    report = hall.take("cfinspect", data)
    assert (report.taken, report.refused) == (1, 2)
    assert [hall.verdict(name) for name in NAMES] == [None, None, Verdict.DAMAGED]


# One transaction, one undo.


def test_an_import_is_planned_and_taken_back_as_a_whole(hall: Hall) -> None:
    file = coco(hall.folder / "a.json", [mark(1)])
    planned = preview(hall.project, Source("coco", file))
    assert (planned.taken, planned.masks) == (3, 1)
    assert list(audit.entries(hall.project)) == []
    decide(hall.project, find(hall.project, "c.png").id, who="ann", verdict=Verdict.SKIPPED)
    report = import_labels(hall.project, Source("coco", file), who="bob (coco import)")
    assert (report.taken, report.kept) == (2, 1)
    assert len(report.stored) == 2
    back = undo(hall.project, who="bob")
    assert len(back.humans) == 2 and not back.kept
    assert [hall.verdict(name) for name in NAMES] == [None, None, Verdict.SKIPPED]
    assert not undo(hall.project, who="bob").humans
    assert not audit.verify(hall.project).problems


def test_what_others_have_said_since_is_not_taken_back(hall: Hall) -> None:
    hall.take("coco", coco(hall.folder / "a.json", [mark(1)]))
    decide(hall.project, find(hall.project, "b.png").id, who="ann", verdict=Verdict.DAMAGED)
    back = undo(hall.project, who="bob")
    assert len(back.humans) == 2
    assert back.kept == ["b.png"]
    assert [hall.verdict(name) for name in NAMES] == [None, Verdict.DAMAGED, None]


def test_two_imports_are_two_undos(hall: Hall) -> None:
    hall.take(
        "coco",
        coco(hall.folder / "a.json", [mark(1)], images=[{"id": 1, "file_name": "a.png", **SIZE}]),
    )
    labelme(hall.folder / "l", "b", flags={"bad": True})
    hall.take("labelme", hall.folder / "l")
    assert len(undo(hall.project, who="bob").humans) == 1
    assert [hall.verdict(name) for name in NAMES] == [Verdict.DAMAGED, None, None]
    assert len(undo(hall.project, who="bob").humans) == 1
    assert hall.verdict("a.png") is None


# C. One bad thing stops nothing.


BAD_FILES: list[bytes] = [
    b"",
    b"{",
    b"[]",
    b'{"shapes": 7}',
    b'{"shapes": [], "imagePath": "a.png"}',
    b'{"shapes": [{"points": 1}], "imageHeight": 32, "imageWidth": 32, "imagePath": "a.png"}',
    b"\xff\xfe\x00",
    b"\x81\x8d\x8f",
]


@pytest.mark.parametrize("content", BAD_FILES)
def test_one_bad_file_of_a_folder_is_named(hall: Hall, content: bytes) -> None:
    labelme(hall.folder / "l", "c", {"points": points(SQUARE)})
    (hall.folder / "l" / "a.json").write_bytes(content)
    report = hall.take("labelme", hall.folder / "l")
    assert (report.taken, report.refused) == (1, 1)
    assert "a.json" in report.problems[0]
    assert hall.area("c.png") == AREA


@pytest.mark.parametrize(
    "bad",
    [
        mark(1, category_id=9),
        mark(1, segmentation={"size": [9, 9], "counts": [81]}),
        mark(1, segmentation=[["x", 1, 2, 3, 4, 5]]),
        mark(1, segmentation="text"),
    ],
)
def test_one_bad_annotation_costs_its_image_alone(hall: Hall, bad: dict[str, Any]) -> None:
    report = hall.take("coco", coco(hall.folder / "a.json", [bad, mark(2)]))
    assert (report.taken, report.refused) == (2, 1)
    assert "a.png" in report.problems[0]
    assert [hall.verdict(name) for name in NAMES] == [None, Verdict.DAMAGED, Verdict.UNDAMAGED]


def test_a_slip_beside_a_sound_polygon_is_dropped_with_a_note(hall: Hall) -> None:
    report = hall.take(
        "coco", coco(hall.folder / "a.json", [mark(1, segmentation=[[1, 1, 2, 2], SQUARE])])
    )
    assert hall.area("a.png") == AREA
    assert any("without an area" in note for note in report.notes)


@pytest.mark.parametrize("segmentation", [None, [], {}])
def test_a_box_is_damage_without_a_mask(hall: Hall, segmentation: object) -> None:
    one = mark(1, segmentation=segmentation, bbox=[1, 1, 5, 5])
    report = hall.take("coco", coco(hall.folder / "a.json", [one]))
    assert (hall.verdict("a.png"), hall.area("a.png"), report.undrawn) == (1, 0, 1)


def test_hidden_files_are_passed_over(hall: Hall) -> None:
    labelme(hall.folder / "l", "a", {"points": points(SQUARE)})
    (hall.folder / "l" / "._a.json").write_bytes(b"\x00\x05\x16\x07")
    (hall.folder / "l" / "provenance.json").write_text("{}")
    report = hall.take("labelme", hall.folder / "l")
    assert (report.taken, report.refused) == (1, 0)


def test_an_import_of_nothing_is_never_silent(hall: Hall) -> None:
    (hall.folder / "empty").mkdir()
    for form in ("labelme", "png", "coco", "voc", "yolo"):
        with pytest.raises(FormatError, match="empty"):
            hall.take(form, hall.folder / "empty")
    with pytest.raises(FormatError, match="holds no image"):
        hall.take("cvat", cvat(hall.folder / "a.xml"))


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
    (root / "train.txt").write_text("./images/a.png\n/elsewhere/etc/passwd\n")
    report = hall.take("yolo", root)
    assert (report.images, report.taken) == (1, 1)


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
