"""The main window: puts the parts together; what they do is theirs."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QGuiApplication, QKeyEvent
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QDockWidget,
    QFileDialog,
    QInputDialog,
    QLabel,
    QMainWindow,
    QMenu,
    QProgressBar,
    QSizePolicy,
    QStackedWidget,
    QToolBar,
    QToolButton,
    QWidget,
)

from cfinspect.project.listing import Filter, ImageRow
from cfinspect.project.place import user_folder
from cfinspect.project.project import Project
from cfinspect.project.verdicts import Verdict
from cfinspect.ui import theme
from cfinspect.ui.actions import MENUS, Actions
from cfinspect.ui.canvas.editor import Tool
from cfinspect.ui.canvas.view import Compare
from cfinspect.ui.dialogs.common import ErrorDialog, Question
from cfinspect.ui.dialogs.help import job_text
from cfinspect.ui.icons import icon
from cfinspect.ui.models.images import ImageModel
from cfinspect.ui.panels.folders import Folders, dropped_paths
from cfinspect.ui.panels.gallery import Gallery
from cfinspect.ui.panels.imagepage import ImagePage
from cfinspect.ui.panels.inspector import Inspector
from cfinspect.ui.panels.log import LogView
from cfinspect.ui.panels.training import TrainingPage
from cfinspect.ui.panels.welcome import Welcome
from cfinspect.ui.preferences import Preferences
from cfinspect.ui.reviewer import Reviewer, Summary
from cfinspect.ui.session import Session
from cfinspect.ui.translate import tr
from cfinspect.ui.workers.job import Failure, Ticket
from cfinspect.ui.workers.job import State as JobState
from cfinspect.ui.workers.jobs import Demo, Export, Inspect, Scan, WarmUp

_TOOL_NAMES = {
    "hand": Tool.HAND,
    "brush": Tool.BRUSH,
    "eraser": Tool.ERASER,
    "polygon": Tool.POLYGON,
    "fill": Tool.FILL,
}
_LAYOUT_VERSION = 1
_WARM_UP_MS = 1200
_MESSAGE_MS = 10_000


class MainWindow(QMainWindow):
    """Everything in its place. ``last_failure``: what the last error dialog said."""

    def __init__(self, preferences: Preferences) -> None:
        super().__init__()
        self.preferences = preferences
        self.session = Session(preferences, self)
        self.last_failure: Failure | None = None
        self._device = ""
        self._closing = False
        self._hidden_for_fullscreen: list[QWidget] = []
        self.setWindowTitle("cfinspect")
        self.setWindowIcon(icon("app"))
        self.resize(1440, 900)
        self.setAcceptDrops(True)
        self.actions_ = Actions(preferences, self)
        self._make_pages()
        self._make_docks()
        self._make_bars()
        self.actions_.connect_to(self._handlers())
        self._connect()
        self._restore_layout()
        self._show_page(self.welcome)
        self.refresh_actions()

    # Parts ----------------------------------------------------------------------------------------

    def _make_pages(self) -> None:
        self.model = ImageModel(self.session)
        self.welcome = Welcome(self.preferences)
        self.gallery = Gallery(self.session, self.model)
        self.image_page = ImagePage(self.session)
        self.inspector = Inspector(self.session)
        self.reviewer = Reviewer(self.session, self.image_page, self.inspector, self)
        self.training = TrainingPage(self.session, user_folder() / "runs")
        self.canvas = self.image_page.canvas
        self.pages = QStackedWidget()
        for page in (self.welcome, self.gallery, self.image_page, self.training):
            self.pages.addWidget(page)
        self.setCentralWidget(self.pages)
        names = ("hand", "brush", "eraser", "polygon", "fill", "snap", "", "swipe", "side", "fit")
        self.image_page.add_tools([self.actions_[name] if name else None for name in names])
        verdicts = ("accept", "damaged", "undamaged", "skip", "mask_ok", "discard")
        self.image_page.add_verdicts([self.actions_[name] for name in verdicts])

    def _make_docks(self) -> None:
        self.folders = Folders(self.session)
        self.log = LogView()
        self.docks: dict[str, QDockWidget] = {}
        left, right = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
        bottom = Qt.DockWidgetArea.BottomDockWidgetArea
        for name, title, widget, area in (
            ("panel_left", tr("Folders"), self.folders, left),
            ("panel_right", tr("Inspection"), self.inspector, right),
            ("log", tr("Log"), self.log, bottom),
        ):
            dock = QDockWidget(title, self)
            dock.setObjectName(name)
            dock.setWidget(widget)
            dock.setFeatures(
                QDockWidget.DockWidgetFeature.DockWidgetClosable
                | QDockWidget.DockWidgetFeature.DockWidgetMovable
            )
            self.addDockWidget(area, dock)
            self.docks[name] = dock
            dock.visibilityChanged.connect(lambda _: self._show_dock_state())
        self.setCorner(Qt.Corner.BottomLeftCorner, left)
        self.setCorner(Qt.Corner.BottomRightCorner, right)
        self.resizeDocks(
            [self.docks["panel_left"], self.docks["panel_right"]],
            [250, 300],
            Qt.Orientation.Horizontal,
        )
        self.docks["log"].hide()

    def _make_bars(self) -> None:
        menus: dict[str, QMenu] = {}
        for name, title in MENUS:
            menus[name] = self.menuBar().addMenu(tr(title))
        for command, action in self.actions_.items():
            if command.break_before:
                menus[command.menu].addSeparator()
            menus[command.menu].addAction(action)
            self.addAction(action)  # the keys work when the menu bar is hidden, too
        self.recent_menu = QMenu(tr("Recent projects"), self)
        self.recent_menu.aboutToShow.connect(self._fill_recent)
        menus["file"].insertMenu(self.actions_["add_folder"], self.recent_menu)
        bar = QToolBar(tr("Main tools"))
        bar.setObjectName("tools")
        bar.setMovable(False)
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        for name in ("open", "inspect", "review", "train", "export"):
            bar.addAction(self.actions_[name])
        space = QWidget()
        space.setObjectName("space")
        space.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        bar.addWidget(space)
        bar.addAction(self.actions_["palette"])
        self.addToolBar(bar)
        self.tool_bar = bar
        status = self.statusBar()
        self.device_label, self.saved_label = QLabel(), QLabel()
        self.job_label, self.project_label = QLabel(), QLabel()
        self.job_bar = QProgressBar()
        self.job_bar.setFixedSize(120, 10)
        self.job_bar.setTextVisible(False)
        self.job_cancel = QToolButton()
        self.job_cancel.setIcon(icon("stop"))
        self.job_cancel.setToolTip(tr("Cancel this job (Ctrl+.)"))
        self.job_cancel.setAccessibleName(tr("Cancel this job"))
        self.job_cancel.clicked.connect(self.cancel_job)
        self.message = QLabel()
        self.message.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._message_timer = QTimer(self, singleShot=True, interval=_MESSAGE_MS)
        self._message_timer.timeout.connect(self.message.clear)
        status.addWidget(self.message, 1)
        for widget in (
            self.job_label,
            self.job_bar,
            self.job_cancel,
            self.saved_label,
            self.device_label,
            self.project_label,
        ):
            status.addPermanentWidget(widget)
        self._show_jobs()

    def _connect(self) -> None:
        session = self.session
        session.opened.connect(self._opened)
        session.closed.connect(self._closed)
        session.failed.connect(self.show_failure)
        session.facts_changed.connect(self._facts_changed)
        session.saving.connect(self._show_saving)
        session.said.connect(lambda _id, _human: self._show_saved())
        session.jobs.changed.connect(self._show_jobs)
        session.jobs.failed.connect(self.show_failure)
        session.jobs.ended.connect(self._job_ended)
        self.folders.filtered.connect(self.model.show)
        self.folders.dropped.connect(self.take_paths)
        self.folders.add_asked.connect(self.add_folder)
        self.folders.rescan_asked.connect(lambda number: self.rescan([number]))
        self.folders.inspect_asked.connect(lambda number: self.inspect([number]))
        self.folders.remove_asked.connect(self.remove_folder)
        self.folders.scale_asked.connect(self.set_scale)
        self.gallery.opened.connect(self.open_image)
        self.gallery.selection_changed.connect(self.refresh_actions)
        self.image_page.chosen.connect(self.reviewer.show)
        self.image_page.back_asked.connect(self.show_gallery)
        self.image_page.previous_asked.connect(lambda: self.reviewer.step(-1))
        self.image_page.next_asked.connect(lambda: self.reviewer.step(1))
        self.reviewer.shown.connect(self._image_shown)
        self.reviewer.changed.connect(self.refresh_actions)
        self.reviewer.finished.connect(self._review_ended)
        self.reviewer.note.connect(self.tell)
        self.canvas.unavailable.connect(self.tell)
        self.inspector.asked.connect(self.explain)
        self.inspector.inspect_asked.connect(self.inspect_this_folder)
        self.welcome.open_asked.connect(self.open_dialog)
        self.welcome.demo_asked.connect(self.demo)
        self.welcome.train_asked.connect(self.show_training)
        self.welcome.chosen.connect(self.open_project)
        self.training.folder_asked.connect(self._training_folder)
        self.training.verdicts_asked.connect(self._training_from_verdicts)
        self.training.resume_asked.connect(self._resume_training)
        self.training.use_asked.connect(self._use_model)
        self.training.failed.connect(self.show_failure)
        self.preferences.changed.connect(self._preference_changed)
        hints = QGuiApplication.styleHints()
        hints.colorSchemeChanged.connect(lambda _: self._preference_changed("theme"))
        self._refresh_timer = QTimer(self, singleShot=True, interval=0)
        self._refresh_timer.timeout.connect(self._refresh_now)
        QTimer.singleShot(_WARM_UP_MS, self.warm_up)

    def _handlers(self) -> dict[str, Callable[[], None]]:
        canvas, reviewer, bar = self.canvas, self.reviewer, self.image_page.layer_bar
        from cfinspect.ui import commands  # noqa: PLC0415  (its dialogs are not needed at first)

        return {
            "open": self.open_dialog,
            "demo": self.demo,
            "add_folder": self.add_folder,
            "rescan": self.rescan,
            "import": lambda: commands.import_labels(self),
            "export": lambda: commands.export_labels(self),
            "close": self.close_project,
            "quit": self._quit,
            "undo": reviewer.undo,
            "redo": reviewer.redo,
            "select_all": self.gallery.select_all,
            "copy_name": self._copy_name,
            "preferences": lambda: commands.preferences(self),
            "shortcuts": lambda: commands.shortcuts(self),
            "show_gallery": self.show_gallery,
            "next": lambda: reviewer.step(1),
            "previous": lambda: reviewer.step(-1),
            "fit": canvas.fit,
            "actual": canvas.actual_size,
            "zoom_in": lambda: canvas.zoom(1.25),
            "zoom_out": lambda: canvas.zoom(0.8),
            "plain": bar.plain_image,
            "layer_counterfactual": lambda: bar.toggle("counterfactual"),
            "layer_saliency": lambda: bar.toggle("saliency"),
            "layer_machine": lambda: bar.toggle("machine_mask"),
            "layer_human": lambda: bar.toggle("human_mask"),
            "swipe": lambda: self._compare(Compare.SWIPE),
            "side": lambda: self._compare(Compare.SIDE),
            "panel_left": lambda: self._toggle_dock("panel_left"),
            "panel_right": lambda: self._toggle_dock("panel_right"),
            "log": lambda: self._toggle_dock("log"),
            "fullscreen": self.toggle_fullscreen,
            "review": self.start_review,
            "accept": self.accept,
            "damaged": lambda: self.say(Verdict.DAMAGED),
            "undamaged": lambda: self.say(Verdict.UNDAMAGED),
            "skip": lambda: self.say(Verdict.SKIPPED),
            "comment": self._comment,
            "mask_ok": reviewer.mask_is_right,
            "discard": reviewer.discard,
            **{name: partial(self._tool, tool) for name, tool in _TOOL_NAMES.items()},
            "snap": reviewer.snap,
            "smaller": lambda: canvas.set_radius(canvas.radius / 1.25),
            "larger": lambda: canvas.set_radius(canvas.radius * 1.25),
            "inspect": self.inspect,
            "inspect_selection": self.inspect_selection,
            "train": self.show_training,
            "models": lambda: commands.models(self),
            "import_model": lambda: commands.import_model(self),
            "palette": lambda: commands.palette(self),
            "jobs": lambda: commands.jobs(self),
            "cancel_job": self.cancel_job,
            "theme": self.switch_theme,
            "keys": lambda: commands.keys(self),
            "explain_score": lambda: self.explain("score"),
            "explain_counterfactual": lambda: self.explain("counterfactual"),
            "about": lambda: commands.about(self, self._device),
        }

    # What can be done now -------------------------------------------------------------------------

    def conditions(self) -> set[str]:
        """The conditions of the actions' table that hold now."""
        page = self.pages.currentWidget()
        on_image = page is self.image_page and self.reviewer.row is not None
        found = set()
        if self.session.project is not None and self.session.facts is not None:
            found.add("project")
        if on_image:
            found |= {"image", "target"}
            picture = self.canvas.picture
            if picture is not None and picture.width:
                found.add("editable")
        elif page is self.gallery:
            found.add("gallery")
            if self.gallery.grid.selectionModel().hasSelection():
                found.add("target")
        rows = [self.reviewer.row] if on_image and self.reviewer.row else []
        if (rows and rows[0].machine is not None) or page is self.gallery:
            found.add("inspected")
        folder = self._target_folder()
        if folder is not None and self.session.model_of(folder) is not None:
            found.add("bound")
        if self.reviewer.can_undo:
            found.add("can_undo")
        if self.reviewer.can_redo:
            found.add("can_redo")
        if self.session.jobs.running is not None:
            found.add("job")
        return found

    def refresh_actions(self) -> None:
        """Enable what can be done now, once the present event is over."""
        if hasattr(self, "_refresh_timer"):
            self._refresh_timer.start()

    def _refresh_now(self) -> None:
        self.actions_.refresh(self.conditions())
        tool = self.canvas.tool
        for name, one in _TOOL_NAMES.items():
            self.actions_[name].setChecked(tool is one)
        self.actions_["swipe"].setChecked(self.canvas.compare is Compare.SWIPE)
        self.actions_["side"].setChecked(self.canvas.compare is Compare.SIDE)
        self.actions_["fullscreen"].setChecked(self.isFullScreen())
        before, after = self.reviewer.can_leaf
        self.image_page.previous.setEnabled(before)
        self.image_page.next.setEnabled(after or self.reviewer.reviewing)
        self._show_review_text()

    def _target_folder(self) -> int | None:
        if self.pages.currentWidget() is self.image_page and self.reviewer.row is not None:
            return self.reviewer.row.folder_id
        index = self.gallery.grid.currentIndex()
        row = self.model.row_at(index.row()) if index.isValid() else None
        return row.folder_id if row is not None else None

    # Pages ----------------------------------------------------------------------------------------

    def _show_page(self, page: QWidget) -> None:
        self.pages.setCurrentWidget(page)
        with_panels = page in {self.gallery, self.image_page}
        if not self.isFullScreen():
            for name in ("panel_left", "panel_right"):
                wanted = with_panels and self.preferences.text(f"dock_{name}", "on") == "on"
                wanted = wanted and (name == "panel_left" or page is self.image_page)
                self.docks[name].setVisible(wanted)
        self.refresh_actions()

    def show_gallery(self) -> None:
        """Back to the gallery, at the image that was open; from there, to the first page."""
        page = self.pages.currentWidget()
        if page is self.image_page:
            if self.canvas.tool is not Tool.HAND:
                self.reviewer.set_tool(Tool.HAND)
                return
            if self.isFullScreen():
                self.toggle_fullscreen()
                return
            self.reviewer.keep_edits()
            self.reviewer.keep_comment()
            self.reviewer.end()
            row = self.reviewer.row
            self._show_page(self.gallery)
            if row is not None:
                self.gallery.select(row.id)
        elif self.session.project is not None:
            self._show_page(self.gallery)
        self.gallery.focus()

    def open_image(self, image_id: int) -> None:
        """Show one image of the gallery's list."""
        self._show_page(self.image_page)
        self.reviewer.browse(image_id, self.model.ids)
        self.canvas.setFocus()

    def show_training(self) -> None:
        """The training page, with this project's folders if they have labels."""
        facts, project = self.session.facts, self.session.project
        if facts is not None and project is not None and not self.training.data():
            for folder in facts.folders:
                if (folder.path / "undamaged").is_dir() and (folder.path / "damaged").is_dir():
                    self.training.add_folder(folder.path)
        self._show_page(self.training)

    def _image_shown(self, row: ImageRow) -> None:
        size = f"   {row.width} x {row.height}" if row.width else ""
        group = "   " + tr("group {name}", name=row.group) if row.group else ""
        self.image_page.name.setText(f"{row.name}{size}{group}")
        self.image_page.name.setToolTip(str(row.path))
        self._show_page(self.image_page)

    def _show_review_text(self) -> None:
        reviewer = self.reviewer
        if reviewer.reviewing:
            done, waiting = reviewer.progress
            text = tr("REVIEW   {done} done, {left} left", done=done, left=waiting)
        else:
            place = reviewer.place
            total = len(reviewer.order)
            text = (
                ""
                if place is None
                else tr("{n} of {total}", n=f"{place + 1:,}", total=f"{total:,}")
            )
        if reviewer.has_edits:
            text += "   " + tr("corrections not stored yet")
        self.image_page.review_text.setText(text)

    # Projects -------------------------------------------------------------------------------------

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
        if not self._may_leave():
            return
        self._leave()
        self.tell(tr("Opening {folder}…", folder=folder))
        self.session.open(folder)

    def _quit(self) -> None:
        self.close()

    def close_project(self) -> None:
        """Close the project and go to the first page."""
        if self._may_leave():
            self._leave()
            self.welcome.show_recent()
            self._show_page(self.welcome)

    def _leave(self) -> None:
        self.reviewer.keep_edits()
        self.reviewer.keep_comment()
        self.session.jobs.cancel_all()
        self.session.close()

    def _may_leave(self) -> bool:
        """Ask where a job runs; whether the project may be closed."""
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
            tr("Stop it"),
            tr("Go on"),
        )

    def _opened(self) -> None:
        root = self.session.root
        assert root is not None
        self.setWindowTitle(f"{root.name} – cfinspect")
        self.project_label.setText(tr("project {name}", name=root.name))
        self.message.clear()
        self.model.wanted = Filter()
        self.model.reload()
        self._show_page(self.gallery)
        self.gallery.grid.setFocus()
        self.rescan()
        self.warm_up()

    def _closed(self) -> None:
        self.setWindowTitle("cfinspect")
        self.project_label.setText("")
        self.saved_label.setText("")

    def _facts_changed(self) -> None:
        root, facts = self.session.root, self.session.facts
        if root is None or facts is None:
            return
        total = sum(one.images for one in facts.counts)
        self.preferences.set_text(
            f"counts{root}", tr("{n} images, {left} to review", n=f"{total:,}", left=facts.waiting)
        )
        self.refresh_actions()

    def _fill_recent(self) -> None:
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
        for path in paths:
            if path.suffix == ".safetensors":
                add_model_file(self.session, path, self.folders.current_folders())
                self.tell(tr("The model {name} was added.", name=path.name))
        if folders:
            self._add_folders(folders)

    def _add_folders(self, folders: list[Path]) -> None:
        domains = sorted(
            {one.domain for one in self.session.facts.folders} if self.session.facts else []
        )
        suggested = folders[0].name
        domain, chosen = QInputDialog.getItem(
            self,
            tr("Add an image folder"),
            tr("What do these images show? Folders of one domain share their models."),
            [*domains, suggested] if suggested not in domains else domains,
            0,
            True,
        )
        if not chosen:
            return

        def work(project: Project) -> list[int]:
            return [project.add_folder(folder, domain.strip()).id for folder in folders]

        self.session.change(work, self.rescan)

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
        self.session.change(
            lambda project: project.remove_folder(folder), lambda _: self.model.reload()
        )

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
        if report.problems:
            self.tell(report.problems[0])
        elif report.new or report.vanished or report.moved:
            self.tell(
                tr(
                    "{new} new images, {moved} moved, {vanished} vanished.",
                    new=report.new,
                    moved=report.moved,
                    vanished=report.vanished,
                )
            )

    def demo(self) -> None:
        """Make the demo project if it is not there, and open it."""
        if not self._may_leave():
            return
        self._leave()
        ticket = self.session.jobs.add(Demo(user_folder() / "demo", self.preferences.get("device")))
        self.tell(
            tr("Preparing the demo: the first time, two small models learn for a good minute each.")
        )
        ticket.succeeded.connect(lambda root: self.session.open(root) if root else None)

    # Inspecting -----------------------------------------------------------------------------------

    def inspect(self, folders: list[int] | None = None) -> None:
        """Ask which model, and inspect the chosen folders."""
        from cfinspect.ui.dialogs.models import InspectDialog  # noqa: PLC0415

        wanted = folders or self.folders.current_folders()
        if self.session.facts is None:
            return
        dialog = InspectDialog(self, self.session, wanted)
        if self.run_dialog(dialog):
            self.start_inspection(dialog.chosen(), dialog.folders)

    def inspect_this_folder(self) -> None:
        """Inspect the folder of the image on screen."""
        row = self.reviewer.row
        if row is not None:
            self.inspect([row.folder_id])

    def inspect_selection(self) -> None:
        """Inspect the selected images again with their folder's model."""
        by_folder: dict[int, list[int]] = {}
        for row in self._targets():
            by_folder.setdefault(row.folder_id, []).append(row.id)
        for folder, ids in by_folder.items():
            model = self.session.model_of(folder)
            if model is not None:
                self.start_inspection(model.path, [folder], ids)

    def start_inspection(
        self, model: Path, folders: list[int], only: list[int] | None = None
    ) -> Ticket | None:
        """Queue an inspection; results appear while it runs."""
        root = self.session.root
        if root is None:
            return None
        device = self.preferences.get("device")
        ticket = self.session.jobs.add(Inspect(root, model, folders, only, device))
        ticket.part.connect(self._inspected)
        ticket.succeeded.connect(self._inspection_done)
        ticket.ended.connect(self._after_inspection)
        return ticket

    def _inspected(self, parts: list[list[int]]) -> None:
        ids = [one for part in parts for one in part]
        self.session.images_changed.emit(ids)
        self.session.refresh()
        if self.reviewer.row is not None and self.reviewer.row.id in set(ids):
            self.reviewer.reload()

    def _inspection_done(self, tally: Any) -> None:
        text = tr(
            "{done} images inspected: {damaged} damaged, {review} for review, {errors} unreadable.",
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
            self.reviewer.reload()

    # Reviewing ------------------------------------------------------------------------------------

    def start_review(self) -> None:
        """Work down the queue of what the folders panel shows."""
        folder, domain = self.folders.current_scope()
        self.reviewer.start(folder, domain)
        self.canvas.setFocus()

    def _targets(self) -> list[ImageRow]:
        if self.pages.currentWidget() is self.image_page:
            return [self.reviewer.row] if self.reviewer.row is not None else []
        return self.gallery.selected()

    def say(self, verdict: Verdict) -> None:
        """A verdict on the image on screen, or on all that are selected in the gallery."""
        if self.pages.currentWidget() is self.image_page:
            self.reviewer.say(verdict)
        else:
            rows = self.gallery.selected()
            self.session.say_of_many(rows, verdict)

    def accept(self) -> None:
        """The model is right: of the image on screen, or of all that are selected."""
        if self.pages.currentWidget() is self.image_page:
            self.reviewer.accept()
            return
        for row in self.gallery.selected():
            if row.machine is not None:
                self.session.say(row, verdict=Verdict(row.machine))

    def _comment(self) -> None:
        self.docks["panel_right"].show()
        self.reviewer.comment()

    def _tool(self, tool: Tool) -> None:
        self.reviewer.set_tool(Tool.HAND if self.canvas.tool is tool else tool)

    def _compare(self, compare: Compare) -> None:
        self.canvas.set_compare(Compare.OFF if self.canvas.compare is compare else compare)
        self.refresh_actions()

    def _review_ended(self, summary: Summary) -> None:
        from cfinspect.ui.dialogs.help import SummaryDialog  # noqa: PLC0415

        if summary.reviewed:
            self.run_dialog(SummaryDialog(self, summary))
        if self.pages.currentWidget() is self.image_page:
            self.tell(tr("The review queue is empty."))

    # Training -------------------------------------------------------------------------------------

    def _training_folder(self) -> None:
        found = QFileDialog.getExistingDirectory(self, tr("A folder to learn from"))
        if found:
            self.training.add_folder(Path(found))

    def _training_from_verdicts(self) -> None:
        """Write what humans said as a folder of training data."""
        from cfinspect.formats.choice import Choice  # noqa: PLC0415
        from cfinspect.formats.records import Images, Options  # noqa: PLC0415

        root, project = self.session.root, self.session.project
        if root is None or project is None:
            return
        out = user_folder() / "training" / f"{root.name}-{project.id[:8]}"
        job = Export(
            root, "cfinspect", out, Choice(), Options(images=Images.COPY), self.session.who
        )
        ticket = self.session.jobs.add(job)
        ticket.succeeded.connect(
            lambda report: self.training.add_folder(out) if report is not None else None
        )

    def _resume_training(self) -> None:
        start = self.training.last_run or user_folder() / "runs"
        found = QFileDialog.getExistingDirectory(
            self, tr("The folder of the run to go on with"), str(start)
        )
        if found:
            self.training.resume(Path(found))

    def _use_model(self, path: Path) -> None:
        if self.session.project is None:
            return
        self._show_page(self.gallery)
        self.start_inspection(path, self.folders.current_folders())

    # Jobs -----------------------------------------------------------------------------------------

    def warm_up(self) -> None:
        """Load the networks' library once, while nobody waits for it."""
        if self._device or self._closing:
            return
        self._device = tr("getting ready…")
        self.device_label.setText(self._device)
        ticket = self.session.jobs.add(WarmUp(self.preferences.get("device")))
        ticket.succeeded.connect(self._warm)

    def _warm(self, device: str | None) -> None:
        if device:
            self._device = device
            self.device_label.setText(device)
            self.training.show_device(device)

    def cancel_job(self) -> None:
        """Stop the job that runs."""
        ticket = self.session.jobs.running
        if ticket is not None:
            self.session.jobs.cancel(ticket)
            self.tell(tr("Stopping: {keeps}", keeps=ticket.job.keeps))

    def _show_jobs(self) -> None:
        ticket = self.session.jobs.running
        waiting = sum(one.state is JobState.WAITING for one in self.session.jobs.tickets)
        hidden = ticket is None or isinstance(ticket.job, WarmUp)
        for widget in (self.job_label, self.job_bar, self.job_cancel):
            widget.setVisible(not hidden)
        if ticket is not None and not hidden:
            text = f"{ticket.job.title}: {job_text(ticket)}"
            if waiting:
                text += "   " + tr("({n} more wait)", n=waiting)
            self.job_label.setText(text)
            self.job_bar.setMaximum(ticket.progress.total or 0)
            self.job_bar.setValue(ticket.progress.done)
            self.job_cancel.setEnabled(ticket.state is not JobState.STOPPING)
        self.refresh_actions()

    def _job_ended(self, ticket: Ticket) -> None:
        if ticket.state is JobState.CANCELLED and ticket.job.keeps:
            title = ticket.job.title
            self.tell(tr("{job} was stopped. {keeps}", job=title, keeps=ticket.job.keeps))

    # Telling --------------------------------------------------------------------------------------

    def tell(self, text: str) -> None:
        """Say something in passing, in the status bar."""
        self.message.setText(text)
        self.message.setToolTip(text)
        self._message_timer.start()

    def show_failure(self, failure: Failure) -> None:
        """An error: a sentence, what to do, and details."""
        self.last_failure = failure
        self.message.clear()
        if not self._closing:
            self.run_dialog(ErrorDialog(self, failure))

    def run_dialog(self, dialog: QDialog) -> bool:
        """Show a dialog until it is answered; whether the answer was yes."""
        answer = dialog.exec()
        dialog.deleteLater()
        return answer == QDialog.DialogCode.Accepted

    def ask(self, title: str, text: str, yes: str, no: str = "") -> bool:
        """A question."""
        return self.run_dialog(Question(self, title, text, yes, no))

    def explain(self, word: str) -> None:
        """One paragraph and a picture about a word."""
        from cfinspect.ui.dialogs.help import WordDialog  # noqa: PLC0415

        self.run_dialog(WordDialog(self, word))

    def _show_saving(self, pending: int) -> None:
        if pending:
            self.saved_label.setText(tr("saving…"))
        else:
            self._show_saved()

    def _show_saved(self) -> None:
        if self.session.unsaved == 0:
            self.saved_label.setText(tr("saved {time}", time=time.strftime("%H:%M:%S")))

    def _copy_name(self) -> None:
        paths = "\n".join(str(row.path) for row in self._targets())
        QGuiApplication.clipboard().setText(paths)
        self.tell(tr("Copied."))

    # Looks ----------------------------------------------------------------------------------------

    def switch_theme(self) -> None:
        """Dark to light and back."""
        self.preferences.set("theme", "light" if theme.colours().dark else "dark")

    def _preference_changed(self, name: str) -> None:
        app = QApplication.instance()
        if name == "theme" and isinstance(app, QApplication):
            theme.apply(app, self.preferences.get("theme"))
            self.actions_.reload_icons()
            self.canvas.retheme()
            self.training.retheme()
            self.inspector.histogram.retheme()
            self.gallery.grid.viewport().update()
        elif name == "saliency_map":
            self.canvas.layers.colour_map = self.preferences.get(name)
            self.canvas.refresh()
        elif name == "device":
            self._device = ""
            self.warm_up()

    def _toggle_dock(self, name: str) -> None:
        dock = self.docks[name]
        dock.setVisible(not dock.isVisible())
        self.preferences.set_text(f"dock_{name}", "on" if dock.isVisible() else "off")

    def _show_dock_state(self) -> None:
        for name, dock in self.docks.items():
            self.actions_[name].setChecked(dock.isVisible())

    def toggle_fullscreen(self) -> None:
        """The picture and the review strip alone, or everything again."""
        if self.isFullScreen():
            self.showNormal()
            for widget in self._hidden_for_fullscreen:
                widget.show()
            self._hidden_for_fullscreen = []
        else:
            parts: list[QWidget] = [*self.docks.values(), self.tool_bar, self.menuBar()]
            parts += [self.statusBar()]
            self._hidden_for_fullscreen = [part for part in parts if part.isVisible()]
            for part in self._hidden_for_fullscreen:
                part.hide()
            self.showFullScreen()
        self.refresh_actions()

    def _restore_layout(self) -> None:
        geometry = self.preferences.bytes_of("geometry")
        if not geometry.isEmpty():
            self.restoreGeometry(geometry)
        state = self.preferences.bytes_of("state")
        if not state.isEmpty():
            self.restoreState(state, _LAYOUT_VERSION)
        self.canvas.layers.colour_map = self.preferences.get("saliency_map")

    # Qt's side ------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take folders and model files anywhere."""
        if dropped_paths(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open, add or import them."""
        self.take_paths(dropped_paths(event))
        event.acceptProposedAction()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space blinks wherever the keys are on the image's page."""
        if event.key() == Qt.Key.Key_Space and self.pages.currentWidget() is self.image_page:
            self.canvas.setFocus()
            self.canvas.keyPressEvent(event)
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask where a job runs, stop it cleanly, store everything, then go."""
        if self._closing or not self._may_leave():
            event.ignore()
            return
        self._closing = True
        if not self.isFullScreen():
            self.preferences.set_bytes("geometry", QByteArray(self.saveGeometry()))
            self.preferences.set_bytes("state", QByteArray(self.saveState(_LAYOUT_VERSION)))
        self.reviewer.keep_edits()
        self.reviewer.keep_comment()
        self.tell(tr("Stopping and storing…"))
        QApplication.processEvents()
        self.session.jobs.close()
        QApplication.processEvents()  # what the last job had to say
        self.session.close()
        self.log.detach()
        self.preferences.save()
        event.accept()
