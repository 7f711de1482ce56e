"""Our own SVG icons, in the colour of the text around them."""

from __future__ import annotations

from functools import lru_cache
from weakref import WeakKeyDictionary

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton
from shiboken6 import isValid

from cfinspect.resources import resource_path
from cfinspect.ui.widgets import theme

_SIZES = (20, 40, 60)


_dressed: WeakKeyDictionary[QAbstractButton, str] = WeakKeyDictionary()


def icon(name: str, colour: QColor | None = None) -> QIcon:
    """The icon ``resources/icons/<name>.svg`` for the theme in use."""
    now = theme.colours()
    return _icon(name, (colour or now.text).name(), now.line.name())


def dress(button: QAbstractButton, name: str) -> None:
    """Give a button an icon that follows the theme."""
    button.setIcon(icon(name))
    _dressed[button] = name


def dress_again() -> None:
    """Colours have changed: draw the icons of all buttons anew."""
    for button, name in list(_dressed.items()):
        if isValid(button):
            button.setIcon(icon(name))


@lru_cache(maxsize=256)
def _icon(name: str, colour: str, disabled: str) -> QIcon:
    made = QIcon()
    for size in _SIZES:
        made.addPixmap(_draw(name, colour, size), QIcon.Mode.Normal)
        made.addPixmap(_draw(name, disabled, size), QIcon.Mode.Disabled)
    return made


def pixmap(name: str, colour: QColor, size: int) -> QPixmap:
    """An icon as a picture of ``size`` device pixels."""
    return _draw(name, colour.name(), size)


@lru_cache(maxsize=512)
def _draw(name: str, colour: str, size: int) -> QPixmap:
    text = (resource_path("icons") / f"{name}.svg").read_text(encoding="utf-8")
    renderer = QSvgRenderer(QByteArray(text.replace("currentColor", colour).encode()))
    picture = QPixmap(QSize(size, size))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    renderer.render(painter, QRectF(0, 0, size, size))
    painter.end()
    return picture
