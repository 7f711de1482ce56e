"""What a changed preference changes in the window; and the dialogs of preferences."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication

from cfinspect.ui.controllers.jobs import JobController
from cfinspect.ui.dialogs.settings import PreferencesDialog, ShortcutsDialog
from cfinspect.ui.frame.context import Context
from cfinspect.ui.widgets import theme
from cfinspect.ui.widgets.icons import dress_again
from cfinspect.ui.widgets.translate import tr


class PreferenceController:
    """Answers changes of preferences."""

    def __init__(self, context: Context, jobs: JobController) -> None:
        self._context = context
        self._preferences = context.preferences
        self._jobs = jobs

    def switch_theme(self) -> None:
        """Dark to light and back."""
        self._preferences.set("theme", "light" if theme.colours().dark else "dark")

    def apply_to_canvas(self) -> None:
        """What the canvas takes over at the start."""
        canvas = self._context.parts.canvas
        canvas.layers.colour_map = self._preferences.get("saliency_map")
        canvas.keeps_view = self._preferences.get("keep_zoom")

    def changed(self, name: str) -> None:
        """Answer a changed preference."""
        canvas = self._context.parts.canvas
        if name == "theme":
            self._apply_theme()
        elif name == "saliency_map":
            canvas.layers.colour_map = self._preferences.get(name)
            canvas.refresh()
        elif name == "keep_zoom":
            canvas.keeps_view = self._preferences.get(name)
        elif name == "language":
            text = tr("The language changes when the program starts next.")
            self._context.messages.tell(text)
        elif name == "device":
            self._jobs.warm_up_anew()

    def _apply_theme(self) -> None:
        app, parts = QApplication.instance(), self._context.parts
        if isinstance(app, QApplication):
            theme.apply(app, self._preferences.get("theme"))
            self._context.actions.reload_icons()
            dress_again()
            parts.folders.show_facts()
            parts.canvas.retheme()
            parts.training.retheme()
            parts.inspector.histogram.retheme()
            parts.gallery.grid.viewport().update()

    def show_preferences(self) -> None:
        """All preferences."""
        self._context.messages.run(PreferencesDialog(self._context.window, self._preferences))

    def show_shortcuts(self) -> None:
        """All shortcuts."""
        self._context.messages.run(
            ShortcutsDialog(self._context.window, self._context.actions, self._preferences)
        )
