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

from cfinspect.engine.datafolder import class_words, scan_folder
from cfinspect.engine.images import write_png
from cfinspect.engine.inspection import Inspection
from cfinspect.formats.choice import Choice, Only
from cfinspect.formats.exporting import SIDECAR, export
from cfinspect.formats.importing import import_labels
from cfinspect.formats.naming import Matcher, flat_stems
from cfinspect.formats.records import FormatError, Images, Options
from cfinspect.formats.registry import FORMATS
from cfinspect.project import audit
from cfinspect.project.corrections import mask_class, mask_classes
from cfinspect.project.listing import State, by_ids, find, page
from cfinspect.project.predictions import Inspected, save, to_inspect
from cfinspect.project.project import Project
from cfinspect.project.scan import scan
from cfinspect.project.verdicts import (
    Verdict,
    decide,
    human_of,
    read_mask_of,
)

SIDE = 32


def write_images(folder: Path, names: list[str], seed: int = 0) -> None:
    chance = np.random.default_rng(seed)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_png(folder / name, chance.integers(0, 255, (SIDE, SIDE, 3), np.uint8))


def machine(project: Project, scores: dict[str, float]) -> None:
    """Give images a prediction; those from 0.5 on have a square of 16 px and a dot as mask."""
    card = {"decision": {"score_threshold": 0.5}}
    model = project.add_model(Path("m.safetensors"), "digest", card)
    for folder in project.folders():
        project.bind(folder, model)
    found = []
    for number, _, _, name in to_inspect(project, model):
        score = scores[name]
        mask = np.zeros((SIDE, SIDE), bool)
        if score >= 0.5:
            mask[4:8, 4:8] = mask[20, 20] = True
        inspection = Inspection(
            label=int(score >= 0.5),
            score=score,
            p0=1 - score,
            p1=score,
            p_fake=0.1,
            flipped=True,
            review=False,
            reason="",
            saliency=mask.astype(np.float32),
            counterfactual=np.zeros((SIDE, SIDE, 3), np.uint8),
            mask=mask,
            area_fraction=float(mask.mean()),
            head=score,
        )
        found.append(Inspected(number, np.zeros((SIDE, SIDE, 3), np.uint8), inspection))
    save(project, model, found)


def drawn(value: int = 1) -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[10:20, 3:30] = value
    mask[12:15, 6:9] = 0
    return mask


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
    report = export(project, "png", tmp_path / "out", Choice(only=only))
    assert {path.stem for path in (tmp_path / "out" / "masks").iterdir()} == names
    assert report.written == len(names)
    assert report.left_out["skipped by a human"] == 1
    sidecar = json.loads((tmp_path / "out" / SIDECAR).read_text())
    assert sidecar["project"] == project.id
    assert sidecar["audit_head"] == audit.head(project)
    assert sidecar["models"]["digest"]["decision"] == {"score_threshold": 0.5}
    assert sidecar["report"]["written"] == len(names)


def test_the_humans_mask_comes_first_and_the_machines_is_filtered(
    project: Project, tmp_path: Path
) -> None:
    choice = Choice(only=Only.ALL, min_area=4, min_score=0.96)
    report = export(project, "png", tmp_path / "out", choice)
    assert report.left_out["below the minimum score"] == 1
    read = FORMATS["png"].read
    assert read
    found = {one.name: one.parts for one in read(tmp_path / "out")}
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
        export(project, "png", project.place.root)
    with pytest.raises(FormatError, match="is a file"):
        export(project, "png", tmp_path / "mine" / "thesis.txt")
    with pytest.raises(FormatError, match="there are png"):
        export(project, "gif", tmp_path / "new")
    with pytest.raises(FormatError, match="no image was chosen"):
        export(project, "png", tmp_path / "new", Choice(folder=".", domain="apple"))


def test_nothing_to_export_says_why(tmp_path: Path) -> None:
    write_images(tmp_path / "hall", ["a.png"])
    with Project.create(tmp_path / "hall") as project:
        scan(project)
        with pytest.raises(FormatError, match="1 not reviewed"):
            export(project, "png", tmp_path / "out")


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
    calls = iter([False, False, True])
    with pytest.raises(KeyboardInterrupt):
        export(project, "png", tmp_path / "out", cancelled=lambda: next(calls))
    assert not (tmp_path / "out").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["hall"]


@pytest.mark.parametrize("form", ["png", "coco", "yolo", "voc", "labelme", "cvat"])
def test_into_another_project_and_nothing_is_lost(
    project: Project, tmp_path: Path, form: str
) -> None:
    options = Options(polygons=form == "yolo")
    export(project, form, tmp_path / "out", Choice(only=Only.REVIEWED), options)
    copy = tmp_path / "copy"
    write_images(copy, [f"{n}.png" for n in ("corr", "agree", "over", "sound", "skip", "new")])
    with Project.create(copy, human=True) as other:
        scan(other)
        report = import_labels(other, form, tmp_path / "out", who="import")
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
        assert find(other, "new.png").state is State.OPEN
        assert all(entry.who == "import" for entry in audit.entries(other))

        again = import_labels(other, form, tmp_path / "out", who="import")
        assert (again.taken, again.kept) == (0, 4)
        replaced = import_labels(other, form, tmp_path / "out", who="bob", replace=True)
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
    project.add_folder(project.place.root, "crack", mm_per_px=0.5)
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
    report = import_labels(project, "csv", table, who="bob", replace=True)
    assert (report.taken, report.unknown) == (2, 1)
    assert "nowhere.png" in report.problems[0]
    assert human_of(project, find(project, "new.png").id).verdict is Verdict.DAMAGED
    table.write_text("filename,label\ncorr.png,bad\n")
    import_labels(project, "csv", table, who="bob", replace=True)
    assert human_of(project, find(project, "corr.png").id).mask, "a label takes no mask away"
    table.write_text("filename,label\ncorr.png,good\n")
    import_labels(project, "csv", table, who="bob", replace=True)
    assert human_of(project, find(project, "corr.png").id).mask is None
    with pytest.raises(FormatError, match="no file"):
        import_labels(project, "csv", tmp_path / "gone.csv", who="bob")


def test_parts_of_a_group_stay_together(tmp_path: Path) -> None:
    root = tmp_path / "hall"
    names = [f"{n}.png" for n in range(30)]
    write_images(root, names)
    rows = [f"{name},,wall {int(name[:-4]) // 3}" for name in names]
    (root / "labels.csv").write_text("filename,label,group\n" + "\n".join(rows) + "\n")
    with Project.create(root, human=True) as project:
        scan(project)
        for number, row in enumerate(page(project)):
            decide(project, row.id, who="ann", mask=drawn() * np.uint8(number % 2))
        share = {"train": 0.6, "val": 0.2, "test": 0.2}
        report = export(project, "yolo", tmp_path / "out", Choice(split=share, seed=3))
        assert sum(report.splits.values()) == 30
        place = {
            path.stem: path.parent.name for path in (tmp_path / "out" / "images").rglob("*.png")
        }
        for group in range(10):
            assert len({place[str(number)] for number in range(group * 3, group * 3 + 3)}) == 1
        assert set(place.values()) == set(share)
        again = export(project, "yolo", tmp_path / "two", Choice(split=share, seed=3))
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


def test_images_can_be_only_referenced(project: Project, tmp_path: Path) -> None:
    export(project, "coco", tmp_path / "out", options=Options(images=Images.REFERENCE))
    data = json.loads((tmp_path / "out" / "annotations.json").read_text())
    assert all(Path(image["file_name"]).is_file() for image in data["images"])


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
            report = import_labels(project, "concrete-crack", tmp_path / name, who="set")
            assert (report.taken, report.masks) == (1, 1)
            image = find(project, str(tmp_path / name / "rgb" / "001.png"))
            found = read_mask_of(project, human_of(project, image.id))
            assert found is not None
            assert found.sum() == SIDE * (4 + 4 * number)


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
    file = next(out.glob("*.json"))
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
        export(project, "png", project.place.root / "out")
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
        report = import_labels(project, "cvat", tmp_path / "a.xml", who="bob")
        assert (report.taken, report.undrawn, report.masks) == (2, 1, 0)
        assert report.unknown == 1, "c.png has another size"
        verdicts = [human_of(project, find(project, n).id).verdict for n in ("a.png", "b.png")]
        assert verdicts == [Verdict.DAMAGED, Verdict.UNDAMAGED]


def test_one_bad_image_stops_no_import(tmp_path: Path) -> None:
    root = tmp_path / "hall"
    write_images(root, ["a.png", "b.png"])
    masks = tmp_path / "m"
    masks.mkdir()
    write_png(masks / "a.png", np.full((5, 5), 255, np.uint8))
    write_png(masks / "b.png", drawn() * np.uint8(255))
    with Project.create(root, human=True) as project:
        scan(project)
        report = import_labels(project, "png", masks, who="bob")
        assert (report.taken, report.refused) == (1, 1)
        assert "5 x 5" in report.problems[0]
        again = import_labels(project, "png", masks, who="bob", replace=True)
        assert again.taken == 1
        with pytest.raises(FormatError, match="is no mask"):
            import_labels(project, "png", root, who="bob", replace=True)


def test_the_models_word_in_our_own_exports_stays_that(project: Project, tmp_path: Path) -> None:
    export(project, "coco", tmp_path / "out", Choice(only=Only.ALL))
    copy = tmp_path / "copy"
    write_images(copy, [f"{n}.png" for n in ("corr", "agree", "over", "sound", "skip", "new")])
    with Project.create(copy, human=True) as other:
        scan(other)
        report = import_labels(other, "coco", tmp_path / "out" / "annotations.json", who="bob")
        assert (report.taken, report.machine) == (4, 2)
        assert human_of(other, find(other, "new.png").id).version == 0
        said = human_of(other, find(other, "agree.png").id)
        assert (said.verdict, said.mask) == (Verdict.DAMAGED, None)
        all_of_it = import_labels(
            other, "coco", tmp_path / "out", who="bob", replace=True, machine_too=True
        )
        assert (all_of_it.taken, all_of_it.masks) == (5, 3)


def test_names_too_long_for_a_file_are_cut(tmp_path: Path) -> None:
    deep = "/".join(["a folder with a long name"] * 12)
    write_images(tmp_path / "hall", [f"{deep}/a.png", f"{deep}/b.png"])
    with Project.create(tmp_path / "hall", human=True) as project:
        scan(project)
        for row in page(project):
            decide(project, row.id, who="ann", mask=drawn())
        assert export(project, "voc", tmp_path / "out").written == 2
        assert len(set(flat_stems(project).values())) == 2
        copied = import_labels(project, "voc", tmp_path / "out", who="bob", replace=True)
        assert copied.taken == 2
