"""Labels and tool tips that show text as it is: names from outside are never HTML.

Qt guesses whether a text is HTML. The folder of a stranger could then put words and pictures of its
own into the window, such as another verdict.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import Qt as RichText  # that of QtCore lacks the functions on HTML
from PySide6.QtWidgets import QLabel, QWidget

_NO_BREAK = "\u2060"  # has no width; Qt takes a "<" before it for text


class Label(QLabel):
    """The label of all pages and dialogs; a test lets nobody make another one."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setTextFormat(Qt.TextFormat.PlainText)


def plain(text: str) -> str:
    """The text for a place where Qt guesses and cannot be told, such as a tool tip."""
    if not RichText.mightBeRichText(text):
        return text
    return text.replace("<", f"<{_NO_BREAK}").replace("&", f"&{_NO_BREAK}")
