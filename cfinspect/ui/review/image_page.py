"""The page of one image: what it is called, the canvas, its layers, the strip, the verdicts."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QSize, Qt, Signal, SignalInstance
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QListView,
    QSizePolicy,
    QToolBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from cfinspect.ui.canvas.view import Canvas
from cfinspect.ui.gallery.badges import GridDelegate
from cfinspect.ui.gallery.image_model import ImageModel
from cfinspect.ui.review.layer_bar import LayerBar, stretch
from cfinspect.ui.state.preferences import BY_NAME
from cfinspect.ui.state.session import Session
from cfinspect.ui.widgets.elided import ElidedLabel
from cfinspect.ui.widgets.icons import dress
from cfinspect.ui.widgets.label import Label, plain
from cfinspect.ui.widgets.layouts import wide_list
from cfinspect.ui.widgets.translate import tr

_STRIP_SIDE = 72
_NARROW = 560  # px, below which there is no room for all words
_ABOUT = 250  # px, that the head need not move with every pixel


class ImagePage(QWidget):
    """Head, canvas, layers, where one is, strip, verdicts. ``chosen``: an image of the strip was
    clicked. ``rank_chosen``: rank the review queue by this.
    """

    chosen = Signal(int)
    rank_chosen = Signal(str)
    previous_asked = Signal()
    next_asked = Signal()
    back_asked = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.canvas = Canvas()
        self.layer_bar = LayerBar(self.canvas)
        self._preferences = session.preferences
        self._verdicts: list[tuple[QToolButton, QAction]] = []
        self._is_narrow = False
        self._about = ""
        self.strip_model = ImageModel(session)
        self.strip = self._make_strip()
        self.tools = QFrame()
        self.tools.setProperty("role", "bar")
        self._tool_layout = QVBoxLayout(self.tools)
        self._tool_layout.setContentsMargins(4, 8, 4, 8)
        self._tool_layout.setSpacing(4)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._make_head())
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.tools)
        middle.addWidget(self.canvas, 1)
        layout.addLayout(middle, 1)
        layout.addWidget(self.layer_bar)
        layout.addWidget(self._make_review_bar())
        layout.addWidget(self.strip)
        layout.addWidget(self._make_verdict_bar())
        self.canvas.zoomed.connect(self._show_zoom)
        session.opened.connect(
            lambda: session.thumbnails.ready.connect(lambda _: self.strip.viewport().update())
        )

    def _make_head(self) -> QWidget:
        self.head = head = QFrame()
        head.setProperty("role", "bar")
        layout = QHBoxLayout(head)
        layout.setContentsMargins(8, 4, 12, 4)
        self.back = self._button("gallery", tr("Back to the gallery (Esc)"), self.back_asked)
        self.previous = self._button("previous", tr("Previous image (Left)"), self.previous_asked)
        self.next = self._button("next", tr("Next image (Right)"), self.next_asked)
        self.name = ElidedLabel()
        # Size and group of the image; while the mouse is over it, what is below the mouse.
        self.about = Label()
        self.about.setProperty("role", "faint")
        self.about.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.about.setMinimumWidth(_ABOUT)
        self.zoom = Label()
        self.zoom.setFixedWidth(64)
        self.zoom.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for widget in (self.back, self.previous, self.next):
            layout.addWidget(widget)
        layout.addWidget(self.name, 3)
        layout.addWidget(self.about)
        layout.addWidget(self.zoom)
        self._head_layout = layout
        self.canvas.pixel.connect(self._show_pixel)
        return head

    def show_about(self, name: str, about: str) -> None:
        """Say which image it is."""
        self.name.setText(name)
        self._about = about
        self.about.setText(about)

    def _show_pixel(self, text: str) -> None:
        self.about.setText(text or self._about)

    def _button(self, name: str, text: str, signal: SignalInstance) -> QToolButton:
        button = QToolButton()
        dress(button, name)
        button.setToolTip(plain(text))
        button.setAccessibleName(text)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(signal)
        return button

    def _make_review_bar(self) -> QWidget:
        self.review_bar = QToolBar()
        self.review_text = Label()
        self.review_bar.addWidget(self.review_text)
        self.review_bar.addWidget(stretch())
        label = Label(tr("First:"))
        self.rank = QComboBox()
        self.rank.setAccessibleName(tr("What comes first in the review"))
        self.rank.setToolTip(tr("What the review queue is ranked by."))
        self.rank.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        choices = BY_NAME["rank"].choices or {}
        for value, text in choices.items():
            self.rank.addItem(tr(text), value)
        wide_list(self.rank)
        self.rank.activated.connect(lambda _: self.rank_chosen.emit(self.rank.currentData()))
        self._rank_parts = [self.review_bar.addWidget(label), self.review_bar.addWidget(self.rank)]
        return self.review_bar

    def show_rank(self, *, on: bool) -> None:
        """Offer the choice of what comes first: in a review only."""
        for part in self._rank_parts:
            part.setVisible(on)
        self.rank.setCurrentIndex(self.rank.findData(self._preferences.get("rank")))

    def _make_verdict_bar(self) -> QWidget:
        self.verdict_bar = QFrame()
        self.verdict_bar.setProperty("role", "bar")
        self._verdict_layout = QHBoxLayout(self.verdict_bar)
        self._verdict_layout.setContentsMargins(4, 4, 4, 4)
        self._verdict_layout.setSpacing(4)
        return self.verdict_bar

    def _make_strip(self) -> QListView:
        strip = QListView()
        strip.setAccessibleName(tr("Images to come"))
        strip.setViewMode(QListView.ViewMode.ListMode)
        strip.setFlow(QListView.Flow.LeftToRight)
        strip.setWrapping(False)
        strip.setUniformItemSizes(True)
        strip.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        strip.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        strip.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        strip.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        delegate = GridDelegate(_STRIP_SIDE, strip, named=False)
        strip.setItemDelegate(delegate)
        strip.setFixedHeight(delegate.cell.height() + 2)
        strip.setModel(self.strip_model)
        strip.clicked.connect(lambda index: self.chosen.emit(self.strip_model.ids[index.row()]))
        return strip

    def add_tools(self, actions: list[QAction | None]) -> None:
        """Put tools on the left; None is a gap."""
        for action in actions:
            if action is None:
                self._tool_layout.addSpacing(8)
                continue
            self._tool_layout.addWidget(_small(action))
        self._tool_layout.addStretch()

    def add_views(self, actions: list[QAction]) -> None:
        """Put fit and actual size beside the zoom."""
        for action in actions:
            self._head_layout.addWidget(_small(action))

    def add_helpers(self, actions: list[QAction]) -> None:
        """Put undo, redo and the keys at the end of the bar above the strip."""
        for action in actions:
            self.review_bar.addWidget(_small(action))

    def add_verdicts(self, actions: list[QAction]) -> None:
        """Put the verdicts below the strip, each with its key, all of one width."""
        for action in actions:
            button = QToolButton()
            button.setDefaultAction(action)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setAccessibleName(action.text())
            # The action's changes set the button's text anew; the key belongs to it.
            action.changed.connect(partial(self._with_key, button, action))
            self._with_key(button, action)
            button.setProperty("role", "verdict")
            button.setIconSize(QSize(20, 20))
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
            if action.objectName() == "mask_ok":
                self._verdict_layout.addSpacing(12)
            self._verdict_layout.addWidget(button, 1)
            self._verdicts.append((button, action))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """On a small screen the verdicts are their signs and keys, and the name comes first."""
        super().resizeEvent(event)
        self.about.setHidden(self.width() < _NARROW)
        self.layer_bar.fold(self.width())
        words = sum(self._words(button, action) for button, action in self._verdicts)
        narrow = words + 8 * len(self._verdicts) > self.width()
        if narrow != self._is_narrow:
            self._is_narrow = narrow
            for button, action in self._verdicts:
                self._with_key(button, action)

    def _words(self, button: QToolButton, action: QAction) -> int:
        """How wide a verdict is with its word and its key, in px."""
        text = f"{action.iconText()}  {action.shortcut().toString()}"
        return button.fontMetrics().horizontalAdvance(text) + 52

    def _with_key(self, button: QToolButton, action: QAction) -> None:
        key, text = action.shortcut().toString(), action.iconText()
        if self._is_narrow and key:
            text = ""
        button.setText("  ".join(part for part in (text, key) if part))

    def show_strip(self, ids: list[int], current: int) -> None:
        """List these images in the strip, with the current one selected."""
        if self.strip_model.ids != ids:
            self.strip_model.set_ids(ids)
        place = self.strip_model.place_of(current)
        if place is not None:
            index = self.strip_model.index(place, 0)
            self.strip.setCurrentIndex(index)
            self.strip.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtCenter)

    def _show_zoom(self, scale: float) -> None:
        self.zoom.setText(f"{100 * scale * self.devicePixelRatioF():.0f} %")


def _small(action: QAction) -> QToolButton:
    """A button that shows an action's icon alone."""
    button = QToolButton()
    button.setDefaultAction(action)
    button.setIconSize(QSize(20, 20))
    button.setAccessibleName(action.text())
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
