"""A field for a path, with the button that looks for it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QWidget

from cfinspect.engine.model.plugins import SUFFIX, model_suffixes
from cfinspect.ui.widgets.translate import tr


def model_filter() -> str:
    """For file dialogs: the model files that cfinspect and its plug-ins load."""
    patterns = " ".join(f"*{suffix}" for suffix in model_suffixes())
    return tr("Models (*.safetensors)").replace(f"*{SUFFIX}", patterns)


class PathField(QWidget):
    """A path with a button that opens the file dialog."""

    changed = Signal()

    def __init__(self, title: str, *, files: bool = False) -> None:
        super().__init__()
        self._title = title
        self._files = files
        self.line = QLineEdit()
        self.line.setAccessibleName(title)
        self.line.textChanged.connect(lambda _: self.changed.emit())
        button = QPushButton(tr("Choose…"))
        button.clicked.connect(self._choose)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.line, 1)
        layout.addWidget(button)
        if files:
            other = QPushButton(tr("File…"))
            other.clicked.connect(self._choose_file)
            layout.addWidget(other)

    def path(self) -> Path | None:
        """What was given."""
        text = self.line.text().strip()
        return Path(text).expanduser() if text else None

    def _choose(self) -> None:
        found = QFileDialog.getExistingDirectory(self, self._title, self.line.text())
        if found:
            self.line.setText(found)

    def _choose_file(self) -> None:
        found, _ = QFileDialog.getOpenFileName(self, self._title, self.line.text())
        if found:
            self.line.setText(found)
