"""The guide for operators, which comes with the program: ``resources/help/operator*.md``."""

from __future__ import annotations

from PySide6.QtWidgets import QTextBrowser, QWidget

from cfinspect.resources import resource_path
from cfinspect.ui.widgets.translate import language

_MARGIN = 16  # px around the text


class Guide(QTextBrowser):
    """The guide in the language of the window, English where it has none of that language.

    ``heading``: its first line, which names it. Raises CfinspectError where the file is missing.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        path = resource_path("help") / f"operator.{language()}.md"
        if not path.exists():
            path = resource_path("help/operator.md")
        text = path.read_text(encoding="utf-8")
        self.heading = text.partition("\n")[0].lstrip("# ")
        self.setAccessibleName(self.heading)
        self.setOpenLinks(False)
        self.document().setDocumentMargin(_MARGIN)
        self.setMarkdown(text)
