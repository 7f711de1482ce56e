"""Projects and their folders: opening, closing, adding, removing, scanning; and the demo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFileDialog, QInputDialog

from cfinspect.project.paths import user_folder
from cfinspect.ui.jobs.job import Failure
from cfinspect.ui.shell.window_base import WARM_UP_MS
from cfinspect.ui.shell.window_models import ModelsPart
from cfinspect.ui.widgets.translate import tr

if TYPE_CHECKING:
    from cfinspect.project.project import Project


_SCAN_AFTER_MS = 600


class ProjectsPart(ModelsPart):
    """What the window does with projects."""

    def open_dialog(self) -> None:
        """Ask for a folder."""
        start = self.preferences.text("open_folder", str(Path.home()))
        found = QFileDialog.getExistingDirectory(self, tr("Open a folder of images"), start)
        if found:
            self.preferences.set_text("open_folder", str(Path(found).parent))
            self.open_project(Path(found))

    def open_project(self, folder: Path) -> None:
        """Open a folder; what is open is stored and closed first."""
        if not folder.is_dir():
            self.preferences.forget(folder)
            self.welcome.show_recent()
            self.show_failure(
                Failure(
                    tr("The project cannot be opened"),
                    tr("There is no folder {folder} any more.", folder=folder),
                    str(folder),
                )
            )
            return
        if not self.may_leave() or not self.leave():
            return
        self.tell(tr("Opening {folder}…", folder=folder))
        self.session.open(folder)

    def close_project(self) -> None:
        """Close the project and go to the first page."""
        if self.may_leave() and self.leave():
            self.welcome.show_recent()
            self.show_page(self.welcome)

    def leave(self) -> bool:
        """Store what is unsaved, stop jobs, close the project; whether that went well."""
        if not self.store_all():
            return False
        self.session.jobs.cancel_all()
        self.session.close()
        return True

    def store_all(self) -> bool:
        """Store corrections and comments; where that fails, the person decides.

        What could not be stored is on screen again.
        """
        if self.session.project is None:
            return True
        self.reviewer.put_away()
        self._is_telling = True  # one question in the end, instead of many dialogs
        try:
            stored = self.session.settle()
        finally:
            self._is_telling = False
        if stored:
            return True
        self._failures.clear()
        failure = self.last_failure
        return self.ask(
            tr("Not everything is stored"),
            tr(
                "{problem} Leave all the same, and lose what could not be stored?",
                problem=failure.sentence if failure is not None else "",
            ),
            tr("Leave"),
            tr("Stay"),
        )

    def may_leave(self, *, quitting: bool = False) -> bool:
        """Ask where a job runs; whether the project may be closed."""
        from cfinspect.ui.jobs.job_types import WarmUp  # noqa: PLC0415

        ticket = self.session.jobs.running
        if ticket is None or isinstance(ticket.job, WarmUp):
            return True
        return self.ask(
            tr("A job is running"),
            tr(
                "{job} is not done yet. Stop it? {keeps}",
                job=ticket.job.title,
                keeps=ticket.job.keeps,
            ),
            tr("Stop and quit") if quitting else tr("Stop it"),
            tr("Keep working"),
        )

    def project_opened(self) -> None:
        """Show a project that was opened."""
        from cfinspect.project.listing import ImageFilter  # noqa: PLC0415

        root = self.session.root
        assert root is not None
        self.setWindowTitle(f"{root.name} – cfinspect")
        self.project_label.setText(tr("project {name}", name=root.name))
        self.message.clear()
        self.model.wanted = ImageFilter()
        self.gallery.restore_order()
        self.model.reload()
        self.show_page(self.gallery)
        self.gallery.grid.setFocus()
        # Looking at what is known comes first.
        QTimer.singleShot(_SCAN_AFTER_MS, self.rescan)
        QTimer.singleShot(WARM_UP_MS, self.warm_up)

    def project_closed(self) -> None:
        """Show that none is open."""
        self.setWindowTitle("cfinspect")
        self.project_label.setText("")
        self._saved = ""
        self.saved_label.setText("")
        self.model_label.setText("")
        self.model_part.setVisible(False)

    def facts_changed(self) -> None:
        """Remember the counts for the list of recent projects."""
        root, facts = self.session.root, self.session.facts
        if root is None or facts is None:
            return
        total = sum(one.images for one in facts.counts)
        self.preferences.set_text(
            f"counts{root}",
            tr("images: {n}, to review: {left}", n=f"{total:,}", left=sum(facts.waiting.values())),
        )
        self.refresh_actions()
        if self.offered_model is not None:
            QTimer.singleShot(0, self._take_offered)

    def fill_recent(self) -> None:
        """List the recent projects in their menu."""
        self.recent_menu.clear()
        for folder in self.preferences.recent():
            action = self.recent_menu.addAction(str(folder))
            action.setEnabled(folder.is_dir())
            action.triggered.connect(lambda _=False, folder=folder: self.open_project(folder))

    def add_folder(self) -> None:
        """Ask for another image folder."""
        found = QFileDialog.getExistingDirectory(self, tr("Add an image folder"))
        if found:
            self.take_paths([Path(found)])

    def take_paths(self, paths: list[Path]) -> None:
        """What was dropped: model files for this project, folders to add or to open."""
        from cfinspect.ui.dialogs.models import add_model_file  # noqa: PLC0415

        folders = [path for path in paths if path.is_dir()]
        if self.session.project is None:
            if folders:
                self.open_project(folders[0])
            return
        models = [path for path in paths if path.suffix == ".safetensors"]
        chosen = self.one_domain(self.folders.current_folders()) if models else []
        if chosen is None:
            return
        for path in models:
            add_model_file(self.session, path, chosen)
        if folders:
            self._add_folders(folders)

    def take_model(self, path: Path) -> None:
        """A model file that was opened with cfinspect: for the project once there is one."""
        self.offered_model = path
        if self.session.facts is not None:
            self._take_offered()
        else:
            self.tell(tr("{file} is taken into the project that opens next.", file=path.name))

    def _take_offered(self) -> None:
        from cfinspect.ui.dialogs.models import add_model_file  # noqa: PLC0415

        path, self.offered_model = self.offered_model, None
        chosen = self.one_domain(self.folders.current_folders()) if path is not None else None
        if path is not None and chosen is not None:
            add_model_file(self.session, path, chosen)

    def _add_folders(self, folders: list[Path]) -> None:
        from cfinspect.ui.dialogs.folder import AddFolderDialog  # noqa: PLC0415

        facts = self.session.facts
        known = {one.path: one for one in facts.folders} if facts else {}
        there = [known[one.resolve()] for one in folders if one.resolve() in known]
        folders = [one for one in folders if one.resolve() not in known]
        if not folders:
            self.tell(tr("{folder} is in the project already.", folder=there[0].path))
            self.folders.select(there[0].id)
            return
        domains = sorted({one.domain for one in known.values()})
        dialog = AddFolderDialog(self, folders, domains)
        if not self.run_dialog(dialog):
            return
        domain = dialog.domain()

        def work(project: Project) -> list[int]:
            return [project.add_folder(folder, domain).id for folder in folders]

        def after(added: list[int]) -> None:
            self.rescan(added)
            self._select_when_known(added[0])

        self.session.change(work, after)

    def _select_when_known(self, folder: int) -> None:
        """Choose a new folder on the left as soon as it is listed: what follows is for it."""

        root = self.session.root

        def look() -> None:
            if self.session.root != root:
                self.session.facts_changed.disconnect(look)
            elif self.session.folder(folder) is not None:
                self.session.facts_changed.disconnect(look)
                self.folders.select(folder)

        self.session.facts_changed.connect(look)

    def remove_folder(self, number: int) -> None:
        """Take a folder out of the project, after a question: undo does not bring it back."""
        folder = self.session.folder(number)
        if folder is None or not self.ask(
            tr("Remove from the project"),
            tr(
                "{folder} leaves the project. No file is deleted, and what was said of its images "
                "comes back when the folder is added again.",
                folder=folder.path,
            ),
            tr("Remove"),
        ):
            return
        self.session.change(lambda project: project.remove_folder(folder))

    def set_scale(self, number: int) -> None:
        """Ask for the scale of a folder's images."""
        folder = self.session.folder(number)
        if folder is None:
            return
        value, chosen = QInputDialog.getDouble(
            self,
            tr("Scale"),
            tr("Millimetres a pixel in {folder}:", folder=folder.path.name),
            folder.mm_per_px or 0.1,
            0.000001,
            1000.0,
            6,
        )
        if chosen:
            self.session.change(
                lambda project: project.add_folder(folder.path, mm_per_px=value),
                lambda _: self.inspector.show_picture(self.canvas.picture),
            )

    def rescan(self, folders: list[int] | None = None) -> None:
        """Look for new, moved and vanished images."""
        from cfinspect.ui.jobs.job_types import Scan  # noqa: PLC0415

        root = self.session.root
        if root is None:
            return
        ticket = self.session.jobs.add(Scan(root, folders))
        ticket.succeeded.connect(self._scanned)

    def _scanned(self, report: Any) -> None:
        if report is None or self.session.project is None:
            return
        self.session.refresh()
        self.model.reload()
        if report.new or report.changed or report.vanished or report.moved or report.returned:
            self.reviewer.reload()
        if report.problems:
            self.tell(report.problems[0])
            return
        counted = (
            (report.new, tr("new: {n}", n=f"{report.new:,}")),
            (report.moved, tr("moved: {n}", n=f"{report.moved:,}")),
            (report.vanished, tr("vanished: {n}", n=f"{report.vanished:,}")),
        )
        news = [text for number, text in counted if number]
        if news:
            self.tell(tr("Images {news}.", news=", ".join(news)))

    def demo(self, folder: Path | None = None) -> None:
        """Make the demo project (in ``folder``) if it is not there, and open it."""
        from cfinspect.ui.jobs.training import Demo  # noqa: PLC0415

        if not self.may_leave() or not self.leave():
            return
        place = folder if folder is not None else user_folder() / "demo"
        ticket = self.session.jobs.add(Demo(place, self.preferences.get("device")))
        self.tell(tr("Preparing the demo: images are drawn and inspected."))
        ticket.succeeded.connect(lambda root: self.session.open(root) if root else None)
