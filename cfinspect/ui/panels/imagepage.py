"""The page of one image: what it is called, the canvas, its layers, and the strip below."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QSize, Qt, Signal, SignalInstance
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QListView,
    QSizePolicy,
    QSlider,
    QToolBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from cfinspect.ui.canvas.layers import Layer
from cfinspect.ui.canvas.view import Canvas
from cfinspect.ui.icons import dress
from cfinspect.ui.models.images import ImageModel
from cfinspect.ui.panels.badges import GridDelegate
from cfinspect.ui.session import Session
from cfinspect.ui.translate import mark, tr

_STRIP_SIDE = 72
_LAYERS = (
    ("counterfactual", "2", mark("Counterfactual")),
    ("saliency", "3", mark("Saliency")),
    ("machine_mask", "4", mark("Machine's mask")),
    ("human_mask", "5", mark("Human's mask")),
)


class LayerBar(QToolBar):
    """Visibility and opacity of the layers, and the gain of the saliency.

    A tool bar, because that folds what does not fit on a small screen into a menu.
    """

    def __init__(self, canvas: Canvas) -> None:
        super().__init__()
        self._canvas = canvas
        self.boxes: dict[str, QCheckBox] = {}
        self.sliders: dict[str, QSlider] = {}
        for name, key, text in _LAYERS:
            box = QCheckBox(f"{tr(text)} ({key})")
            box.setChecked(self._layer(name).visible)
            box.setToolTip(tr("Show or hide this layer (key {key})", key=key))
            box.toggled.connect(lambda on, name=name: self._show(name, on))
            box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self.boxes[name] = box
            self.addWidget(box)
            if name != "machine_mask":  # an outline has no use for it
                self.addWidget(self._opacity(name, tr(text)))
        self.addWidget(_stretch())
        self.addWidget(QLabel(tr("Gain") + " "))
        self.gain = QSlider(Qt.Orientation.Horizontal)
        self.gain.setRange(5, 100)
        self.gain.setValue(round(canvas.layers.gain * 10))
        self.gain.setFixedWidth(80)
        self.gain.setAccessibleName(tr("Gain of the saliency"))
        self.gain.setToolTip(tr("What the saliency is multiplied with before it is coloured"))
        self.gain.valueChanged.connect(self._set_gain)
        self.gain_text = QLabel(f"{canvas.layers.gain:.1f}x")
        self.gain_text.setFixedWidth(40)
        self.addWidget(self.gain)
        self.addWidget(self.gain_text)

    def toggle(self, name: str) -> None:
        """Show a hidden layer, hide a shown one."""
        self.boxes[name].toggle()

    def plain_image(self) -> None:
        """Hide every layer; again: show the masks."""
        shown = any(box.isChecked() for box in self.boxes.values())
        for name, box in self.boxes.items():
            box.setChecked(not shown and name.endswith("mask"))

    def _layer(self, name: str) -> Layer:
        layer: Layer = getattr(self._canvas.layers, name)
        return layer

    def _opacity(self, name: str, text: str) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(5, 100)
        slider.setValue(round(self._layer(name).opacity * 100))
        slider.setFixedWidth(64)
        slider.setAccessibleName(tr("Opacity of {layer}", layer=text))
        slider.setToolTip(tr("Opacity"))
        slider.valueChanged.connect(lambda value: self._set_opacity(name, value))
        self.sliders[name] = slider
        return slider

    def _show(self, name: str, on: bool) -> None:
        self._layer(name).visible = on
        self._canvas.refresh()

    def _set_opacity(self, name: str, value: int) -> None:
        self._layer(name).opacity = value / 100
        self._canvas.refresh()

    def _set_gain(self, value: int) -> None:
        self._canvas.layers.gain = value / 10
        self.gain_text.setText(f"{value / 10:.1f}x")
        self._canvas.refresh()


class ImagePage(QWidget):
    """Head, canvas, layers, strip. ``chosen``: an image of the strip was clicked."""

    chosen = Signal(int)
    previous_asked = Signal()
    next_asked = Signal()
    back_asked = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.canvas = Canvas()
        self.layer_bar = LayerBar(self.canvas)
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
        self.name = QLabel()
        self.name.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.pixel = QLabel()
        self.pixel.setProperty("role", "faint")
        self.pixel.setMaximumWidth(320)
        self.pixel.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.pixel.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.zoom = QLabel()
        self.zoom.setFixedWidth(64)
        self.zoom.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for widget in (self.back, self.previous, self.next):
            layout.addWidget(widget)
        layout.addWidget(self.name, 3)
        layout.addWidget(self.pixel, 2)
        layout.addWidget(self.zoom)
        self.canvas.pixel.connect(self.pixel.setText)
        return head

    def _button(self, name: str, text: str, signal: SignalInstance) -> QToolButton:
        button = QToolButton()
        dress(button, name)
        button.setToolTip(text)
        button.setAccessibleName(text)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(signal)
        return button

    def _make_review_bar(self) -> QWidget:
        self.review_bar = QToolBar()
        self.review_text = QLabel()
        self.review_text.setTextFormat(Qt.TextFormat.PlainText)
        self.review_bar.addWidget(self.review_text)
        self.review_bar.addWidget(_stretch())
        return self.review_bar

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
            button = QToolButton()
            button.setDefaultAction(action)
            button.setIconSize(QSize(20, 20))
            button.setAccessibleName(action.text())
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self._tool_layout.addWidget(button)
        self._tool_layout.addStretch()

    def add_verdicts(self, actions: list[QAction]) -> None:
        """Put the verdicts below the canvas, each with its key."""
        for action in actions:
            button = QToolButton()
            button.setDefaultAction(action)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setAccessibleName(action.text())
            # The action's changes set the button's text anew; the key belongs to it.
            action.changed.connect(partial(_with_key, button, action))
            _with_key(button, action)
            button.setProperty("role", "verdict")
            button.setIconSize(QSize(20, 20))
            if action.objectName() == "mask_ok":
                self.review_bar.addSeparator()
            self.review_bar.addWidget(button)

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


def _stretch() -> QWidget:
    """What takes the room that is left."""
    space = QWidget()
    space.setObjectName("space")
    space.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    return space


def _with_key(button: QToolButton, action: QAction) -> None:
    key = action.shortcut().toString()
    button.setText(f"{action.iconText()}  {key}" if key else action.iconText())
