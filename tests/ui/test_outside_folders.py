"""A project that names folders outside of its own: the window asks once."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from driver import answer, click, live, open_folder, project_of, wait_for
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QTreeWidgetItem

from cfinspect.project.project import Project
from cfinspect.project.scan import scan
from cfinspect.ui.dialogs.common import Question
from cfinspect.ui.jobs.picture import Picture
from cfinspect.ui.shell.main_window import MainWindow

pytest_plugins = ["stage"]

TITLE = "Images outside of the project"


@pytest.fixture
def sent(walls: Path, tmp_path: Path) -> Path:
    """A project with a folder beside it that nobody on this PC has allowed."""
    own = tmp_path / "own"
    own.mkdir()
    for image in sorted((walls / "damaged").glob("*.png"))[:3]:
        shutil.move(image, own)
    with Project.create(walls, domain="crack") as project:
        project.add_folder(own, "apple")
        scan(project)
        project.answer([own], allowed=False)
    (walls.parent / "home" / "image_folders.json").unlink()
    return walls


def shown(window: MainWindow) -> list[str]:
    tree = window.folders.tree
    found: list[str] = []
    waiting: list[QTreeWidgetItem | None] = [
        tree.topLevelItem(row) for row in range(tree.topLevelItemCount())
    ]
    while waiting:
        item = waiting.pop()
        assert item is not None
        found.append(item.text(0))
        waiting += [item.child(row) for row in range(item.childCount())]
    return found


def unreachable(window: MainWindow) -> int:
    """The id of the folder that may not be read."""
    assert window.session.facts is not None
    (folder,) = (one.id for one in window.session.facts.folders if not one.reachable)
    return folder


def picture_of(window: MainWindow, folder: int) -> Picture:
    """What is shown of an image of a folder."""
    with project_of(window) as project:
        row = project.database.row("SELECT id FROM image WHERE folder_id = ?", folder)
    assert row is not None
    window.controllers.review.open_image(row["id"])
    canvas = window.canvas
    wait_for(lambda: canvas.picture is not None and canvas.picture.row.id == row["id"])
    assert canvas.picture is not None
    return canvas.picture


def test_a_refusal_is_remembered_and_the_menu_changes_it(
    window: MainWindow, sent: Path, tmp_path: Path
) -> None:
    def press_enter(dialog: Question) -> None:
        QTest.keyClick(dialog, Qt.Key.Key_Return)  # the careful answer, where nobody reads

    met = answer(Question, press_enter, 120, title=TITLE)
    open_folder(window, sent)
    wait_for(lambda: met)
    session = window.session
    project = session.project
    assert project is not None
    wait_for(lambda: project.reach.is_answered(tmp_path / "own"))
    assert "own (not reachable)" in shown(window)
    again = answer(Question, lambda dialog: click(dialog, "Leave them out"), 1, title=TITLE)
    window.controllers.projects.rescan()
    wait_for(lambda: session.jobs.running is None and not session.jobs.tickets)
    live(1.5)  # nobody waits for it any more, when the menu asks
    assert not again  # one question is enough

    answer(Question, lambda dialog: click(dialog, "Allow"), 120, title=TITLE)
    folder = unreachable(window)
    window.folders.allow_asked.emit(folder)
    wait_for(lambda: project.reach.includes(tmp_path / "own"))
    wait_for(lambda: "own" in shown(window))
    assert not picture_of(window, folder).error


def test_what_is_not_allowed_is_not_shown(window: MainWindow, sent: Path) -> None:
    answer(Question, lambda dialog: click(dialog, "Leave them out"), 120, title=TITLE)
    open_folder(window, sent)
    wait_for(lambda: window.session.facts is not None)
    picture = picture_of(window, unreachable(window))
    assert "outside of the project" in picture.error
    assert not picture.levels


@pytest.mark.skipif(sys.platform == "win32", reason="links take a privilege there")
def test_what_lies_above_the_project_is_not_offered(
    window: MainWindow, walls: Path, tmp_path: Path
) -> None:
    shutil.copy(next((walls / "damaged").glob("*.png")), tmp_path / "beside.png")
    (walls / "beside.png").symlink_to(tmp_path / "beside.png")
    met = answer(Question, lambda dialog: click(dialog, "Leave them out"), 3, title=TITLE)
    open_folder(window, walls)
    live(1)
    assert not met
    assert "beside.png" in window.messages.label.text()
