"""Labels as other tools and people really write them: no wrong verdict, and nothing stops the rest.

Each odd file is written here by hand, after what users of these tools have reported.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exchanging import SIDE
from foreign import (
    AREA,
    NAMES,
    SIZE,
    SQUARE,
    Hall,
    coco,
    cvat,
    cvat_image,
    labelme,
    mark,
    points,
)

from cfinspect.engine.base.images import write_png
from cfinspect.formats.exchange_types import Empty, FormatError
from cfinspect.formats.importing import Source, import_labels, preview
from cfinspect.project import audit
from cfinspect.project.finding import find
from cfinspect.project.verdicts import Verdict, decide, undo


@pytest.fixture
def hall(tmp_path: Path) -> Hall:
    return Hall(tmp_path)


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
