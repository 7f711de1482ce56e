"""The command palette: type a few letters of anything that can be done."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QDialog, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from cfinspect.ui.actions.actions import Actions
from cfinspect.ui.widgets.translate import tr


class Palette(QDialog):
    """Lists the commands whose words hold what was typed; Return does the chosen one."""

    def __init__(self, parent: QWidget, actions: Actions) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._actions = actions
        self.setFixedWidth(520)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        self.text = QLineEdit()
        self.text.setPlaceholderText(tr("What do you want to do?"))
        self.text.setAccessibleName(tr("Search commands"))
        self.list = QListWidget()
        self.list.setAccessibleName(tr("Commands"))
        self.list.setMinimumHeight(320)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout.addWidget(self.text)
        layout.addWidget(self.list)
        self.text.textChanged.connect(self._search)
        self.text.installEventFilter(self)
        self.list.itemActivated.connect(lambda _: self._do())
        self.list.itemClicked.connect(lambda _: self._do())
        self._search("")

    def _search(self, text: str) -> None:
        self.list.clear()
        words = text.casefold().split()
        found: list[tuple[bool, str, QAction]] = []
        for command, action in self._actions.items():
            if command.name == "palette":
                continue
            name = action.text().replace("&", "").rstrip("…")
            hay = f"{name} {command.name} {action.toolTip()}".casefold()
            if all(word in hay for word in words):
                first = bool(words) and not name.casefold().startswith(words[0])
                found.append((first, name, action))
        found.sort(key=lambda one: (not one[2].isEnabled(), one[0]))
        for _, name, action in found:
            key = action.shortcut().toString()
            item = QListWidgetItem(action.icon(), f"{name}    {key}" if key else name)
            item.setData(Qt.ItemDataRole.UserRole, action)
            item.setSizeHint(QSize(0, 28))
            if not action.isEnabled():
                item.setFlags(Qt.ItemFlag.NoItemFlags)
            self.list.addItem(item)
        self.list.setCurrentRow(0)

    def _do(self) -> None:
        item = self.list.currentItem()
        if item is None or not item.flags() & Qt.ItemFlag.ItemIsEnabled:
            return
        action = item.data(Qt.ItemDataRole.UserRole)
        self.accept()
        action.trigger()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows move in the list while the text has the keys."""
        if watched is self.text and event.type() == QEvent.Type.KeyPress:
            assert isinstance(event, QKeyEvent)
            steps = {
                Qt.Key.Key_Down: 1,
                Qt.Key.Key_Up: -1,
                Qt.Key.Key_PageDown: 8,
                Qt.Key.Key_PageUp: -8,
            }
            if event.key() in steps:
                row = self.list.currentRow() + steps[Qt.Key(event.key())]
                self.list.setCurrentRow(max(0, min(self.list.count() - 1, row)))
                return True
            if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
                self._do()
                return True
        return super().eventFilter(watched, event)
