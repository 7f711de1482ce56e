"""The frame: one table of actions, palette, shortcuts, preferences, themes, words, first paint."""

from __future__ import annotations

import importlib.util
import re
import string
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from driver import answer, live, open_folder, press, trigger, wait_for
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QComboBox, QLineEdit, QWidget

from cfinspect.resources import resource_path
from cfinspect.ui.actions.table import COMMANDS
from cfinspect.ui.dialogs.guide import Guide
from cfinspect.ui.dialogs.help import AboutDialog, KeysDialog, WordDialog
from cfinspect.ui.dialogs.palette import Palette
from cfinspect.ui.dialogs.settings import PreferencesDialog, ShortcutsDialog
from cfinspect.ui.shell.main_window import MainWindow
from cfinspect.ui.state.preferences import BY_NAME, Preferences, is_there
from cfinspect.ui.widgets import theme, translate
from cfinspect.ui.widgets.translate import language, tr

pytest_plugins = ["stage"]

REPOSITORY = Path(__file__).parents[2]


def test_every_action_has_its_own_keys_a_menu_and_an_icon_that_is_there() -> None:
    seen: dict[str, str] = {}
    for command in COMMANDS:
        for key in command.keys:
            assert QKeySequence(key).toString(), key
            assert key not in seen, f"{key} is of {seen.get(key)} and {command.name}"
            seen[key] = command.name
        if command.icon:
            assert (resource_path("icons") / f"{command.icon}.svg").exists()
    assert len({command.name for command in COMMANDS}) == len(COMMANDS)


def test_menus_show_every_action_once_with_its_keys_in_the_tip(window: MainWindow) -> None:
    shown = []
    for action in window.menuBar().actions():
        menu = action.menu()
        assert menu is not None
        shown += [one.objectName() for one in menu.actions() if one.objectName()]  # type: ignore[attr-defined]
    assert sorted(shown) == sorted(command.name for command in COMMANDS)
    assert "(F5)" in window.actions_["rescan"].toolTip()


def test_actions_are_enabled_when_they_can_be_done(window: MainWindow, walls: Path) -> None:
    window.refresher.refresh_now()
    assert not window.actions_["export"].isEnabled()
    assert not window.actions_["damaged"].isEnabled()
    open_folder(window, walls)
    window.refresher.refresh_now()
    assert window.actions_["export"].isEnabled()
    assert not window.actions_["brush"].isEnabled()
    window.controllers.review.open_image(window.model.ids[0])
    wait_for(lambda: window.canvas.picture is not None)
    window.refresher.refresh_now()
    assert window.actions_["brush"].isEnabled()
    assert window.actions_["damaged"].isEnabled()
    assert not window.actions_["accept"].isEnabled()  # no model has said anything


def test_the_palette_finds_and_does_a_command(window: MainWindow) -> None:
    def search(dialog: Palette) -> None:
        QTest.keyClicks(dialog.text, "light dark")
        assert dialog.list.count() == 1
        QTest.keyClick(dialog.text, Qt.Key.Key_Return)

    assert theme.colours().dark
    met = answer(Palette, search)
    press(window, Qt.Key.Key_K, ctrl=True)
    wait_for(lambda: bool(met))
    assert not theme.colours().dark
    assert window.preferences.get("theme") == "light"


def test_a_shortcut_can_be_changed_and_never_shared(window: MainWindow) -> None:
    def change(dialog: ShortcutsDialog) -> None:
        dialog.select("rescan")
        dialog.keys.setKeySequence(QKeySequence("D"))
        dialog.set_button.click()
        assert "Damaged" in dialog.problem.text()
        dialog.keys.setKeySequence(QKeySequence("Ctrl+F5"))
        dialog.set_button.click()
        assert window.actions_["rescan"].shortcut().toString() == "Ctrl+F5"
        dialog.reject()

    met = answer(ShortcutsDialog, change)
    trigger(window, "shortcuts")
    wait_for(lambda: bool(met))
    assert window.actions_.keys_of("rescan") == ["Ctrl+F5"]
    window.preferences.set_shortcut("rescan", None)
    assert window.actions_.keys_of("rescan") == ["F5"]


def test_preferences_count_at_once(window: MainWindow, walls: Path) -> None:
    open_folder(window, walls)

    def change(dialog: PreferencesDialog) -> None:
        size = dialog.fields["thumbnail_size"]
        size.setValue(200)  # type: ignore[attr-defined]
        colours = dialog.fields["saliency_map"]
        assert isinstance(colours, QComboBox)
        colours.setCurrentIndex(1)
        colours.activated.emit(1)
        dialog.reject()

    met = answer(PreferencesDialog, change)
    trigger(window, "preferences")
    wait_for(lambda: bool(met))
    assert window.gallery.grid.grid.side == 200
    assert window.canvas.layers.colour_map == "viridis"


@pytest.mark.parametrize("text", ["a, b", "@Variant(\\0\\0\\0\\b\\0\\0\\0\\0)", "@Rect(1 2)"])
def test_nonsense_in_the_file_of_preferences_is_the_default(tmp_path: Path, text: str) -> None:
    names = ("restore", "thumbnail_size", "theme")
    lines = [f"{name}={text}" for name in names]
    (tmp_path / "w.ini").write_text("\n".join(["[preferences]", *lines]))
    read = Preferences(tmp_path / "w.ini")
    assert isinstance(read.get("restore"), bool)
    assert read.get("thumbnail_size") == BY_NAME["thumbnail_size"].default
    assert read.get("theme") == BY_NAME["theme"].default


def test_a_recent_folder_that_may_not_be_asked_for_is_none(
    window: MainWindow, tmp_path: Path
) -> None:
    folder = tmp_path / ("x" * 300)  # as a folder without x: asking for it is an error
    with pytest.raises(OSError, match="too long"):
        folder.is_dir()
    assert not is_there(folder)
    window.preferences.remember(folder)
    window.welcome.show_recent()
    window.controllers.projects.fill_recent()
    (action,) = window.bars.recent_menu.actions()
    assert not action.isEnabled()


@pytest.mark.parametrize("mode", ["dark", "light", "system"])
def test_every_theme_can_be_had(window: MainWindow, mode: str) -> None:
    window.preferences.set("theme", "light" if mode == "dark" else "dark")
    window.preferences.set("theme", mode)
    assert theme.colours().dark == (mode != "light")
    assert not window.grab().isNull()


def test_letters_in_a_field_are_letters(window: MainWindow, walls: Path) -> None:
    open_folder(window, walls)
    window.folders.text.setFocus()
    QTest.keyClicks(window.folders.text, "rdus")
    assert window.folders.text.text() == "rdus"
    assert not window.reviewer.reviewing
    assert window.session.unsaved == 0


def test_everything_that_can_be_used_has_a_name(window: MainWindow, walls: Path) -> None:
    """Screen readers say a button's text, or the accessible name where it has none."""
    open_folder(window, walls)
    window.controllers.review.open_image(window.model.ids[0])
    live(0.2)
    nameless = []
    for kind in (QAbstractButton, QComboBox, QLineEdit, QAbstractSlider):
        for widget in window.findChildren(kind):
            said = widget.accessibleName() or widget.toolTip()
            said = said or (widget.text() if isinstance(widget, QAbstractButton) else "")
            if not said and not _is_qts_own(widget):
                nameless.append(
                    f"{type(widget).__name__} in {type(widget.parentWidget()).__name__}"
                )
    assert not nameless


def _is_qts_own(widget: QWidget) -> bool:
    inner = widget.objectName().startswith("qt_") or widget.objectName() == "ScrollLeftButton"
    parent = widget.parentWidget()
    kinds = (
        "Scroll",
        "SpinBox",
        "ComboBox",
        "DockWidget",
        "ToolBar",
        "TabBar",
        "Plot",
        "Header",
        "LineEdit",
    )
    names = (type(widget).__name__, type(parent).__name__ if parent is not None else "")
    return inner or any(kind in name for kind in kinds for name in names)


def test_the_dialogs_of_the_help_menu(window: MainWindow) -> None:
    for name, kind in (("keys", KeysDialog), ("explain_score", WordDialog), ("about", AboutDialog)):
        met = answer(kind, lambda dialog: dialog.accept())
        trigger(window, name)
        wait_for(lambda met=met: bool(met))  # type: ignore[misc]


def test_f1_shows_the_keys_and_the_guide(window: MainWindow) -> None:
    met = answer(KeysDialog, lambda dialog: dialog.accept())
    trigger(window, "keys")
    wait_for(lambda: bool(met))
    dialog = KeysDialog(None, window.actions_)
    assert [dialog.tabs.tabText(n) for n in range(2)] == ["Keys at a glance", "Guide for operators"]
    text = dialog.guide.toPlainText()
    assert "A verdict is stored when the status bar says saved" in text
    assert "|" not in text, "a table of the guide is not understood"


def test_the_guide_is_in_the_language_of_the_window(window: MainWindow) -> None:
    assert language() == "en"
    translate.install("de")
    try:
        assert language() == "de"
        guide = Guide()
        assert guide.heading == "Anleitung für die Prüfung"
        assert "Leertaste (halten)" in guide.toPlainText()
    finally:
        translate.install("en")


def test_both_guides_name_the_same_keys() -> None:
    """What is a key in one is one in the other: a line is not forgotten in a translation."""
    rows = {}
    for name in ("operator.md", "operator.de.md"):
        text = (resource_path("help") / name).read_text(encoding="utf-8")
        rows[name] = (text.count("\n|"), text.count("\n- "), text.count("\n## "))
    assert rows["operator.md"] == rows["operator.de.md"]


def test_the_window_is_a_paint_device_like_any_widget(window: MainWindow) -> None:
    """It crashed while its Python classes met in a diamond."""
    assert window.devicePixelRatioF() >= 1.0


def test_panels_and_fullscreen(window: MainWindow, walls: Path) -> None:
    open_folder(window, walls)
    assert window.layout_.docks["panel_left"].isVisible()
    press(window, Qt.Key.Key_F7)
    assert not window.layout_.docks["panel_left"].isVisible()
    press(window, Qt.Key.Key_F7)
    window.controllers.review.open_image(window.model.ids[0])
    press(window, Qt.Key.Key_F11)
    assert window.isFullScreen()
    assert not window.bars.tool_bar.isVisible()
    press(window, Qt.Key.Key_F11)
    assert window.bars.tool_bar.isVisible()
    assert window.layout_.docks["panel_left"].isVisible()


# Words --------------------------------------------------------------------------------------------


def translations() -> ModuleType:
    """The script that keeps the catalogues."""
    path = REPOSITORY / "packaging" / "translations.py"
    spec = importlib.util.spec_from_file_location("translations", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_german_catalogue_is_whole_and_compiled(window: MainWindow) -> None:
    script = translations()
    known = script.read(resource_path("translations") / "cfinspect_de.ts")
    texts = script.texts()
    assert len(texts) > 400
    assert [text for text in texts if text not in known] == []
    translate.install("de")
    try:
        for text in texts:
            said = QCoreApplication.translate("cfinspect", text)
            assert said == known[text]
            fields = [
                sorted(f for _, f, _, _ in string.Formatter().parse(t) if f) for t in (text, said)
            ]
            assert fields[0] == fields[1], text
        assert tr("Images: {n}", n=3) == "Bilder: 3"
    finally:
        translate.install("en")


def test_no_word_on_screen_misses_the_catalogue() -> None:
    """Texts handed to widgets without ``tr`` would stay English."""
    bare = re.compile(
        r"\b(?:QLabel|QPushButton|setText|setToolTip|addAction|setPlaceholderText)\(f?\"([^\"{}]*[a-z]{3,}[^\"]*)\""
    )
    allowed = {"cfinspect", "cfinspect {version_in_words()}", "none"}
    found = []
    for path in (REPOSITORY / "cfinspect" / "ui").rglob("*.py"):
        for match in bare.finditer(path.read_text(encoding="utf-8")):
            if match[1] not in allowed:
                found.append(f"{path.name}: {match[1]}")
    assert not found


# Start --------------------------------------------------------------------------------------------


def test_first_paint_comes_before_the_heavy_libraries(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from cfinspect.ui.widgets import theme
from cfinspect.ui.shell.app import make_app
from cfinspect.ui.shell.main_window import MainWindow
from cfinspect.ui.state.preferences import Preferences
app = make_app(["x"])
theme.apply(app, "dark")
window = MainWindow(Preferences(Path(sys.argv[1]) / "w.ini"))
window.show()
app.processEvents()
assert window.isVisible()
heavy = {"torch", "torchvision", "cv2", "numpy", "PIL", "pyqtgraph"} & set(sys.modules)
assert not heavy, heavy
window.build()
assert "torch" not in sys.modules
window.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env={**__import__("os").environ, "CFINSPECT_HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr


def test_the_last_project_and_the_layout_come_back(window: MainWindow, walls: Path) -> None:
    open_folder(window, walls)
    press(window, Qt.Key.Key_F7)
    window.resize(1000, 610)
    live(0.1)
    window.close()
    again = MainWindow(window.preferences)
    assert again.preferences.recent()[0] == walls
    assert again.height() == window.height()
    again.show()
    again.build()
    open_folder(again, walls)
    assert not again.layout_.docks["panel_left"].isVisible()
    assert again.close()
