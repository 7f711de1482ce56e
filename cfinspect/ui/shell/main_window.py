"""The main window: puts the parts together; what they do is theirs."""

from __future__ import annotations

import gc

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import QApplication, QStackedWidget, QWidget

from cfinspect.ui.project.welcome import Welcome
from cfinspect.ui.shell.gui_gc import Collector
from cfinspect.ui.shell.window_review import ReviewPart
from cfinspect.ui.state.preferences import Preferences
from cfinspect.ui.widgets import theme
from cfinspect.ui.widgets.drops import dropped_paths
from cfinspect.ui.widgets.icons import dress_again
from cfinspect.ui.widgets.translate import tr

_LAYOUT_VERSION = 1


class MainWindow(ReviewPart):
    """Everything in its place.

    Made with the first page only; ``build`` makes the rest, for after the first paint.
    """

    def __init__(self, preferences: Preferences) -> None:
        super().__init__()
        self.preferences = preferences
        self.last_failure = None
        self.is_built = self.is_closing = False
        self.device_text = ""
        self.docks = {}
        self._failures = []
        self._is_telling = False
        self._hidden_for_fullscreen: list[QWidget] = []
        self.setWindowTitle("cfinspect")
        self.resize(1440, 900)
        self.setAcceptDrops(True)
        self.welcome = Welcome(preferences)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.welcome)
        self.setCentralWidget(self.pages)
        geometry = preferences.bytes_of("geometry")
        if not geometry.isEmpty():
            self.restoreGeometry(geometry)

    def build(self) -> None:
        """Make everything else; a second call does nothing."""
        if self.is_built:
            return
        from cfinspect.ui.shell import window_building as building  # noqa: PLC0415  (NumPy, OpenCV, the project)

        self._collector = Collector(self)
        building.build(self)
        self.is_built = True
        self._restore_layout()
        self.show_page(self.welcome)

    def conditions(self) -> set[str]:
        """The conditions of the actions' table that hold now."""
        page = self.pages.currentWidget()
        on_image = page is self.image_page and self.reviewer.row is not None
        found = set()
        if self.session.project is not None and self.session.facts is not None:
            found.add("project")
        if on_image:
            found.add("image")
            if self.reviewer.is_shown:
                found.add("target")
            picture = self.canvas.picture
            if picture is not None and picture.width:
                found.add("editable")
        elif page is self.gallery:
            found.add("gallery")
            if self.gallery.grid.selectionModel().hasSelection():
                found.add("target")
        rows = [self.reviewer.row] if on_image and self.reviewer.row else []
        if (rows and rows[0].machine is not None) or page is self.gallery:
            found.add("inspected")
        folder = self._target_folder()
        if folder is not None and self.session.model_of(folder) is not None:
            found.add("bound")
        if self.reviewer.can_undo:
            found.add("can_undo")
        if self.reviewer.can_redo:
            found.add("can_redo")
        if self.session.jobs.running is not None:
            found.add("job")
        return found

    def refresh_now(self) -> None:
        """Enable and tick the actions as things are now."""
        from cfinspect.ui.canvas.base import CompareMode  # noqa: PLC0415
        from cfinspect.ui.canvas.editor import Tool  # noqa: PLC0415

        self.actions_.refresh(self.conditions())
        tool = self.canvas.tool
        for one in Tool:
            self.actions_[one.value].setChecked(tool is one)
        self.actions_["swipe"].setChecked(self.canvas.compare is CompareMode.SWIPE)
        self.actions_["side"].setChecked(self.canvas.compare is CompareMode.SIDE)
        self.actions_["fullscreen"].setChecked(self.isFullScreen())
        before, after = self.reviewer.can_leaf
        self.image_page.previous.setEnabled(before)
        self.image_page.next.setEnabled(after or self.reviewer.reviewing)
        self.show_review_text()
        self.show_saving(self.session.unsaved)

    def _target_folder(self) -> int | None:
        if self.pages.currentWidget() is self.image_page and self.reviewer.row is not None:
            return self.reviewer.row.folder_id
        index = self.gallery.grid.currentIndex()
        row = self.model.row_at(index.row()) if index.isValid() else None
        return row.folder_id if row is not None else None

    def show_page(self, page: QWidget) -> None:
        """Bring a page to the front, with the panels that belong to it; leaving an image stores
        what was drawn on it and ends the review.
        """
        if self.pages.currentWidget() is self.image_page and page is not self.image_page:
            self.reviewer.put_away()
            self.reviewer.end()
        self.pages.setCurrentWidget(page)
        with_panels = page in {self.gallery, self.image_page}
        if not self.isFullScreen():
            for name in ("panel_left", "panel_right"):
                wanted = with_panels and self.preferences.text(f"dock_{name}", "on") == "on"
                wanted = wanted and (name == "panel_left" or page is self.image_page)
                self.docks[name].setVisible(wanted)
        self.refresh_actions()

    def quit(self) -> None:
        """Close the window."""
        self.close()

    # Looks ----------------------------------------------------------------------------------------

    def switch_theme(self) -> None:
        """Dark to light and back."""
        self.preferences.set("theme", "light" if theme.colours().dark else "dark")

    def preference_changed(self, name: str) -> None:
        """Answer a changed preference."""
        app = QApplication.instance()
        if name == "theme" and isinstance(app, QApplication):
            theme.apply(app, self.preferences.get("theme"))
            self.actions_.reload_icons()
            dress_again()
            self.folders.show_facts()
            self.canvas.retheme()
            self.training.retheme()
            self.inspector.histogram.retheme()
            self.gallery.grid.viewport().update()
        elif name == "saliency_map":
            self.canvas.layers.colour_map = self.preferences.get(name)
            self.canvas.refresh()
        elif name == "keep_zoom":
            self.canvas.keeps_view = self.preferences.get(name)
        elif name == "language":
            self.tell(tr("The language changes when the program starts next."))
        elif name == "device":
            self.device_text = ""
            self.warm_up()

    def toggle_dock(self, name: str) -> None:
        """Show or hide a panel, and remember it."""
        dock = self.docks[name]
        dock.setVisible(not dock.isVisible())
        self.preferences.set_text(f"dock_{name}", "on" if dock.isVisible() else "off")

    def show_dock_state(self) -> None:
        """Tick the panels that are shown."""
        for name, dock in self.docks.items():
            self.actions_[name].setChecked(dock.isVisible())

    def toggle_fullscreen(self) -> None:
        """The picture and the review strip alone, or everything again."""
        if self.isFullScreen():
            self.showNormal()
            for widget in self._hidden_for_fullscreen:
                widget.show()
            self._hidden_for_fullscreen = []
        else:
            parts: list[QWidget] = [*self.docks.values(), self.tool_bar, self.menuBar()]
            page = self.image_page
            parts += [self.statusBar(), page.head, page.tools, page.layer_bar]
            self._hidden_for_fullscreen = [part for part in parts if part.isVisible()]
            for part in self._hidden_for_fullscreen:
                part.hide()
            self.showFullScreen()
        self.refresh_actions()

    def _restore_layout(self) -> None:
        geometry = self.preferences.bytes_of("geometry")
        if not geometry.isEmpty():
            self.restoreGeometry(geometry)
        state = self.preferences.bytes_of("state")
        if not state.isEmpty():
            self.restoreState(state, _LAYOUT_VERSION)
        self.canvas.layers.colour_map = self.preferences.get("saliency_map")
        self.canvas.keeps_view = self.preferences.get("keep_zoom")

    # Qt's side ------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take folders and model files anywhere."""
        if dropped_paths(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open, add or import them."""
        self.take_paths(dropped_paths(event))
        event.acceptProposedAction()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space blinks wherever the keys are on the image's page."""
        if event.key() == Qt.Key.Key_Space and self.pages.currentWidget() is self.image_page:
            self.canvas.setFocus()
            self.canvas.keyPressEvent(event)
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask where a job runs, stop it cleanly, store everything, then go."""
        if not self.is_built:
            event.accept()
            return
        if self.is_closing or not self.may_leave(quitting=True) or not self.store_all():
            event.ignore()
            return
        self.is_closing = True
        if not self.isFullScreen():
            self.preferences.set_bytes("geometry", QByteArray(self.saveGeometry()))
            self.preferences.set_bytes("state", QByteArray(self.saveState(_LAYOUT_VERSION)))
        self.tell(tr("Stopping and storing…"))
        QApplication.processEvents()
        self.session.jobs.close()
        QApplication.processEvents()  # what the last job had to say
        self.session.close()
        self.log.detach()
        gc.unfreeze()
        self._collector.stop()
        self.preferences.save()
        event.accept()
