"""The main window: one class that owns the parts; what they do is theirs."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QStackedWidget

from cfinspect.ui.frame.gui_gc import Collector
from cfinspect.ui.frame.layout import WindowLayout, restore_geometry
from cfinspect.ui.frame.messages import Messages
from cfinspect.ui.project.welcome import Welcome
from cfinspect.ui.state.preferences import Preferences
from cfinspect.ui.widgets.drops import dropped_paths
from cfinspect.ui.widgets.translate import tr

if TYPE_CHECKING:
    from cfinspect.ui.actions.actions import Actions
    from cfinspect.ui.canvas.view import Canvas
    from cfinspect.ui.controllers.building import Controllers
    from cfinspect.ui.frame.action_refresher import ActionRefresher
    from cfinspect.ui.frame.context import Context
    from cfinspect.ui.frame.parts import Bars
    from cfinspect.ui.frame.status import Status
    from cfinspect.ui.gallery.image_model import ImageModel
    from cfinspect.ui.gallery.panel import Gallery
    from cfinspect.ui.project.folders import Folders
    from cfinspect.ui.review.image_navigator import ImageNavigator
    from cfinspect.ui.review.image_page import ImagePage
    from cfinspect.ui.review.result_panel import ResultPanel
    from cfinspect.ui.review.reviewer import Reviewer
    from cfinspect.ui.review.shown_image import ShownImage
    from cfinspect.ui.review.unsaved_edits import UnsavedEdits
    from cfinspect.ui.state.session import Session
    from cfinspect.ui.training.page import TrainingPage
    from cfinspect.ui.widgets.log import LogView


class MainWindow(QMainWindow):
    """Everything in its place.

    Made with the first page only, so that it is on the screen before NumPy and OpenCV are
    imported; ``build`` makes the rest, for after the first paint. What is named below and not made
    by the constructor is there after ``build``.

    ``controllers``: what can be done, by subject.
    """

    preferences: Preferences
    messages: Messages
    pages: QStackedWidget
    welcome: Welcome
    is_built: bool

    session: Session
    actions_: Actions
    model: ImageModel
    gallery: Gallery
    image_page: ImagePage
    canvas: Canvas
    inspector: ResultPanel
    shown_image: ShownImage
    navigator: ImageNavigator
    edits: UnsavedEdits
    reviewer: Reviewer
    training: TrainingPage
    folders: Folders
    log: LogView
    bars: Bars
    status: Status
    layout_: WindowLayout
    refresher: ActionRefresher
    controllers: Controllers

    def __init__(self, preferences: Preferences) -> None:
        super().__init__()
        self.preferences = preferences
        self.messages = Messages(self)
        self.is_built = self._is_closing = False
        self.setWindowTitle("cfinspect")
        self.resize(1440, 900)
        self.setAcceptDrops(True)
        self.welcome = Welcome(preferences)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.welcome)
        self.setCentralWidget(self.pages)
        restore_geometry(self, preferences)

    def build(self) -> None:
        """Make everything else; a second call does nothing."""
        if self.is_built:
            return
        # NumPy, OpenCV and the project come with these.
        from cfinspect.ui.controllers.building import build_controllers  # noqa: PLC0415
        from cfinspect.ui.shell.building import build_context  # noqa: PLC0415
        from cfinspect.ui.shell.connections import connect_all  # noqa: PLC0415

        self._collector = Collector(self)
        context = build_context(self, self.preferences, self.pages, self.welcome, self.messages)
        self._take(context)
        self.controllers = build_controllers(context)
        connect_all(context, self.controllers)
        self.controllers.jobs.show_running()
        self.controllers.jobs.warm_up_soon()
        self.is_built = self.messages.may_show = True
        self.layout_.restore()
        self.controllers.preferences.apply_to_canvas()
        self.layout_.show_page(self.welcome)

    def _take(self, context: Context) -> None:
        """Name what was built."""
        parts = context.parts
        self.session, self.actions_ = context.session, context.actions
        self.bars, self.status = context.bars, context.status
        self.layout_, self.refresher = context.layout, context.refresher
        self.model, self.gallery = parts.model, parts.gallery
        self.image_page, self.canvas = parts.image_page, parts.canvas
        self.inspector, self.navigator = parts.inspector, parts.review.navigator
        self.edits, self.reviewer = parts.review.edits, parts.review.reviewer
        self.shown_image = parts.review.image
        self.training, self.folders, self.log = parts.training, parts.folders, parts.log

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take folders and model files anywhere."""
        if self.is_built and dropped_paths(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open, add or import them."""
        self.controllers.folders.take_paths(dropped_paths(event))
        event.acceptProposedAction()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space blinks wherever the keys are on the image's page."""
        if event.key() == Qt.Key.Key_Space and self.is_built and self.layout_.is_on_image:
            self.canvas.setFocus()
            self.canvas.keyPressEvent(event)
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask where a job runs, stop it cleanly, store everything, then go."""
        if not self.is_built:
            event.accept()
            return
        projects = self.controllers.projects
        if self._is_closing or not projects.may_leave(quitting=True) or not projects.store_all():
            event.ignore()
            return
        self._is_closing, self.messages.may_show = True, False
        self.layout_.save()
        self.messages.tell(tr("Stopping and storing…"))
        QApplication.processEvents()
        self.controllers.jobs.close()
        QApplication.processEvents()  # what the last job had to say
        self.session.close()
        self.log.detach()
        gc.unfreeze()
        self._collector.stop()
        self.preferences.save()
        event.accept()
