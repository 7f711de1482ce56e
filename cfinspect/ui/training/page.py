"""The training page: what to learn from, live curves, and whether to use the new model."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QPixmap
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.events import (
    Event,
    Finished,
    Notice,
    SamplesWritten,
    Started,
    StepDone,
    Validated,
)
from cfinspect.engine.training.config import TrainConfig
from cfinspect.ui.jobs.job import Failure, JobHandle, JobProgress, JobState
from cfinspect.ui.jobs.training import Train
from cfinspect.ui.state.preferences import LAST_DIFFUSION
from cfinspect.ui.state.session import Session
from cfinspect.ui.training.curves import Curves
from cfinspect.ui.training.form import TrainForm
from cfinspect.ui.training.outcome import ResultCard
from cfinspect.ui.widgets.drops import dropped_paths
from cfinspect.ui.widgets.icons import dress
from cfinspect.ui.widgets.label import Label
from cfinspect.ui.widgets.times import duration, resident_memory
from cfinspect.ui.widgets.translate import tr
from cfinspect.workflows.config_parsing import resumed_config


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
        self._ticket: JobHandle | None = None
        self._out: Path | None = None
        self._started = False
        self.model: Path | None = None
        self._losses: dict[str, list[tuple[int, float]]] = defaultdict(list)
        self._figures: dict[str, list[tuple[int, float]]] = defaultdict(list)
        self.setAcceptDrops(True)
        split = QSplitter()
        self.form = TrainForm(session.preferences.get("device"))
        self.form.folder_asked.connect(self.folder_asked)
        self.form.verdicts_asked.connect(self.verdicts_asked)
        split.addWidget(self.form)
        split.addWidget(self._make_view())
        split.setStretchFactor(1, 1)
        split.setSizes([340, 900])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(split)
        session.opened.connect(self._show_state)
        session.closed.connect(self._show_state)
        session.jobs.changed.connect(self._show_state)
        self._show_state()

    # View -----------------------------------------------------------------------------------------

    def _make_view(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setSpacing(8)
        top = QHBoxLayout()
        self.big = Label()
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
        self._noticed = ""  # the last notice of the training
        self.detail = Label()
        self.detail.setProperty("role", "faint")
        self.detail.setWordWrap(True)
        column.addWidget(self.detail)
        self.curves = Curves()
        column.addWidget(self.curves, 2)
        self.sample_area = QScrollArea()
        self.sample_area.setWidgetResizable(True)
        self.sample_area.setFrameShape(QFrame.Shape.NoFrame)
        self.samples = Label()
        self.samples.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self.samples.setAccessibleName(tr("Samples: image, counterfactual, saliency, mask"))
        self.sample_area.setWidget(self.samples)
        column.addWidget(self.sample_area, 3)
        self.result = ResultCard()
        self.result.use_asked.connect(self.use_asked)
        column.addWidget(self.result)
        return page

    def _button(self, name: str, text: str, slot: Any) -> QPushButton:
        button = QPushButton(text)
        dress(button, name)
        button.clicked.connect(slot)
        return button

    # Running --------------------------------------------------------------------------------------

    def start(self) -> None:
        """Train with what the form says."""
        out = self._new_run()
        try:
            config = self.form.config(out)
        except CfinspectError as error:
            self.failed.emit(Failure.of(tr("The training cannot start"), error))
            return
        self._run(config, out, resume=False)

    def resume(self, out: Path) -> None:
        """Go on with the run in a folder."""
        try:
            config = resumed_config(out, [], {"device": self.form.device.currentText()})
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
        self._noticed = ""
        self.detail.setText(tr("Run: {folder}", folder=out))
        ticket = self._session.jobs.add(Train(config.to_dict(), resume=resume))
        self._ticket = ticket
        ticket.progressed.connect(self._progressed)
        ticket.part.connect(self._events)
        ticket.succeeded.connect(self._finished)
        ticket.ended.connect(self._ended)
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

    def _progressed(self, progress: JobProgress) -> None:
        self.bar.setMaximum(progress.total or 0)
        self.bar.setValue(progress.done)
        parts = [progress.text]
        if progress.seconds_left is not None and self._started:
            parts.insert(0, tr("{time} left", time=duration(progress.seconds_left)))
        if progress.rate and self._started:
            parts.append(tr("{n} images/s", n=f"{progress.rate:.0f}"))
        if self._started and (memory := resident_memory()):
            parts.append(tr("{n} MB of memory", n=f"{memory:,.0f}"))
        if not (
            self._ticket and (self._ticket.is_paused or self._ticket.state is JobState.STOPPING)
        ):
            self.big.setText(" · ".join(part for part in parts if part))

    def _events(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Started):
                self._started = True
                self.detail.setText(
                    tr(
                        "{device}. Images to learn from: {training}, to validate on: {validation}. "
                        "Run: {folder}",
                        device=event.device,
                        training=f"{event.counts.get('training', 0):,}",
                        validation=f"{event.counts.get('validation', 0):,}",
                        folder=self._out,
                    )
                )
            elif isinstance(event, StepDone):
                for name, value in event.losses.items():
                    self._losses[name].append((event.step, value))
            elif isinstance(event, Validated):
                for name in ("f1", "flip_damaged", "flip_undamaged", "p_fake", "noise"):
                    if name in event.metrics:
                        self._figures[name].append((event.step, event.metrics[name]))
            elif isinstance(event, SamplesWritten):
                self._show_samples(event.path)
            elif isinstance(event, Notice):
                self._noticed = tr("Step {n}: {text}", n=event.step, text=event.text)
                self.detail.setText(self._noticed)
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
        if "noise" in last.metrics:
            # A diffusion model inspects nothing: it waits for those who ask ACE.
            self._session.preferences.set_text(LAST_DIFFUSION, str(last.model))
            self.result.show_diffusion(last.model)
            return
        if self._session.project is not None:
            # So that it can be found under Models.
            self._session.add_model_file(last.model, [])
        self.result.show_result(last.model, last.metrics, self._current_figures())

    def _current_figures(self) -> dict[str, float]:
        facts = self._session.facts
        if facts is None:
            return {}
        data = {folder.resolve() for folder in self.form.data()}
        bound = {one.model_id for one in facts.folders if one.path in data}
        if not bound - {None}:  # trained on other images: only where there is no choice
            bound = {one.model_id for one in facts.folders}
        found = [one for one in facts.models if one.id in bound]
        model = found[0] if len(found) == 1 else None
        known = model.metadata if model is not None else None
        return known.validation_metrics if known is not None else {}

    def _ended(self) -> None:
        ticket, self._ticket = self._ticket, None
        self._show_state()
        if ticket is None:
            return
        self.curves.draw(self._losses, self._figures, now=True)
        self.bar.setMaximum(1)
        self.bar.setValue(0 if ticket.state is not JobState.DONE else 1)
        if ticket.state is JobState.CANCELLED:
            self.big.setText(tr("Cancelled; a checkpoint is kept."))
        elif ticket.state is JobState.FAILED:
            self.big.setText(tr("The training failed."))
        else:
            self.big.setText(tr("Done."))
            run = tr("Run: {folder}", folder=self._out)
            self.detail.setText("\n".join(filter(None, (run, self._noticed))))

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
        self.form.from_verdicts.setEnabled(self._session.project is not None)
        self.result.set_usable(self._session.project is not None)
        if ticket is None:
            if not self.big.text():
                self.big.setText(tr("Ready."))
            return
        paused = ticket.is_paused
        self.pause_button.setText(tr("Go on") if paused else tr("Pause"))
        dress(self.pause_button, "play" if paused else "pause")
        stopping = ticket.state is JobState.STOPPING
        self.cancel_button.setEnabled(not stopping)
        self.pause_button.setEnabled(not stopping)
        if stopping:
            self.big.setText(tr("Stopping and saving a checkpoint…"))
        elif paused:
            self.big.setText(tr("Paused."))
        elif ticket.state is JobState.WAITING:
            before = self._session.jobs.running
            name = before.job.title if before is not None else ""
            self.big.setText(tr("Waiting for: {job}", job=name) if name else tr("Waiting."))

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
                self.form.add_folder(path)
        event.acceptProposedAction()
