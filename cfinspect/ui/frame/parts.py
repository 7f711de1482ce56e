"""What the window is made of: pages, panels, bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMenu, QToolBar, QToolButton

if TYPE_CHECKING:
    from PySide6.QtGui import QAction

    from cfinspect.ui.canvas.view import Canvas
    from cfinspect.ui.gallery.image_model import ImageModel
    from cfinspect.ui.gallery.panel import Gallery
    from cfinspect.ui.project.folders import Folders
    from cfinspect.ui.project.welcome import Welcome
    from cfinspect.ui.review.image_page import ImagePage
    from cfinspect.ui.review.parts import ReviewParts
    from cfinspect.ui.review.result_panel import ResultPanel
    from cfinspect.ui.training.page import TrainingPage
    from cfinspect.ui.widgets.log import LogView


@dataclass(frozen=True)
class Parts:
    """The pages and panels, and what works behind them.

    ``model``: of the gallery's list; ``inspector``: the panel that shows what a model said;
    ``review``: what works on the image on screen.
    """

    welcome: Welcome
    model: ImageModel
    gallery: Gallery
    image_page: ImagePage
    inspector: ResultPanel
    review: ReviewParts
    training: TrainingPage
    folders: Folders
    log: LogView

    @property
    def canvas(self) -> Canvas:
        """Where an image is drawn."""
        return self.image_page.canvas


@dataclass(frozen=True)
class Bars:
    """The tool bar, and the menus that are filled when they open.

    ``model_part``: the place of ``model_button`` in the tool bar.
    """

    tool_bar: QToolBar
    recent_menu: QMenu
    model_button: QToolButton
    model_part: QAction
