"""Open a folder, inspect it, review it, correct masks, undo: through the real window."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest
from driver import (
    answer,
    drag,
    inspect,
    open_first,
    open_folder,
    picture_shown,
    press,
    project_of,
    settled,
    trigger,
    wait_for,
)
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from cfinspect.project.listing import HumanState, ImageFilter, list_images
from cfinspect.project.project import Project
from cfinspect.project.verdicts import LONGEST_COMMENT, Verdict, decide, human_of
from cfinspect.ui.dialogs.help import SummaryDialog
from cfinspect.ui.dialogs.inspect import InspectDialog
from cfinspect.ui.gallery.panel import Gallery
from cfinspect.ui.shell.main_window import MainWindow

pytest_plugins = ["stage"]


def inspected(window: MainWindow) -> int:
    facts = window.session.facts
    return sum(one.images for one in facts.counts if one.machine is not None) if facts else 0


def test_from_the_first_page_to_results(
    window: MainWindow, walls: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(walls))
    assert window.pages.currentWidget() is window.welcome
    QTest.mouseClick(window.welcome.open, Qt.MouseButton.LeftButton)
    wait_for(lambda: len(window.model.ids) == 48)
    assert window.pages.currentWidget() is window.gallery
    wait_for(lambda: window.session.facts is not None)

    def choose(dialog: InspectDialog) -> None:
        assert not dialog.ok.isEnabled()  # there is no model yet
        dialog.add_file(model)
        dialog.ok.click()

    met = answer(InspectDialog, choose)
    press(window, Qt.Key.Key_R, ctrl=True)
    wait_for(lambda: bool(met))
    wait_for(lambda: inspected(window) == 48)
    row = window.model.row_at(0)
    assert row is not None
    assert row.score is not None
    with project_of(window) as project:
        assert len(list_images(project, ImageFilter(inspected=True), limit=100)) == 48


def test_a_review_by_keys_alone(window: MainWindow, walls: Path, model: Path) -> None:
    open_folder(window, walls)
    inspect(window, model)
    press(window, Qt.Key.Key_R)
    wait_for(lambda: window.reviewer.reviewing)
    assert len(window.navigator.order) > 4  # or the review ends by itself, with a dialog
    first = window.navigator.order[:4]
    picture_shown(window)
    for key in (Qt.Key.Key_D, Qt.Key.Key_U, Qt.Key.Key_S, Qt.Key.Key_A):
        press(window, key)
        picture_shown(window)
    settled(window)
    with project_of(window) as project:
        said = [human_of(project, one).verdict for one in first]
        machine = project.database.row("SELECT machine FROM image WHERE id = ?", first[3])
    assert machine is not None
    assert said == [Verdict.DAMAGED, Verdict.UNDAMAGED, Verdict.SKIPPED, machine["machine"]]
    assert window.navigator.row is not None
    assert window.navigator.row.id not in first
    press(window, Qt.Key.Key_Z, ctrl=True)
    settled(window)
    wait_for(lambda: window.navigator.row is not None and window.navigator.row.id == first[3])
    with project_of(window) as project:
        assert human_of(project, first[3]).verdict is None
    press(window, Qt.Key.Key_Y, ctrl=True)
    settled(window)
    with project_of(window) as project:
        assert human_of(project, first[3]).verdict == machine["machine"]
    met = answer(SummaryDialog, lambda dialog: dialog.accept())
    press(window, Qt.Key.Key_Escape)
    wait_for(lambda: bool(met))
    assert window.pages.currentWidget() is window.gallery


def test_the_review_ends_by_itself_with_a_summary(
    window: MainWindow, walls: Path, model: Path
) -> None:
    open_folder(window, walls)
    inspect(window, model)
    texts: list[str] = []

    def read(dialog: SummaryDialog) -> None:
        from PySide6.QtWidgets import QLabel

        texts.extend(label.text() for label in dialog.findChildren(QLabel))
        dialog.accept()

    met = answer(SummaryDialog, read, 60)
    trigger(window, "review")
    wait_for(lambda: window.reviewer.reviewing)
    assert window.session.facts
    waiting = sum(window.session.facts.waiting.values())
    for _ in range(200):
        if met:
            break
        picture_shown(window)
        press(window, Qt.Key.Key_D)
        settled(window)
    wait_for(lambda: bool(met))
    assert f"Reviewed: {waiting}" in texts
    with project_of(window) as project:
        done = list_images(project, ImageFilter(state=HumanState.VERDICT), limit=100)
    assert len(done) == waiting


def test_comments_are_stored_when_the_field_is_left(
    window: MainWindow, walls: Path, model: Path
) -> None:
    open_folder(window, walls)
    inspect(window, model)
    image_id = open_first(window)
    window.activateWindow()
    press(window, Qt.Key.Key_C)
    wait_for(window.inspector.comment.hasFocus)
    QTest.keyClicks(window.inspector.comment, "damp stain, not a crack")
    window.canvas.setFocus()
    settled(window)
    with project_of(window) as project:
        assert human_of(project, image_id).comment == "damp stain, not a crack"
        assert human_of(project, image_id).verdict is None


def test_a_megabyte_of_comment_is_shown_in_part_and_stays(
    window: MainWindow, walls: Path, model: Path
) -> None:
    open_folder(window, walls)
    inspect(window, model)
    with Project.open(walls, human=True) as project:
        image_id = list_images(project)[0].id
        decide(project, image_id, who="bob", comment="x")
        file = project.paths.database
    with contextlib.closing(sqlite3.connect(file)) as strange:
        strange.execute("UPDATE human SET comment = ?", ("x" * 1_000_000,))
        strange.commit()
    open_folder(window, walls)
    open_first(window)
    comment = window.inspector.comment
    wait_for(lambda: comment.toPlainText().endswith("x…"))
    assert comment.isReadOnly()
    assert len(comment.toPlainText()) == LONGEST_COMMENT + 1
    press(window, Qt.Key.Key_C)
    window.canvas.setFocus()
    press(window, Qt.Key.Key_Right)
    settled(window)
    assert not comment.isReadOnly()
    with project_of(window) as project:
        assert len(human_of(project, image_id).comment) == 1_000_000


def test_comparing_and_layers(window: MainWindow, walls: Path, model: Path) -> None:
    open_folder(window, walls)
    inspect(window, model)
    open_first(window)
    canvas = window.canvas
    picture = canvas.picture
    assert picture is not None
    assert picture.counterfactual
    plain = canvas.grab().toImage()
    QTest.keyPress(canvas, Qt.Key.Key_Space)
    blinked = canvas.grab().toImage()
    QTest.keyRelease(canvas, Qt.Key.Key_Space)
    assert blinked != plain
    assert canvas.grab().toImage() == plain
    press(window, Qt.Key.Key_W)
    assert str(canvas.compare) == "swipe"
    half = canvas.width() // 2
    drag(canvas, [(half, 200), (half + 150, 200)])
    assert canvas.divider > 0.55
    press(window, Qt.Key.Key_T)
    assert str(canvas.compare) == "side"
    press(window, Qt.Key.Key_T)
    assert str(canvas.compare) == "off"
    press(window, Qt.Key.Key_3)
    assert canvas.layers.saliency.visible
    assert canvas.grab().toImage() != plain


def test_the_zoom_is_kept_where_that_is_wanted(
    window: MainWindow, walls: Path, model: Path
) -> None:
    open_folder(window, walls)
    shown: list[str] = []
    for keep in (False, True):
        window.preferences.set("keep_zoom", keep)
        open_first(window)
        fitted = window.image_page.zoom.text()
        trigger(window, "zoom_in")
        trigger(window, "zoom_in")
        large = window.image_page.zoom.text()
        assert large != fitted
        press(window, Qt.Key.Key_Right)
        picture_shown(window)
        shown.append(window.image_page.zoom.text())
        assert shown[-1] == (large if keep else fitted)
        trigger(window, "fit")
        press(window, Qt.Key.Key_Escape)
    window.preferences.set("keep_zoom", False)


def test_a_verdict_for_many_at_once(window: MainWindow, walls: Path, model: Path) -> None:
    open_folder(window, walls)
    inspect(window, model)
    gallery: Gallery = window.gallery
    gallery.select(window.model.ids[0])
    gallery.grid.setFocus()
    for _ in range(2):
        QTest.keyClick(gallery.grid, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert len(gallery.selected()) == 3
    press(window, Qt.Key.Key_U)
    settled(window)
    with project_of(window) as project:
        said = list_images(project, ImageFilter(verdict=0), limit=100)
    assert [row.id for row in said] == window.model.ids[:3]
    press(window, Qt.Key.Key_Z, ctrl=True)
    settled(window)
    with project_of(window) as project:
        assert not list_images(
            project, ImageFilter(verdict=0), limit=100
        )  # one undo for what was one word
    assert window.pages.currentWidget() is gallery
    press(window, Qt.Key.Key_Y, ctrl=True)
    settled(window)
    with project_of(window) as project:
        assert len(list_images(project, ImageFilter(verdict=0), limit=100)) == 3


def test_filter_and_order_are_answered_by_the_database(
    window: MainWindow, walls: Path, model: Path
) -> None:
    open_folder(window, walls)
    inspect(window, model)
    folders = window.folders
    folders.text.setText("crack_0000")
    wait_for(lambda: 0 < len(window.model.ids) < 48)
    names = [window.model.row_at(place).name for place in range(len(window.model.ids))]  # type: ignore[union-attr]
    assert all("crack_0000" in name for name in names)
    folders.clear_filter()
    wait_for(lambda: len(window.model.ids) == 48)
    folders.state.setCurrentText("Model: damaged")
    wait_for(lambda: len(window.model.ids) < 48)
    window.gallery.order.setCurrentIndex(1)
    window.gallery.order.activated.emit(1)
    wait_for(lambda: window.model.descending and window.session.reader.is_idle)
    rows = [window.model.row_at(place) for place in range(len(window.model.ids))]
    scores = [row.score for row in rows if row is not None and row.score is not None]
    assert len(scores) == len(rows)
    assert scores == sorted(scores, reverse=True)
    folders.state.setCurrentText("Vanished")
    wait_for(lambda: not window.model.ids)
    assert window.gallery.views.currentWidget() is window.gallery.empty
