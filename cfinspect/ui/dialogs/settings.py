"""Preferences and shortcuts, both drawn from their tables."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from cfinspect.ui.actions.actions import Actions
from cfinspect.ui.dialogs.common import Dialog
from cfinspect.ui.state.preferences import PREFERENCES, Preference, Preferences
from cfinspect.ui.widgets.translate import tr


class PreferencesDialog(Dialog):
    """Every preference; a change counts at once."""

    def __init__(self, parent: QWidget | None, preferences: Preferences) -> None:
        super().__init__(parent, tr("Preferences"), 480)
        self._preferences = preferences
        form = QFormLayout()
        form.setVerticalSpacing(10)
        self.fields: dict[str, QWidget] = {}
        for one in PREFERENCES:
            field = self._field(one)
            field.setToolTip(tr(one.help))
            field.setAccessibleName(tr(one.text))
            self.fields[one.name] = field
            form.addRow(tr(one.text), field)
        self.column.addLayout(form)
        self.buttons.addButton(tr("Close"), QDialogButtonBox.ButtonRole.RejectRole)

    def _field(self, one: Preference) -> QWidget:
        value = self._preferences.get(one.name)
        name = one.name
        if one.choices is not None:
            combo = QComboBox()
            for key, text in one.choices.items():
                combo.addItem(tr(text), key)
            combo.setCurrentIndex(list(one.choices).index(value))
            combo.activated.connect(lambda _: self._preferences.set(name, combo.currentData()))
            return combo
        if isinstance(one.default, bool):
            box = QCheckBox()
            box.setChecked(value)
            box.toggled.connect(lambda on: self._preferences.set(name, on))
            return box
        if isinstance(one.default, int):
            spin = QSpinBox()
            spin.setRange(int(one.low), int(one.high))
            spin.setValue(value)
            spin.valueChanged.connect(lambda number: self._preferences.set(name, number))
            return spin
        line = QLineEdit(value)
        line.setPlaceholderText(tr(one.help))
        line.editingFinished.connect(lambda: self._preferences.set(name, line.text().strip()))
        return line


class ShortcutsDialog(Dialog):
    """All commands with their keys; one can be given another, and two never share one."""

    def __init__(self, parent: QWidget | None, actions: Actions, preferences: Preferences) -> None:
        super().__init__(parent, tr("Shortcuts"), 560)
        self._actions = actions
        self._preferences = preferences
        self.table = QTableWidget(0, 2)
        self.table.setAccessibleName(tr("Commands and their keys"))
        self.table.setHorizontalHeaderLabels([tr("Command"), tr("Keys")])
        self.table.verticalHeader().hide()
        self.table.setShowGrid(False)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setTabKeyNavigation(False)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.table.setMinimumHeight(420)
        self.column.addWidget(self.table)
        row = QHBoxLayout()
        self.keys = QKeySequenceEdit()
        self.keys.setMaximumSequenceLength(1)
        self.keys.setAccessibleName(tr("New keys"))
        self.set_button = QPushButton(tr("Set"))
        self.set_button.clicked.connect(self._set)
        self.reset_button = QPushButton(tr("Default"))
        self.reset_button.clicked.connect(self._reset)
        row.addWidget(self.keys, 1)
        row.addWidget(self.set_button)
        row.addWidget(self.reset_button)
        self.column.addLayout(row)
        self.problem = self.add_text("", faint=True)
        self.table.itemSelectionChanged.connect(self._chosen)
        self.buttons.addButton(tr("Close"), QDialogButtonBox.ButtonRole.RejectRole)
        self._fill()

    def _fill(self) -> None:
        items = self._actions.items()
        self.table.setRowCount(len(items))
        for place, (command, action) in enumerate(items):
            name = QTableWidgetItem(action.icon(), action.text().replace("&", "").rstrip("…"))
            name.setData(Qt.ItemDataRole.UserRole, command.name)
            self.table.setItem(place, 0, name)
            keys = ", ".join(self._actions.keys_of(command.name))
            self.table.setItem(place, 1, QTableWidgetItem(keys))

    def _name(self) -> str | None:
        row = self.table.currentRow()
        item = self.table.item(row, 0) if row >= 0 else None
        return None if item is None else str(item.data(Qt.ItemDataRole.UserRole))

    def select(self, name: str) -> None:
        """Choose a command."""
        for row in range(self.table.rowCount()):
            item = self.table.item(row, 0)
            if item is not None and item.data(Qt.ItemDataRole.UserRole) == name:
                self.table.selectRow(row)

    def _chosen(self) -> None:
        name = self._name()
        if name is not None:
            keys = self._actions.keys_of(name)
            self.keys.setKeySequence(QKeySequence(keys[0] if keys else ""))
            self.problem.setText("")

    def _set(self) -> None:
        name = self._name()
        if name is None:
            return
        wished = self.keys.keySequence()
        for command, action in self._actions.items():
            if command.name != name and wished and wished in action.shortcuts():
                self.problem.setText(
                    tr(
                        "{keys} is taken by “{command}”; give that one other keys first.",
                        keys=wished.toString(),
                        command=action.text().replace("&", "").rstrip("…"),
                    )
                )
                return
        self._apply(name, wished.toString())

    def _reset(self) -> None:
        name = self._name()
        if name is not None:
            self._apply(name, None)

    def _apply(self, name: str, keys: str | None) -> None:
        self._preferences.set_shortcut(name, keys)
        self._actions.apply_keys(name)
        row = self.table.currentRow()
        self._fill()
        self.table.selectRow(row)
