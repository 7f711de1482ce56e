"""Which files of a folder are somebody's images."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from colleague import WINDOWS, a_colleague

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.images import write_png
from cfinspect.engine.base.progress import collect_remarks, take_remarks
from cfinspect.engine.data.class_words import class_words
from cfinspect.engine.data.dataset import read_folders, read_unlabelled
from cfinspect.engine.data.folders import scan_folder
from cfinspect.engine.data.image_folders import list_images, natural_key, path_below
from cfinspect.engine.inference.stream import find_sources
from cfinspect.project.project import Folder, Project
from cfinspect.project.reach import Reach
from cfinspect.project.walk import walk


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a/b.png", "a/b.png"),
        ("a\\b.png", "a/b.png"),
        ("./a//b.png", "a/b.png"),
        (".", "."),
        ("", None),
        ("/a.png", None),
        ("\\\\server\\a.png", None),
        ("a/../../b.png", None),
        ("12:30.png", "12:30.png"),
    ],
)
def test_paths_of_tables_lie_below_their_folder(text: str, path: str | None) -> None:
    if not (WINDOWS and ":" in text):
        assert path_below(text) == path


@pytest.mark.parametrize("text", ["C:/x.png", "c:x.png", "a/x.png:stream"])
def test_on_windows_a_colon_leads_elsewhere(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cfinspect.engine.data.image_folders._ON_WINDOWS", True)
    assert path_below(text) is None


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def found(root: Path) -> dict[str, set[str]]:
    """Relative names by who looks: training, inspection, project."""
    with Project.create(root) as project:
        (folder,) = project.folders()
        walked = {one.path for one in walk(folder, project.reach).files}
    sources, _ = find_sources([root])
    names = {path.relative_to(root).as_posix() for path in list_images([root])}
    return {"train": names, "inspect": {one.name for one in sources}, "project": walked}


@pytest.mark.parametrize(
    "folder",
    [
        *("@eaDir/a.png", "#recycle", "$RECYCLE.BIN", "System Volume Information", "lost+found"),
        *("@Recycle", ".@__thumb", "__MACOSX", "#snapshot", "RECYCLER"),
    ],
)
def test_the_systems_folders_are_nobodys_images(tmp_path: Path, folder: str) -> None:
    touch(tmp_path, "good/a.png", f"{folder}/b.png", f"good/{folder}/c.png")
    assert all(names == {"good/a.png"} for names in found(tmp_path).values())


@pytest.mark.parametrize(
    "results",
    [
        ("inspection.json", "inspections.csv", "overlays/a.jpg", "saliency/rot/a.png"),
        ("explanations.csv", "counterfactuals/a.png", "saliency/a.png"),
        ("config.json", "metrics.jsonl", "samples/000100.png", "curves.png"),
        ("cfinspect-export.json", "images/a.png", "b.png"),
    ],
)
def test_results_below_a_folder_are_passed_over(tmp_path: Path, results: tuple[str, ...]) -> None:
    touch(tmp_path, "a.png", *(f"out/{name}" for name in results))
    assert all(names == {"a.png"} for names in found(tmp_path).values())


def test_images_of_a_folder_into_which_results_were_written_stay(tmp_path: Path) -> None:
    touch(tmp_path, "hall/a.png", "hall/inspection.json", "hall/inspections.csv")
    touch(tmp_path, "hall/overlays/a.jpg", "overlays/b.png")
    assert all(names == {"hall/a.png", "overlays/b.png"} for names in found(tmp_path).values())


def test_an_export_that_is_given_is_meant(tmp_path: Path) -> None:
    touch(tmp_path, "cfinspect-export.json", "images/a.png")
    assert [path.name for path in list_images([tmp_path])] == ["a.png"]


def test_folders_of_no_class_are_named_and_counted(tmp_path: Path) -> None:
    touch(tmp_path, "good/a.png", "bad/b.png", "masks/b.png", "#recycle/x.png")
    (tmp_path / "empty").mkdir()
    assert not scan_folder(tmp_path, class_words()).left_out
    touch(tmp_path, "colour/c.png", "colour/d.png")
    (left,) = scan_folder(tmp_path, class_words()).left_out
    assert left.path.name == "colour" and "2 images" in left.reason
    (tmp_path / "labels.csv").write_text("filename,label\ncolour/c.png,bad\ncolour/d.png,bad\n")
    assert not scan_folder(tmp_path, class_words()).left_out


def test_list_images_says_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CfinspectError, match="no file or folder"):
        list_images([tmp_path / "nowhere"])
    assert natural_key("img2") < natural_key("IMG10")


@pytest.fixture
def walls() -> Iterator[Path]:
    """Two classes of two images, and in each class a folder that only its owner opens."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        for label, name in enumerate(("good", "bad")):
            for number, part in enumerate(("a", "b", "locked/c")):
                path = Path(folder, name, f"{part}.png")
                path.parent.mkdir(parents=True, exist_ok=True)
                write_png(path, np.full((8, 8, 3), 100 * label + number, np.uint8))
            Path(folder, name, "locked").chmod(0o000)
        yield Path(folder)
        for name in ("good", "bad"):
            Path(folder, name, "locked").chmod(0o755)


def test_a_folder_that_cannot_be_opened_stops_nothing(walls: Path) -> None:
    read_folders([walls])  # what is imported late must not wait for who may read no program
    with a_colleague():
        unread: list[Path] = []
        seen = list_images([walls], unread)
        data = read_folders([walls])
        unlabelled = read_unlabelled([walls])
        sources, _ = find_sources([walls])
    locked = [] if WINDOWS else [walls / "good" / "locked", walls / "bad" / "locked"]
    more = 2 if WINDOWS else 0  # nobody is locked out there
    assert len(seen) == len(data.samples) == len(unlabelled.samples) == 4 + more
    assert sorted(unread) == sorted(locked)
    for left_out in (data.left_out, unlabelled.left_out):
        assert sorted(one.path for one in left_out) == sorted(locked)
        assert all("cannot be opened" in one.reason for one in left_out)
    assert {source.path for source in sources} == {*seen, *locked}


def test_a_folder_that_was_given_and_cannot_be_opened_is_an_error(walls: Path) -> None:
    with a_colleague():
        if WINDOWS:
            return
        for paths in ([walls / "good" / "locked"], [walls]):
            with pytest.raises(CfinspectError, match=r"Cannot open the folder .*locked"):
                list_images(paths)
        with pytest.raises(CfinspectError, match=r"Cannot open the folder .*locked"):
            list_images([walls / "good" / "locked"], [])


def test_a_folder_that_may_only_be_listed_has_lost_no_image(walls: Path) -> None:
    for name in ("good", "bad"):
        (walls / name / "locked").chmod(0o444)
    with a_colleague():
        walked = walk(Folder(1, ".", walls, "wall", None, None), Reach(walls))
    locked = set() if WINDOWS else {"good/locked/", "bad/locked/"}
    assert set(walked.unread) == locked
    assert len(walked.problems) == len(locked)
    assert len(walked.files) == 6 - len(locked)


@pytest.mark.skipif(sys.platform == "win32", reason="links take a privilege there")
def test_nobody_follows_a_link_to_a_folder_above(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    touch(tmp_path, "beside.png", "other/o.png")
    touch(root, "a.png", "real/b.png")
    for name, target in (("all", "/"), ("up", ".."), ("real/here", "."), ("again", "real")):
        (root / name).symlink_to(target)
    (root / "linked").symlink_to(tmp_path / "other")
    collect_remarks()
    seen = found(root)
    own = {"a.png", "real/b.png"}
    assert seen["project"] == own  # what lies outside is for whoever allows it
    # Whoever names a folder to train on or to inspect means its links, too.
    assert seen["train"] == seen["inspect"] == own | {"linked/o.png"}
    told = [text for text in take_remarks() if "a link to a folder above" in text]
    assert len(told) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="paths are that long there")
def test_a_tree_that_is_too_deep_hides_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "a.png")
    monkeypatch.chdir(tmp_path)
    for _ in range(600):
        Path("abcdefghij").mkdir()
        os.chdir("abcdefghij")
    os.chdir(tmp_path)
    seen = found(tmp_path)
    assert seen["train"] == seen["inspect"] == seen["project"] == {"a.png"}
