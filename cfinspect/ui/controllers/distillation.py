"""Letting the model in use learn masks from the review."""

from __future__ import annotations

from PySide6.QtWidgets import QInputDialog

from cfinspect.project.project import ProjectModel
from cfinspect.ui.controllers.inspections import InspectionController
from cfinspect.ui.dialogs.common import Dialog
from cfinspect.ui.frame.context import Context
from cfinspect.ui.jobs.distilling import STEPS, Distil, Distilled
from cfinspect.ui.jobs.job import JobHandle
from cfinspect.ui.jobs.job_types import model_name, summary_of
from cfinspect.ui.widgets.translate import tr


class DistillationController:
    """Starts distillations, says what came of them, and lets better models count."""

    def __init__(self, context: Context, inspections: InspectionController) -> None:
        self._context = context
        self._session = context.session
        self._parts = context.parts
        self._inspections = inspections

    def start(self, steps: int = STEPS) -> JobHandle | None:
        """Queue a distillation of the chosen folders' model by their images; None: cancelled.

        What is being drawn is stored first.
        """
        chosen = self._parts.folders.current_folders()
        model = self._choose(self._session.teachable_models(chosen))
        if model is None:
            return None
        self._parts.review.edits.keep()
        root, stored = self._session.root, self._session.settle()
        if root is None or not stored:  # what could not be stored is told and on screen again
            return None
        bound = [one for one in chosen if self._session.model_of(one) == model]
        job = Distil(root, model, bound, self._context.preferences.get("device"), steps)
        ticket = self._session.jobs.add(job)
        self._context.messages.tell(
            tr("{model} learns masks; you can go on with the review.", model=model_name(model))
        )
        ticket.succeeded.connect(lambda distilled: self.show_result(job, distilled))
        return ticket

    def _choose(self, models: list[ProjectModel]) -> ProjectModel | None:
        """The model that is to learn; asks where the chosen folders have several."""
        if len(models) < 2:
            return models[0] if models else None
        names = [f"{model_name(one)} ({summary_of(one).created})" for one in models]
        name, chosen = QInputDialog.getItem(
            self._context.window,
            tr("Which model?"),
            tr("The chosen folders have several models. Which one shall learn?"),
            names,
            0,
            False,
        )
        return models[names.index(name)] if chosen else None

    def show_result(self, job: Distil, distilled: Distilled) -> None:
        """Say what came of a job; a better model counts where the taught one still does."""
        if self._session.root != job.root:
            return
        name, model = model_name(job.model), distilled.model
        if model is None:
            dialog = Dialog(self._context.window, tr("The new masks are no better"), 480)
            dialog.add_text(distilled.figures)
            dialog.add_text(
                tr(
                    "{model} stays in use and nothing was changed. With more corrected masks it "
                    "may learn more.",
                    model=name,
                ),
                faint=True,
            )
            dialog.add_ok(tr("Close"))
            self._context.messages.run(dialog)
            return
        # The person may have chosen another model for a folder in the meantime: that one stays.
        folders = [one for one in job.folders if self._session.model_of(one) == job.model]
        self._session.add_model_file(model, folders)
        dialog = Dialog(self._context.window, tr("The new masks are better"), 480)
        dialog.add_text(distilled.figures)
        if not folders:
            dialog.add_text(
                tr(
                    "The folders have another model by now, which stays in use. {new} is under "
                    "Model.",
                    new=model.stem,
                )
            )
            dialog.add_ok(tr("Close"))
            self._context.messages.run(dialog)
            return
        dialog.add_text(
            tr(
                "{new} is in use now; {old} stays under Model. Inspect the images again to see the "
                "new masks.",
                new=model.stem,
                old=name,
            )
        )
        dialog.add_text(str(model), faint=True)
        dialog.add_cancel(tr("Later"))
        dialog.add_ok(tr("Inspect again"))
        if self._context.messages.run(dialog) and self._session.root == job.root:
            self._inspections.start(model, folders)
