"""Commands that open a dialog; imported when the first of them is needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog

from cfinspect.ui.dialogs.common import Dialog
from cfinspect.ui.dialogs.exporting import ExportDialog
from cfinspect.ui.dialogs.help import AboutDialog, JobsDialog, KeysDialog
from cfinspect.ui.dialogs.importing import ImportDialog
from cfinspect.ui.dialogs.models import ModelsDialog, add_model_file
from cfinspect.ui.dialogs.palette import Palette
from cfinspect.ui.dialogs.paths import model_filter
from cfinspect.ui.dialogs.settings import PreferencesDialog, ShortcutsDialog
from cfinspect.ui.widgets.translate import tr

if TYPE_CHECKING:
    from cfinspect.ui.shell.main_window import MainWindow


def export_labels(window: MainWindow) -> None:
    """Ask what to export, and do it as a job."""
    window.reviewer.keep_edits()
    dialog = ExportDialog(window, window.session, window.folders.current_scope())
    if not window.run_dialog(dialog):
        return
    job = dialog.job()
    ticket = window.session.jobs.add(job)
    ticket.succeeded.connect(lambda report: _exported(window, job.out, report))


def _exported(window: MainWindow, out: Path, report: Any) -> None:
    if report is None:
        return
    dialog = Dialog(window, tr("Export done"), 480)
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
    dialog.add_cancel(tr("Close"))
    dialog.add_ok(tr("Show folder"))
    if window.run_dialog(dialog):
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(out)))


def import_labels(window: MainWindow) -> None:
    """Ask what to import, and do it as a job."""
    dialog = ImportDialog(window, window.session)
    if not window.run_dialog(dialog):
        return
    ticket = window.session.jobs.add(dialog.job())
    ticket.succeeded.connect(lambda report: _imported(window, report))


def _imported(window: MainWindow, report: Any) -> None:
    if window.session.project is None:
        return
    window.session.images_changed.emit(None)
    window.session.refresh()
    window.model.reload()
    dialog = Dialog(window, tr("Import done"), 480)
    dialog.add_text(
        tr(
            "Taken: {taken}, of them with masks: {masks}. Kept as humans had left them: {kept}. "
            "Unknown: {unknown}. Refused: {refused}.",
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
                "Not taken as a human's, as an export of ours says that they are the model's own "
                "labels or masks: {n}.",
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
    for problem in report.problems[:5]:
        dialog.add_text(problem, faint=True)
    dialog.add_ok(tr("Close"))
    window.run_dialog(dialog)


def models(window: MainWindow) -> None:
    """The models of the project."""
    window.run_dialog(ModelsDialog(window, window.session, window.folders.current_folders()))


def import_model(window: MainWindow) -> None:
    """Take in a model file for the folders that are chosen."""
    found, _ = QFileDialog.getOpenFileName(window, tr("Import a model file"), "", model_filter())
    if found:
        folders = window.one_domain(window.folders.current_folders())
        if folders is not None:
            add_model_file(window.session, Path(found), folders)


def preferences(window: MainWindow) -> None:
    """All preferences."""
    window.run_dialog(PreferencesDialog(window, window.preferences))


def shortcuts(window: MainWindow) -> None:
    """All shortcuts."""
    window.run_dialog(ShortcutsDialog(window, window.actions_, window.preferences))


def palette(window: MainWindow) -> None:
    """Search all commands, at the top of the window."""
    dialog = Palette(window, window.actions_)
    place = window.mapToGlobal(window.rect().topLeft())
    dialog.move(place.x() + (window.width() - dialog.width()) // 2, place.y() + 60)
    dialog.text.setFocus()
    window.run_dialog(dialog)


def jobs(window: MainWindow) -> None:
    """What runs and what waits."""
    window.run_dialog(JobsDialog(window, window.session.jobs))


def keys(window: MainWindow) -> None:
    """All keys on one page."""
    window.run_dialog(KeysDialog(window, window.actions_))


def about(window: MainWindow, device: str) -> None:
    """Who we are."""
    window.run_dialog(AboutDialog(window, device))
