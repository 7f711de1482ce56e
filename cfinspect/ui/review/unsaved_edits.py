"""What is being drawn on the image on screen, until it is stored."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from cfinspect.masks.refine import snap_to_edges
from cfinspect.project.listing import ImageRow
from cfinspect.project.project import Project
from cfinspect.project.verdicts import KEEP, HumanAnnotation, Kept, Verdict
from cfinspect.ui.canvas.editor import MaskEditor, Tool
from cfinspect.ui.jobs.job import Failure
from cfinspect.ui.jobs.picture import Picture
from cfinspect.ui.review.image_page import ImagePage
from cfinspect.ui.review.result_panel import ResultPanel
from cfinspect.ui.review.shown_image import ShownImage
from cfinspect.ui.state.session import IndexMask, Session
from cfinspect.ui.widgets.translate import tr

_AUTOSAVE_MS = 20_000
_SNAP_RADIUS = 6
_SNAP_PIXELS = 1_400_000


class UnsavedEdits(QObject):
    """Corrections of the image on screen: drawn, taken back, stored, never lost.

    ``again``: an image (id) whose correction could not be stored is to be shown again.
    """

    again = Signal(int)

    def __init__(
        self, session: Session, page: ImagePage, inspector: ResultPanel, shown: ShownImage
    ) -> None:
        super().__init__(shown)
        self._session = session
        self._page = page
        self._canvas = page.canvas
        self._inspector = inspector
        self._shown = shown
        # Whether there was a mask by a human when the editor was made, and with which verdict.
        self._base: tuple[bool, Verdict | None] = (False, None)
        self._lost: dict[int, IndexMask] = {}
        self._autosave = QTimer(self, singleShot=True, interval=_AUTOSAVE_MS)
        self._autosave.timeout.connect(self._save_meanwhile)
        self._canvas.needs_editor.connect(self._make_editor)
        self._canvas.stroke_ended.connect(self._stroke_ended)
        inspector.mask_moved.connect(self._canvas.set_machine_mask)
        inspector.threshold_moved.connect(self._canvas.preview_threshold)
        inspector.region_chosen.connect(self._canvas.look_at)
        session.closed.connect(self._drop_drafts)

    def _drop_drafts(self) -> None:
        self._lost.clear()
        self._autosave.stop()
        self._canvas.set_editor(None)

    # Masks ----------------------------------------------------------------------------------------

    def _make_editor(self) -> None:
        picture = self._canvas.picture
        if picture is None or not picture.width:
            return
        self._inspector.settle()
        base = picture.human_mask
        if base is None:
            machine = self._canvas.machine_mask()
            shape = (picture.height, picture.width)
            base = np.zeros(shape, np.uint8) if machine is None else machine
        editor = MaskEditor(np.ascontiguousarray(base, dtype=np.uint8), self._canvas)
        editor.state_changed.connect(self._drawn)
        self._base = (picture.human.mask is not None, picture.human.verdict)
        self._canvas.set_editor(editor)
        self._shown.changed.emit()

    def heard(self, human: HumanAnnotation) -> None:
        """What stands now of the image on screen, whoever said or took it back."""
        had_mask, verdict = self._base
        own_draft = human.verdict is None and human.mask is not None
        if not (own_draft and verdict is Verdict.UNDAMAGED):  # which comes back with the strokes
            self._base = (had_mask, human.verdict)

    def judged(self, verdict: Verdict | None, *, with_mask: bool = False) -> None:
        """A verdict was given; ``with_mask``: and the mask was stored with it."""
        self._base = (with_mask or self._base[0], verdict)
        self._autosave.stop()

    def _drawn(self) -> None:
        editor, picture = self._canvas.editor, self._canvas.picture
        if editor is not None and (editor.is_changed or editor.can_undo):
            self._inspector.show_drawn(editor.mask)
        elif picture is not None:
            self._inspector.show_drawn(picture.human_mask)
        self._shown.changed.emit()

    def _stroke_ended(self) -> None:
        self._autosave.start()
        self._shown.changed.emit()

    @property
    def has_edits(self) -> bool:
        """Whether there are corrections that are not stored."""
        editor = self._canvas.editor
        return editor is not None and editor.is_changed

    def _save_meanwhile(self) -> None:
        editor = self._canvas.editor
        if editor is not None and editor.is_drawing:  # in the middle of a stroke
            self._autosave.start()
        else:
            self.keep()

    def keep(self) -> None:
        """Store corrections that were made: on leaving the image, and every now and then."""
        editor = self._canvas.editor
        self._autosave.stop()
        if self._shown.row is None or editor is None:
            return
        if editor.is_drawing:
            editor.end()
        if editor.is_changed:
            mask = editor.mask.copy()
            editor.mark_saved()
            had_mask, verdict = self._base
            if editor.can_undo or had_mask:
                # A draft: who draws has not said anything yet, and contradicts what was said.
                draft = None if verdict is Verdict.UNDAMAGED and mask.any() else verdict
                self.store_mask(self._shown.row, mask, draft)
            else:  # all strokes were taken back: what an autosave stored of them goes, too
                expected = self._shown.expected_version()
                self._session.say(self._shown.row, verdict=verdict, mask=None, expected=expected)

    def store_mask(
        self, row: ImageRow, mask: IndexMask, verdict: Verdict | Kept | None = KEEP
    ) -> None:
        """Store a mask, with a verdict where one was given; it comes back if that fails."""
        self._session.say(
            row,
            verdict=verdict,
            mask=mask,
            expected=self._shown.expected_version(),
            sorry=lambda _: self._not_stored(row.id, mask),
        )

    def _not_stored(self, image_id: int, mask: IndexMask) -> None:
        """Bring corrections back to the screen that could not be stored; X drops them."""
        self._lost[image_id] = mask
        if self._shown.row is not None and self._shown.row.id == image_id:
            self._canvas.set_editor(None)  # or what is on screen would be stored once more
        self.again.emit(image_id)

    def bring_back(self, picture: Picture) -> None:
        """Put what could not be stored of this image on the screen again."""
        lost = self._lost.get(picture.row.id)
        if lost is not None and lost.shape == (picture.height, picture.width):
            self._make_editor()
            if self._canvas.editor is not None:
                self._canvas.editor.replace(lost)
                del self._lost[picture.row.id]

    def discard(self) -> None:
        """Drop unsaved corrections; without any, take a stored mask away."""
        row, picture, editor = self._shown.row, self._canvas.picture, self._canvas.editor
        if row is None or picture is None:
            return
        drawn = editor is not None and (editor.is_changed or editor.can_undo)
        verdict = self._base[1] if drawn else picture.human.verdict
        had_mask = drawn or picture.human.mask is not None
        self.keep()  # so that undo can bring them back
        self._canvas.set_editor(None)
        if had_mask:
            self._session.say(
                row, verdict=verdict, mask=None, expected=self._shown.expected_version()
            )
            self._shown.note.emit(tr("Corrections dropped (Ctrl+Z brings them back)."))
        self._shown.changed.emit()

    def snap(self) -> None:
        """Move the outline of what is in sight to the edges of the picture."""
        picture = self._canvas.picture
        if picture is None or picture.preview or not picture.levels:
            return
        if self._canvas.editor is None:
            self._make_editor()
        editor = self._canvas.editor
        if editor is None:
            return
        rows, columns = self._canvas.in_sight()
        mask = editor.mask.copy()
        part = mask[rows, columns]
        if part.size > _SNAP_PIXELS:
            self._shown.note.emit(
                tr("Too much is in sight to snap at once; zoom in on the damage.")
            )
            return
        if not part.any():
            self._shown.note.emit(
                tr("There is no mask in sight to snap; mark the damage roughly first.")
            )
            return
        pixels = picture.pixels(rows, columns)
        assert pixels is not None
        before = editor.changes

        def work(_: Project) -> IndexMask:
            snapped = snap_to_edges(pixels, part > 0, _SNAP_RADIUS)
            value = np.uint8(part[part > 0].max())
            mask[rows, columns] = np.where(snapped, np.where(part > 0, part, value), 0)
            return mask

        def after(result: IndexMask) -> None:
            self._canvas.message = ""
            if self._canvas.editor is editor and editor.changes == before:
                editor.replace(result)
                self._stroke_ended()
            self._canvas.update()

        def sorry(failure: Failure) -> None:
            self._canvas.message = ""
            self._canvas.update()
            self._session.failed.emit(failure)

        self._canvas.message = tr("snapping to edges…")
        self._canvas.update()
        self._session.looker.ask(work, after, sorry)

    # Undo -----------------------------------------------------------------------------------------

    @property
    def can_undo(self) -> bool:
        """Whether a stroke or a word can be taken back."""
        editor = self._editor_on_screen()
        return (
            self._canvas.has_corners
            or (editor is not None and editor.can_undo)
            or self._session.can_undo
        )

    @property
    def can_redo(self) -> bool:
        """Whether a stroke or a word was taken back."""
        editor = self._editor_on_screen()
        return (editor is not None and editor.can_redo) or self._session.can_redo

    def _editor_on_screen(self) -> MaskEditor | None:
        return self._canvas.editor if self._page.isVisible() else None

    def undo(self) -> None:
        """Take back the last corner or stroke; without one, the last thing that was said."""
        editor = self._editor_on_screen()
        if self._canvas.has_corners:
            self._canvas.drop_corner()
        elif editor is not None and editor.can_undo:
            editor.undo()
            self._canvas.update()
        else:
            self._session.undo()
        self._shown.changed.emit()

    def redo(self) -> None:
        """Do again what was taken back."""
        editor = self._editor_on_screen()
        if editor is not None and editor.can_redo:
            editor.redo()
            self._canvas.update()
        else:
            self._session.redo()
        self._shown.changed.emit()

    def set_tool(self, tool: Tool) -> None:
        """Take a tool; the canvas gets the keys."""
        if tool is not Tool.HAND and not self._canvas.layers.human_mask.visible:
            self._page.layer_bar.boxes["human_mask"].setChecked(True)  # nobody draws unseen
        self._canvas.highlight = None
        self._canvas.set_tool(tool)
        self._canvas.setFocus()
        self._shown.changed.emit()
