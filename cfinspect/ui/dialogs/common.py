"""What all dialogs share: a frame with buttons, the error dialog, questions."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from cfinspect.ui.jobs.job import Failure
from cfinspect.ui.widgets import theme
from cfinspect.ui.widgets.icons import pixmap
from cfinspect.ui.widgets.label import Label
from cfinspect.ui.widgets.translate import tr


class Dialog(QDialog):
    """A window with a column of widgets (``column``) and buttons below."""

    def __init__(self, parent: QWidget | None, title: str, width: int = 560) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setMinimumWidth(width)
        self.is_over = False
        outer = QVBoxLayout(self)
        outer.setContentsMargins(20, 16, 20, 16)
        outer.setSpacing(12)
        self.column = QVBoxLayout()
        self.column.setSpacing(8)
        outer.addLayout(self.column, 1)
        self.buttons = QDialogButtonBox()
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        outer.addWidget(self.buttons)

    def showEvent(self, event: QShowEvent) -> None:
        """Never so narrow that words are cut off: a width that is set overrules the layout's."""
        layout = self.layout()
        if layout is not None:
            self.setMinimumWidth(max(self.minimumWidth(), layout.totalMinimumSize().width()))
        super().showEvent(event)

    def done(self, answer: int) -> None:
        """Close; answers that were asked for and come later find nobody."""
        self.is_over = True
        super().done(answer)

    def add_ok(self, text: str, *, usual: bool = True) -> QPushButton:
        """The button that does it; ``usual``: that is what Enter does."""
        button = self.buttons.addButton(text, QDialogButtonBox.ButtonRole.AcceptRole)
        return self._make_usual(button) if usual else button

    def add_cancel(self, text: str = "", *, usual: bool = False) -> QPushButton:
        """The button that does nothing; ``usual``: as for ``add_ok``."""
        role = QDialogButtonBox.ButtonRole.RejectRole
        button = self.buttons.addButton(text or tr("Cancel"), role)
        return self._make_usual(button) if usual else button

    def _make_usual(self, button: QPushButton) -> QPushButton:
        button.setProperty("role", "primary")
        button.style().unpolish(button)  # the box has polished it already
        button.style().polish(button)
        button.setDefault(True)
        return button

    def add_text(self, text: str, *, faint: bool = False) -> Label:
        """A paragraph."""
        label = Label(text)
        label.setWordWrap(True)
        if faint:
            label.setProperty("role", "faint")
        self.column.addWidget(label)
        return label


class ErrorDialog(Dialog):
    """A sentence, what to do, and the details to copy."""

    def __init__(self, parent: QWidget | None, failure: Failure) -> None:
        super().__init__(parent, failure.title)
        row = QHBoxLayout()
        sign = Label()
        sign.setPixmap(pixmap("warning", theme.colours().damaged, 40))
        sign.setAlignment(Qt.AlignmentFlag.AlignTop)
        row.addWidget(sign)
        words = Label(failure.sentence)
        words.setWordWrap(True)
        words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        row.addWidget(words, 1)
        self.column.addLayout(row)
        self.details = QPlainTextEdit(failure.details)
        self.details.setReadOnly(True)
        self.details.setAccessibleName(tr("Details"))
        self.details.setMinimumHeight(180)
        self.details.hide()
        self.column.addWidget(self.details)
        more = self.buttons.addButton(tr("Details"), QDialogButtonBox.ButtonRole.ActionRole)
        more.setCheckable(True)
        more.toggled.connect(self.details.setVisible)
        self.copy = self.buttons.addButton(
            tr("Copy details"), QDialogButtonBox.ButtonRole.ActionRole
        )
        self.copy.clicked.connect(
            lambda: QGuiApplication.clipboard().setText(
                f"{failure.title}\n{failure.sentence}\n\n{failure.details}"
            )
        )
        self.add_ok(tr("Close"))


class Question(Dialog):
    """A question with an answer that does it, and one that does not.

    ``risky``: Enter does not.
    """

    def __init__(
        self,
        parent: QWidget | None,
        title: str,
        text: str,
        yes: str,
        no: str = "",
        *,
        risky: bool = False,
    ) -> None:
        super().__init__(parent, title, 460)
        self.add_text(text)
        self.add_cancel(no, usual=risky)
        self.add_ok(yes, usual=not risky)
