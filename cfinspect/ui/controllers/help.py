"""Finding one's way: the search of commands, the keys, words explained, about."""

from __future__ import annotations

from cfinspect.ui.controllers.jobs import JobController
from cfinspect.ui.dialogs.help import AboutDialog, KeysDialog, WordDialog
from cfinspect.ui.dialogs.palette import Palette
from cfinspect.ui.frame.context import Context

_BELOW_TOP = 60  # px


class HelpController:
    """Opens the dialogs that explain."""

    def __init__(self, context: Context, jobs: JobController) -> None:
        self._context = context
        self._jobs = jobs

    def search(self) -> None:
        """Search all commands, at the top of the window."""
        window = self._context.window
        dialog = Palette(window, self._context.actions)
        place = window.mapToGlobal(window.rect().topLeft())
        dialog.move(place.x() + (window.width() - dialog.width()) // 2, place.y() + _BELOW_TOP)
        dialog.text.setFocus()
        self._context.messages.run(dialog)

    def show_keys(self) -> None:
        """All keys on one page."""
        self._context.messages.run(KeysDialog(self._context.window, self._context.actions))

    def explain(self, word: str) -> None:
        """One paragraph and a picture about a word."""
        self._context.messages.run(WordDialog(self._context.window, word))

    def show_about(self) -> None:
        """Who we are."""
        self._context.messages.run(AboutDialog(self._context.window, self._jobs.device))
