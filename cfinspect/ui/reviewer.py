"""What happens to the image on screen: leafing, verdicts, masks, the review queue.

Between the session (which stores) and the pages (which show). Nothing counts as stored here before
the session says so.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from cfinspect.masks.refine import snap_to_edges
from cfinspect.project.listing import ImageRow, by_ids
from cfinspect.project.project import Project
from cfinspect.project.queue import Rank, take, waiting
from cfinspect.project.verdicts import Human, Verdict
from cfinspect.ui.canvas.editor import MaskEditor, Tool
from cfinspect.ui.panels.imagepage import ImagePage
from cfinspect.ui.panels.inspector import Inspector
from cfinspect.ui.session import IndexMask, Said, Session
from cfinspect.ui.translate import tr
from cfinspect.ui.workers.job import Failure
from cfinspect.ui.workers.pictures import Picture

_AHEAD = 3
_LEASED = 16
_AUTOSAVE_MS = 20_000
_SNAP_RADIUS = 6
_SNAP_PIXELS = 1_400_000


@dataclass(frozen=True)
class Summary:
    """What was done in one review."""

    seconds: float
    undamaged: int
    damaged: int
    skipped: int
    corrected: int
    overruled: int
    left: int

    @property
    def reviewed(self) -> int:
        """How many images got a verdict."""
        return self.undamaged + self.damaged + self.skipped


class Reviewer(QObject):
    """Shows one image after the other and hands on what the person says.

    ``changed``: what can be done now is different. ``finished``: a review is over, with a Summary.
    ``note``: something to tell in passing.
    """

    changed = Signal()
    shown = Signal(object)
    finished = Signal(object)
    note = Signal(str)

    def __init__(
        self, session: Session, page: ImagePage, inspector: Inspector, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._page = page
        self._canvas = page.canvas
        self._inspector = inspector
        self.row: ImageRow | None = None
        self.order: list[int] = []
        self.reviewing = False
        self._started = 0.0
        self._scope: tuple[str | None, str | None] = (None, None)
        self._taking = False
        self._lost: dict[int, IndexMask] = {}
        self._lost_comments: dict[int, str] = {}
        self._end_when_empty = False
        self.left = 0
        self._autosave = QTimer(self, singleShot=True, interval=_AUTOSAVE_MS)
        self._autosave.timeout.connect(self._save_meanwhile)
        self._canvas.needs_editor.connect(self._make_editor)
        self._canvas.stroke_ended.connect(self._stroke_ended)
        inspector.mask_moved.connect(self._canvas.set_machine_mask)
        inspector.threshold_moved.connect(self._canvas.preview_threshold)
        inspector.region_chosen.connect(self._canvas.look_at)
        inspector.comment.focusOutEvent = self._comment_left  # type: ignore[method-assign]
        session.said.connect(self._said)
        session.closed.connect(self._forget)
        session.opened.connect(self._opened)
        session.jump.connect(self._jump)
        session.stale.connect(self._stale)
        session.facts_changed.connect(self._count_left)

    def _opened(self) -> None:
        self._session.pictures.loaded.connect(self._loaded)

    def _forget(self) -> None:
        self.row, self.order, self.reviewing = None, [], False
        self._lost.clear()
        self._lost_comments.clear()
        self._taking = self._end_when_empty = False
        self._autosave.stop()
        self._canvas.set_editor(None)
        self._canvas.show_picture(None)
        self._inspector.show_picture(None)
        self.changed.emit()

    # Leafing --------------------------------------------------------------------------------------

    def browse(self, image_id: int, order: list[int]) -> None:
        """Show an image of a list."""
        self.reviewing = False
        self.order = order
        self.show(image_id)

    def show(self, image_id: int) -> None:
        """Show an image; corrections of the one before are stored."""
        self.keep_edits()
        self.keep_comment()
        rows = self._session.rows([image_id])
        if not rows:
            return
        self.row = rows[0]
        place = self.place
        ahead = [] if place is None else self.order[place + 1 : place + 1 + _AHEAD]
        picture = self._session.pictures.want(image_id, ahead)
        self._canvas.set_editor(None)
        if picture is not None:
            self._put_up(picture)
        else:
            self._canvas.message = ""
            self._canvas.picture = None
            self._canvas.update()
        self._show_strip()
        self.shown.emit(self.row)
        self.changed.emit()

    @property
    def place(self) -> int | None:
        """Where the image stands in the order."""
        if self.row is None:
            return None
        if self._session.project is None or not self.order:
            return None
        try:
            return self.order.index(self.row.id)
        except ValueError:
            return None

    @property
    def can_leaf(self) -> tuple[bool, bool]:
        """Whether there is an image before and one after."""
        place = self.place
        if place is None:
            return False, False
        return place > 0, place + 1 < len(self.order)

    def step(self, by: int) -> None:
        """Go on or back."""
        place = self.place
        if place is None:
            return
        wanted = place + by
        if 0 <= wanted < len(self.order):
            self.show(self.order[wanted])
            if self.reviewing and wanted + _AHEAD >= len(self.order):
                self._take_more()
        elif self.reviewing and by > 0:
            self._take_more(then_end=True)

    def _show_strip(self) -> None:
        if self.row is not None:
            place = self.place or 0
            # The strip shows what is near; a list of 100,000 has no use for all of them.
            near = self.order[max(0, place - 40) : place + 60] or [self.row.id]
            self._page.show_strip(near, self.row.id)

    def _loaded(self, image_id: int, picture: Picture) -> None:
        if self.row is not None and image_id == self.row.id:
            self._put_up(picture)

    def _put_up(self, picture: Picture) -> None:
        self._canvas.message = tr("reading the whole image…") if picture.preview else ""
        self._canvas.show_picture(picture)
        self._inspector.show_picture(picture)
        lost = self._lost.get(picture.row.id)
        if lost is not None and lost.shape == (picture.height, picture.width):
            self._make_editor()
            if self._canvas.editor is not None:
                self._canvas.editor.replace(lost)
                del self._lost[picture.row.id]
        comment = self._lost_comments.pop(picture.row.id, None)
        if comment is not None:
            self._inspector.comment.setPlainText(comment)
        self.changed.emit()

    def _jump(self, image_id: int) -> None:
        if self.row is None or self.row.id != image_id:
            if image_id not in self.order:
                self.order = [image_id, *self.order]
            self.show(image_id)

    # The review -----------------------------------------------------------------------------------

    def start(self, folder: str | None, domain: str | None) -> None:
        """Start with the most doubtful images of a folder or domain."""
        self._scope = (folder, domain)
        self._take_more(begin=True)

    def _take_more(self, *, begin: bool = False, then_end: bool = False) -> None:
        self._end_when_empty = self._end_when_empty or then_end
        if self._taking:
            return
        self._taking = True
        session, (folder, domain) = self._session, self._scope
        holder, who = session.holder, session.who
        rank = Rank(session.preferences.get("rank"))
        known = [] if begin else list(self.order)

        def work(project: Project) -> list[int]:
            rows = take(
                project,
                holder,
                who,
                rank,
                folder=folder,
                domain=domain,
                number=_LEASED + len(known),
            )
            return [row.id for row in rows]

        def after(ids: list[int]) -> None:
            self._taking = False
            ends, self._end_when_empty = self._end_when_empty, False
            session.leases = True
            new = [one for one in ids if one not in known]
            if begin:
                if not new:
                    self.note.emit(
                        tr(
                            "Nothing waits for a review here. Inspect the folder first, or choose "
                            "another one on the left."
                        )
                    )
                    return
                session.review += 1
                self._started = time.monotonic()
                self.reviewing = True
                self.order = new
                self._count_left()
                self.show(new[0])
                return
            self.order = self.order + new
            self._show_strip()
            if ends and new:
                self.step(1)
            elif ends:
                self.end(all_done=True)

        def sorry(failure: Failure) -> None:
            self._taking = self._end_when_empty = False
            session.failed.emit(failure)

        session.writer.ask(work, after, sorry)

    def end(self, *, all_done: bool = False) -> None:
        """End the review and say what was done; ``all_done``: nothing is left in the queue."""
        if not self.reviewing:
            return
        self.keep_edits()
        self._session.settle(10)
        self.reviewing = False
        self._session.release_leases()
        said = self._said_now()
        latest = {one.image_id: one for one in said if one.verdict is not None}.values()
        summary = Summary(
            seconds=time.monotonic() - self._started,
            undamaged=sum(one.verdict == Verdict.UNDAMAGED for one in latest),
            damaged=sum(one.verdict == Verdict.DAMAGED for one in latest),
            skipped=sum(one.verdict == Verdict.SKIPPED for one in latest),
            corrected=len({one.image_id for one in said if one.corrected}),
            overruled=sum(one.overruled for one in latest),
            left=0 if all_done else max(0, self.left),
        )
        self.finished.emit(summary)
        self.changed.emit()

    @property
    def progress(self) -> tuple[int, int]:
        """How many images of this review have a verdict, and how many wait where it looks."""
        return len({one.image_id for one in self._said_now()}), self.left

    def _said_now(self) -> list[Said]:
        """What was said in this review."""
        return [one for one in self._session.done if one.review == self._session.review]

    def _count_left(self) -> None:
        if not self.reviewing:
            return
        folder, domain = self._scope

        def show(number: int) -> None:
            self.left = number
            self.changed.emit()

        self._session.reader.ask(
            lambda project: waiting(project, folder=folder, domain=domain), show, key="left"
        )

    # Verdicts -------------------------------------------------------------------------------------

    def say(self, verdict: Verdict) -> None:
        """A verdict on the image on screen; a corrected mask goes with it."""
        row = self.row
        if row is None or not self.is_shown:
            return
        editor = self._canvas.editor
        if editor is not None and editor.is_drawing:
            editor.end()
        if editor is not None and editor.is_changed and verdict is not Verdict.UNDAMAGED:
            mask = editor.mask.copy()
            marks = bool(mask.any())
            editor.mark_saved()
            if verdict is Verdict.DAMAGED and not marks:
                self._session.say(row, verdict=verdict, mask=None, expected=self._expected())
            else:
                self._session.say(
                    row,
                    verdict=verdict,
                    mask=mask,
                    expected=self._expected(),
                    sorry=lambda _: self._not_stored(row.id, mask),
                )
        else:
            if editor is not None:
                self._canvas.set_editor(None)
            self._session.say(row, verdict=verdict, expected=self._expected())
        self._autosave.stop()
        self._advance()

    def accept(self) -> None:
        """The model is right: it is the word on screen that counts."""
        picture = self._canvas.picture
        if self.is_shown and picture is not None and picture.prediction is not None:
            self.say(Verdict(picture.prediction.label))

    @property
    def is_shown(self) -> bool:
        """Whether the image can be seen: nobody judges what is still being read."""
        picture = self._canvas.picture
        return self.row is not None and picture is not None and picture.row.id == self.row.id

    def mask_is_right(self) -> None:
        """Store the mask on screen: the corrected one, or the machine's at this threshold."""
        row, picture = self.row, self._canvas.picture
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
            self.note.emit(tr("The mask is empty: press U if the image is undamaged."))
            return
        if editor is not None:
            editor.mark_saved()
        self._session.say(
            row,
            mask=mask,
            expected=self._expected(),
            sorry=lambda _: self._not_stored(row.id, mask),
        )
        self._autosave.stop()
        self._advance()

    def discard(self) -> None:
        """Drop unsaved corrections; without any, take a stored mask away."""
        row, picture, editor = self.row, self._canvas.picture, self._canvas.editor
        if row is None or picture is None:
            return
        if editor is not None:
            self._canvas.set_editor(None)
            self._autosave.stop()
            if editor.is_changed:
                self.note.emit(tr("Corrections dropped."))
                self.changed.emit()
                return
        if picture.human.mask is not None:
            self._session.say(row, mask=None, expected=self._expected())
        self.changed.emit()

    def _advance(self) -> None:
        if self._session.preferences.get("auto_advance"):
            self.step(1)
        self.changed.emit()

    def _expected(self) -> int | None:
        """The version that the person looked at; unknown while own words are on their way."""
        picture = self._canvas.picture
        if picture is None or self._session.unsaved:
            return None
        return picture.human.version

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
        editor.state_changed.connect(self.changed)
        self._canvas.set_editor(editor)
        self.changed.emit()

    def _stroke_ended(self) -> None:
        self._autosave.start()
        self.changed.emit()

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
            self.keep_edits()

    def keep_edits(self) -> None:
        """Store corrections that were made: on leaving the image, and every now and then."""
        row, editor = self.row, self._canvas.editor
        self._autosave.stop()
        if row is None or editor is None:
            return
        if editor.is_drawing:
            editor.end()
        if editor.is_changed:
            mask = editor.mask.copy()
            editor.mark_saved()
            self._session.say(
                row,
                mask=mask,
                expected=self._expected(),
                sorry=lambda _: self._not_stored(row.id, mask),
            )

    def _not_stored(self, image_id: int, mask: IndexMask) -> None:
        """Bring corrections back to the screen that could not be stored; X drops them."""
        self._lost[image_id] = mask
        self._canvas.set_editor(None)  # or what is on screen would be stored once more
        self.show(image_id)

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
            self.note.emit(tr("Too much is in sight to snap at once; zoom in on the damage."))
            return
        if not part.any():
            self.note.emit(tr("There is no mask in sight to snap; mark the damage roughly first."))
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
        self.changed.emit()

    def redo(self) -> None:
        """Do again what was taken back."""
        editor = self._editor_on_screen()
        if editor is not None and editor.can_redo:
            editor.redo()
            self._canvas.update()
        else:
            self._session.redo()
        self.changed.emit()

    # Comment --------------------------------------------------------------------------------------

    def comment(self) -> None:
        """Put the cursor into the comment."""
        self._inspector.ensureWidgetVisible(self._inspector.comment)
        self._inspector.comment.setFocus()

    def _comment_left(self, event: object) -> None:
        self.keep_comment()
        type(self._inspector.comment).focusOutEvent(self._inspector.comment, event)  # type: ignore[arg-type]

    def keep_comment(self) -> None:
        """Store the comment if it was changed."""
        row, picture = self.row, self._canvas.picture
        if row is None or picture is None or picture.row.id != row.id:
            return
        text = self._inspector.comment.toPlainText().strip()
        if text != picture.human.comment:
            self._session.say(
                row,
                comment=text,
                expected=self._expected(),
                sorry=lambda _: self._lost_comments.update({row.id: text}),
            )

    # News -----------------------------------------------------------------------------------------

    def _said(self, image_id: int, human: Human) -> None:
        if self.row is None or image_id != self.row.id:
            self.changed.emit()
            return
        project = self._session.project
        if project is not None:
            self.row = next(iter(by_ids(project, [image_id])), self.row)
        held = self._session.pictures.get(image_id)
        editor = self._canvas.editor
        if held is not None:
            if editor is not None and not editor.is_changed and human.mask is None:
                self._canvas.set_editor(None)
            self._canvas.show_picture(held)
            self._inspector.show_picture(held)
        self.changed.emit()

    def reload(self) -> None:
        """Read the image again: a model has looked at it meanwhile."""
        if self._session.project is None:
            return
        self._session.pictures.forget()
        if self.row is None or self.has_edits:
            return
        self.row = next(iter(self._session.rows([self.row.id])), self.row)
        self._session.pictures.want(self.row.id)
        self.changed.emit()

    def _stale(self, image_id: int) -> None:
        """Something else was stored than what was shown: look again."""
        if self.row is not None and self.row.id == image_id and not self.has_edits:
            self.reload()

    def put_away(self) -> None:
        """Leave the image's page: corrections are on their way to the disk."""
        self.keep_edits()
        self.keep_comment()
        self._canvas.set_editor(None)

    def set_tool(self, tool: Tool) -> None:
        """Take a tool; the canvas gets the keys."""
        if tool is not Tool.HAND and not self._canvas.layers.human_mask.visible:
            self._page.layer_bar.boxes["human_mask"].setChecked(True)  # nobody draws unseen
        self._canvas.highlight = None
        self._canvas.set_tool(tool)
        self._canvas.setFocus()
        self.changed.emit()
