"""Names from outside are shown in the window as they are, never as HTML."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from driver import open_folder, wait_for
from PySide6.QtCore import Qt
from PySide6.QtGui import Qt as RichText
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from cfinspect.ui.dialogs.common import ErrorDialog, Question
from cfinspect.ui.jobs.job import Failure
from cfinspect.ui.shell.main_window import MainWindow
from cfinspect.ui.widgets.elided import ElidedLabel
from cfinspect.ui.widgets.label import Label, plain

pytest_plugins = ["stage"]

HTML = "<b>UNDAMAGED</b><img src='file:///etc/hostname'>"


def looks_rich(text: str) -> bool:
    return RichText.mightBeRichText(text)


@pytest.mark.parametrize("text", [HTML, "&lt;b&gt; <i>x</i>", "  <h1>a\nb", "<!DOCTYPE html>c"])
def test_plain_text_is_no_html_and_looks_the_same(text: str) -> None:
    assert looks_rich(text)
    assert not looks_rich(plain(text))
    assert plain(text).replace("\u2060", "") == text


@pytest.mark.parametrize("text", ["", "wall & floor", "a < b", "C:\\x\\<1>.png"])
def test_other_text_stays(text: str) -> None:
    assert plain(text) == text


def test_labels_and_dialogs_take_no_html(qapp: QApplication) -> None:
    dialogs: list[QWidget] = [
        ErrorDialog(None, Failure(HTML, HTML, HTML)),
        Question(None, HTML, HTML, "yes"),
        ElidedLabel(),
        Label(HTML),
    ]
    for one in dialogs:
        labels = [label for label in (one, *one.findChildren(QLabel)) if isinstance(label, QLabel)]
        assert labels
        assert {label.textFormat() for label in labels} == {Qt.TextFormat.PlainText}


def test_a_folder_of_a_stranger_puts_no_html_into_the_window(
    window: MainWindow, walls: Path, tmp_path: Path
) -> None:
    place = tmp_path / "<b>UNDAMAGED<i>"
    shutil.copytree(walls, place / "undamaged" / "<u>x")
    open_folder(window, place)
    window.messages.tell(HTML)
    wait_for(lambda: bool(window.model.ids))
    window.navigator.show(window.model.ids[0])
    wait_for(lambda: bool(window.image_page.name.text()))
    rich = [
        label.text()
        for label in window.findChildren(QLabel)
        if label.textFormat() != Qt.TextFormat.PlainText and looks_rich(label.text())
    ]
    tips = [one.toolTip() for one in window.findChildren(QWidget) if looks_rich(one.toolTip())]
    tree = window.folders.tree
    tips += [
        item.toolTip(0)
        for item in tree.findItems("*", Qt.MatchFlag.MatchWildcard | Qt.MatchFlag.MatchRecursive)
        if looks_rich(item.toolTip(0))
    ]
    tip = window.model.index(0, 0).data(Qt.ItemDataRole.ToolTipRole)
    assert "UNDAMAGED" in window.image_page.name.toolTip()
    assert not rich
    assert not tips
    assert not looks_rich(tip)
