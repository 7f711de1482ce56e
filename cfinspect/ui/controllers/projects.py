"""Projects: opening, closing, scanning; and the demo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFileDialog

from cfinspect.project.listing import ImageFilter
from cfinspect.project.paths import user_folder
from cfinspect.ui.frame.context import Context
from cfinspect.ui.jobs.job import Failure
from cfinspect.ui.jobs.job_types import Scan, WarmUp
from cfinspect.ui.jobs.training import Demo
from cfinspect.ui.state.preferences import is_there
from cfinspect.ui.widgets.translate import tr

if TYPE_CHECKING:
    from cfinspect.project.scan import ScanReport

_SCAN_AFTER_MS = 600
_NAMED = 10  # folders that a question names


class ProjectController:
    """Opens, closes and scans the project."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._session = context.session
        self._parts = context.parts
        self._messages = context.messages
        self._preferences = context.preferences

    # Opening and closing --------------------------------------------------------------------------

    def open_dialog(self) -> None:
        """Ask for a folder."""
        start = self._preferences.text("open_folder", str(Path.home()))
        found = QFileDialog.getExistingDirectory(
            self._context.window, tr("Open a folder of images"), start
        )
        if found:
            self._preferences.set_text("open_folder", str(Path(found).parent))
            self.open(Path(found))

    def open(self, folder: Path) -> None:
        """Open a folder; what is open is stored and closed first."""
        if not is_there(folder):
            self._preferences.forget(folder)
            self._parts.welcome.show_recent()
            self._messages.show_failure(
                Failure(
                    tr("The project cannot be opened"),
                    tr("There is no folder {folder} any more.", folder=folder),
                    str(folder),
                )
            )
            return
        if not self.may_leave() or not self._leave():
            return
        self._messages.tell(tr("Opening {folder}…", folder=folder))
        self._session.open(folder)

    def close(self) -> None:
        """Close the project and go to the first page."""
        if self.may_leave() and self._leave():
            self._parts.welcome.show_recent()
            self._context.layout.show_page(self._parts.welcome)

    def _leave(self) -> bool:
        """Store what is unsaved, stop jobs, close the project; whether that went well."""
        if not self.store_all():
            return False
        self._session.jobs.cancel_all()
        self._session.close()
        return True

    def store_all(self) -> bool:
        """Store corrections and comments; where that fails, the person decides.

        What could not be stored is on screen again.
        """
        if self._session.project is None:
            return True
        self._parts.review.navigator.put_away()
        with self._messages.failures_held():  # one question in the end, instead of many dialogs
            stored = self._session.settle()
        if stored:
            return True
        self._messages.drop_failures()
        failure = self._messages.last_failure
        return self._messages.ask(
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
        ticket = self._session.jobs.running
        if ticket is None or isinstance(ticket.job, WarmUp):
            return True
        return self._messages.ask(
            tr("A job is running"),
            tr(
                "{job} is not done yet. Stop it? {keeps}",
                job=ticket.job.title,
                keeps=ticket.job.keeps,
            ),
            tr("Stop and quit") if quitting else tr("Stop it"),
            tr("Keep working"),
        )

    # What the session has to say ------------------------------------------------------------------

    def opened(self) -> None:
        """Show a project that was opened."""
        root = self._session.root
        assert root is not None
        self._context.window.setWindowTitle(f"{root.name} – cfinspect")
        self._context.status.show_project(root.name)
        self._messages.label.clear()
        parts = self._parts
        parts.model.wanted = ImageFilter()
        parts.gallery.restore_order()
        parts.model.reload()
        self._context.layout.show_page(parts.gallery)
        parts.gallery.grid.setFocus()
        if self._may_only_look():
            return
        # Looking at what is known comes first.
        QTimer.singleShot(_SCAN_AFTER_MS, self.rescan)

    def _may_only_look(self) -> bool:
        """Say so where nothing can be written into the project, and why."""
        project = self._session.project
        if project is None or not project.read_only:
            return False
        self._messages.tell(
            tr(
                "You can only look at this project and export it; nothing is stored in "
                "{folder}: {reason}.",
                folder=project.paths.data,
                reason=project.read_only,
            ),
            stays=True,
        )
        return True

    def closed(self) -> None:
        """Show that none is open."""
        self._context.window.setWindowTitle("cfinspect")
        self._context.status.clear_project()
        self._context.bars.model_part.setVisible(False)

    def facts_changed(self) -> None:
        """Remember the counts for the list of recent projects."""
        root, facts = self._session.root, self._session.facts
        if root is None or facts is None:
            return
        total = sum(one.images for one in facts.counts)
        self._preferences.set_text(
            f"counts{root}",
            tr("images: {n}, to review: {left}", n=f"{total:,}", left=sum(facts.waiting.values())),
        )
        self._context.refresher.refresh()

    def fill_recent(self) -> None:
        """List the recent projects in their menu."""
        menu = self._context.bars.recent_menu
        menu.clear()
        for folder in self._preferences.recent():
            action = menu.addAction(str(folder))
            action.setEnabled(is_there(folder))
            action.triggered.connect(lambda _=False, folder=folder: self.open(folder))

    # Scanning -------------------------------------------------------------------------------------

    def rescan(self, folders: list[int] | None = None) -> None:
        """Look for new, moved and vanished images (in these folders; None: in all)."""
        root = self._session.root
        if root is None or self._may_only_look():
            return
        ticket = self._session.jobs.add(Scan(root, folders))
        ticket.succeeded.connect(self._scanned)

    def _scanned(self, report: ScanReport | None) -> None:
        if report is None or self._session.project is None:
            return
        self._session.refresh()
        self._parts.model.reload()
        reach = self._session.project.reach
        unknown = [one for one in report.outside if not reach.is_answered(one)]
        if unknown:
            self.ask_to_read(unknown)
        if report.new or report.changed or report.vanished or report.moved or report.returned:
            self._parts.review.navigator.reload()
        if report.problems:
            self._messages.tell(report.problems[0])
            return
        counted = (
            (report.new, tr("new: {n}", n=f"{report.new:,}")),
            (report.moved, tr("moved: {n}", n=f"{report.moved:,}")),
            (report.vanished, tr("vanished: {n}", n=f"{report.vanished:,}")),
        )
        news = [text for number, text in counted if number]
        if news:
            self._messages.tell(tr("Images {news}.", news=", ".join(news)))

    def ask_to_read(self, folders: list[Path]) -> None:
        """Ask whether the project may read ``folders`` outside of it; the answer is remembered.

        What holds the project's own folder is not offered: that is far more than its images.
        """
        root = self._session.root
        offered = [one for one in folders if root is not None and not root.is_relative_to(one)]
        if not offered:
            return
        names = [str(one) for one in offered[:_NAMED]] + ["…"] * (len(offered) > _NAMED)
        allowed = self._messages.ask(
            tr("Images outside of the project"),
            tr(
                "This project wants to read images outside of its own folder:\n\n{folders}\n\n"
                "Allow it where you know the project and these folders. A project that somebody "
                "sent you could show, inspect and export your own pictures. This PC remembers "
                "your answer.",
                folders="\n".join(names),
            ),
            tr("Allow"),
            tr("Leave them out"),
            risky=True,
        )
        if self._session.root == root:
            self._session.change(
                lambda project: project.answer(offered, allowed=allowed),
                lambda _: self._answered(allowed=allowed),
            )

    def _answered(self, *, allowed: bool) -> None:
        if allowed:
            self._session.thumbnails.try_again()
            self.rescan()

    # The demo -------------------------------------------------------------------------------------

    def demo(self, folder: Path | None = None) -> None:
        """Make the demo project (in ``folder``) if it is not there, and open it."""
        if not self.may_leave() or not self._leave():
            return
        place = folder if folder is not None else user_folder() / "demo"
        ticket = self._session.jobs.add(Demo(place, self._preferences.get("device")))
        self._messages.tell(tr("Preparing the demo: images are drawn and inspected."))
        ticket.succeeded.connect(lambda root: self._session.open(root) if root else None)
