"""The second step of building the window: everything that needs NumPy, OpenCV or the project."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDockWidget,
    QLabel,
    QMenu,
    QProgressBar,
    QSizePolicy,
    QToolBar,
    QToolButton,
    QWidget,
)

from cfinspect.project.paths import user_folder
from cfinspect.project.verdicts import Verdict
from cfinspect.ui.canvas.base import CompareMode
from cfinspect.ui.canvas.editor import Tool
from cfinspect.ui.gallery.image_model import ImageModel
from cfinspect.ui.gallery.panel import Gallery
from cfinspect.ui.project.folders import Folders
from cfinspect.ui.review.image_page import ImagePage
from cfinspect.ui.review.result_panel import ResultPanel
from cfinspect.ui.review.reviewer import Reviewer
from cfinspect.ui.shell import commands
from cfinspect.ui.shell.actions import MENUS, Actions
from cfinspect.ui.shell.window_base import WARM_UP_MS
from cfinspect.ui.state.session import Session
from cfinspect.ui.training.page import TrainingPage
from cfinspect.ui.widgets.icons import dress
from cfinspect.ui.widgets.log import LogView
from cfinspect.ui.widgets.translate import tr

if TYPE_CHECKING:
    from cfinspect.ui.shell.main_window import MainWindow

_MESSAGE_MS = 6_000
_LEAST_PAGE = 360


def build(window: MainWindow) -> None:
    """Make the pages, docks, menus and bars, and connect them."""
    window.session = Session(window.preferences, window)
    window.actions_ = Actions(window.preferences, window)
    make_pages(window)
    make_docks(window)
    make_bars(window)
    window.actions_.connect_to(handlers(window))
    connect_session(window)
    connect_pages(window)


def make_pages(window: MainWindow) -> None:
    """The first page is there; these are the others."""
    window.model = ImageModel(window.session)
    window.gallery = Gallery(window.session, window.model)
    window.image_page = ImagePage(window.session)
    window.inspector = ResultPanel(window.session)
    window.reviewer = Reviewer(window.session, window.image_page, window.inspector, window)
    window.training = TrainingPage(window.session, user_folder() / "runs")
    window.canvas = window.image_page.canvas
    for page in (window.gallery, window.image_page, window.training):
        window.pages.addWidget(page)
    every = (window.welcome, window.gallery, window.image_page, window.training)
    for one in every:
        # The stack would be as wide as its widest page, shown or not.
        one.setMinimumWidth(_LEAST_PAGE)
    names = ("hand", "brush", "eraser", "polygon", "fill", "snap", "", "swipe", "side")
    window.image_page.add_tools([window.actions_[name] if name else None for name in names])
    window.image_page.add_views([window.actions_[name] for name in ("fit", "actual")])
    helpers = ("undo", "redo", "keys")
    window.image_page.add_helpers([window.actions_[name] for name in helpers])
    verdicts = ("accept", "damaged", "undamaged", "skip", "mask_ok", "discard")
    window.image_page.add_verdicts([window.actions_[name] for name in verdicts])


def make_docks(window: MainWindow) -> None:
    """Folders, inspection and log."""
    window.folders = Folders(window.session)
    window.log = LogView()
    left, right = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
    bottom = Qt.DockWidgetArea.BottomDockWidgetArea
    for name, title, widget, area in (
        ("panel_left", tr("Folders"), window.folders, left),
        ("panel_right", tr("Inspection"), window.inspector, right),
        ("log", tr("Log"), window.log, bottom),
    ):
        dock = QDockWidget(title, window)
        dock.setObjectName(name)
        dock.setWidget(widget)
        dock.setFeatures(
            QDockWidget.DockWidgetFeature.DockWidgetClosable
            | QDockWidget.DockWidgetFeature.DockWidgetMovable
        )
        window.addDockWidget(area, dock)
        window.docks[name] = dock
        dock.visibilityChanged.connect(lambda _: window.show_dock_state())
    window.setCorner(Qt.Corner.BottomLeftCorner, left)
    window.setCorner(Qt.Corner.BottomRightCorner, right)
    window.resizeDocks(
        [window.docks["panel_left"], window.docks["panel_right"]],
        [250, 300],
        Qt.Orientation.Horizontal,
    )
    window.docks["log"].hide()


def make_bars(window: MainWindow) -> None:
    """Menus, tool bar and status bar, from the table of actions."""
    menus: dict[str, QMenu] = {}
    for name, title in MENUS:
        menus[name] = window.menuBar().addMenu(tr(title))
    for command, action in window.actions_.items():
        if command.break_before:
            menus[command.menu].addSeparator()
        menus[command.menu].addAction(action)
        window.addAction(action)  # the keys work when the menu bar is hidden, too
    window.recent_menu = QMenu(tr("Recent projects"), window)
    window.recent_menu.aboutToShow.connect(window.fill_recent)
    menus["file"].insertMenu(window.actions_["add_folder"], window.recent_menu)
    bar = QToolBar(tr("Main tools"))
    bar.setObjectName("tools")
    bar.setMovable(False)
    bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    for name in ("open", "inspect", "review", "train", "export"):
        bar.addAction(window.actions_[name])
    space = QWidget()
    space.setObjectName("space")
    space.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    bar.addWidget(space)
    window.model_button = QToolButton()
    window.model_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    dress(window.model_button, "model")
    window.model_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    window.model_button.setMenu(QMenu(window.model_button))
    window.model_button.menu().aboutToShow.connect(window.fill_models)
    window.model_part = bar.addWidget(window.model_button)
    window.model_part.setVisible(False)
    bar.addAction(window.actions_["palette"])
    window.addToolBar(bar)
    window.tool_bar = bar
    make_status(window)


def make_status(window: MainWindow) -> None:
    """The status bar: what was said last, the job, what is stored, model, device, project."""
    status = window.statusBar()
    window.device_label, window.saved_label = QLabel(), QLabel()
    window.model_label = QLabel()
    window.job_label, window.project_label = QLabel(), QLabel()
    window.job_bar = QProgressBar()
    window.job_bar.setFixedSize(120, 10)
    window.job_bar.setTextVisible(False)
    window.job_cancel = QToolButton()
    dress(window.job_cancel, "stop")
    window.job_cancel.setText(tr("Cancel"))
    window.job_cancel.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    window.job_cancel.setToolTip(tr("Cancel this job (Ctrl+.)"))
    window.job_cancel.setAccessibleName(tr("Cancel this job"))
    window.job_cancel.clicked.connect(window.cancel_job)
    window.message = QLabel()
    window.message.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    window._message_timer = QTimer(window, singleShot=True, interval=_MESSAGE_MS)
    window._message_timer.timeout.connect(window.message.clear)
    status.addWidget(window.message, 1)
    for widget in (
        window.job_label,
        window.job_bar,
        window.job_cancel,
        window.saved_label,
        window.model_label,
        window.device_label,
        window.project_label,
    ):
        status.addPermanentWidget(widget)
    window.show_jobs()


def connect_session(window: MainWindow) -> None:
    """What the project and its jobs have to say."""
    session = window.session
    session.opened.connect(window.project_opened)
    session.closed.connect(window.project_closed)
    session.failed.connect(window.show_failure)
    session.facts_changed.connect(window.facts_changed)
    session.saving.connect(window.show_saving)
    session.said.connect(lambda _id, _human: window.show_saved())
    session.jobs.changed.connect(window.show_jobs)
    session.jobs.failed.connect(window.show_failure)
    session.jobs.ended.connect(window.job_ended)
    session.facts_changed.connect(window.show_next_step)
    session.facts_changed.connect(window.show_models)
    window.preferences.changed.connect(window.preference_changed)
    hints = QGuiApplication.styleHints()
    hints.colorSchemeChanged.connect(lambda _: window.preference_changed("theme"))
    window._refresh_timer = QTimer(window, singleShot=True, interval=0)
    window._refresh_timer.timeout.connect(window.refresh_now)
    QTimer.singleShot(WARM_UP_MS, window.warm_up)


def connect_pages(window: MainWindow) -> None:
    """What the person does on the pages."""
    window.folders.filtered.connect(window.list_images)
    window.folders.dropped.connect(window.take_paths)
    window.folders.add_asked.connect(window.add_folder)
    window.folders.rescan_asked.connect(lambda number: window.rescan([number]))
    window.folders.inspect_asked.connect(lambda number: window.inspect([number]))
    window.folders.remove_asked.connect(window.remove_folder)
    window.folders.scale_asked.connect(window.set_scale)
    window.gallery.opened.connect(window.open_image)
    window.gallery.next_asked.connect(window.take_next_step)
    window.gallery.menu_asked.connect(window.gallery_menu)
    window.folders.filtered.connect(lambda _: window.show_next_step())
    window.folders.filtered.connect(lambda _: window.show_models())
    window.gallery.selection_changed.connect(window.refresh_actions)
    window.image_page.chosen.connect(window.reviewer.show)
    window.image_page.back_asked.connect(window.show_gallery)
    window.image_page.previous_asked.connect(lambda: window.reviewer.step(-1))
    window.image_page.next_asked.connect(lambda: window.reviewer.step(1))
    window.image_page.rank_chosen.connect(window.change_rank)
    window.reviewer.shown.connect(window.image_shown)
    window.reviewer.changed.connect(window.show_waiting_explanation)
    window.reviewer.changed.connect(window.refresh_actions)
    window.reviewer.finished.connect(window.review_ended)
    window.reviewer.note.connect(window.tell)
    window.canvas.unavailable.connect(window.tell)
    window.inspector.asked.connect(window.explain)
    window.inspector.inspect_asked.connect(window.inspect_this_folder)
    window.welcome.open_asked.connect(window.open_dialog)
    window.welcome.demo_asked.connect(window.demo)
    window.welcome.train_asked.connect(window.show_training)
    window.welcome.chosen.connect(window.open_project)
    window.training.folder_asked.connect(window.training_folder)
    window.training.verdicts_asked.connect(window.training_from_verdicts)
    window.training.resume_asked.connect(window.resume_training)
    window.training.use_asked.connect(window.use_model)
    window.training.failed.connect(window.show_failure)


def handlers(window: MainWindow) -> dict[str, Callable[[], object]]:
    """What each action does."""
    canvas, reviewer, bar = window.canvas, window.reviewer, window.image_page.layer_bar

    return {
        "open": window.open_dialog,
        "demo": window.demo,
        "add_folder": window.add_folder,
        "rescan": window.rescan,
        "import": lambda: commands.import_labels(window),
        "export": lambda: commands.export_labels(window),
        "close": window.close_project,
        "quit": window.quit,
        "undo": reviewer.undo,
        "redo": reviewer.redo,
        "select_all": window.gallery.select_all,
        "copy_name": window.copy_name,
        "show_file": window.show_file,
        "preferences": lambda: commands.preferences(window),
        "shortcuts": lambda: commands.shortcuts(window),
        "show_gallery": window.show_gallery,
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
        "swipe": lambda: window.compare(CompareMode.SWIPE),
        "side": lambda: window.compare(CompareMode.SIDE),
        "panel_left": lambda: window.toggle_dock("panel_left"),
        "panel_right": lambda: window.toggle_dock("panel_right"),
        "log": lambda: window.toggle_dock("log"),
        "fullscreen": window.toggle_fullscreen,
        "review": window.start_review,
        "accept": window.accept,
        "damaged": lambda: window.say(Verdict.DAMAGED),
        "undamaged": lambda: window.say(Verdict.UNDAMAGED),
        "withdraw": window.withdraw,
        "skip": lambda: window.say(Verdict.SKIPPED),
        "comment": window.comment,
        "mask_ok": reviewer.mask_is_right,
        "discard": reviewer.discard,
        **{tool.value: partial(window.take_tool, tool) for tool in Tool},
        "snap": reviewer.snap,
        "smaller": lambda: canvas.set_radius(canvas.radius / 1.25),
        "larger": lambda: canvas.set_radius(canvas.radius * 1.25),
        "inspect": window.inspect,
        "inspect_selection": window.inspect_selection,
        "explain": window.explain_image,
        "train": window.show_training,
        "models": lambda: commands.models(window),
        "import_model": lambda: commands.import_model(window),
        "palette": lambda: commands.palette(window),
        "jobs": lambda: commands.jobs(window),
        "cancel_job": window.cancel_job,
        "theme": window.switch_theme,
        "keys": lambda: commands.keys(window),
        "explain_score": lambda: window.explain("score"),
        "explain_counterfactual": lambda: window.explain("counterfactual"),
        "about": lambda: commands.about(window, window.device_text),
    }
