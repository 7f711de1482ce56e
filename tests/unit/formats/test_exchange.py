"""From a project to files and back into another project."""

from __future__ import annotations

import csv
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from exchanging import drawn, machine, write_images
from labelled import taken
from recorded_progress import Recorded

from cfinspect.engine.base.images import write_png
from cfinspect.engine.base.progress import Cancelled
from cfinspect.engine.data.class_words import class_words
from cfinspect.engine.data.folders import scan_folder
from cfinspect.formats.earlier_export import SIDECAR
from cfinspect.formats.exchange_types import FormatError, Images, Options
from cfinspect.formats.export_filter import ExportFilter, Only
from cfinspect.formats.exporting import export
from cfinspect.formats.importing import Source, import_labels, preview
from cfinspect.formats.registry import FORMATS
from cfinspect.project import audit
from cfinspect.project.corrections import mask_class, mask_classes
from cfinspect.project.finding import find
from cfinspect.project.listing import HumanState
from cfinspect.project.project import Project
from cfinspect.project.scan import scan
from cfinspect.project.verdicts import (
    Verdict,
    decide,
    human_of,
    read_mask_of,
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Six images: corrected, agreed, overruled, called undamaged, skipped, never looked at."""
    root = tmp_path / "hall"
    write_images(root, [f"{n}.png" for n in ("corr", "agree", "over", "sound", "skip", "new")])
    project = Project.create(root, domain="crack", human=True)
    scan(project)
    machine(
        project,
        {
            "corr.png": 0.9,
            "agree.png": 0.8,
            "over.png": 0.7,
            "sound.png": 0.1,
            "skip.png": 0.5,
            "new.png": 0.95,
        },
    )
    rot = mask_class(project, "spalling", who="ann")
    decide(project, find(project, "corr.png").id, who="ann", mask=drawn(rot))
    verdicts = {
        "agree.png": Verdict.DAMAGED,
        "over.png": Verdict.UNDAMAGED,
        "sound.png": Verdict.UNDAMAGED,
        "skip.png": Verdict.SKIPPED,
    }
    for name, verdict in verdicts.items():
        decide(project, find(project, name).id, who="ann", verdict=verdict)
    return project


@pytest.mark.parametrize(
    ("only", "names"),
    [
        (Only.CORRECTED, {"corr", "over", "sound"}),
        (Only.ACCEPTED, {"corr", "agree", "sound"}),
        (Only.REVIEWED, {"corr", "agree", "over", "sound"}),
        (Only.ALL, {"corr", "agree", "over", "sound", "new"}),
    ],
)
def test_whose_word_counts(project: Project, tmp_path: Path, only: Only, names: set[str]) -> None:
    report = export(project, "png", tmp_path / "out", ExportFilter(only=only))
    assert {path.stem for path in (tmp_path / "out" / "masks").iterdir()} == names
    assert report.written == len(names)
    assert report.left_out["skipped by a human"] == 1
    sidecar = json.loads((tmp_path / "out" / SIDECAR).read_text())
    assert sidecar["project"] == project.id
    assert sidecar["audit_head"] == audit.head(project)
    assert sidecar["models"]["digest"]["decision"]["score_threshold"] == 0.5
    assert sidecar["report"]["written"] == len(names)


def test_the_humans_mask_comes_first_and_the_machines_is_filtered(
    project: Project, tmp_path: Path
) -> None:
    choice = ExportFilter(only=Only.ALL, min_area=4, min_score=0.96)
    report = export(project, "png", tmp_path / "out", choice)
    assert report.left_out["below the minimum score"] == 1
    found = {Path(one.name).stem: one.parts for one in taken(FORMATS["png"].read, tmp_path / "out")}
    assert np.array_equal(found["corr"]["spalling"], drawn() > 0)
    assert found["agree"]["damage"].sum() == 16, "the dot is smaller than the minimum area"
    assert found["over"] == found["sound"] == {}


def test_damage_that_nobody_has_marked_is_left_out(project: Project, tmp_path: Path) -> None:
    image = find(project, "sound.png").id
    decide(project, image, who="ann", verdict=Verdict.DAMAGED)
    report = export(project, "coco", tmp_path / "out")
    assert report.left_out["damaged without a mask"] == 1


def test_an_earlier_export_is_replaced_and_nothing_else(project: Project, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(project, "png", out)
    export(project, "coco", out)
    assert (out / "annotations.json").exists()
    assert not (out / "masks").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(FormatError, match="no export"):
        export(project, "png", tmp_path / "mine")
    with pytest.raises(FormatError, match="lie in one another"):
        export(project, "png", project.paths.root)
    with pytest.raises(FormatError, match="is a file"):
        export(project, "png", tmp_path / "mine" / "thesis.txt")
    with pytest.raises(FormatError, match="there are png"):
        export(project, "gif", tmp_path / "new")
    with pytest.raises(FormatError, match="no image was chosen"):
        export(project, "png", tmp_path / "new", ExportFilter(folder=".", domain="apple"))


@pytest.mark.skipif(sys.platform == "win32", reason="there are no limits of this kind")
def test_a_full_disk_leaves_the_old_export(project: Project, tmp_path: Path) -> None:
    import resource
    import signal

    out = tmp_path / "out"
    export(project, "png", out)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, hard))
    try:
        with pytest.raises((OSError, Exception), match=r"(?i)large|write"):
            export(project, "coco", out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, old)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_cancelled_export_leaves_nothing(project: Project, tmp_path: Path) -> None:
    progress = Recorded(after=2)
    with pytest.raises(Cancelled):
        export(project, "png", tmp_path / "out", progress=progress)
    assert [done for done, _ in progress.seen] == [0, 1]
    assert not (tmp_path / "out").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["hall"]


def test_a_cancelled_export_leaves_the_one_before(project: Project, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(project, "coco", out)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    decide(project, find(project, "new.png").id, who="ann", verdict=Verdict.UNDAMAGED)
    with pytest.raises(Cancelled):
        export(project, "coco", out, progress=Recorded(after=3))
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hall", "out"]


def test_a_cancelled_import_stores_nothing(project: Project, tmp_path: Path) -> None:
    export(project, "coco", tmp_path / "out")
    root = tmp_path / "other"
    write_images(root, [f"{n}.png" for n in ("corr", "agree", "over", "sound", "skip", "new")])
    with Project.create(root, domain="crack", human=True) as other:
        scan(other)
        progress = Recorded(after=3)
        cut = import_labels(other, Source("coco", tmp_path / "out"), who="bob", progress=progress)
        assert cut.cancelled and cut.taken == 0
        assert list(audit.entries(other)) == []
        rest = import_labels(other, Source("coco", tmp_path / "out"), who="bob")
        assert not rest.cancelled and rest.kept == 0 and rest.taken == 4


@pytest.mark.parametrize("form", ["png", "coco", "yolo", "voc", "labelme", "cvat"])
def test_into_another_project_and_nothing_is_lost(
    project: Project, tmp_path: Path, form: str
) -> None:
    options = Options(polygons=form == "yolo")
    export(project, form, tmp_path / "out", ExportFilter(only=Only.REVIEWED), options)
    copy = tmp_path / "copy"
    write_images(copy, [f"{n}.png" for n in ("corr", "agree", "over", "sound", "skip", "new")])
    with Project.create(copy, human=True) as other:
        scan(other)
        report = import_labels(other, Source(form, tmp_path / "out"), who="import")
        # of "agree" the human said damaged, and the mask is the model's: it stays that
        assert (report.taken, report.masks, report.machine, report.unknown) == (4, 1, 1, 0)
        assert "spalling" in mask_classes(other).values()
        for name in ("corr.png", "agree.png", "over.png", "sound.png"):
            ours, theirs = (human_of(p, find(p, name).id) for p in (project, other))
            assert ours.verdict == theirs.verdict
        said = human_of(other, find(other, "corr.png").id)
        mask = read_mask_of(other, said)
        assert mask is not None
        names = {name: number for number, name in mask_classes(other).items()}
        assert np.array_equal(mask == names["spalling"], drawn() > 0)
        assert find(other, "new.png").state is HumanState.OPEN
        assert all(entry.who == "import" for entry in audit.entries(other))

        again = import_labels(other, Source(form, tmp_path / "out"), who="import")
        assert (again.taken, again.kept) == (0, 4)
        replaced = import_labels(other, Source(form, tmp_path / "out", replace=True), who="bob")
        assert replaced.taken == 4
        assert not audit.verify(other).problems


def test_a_data_folder_is_ready_to_train_on(project: Project, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(project, "cfinspect", out)
    found = scan_folder(out, class_words())
    assert sorted((c.path.stem, c.label, c.mask is not None) for c in found.candidates) == [
        ("agree", 1, True),
        ("corr", 1, True),
        ("over", 0, False),
        ("sound", 0, False),
    ]
    assert len({c.group for c in found.candidates}) == 4


def test_a_table_of_labels_goes_out_and_comes_in(project: Project, tmp_path: Path) -> None:
    export(project, "csv", tmp_path / "out")
    with (tmp_path / "out" / "labels.csv").open(newline="") as stream:
        rows = {row["filename"]: row for row in csv.DictReader(stream)}
    assert rows["over.png"]["label"] == "undamaged"
    assert rows["corr.png"]["who"] == "ann"
    project.add_folder(project.paths.root, "crack", mm_per_px=0.5)
    export(project, "csv", tmp_path / "out")
    with (tmp_path / "out" / "regions.csv").open(newline="") as stream:
        regions = list(csv.DictReader(stream))
    (region,) = [row for row in regions if row["filename"] == "corr.png"]
    assert (region["class"], region["x"], region["y"]) == ("spalling", "3", "10")
    assert float(region["area"]) == (drawn() > 0).sum()
    assert float(region["area_mm2"]) == float(region["area"]) / 4
    assert 0 < float(region["mean_width_mm"]) < 5
    table = tmp_path / "theirs.csv"
    table.write_text("filename;label\nNEW.png;bad\nskip.png;ok\nnowhere.png;ok\n")
    report = import_labels(project, Source("csv", table, replace=True), who="bob")
    assert (report.taken, report.unknown) == (2, 1)
    assert "nowhere.png" in report.problems[0]
    assert human_of(project, find(project, "new.png").id).verdict is Verdict.DAMAGED
    table.write_text("filename,label\ncorr.png,bad\n")
    import_labels(project, Source("csv", table, replace=True), who="bob")
    assert human_of(project, find(project, "corr.png").id).mask, "a label takes no mask away"
    table.write_text("filename,label\ncorr.png,good\n")
    import_labels(project, Source("csv", table, replace=True), who="bob")
    assert human_of(project, find(project, "corr.png").id).mask is None
    with pytest.raises(FormatError, match="no file"):
        import_labels(project, Source("csv", tmp_path / "gone.csv"), who="bob")


def test_images_can_be_only_referenced(project: Project, tmp_path: Path) -> None:
    export(project, "coco", tmp_path / "out", options=Options(images=Images.REFERENCE))
    data = json.loads((tmp_path / "out" / "annotations.json").read_text())
    assert all(Path(image["file_name"]).is_file() for image in data["images"])


def test_an_export_that_somebody_has_worked_in_is_not_replaced(
    project: Project, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    export(project, "labelme", out)
    export(project, "labelme", out)
    (out / "notes.txt").write_text("mine")
    with pytest.raises(FormatError, match=r"notes\.txt is new or changed"):
        export(project, "labelme", out)
    (out / "notes.txt").unlink()
    file = next(one for one in out.glob("*.json") if one.name != SIDECAR)
    os.utime(file, (time.time() + 60, time.time() + 60))
    with pytest.raises(FormatError, match="changed since then"):
        export(project, "labelme", out)
    with Project.create(out) as other:
        scan(other)
    with pytest.raises(FormatError, match="new or changed"):
        export(project, "labelme", out)
    assert (out / ".cfinspect" / "project.sqlite").exists()


def test_exports_do_not_end_up_among_the_images(project: Project, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="lie in one another"):
        export(project, "png", project.paths.root / "out")
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    export(project, "png", tmp_path / "link")
    export(project, "png", tmp_path / "link")
    assert (tmp_path / "real" / "masks").is_dir()


def test_damage_without_a_mask_is_still_a_label(project: Project, tmp_path: Path) -> None:
    image = find(project, "sound.png").id
    decide(project, image, who="ann", verdict=Verdict.DAMAGED)
    for form in ("csv", "cfinspect"):
        report = export(project, form, tmp_path / form)
        assert report.written == 4
        assert not report.left_out["damaged without a mask"]
    assert (tmp_path / "cfinspect" / "damaged" / "sound.png").exists()
    assert not (tmp_path / "cfinspect" / "masks" / "sound.png").exists()


def test_a_photo_that_is_gone_stops_nothing(project: Project, tmp_path: Path) -> None:
    find(project, "over.png").path.unlink()
    report = export(project, "coco", tmp_path / "out")
    assert report.left_out["gone since the last scan"] == 1
    assert report.written == 3


def test_the_models_word_in_our_own_exports_stays_that(project: Project, tmp_path: Path) -> None:
    export(project, "coco", tmp_path / "out", ExportFilter(only=Only.ALL))
    copy = tmp_path / "copy"
    write_images(copy, [f"{n}.png" for n in ("corr", "agree", "over", "sound", "skip", "new")])
    with Project.create(copy, human=True) as other:
        scan(other)
        file = tmp_path / "out" / "annotations.json"
        found = preview(other, Source("coco", file))
        assert (found.images, found.taken, found.kept, found.machine) == (5, 4, 0, 2)
        assert not found.more and preview(other, Source("coco", file), most=2).more
        report = import_labels(other, Source("coco", file), who="bob")
        assert (report.taken, report.machine) == (4, 2)
        assert preview(other, Source("coco", file)).kept == 4
        assert human_of(other, find(other, "new.png").id).version == 0
        said = human_of(other, find(other, "agree.png").id)
        assert (said.verdict, said.mask) == (Verdict.DAMAGED, None)
        all_of_it = import_labels(
            other, Source("coco", tmp_path / "out", replace=True, machine_too=True), who="bob"
        )
        assert (all_of_it.taken, all_of_it.masks) == (5, 3)


def test_an_image_that_cannot_be_read_stops_no_export(project: Project, tmp_path: Path) -> None:
    bad = find(project, "over.png").path
    status = bad.stat()
    bad.write_bytes(bad.read_bytes()[:60].ljust(status.st_size, b"\0"))
    os.utime(bad, ns=(status.st_atime_ns, status.st_mtime_ns))
    for form in FORMATS:
        if FORMATS[form].write is None:
            continue
        report = export(project, form, tmp_path / form)
        whole = form == "voc"  # it is converted there, elsewhere only copied
        assert report.written == (3 if whole else 4), form
        assert [("over.png" in one) for one in report.problems] == [True] * whole


def test_an_image_too_long_for_a_jpeg_is_exported_as_png(tmp_path: Path) -> None:
    root = tmp_path / "hall"
    root.mkdir()
    write_png(root / "long.png", np.zeros((65_600, 2, 3), np.uint8))
    with Project.create(root, human=True) as project:
        scan(project)
        decide(project, find(project, "long.png").id, who="ann", verdict=Verdict.UNDAMAGED)
        report = export(project, "voc", tmp_path / "out")
        assert "long.png is written as PNG" in report.notes[0]
        assert (tmp_path / "out" / "JPEGImages" / "long.png").is_file()


@pytest.mark.parametrize("form", ["csv", "cvat", "voc", "coco", "labelme"])
def test_hostile_names_go_out_and_stop_nothing_on_the_way_in(form: str, tmp_path: Path) -> None:
    names = ["=1+1.png", "-1.png", "@a.png", "a.png", "\x1b[31m\ttwo\nlines.png"]
    write_images(tmp_path / "hall", names)
    project = Project.create(tmp_path / "hall", domain="crack", human=True)
    scan(project)
    for name in names:
        decide(project, find(project, name).id, who="ann", mask=drawn(1))
    export(project, form, tmp_path / "out")
    report = import_labels(project, Source(form, tmp_path / "out", replace=True), who="bob")
    # A table of labels names files as they are, and no name may have such characters.
    back = names[:4] if form == "csv" else names
    assert report.taken == len(back)
    for name in back:
        assert human_of(project, find(project, name).id).who == "bob"
