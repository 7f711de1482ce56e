"""Colours and shapes, in one place: qdarkstyle for the chrome, ours for what has a meaning."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication


@dataclass(frozen=True)
class Colours:
    """What colours mean; each stands beside a shape or a letter, never alone.

    Blue-green, orange and violet keep apart for colour-blind eyes (after M. Okabe, K. Ito, 2008).
    """

    dark: bool
    background: QColor
    raised: QColor
    line: QColor
    text: QColor
    faint: QColor
    accent: QColor
    undamaged: QColor
    damaged: QColor
    review: QColor
    human: QColor
    canvas: QColor


_DARK = Colours(
    dark=True,
    background=QColor("#19232D"),
    raised=QColor("#22303D"),
    line=QColor("#455364"),
    text=QColor("#E0E1E3"),
    faint=QColor("#9DA9B5"),
    accent=QColor("#4C9BE8"),
    undamaged=QColor("#2FB8A6"),
    damaged=QColor("#F28E2B"),
    review=QColor("#A98AF0"),
    human=QColor("#F5F7FA"),
    canvas=QColor("#10161C"),
)
_LIGHT = Colours(
    dark=False,
    background=QColor("#FAFAFA"),
    raised=QColor("#FFFFFF"),
    line=QColor("#C0C4C8"),
    text=QColor("#19232D"),
    faint=QColor("#55616D"),
    accent=QColor("#1F6FBF"),
    undamaged=QColor("#0B7F73"),
    damaged=QColor("#B85400"),
    review=QColor("#6A45C4"),
    human=QColor("#101418"),
    canvas=QColor("#D7DADD"),
)
_current = _DARK

SPACE = 4
"""All distances are multiples of it, in px."""


def colours() -> Colours:
    """The colours in use."""
    return _current


def label_colour(label: int | None) -> QColor:
    """The colour of a label or verdict: 0 undamaged, 1 damaged, None or 2 neither."""
    known = {0: _current.undamaged, 1: _current.damaged}
    return known.get(label if label is not None else -1, _current.faint)


def apply(app: QApplication, mode: str) -> None:
    """Give the application the theme ``mode``: dark, light, or system."""
    global _current  # noqa: PLW0603  (there is one theme at a time)
    import qdarkstyle  # noqa: PLC0415  (kept out of whoever only wants a colour)
    from qdarkstyle.dark.palette import DarkPalette  # noqa: PLC0415
    from qdarkstyle.light.palette import LightPalette  # noqa: PLC0415

    dark = mode == "dark" or (mode == "system" and _system_is_dark())
    _current = _DARK if dark else _LIGHT
    chrome = DarkPalette if dark else LightPalette
    sheet = qdarkstyle.load_stylesheet(qt_api="pyside6", palette=chrome)
    palette = QPalette(app.palette())
    palette.setColor(QPalette.ColorRole.Window, _current.background)
    palette.setColor(QPalette.ColorRole.Base, _current.background)
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text):
        palette.setColor(role, _current.text)
    palette.setColor(QPalette.ColorRole.Link, _current.accent)
    app.setPalette(palette)
    app.setStyleSheet(sheet + _additions(_current))


def _system_is_dark() -> bool:
    return QGuiApplication.styleHints().colorScheme() is not Qt.ColorScheme.Light


def _additions(now: Colours) -> str:
    names = {
        "background": now.background.name(),
        "raised": now.raised.name(),
        "line": now.line.name(),
        "text": now.text.name(),
        "faint": now.faint.name(),
        "accent": now.accent.name(),
        "damaged": now.damaged.name(),
        "undamaged": now.undamaged.name(),
        "review": now.review.name(),
    }
    sheet = _SHEET
    for name, value in names.items():
        sheet = sheet.replace(f"@{name}", value)
    return sheet


_SHEET = """
QLabel[role="title"] { font-size: 18pt; font-weight: 600; }
QLabel[role="heading"] { font-size: 9pt; font-weight: 600; color: @faint; letter-spacing: 1px; }
QLabel[role="faint"] { color: @faint; }
QLabel[role="big"] { font-size: 16pt; font-weight: 600; }
QLabel[role="damaged"] { font-size: 16pt; font-weight: 700; color: @damaged; }
QLabel[role="undamaged"] { font-size: 16pt; font-weight: 700; color: @undamaged; }
QLabel[role="review"] { color: @review; }
QLabel { background: transparent; }
QPushButton { padding: 4px 12px; min-height: 20px; }
QPushButton[role="primary"] { background-color: @accent; color: white; font-weight: 600; }
QPushButton[role="primary"]:disabled { background-color: @line; color: @faint; }
QPushButton[role="card"] { text-align: left; padding: 16px; font-size: 12pt; border-radius: 8px;
    border: 1px solid @line; background-color: @raised; min-height: 56px; }
QPushButton[role="card"]:hover, QPushButton[role="card"]:focus { border: 1px solid @accent; }
QPushButton[role="flat"] { background: transparent; border: none; padding: 4px 8px; }
QPushButton[role="flat"]:hover { color: @accent; }
QToolButton { padding: 4px; }
QMenuBar, QToolBar, QStatusBar { background-color: @raised; border: none; }
QMenuBar::item { background: transparent; padding: 4px 8px; }
QMenuBar::item:selected { background-color: @line; }
QToolBar QToolButton { background: transparent; border-radius: 4px; padding: 4px 8px; }
QToolBar QToolButton:hover, QToolBar QToolButton:focus { background-color: @line; }
QToolBar QToolButton::menu-indicator { image: none; }
QToolBar QWidget#space { background: transparent; }
QToolBar QToolButton:disabled { background: transparent; color: @faint; }
QToolBar QCheckBox, QToolBar QLabel { background: transparent; padding: 0 4px; }
QToolButton[role="verdict"] { border: 1px solid @line; padding: 6px 8px; margin: 1px;
    font-weight: 600; }
QToolButton[role="verdict"]:disabled { border: 1px solid @raised; font-weight: 400; }
QStatusBar QToolButton { background: transparent; padding: 2px; }
QTreeView::item { padding: 2px 0; }
QFrame[role="bar"] QToolButton { background: transparent; border-radius: 4px; }
QFrame[role="bar"] QToolButton:hover { background-color: @line; }
QFrame[role="bar"] QToolButton:checked { background-color: @accent; }
QFrame[role="bar"] QCheckBox { background: transparent; }
QFrame[role="card"] { background-color: @raised; border: 1px solid @line; border-radius: 8px; }
QFrame[role="bar"] { background-color: @raised; border: none; }
QFrame[role="card"] QLabel, QFrame[role="bar"] QLabel { background: transparent; border: none; }
QDockWidget { font-weight: 600; }
QToolBar { spacing: 4px; padding: 4px; }
QStatusBar QLabel { padding: 0 8px; }
QListView, QTableView, QTreeView { border: none; }
QLabel[role="key"] { border: 1px solid @line; border-radius: 4px; padding: 1px 6px;
    font-weight: 600; }
"""
