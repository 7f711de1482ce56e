"""The gallery beyond listing: what comes next, the tint, the menu, which model counts."""

from __future__ import annotations

from pathlib import Path

from driver import answer, inspect, live, open_folder, picture_shown, press, settled, wait_for
from PySide6.QtCore import QEvent, QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from cfinspect.project.listing import ImageFilter, list_images
from cfinspect.project.queue import Rank, queue
from cfinspect.ui.dialogs.inspect import InspectDialog
from cfinspect.ui.shell.main_window import MainWindow

pytest_plugins = ["stage"]


def test_the_bar_offers_what_comes_next(window: MainWindow, walls: Path, model: Path) -> None:
    open_folder(window, walls)
    gallery = window.gallery
    wait_for(gallery.next_step.isVisible)
    assert "48" in gallery.next_step.text()

    def choose(dialog: InspectDialog) -> None:
        assert not dialog.plans()
        dialog.add_file(model)
        wait_for(lambda: QApplication.focusWidget() is dialog.ok, 10)  # Return inspects
        dialog.ok.click()

    met = answer(InspectDialog, choose)
    QTest.mouseClick(gallery.next_step, Qt.MouseButton.LeftButton)
    wait_for(lambda: bool(met))
    wait_for(lambda: not gallery.next_step.isVisible())  # while it runs
    wait_for(gallery.next_step.isVisible)
    facts = window.session.facts
    assert facts is not None
    assert f"{sum(facts.waiting.values())}" in gallery.next_step.text()
    QTest.mouseClick(gallery.next_step, Qt.MouseButton.LeftButton)
    wait_for(lambda: window.reviewer.reviewing)


def test_one_count_of_what_is_to_review(window: MainWindow, walls: Path, model: Path) -> None:
    open_folder(window, walls)
    inspect(window, model)
    facts = window.session.facts
    assert facts is not None
    left = sum(facts.waiting.values())
    assert left > 0
    window.folders.set_state(1)
    wait_for(lambda: len(window.model.ids) == left)
    shown = window.folders.tree.findItems("to review", Qt.MatchFlag.MatchRecursive, 0)
    assert [item.text(1) for item in shown] == [str(left)]
    window.controllers.review.start()
    wait_for(lambda: window.reviewer.reviewing)
    assert window.reviewer.left == left
    picture_shown(window)
    press(window, Qt.Key.Key_D)
    settled(window)
    wait_for(lambda: window.reviewer.left == left - 1)


def test_the_tint_of_a_thumbnail_under_the_mouse(
    window: MainWindow, walls: Path, model: Path
) -> None:
    open_folder(window, walls)
    inspect(window, model)
    grid = window.gallery.grid
    damaged = next(p for p in range(48) if (row := window.model.row_at(p)) and row.machine == 1)
    grid.scrollTo(window.model.index(damaged, 0))
    live(0.2)
    before = grid.viewport().grab().toImage()
    middle = grid.visualRect(window.model.index(damaged, 0)).center()
    QTest.mouseMove(grid.viewport(), middle)
    wait_for(lambda: grid.grid.tint is not None)
    row = window.model.row_at(damaged)
    assert row is not None
    assert grid.grid.tint is not None
    assert grid.grid.tint[0] == row.id
    assert grid.viewport().grab().toImage() != before
    QApplication.sendEvent(grid, QEvent(QEvent.Type.Leave))
    assert grid.grid.tint is None


def test_the_menu_of_thumbnails_says_verdicts(window: MainWindow, walls: Path, model: Path) -> None:
    open_folder(window, walls)
    inspect(window, model)
    grid = window.gallery.grid
    window.gallery.select(window.model.ids[0])
    texts: list[str] = []

    def choose() -> None:
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        texts.extend(action.text() for action in menu.actions())
        next(one for one in menu.actions() if one.text() == "Damaged").trigger()
        menu.close()

    QTimer.singleShot(200, choose)
    grid.customContextMenuRequested.emit(QPoint(20, 20))
    settled(window)
    assert "Copy file path" in texts
    project = window.session.project
    assert project is not None
    wait_for(lambda: len(list_images(project, ImageFilter(verdict=1), limit=5)) == 1)


def test_which_model_counts_is_said_and_chosen_in_the_tool_bar(
    window: MainWindow, walls: Path, model: Path, tmp_path: Path
) -> None:
    open_folder(window, walls)
    assert "none" in window.bars.model_button.text()
    inspect(window, model)
    wait_for(lambda: "none" not in window.bars.model_button.text())
    first = window.bars.model_button.text()
    assert window.status.model_label.text().startswith("model ")
    other = tmp_path / "second.safetensors"
    data = model.read_bytes()
    other.write_bytes(data.replace(b'created\\": \\"20', b'created\\": \\"19', 1))
    assert other.read_bytes() != data
    window.controllers.folders.take_paths([other])
    wait_for(lambda: window.session.facts and len(window.session.facts.models) == 2)
    wait_for(lambda: "second" in window.bars.model_button.text())
    menu = window.bars.model_button.menu()
    menu.aboutToShow.emit()
    old = next(one for one in menu.actions() if one.isCheckable() and not one.isChecked())
    old.trigger()
    wait_for(lambda: window.bars.model_button.text() == first)


def test_the_review_can_be_ranked_anew(window: MainWindow, walls: Path, model: Path) -> None:
    open_folder(window, walls)
    inspect(window, model)
    bar = window.image_page
    window.controllers.review.start()
    wait_for(lambda: window.reviewer.reviewing)
    picture_shown(window)
    wait_for(bar.rank.isVisible)
    press(window, Qt.Key.Key_D)
    settled(window)
    first = window.navigator.order[0]
    project = window.session.project
    assert project is not None
    best = queue(project, Rank.P_FAKE, limit=1)[0].id
    if window.navigator.row is not None and window.navigator.row.id == best:
        press(window, Qt.Key.Key_Right)  # or nothing would be seen of another order
        picture_shown(window)
    assert window.navigator.row is not None
    assert window.navigator.row.id != best
    bar.rank.setCurrentIndex(bar.rank.findData("p_fake"))
    bar.rank.activated.emit(bar.rank.currentIndex())
    wait_for(lambda: window.navigator.row is not None and window.navigator.row.id == best)
    assert window.navigator.order[0] == first  # what was judged is still one step back
    assert window.reviewer.progress[0] == 1
    window.preferences.set("rank", "uncertainty")
