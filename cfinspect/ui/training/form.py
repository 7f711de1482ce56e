"""The form of a training: what to learn from, for how long, and every setting of TrainConfig."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QListWidget,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.setting import SettingValue
from cfinspect.engine.training.config import PRESETS, TrainConfig
from cfinspect.engine.training.presets import is_no_backbone
from cfinspect.ui.training.setting_fields import SettingField, field_for
from cfinspect.ui.widgets.label import Label, plain
from cfinspect.ui.widgets.translate import mark, tr
from cfinspect.workflows.config_parsing import new_config

_NARROWEST = 320  # px
_PRESETS = {
    "fast": mark("fast: a first look"),
    "balanced": mark("balanced: for daily use"),
    "paper": mark("paper: as published, for comparisons"),
}


class TrainForm(QScrollArea):
    """Fields that everybody needs, and the rest folded away.

    ``folder_asked``: choose a folder of images. ``verdicts_asked``: write what humans said of the
    project as training data.
    """

    folder_asked = Signal()
    verdicts_asked = Signal()

    def __init__(self, device: str) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumWidth(_NARROWEST)
        self._page = QWidget()
        column = QVBoxLayout(self._page)
        column.setSpacing(8)
        heading = Label(tr("Train a model"))
        heading.setProperty("role", "big")
        column.addWidget(heading)
        self._make_data(column)
        column.addLayout(self._make_choice())
        self._make_settings(column)
        column.addStretch()
        self.setWidget(self._page)
        self.device.setCurrentText(device)
        self._preset_changed(self.preset.currentIndex())

    def _make_data(self, column: QVBoxLayout) -> None:
        """What to learn from."""
        about = Label(
            tr(
                "Give folders that hold undamaged/ and damaged/ images (or good/ and bad/, ok/ and "
                "ng/). No masks are needed."
            )
        )
        about.setWordWrap(True)
        about.setProperty("role", "faint")
        column.addWidget(about)
        self.folders = QListWidget()
        self.folders.setAccessibleName(tr("Folders to learn from"))
        self.folders.setMaximumHeight(96)
        column.addWidget(self.folders)
        row = QHBoxLayout()
        add = QPushButton(tr("Add folder…"))
        add.clicked.connect(self.folder_asked)
        remove = QPushButton(tr("Remove"))
        remove.clicked.connect(lambda: self.folders.takeItem(self.folders.currentRow()))
        row.addWidget(add)
        row.addWidget(remove)
        column.addLayout(row)
        self.from_verdicts = QPushButton(tr("Add this project's verdicts"))
        self.from_verdicts.setToolTip(
            tr("Images with a verdict become a folder of training data, with corrected labels")
        )
        self.from_verdicts.clicked.connect(self.verdicts_asked)
        column.addWidget(self.from_verdicts)

    def _make_settings(self, column: QVBoxLayout) -> None:
        """The device with its reason, and the settings that are folded away."""
        self.device_reason = Label()
        self.device_reason.setProperty("role", "faint")
        self.device_reason.setWordWrap(True)
        column.addWidget(self.device_reason)
        self.more = QToolButton()
        self.more.setText(tr("All settings"))
        self.more.setCheckable(True)
        self.more.setArrowType(Qt.ArrowType.RightArrow)
        self.more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.more.toggled.connect(self._unfold)
        column.addWidget(self.more)
        self.settings: dict[str, SettingField] = {}
        self._leading: dict[str, QComboBox] = {}  # those that bring others along
        self.advanced = self._make_advanced()
        self.advanced.hide()
        column.addWidget(self.advanced)

    def _make_choice(self) -> QFormLayout:
        """The fields that everybody needs."""
        form = QFormLayout()
        self.preset = QComboBox()
        for name in PRESETS:
            self.preset.addItem(tr(_PRESETS[name]), name)
        self.preset.currentIndexChanged.connect(self._preset_changed)
        self._preset_shown = PRESETS[0]
        self.minutes = QDoubleSpinBox()
        self.minutes.setRange(0.1, 100_000)
        self.minutes.setDecimals(1)
        self.minutes.setSuffix(" " + tr("minutes"))
        self.device = QComboBox()
        self.device.addItems(["auto", "cpu", "cuda"])
        form.addRow(tr("Preset"), self.preset)
        form.addRow(tr("Time"), self.minutes)
        form.addRow(tr("Device"), self.device)
        return form

    def _make_advanced(self) -> QWidget:
        """One field for each setting of TrainConfig, from TrainConfig itself."""
        box = QWidget()
        form = QFormLayout(box)
        form.setContentsMargins(0, 0, 0, 0)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
        for name, about in TrainConfig.settings().items():
            if not about.title:  # has its own field above
                continue
            field = field_for(about)
            tip = f"{tr(about.help)} ({name})"
            label = Label(tr(about.title))
            for one in (label, field.widget):
                one.setToolTip(plain(tip))
            field.widget.setAccessibleName(label.text())
            form.addRow(label, field.widget)
            self.settings[name] = field
        for name in ("method", "discriminator"):
            leading = self.settings[name].widget
            assert isinstance(leading, QComboBox)
            self._leading[name] = leading
            leading.currentIndexChanged.connect(self._show_preset)
        return box

    def _unfold(self, on: bool) -> None:
        self.advanced.setVisible(on)
        arrow = Qt.ArrowType.DownArrow if on else Qt.ArrowType.RightArrow
        self.more.setArrowType(arrow)
        # There is no scrolling sideways: what does not fit would be cut off.
        wide = self._page.minimumSizeHint().width() + self.verticalScrollBar().sizeHint().width()
        self.setMinimumWidth(max(_NARROWEST, wide))

    def _preset_changed(self, number: int) -> None:
        """Another preset: its own networks, unless others had been chosen."""
        before, self._preset_shown = self._preset_shown, PRESETS[number]
        own, other = (TrainConfig.from_preset(one).to_dict() for one in (before, PRESETS[number]))
        for name, box in self._leading.items():
            if box.currentText() == own[name]:
                self.settings[name].show_value(other[name])
        self._show_preset()

    def _show_preset(self) -> None:
        chosen = {name: box.currentText() for name, box in self._leading.items()}
        config = TrainConfig.from_preset(self._preset_shown, **chosen)
        self.minutes.setValue(config.minutes or 4.0)
        # What they bring along is shown; that they were chosen are changes of their own.
        usual = TrainConfig.from_preset(self._preset_shown).to_dict()
        self._defaults = {**config.to_dict(), **{name: usual[name] for name in chosen}}
        for name, field in self.settings.items():
            if name not in chosen:
                field.show_value(self._defaults[name])

    def _changes(self) -> dict[str, SettingValue]:
        """What is shown; where a model or "from scratch" brings its own, what a person changed."""
        shown = {name: field.value() for name, field in self.settings.items()}
        changed = {name: value for name, value in shown.items() if value != self._defaults[name]}
        own = changed.get("init_from") or is_no_backbone(changed.get("backbone"))
        return changed if own else shown

    def add_folder(self, folder: Path) -> None:
        """Learn from this folder as well."""
        known = {self.folders.item(row).text() for row in range(self.folders.count())}
        if str(folder) not in known:
            self.folders.addItem(str(folder))

    def data(self) -> list[Path]:
        """The folders to learn from."""
        return [Path(self.folders.item(row).text()) for row in range(self.folders.count())]

    def show_device(self, text: str) -> None:
        """Say what will be computed on, and why."""
        self.device_reason.setText(text)

    def config(self, out: Path) -> TrainConfig:
        """What the form says, for a run in ``out``; raises CfinspectError where that cannot be."""
        data = self.data()
        if not data:
            raise CfinspectError(
                tr("Add a folder first that holds undamaged/ and damaged/ images.")
            )
        for folder in data:
            if not folder.is_dir():
                raise CfinspectError(tr("There is no folder {folder}; remove it.", folder=folder))
        minutes, device = self.minutes.value(), self.device.currentText()
        changes = {**self._changes(), "minutes": minutes, "device": device}
        return new_config(data, out, self.preset.currentData(), changes)
