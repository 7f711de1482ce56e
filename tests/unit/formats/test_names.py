"""Which image a name means, what it is called, and groups: whatever the format."""

from __future__ import annotations

import os
import time
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from exchanging import SIDE, drawn, machine, write_images

from cfinspect.engine.base.images import write_png
from cfinspect.formats.earlier_export import SIDECAR
from cfinspect.formats.exchange_types import Empty, FormatError
from cfinspect.formats.export_filter import ExportFilter
from cfinspect.formats.exporting import export
from cfinspect.formats.importing import Source, import_labels
from cfinspect.formats.naming import Matcher, flat_stems
from cfinspect.formats.safe import clean_name
from cfinspect.project.database import ProjectError
from cfinspect.project.finding import find
from cfinspect.project.listing import by_ids, list_images
from cfinspect.project.project import Project
from cfinspect.project.scan import scan
from cfinspect.project.verdicts import (
    Verdict,
    decide,
    human_of,
    read_mask_of,
)


def test_nothing_to_export_says_why(tmp_path: Path) -> None:
    write_images(tmp_path / "hall", ["a.png"])
    with Project.create(tmp_path / "hall") as project:
        scan(project)
        with pytest.raises(FormatError, match="1 not reviewed"):
            export(project, "png", tmp_path / "out")


def test_parts_of_a_group_stay_together(tmp_path: Path) -> None:
    root = tmp_path / "hall"
    names = [f"{n}.png" for n in range(30)]
    write_images(root, names)
    rows = [f"{name},,wall {int(name[:-4]) // 3}" for name in names]
    (root / "labels.csv").write_text("filename,label,group\n" + "\n".join(rows) + "\n")
    with Project.create(root, human=True) as project:
        scan(project)
        for number, row in enumerate(list_images(project)):
            decide(project, row.id, who="ann", mask=drawn() * np.uint8(number % 2))
        share = {"train": 0.6, "val": 0.2, "test": 0.2}
        report = export(project, "yolo", tmp_path / "out", ExportFilter(split=share, seed=3))
        assert sum(report.splits.values()) == 30
        place = {
            path.stem: path.parent.name for path in (tmp_path / "out" / "images").rglob("*.png")
        }
        for group in range(10):
            assert len({place[str(number)] for number in range(group * 3, group * 3 + 3)}) == 1
        assert set(place.values()) == set(share)
        again = export(project, "yolo", tmp_path / "two", ExportFilter(split=share, seed=3))
        assert again.splits == report.splits


def test_flat_names_are_unique_and_lead_back(tmp_path: Path) -> None:
    root = tmp_path / "hall"
    names = ["a/x.png", "a__x.png", "A/X.png", "b/x.png", "deep/er/y.png"]
    write_images(root, names)
    write_images(tmp_path / "lot", ["x.png", "z.png"], seed=5)
    with Project.create(root) as project:
        project.add_folder(tmp_path / "lot", "apple")
        scan(project)
        stems = flat_stems(project)
        assert len({stem.casefold() for stem in stems.values()}) == len(names) + 2
        assert "hall__deep__er__y" in stems.values()
        matcher = Matcher(project)
        for number, stem in stems.items():
            assert matcher.find(stem) == number
            assert matcher.find(f"images/train/{stem}.png") == number
            assert matcher.find(f"damaged/{stem}.png") == number
        assert matcher.find("z.jpg") is not None  # another suffix, but only one of this stem
        assert matcher.find("anything/z.png") is None  # that is not lot/z.png
        assert matcher.find("x.png") is None  # which one?
        assert matcher.find("b/x.png") is not None
        assert matcher.find("/far/away/hall/deep/er/y.png") is not None
        assert matcher.find("w.png") is None


def test_an_import_meets_the_right_image_or_none(tmp_path: Path) -> None:
    root = tmp_path / "hall"
    write_images(
        root, ["cam2/0001.png", "scan_1.png", "d1/a.png", "d2/a.png", "caf\u0065\u0301.png"]
    )
    with Project.create(root) as project:
        scan(project)
        matcher = Matcher(project)

        def called(name: str, size: tuple[int | None, int | None] = (None, None)) -> str | None:
            number = matcher.find(name, size)
            return None if number is None else by_ids(project, [number])[0].name

        assert called("cam1/0001.png") is None
        assert called("images/train/cam2/0001.png") == "cam2/0001.png"
        assert called("0001.png") == "cam2/0001.png"
        assert called("scan_1.2.png") is None
        assert called("scan_1.2") is None
        assert called("a.png") is None
        assert called("d1/a.jpg") == "d1/a.png"
        assert called("D2/A.PNG") == "d2/a.png"
        assert called("caf\u00e9.png") is not None
        assert called("0001.png", (SIDE, SIDE)) == "cam2/0001.png"


def test_two_sets_that_bring_their_images_do_not_meet(tmp_path: Path) -> None:
    for number, name in enumerate(("one", "two")):
        write_images(tmp_path / name / "rgb", ["001.png"], seed=number)
        (tmp_path / name / "BW").mkdir()
        mask = np.zeros((SIDE, SIDE), np.uint8)
        mask[:, : 4 + 4 * number] = 255
        write_png(tmp_path / name / "BW" / "001.png", mask)
    (tmp_path / "home").mkdir()
    with Project.create(tmp_path / "home", human=True) as project:
        for number, name in enumerate(("one", "two")):
            report = import_labels(project, Source("concrete-crack", tmp_path / name), who="set")
            assert (report.taken, report.masks) == (1, 1)
            image = find(project, str(tmp_path / name / "rgb" / "001.png"))
            found = read_mask_of(project, human_of(project, image.id))
            assert found is not None
            assert found.sum() == SIDE * (4 + 4 * number)


def test_shapes_that_cannot_be_drawn_are_damage_all_the_same(tmp_path: Path) -> None:
    root = tmp_path / "hall"
    write_images(root, ["a.png", "b.png", "c.png"])
    (tmp_path / "a.xml").write_text(
        f'<annotations><image id="0" name="a.png" width="{SIDE}" height="{SIDE}"><polyline '
        f'label="crack" points="1,1;9,9"/></image><image id="1" name="b.png" width="{SIDE}" '
        f'height="{SIDE}"/><image id="2" name="c.png" width="7" height="7"/></annotations>'
    )
    with Project.create(root, human=True) as project:
        scan(project)
        machine(project, dict.fromkeys(("a.png", "b.png", "c.png"), 0.1))
        report = import_labels(project, Source("cvat", tmp_path / "a.xml"), who="bob")
        assert (report.taken, report.undrawn, report.masks, report.silent) == (1, 1, 0, 1)
        assert report.unknown == 1, "c.png has another size"
        verdicts = [human_of(project, find(project, n).id).verdict for n in ("a.png", "b.png")]
        assert verdicts == [Verdict.DAMAGED, None], "CVAT lists what nobody has looked at as well"
        source = Source("cvat", tmp_path / "a.xml", empty=Empty.UNDAMAGED)
        assert import_labels(project, source, who="bob").taken == 1
        assert human_of(project, find(project, "b.png").id).verdict is Verdict.UNDAMAGED


def test_one_bad_image_stops_no_import(tmp_path: Path) -> None:
    root = tmp_path / "hall"
    write_images(root, ["a.png", "b.png"])
    masks = tmp_path / "m"
    masks.mkdir()
    write_png(masks / "a.png", np.full((5, 5), 255, np.uint8))
    write_png(masks / "b.png", drawn() * np.uint8(255))
    with Project.create(root, human=True) as project:
        scan(project)
        report = import_labels(project, Source("png", masks), who="bob")
        assert (report.taken, report.refused) == (1, 1)
        assert "5 x 5" in report.problems[0]
        again = import_labels(project, Source("png", masks, replace=True), who="bob")
        assert again.taken == 1
        photos = import_labels(project, Source("png", root, replace=True), who="bob")
        assert (photos.taken, photos.refused) == (0, 2)
        assert "nobody knows what they mean" in photos.problems[0]


def test_names_too_long_for_a_file_are_cut(tmp_path: Path) -> None:
    deep = "/".join(["a folder with a long name"] * 12)
    write_images(tmp_path / "hall", [f"{deep}/a.png", f"{deep}/b.png"])
    with Project.create(tmp_path / "hall", human=True) as project:
        scan(project)
        for row in list_images(project):
            decide(project, row.id, who="ann", mask=drawn())
        assert export(project, "voc", tmp_path / "out").written == 2
        assert len(set(flat_stems(project).values())) == 2
        copied = import_labels(project, Source("voc", tmp_path / "out", replace=True), who="bob")
        assert copied.taken == 2


def test_no_two_images_share_the_files_of_an_export(tmp_path: Path) -> None:
    """Copies, what is made up for them, accents written both ways, and what Windows cannot name."""
    root = tmp_path / "hall"
    write_images(root, ["a.png"])
    for name in ("a.bmp", "a.jpg"):
        (root / name).write_bytes((root / "a.png").read_bytes())
    with Project.create(root, human=True) as project:
        scan(project)
        digest = list_images(project)[0].digest[:8]
        odd = ["CON.png", "n\nl.png", "a:b.png", "x\\y.png"] if os.name == "posix" else []
        accents = ["caf\u00e9.png", "cafe\u0301.png"]
        write_images(root, [f"a~{digest}~2.png", f"a~{digest}.png", "x/y.png", *accents, *odd], 7)
        scan(project)
        stems = flat_stems(project)
        folded = {unicodedata.normalize("NFC", stem).casefold() for stem in stems.values()}
        assert len(folded) == len(stems) == len(list_images(project))
        assert not any(set(stem) & set('\\\n:*?"<>|') for stem in stems.values())
        assert "con" not in folded
        matcher = Matcher(project)
        for number, stem in stems.items():
            assert matcher.find(clean_name(f"images/{stem}.png", "")) == number
        # Label files take a backslash for a folder: which of the two is meant, nobody knows.
        assert matcher.find("x/y.png") == (None if odd else find(project, "x/y.png").id)
        for place, row in enumerate(list_images(project)):
            decide(project, row.id, who="ann", mask=drawn() * np.uint8(place % 2))
        export(project, "png", tmp_path / "out")
        assert len(list((tmp_path / "out" / "masks").iterdir())) == len(stems)
        said = {row.id: human_of(project, row.id).verdict for row in list_images(project)}
        report = import_labels(project, Source("png", tmp_path / "out", replace=True), who="bob")
        assert (report.taken, report.left_out) == (len(stems), 0)
        assert said == {row.id: human_of(project, row.id).verdict for row in list_images(project)}


@pytest.mark.skipif(os.name != "posix", reason="Windows has no pipes in folders")
def test_a_pipe_in_place_of_what_an_export_wrote_is_not_waited_for(tmp_path: Path) -> None:
    write_images(tmp_path / "hall", ["a.png"])
    (tmp_path / "out").mkdir()
    os.mkfifo(tmp_path / "out" / SIDECAR)
    with Project.create(tmp_path / "hall", human=True) as project:
        scan(project)
        decide(project, find(project, "a.png").id, who="ann", verdict=Verdict.DAMAGED)
        with pytest.raises(FormatError, match="no export wrote"):
            export(project, "csv", tmp_path / "out")


@pytest.mark.parametrize("digest", ["/../../e" + "a" * 24, "A" * 32, "a" * 31 + "\n"])
def test_a_hash_of_a_crafted_project_becomes_no_path(tmp_path: Path, digest: str) -> None:
    root = tmp_path / "hall"
    write_images(root, [f"{'x' * 185}{end}.png" for end in "ab"])
    with Project.create(root, human=True) as project:
        scan(project)
        for row in list_images(project):
            decide(project, row.id, who="ann", mask=drawn())
        with project.database.writing() as connection:
            connection.execute("UPDATE image SET digest = ?", (digest,))
        for choice in (ExportFilter(), ExportFilter(split={"a": 1.0})):
            with pytest.raises(ProjectError, match="names no file"):
                export(project, "png", tmp_path / "out" / "labels", choice=choice)
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_thousands_of_names_that_begin_alike_take_no_time(tmp_path: Path) -> None:
    root = tmp_path / "hall"
    write_images(root, ["a.png"])
    with Project.create(root) as project:
        scan(project)
        one = dict(project.database.rows("SELECT * FROM image")[0])
        with project.database.writing() as connection:
            for number in range(5000):
                row = {**one, "id": number + 9, "path": f"{'x' * 185}{number}.png"}
                columns = ", ".join(row)
                marks = ", ".join("?" * len(row))
                connection.execute(
                    f"INSERT INTO image ({columns}) VALUES ({marks})", tuple(row.values())
                )
        started = time.monotonic()
        stems = flat_stems(project)
        assert time.monotonic() - started < 5
        assert len(set(stems.values())) == 5001


@pytest.mark.parametrize("inspected", [True, False])
def test_an_empty_mask_of_another_size_is_no_verdict(tmp_path: Path, inspected: bool) -> None:
    root = tmp_path / "hall"
    write_images(root, ["a.png", "b.png"])
    for name, size in (("a", (SIDE, SIDE)), ("b", (99, 77))):
        (tmp_path / "set" / "masks").mkdir(parents=True, exist_ok=True)
        write_png(tmp_path / "set" / "masks" / f"{name}.png", np.zeros(size, np.uint8))
    with Project.create(root, human=True) as project:
        scan(project)
        if inspected:
            machine(project, {"a.png": 0.2, "b.png": 0.2})
        source = Source("png", tmp_path / "set", empty=Empty.UNDAMAGED)
        report = import_labels(project, source, who="bob")
        assert (report.taken, report.refused + report.unknown) == (1, 1)
        assert inspected or "an empty mask of 77 x 99" in report.problems[0]
        said = {row.name: human_of(project, row.id).verdict for row in list_images(project)}
        assert said == {"a.png": Verdict.UNDAMAGED, "b.png": None}
