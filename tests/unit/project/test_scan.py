from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from recorded_progress import Recorded
from studio import write_images

from cfinspect.project.finding import find
from cfinspect.project.listing import ImageFilter, list_images
from cfinspect.project.project import Project
from cfinspect.project.scan import place_text, scan
from cfinspect.project.verdicts import Verdict, decide, human_of


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_images(tmp_path / "hall" / "damaged", 4)
    write_images(tmp_path / "hall" / "undamaged", 3, seed=1, start=4)
    return tmp_path / "hall"


def project_of(root: Path) -> Project:
    return Project.create(root, domain="crack", human=True)


def names(project: Project, wanted: ImageFilter | None = None) -> list[str]:
    return [row.name for row in list_images(project, wanted)]


def test_the_first_scan_takes_everything_and_the_second_reads_nothing(root: Path) -> None:
    with project_of(root) as project:
        report = scan(project)
        assert (report.new, report.present, report.problems) == (7, 7, [])
        progress = Recorded()
        again = scan(project, progress=progress)
        assert (again.new, again.changed, again.moved, again.vanished) == (0, 0, 0, 0)
        assert again.present == 7
        assert progress.seen == []
        rows = list_images(project)
        assert [row.label for row in rows] == [1] * 4 + [0] * 3


def test_moved_and_renamed_images_keep_their_verdicts(root: Path) -> None:
    with project_of(root) as project:
        scan(project)
        image = find(project, "damaged/img2.png")
        decide(project, image.id, who="ann", verdict=Verdict.DAMAGED)
        (root / "later").mkdir()
        (root / "damaged" / "img2.png").rename(root / "later" / "x.png")
        report = scan(project)
        assert (report.moved, report.new, report.vanished) == (1, 0, 0)
        moved = find(project, "later/x.png")
        assert moved.id == image.id
        assert moved.label is None
        assert human_of(project, moved.id).verdict is Verdict.DAMAGED


def test_two_files_that_change_places_keep_their_own_history(root: Path) -> None:
    with project_of(root) as project:
        scan(project)
        a, b = (find(project, f"damaged/img{i}.png") for i in (0, 1))
        decide(project, a.id, who="ann", verdict=Verdict.DAMAGED)
        (root / "damaged" / "img0.png").rename(root / "t.png")
        (root / "damaged" / "img1.png").rename(root / "damaged" / "img0.png")
        (root / "t.png").rename(root / "damaged" / "img1.png")
        os.utime(root / "damaged" / "img0.png", ns=(1, 1))
        os.utime(root / "damaged" / "img1.png", ns=(2, 2))
        report = scan(project)
        assert (report.moved, report.new, report.changed, report.vanished) == (2, 0, 0, 0)
        assert find(project, "damaged/img1.png").id == a.id
        assert find(project, "damaged/img0.png").id == b.id


def test_a_vanished_image_is_kept_marked_and_comes_back(root: Path, tmp_path: Path) -> None:
    with project_of(root) as project:
        scan(project)
        image = find(project, "damaged/img3.png")
        decide(project, image.id, who="ann", comment="chipped")
        shutil.move(root / "damaged" / "img3.png", tmp_path / "away.png")
        assert scan(project).vanished == 1
        assert scan(project).vanished == 0
        assert names(project, ImageFilter(missing=True)) == ["damaged/img3.png"]
        assert len(names(project)) == 6
        shutil.move(tmp_path / "away.png", root / "damaged" / "img3.png")
        assert scan(project).returned == 1
        assert human_of(project, find(project, "damaged/img3.png").id).comment == "chipped"


def test_other_content_under_an_old_name_is_another_image(root: Path) -> None:
    with project_of(root) as project:
        scan(project)
        old = find(project, "damaged/img0.png")
        decide(project, old.id, who="ann", verdict=Verdict.DAMAGED)
        (fresh,) = write_images(root / "damaged", 1, seed=9)
        os.utime(fresh, ns=(5, 5))
        report = scan(project)
        assert (report.changed, report.vanished, report.new) == (1, 1, 0)
        new = find(project, "damaged/img0.png")
        assert new.id != old.id
        assert human_of(project, new.id).version == 0


def test_a_new_date_alone_changes_nothing(root: Path) -> None:
    with project_of(root) as project:
        scan(project)
        image = find(project, "damaged/img0.png")
        os.utime(root / "damaged" / "img0.png", ns=(7, 7))
        report = scan(project)
        assert (report.changed, report.new, report.moved) == (0, 0, 0)
        assert find(project, "damaged/img0.png").id == image.id


def test_copies_are_images_of_their_own(root: Path) -> None:
    with project_of(root) as project:
        scan(project)
        shutil.copy(root / "damaged" / "img0.png", root / "damaged" / "copy.png")
        report = scan(project)
        assert (report.new, report.moved) == (1, 0)


def test_an_unplugged_folder_is_left_as_it_was_known(root: Path, tmp_path: Path) -> None:
    other = tmp_path / "disk"
    write_images(other, 3, seed=5)
    with project_of(root) as project:
        project.add_folder(other, "apple")
        scan(project)
        other.rename(tmp_path / "gone")
        report = scan(project)
        assert report.vanished == 0
        assert report.present == 10
        assert "disk" in report.problems[0]


def test_hidden_files_masks_and_other_files_are_passed_over(root: Path) -> None:
    write_images(root / "masks", 2, seed=3)
    write_images(root / ".hidden", 2, seed=4)
    (root / "notes.txt").write_text("no image")
    (root / "dead.png").symlink_to(root / "nowhere.png")
    (root / "loop").symlink_to(root)
    with project_of(root) as project:
        assert scan(project).present == 7


def test_labels_csv_gives_labels_and_groups_and_may_change(root: Path) -> None:
    table = root / "labels.csv"
    table.write_text("filename,label,group\ndamaged/img0.png,damaged,wall 3\n")
    write_images(root, 1, seed=8, start=50)
    with project_of(root) as project:
        scan(project)
        assert find(project, "damaged/img0.png").group == "wall 3"
        assert find(project, "img50.png").label is None
        table.write_text("filename,label,group\ndamaged/img0.png,,wall 4\nimg50.png,good,wall 4\n")
        scan(project)
        assert find(project, "damaged/img0.png").group == "wall 4"
        assert find(project, "img50.png").label == 0
        table.write_text("nonsense\n1\n")
        report = scan(project)
        assert "labels.csv" in report.problems[0]
        assert report.present == 8


def test_a_cancelled_scan_goes_on_later(root: Path) -> None:
    write_images(root / "many", 600, seed=6, start=100)
    with project_of(root) as project:
        calls = iter([False, True])
        report = scan(project, progress=Recorded(lambda: next(calls)))
        assert report.cancelled
        assert report.present == 512
        assert scan(project).new == 607 - 512


def test_names_that_are_no_text_are_told(root: Path) -> None:
    try:
        (root / os.fsdecode(b"caf\xe9.png")).write_bytes(b"x")
    except OSError:
        pytest.skip("this file system takes text names only")
    with project_of(root) as project:
        report = scan(project)
        assert report.present == 7
        assert "rename" in report.problems[0]


def test_a_file_larger_than_any_picture_is_told_and_not_read_through(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "damaged" / "film.png").write_bytes(bytes(100_000))
    monkeypatch.setattr("cfinspect.project.walk.MAX_FILE_BYTES", 99_999)
    with project_of(root) as project:
        report = scan(project)
        assert report.present == 7
        assert "film.png: it has more than" in report.problems[0]


def test_places_sort_like_people_do() -> None:
    names = ["img10.png", "IMG2.png", "img1.png", "a/img3.png", "img007.png"]
    assert sorted(names, key=place_text) == [
        "a/img3.png",
        "img1.png",
        "IMG2.png",
        "img007.png",
        "img10.png",
    ]
