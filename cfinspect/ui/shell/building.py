"""The second step of building the window: everything that needs NumPy, OpenCV or the project."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDockWidget,
    QMainWindow,
    QMenu,
    QSizePolicy,
    QStackedWidget,
    QToolBar,
    QToolButton,
    QWidget,
)

from cfinspect.project.paths import user_folder
from cfinspect.ui.actions.actions import Actions
from cfinspect.ui.actions.table import MENUS
from cfinspect.ui.frame.action_refresher import ActionRefresher
from cfinspect.ui.frame.context import Context
from cfinspect.ui.frame.layout import WindowLayout
from cfinspect.ui.frame.messages import Messages
from cfinspect.ui.frame.parts import Bars, Parts
from cfinspect.ui.frame.status import Status
from cfinspect.ui.gallery.image_model import ImageModel
from cfinspect.ui.gallery.panel import Gallery
from cfinspect.ui.project.folders import Folders
from cfinspect.ui.project.welcome import Welcome
from cfinspect.ui.review.image_page import ImagePage
from cfinspect.ui.review.parts import build_review
from cfinspect.ui.review.result_panel import ResultPanel
from cfinspect.ui.state.preferences import Preferences
from cfinspect.ui.state.session import Session
from cfinspect.ui.training.page import TrainingPage
from cfinspect.ui.widgets.icons import dress
from cfinspect.ui.widgets.log import LogView
from cfinspect.ui.widgets.translate import tr

_LEAST_PAGE = 360


def build_context(
    window: QMainWindow,
    preferences: Preferences,
    pages: QStackedWidget,
    welcome: Welcome,
    messages: Messages,
) -> Context:
    """Make the pages, panels, menus and bars around the first page, which is there."""
    session = Session(preferences, window)
    actions = Actions(preferences, window)
    parts = build_parts(session, welcome, window)
    for page in (parts.gallery, parts.image_page, parts.training):
        pages.addWidget(page)
    for one in (welcome, parts.gallery, parts.image_page, parts.training):
        # The stack would be as wide as its widest page, shown or not.
        one.setMinimumWidth(_LEAST_PAGE)
    add_buttons(parts.image_page, actions)
    docks = build_docks(window, parts)
    bars = build_bars(window, actions)
    status = Status(window.statusBar(), messages.label)
    layout = WindowLayout(window, pages, parts, docks, bars.tool_bar, actions, preferences)
    refresher = ActionRefresher(session, actions, parts, layout, window)
    return Context(
        window,
        preferences,
        session,
        actions,
        parts,
        bars,
        status,
        messages,
        layout,
        refresher,
    )


def build_parts(session: Session, welcome: Welcome, window: QMainWindow) -> Parts:
    """The pages and panels."""
    model = ImageModel(session)
    image_page, inspector = ImagePage(session), ResultPanel(session)
    return Parts(
        welcome=welcome,
        model=model,
        gallery=Gallery(session, model),
        image_page=image_page,
        inspector=inspector,
        review=build_review(session, image_page, inspector, window),
        training=TrainingPage(session, user_folder() / "runs"),
        folders=Folders(session),
        log=LogView(),
    )


def add_buttons(page: ImagePage, actions: Actions) -> None:
    """The buttons of the image's page that are actions."""
    names = ("hand", "brush", "eraser", "polygon", "fill", "snap", "", "swipe", "side")
    page.add_tools([actions[name] if name else None for name in names])
    page.add_views([actions[name] for name in ("fit", "actual")])
    page.add_helpers([actions[name] for name in ("undo", "redo", "keys")])
    verdicts = ("accept", "damaged", "undamaged", "skip", "mask_ok", "discard")
    page.add_verdicts([actions[name] for name in verdicts])


def build_docks(window: QMainWindow, parts: Parts) -> dict[str, QDockWidget]:
    """Folders, inspection and log, by the names of their actions."""
    left, right = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
    bottom = Qt.DockWidgetArea.BottomDockWidgetArea
    docks = {}
    for name, title, widget, area in (
        ("panel_left", tr("Folders"), parts.folders, left),
        ("panel_right", tr("Inspection"), parts.inspector, right),
        ("log", tr("Log"), parts.log, bottom),
    ):
        dock = QDockWidget(title, window)
        dock.setObjectName(name)
        dock.setWidget(widget)
        dock.setFeatures(
            QDockWidget.DockWidgetFeature.DockWidgetClosable
            | QDockWidget.DockWidgetFeature.DockWidgetMovable
        )
        window.addDockWidget(area, dock)
        docks[name] = dock
    window.setCorner(Qt.Corner.BottomLeftCorner, left)
    window.setCorner(Qt.Corner.BottomRightCorner, right)
    window.resizeDocks(
        [docks["panel_left"], docks["panel_right"]], [250, 300], Qt.Orientation.Horizontal
    )
    docks["log"].hide()
    return docks


def build_bars(window: QMainWindow, actions: Actions) -> Bars:
    """Menus and tool bar, from the table of actions."""
    menus: dict[str, QMenu] = {}
    for name, title in MENUS:
        menus[name] = window.menuBar().addMenu(tr(title))
    for command, action in actions.items():
        if command.break_before:
            menus[command.menu].addSeparator()
        menus[command.menu].addAction(action)
        window.addAction(action)  # the keys work when the menu bar is hidden, too
    recent_menu = QMenu(tr("Recent projects"), window)
    menus["file"].insertMenu(actions["add_folder"], recent_menu)
    bar = QToolBar(tr("Main tools"))
    bar.setObjectName("tools")
    bar.setMovable(False)
    bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    for name in ("open", "inspect", "review", "train", "export"):
        bar.addAction(actions[name])
    space = QWidget()
    space.setObjectName("space")
    space.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    bar.addWidget(space)
    model_button = QToolButton()
    model_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    dress(model_button, "model")
    model_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    model_button.setMenu(QMenu(model_button))
    model_part = bar.addWidget(model_button)
    model_part.setVisible(False)
    bar.addAction(actions["palette"])
    window.addToolBar(bar)
    return Bars(bar, recent_menu, model_button, model_part)
