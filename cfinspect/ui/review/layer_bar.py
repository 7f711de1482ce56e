"""Which layers the canvas shows, how strongly, and the gain of the saliency."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QCheckBox, QSizePolicy, QSlider, QToolBar, QWidget

from cfinspect.ui.canvas.layers import Layer
from cfinspect.ui.canvas.view import Canvas
from cfinspect.ui.widgets.label import Label, plain
from cfinspect.ui.widgets.translate import mark, tr

_ALL = 690  # px, from which there is room for everything
_LAYERS = (
    ("counterfactual", "2", mark("Counterfactual")),
    ("saliency", "3", mark("Saliency")),
    ("machine_mask", "4", mark("Machine mask")),
    ("human_mask", "5", mark("Human mask")),
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
        self._folding: list[QAction] = []
        for name, key, text in _LAYERS:
            box = QCheckBox(f"{tr(text)} ({key})")
            box.setChecked(self._layer(name).visible)
            box.setToolTip(plain(tr("Show or hide this layer (key {key})", key=key)))
            box.toggled.connect(lambda on, name=name: self._show(name, on))
            box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self.boxes[name] = box
            self.addWidget(box)
            if name != "machine_mask":  # an outline has no use for it
                self._folding.append(self.addWidget(self._opacity(name, tr(text))))
        self.addWidget(stretch())
        self.addWidget(Label(tr("Gain") + " "))
        self.gain = QSlider(Qt.Orientation.Horizontal)
        self.gain.setRange(5, 100)
        self.gain.setValue(round(canvas.layers.gain * 10))
        self.gain.setFixedWidth(56)
        self.gain.setAccessibleName(tr("Gain of the saliency"))
        self.gain.setToolTip(tr("What the saliency is multiplied with before it is coloured"))
        self.gain.valueChanged.connect(self._set_gain)
        self.gain_text = Label(f"{canvas.layers.gain:.1f}x")
        self.gain_text.setFixedWidth(44)
        self.addWidget(self.gain)
        self.addWidget(self.gain_text)

    def fold(self, width: int) -> None:
        """In a narrow window leave out the opacities, or the boxes would have no room."""
        for part in self._folding:
            part.setVisible(width >= _ALL)

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
        slider.setFixedWidth(44)
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


def stretch() -> QWidget:
    """What takes the room that is left in a tool bar."""
    space = QWidget()
    space.setObjectName("space")
    space.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    return space
