"""Images outside of a project, and files that were exchanged: what the commands say and leave."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from program import Run

from cfinspect.project.project import Project


@pytest.fixture
def sent(cf: Run, walls: Path, tmp_path: Path) -> Path:
    """A project of six images with another folder beside it, as if somebody else had made it."""
    for folder, names in (("sent", slice(0, 6)), ("own", slice(6, 9))):
        (tmp_path / folder).mkdir()
        for image in sorted((walls / "damaged").glob("*.png"))[names]:
            shutil.copy(image, tmp_path / folder)
    done = cf("project", "init", tmp_path / "made", "--add", tmp_path / "own")
    assert done.returncode == 2  # there is no such folder
    done = cf("project", "init", tmp_path / "sent", "--add", f"{tmp_path / 'own'}=apple")
    assert done.returncode == 0, done.stderr
    (tmp_path / "sent").rename(tmp_path / "here")  # at another place nobody has allowed anything
    return tmp_path / "here"


def predictions(root: Path) -> dict[str, int]:
    with Project.open(root) as project:
        rows = project.database.rows(
            "SELECT f.domain, count(p.image_id) AS n FROM image i JOIN folder f ON f.id = "
            "i.folder_id LEFT JOIN prediction p ON p.image_id = i.id GROUP BY f.domain"
        )
    return {row["domain"]: row["n"] for row in rows}


def test_a_folder_elsewhere_waits_for_one_answer(
    cf: Run, sent: Path, model: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    done = cf("project", "scan", sent)
    assert done.returncode == 0 and str(own) in done.stderr
    assert f'--allow "{own}"' in done.stderr
    done = cf("inspect", model, "--project", sent, "--device", "cpu")
    assert done.returncode == 0 and f"Left out: the images of {own}" in done.stderr
    assert predictions(sent) == {"sent": 6, "apple": 0}
    done = cf("project", "status", sent)
    assert "not reachable" in done.stdout
    done = cf("export", sent, "--format", "png", "--out", tmp_path / "out", "--only", "all")
    assert done.returncode == 0 and "not inspected" in done.stderr

    done = cf("project", "folders", sent, "--allow", own, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["allowed"] == [str(own)]
    assert all(folder["reachable"] for folder in told["folders"])
    done = cf("inspect", model, "--project", sent, "--device", "cpu")
    assert done.returncode == 0 and "Left out" not in done.stderr
    assert predictions(sent) == {"sent": 6, "apple": 3}

    done = cf("project", "folders", sent, "--refuse", own)
    assert "not reachable" in done.stdout
    done = cf("export", sent, "--format", "png", "--out", tmp_path / "out", "--only", "all")
    assert done.returncode == 1
    assert "Left out: 3 not reachable: outside of the project" in done.stderr
    assert cf("inspect", model, "--project", sent, "--folder", own).returncode == 2
    done = cf("project", "folders", sent, "--allow", tmp_path / "nowhere")
    assert done.returncode == 2 and "no folder" in done.stderr


def test_what_was_exchanged_since_the_scan_gets_no_prediction(
    cf: Run, sent: Path, model: Path, tmp_path: Path
) -> None:
    first, second = sorted(sent.glob("*.png"))[:2]
    shutil.copy(second, first)
    done = cf("inspect", model, "--project", sent, "--device", "cpu")
    assert done.returncode == 0
    assert first.name in done.stderr and "not what the last scan found" in done.stderr
    assert predictions(sent)["sent"] == 5
    assert cf("project", "scan", sent).returncode == 0
    done = cf("inspect", model, "--project", sent, "--device", "cpu")
    assert "Left out: Cannot" not in done.stderr
    with Project.open(sent) as project:
        open_ones = project.database.rows(
            "SELECT i.path FROM image i LEFT JOIN prediction p ON p.image_id = i.id WHERE "
            "i.missing = 0 AND p.image_id IS NULL AND i.folder_id = 1"
        )
    assert open_ones == []


@pytest.mark.skipif(sys.platform == "win32", reason="links take a privilege there")
def test_an_inspection_of_a_folder_walks_no_link_up(
    cf: Run, sent: Path, model: Path, tmp_path: Path
) -> None:
    for name, target in (("all", "/"), ("up", "..")):
        (sent / name).symlink_to(target)
    done = cf("inspect", model, sent, "--out", tmp_path / "results", "--device", "cpu")
    assert done.returncode == 0, done.stderr
    assert "6 images" in done.stdout
    assert "a link to a folder above: not followed" in done.stderr
