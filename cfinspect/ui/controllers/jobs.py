"""How jobs are shown and stopped, and the first of them, which loads the networks' library."""

from __future__ import annotations

import gc

from PySide6.QtCore import QTimer

from cfinspect.ui.dialogs.help import JobsDialog, job_text
from cfinspect.ui.frame.context import Context
from cfinspect.ui.jobs.job import JobHandle, JobState
from cfinspect.ui.jobs.job_types import WarmUp
from cfinspect.ui.widgets.translate import tr

_WARM_UP_MS = 2500


class JobController:
    """Shows the running job, stops it, and warms up. ``device``: what networks run on, or ""."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._jobs = context.session.jobs
        self._is_closing = False
        self.device = ""

    def warm_up_soon(self) -> None:
        """Warm up once the first things are on the screen."""
        QTimer.singleShot(_WARM_UP_MS, self.warm_up)

    def warm_up(self) -> None:
        """Load the networks' library once, while nobody waits for it."""
        if self.device or self._is_closing:
            return
        self.device = tr("getting ready…")
        self._context.status.device_label.setText(self.device)
        ticket = self._jobs.add(WarmUp(self._context.preferences.get("device")))
        ticket.succeeded.connect(self._warm)
        ticket.ended.connect(lambda: self._not_warm(ticket))

    def warm_up_anew(self) -> None:
        """Another device was chosen."""
        self.device = ""
        self.warm_up()

    def _warm(self, device: str | None) -> None:
        if device:
            # What is there now stays; the collector need not look at it again and again, which
            # would be felt while scrolling.
            gc.freeze()
            self.device = device
            self._context.status.device_label.setText(device)
            self._context.parts.training.form.show_device(device)

    def _not_warm(self, ticket: JobHandle) -> None:
        if ticket.state is not JobState.DONE:
            self.device = ""  # another time
            self._context.status.device_label.clear()

    def close(self) -> None:
        """Stop everything and end the jobs' thread."""
        self._is_closing = True
        self._jobs.close()

    def cancel(self) -> None:
        """Stop the job that runs."""
        ticket = self._jobs.running
        if ticket is not None:
            self._jobs.cancel(ticket)
            self._context.messages.tell(tr("Stopping: {keeps}", keeps=ticket.job.keeps))

    def show_running(self) -> None:
        """Show the running job in the status bar."""
        ticket = self._jobs.running
        waiting = sum(one.state is JobState.WAITING for one in self._jobs.tickets)
        if ticket is None or isinstance(ticket.job, WarmUp):
            self._context.status.show_job(None)
        else:
            text = f"{ticket.job.title}: {job_text(ticket)}"
            if waiting:
                text += "   " + tr("(waiting: {n})", n=waiting)
            self._context.status.show_job(ticket, text)
        self._context.refresher.refresh()

    def ended(self, ticket: JobHandle) -> None:
        """Say what a cancelled job left."""
        if ticket.state is JobState.CANCELLED and ticket.job.keeps:
            title = ticket.job.title
            self._context.messages.tell(
                tr("{job} was stopped. {keeps}", job=title, keeps=ticket.job.keeps)
            )

    def show_all(self) -> None:
        """What runs and what waits."""
        self._context.messages.run(JobsDialog(self._context.window, self._jobs))
