"""Labels to and from other programs: export and import."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

from cfinspect.ui.dialogs.common import Dialog
from cfinspect.ui.dialogs.exporting import ExportDialog
from cfinspect.ui.dialogs.importing import ImportDialog
from cfinspect.ui.frame.context import Context
from cfinspect.ui.state.session import NO_REVIEW
from cfinspect.ui.widgets.translate import tr

if TYPE_CHECKING:
    from cfinspect.formats.exporting import ExportReport
    from cfinspect.formats.import_plan import ImportReport


class ExchangeController:
    """Exports and imports labels as jobs, and says what came of it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._session = context.session
        self._parts = context.parts

    def export(self) -> None:
        """Ask what to export, and do it as a job."""
        self._parts.review.edits.keep()
        scope = self._parts.folders.current_scope()
        dialog = ExportDialog(self._context.window, self._session, scope)
        if not self._context.messages.run(dialog) or not self._may_replace(dialog):
            return
        job = dialog.job()
        ticket = self._session.jobs.add(job)
        ticket.succeeded.connect(lambda report: self._exported(job.out, report))

    def _may_replace(self, dialog: ExportDialog) -> bool:
        """Ask before an export takes the place of a larger one."""
        if dialog.loss is None:
            return True
        before, now = dialog.loss
        return self._context.messages.ask(
            tr("Replace a larger export?"),
            tr(
                "The export in {folder} holds {before} images, and this one would hold {now}. "
                "Which images are taken is chosen under Take.",
                folder=dialog.out.path(),
                before=before,
                now=now,
            ),
            tr("Replace it"),
            risky=True,
        )

    def _exported(self, out: Path, report: ExportReport | None) -> None:
        if report is None:
            return
        dialog = Dialog(self._context.window, tr("Export done"), 480)
        dialog.add_text(
            tr(
                "Images written to {folder}: {n}. Damaged: {damaged}, with masks drawn by humans: "
                "{corrected}.",
                n=report.written,
                folder=out,
                damaged=report.damaged,
                corrected=report.corrected,
            )
        )
        if report.left_out:
            parts = ", ".join(f"{count} {tr(reason)}" for reason, count in report.left_out.items())
            dialog.add_text(tr("Left out: {parts}.", parts=parts), faint=True)
        for sentence in report.problems[:5]:
            dialog.add_text(sentence, faint=True)
        dialog.add_cancel(tr("Close"))
        dialog.add_ok(tr("Show folder"))
        if self._context.messages.run(dialog):
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(out)))

    def import_labels(self) -> None:
        """Ask what to import, and do it as a job."""
        dialog = ImportDialog(self._context.window, self._session)
        if not self._context.messages.run(dialog):
            return
        ticket = self._session.jobs.add(dialog.job())
        ticket.succeeded.connect(self._imported)

    def _imported(self, report: ImportReport) -> None:
        if self._session.project is None:
            return
        if report.cancelled:
            return
        self._session.note_together(report.stored, NO_REVIEW)
        self._session.images_changed.emit(None)
        self._session.refresh()
        self._parts.model.reload()
        dialog = Dialog(self._context.window, tr("Import done"), 480)
        dialog.add_text(
            tr(
                "Taken: {taken}, of them with masks: {masks}. Kept as humans had left them: "
                "{kept}. Unknown: {unknown}. Refused: {refused}.",
                taken=report.taken,
                masks=report.masks,
                kept=report.kept,
                unknown=report.unknown,
                refused=report.refused,
            )
        )
        if report.machine:
            dialog.add_text(
                tr(
                    "Not taken as a human's, as an export of ours says that they are the model's "
                    "own labels or masks: {n}.",
                    n=report.machine,
                ),
                faint=True,
            )
        if report.undrawn:
            dialog.add_text(
                tr(
                    "With lines, points or boxes only, so damaged without a mask: {n}.",
                    n=report.undrawn,
                ),
                faint=True,
            )
        if report.silent:
            dialog.add_text(
                tr("The file says nothing of these, they stay open: {n}.", n=report.silent),
                faint=True,
            )
        for sentence in report.problems[:5] + report.notes[:5]:
            dialog.add_text(sentence, faint=True)
        if report.taken:
            dialog.add_text(tr("Undo takes all of it back."), faint=True)
        dialog.add_ok(tr("Close"))
        self._context.messages.run(dialog)
