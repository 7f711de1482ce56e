"""Scans that meet the odd ways in which people and programs move files."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from studio import write_images

from cfinspect.engine.base.images import write_png
from cfinspect.project.finding import find
from cfinspect.project.listing import list_images
from cfinspect.project.project import Project
from cfinspect.project.scan import scan
from cfinspect.project.verdicts import ConflictError, Verdict, decide, human_of


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_images(tmp_path / "hall", 4)
    return tmp_path / "hall"


def said(project: Project, name: str) -> Verdict | None:
    return human_of(project, find(project, name).id).verdict


def test_a_renamed_image_is_itself_and_not_its_long_vanished_twin(root: Path) -> None:
    with Project.create(root, human=True) as project:
        shutil.copy(root / "img0.png", root / "copy.png")
        scan(project)
        (root / "copy.png").unlink()
        scan(project)
        decide(project, find(project, "img0.png").id, who="ann", verdict=Verdict.DAMAGED)
        (root / "img0.png").rename(root / "renamed.png")
        report = scan(project)
        assert (report.moved, report.returned, report.vanished) == (1, 0, 0)
        assert said(project, "renamed.png") is Verdict.DAMAGED


def test_copy_scan_delete_is_a_move(root: Path) -> None:
    with Project.create(root, human=True) as project:
        scan(project)
        decide(project, find(project, "img0.png").id, who="ann", verdict=Verdict.DAMAGED)
        (root / "new").mkdir()
        shutil.copy(root / "img0.png", root / "new" / "img0.png")
        scan(project)
        assert said(project, "new/img0.png") is None
        (root / "img0.png").unlink()
        report = scan(project)
        assert (report.moved, report.vanished) == (1, 0)
        assert said(project, "new/img0.png") is Verdict.DAMAGED


def test_files_of_one_size_and_date_that_change_places(root: Path) -> None:
    for number in (0, 1):
        write_png(root / f"{number}.png", np.full((4, 4), number * 9, np.uint8))
        data = (root / f"{number}.png").read_bytes().ljust(200, b"\0")
        (root / f"{number}.png").write_bytes(data)
        os.utime(root / f"{number}.png", ns=(10**18, 10**18))
    with Project.create(root, human=True) as project:
        scan(project)
        decide(project, find(project, "0.png").id, who="ann", verdict=Verdict.DAMAGED)
        (root / "0.png").rename(root / "t")
        (root / "1.png").rename(root / "0.png")
        (root / "t").rename(root / "1.png")
        assert scan(project).moved == 2
        assert said(project, "0.png") is None
        assert said(project, "1.png") is Verdict.DAMAGED


def test_nobody_speaks_of_a_file_that_holds_something_else_by_now(root: Path) -> None:
    with Project.create(root, human=True) as project:
        scan(project)
        image = find(project, "img0.png").id
        write_images(root, 1, seed=77)
        with pytest.raises(ConflictError, match="scan"):
            decide(project, image, who="ann", verdict=Verdict.DAMAGED)
        scan(project)
        decide(project, find(project, "img0.png").id, who="ann", verdict=Verdict.DAMAGED)
        (root / "img1.png").unlink()  # a disk that is away is no hindrance
        decide(project, find(project, "img1.png").id, who="ann", verdict=Verdict.DAMAGED)


def test_one_odd_entry_stops_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_images(root / "closed", 2, seed=5)
    write_images(root / "lost+found", 1, seed=6)
    with Project.create(root, human=True) as project:
        assert scan(project).present == 6
        os.mkfifo(root / "pipe.png")
        (root / "self").symlink_to("self")
        (root / "self.png").symlink_to("self.png")
        write_images(root, 1, seed=8, start=50)
        real = os.scandir

        def refuse(path: str) -> object:
            if path.endswith("closed"):
                raise PermissionError(13, "Permission denied", path)
            return real(path)

        monkeypatch.setattr(os, "scandir", refuse)
        report = scan(project)
        assert (report.present, report.new, report.vanished) == (7, 1, 0)
        assert "closed cannot be read" in report.problems[0]


def test_names_of_macs_and_new_dates_meet_their_labels(root: Path) -> None:
    write_images(root, 1, seed=9, start=70)
    (root / "img70.png").rename(root / "cafe\u0301.png")
    (root / "labels.csv").write_text("filename,label,group\ncaf\u00e9.png,bad,g1\n")
    with Project.create(root, human=True) as project:
        scan(project)
        row = find(project, "caf\u00e9.png")
        assert (row.label, row.group) == (1, "g1")
        (root / "labels.csv").write_text("filename,label,group\nimg0.png,bad,g2\n")
        os.utime(root / "img0.png", ns=(3, 3))
        scan(project)
        assert find(project, "img0.png").group == "g2"


def test_two_scans_at_once_are_as_good_as_one(root: Path) -> None:
    write_images(root, 1200, seed=3, start=100)
    errors: list[BaseException] = []
    with Project.create(root) as project:
        together = threading.Barrier(2)

        def work() -> None:
            try:
                with project.again() as mine:
                    together.wait()
                    scan(mine)
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not errors
        assert len(list_images(project, limit=5000)) == 1204
        assert scan(project).new == 0
