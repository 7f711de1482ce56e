"""The training page: what it learns from."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog

from cfinspect.project.paths import user_folder
from cfinspect.ui.frame.context import Context
from cfinspect.ui.jobs.job_types import Export
from cfinspect.ui.widgets.translate import tr


class TrainingController:
    """Gives the training page its folders."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._session = context.session
        self._page = context.parts.training

    def show(self) -> None:
        """The training page, with this project's folders if they have labels."""
        facts, form = self._session.facts, self._page.form
        if facts is not None and self._session.project is not None and not form.data():
            for folder in facts.folders:
                if (folder.path / "undamaged").is_dir() and (folder.path / "damaged").is_dir():
                    form.add_folder(folder.path)
        self._context.layout.show_page(self._page)

    def add_folder(self) -> None:
        """Ask for a folder to learn from."""
        found = QFileDialog.getExistingDirectory(self._context.window, tr("A folder to learn from"))
        if found:
            self._page.form.add_folder(Path(found))

    def add_verdicts(self) -> None:
        """Write what humans said as a folder of training data."""
        from cfinspect.formats.exchange_types import Images, Options  # noqa: PLC0415
        from cfinspect.formats.export_filter import ExportFilter  # noqa: PLC0415

        root, project = self._session.root, self._session.project
        if root is None or project is None:
            return
        out = user_folder() / "training" / f"{root.name}-{project.id[:8]}"
        options = Options(images=Images.COPY)
        job = Export(root, "cfinspect", out, ExportFilter(), options, self._session.who)
        ticket = self._session.jobs.add(job)
        ticket.succeeded.connect(
            lambda report: self._page.form.add_folder(out) if report is not None else None
        )

    def resume(self) -> None:
        """Ask which run to go on with."""
        start = self._page.last_run or user_folder() / "runs"
        found = QFileDialog.getExistingDirectory(
            self._context.window, tr("The folder of the run to go on with"), str(start)
        )
        if found:
            self._page.resume(Path(found))
