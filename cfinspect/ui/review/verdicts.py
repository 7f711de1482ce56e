"""Verdicts on the image on screen.

Between the session (which stores) and the pages (which show). Nothing counts as stored here before
the session says so.
"""

from __future__ import annotations

import numpy as np

from cfinspect.project.verdicts import Verdict
from cfinspect.ui.canvas.view import Canvas
from cfinspect.ui.review.result_panel import ResultPanel
from cfinspect.ui.review.reviewer import Reviewer
from cfinspect.ui.review.shown_image import ShownImage
from cfinspect.ui.review.unsaved_edits import UnsavedEdits
from cfinspect.ui.state.session import Session
from cfinspect.ui.widgets.translate import tr


class VerdictsOnScreen:
    """Hands on what the person says of the image on screen, and goes on to the next."""

    def __init__(
        self,
        session: Session,
        canvas: Canvas,
        inspector: ResultPanel,
        image: ShownImage,
        edits: UnsavedEdits,
        reviewer: Reviewer,
    ) -> None:
        self._session = session
        self._canvas = canvas
        self._inspector = inspector
        self._image = image
        self._edits = edits
        self._reviewer = reviewer

    def say(self, verdict: Verdict) -> None:
        """A verdict on the image on screen; a corrected mask goes with it."""
        row = self._image.row
        if row is None or not self._image.is_shown:
            return
        editor = self._canvas.editor
        if editor is not None and editor.is_drawing:
            editor.end()
        if editor is not None and editor.is_changed and verdict is not Verdict.UNDAMAGED:
            mask = editor.mask.copy()
            editor.mark_saved()
            if verdict is Verdict.DAMAGED and not mask.any():
                self._session.say(
                    row, verdict=verdict, mask=None, expected=self._image.expected_version()
                )
            else:
                self._edits.store_mask(row, mask, verdict)
        else:
            self._edits.keep()  # undo brings them back
            if editor is not None:
                self._canvas.set_editor(None)
            self._session.say(row, verdict=verdict, expected=self._image.expected_version())
        self._edits.judged(verdict)
        self._advance()

    def accept(self) -> None:
        """The model is right: it is the word on screen that counts, if it is still the model's."""
        picture, row = self._canvas.picture, self._image.row
        if row is None or not self._image.is_shown or picture is None or picture.prediction is None:
            return
        if row.machine == picture.prediction.label:
            self.say(Verdict(picture.prediction.label))

    def withdraw(self) -> None:
        """Take the verdict back, whenever it was given; a drawn mask becomes a draft."""
        row, picture = self._image.row, self._canvas.picture
        if row is None or picture is None or not self._image.is_shown:
            return
        if picture.human.verdict is None and not self._session.unsaved:
            self._image.note.emit(tr("There is no verdict to withdraw."))
            return
        self._edits.keep()
        self._session.say(row, verdict=None, expected=self._image.expected_version())
        self._edits.judged(None)

    def mask_is_right(self) -> None:
        """Store the mask on screen: the corrected one, or the machine's at this threshold."""
        row, picture = self._image.row, self._canvas.picture
        if row is None or picture is None or not picture.width:
            return
        self._inspector.settle()
        editor = self._canvas.editor
        machine = self._canvas.machine_mask()
        if editor is not None:
            if editor.is_drawing:
                editor.end()
            mask = editor.mask.copy()
        elif picture.human_mask is not None:
            mask = picture.human_mask
        elif machine is not None and picture.human.mask is None:
            mask = machine.copy()
        else:
            mask = np.zeros((picture.height, picture.width), np.uint8)
        if not mask.any():
            # A verdict by the way would be one that nobody meant.
            self._image.note.emit(tr("The mask is empty: press U if the image is undamaged."))
            return
        if editor is not None:
            editor.mark_saved()
        self._edits.store_mask(row, mask)
        self._edits.judged(Verdict.DAMAGED, with_mask=True)  # which a mask says as well
        self._advance()

    def _advance(self) -> None:
        if self._session.preferences.get("auto_advance"):
            self._reviewer.step(1)
        self._image.changed.emit()
