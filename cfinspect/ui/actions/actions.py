"""The QAction of every command in the table."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence

from cfinspect.ui.actions.table import BY_NAME, COMMANDS, Command
from cfinspect.ui.state.preferences import Preferences
from cfinspect.ui.widgets import theme
from cfinspect.ui.widgets.icons import icon
from cfinspect.ui.widgets.label import plain
from cfinspect.ui.widgets.translate import tr


class Actions(QObject):
    """The QAction of every command, with the user's shortcuts; ``refresh`` enables them."""

    def __init__(self, preferences: Preferences, parent: QObject) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._actions: dict[str, QAction] = {}
        for command in COMMANDS:
            action = QAction(tr(command.text), self)
            action.setObjectName(command.name)
            action.setCheckable(command.holds)
            # A verdict key held a moment too long must not judge the next images as well.
            action.setAutoRepeat(command.repeats)
            if command.short:
                action.setIconText(tr(command.short))
            self._actions[command.name] = action
            self.apply_keys(command.name)
        self.reload_icons()

    def __getitem__(self, name: str) -> QAction:
        return self._actions[name]

    def items(self) -> list[tuple[Command, QAction]]:
        """Every command with its action, in the table's order."""
        return [(command, self._actions[command.name]) for command in COMMANDS]

    def connect_to(self, handlers: dict[str, Callable[[], object]]) -> None:
        """Connect every action to its handler; one that is missing is a mistake."""
        for name, action in self._actions.items():
            handler = handlers[name]
            action.triggered.connect(lambda _=False, handler=handler: handler())

    def keys_of(self, name: str) -> list[str]:
        """The shortcuts in use: the user's own, else those of the table."""
        chosen = self._preferences.shortcut(name)
        return list(BY_NAME[name].keys) if chosen is None else [chosen] if chosen else []

    def apply_keys(self, name: str) -> None:
        """Give an action its shortcuts, and say them in its tool tip."""
        action, command = self._actions[name], BY_NAME[name]
        keys = self.keys_of(name)
        action.setShortcuts([QKeySequence(key) for key in keys])
        tip = tr(command.tip) if command.tip else tr(command.text).rstrip("…").replace("&", "")
        action.setToolTip(plain(f"{tip} ({keys[0]})" if keys else tip))

    def refresh(self, conditions: set[str]) -> None:
        """Enable what can be done now."""
        for name, action in self._actions.items():
            enabled = conditions.issuperset(BY_NAME[name].needs)
            if action.isEnabled() != enabled:
                action.setEnabled(enabled)

    def reload_icons(self) -> None:
        """Draw the icons in the theme's colours."""
        for name, action in self._actions.items():
            if BY_NAME[name].icon:
                now = theme.colours()
                colours = {"damaged": now.damaged, "undamaged": now.undamaged}
                action.setIcon(icon(BY_NAME[name].icon, colours.get(name)))
