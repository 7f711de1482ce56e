"""Which files of a folder are somebody's images."""

from __future__ import annotations

from pathlib import Path

import pytest

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.data.folders import class_words, scan_folder
from cfinspect.engine.data.image_folders import list_images, natural_key
from cfinspect.engine.inference.stream import find_sources
from cfinspect.project.project import Project
from cfinspect.project.walk import walk


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
