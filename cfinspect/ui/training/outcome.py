"""What a training has come to, beside the model in use: use the new one, or keep the old."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout

from cfinspect.ui.widgets.label import Label
from cfinspect.ui.widgets.layouts import clear
from cfinspect.ui.widgets.translate import mark, tr

_SHOWN = (
    ("f1", "F1"),
    ("auroc", "AUROC"),
    ("flip_damaged", mark("flip damaged")),
    ("flip_undamaged", mark("flip undamaged")),
)


class ResultCard(QFrame):
    """Hidden until there is a result. ``use_asked``: let this model file count; whoever does so
    hides it.
    """

    use_asked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._model: Path | None = None
        self.setProperty("role", "card")
        column = QVBoxLayout(self)
        self.text = Label()
        self.text.setWordWrap(True)
        column.addWidget(self.text)
        self.grid = QGridLayout()
        column.addLayout(self.grid)
        row = QHBoxLayout()
        self.use_button = QPushButton(tr("Use this model"))
        self.use_button.setProperty("role", "primary")
        self.use_button.clicked.connect(self._use)
        self.keep_button = QPushButton(tr("Keep the old one"))
        self.keep_button.clicked.connect(self.hide)
        row.addStretch()
        row.addWidget(self.keep_button)
        row.addWidget(self.use_button)
        column.addLayout(row)
        self.hide()

    def show_result(
        self, model: Path, figures: dict[str, float], current: dict[str, float]
    ) -> None:
        """Show a new model's validation figures and those of the one in use ({}: none)."""
        self._model = model
        clear(self.grid)
        for column, text in enumerate(["", *(tr(text) for _, text in _SHOWN)]):
            self.grid.addWidget(Label(text), 0, column)
        rows = [(tr("new model"), figures), (tr("model in use"), current)]
        for place, (name, values) in enumerate(rows, start=1):
            if not values:
                continue
            self.grid.addWidget(Label(name), place, 0)
            for column, (key, _) in enumerate(_SHOWN, start=1):
                value = values.get(key)
                text = "" if value is None else f"{value:.3f}"
                self.grid.addWidget(Label(text), place, column)
        words = tr(
            "The model is ready: {file}. Its figures come from the images kept for validation.",
            file=model,
        )
        if current:
            words += " " + tr(
                "The two rows were measured on different images, unless the data is the same; "
                "Model / Models… compares both on one folder."
            )
        self.text.setText(words)
        self.use_button.show()
        self.show()
        for button in (self.keep_button, self.use_button):
            button.ensurePolished()  # made unseen: its width was measured in another font
            button.updateGeometry()

    def show_diffusion(self, model: Path) -> None:
        """A diffusion model has no figures to compare, and cannot be used for inspections."""
        self._model = None
        clear(self.grid)
        self.text.setText(
            tr(
                "The diffusion model is ready: {file}. Open an image and choose Model / Explain by "
                "another method… to ask ACE.",
                file=model,
            )
        )
        self.use_button.hide()
        self.show()

    def set_usable(self, usable: bool) -> None:
        """Whether a project is open that a model could count for."""
        self.use_button.setEnabled(usable)
        self.use_button.setToolTip("" if usable else tr("Open a folder first."))

    def _use(self) -> None:
        if self._model is not None:
            self.use_asked.emit(self._model)
