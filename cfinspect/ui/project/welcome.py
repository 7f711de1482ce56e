"""The first page: open a folder, try the demo, train; and what was open before."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from cfinspect.ui.state.preferences import Preferences, is_there
from cfinspect.ui.widgets.icons import dress
from cfinspect.ui.widgets.label import Label
from cfinspect.ui.widgets.layouts import clear
from cfinspect.ui.widgets.translate import tr

_SHOWN = 6


class Welcome(QWidget):
    """Three large buttons, and recent projects."""

    open_asked = Signal()
    demo_asked = Signal()
    train_asked = Signal()
    chosen = Signal(object)

    def __init__(self, preferences: Preferences) -> None:
        super().__init__()
        self._preferences = preferences
        outer = QHBoxLayout(self)
        outer.addStretch(1)
        column = QVBoxLayout()
        column.setSpacing(12)
        outer.addLayout(column, 4)
        outer.addStretch(1)
        column.addStretch(1)
        title = Label("cfinspect")
        title.setProperty("role", "title")
        column.addWidget(title)
        about = Label(
            tr(
                "Visual quality control that learns from good and bad images, and shows why an "
                "image is bad: what it would look like undamaged."
            )
        )
        about.setProperty("role", "faint")
        about.setWordWrap(True)
        column.addWidget(about)
        column.addSpacing(8)
        cards = QHBoxLayout()
        cards.setSpacing(12)
        self.open = self._card("folder", tr("Open folder"), tr("or drop one anywhere here"))
        self.demo = self._card("demo", tr("Try the demo"), tr("cracked walls and apples"))
        self.train = self._card("train", tr("Train on my images"), tr("two folders: good and bad"))
        for card, signal in (
            (self.open, self.open_asked),
            (self.demo, self.demo_asked),
            (self.train, self.train_asked),
        ):
            card.clicked.connect(signal)
            cards.addWidget(card, 1)
        column.addLayout(cards)
        column.addSpacing(12)
        self.recent = QVBoxLayout()
        self.recent.setSpacing(2)
        column.addLayout(self.recent)
        column.addStretch(2)
        self.show_recent()

    def _card(self, name: str, text: str, about: str) -> QPushButton:
        card = QPushButton(f"  {text}\n  {about}")
        card.setProperty("role", "card")
        dress(card, name)
        card.setIconSize(QSize(32, 32))
        card.setMinimumHeight(92)
        card.setAccessibleName(text)
        return card

    def show_recent(self) -> None:
        """List the projects that were open, those that are still there."""
        clear(self.recent)
        folders = [one for one in self._preferences.recent() if is_there(one)][:_SHOWN]
        if not folders:
            return
        heading = Label(tr("Recent projects").upper())
        heading.setProperty("role", "heading")
        self.recent.addWidget(heading)
        for folder in folders:
            self.recent.addWidget(self._row(folder))

    def _row(self, folder: Path) -> QFrame:
        row = QFrame()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        button = QPushButton(folder.name or str(folder))
        button.setProperty("role", "flat")
        dress(button, "folder")
        button.clicked.connect(lambda: self.chosen.emit(folder))
        where = Label(
            tr(
                "{where} · {counts}",
                where=folder.parent,
                counts=self._preferences.text(f"counts{folder}"),
            )
            if self._preferences.text(f"counts{folder}")
            else str(folder.parent)
        )
        where.setProperty("role", "faint")
        where.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
        layout.addWidget(button)
        layout.addWidget(where)
        layout.addStretch()
        return row
