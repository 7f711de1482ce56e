"""Which page and which panels are on the screen."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QObject, Signal
from PySide6.QtWidgets import QDockWidget, QMainWindow, QStackedWidget, QToolBar, QWidget

from cfinspect.ui.actions.actions import Actions
from cfinspect.ui.frame.parts import Parts
from cfinspect.ui.state.preferences import Preferences

_LAYOUT_VERSION = 1
_SIDES = ("panel_left", "panel_right")


class WindowLayout(QObject):
    """Shows pages and panels, and keeps where they were. ``changed``: another page, or all of the
    screen.

    ``docks``: the panels by the names of their actions.
    """

    changed = Signal()

    def __init__(
        self,
        window: QMainWindow,
        pages: QStackedWidget,
        parts: Parts,
        docks: dict[str, QDockWidget],
        tool_bar: QToolBar,
        actions: Actions,
        preferences: Preferences,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._pages = pages
        self._parts = parts
        self.docks = docks
        self._tool_bar = tool_bar
        self._actions = actions
        self._preferences = preferences
        self._hidden_for_fullscreen: list[QWidget] = []
        for dock in docks.values():
            dock.visibilityChanged.connect(lambda _: self._show_dock_state())

    @property
    def page(self) -> QWidget | None:
        """The page in front."""
        return self._pages.currentWidget()

    @property
    def is_on_image(self) -> bool:
        """Whether that is the page of one image."""
        return self.page is self._parts.image_page

    @property
    def is_on_gallery(self) -> bool:
        """Whether that is the gallery."""
        return self.page is self._parts.gallery

    @property
    def is_fullscreen(self) -> bool:
        """Whether the picture is alone on the screen."""
        return self._window.isFullScreen()

    def show_page(self, page: QWidget) -> None:
        """Bring a page to the front, with the panels that belong to it; leaving an image stores
        what was drawn on it and ends the review.
        """
        parts = self._parts
        if self.is_on_image and page is not parts.image_page:
            parts.review.navigator.put_away()
            parts.review.reviewer.end()
        self._pages.setCurrentWidget(page)
        with_panels = page in {parts.gallery, parts.image_page}
        if not self.is_fullscreen:
            for name in _SIDES:
                wanted = with_panels and self._preferences.text(f"dock_{name}", "on") == "on"
                wanted = wanted and (name == "panel_left" or page is parts.image_page)
                self.docks[name].setVisible(wanted)
        self.changed.emit()

    def toggle_dock(self, name: str) -> None:
        """Show or hide a panel, and remember it."""
        dock = self.docks[name]
        dock.setVisible(not dock.isVisible())
        self._preferences.set_text(f"dock_{name}", "on" if dock.isVisible() else "off")

    def show_dock(self, name: str) -> None:
        """Show a panel for now."""
        self.docks[name].show()

    def _show_dock_state(self) -> None:
        """Tick the panels that are shown."""
        for name, dock in self.docks.items():
            self._actions[name].setChecked(dock.isVisible())

    def toggle_fullscreen(self) -> None:
        """The picture and the review strip alone, or everything again."""
        window, page = self._window, self._parts.image_page
        if window.isFullScreen():
            window.showNormal()
            for widget in self._hidden_for_fullscreen:
                widget.show()
            self._hidden_for_fullscreen = []
        else:
            parts: list[QWidget] = [*self.docks.values(), self._tool_bar, window.menuBar()]
            parts += [window.statusBar(), page.head, page.tools, page.layer_bar]
            self._hidden_for_fullscreen = [part for part in parts if part.isVisible()]
            for part in self._hidden_for_fullscreen:
                part.hide()
            window.showFullScreen()
        self.changed.emit()

    def restore(self) -> None:
        """Put everything where it was left."""
        restore_geometry(self._window, self._preferences)
        state = self._preferences.bytes_of("state")
        if not state.isEmpty():
            self._window.restoreState(state, _LAYOUT_VERSION)

    def save(self) -> None:
        """Keep where everything is."""
        if not self.is_fullscreen:
            window = self._window
            self._preferences.set_bytes("geometry", QByteArray(window.saveGeometry()))
            self._preferences.set_bytes("state", QByteArray(window.saveState(_LAYOUT_VERSION)))


def restore_geometry(window: QMainWindow, preferences: Preferences) -> None:
    """Place and size as they were left."""
    geometry = preferences.bytes_of("geometry")
    if not geometry.isEmpty():
        window.restoreGeometry(geometry)
