"""Nothing that a person drew, wrote or said is lost, doubled or put on another image."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from driver import (
    answer,
    drag,
    inspect,
    live,
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
from PySide6.QtWidgets import QApplication

from cfinspect.project.listing import ImageFilter, count
from cfinspect.project.project import Project
from cfinspect.project.verdicts import HumanAnnotation, Verdict, decide, human_of, read_mask_of
from cfinspect.ui.dialogs.common import ErrorDialog
from cfinspect.ui.dialogs.help import SummaryDialog
from cfinspect.ui.shell.main_window import MainWindow

pytest_plugins = ["stage"]


def shown(window: MainWindow, place: int) -> int:
    """Open an image of the list."""
    image_id = window.model.ids[place]
    window.controllers.review.open_image(image_id)
    wait_for(lambda: window.canvas.picture is not None and window.shown_image.is_shown)
    picture_shown(window)
    return image_id


def paint(window: MainWindow) -> None:
    """A stroke across the middle."""
    trigger(window, "brush")
    middle = window.canvas.rect().center()
    drag(window.canvas, [(middle.x() + 10 * n, middle.y()) for n in range(8)])
    assert window.edits.has_edits


def said(window: MainWindow, image_id: int) -> HumanAnnotation:
    """What is stored of an image."""
    settled(window)
    with project_of(window) as project:
        return human_of(project, image_id)


def test_a_mask_that_cannot_be_stored_leaves_the_next_drawing_alone(
    window: MainWindow, walls: Path, model: Path
) -> None:
    open_folder(window, walls)
    inspect(window, model)
    window.expected_failure = True  # type: ignore[attr-defined]
    met = answer(ErrorDialog, lambda dialog: dialog.accept(), 30)
    first = shown(window, 0)
    paint(window)
    with Project.create(walls, human=True) as project:  # a colleague says something meanwhile
        decide(project, first, who="bob", verdict=Verdict.SKIPPED)
    release = hold(window)
    press(window, Qt.Key.Key_Right)
    wait_for(lambda: window.shown_image.is_shown)
    second = window.model.ids[1]
    paint(window)
    drawn = window.canvas.editor.mask.copy() if window.canvas.editor else None
    release()
    wait_for(lambda: bool(met))
    assert drawn is not None
    human = said(window, second)
    with project_of(window) as project:
        stored = read_mask_of(project, human)
    assert stored is not None
    assert (stored == drawn).all()
    wait_for(lambda: window.navigator.row is not None and window.navigator.row.id == first)
    assert window.edits.has_edits  # the refused one is on screen again


def hold(window: MainWindow) -> Callable[[], None]:
    """Keep the writing desk busy until the returned function is called."""
    going: list[bool] = []

    def work(_: Project) -> None:
        end = time.monotonic() + 20
        while not going and time.monotonic() < end:
            time.sleep(0.01)

    window.session.writer.ask(work)
    return lambda: going.append(True)


def test_a_batch_verdict_keeps_a_corrected_mask_in_sight(
    window: MainWindow, walls: Path, model: Path
) -> None:
    open_folder(window, walls)
    inspect(window, model)
    image_id = shown(window, 0)
    paint(window)
    window.preferences.set("auto_advance", False)
    press(window, Qt.Key.Key_M)
    settled(window)
    press(window, Qt.Key.Key_Escape)
    press(window, Qt.Key.Key_Escape)
    assert window.pages.currentWidget() is window.gallery
    press(window, Qt.Key.Key_D)
    settled(window)
    assert said(window, image_id).mask is not None
    shown(window, 0)
    assert window.canvas.picture is not None
    assert window.canvas.picture.human_mask is not None
    window.preferences.set("auto_advance", True)


def test_the_selection_outlives_a_new_list(window: MainWindow, walls: Path, model: Path) -> None:
    open_folder(window, walls)
    shown(window, 5)
    press(window, Qt.Key.Key_Escape)
    window.gallery.select(window.model.ids[20])
    chosen = {window.model.ids[20], window.model.ids[21]}
    QTest.keyClick(window.gallery.grid, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert {row.id for row in window.gallery.selected()} == chosen
    one = next((walls / "undamaged").iterdir())
    (walls / "damaged" / "a_new_one.png").write_bytes(one.read_bytes() + b"\0")
    trigger(window, "rescan")
    wait_for(lambda: len(window.model.ids) == 49)
    live(0.2)
    assert {row.id for row in window.gallery.selected()} == chosen


def test_taking_back_what_an_autosave_stored(window: MainWindow, walls: Path, model: Path) -> None:
    open_folder(window, walls)
    inspect(window, model)
    image_id = shown(window, 0)
    paint(window)
    window.edits.keep()  # what the autosave does
    assert said(window, image_id).mask is not None
    assert said(window, image_id).verdict is None
    press(window, Qt.Key.Key_Z, ctrl=True)
    press(window, Qt.Key.Key_Right)
    human = said(window, image_id)
    assert (human.mask, human.verdict) == (None, None)
    with project_of(window) as project:
        assert count(project, ImageFilter(reviewed=True)) == 0


def test_strokes_come_back_after_undamaged_and_after_discard(
    window: MainWindow, walls: Path, model: Path
) -> None:
    open_folder(window, walls)
    inspect(window, model)
    window.preferences.set("auto_advance", False)
    image_id = shown(window, 0)
    paint(window)
    assert window.canvas.editor is not None
    drawn = window.canvas.editor.mask.copy()
    for key in (Qt.Key.Key_U, Qt.Key.Key_X):
        press(window, key)
        assert said(window, image_id).mask is None
        press(window, Qt.Key.Key_Z, ctrl=True)
        human = said(window, image_id)
        with project_of(window) as project:
            stored = read_mask_of(project, human)
        assert stored is not None
        assert (stored == drawn).all()
    window.preferences.set("auto_advance", True)


def test_drawing_on_after_a_mask_was_called_right_keeps_its_verdict(
    window: MainWindow, walls: Path, model: Path
) -> None:
    open_folder(window, walls)
    inspect(window, model)
    window.preferences.set("auto_advance", False)
    image_id = shown(window, 0)
    paint(window)
    press(window, Qt.Key.Key_M)
    assert said(window, image_id).verdict is Verdict.DAMAGED
    middle = window.canvas.rect().center()
    drag(window.canvas, [(middle.x(), middle.y() + 10 * n) for n in range(8)])
    press(window, Qt.Key.Key_Right)
    assert said(window, image_id).verdict is Verdict.DAMAGED
    window.preferences.set("auto_advance", True)


def test_a_verdict_can_be_withdrawn_in_any_sitting(
    window: MainWindow, walls: Path, model: Path
) -> None:
    open_folder(window, walls)
    inspect(window, model)
    ids = window.model.ids[:3]
    with Project.create(walls, human=True) as project:
        for one in ids:
            decide(project, one, who="ann", verdict=Verdict.DAMAGED)
    window.session.pictures.forget()
    shown(window, 0)
    press(window, Qt.Key.Key_Backspace)
    assert said(window, ids[0]).verdict is None
    press(window, Qt.Key.Key_Escape)
    window.model.reload()
    live(0.2)
    trigger(window, "select_all")
    press(window, Qt.Key.Key_Delete)
    settled(window)
    with project_of(window) as project:
        assert count(project, ImageFilter(reviewed=True)) == 0
    press(window, Qt.Key.Key_Z, ctrl=True)
    settled(window)
    with project_of(window) as project:
        assert count(project, ImageFilter(reviewed=True)) == 2


def test_a_comment_is_stored_once(window: MainWindow, walls: Path, model: Path) -> None:
    open_folder(window, walls)
    inspect(window, model)
    image_id = shown(window, 0)
    release = hold(window)
    trigger(window, "comment")
    QTest.keyClicks(window.inspector.comment, "deep")
    window.canvas.setFocus()
    press(window, Qt.Key.Key_D)
    release()
    settled(window)
    with project_of(window) as project:
        rows = project.database.rows("SELECT action FROM audit WHERE image_id = ?", image_id)
    assert [row["action"] for row in rows] == ["comment", "verdict"]


def test_a_review_ends_once_and_says_what_is_left(
    window: MainWindow, walls: Path, model: Path
) -> None:
    open_folder(window, walls)
    inspect(window, model)
    trigger(window, "review")
    wait_for(lambda: window.reviewer.reviewing)
    picture_shown(window)
    facts = window.session.facts
    assert facts is not None
    waiting = sum(facts.waiting.values())
    summaries: list[object] = []
    window.reviewer.finished.connect(summaries.append)
    met = answer(SummaryDialog, lambda dialog: dialog.accept(), 30)
    press(window, Qt.Key.Key_D)
    settled(window)
    wait_for(lambda: window.reviewer.left == waiting - 1)
    press(window, Qt.Key.Key_Left)
    picture_shown(window)
    assert window.reviewer.progress[0] == 1
    press(window, Qt.Key.Key_Backspace)  # withdrawn: it counts no more
    settled(window)
    assert window.reviewer.progress[0] == 0
    press(window, Qt.Key.Key_D)
    settled(window)
    wait_for(lambda: window.reviewer.left == waiting - 1)
    for _ in range(waiting + 3):  # leaf over the others
        if summaries:
            break
        press(window, Qt.Key.Key_Right)
        live(0.05)
    wait_for(lambda: bool(met))
    live(0.5)
    assert len(summaries) == 1
    assert summaries[0].left == waiting - 1  # type: ignore[attr-defined]
    assert not window.session.leases


def test_what_a_left_review_asked_for_finds_nobody(
    window: MainWindow, walls: Path, model: Path
) -> None:
    open_folder(window, walls)
    inspect(window, model)
    release = hold(window)
    trigger(window, "review")
    shown(window, 0)
    release()
    live(0.5)
    assert not window.reviewer.reviewing or window.pages.currentWidget() is window.image_page
    order = list(window.navigator.order)
    press(window, Qt.Key.Key_Escape)
    wait_for(lambda: window.pages.currentWidget() is window.gallery)
    shown(window, 0)
    assert window.navigator.order == window.model.ids
    assert len(order) in {len(window.model.ids), len(set(order))}
    assert QApplication.activeModalWidget() is None


def test_leaving_by_the_training_page_ends_the_review(
    window: MainWindow, walls: Path, model: Path
) -> None:
    open_folder(window, walls)
    inspect(window, model)
    trigger(window, "review")
    wait_for(lambda: window.reviewer.reviewing)
    picture_shown(window)
    trigger(window, "train")
    settled(window)
    assert not window.reviewer.reviewing
    with project_of(window) as project:
        assert not project.database.rows("SELECT * FROM lease")


def test_a_burst_of_strokes_judges_what_was_seen_and_nothing_else(
    window: MainWindow, walls: Path, model: Path
) -> None:
    open_folder(window, walls)
    inspect(window, model)
    first = shown(window, 0)
    # All come at once: nothing is drawn in between.
    for _ in range(3):
        QTest.keyClick(window.canvas, Qt.Key.Key_D)
    settled(window)
    second, third = window.model.ids[1:3]
    assert said(window, first).verdict is Verdict.DAMAGED
    assert [said(window, one).verdict for one in (second, third)] == [None, None]
    wait_for(lambda: window.shown_image.is_shown)
    press(window, Qt.Key.Key_D)
    assert said(window, second).verdict is Verdict.DAMAGED
