"""The training page: what to learn from, live curves, and whether to use the new model."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from cfinspect.engine.config import PRESETS, TrainConfig
from cfinspect.engine.errors import CfinspectError
from cfinspect.engine.events import (
    Event,
    Finished,
    Notice,
    SamplesWritten,
    Started,
    StepDone,
    Validated,
)
from cfinspect.engine.settings import new_config, resumed_config
from cfinspect.ui.icons import dress
from cfinspect.ui.panels.curves import Curves
from cfinspect.ui.panels.drops import dropped_paths
from cfinspect.ui.session import Session
from cfinspect.ui.times import duration, resident_memory
from cfinspect.ui.translate import tr
from cfinspect.ui.workers.job import Failure, Progress, State, Ticket
from cfinspect.ui.workers.jobs import Train

_FORM_ITSELF = {"data", "out", "preset", "minutes", "steps", "device"}
_SHOWN = (
    ("f1", "F1"),
    ("auroc", "AUROC"),
    ("flip_damaged", "flip damaged"),
    ("flip_undamaged", "flip undamaged"),
)


class TrainingPage(QWidget):
    """Form on the left, curves and samples on the right.

    ``use_asked``: let this model file count. ``folder_asked``: choose a folder of images.
    ``verdicts_asked``: write what humans said of the project as training data.
    """

    use_asked = Signal(object)
    folder_asked = Signal()
    verdicts_asked = Signal()
    resume_asked = Signal()
    failed = Signal(object)

    def __init__(self, session: Session, runs: Path) -> None:
        super().__init__()
        self._session = session
        self._runs = runs
        self._ticket: Ticket | None = None
        self._out: Path | None = None
        self._started = False
        self.model: Path | None = None
        self._losses: dict[str, list[tuple[int, float]]] = defaultdict(list)
        self._figures: dict[str, list[tuple[int, float]]] = defaultdict(list)
        self.setAcceptDrops(True)
        split = QSplitter()
        split.addWidget(self._make_form())
        split.addWidget(self._make_view())
        split.setStretchFactor(1, 1)
        split.setSizes([340, 900])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(split)
        session.opened.connect(self._show_state)
        session.closed.connect(self._show_state)
        self._show_state()

    # Form -----------------------------------------------------------------------------------------

    def _make_form(self) -> QWidget:
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setMinimumWidth(320)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setSpacing(8)
        heading = QLabel(tr("Train a model"))
        heading.setProperty("role", "big")
        column.addWidget(heading)
        about = QLabel(
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
        column.addLayout(self._make_choice())
        self.device_reason = QLabel()
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
        self.settings: dict[str, QWidget] = {}
        self.advanced = self._make_advanced()
        self.advanced.hide()
        column.addWidget(self.advanced)
        column.addStretch()
        area.setWidget(page)
        self._preset_changed(self.preset.currentText())
        return area

    def _make_choice(self) -> QFormLayout:
        """The fields that everybody needs."""
        form = QFormLayout()
        self.preset = QComboBox()
        self.preset.addItems(PRESETS)
        self.preset.setCurrentText("fast")
        self.preset.currentTextChanged.connect(self._preset_changed)
        self.minutes = QDoubleSpinBox()
        self.minutes.setRange(0.1, 100_000)
        self.minutes.setDecimals(1)
        self.minutes.setSuffix(" " + tr("minutes"))
        self.device = QComboBox()
        self.device.addItems(["auto", "cpu", "cuda"])
        self.device.setCurrentText(self._session.preferences.get("device"))
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
        for setting in dataclasses.fields(TrainConfig):
            if setting.name in _FORM_ITSELF:
                continue
            widget: QWidget
            if setting.metadata["choices"]:
                combo = QComboBox()
                combo.addItems(setting.metadata["choices"])
                widget = combo
            elif isinstance(setting.default, bool):
                widget = QCheckBox()
            else:
                widget = QLineEdit()
            widget.setToolTip(setting.metadata["help"])
            widget.setAccessibleName(setting.name)
            label = QLabel(setting.name)
            label.setToolTip(setting.metadata["help"])
            form.addRow(label, widget)
            self.settings[setting.name] = widget
        return box

    def _unfold(self, on: bool) -> None:
        self.advanced.setVisible(on)
        arrow = Qt.ArrowType.DownArrow if on else Qt.ArrowType.RightArrow
        self.more.setArrowType(arrow)

    def _preset_changed(self, name: str) -> None:
        config = TrainConfig.from_preset(name)
        self.minutes.setValue(config.minutes or 4.0)
        self._defaults = config.to_dict()
        for setting, widget in getattr(self, "settings", {}).items():
            value = self._defaults[setting]
            if isinstance(widget, QComboBox):
                widget.setCurrentText(str(value))
            elif isinstance(widget, QCheckBox):
                widget.setChecked(bool(value))
            elif isinstance(widget, QLineEdit):
                widget.setText("none" if value is None else str(value))

    def _changes(self) -> list[str]:
        """The settings that are not as the preset has them, as NAME=VALUE."""
        found = []
        for name, widget in self.settings.items():
            value = self._defaults[name]
            if isinstance(widget, QComboBox):
                now, before = widget.currentText(), str(value)
            elif isinstance(widget, QCheckBox):
                now, before = str(widget.isChecked()).lower(), str(bool(value)).lower()
            else:
                assert isinstance(widget, QLineEdit)
                now, before = widget.text().strip(), "none" if value is None else str(value)
            if now != before:
                found.append(f"{name}={now}")
        return found

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

    # View -----------------------------------------------------------------------------------------

    def _make_view(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setSpacing(8)
        top = QHBoxLayout()
        self.big = QLabel()
        self.big.setProperty("role", "big")
        top.addWidget(self.big, 1)
        self.start_button = self._button("play", tr("Start"), self.start)
        self.start_button.setProperty("role", "primary")
        self.pause_button = self._button("pause", tr("Pause"), self.pause)
        self.cancel_button = self._button("stop", tr("Cancel"), self.cancel)
        self.resume_button = self._button("play", tr("Resume a run…"), self.resume_asked.emit)
        for button in (
            self.start_button,
            self.pause_button,
            self.cancel_button,
            self.resume_button,
        ):
            top.addWidget(button)
        column.addLayout(top)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        column.addWidget(self.bar)
        self.detail = QLabel()
        self.detail.setProperty("role", "faint")
        self.detail.setWordWrap(True)
        column.addWidget(self.detail)
        self.curves = Curves()
        column.addWidget(self.curves, 2)
        self.sample_area = QScrollArea()
        self.sample_area.setWidgetResizable(True)
        self.sample_area.setFrameShape(QFrame.Shape.NoFrame)
        self.samples = QLabel()
        self.samples.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self.samples.setAccessibleName(tr("Samples: image, counterfactual, saliency, mask"))
        self.sample_area.setWidget(self.samples)
        column.addWidget(self.sample_area, 3)
        self.result = self._make_result()
        column.addWidget(self.result)
        return page

    def _button(self, name: str, text: str, slot: Any) -> QPushButton:
        button = QPushButton(text)
        dress(button, name)
        button.clicked.connect(slot)
        return button

    def _make_result(self) -> QWidget:
        box = QFrame()
        box.setProperty("role", "card")
        column = QVBoxLayout(box)
        self.result_text = QLabel()
        self.result_text.setWordWrap(True)
        column.addWidget(self.result_text)
        self.result_grid = QGridLayout()
        column.addLayout(self.result_grid)
        row = QHBoxLayout()
        self.use_button = QPushButton(tr("Use this model"))
        self.use_button.setProperty("role", "primary")
        self.use_button.clicked.connect(self._use)
        self.keep_button = QPushButton(tr("Keep the old one"))
        self.keep_button.clicked.connect(box.hide)
        row.addStretch()
        row.addWidget(self.keep_button)
        row.addWidget(self.use_button)
        column.addLayout(row)
        box.hide()
        return box

    # Running --------------------------------------------------------------------------------------

    def start(self) -> None:
        """Train with what the form says."""
        try:
            data = self.data()
            if not data:
                raise CfinspectError(
                    tr("Add a folder first that holds undamaged/ and damaged/ images.")
                )
            for folder in data:
                if not folder.is_dir():
                    raise CfinspectError(
                        tr("There is no folder {folder}; remove it.", folder=folder)
                    )
            options = {"minutes": self.minutes.value(), "device": self.device.currentText()}
            out = self._new_run()
            config = new_config(data, out, self.preset.currentText(), options, self._changes())
        except CfinspectError as error:
            self.failed.emit(Failure.of(tr("The training cannot start"), error))
            return
        self._run(config, out, resume=False)

    def resume(self, out: Path) -> None:
        """Go on with the run in a folder."""
        try:
            given = {"minutes": None, "device": self.device.currentText()}
            config = resumed_config(out, given)
            # What was to take four minutes and has taken them gets as many again.
        except CfinspectError as error:
            self.failed.emit(Failure.of(tr("The run cannot be resumed"), error))
            return
        self._run(config, out, resume=True)

    def _new_run(self) -> Path:
        number = 1
        while (self._runs / f"run-{number}").exists():
            number += 1
        return self._runs / f"run-{number}"

    def _run(self, config: TrainConfig, out: Path, *, resume: bool) -> None:
        self._out = out
        self.model = None
        self._started = False
        self._losses.clear()
        self._figures.clear()
        self.curves.clear()
        self.samples.clear()
        self.result.hide()
        self.detail.setText(tr("Run: {folder}", folder=out))
        ticket = self._session.jobs.add(Train(config.to_dict(), resume=resume))
        self._ticket = ticket
        ticket.progressed.connect(self._progressed)
        ticket.part.connect(self._events)
        ticket.succeeded.connect(self._finished)
        ticket.ended.connect(self._ended)
        self._session.jobs.changed.connect(self._show_state)
        self._show_state()

    def pause(self) -> None:
        """Pause, or go on."""
        if self._ticket is None:
            return
        if self._ticket.is_paused:
            self._ticket.resume()
        else:
            self._ticket.pause()
        self._show_state()

    def cancel(self) -> None:
        """Stop; a checkpoint is kept."""
        if self._ticket is not None:
            self._session.jobs.cancel(self._ticket)
            self._show_state()

    @property
    def is_running(self) -> bool:
        """Whether a training of this page runs or waits."""
        return self._ticket is not None and not self._ticket.is_over

    def _progressed(self, progress: Progress) -> None:
        self.bar.setMaximum(progress.total or 0)
        self.bar.setValue(progress.done)
        parts = [progress.text]
        if progress.rate and self._started:
            parts.append(tr("{n} images/s", n=f"{progress.rate:.0f}"))
        if self._started and (memory := resident_memory()):
            parts.append(tr("{n} MB of memory", n=f"{memory:,.0f}"))
        if progress.seconds_left is not None and self._started:
            parts.append(tr("{time} left", time=duration(progress.seconds_left)))
        if not (self._ticket and (self._ticket.is_paused or self._ticket.state is State.STOPPING)):
            self.big.setText(" · ".join(part for part in reversed(parts) if part))

    def _events(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Started):
                self._started = True
                counts = ", ".join(f"{n} {name}" for name, n in event.counts.items())
                self.detail.setText(
                    tr(
                        "{device}. Images: {counts}. Run: {folder}",
                        device=event.device,
                        counts=counts,
                        folder=self._out,
                    )
                )
            elif isinstance(event, StepDone):
                for name, value in event.losses.items():
                    self._losses[name].append((event.step, value))
            elif isinstance(event, Validated):
                for name in ("f1", "flip_damaged", "flip_undamaged", "p_fake"):
                    if name in event.figures:
                        self._figures[name].append((event.step, event.figures[name]))
            elif isinstance(event, SamplesWritten):
                self._show_samples(event.path)
            elif isinstance(event, Notice):
                self.detail.setText(tr("Step {n}: {text}", n=event.step, text=event.text))
        self.curves.draw(self._losses, self._figures)

    def _show_samples(self, path: Path) -> None:
        picture = QPixmap(str(path))
        if not picture.isNull():
            width = max(400, self.sample_area.viewport().width() - 8)
            if picture.width() > width:
                picture = picture.scaledToWidth(width, Qt.TransformationMode.SmoothTransformation)
            self.samples.setPixmap(picture)

    def _finished(self, last: Finished | None) -> None:
        if last is None or last.model is None:
            return
        self.model = last.model
        self._show_result(last.figures)

    def _show_result(self, figures: dict[str, float]) -> None:
        while self.result_grid.count():
            item = self.result_grid.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.deleteLater()
        current = self._current_figures()
        heads = ["", *(text for _, text in _SHOWN)]
        rows = [(tr("new model"), figures), (tr("model in use"), current)]
        for column, text in enumerate(heads):
            self.result_grid.addWidget(QLabel(text), 0, column)
        for place, (name, values) in enumerate(rows, start=1):
            if not values:
                continue
            self.result_grid.addWidget(QLabel(name), place, 0)
            for column, (key, _) in enumerate(_SHOWN, start=1):
                value = values.get(key)
                self.result_grid.addWidget(
                    QLabel("" if value is None else f"{value:.3f}"), place, column
                )
        text = tr(
            "The model is ready: {file}. Its figures come from the images kept for validation.",
            file=self.model,
        )
        if current:
            text += " " + tr(
                "The two rows were measured on different images, unless the data is the same; "
                "Model / Models… compares both on one folder."
            )
        self.result_text.setText(text)
        self.use_button.setEnabled(self._session.project is not None)
        self.use_button.setToolTip(
            "" if self._session.project is not None else tr("Open a folder first.")
        )
        self.result.show()

    def _current_figures(self) -> dict[str, float]:
        facts = self._session.facts
        if facts is None:
            return {}
        bound = {one.model_id for one in facts.folders if one.model_id is not None}
        model = next((one for one in reversed(facts.models) if one.id in bound), None)
        if model is None:
            return {}
        return dict((model.card.get("metrics") or {}).get("validation") or {})

    def _use(self) -> None:
        if self.model is not None:
            self.use_asked.emit(self.model)
            self.result.hide()

    def _ended(self) -> None:
        ticket, self._ticket = self._ticket, None
        self._show_state()
        if ticket is None:
            return
        self.bar.setMaximum(1)
        self.bar.setValue(0 if ticket.state is not State.DONE else 1)
        if ticket.state is State.CANCELLED:
            self.big.setText(tr("Cancelled; a checkpoint is kept."))
        elif ticket.state is State.FAILED:
            self.big.setText(tr("The training failed."))
        else:
            self.big.setText(tr("Done."))

    @property
    def last_run(self) -> Path | None:
        """The folder of the last run of this page."""
        return self._out

    def _show_state(self) -> None:
        ticket = self._ticket
        running = self.is_running
        self.start_button.setVisible(not running)
        self.resume_button.setVisible(not running)
        self.pause_button.setVisible(running)
        self.cancel_button.setVisible(running)
        self.from_verdicts.setEnabled(self._session.project is not None)
        if ticket is None:
            if not self.big.text():
                self.big.setText(tr("Ready."))
            return
        paused = ticket.is_paused
        self.pause_button.setText(tr("Go on") if paused else tr("Pause"))
        dress(self.pause_button, "play" if paused else "pause")
        stopping = ticket.state is State.STOPPING
        self.cancel_button.setEnabled(not stopping)
        self.pause_button.setEnabled(not stopping)
        if stopping:
            self.big.setText(tr("Stopping and saving a checkpoint…"))
        elif paused:
            self.big.setText(tr("Paused."))
        elif ticket.state is State.WAITING:
            self.big.setText(tr("Waits until the job before it has ended."))

    def retheme(self) -> None:
        """Colours have changed."""
        self.curves.retheme()
        dress(self.start_button, "play")

    # Drag and drop --------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take folders."""
        if any(path.is_dir() for path in dropped_paths(event)):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Learn from them."""
        for path in dropped_paths(event):
            if path.is_dir():
                self.add_folder(path)
        event.acceptProposedAction()
