"""What a project may read: its own folder, and others only once a person here allowed them."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
from studio import inspected_project, write_images

from cfinspect.engine.base.images import ImageError
from cfinspect.formats.exchange_types import FormatError
from cfinspect.formats.export_filter import ExportFilter, Only
from cfinspect.formats.exporting import export
from cfinspect.project.finding import find
from cfinspect.project.listing import list_images
from cfinspect.project.predictions import to_inspect
from cfinspect.project.project import Project
from cfinspect.project.reach import ANSWERS, Reach, lies_in
from cfinspect.project.scan import scan

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links take a privilege there")

SCORES = [0.9, 0.8, 0.2]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's data folder of this PC."""
    monkeypatch.setenv("CFINSPECT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Pictures of the operator, elsewhere on this PC."""
    write_images(tmp_path / "own", 2, seed=9, start=70)
    return tmp_path / "own"


@pytest.fixture
def root(tmp_path: Path, home: Path) -> Path:
    inspected_project(tmp_path / "sent", SCORES).close()
    return tmp_path / "sent"


def names(folder: Path) -> set[bytes]:
    return {path.read_bytes() for path in folder.rglob("*.png")}


def claim(root: Path, folder: str, path: str) -> None:
    """What a stranger writes into his database: image 1 lies in ``folder``, as ``path``."""
    with Project.open(root) as project, project.database.writing() as connection:
        connection.execute("UPDATE folder SET path = ?", (folder,))
        connection.execute("UPDATE image SET path = ? WHERE id = 1", (path,))


@pytest.mark.parametrize("folder", ["{own}", "../own", "link", "./../sent/../own"])
def test_a_folder_elsewhere_that_the_database_names_is_not_read(
    root: Path, own: Path, tmp_path: Path, folder: str
) -> None:
    (root / "link").symlink_to(own)
    claim(root, folder.format(own=own), "img70.png")
    with Project.open(root) as project:
        assert not project.folders()[0].reachable
        report = scan(project)
        assert report.outside == [own]
        assert "--allow" in report.problems[0]
        assert (report.present, report.vanished) == (3, 0)
        assert to_inspect(project, project.models()[0], only=[1, 2, 3]) == []
        with pytest.raises(ImageError, match="outside of the project"):
            list_images(project)[0].checked_path()
        with pytest.raises(FormatError, match=r"3 not reachable.*--allow"):
            export(project, "png", tmp_path / "out", ExportFilter(Only.ALL))
    assert not (tmp_path / "out").exists()


def test_after_one_answer_it_is_read_and_the_answer_is_not_in_the_project(
    root: Path, own: Path, home: Path, tmp_path: Path
) -> None:
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}
    claim(root, str(own), "img70.png")
    with Project.open(root) as project:
        project.answer([own], allowed=True)
        assert project.folders()[0].reachable
        report = scan(project)
        assert (report.present, report.outside, report.problems) == (2, [], [])
    assert (home / ANSWERS).is_file()
    assert not any(ANSWERS in path.name for path in root.rglob("*"))
    assert before
    with Project.open(root) as project:
        project.answer([own], allowed=False)
        assert not project.folders()[0].reachable
        assert project.reach.is_answered(own)


def test_an_answer_counts_for_this_project_at_this_place_alone(
    root: Path, own: Path, tmp_path: Path
) -> None:
    claim(root, str(own), "img70.png")
    with Project.open(root) as project:
        project.answer([own], allowed=True)
    inspected_project(tmp_path / "other", SCORES).close()
    claim(tmp_path / "other", str(own), "img70.png")
    with Project.open(tmp_path / "other") as project:
        assert not project.folders()[0].reachable
    root.rename(tmp_path / "aside")  # another stick is put in where the first one was
    (tmp_path / "other").rename(root)
    with Project.open(root) as project:
        assert not project.folders()[0].reachable
    with Project.open(tmp_path / "aside") as project:
        assert not project.folders()[0].reachable


def test_whoever_adds_a_folder_has_allowed_it(root: Path, own: Path) -> None:
    with Project.open(root) as project:
        project.add_folder(own, "apple")
        assert all(folder.reachable for folder in project.folders())
        assert scan(project).present == 5


def test_the_scale_of_a_folder_is_no_permission(root: Path, own: Path) -> None:
    claim(root, str(own), "img70.png")
    with Project.open(root) as project:
        project.set_scale(project.folders()[0], 0.25)
        (folder,) = project.folders()
        assert (folder.mm_per_px, folder.reachable) == (0.25, False)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"x": 3}', "[" * 100_000])
def test_damaged_answers_allow_nothing(root: Path, own: Path, home: Path, content: str) -> None:
    claim(root, str(own), "img70.png")
    home.mkdir(exist_ok=True)
    (home / ANSWERS).write_text(content)
    with Project.open(root) as project:
        assert not project.folders()[0].reachable
        project.answer([own], allowed=True)
        assert project.folders()[0].reachable


def test_a_link_to_a_file_elsewhere_is_left_out_by_name(
    root: Path, own: Path, tmp_path: Path
) -> None:
    (root / "img0.png").unlink()
    (root / "img0.png").symlink_to(own / "img70.png")
    with Project.open(root) as project:  # not even scanned
        report = export(project, "png", tmp_path / "out", ExportFilter(Only.ALL))
        assert report.left_out["not reachable: outside of the project"] == 1
        assert "img0.png" in report.problems[0]
        assert report.written == 2
        found = scan(project)
        assert found.outside == [own]
        assert "img0.png" in found.problems[0]
        assert found.present == 3  # what humans said of it stays
    assert not names(own) & names(tmp_path / "out")


def test_links_to_folders_elsewhere_are_walked_once_allowed(root: Path, own: Path) -> None:
    (root / "damaged").symlink_to(own)
    with Project.open(root) as project:
        report = scan(project)
        assert (report.present, report.outside) == (3, [own])
        assert "damaged/" in report.problems[0]
        project.answer([own], allowed=True)
        report = scan(project)
        assert (report.present, report.new, report.problems) == (5, 2, [])
        row = find(project, "damaged/img70.png")
        assert row.checked_path() == row.path
        assert row.label == 1
        project.answer([own], allowed=False)  # as a project of an earlier version
        report = scan(project)
        assert (report.present, report.vanished, report.outside) == (5, 0, [own])
        with pytest.raises(ImageError, match="outside"):
            row = find(project, "damaged/img70.png")
            row.checked_path()


def test_labels_from_elsewhere_are_not_read(root: Path, own: Path) -> None:
    (own / "secret").write_text("filename,label\nimg0.png,damaged\n")
    (root / "labels.csv").symlink_to(own / "secret")
    with Project.open(root) as project:
        report = scan(project)
        assert report.outside == [own] and "labels.csv" in report.problems[0]
        assert find(project, "img0.png").label is None
        project.answer([own], allowed=True)
        assert scan(project).outside == []
        assert find(project, "img0.png").label == 1


def test_any_number_of_links_out_is_left_out_in_no_time(root: Path, tmp_path: Path) -> None:
    for number in range(3000):
        (root / f"x{number}.png").symlink_to(tmp_path / "own" / str(number) / "x.png")
        (tmp_path / "own" / str(number)).mkdir(parents=True)
        (tmp_path / "own" / str(number) / "x.png").touch()
    with Project.open(root) as project:
        with project.database.writing() as connection:  # that many images are gone as well
            connection.executemany(
                "INSERT INTO image (folder_id, path, place, bytes, mtime_ns, digest) VALUES "
                "(1, ?, '', 0, 0, ?)",
                [(f"gone/{number}.png", f"{number:032x}") for number in range(3000)],
            )
        begun = time.process_time()
        report = scan(project)
        assert time.process_time() - begun < 5
        assert (report.present, len(report.outside)) == (3, 3000)
        assert len(report.problems) <= 21


def test_links_up_are_not_walked_whatever_was_allowed(root: Path, tmp_path: Path) -> None:
    write_images(tmp_path, 3, seed=20)  # beside the project
    (root / "inner").mkdir()
    for place, target in (("all", "/"), ("up", ".."), ("inner/here", "."), ("inner/top", "..")):
        (root / place).symlink_to(target)
    with Project.open(root) as project:
        project.answer([Path("/"), tmp_path], allowed=True)
        report = scan(project)
        assert (report.present, report.new, report.problems) == (3, 0, [])


def test_a_link_within_the_project_is_harmless_and_walked_once(root: Path) -> None:
    write_images(root / "real", 2, seed=30, start=90)
    (root / "again").symlink_to("real")
    (root / "one.png").symlink_to("real/img90.png")
    with Project.open(root) as project:
        report = scan(project)
        assert (report.present, report.outside) == (6, [])
        found = {row.name for row in list_images(project)}
        assert {"real/img90.png", "real/img91.png", "one.png"} <= found


def test_a_changed_file_is_not_exported_under_what_was_said_of_another(
    root: Path, tmp_path: Path
) -> None:
    (other,) = write_images(tmp_path / "new", 1, seed=55)
    other.replace(root / "img0.png")
    status = (root / "img1.png").stat()
    os.utime(root / "img1.png", ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))  # copied
    with Project.open(root) as project:
        report = export(project, "png", tmp_path / "out", ExportFilter(Only.ALL))
    assert (report.written, report.left_out["changed since the last scan"]) == (2, 1)
    assert "img0.png" in report.problems[0]


def test_names_that_no_disk_has_are_a_sentence(root: Path) -> None:
    with pytest.raises(ImageError, match="no file can have this name"):
        Reach(root).checked(root / "a\0b.png")


def test_names_too_long_for_a_disk_lie_where_their_folder_does(root: Path) -> None:
    reach = Reach(root)
    assert reach.checked(root / ("x" * 5000)) == root / ("x" * 5000)
    assert reach.checked(root / ("x" * 5000) / "a.png") == root / ("x" * 5000) / "a.png"


def test_what_lies_in_a_folder() -> None:
    assert lies_in("/a/b/c", Path("/a/b")) and lies_in("/a/b", Path("/a/b"))
    assert lies_in("/a", Path("/"))
    assert not lies_in("/a/bc", Path("/a/b")) and not lies_in("/a", Path("/a/b"))
