"""Asking another explainer about the image on screen."""

from __future__ import annotations

from cfinspect.ui.frame.context import Context
from cfinspect.ui.jobs.explaining import Explain, Shown, Wish
from cfinspect.ui.jobs.job import JobHandle


class ExplanationController:
    """Starts explanations, and shows them when their image is on screen."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._session = context.session

    def ask(self) -> None:
        """Ask which other explainer shall look at the image on screen."""
        from cfinspect.ui.dialogs.explain import ExplainDialog  # noqa: PLC0415  (when needed)

        row = self._context.parts.review.navigator.row
        model = None if row is None else self._session.model_of(row.folder_id)
        if row is None or model is None:
            return
        picture = self._context.parts.canvas.picture
        if picture is not None and picture.row.id == row.id and not picture.levels:
            self._context.messages.tell(picture.error)  # not read, so not explained either
            return
        device = self._context.preferences.get("device")
        wish = Wish(row.id, row.path, model.path, "rise", None, device)
        dialog = ExplainDialog(self._context.window, self._session, wish)
        if self._context.messages.run(dialog):
            self.start(dialog.wish())

    def start(self, wish: Wish) -> JobHandle:
        """Queue an explanation; it is shown if its image is still on screen."""
        ticket = self._session.jobs.add(Explain(wish))
        ticket.succeeded.connect(self._explained)
        return ticket

    def _explained(self, shown: Shown | None) -> None:
        if shown is None:
            return
        if shown.saliency and not self._show(shown):
            self._session.explanations[shown.image_id] = shown
        self._context.messages.tell(shown.sentence)

    def _show(self, shown: Shown) -> bool:
        """Show it if its image is on screen; whether it is."""
        if not self._context.parts.canvas.show_explanation(shown):
            return False
        self._context.refresher.refresh()
        return True

    def show_waiting(self) -> None:
        """Show what came for this image while another one was on screen."""
        picture = self._context.parts.canvas.picture
        waiting = self._session.explanations
        shown = waiting.get(picture.row.id) if picture is not None else None
        if shown is not None and self._show(shown):
            del waiting[shown.image_id]
