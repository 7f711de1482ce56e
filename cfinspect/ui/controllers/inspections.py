"""Inspecting images with a model, and what comes next for the chosen folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer

from cfinspect.ui.controllers.models import ModelController
from cfinspect.ui.controllers.training import TrainingController
from cfinspect.ui.frame.context import Context
from cfinspect.ui.jobs.job import JobHandle
from cfinspect.ui.jobs.job_types import Inspect
from cfinspect.ui.widgets.translate import tr

if TYPE_CHECKING:
    from cfinspect.engine.model.unlikeness import UnlikeCount
    from cfinspect.project.inspecting import InspectionCounts
    from cfinspect.project.listing import ImageRow


class InspectionController:
    """Starts inspections and shows what they find while they run."""

    def __init__(
        self, context: Context, models: ModelController, training: TrainingController
    ) -> None:
        self._context = context
        self._session = context.session
        self._parts = context.parts
        self._models = models
        self._training = training
        self._next_is_review = False

    # Starting -------------------------------------------------------------------------------------

    def inspect(self, folders: list[int] | None = None) -> None:
        """Ask which model, and inspect these folders (None: the chosen ones)."""
        from cfinspect.ui.dialogs.inspect import InspectDialog  # noqa: PLC0415  (when needed)

        wanted = folders or self._parts.folders.current_folders()
        if self._session.facts is None:
            return
        dialog = InspectDialog(self._context.window, self._session, wanted)
        # Once the dialog is gone.
        dialog.train_asked.connect(lambda: QTimer.singleShot(0, self._training.show))
        if self._context.messages.run(dialog):
            for plan in dialog.plans():
                self.start(plan.model, plan.folders)

    def inspect_folder_on_screen(self) -> None:
        """Inspect the folder of the image on screen."""
        row = self._parts.review.navigator.row
        if row is not None:
            self.inspect([row.folder_id])

    def inspect_again(self, rows: list[ImageRow]) -> None:
        """Inspect these images again with their folders' models."""
        by_folder: dict[int, list[int]] = {}
        for row in rows:
            by_folder.setdefault(row.folder_id, []).append(row.id)
        for folder, ids in by_folder.items():
            model = self._session.model_of(folder)
            if model is not None:
                self.start(model.path, [folder], ids)

    def use_model(self, path: Path) -> None:
        """Let a new model count for the chosen folders, and inspect with it."""
        if self._session.project is None:
            return
        folders = self._models.one_domain(self._parts.folders.current_folders())
        if folders:
            self._parts.training.result.hide()
            self._context.layout.show_page(self._parts.gallery)
            self.start(path, folders)

    def start(
        self, model: Path, folders: list[int], only: list[int] | None = None
    ) -> JobHandle | None:
        """Queue an inspection of folders, or of ``only`` these images (ids) of them.

        Results appear while it runs. None where no project is open.
        """
        root = self._session.root
        if root is None:
            return None
        device = self._context.preferences.get("device")
        ticket = self._session.jobs.add(Inspect(root, model, folders, only, device))
        self.show_next_step()  # offers something again once the counts have been read anew
        ticket.part.connect(self._inspected)
        ticket.succeeded.connect(self._done)
        ticket.ended.connect(self._ended)
        return ticket

    def _inspected(self, parts: list[list[int]]) -> None:
        ids = [one for part in parts for one in part]
        if self._session.project is None:
            return
        row = self._parts.review.navigator.row
        shown = row.id if row is not None else None
        self._session.pictures.forget([one for one in ids if one != shown])
        self._session.images_changed.emit(ids)
        self._session.refresh()
        if shown in set(ids):
            self._parts.review.navigator.reload()

    def _done(self, tally: InspectionCounts) -> None:
        text = tr(
            "Inspected: {done}. Damaged: {damaged}, flagged: {review}, unreadable: {errors}.",
            done=tally.done,
            damaged=tally.damaged,
            review=tally.review,
            errors=tally.errors,
        )
        if tally.review:
            text += " " + tr("Press R to review.")
        if tally.unlike.is_alarming:
            text = f"{_warning(tally.unlike)} {text}"
        self._context.messages.tell(text, stays=tally.unlike.is_alarming)

    def _ended(self) -> None:
        if self._session.project is not None:
            self._session.images_changed.emit(None)
            self._session.refresh()
            self._parts.model.reload()

    # The next step --------------------------------------------------------------------------------

    def show_next_step(self) -> None:
        """Offer what comes next for the chosen folders: an inspection, then the review."""
        facts, chosen = self._session.facts, set(self._parts.folders.current_folders())
        gallery = self._parts.gallery
        inspecting = any(isinstance(one.job, Inspect) for one in self._session.jobs.tickets)
        if facts is None or inspecting:
            gallery.offer("")
            return
        new = sum(
            one.images for one in facts.counts if one.folder_id in chosen and one.machine is None
        )
        new -= sum(facts.unreadable.get(one, 0) for one in chosen)
        left = sum(facts.waiting.get(one, 0) for one in chosen)
        if new > 0:
            tip = tr("Let a model look at the images of the folder")
            gallery.offer(tr("Inspect… (new: {n})", n=f"{new:,}"), tip)
        elif left:
            tip = tr("Look at doubtful images, the most doubtful first")
            gallery.offer(tr("Review (waiting: {n})", n=f"{left:,}"), tip)
        else:
            gallery.offer("")
        self._next_is_review = new <= 0

    def take_next_step(self) -> None:
        """Do what the gallery offers."""
        self._context.actions["review" if self._next_is_review else "inspect"].trigger()
        if self._context.layout.is_on_gallery:
            self._parts.gallery.focus()


def _warning(count: UnlikeCount) -> str:
    """``UnlikeCount.warning`` in the window's language."""
    return tr(
        "{unlike} of {judged} images are unlike those that the model learned from: check its "
        "answers on some of them, and calibrate or train it with images of this kind.",
        unlike=count.unlike,
        judged=count.judged,
    )
