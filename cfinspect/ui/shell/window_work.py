"""Long work: inspecting, training, and how jobs are shown."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from cfinspect.project.paths import user_folder
from cfinspect.ui.jobs.job import JobHandle, JobState
from cfinspect.ui.shell.window_projects import ProjectsPart
from cfinspect.ui.widgets.translate import tr

if TYPE_CHECKING:
    from cfinspect.ui.jobs.explaining import Shown, Wish


class WorkPart(ProjectsPart):
    """What the window does as jobs."""

    _next_is_review = False

    def inspect(self, folders: list[int] | None = None) -> None:
        """Ask which model, and inspect the chosen folders."""
        from cfinspect.ui.dialogs.inspect import InspectDialog  # noqa: PLC0415

        wanted = folders or self.folders.current_folders()
        if self.session.facts is None:
            return
        dialog = InspectDialog(self, self.session, wanted)
        dialog.train_asked.connect(self.show_training, Qt.ConnectionType.QueuedConnection)
        if self.run_dialog(dialog):
            for plan in dialog.plans():
                self.start_inspection(plan.model, plan.folders)

    def show_next_step(self) -> None:
        """Offer what comes next for the chosen folders: an inspection, then the review."""
        from cfinspect.ui.jobs.job_types import Inspect  # noqa: PLC0415

        facts, chosen = self.session.facts, set(self.folders.current_folders())
        if facts is None or any(isinstance(one.job, Inspect) for one in self.session.jobs.tickets):
            self.gallery.offer("")
            return
        new = sum(
            one.images for one in facts.counts if one.folder_id in chosen and one.machine is None
        )
        new -= sum(facts.unreadable.get(one, 0) for one in chosen)
        left = sum(facts.waiting.get(one, 0) for one in chosen)
        if new > 0:
            tip = tr("Let a model look at the images of the folder")
            self.gallery.offer(tr("Inspect… (new: {n})", n=f"{new:,}"), tip)
        elif left:
            tip = tr("Look at doubtful images, the most doubtful first")
            self.gallery.offer(tr("Review (waiting: {n})", n=f"{left:,}"), tip)
        else:
            self.gallery.offer("")
        self._next_is_review = new <= 0

    def take_next_step(self) -> None:
        """Do what the gallery offers."""
        self.actions_["review" if self._next_is_review else "inspect"].trigger()
        if self.pages.currentWidget() is self.gallery:
            self.gallery.focus()

    def inspect_this_folder(self) -> None:
        """Inspect the folder of the image on screen."""
        row = self.reviewer.row
        if row is not None:
            self.inspect([row.folder_id])

    def inspect_selection(self) -> None:
        """Inspect the selected images again with their folder's model."""
        by_folder: dict[int, list[int]] = {}
        for row in self.targets():
            by_folder.setdefault(row.folder_id, []).append(row.id)
        for folder, ids in by_folder.items():
            model = self.session.model_of(folder)
            if model is not None:
                self.start_inspection(model.path, [folder], ids)

    def explain_image(self) -> None:
        """Ask which other explainer shall look at the image on screen."""
        from cfinspect.ui.dialogs.explain import ExplainDialog  # noqa: PLC0415
        from cfinspect.ui.jobs.explaining import Wish  # noqa: PLC0415

        row = self.reviewer.row
        model = None if row is None else self.session.model_of(row.folder_id)
        if row is None or model is None:
            return
        device = self.preferences.get("device")
        wish = Wish(row.id, row.path, model.path, "rise", None, device)
        dialog = ExplainDialog(self, self.session, wish)
        if self.run_dialog(dialog):
            self.start_explaining(dialog.wish())

    def start_explaining(self, wish: Wish) -> JobHandle:
        """Queue an explanation; it is shown if its image is still on screen."""
        from cfinspect.ui.jobs.explaining import Explain  # noqa: PLC0415

        ticket = self.session.jobs.add(Explain(wish))
        ticket.succeeded.connect(self._explained)
        return ticket

    def _explained(self, shown: Shown | None) -> None:
        if shown is None:
            return
        if shown.saliency and not self.show_explanation(shown):
            self.session.explanations[shown.image_id] = shown
        self.tell(shown.sentence)

    def show_explanation(self, shown: Shown) -> bool:
        """Show it if its image is on screen; whether it is."""
        if not self.canvas.show_explanation(shown):
            return False
        self.refresh_actions()
        return True

    def show_waiting_explanation(self) -> None:
        """What came for this image while another one was on screen."""
        picture = self.canvas.picture
        waiting = self.session.explanations
        shown = waiting.get(picture.row.id) if picture is not None else None
        if shown is not None and self.show_explanation(shown):
            del waiting[shown.image_id]

    def start_inspection(
        self, model: Path, folders: list[int], only: list[int] | None = None
    ) -> JobHandle | None:
        """Queue an inspection; results appear while it runs."""
        from cfinspect.ui.jobs.job_types import Inspect  # noqa: PLC0415

        root = self.session.root
        if root is None:
            return None
        device = self.preferences.get("device")
        ticket = self.session.jobs.add(Inspect(root, model, folders, only, device))
        self.show_next_step()  # offers something again once the counts have been read anew
        ticket.part.connect(self._inspected)
        ticket.succeeded.connect(self._inspection_done)
        ticket.ended.connect(self._after_inspection)
        return ticket

    def _inspected(self, parts: list[list[int]]) -> None:
        ids = [one for part in parts for one in part]
        if self.session.project is None:
            return
        shown = self.reviewer.row.id if self.reviewer.row is not None else None
        self.session.pictures.forget([one for one in ids if one != shown])
        self.session.images_changed.emit(ids)
        self.session.refresh()
        if self.reviewer.row is not None and self.reviewer.row.id in set(ids):
            self.reviewer.reload()

    def _inspection_done(self, tally: Any) -> None:
        text = tr(
            "Inspected: {done}. Damaged: {damaged}, flagged: {review}, unreadable: {errors}.",
            done=tally.done,
            damaged=tally.damaged,
            review=tally.review,
            errors=tally.errors,
        )
        if tally.review:
            text += " " + tr("Press R to review.")
        self.tell(text)

    def _after_inspection(self) -> None:
        if self.session.project is not None:
            self.session.images_changed.emit(None)
            self.session.refresh()
            self.model.reload()

    def show_training(self) -> None:
        """The training page, with this project's folders if they have labels."""
        facts, project = self.session.facts, self.session.project
        if facts is not None and project is not None and not self.training.form.data():
            for folder in facts.folders:
                if (folder.path / "undamaged").is_dir() and (folder.path / "damaged").is_dir():
                    self.training.form.add_folder(folder.path)
        self.show_page(self.training)

    def training_folder(self) -> None:
        """Ask for a folder to learn from."""
        found = QFileDialog.getExistingDirectory(self, tr("A folder to learn from"))
        if found:
            self.training.form.add_folder(Path(found))

    def training_from_verdicts(self) -> None:
        """Write what humans said as a folder of training data."""
        from cfinspect.formats.exchange_types import Images, Options  # noqa: PLC0415
        from cfinspect.formats.export_filter import ExportFilter  # noqa: PLC0415
        from cfinspect.ui.jobs.job_types import Export  # noqa: PLC0415

        root, project = self.session.root, self.session.project
        if root is None or project is None:
            return
        out = user_folder() / "training" / f"{root.name}-{project.id[:8]}"
        job = Export(
            root, "cfinspect", out, ExportFilter(), Options(images=Images.COPY), self.session.who
        )
        ticket = self.session.jobs.add(job)
        ticket.succeeded.connect(
            lambda report: self.training.form.add_folder(out) if report is not None else None
        )

    def resume_training(self) -> None:
        """Ask which run to go on with."""
        start = self.training.last_run or user_folder() / "runs"
        found = QFileDialog.getExistingDirectory(
            self, tr("The folder of the run to go on with"), str(start)
        )
        if found:
            self.training.resume(Path(found))

    def use_model(self, path: Path) -> None:
        """Let a new model count, and inspect with it."""
        if self.session.project is None:
            return
        folders = self.one_domain(self.folders.current_folders())
        if folders:
            self.training.result.hide()
            self.show_page(self.gallery)
            self.start_inspection(path, folders)

    def warm_up(self) -> None:
        """Load the networks' library once, while nobody waits for it."""
        from cfinspect.ui.jobs.job_types import WarmUp  # noqa: PLC0415

        if self.device_text or self.is_closing:
            return
        self.device_text = tr("getting ready…")
        self.device_label.setText(self.device_text)
        ticket = self.session.jobs.add(WarmUp(self.preferences.get("device")))
        ticket.succeeded.connect(self._warm)
        ticket.ended.connect(lambda: self._not_warm(ticket))

    def _warm(self, device: str | None) -> None:
        if device:
            # What is there now stays; the collector need not look at it again and again, which
            # would be felt while scrolling.
            gc.freeze()
            self.device_text = device
            self.device_label.setText(device)
            self.training.form.show_device(device)

    def _not_warm(self, ticket: JobHandle) -> None:
        if ticket.state is not JobState.DONE:
            self.device_text = ""  # another time
            self.device_label.clear()

    def cancel_job(self) -> None:
        """Stop the job that runs."""
        ticket = self.session.jobs.running
        if ticket is not None:
            self.session.jobs.cancel(ticket)
            self.tell(tr("Stopping: {keeps}", keeps=ticket.job.keeps))

    def show_jobs(self) -> None:
        """Show the running job in the status bar."""
        from cfinspect.ui.dialogs.help import job_text  # noqa: PLC0415
        from cfinspect.ui.jobs.job_types import WarmUp  # noqa: PLC0415

        ticket = self.session.jobs.running
        waiting = sum(one.state is JobState.WAITING for one in self.session.jobs.tickets)
        hidden = ticket is None or isinstance(ticket.job, WarmUp)
        for widget in (self.job_label, self.job_bar, self.job_cancel):
            widget.setVisible(not hidden)
        if ticket is not None and not hidden:
            text = f"{ticket.job.title}: {job_text(ticket)}"
            if waiting:
                text += "   " + tr("(waiting: {n})", n=waiting)
            self.job_label.setText(text)
            self.job_bar.setMaximum(ticket.progress.total or 0)
            self.job_bar.setValue(ticket.progress.done)
            self.job_cancel.setEnabled(ticket.state is not JobState.STOPPING)
        self.refresh_actions()

    def job_ended(self, ticket: JobHandle) -> None:
        """Say what a cancelled job left."""
        if ticket.state is JobState.CANCELLED and ticket.job.keeps:
            title = ticket.job.title
            self.tell(tr("{job} was stopped. {keeps}", job=title, keeps=ticket.job.keeps))
