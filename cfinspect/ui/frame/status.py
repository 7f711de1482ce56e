"""The status bar: what was said last, the job, what is stored, model, device, project."""

from __future__ import annotations

import time

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QProgressBar, QStatusBar, QToolButton

from cfinspect.ui.jobs.job import JobHandle, JobState
from cfinspect.ui.widgets.icons import dress
from cfinspect.ui.widgets.label import Label
from cfinspect.ui.widgets.translate import tr


class Status:
    """Fills the status bar. ``message``: the label of what was said last."""

    def __init__(self, bar: QStatusBar, message: Label) -> None:
        self.job_label, self.job_bar, self.job_cancel = Label(), QProgressBar(), QToolButton()
        self.saved_label, self.model_label = Label(), Label()
        self.device_label, self.project_label = Label(), Label()
        self._saved = ""
        self.job_bar.setFixedSize(120, 10)
        self.job_bar.setTextVisible(False)
        dress(self.job_cancel, "stop")
        self.job_cancel.setText(tr("Cancel"))
        self.job_cancel.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.job_cancel.setToolTip(tr("Cancel this job (Ctrl+.)"))
        self.job_cancel.setAccessibleName(tr("Cancel this job"))
        bar.addWidget(message, 1)
        for widget in (
            self.job_label,
            self.job_bar,
            self.job_cancel,
            self.saved_label,
            self.model_label,
            self.device_label,
            self.project_label,
        ):
            bar.addPermanentWidget(widget)

    def show_job(self, ticket: JobHandle | None, text: str = "") -> None:
        """Show the job that runs (None: none)."""
        for widget in (self.job_label, self.job_bar, self.job_cancel):
            widget.setVisible(ticket is not None)
        if ticket is not None:
            self.job_label.setText(text)
            self.job_bar.setMaximum(ticket.progress.total or 0)
            self.job_bar.setValue(ticket.progress.done)
            self.job_cancel.setEnabled(ticket.state is not JobState.STOPPING)

    def show_saving(self, pending: int, *, has_edits: bool) -> None:
        """Say whether words are on their way to the disk, or ``has_edits`` that are not yet."""
        if pending:
            self.saved_label.setText(tr("saving…"))
        elif has_edits:
            self.saved_label.setText(tr("not stored yet"))
        else:
            self.saved_label.setText(self._saved)

    def note_saved(self) -> None:
        """Remember when the last word was stored."""
        self._saved = tr("saved {time}", time=time.strftime("%H:%M:%S"))

    def show_project(self, name: str) -> None:
        """Name the project."""
        self.project_label.setText(tr("project {name}", name=name))

    def clear_project(self) -> None:
        """No project is open."""
        self._saved = ""
        for label in (self.project_label, self.saved_label, self.model_label):
            label.setText("")
