"""The models of a project: which there are, what they can do, which one counts where."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QPlainTextEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from cfinspect.engine.model.plugins import model_suffixes
from cfinspect.project.project import ProjectModel
from cfinspect.ui.dialogs.common import Dialog, Question
from cfinspect.ui.dialogs.paths import model_filter
from cfinspect.ui.jobs.job import JobHandle, JobProgress
from cfinspect.ui.jobs.job_types import ComparedModel, CompareModels, model_name, summary_of
from cfinspect.ui.state.session import Session
from cfinspect.ui.widgets.drops import dropped_paths
from cfinspect.ui.widgets.label import Label, plain
from cfinspect.ui.widgets.layouts import clear
from cfinspect.ui.widgets.times import duration
from cfinspect.ui.widgets.translate import tr

_HEADS = ("F1", "AUROC", "review", "flip")


class ModelsDialog(Dialog):
    """A table of models with their cards; import, bind, compare, reveal."""

    def __init__(self, parent: QWidget | None, session: Session, folders: list[int]) -> None:
        super().__init__(parent, tr("Models"), 760)
        self._session = session
        self._ticket: JobHandle | None = None
        self.setAcceptDrops(True)
        self.add_text(
            tr("Drop a model file (.safetensors) here, or import it. Each folder uses one model."),
            faint=True,
        )
        self.table = QTableWidget(0, 6)
        self.table.setAccessibleName(tr("Models"))
        self.table.setHorizontalHeaderLabels(
            [tr("Model"), tr("Made"), "F1", tr("Flip"), tr("Trained on"), tr("Used for")]
        )
        self.table.verticalHeader().hide()
        self.table.setShowGrid(False)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setTabKeyNavigation(False)
        self.table.setMinimumHeight(160)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        self.table.itemSelectionChanged.connect(self._chosen)
        self.column.addWidget(self.table)
        row = QHBoxLayout()
        self.folder = QComboBox()
        self.folder.setAccessibleName(tr("Folder"))
        self.bind = QPushButton(tr("Use for this folder"))
        self.bind.clicked.connect(self._bind)
        self.compare = QPushButton(tr("Compare on this folder"))
        self.compare.setToolTip(
            tr("Select two or more models; truth is what humans said, else the folder's labels")
        )
        self.compare.clicked.connect(self._compare)
        row.addWidget(Label(tr("Folder:")))
        self.folder.currentIndexChanged.connect(self._match)
        row.addWidget(self.folder, 1)
        row.addWidget(self.bind)
        row.addWidget(self.compare)
        self.column.addLayout(row)
        self.metadata = QPlainTextEdit()
        self.metadata.setReadOnly(True)
        self.metadata.setAccessibleName(tr("Card of the model"))
        self.metadata.setMinimumHeight(130)
        self.column.addWidget(self.metadata)
        self.figures = QGridLayout()
        self.column.addLayout(self.figures)
        self.note = self.add_text("", faint=True)
        role = QDialogButtonBox.ButtonRole.ActionRole
        self.import_button = self.buttons.addButton(tr("Import…"), role)
        self.import_button.clicked.connect(self._import)
        self.reveal = self.buttons.addButton(tr("Show file"), role)
        self.reveal.clicked.connect(self._reveal)
        self.buttons.addButton(tr("Close"), QDialogButtonBox.ButtonRole.RejectRole)
        self._wanted = folders[0] if folders else None
        session.facts_changed.connect(self._fill)
        self._fill()

    def _fill(self) -> None:
        facts = self._session.facts
        if facts is None:
            return
        chosen = self.folder.currentData() or self._wanted
        self.folder.clear()
        for folder in facts.folders:
            name = folder.path.name if folder.name == "." else folder.name
            self.folder.addItem(f"{name} ({folder.domain})", folder.id)
        place = self.folder.findData(chosen)
        self.folder.setCurrentIndex(max(0, place))
        self.table.setRowCount(len(facts.models))
        for row, model in enumerate(facts.models):
            about = summary_of(model)
            bound = [
                one.path.name if one.name == "." else one.name
                for one in facts.folders
                if one.model_id == model.id
            ]
            there, name = model.path.is_file(), model_name(model)
            texts = (
                name if there else tr("{name} (file is gone)", name=name),
                about.created,
                _number(about.f1),
                _number(about.flip),
                about.folders,
                ", ".join(bound),
            )
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                item.setData(Qt.ItemDataRole.UserRole, model.id)
                item.setToolTip(plain(str(model.path)))
                self.table.setItem(row, column, item)
        if self.table.currentRow() < 0:
            self._match()
        self._chosen()

    def _match(self) -> None:
        """Select the model that counts for the folder: nobody pairs the wrong two by a slip."""
        facts = self._session.facts
        if facts is None or not facts.models:
            return
        bound = self._session.model_of(self.folder.currentData() or 0)
        rows = [row for row, model in enumerate(facts.models) if bound and model.id == bound.id]
        self.table.selectRow(rows[0] if rows else len(facts.models) - 1)

    def selected(self) -> list[ProjectModel]:
        """The models that are selected."""
        facts = self._session.facts
        rows = sorted({index.row() for index in self.table.selectedIndexes()})
        return [] if facts is None else [facts.models[row] for row in rows]

    def _chosen(self) -> None:
        models = self.selected()
        self.bind.setEnabled(len(models) == 1 and models[0].path.is_file())
        self.reveal.setEnabled(len(models) == 1)
        self.compare.setEnabled(bool(models) and self._ticket is None)
        self.metadata.setPlainText(_metadata_text(models[0]) if len(models) == 1 else "")

    def _bind(self) -> None:
        model, folder = self.selected()[0], self.folder.currentData()
        facts, own = self._session.facts, self._session.folder(folder)
        others = (
            {one.domain for one in facts.folders if one.model_id == model.id} if facts else set()
        )
        if own is not None and others and own.domain not in others:
            question = Question(
                self,
                tr("Another kind of images"),
                tr(
                    "{model} is used for {domain}. Shall it be used for {other} as well? What the "
                    "model in use has found there is kept and comes back with it.",
                    model=model_name(model),
                    domain=", ".join(sorted(others)),
                    other=own.domain,
                ),
                tr("Use it"),
            )
            if question.exec() != QDialog.DialogCode.Accepted:
                return
        self._session.add_model_file(model.path, [folder])
        self.note.setText(
            tr(
                "The folder uses {model} now. Images that it has not inspected yet need an "
                "inspection (Ctrl+R).",
                model=model_name(model),
            )
        )

    def _import(self) -> None:
        found, _ = QFileDialog.getOpenFileName(self, tr("Import a model file"), "", model_filter())
        if found:
            self.import_files([Path(found)])

    def import_files(self, paths: list[Path]) -> None:
        """Take in model files; they count for nothing yet unless the folder has no model."""
        facts = self._session.facts
        open_ones = [] if facts is None else [one for one in facts.folders if one.model_id is None]
        single = len({one.domain for one in open_ones}) == 1
        free = [one.id for one in open_ones] if single else []
        for path in paths:
            self._session.add_model_file(path, free)

    def _reveal(self) -> None:
        path = self.selected()[0].path
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent)))

    def _compare(self) -> None:
        root = self._session.root
        models = [model.path for model in self.selected()]
        if root is None or not models:
            return
        bound = self._session.model_of(self.folder.currentData())
        if len(models) == 1 and bound is not None and bound.path not in models:
            models.append(bound.path)  # compared with what is in use
        device = self._session.preferences.get("device")
        job = CompareModels(root, models, self.folder.currentData(), device)
        ticket = self._session.jobs.add(job)
        self._ticket = ticket
        self.note.setText(tr("Comparing…"))
        ticket.progressed.connect(self._compares)
        ticket.succeeded.connect(self._show_comparison)
        ticket.ended.connect(self._compared)
        self._chosen()

    def _compares(self, progress: JobProgress) -> None:
        if progress.total:
            text = tr("Comparing: {done} of {total}", done=progress.done, total=progress.total)
            if progress.seconds_left is not None:
                text += ", " + tr("{time} left", time=duration(progress.seconds_left))
            self.note.setText(text)

    def done(self, answer: int) -> None:
        """A comparison that nobody looks at any more is stopped."""
        if self._ticket is not None:
            self._session.jobs.cancel(self._ticket)
        super().done(answer)

    def _compared(self) -> None:
        self._ticket = None
        self._chosen()

    def _show_comparison(self, found: list[ComparedModel]) -> None:
        clear(self.figures)
        for column, text in enumerate(("", *_HEADS)):
            self.figures.addWidget(Label(text), 0, column)
        for row, one in enumerate(found, start=1):
            figures = one.figures.classification
            interval = figures.ci95.f1
            f1 = _number(figures.f1)
            if interval:
                f1 += f" ({interval[0]:.2f} – {interval[1]:.2f})"
            flip = one.figures.counterfactual.flip_rate_damaged
            texts = (f"{one.model.parent.name}/{one.model.name}", f1)
            rest = (_number(figures.auroc), _number(one.figures.review.rate), _number(flip))
            for column, text in enumerate((*texts, *rest)):
                self.figures.addWidget(Label(text), row, column)
        images = found[0].figures.classification.n if found else 0
        self.note.setText(
            tr(
                "Images of this folder with a known label: {n}. Figures on images that a model was "
                "trained on flatter it.",
                n=images,
            )
        )

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take model files."""
        if any(path.suffix in model_suffixes() for path in dropped_paths(event)):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Import them."""
        self.import_files([p for p in dropped_paths(event) if p.suffix in model_suffixes()])
        event.acceptProposedAction()


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _metadata_text(model: ProjectModel) -> str:
    lines = [str(model.path), ""]
    if model.metadata is None:
        return "\n".join([*lines, tr("This version cannot read what the model says of itself.")])
    known = model.metadata
    for name in ("created", "cfinspect_version", "licence_note"):
        if getattr(known, name):
            lines.append(f"{name}: {getattr(known, name)}")
    parts: dict[str, Mapping[str, object]] = {
        "preprocessing": dataclasses.asdict(known.preprocessing),
        "decision": dataclasses.asdict(known.decision),
        "data": known.data,
        "validation": known.validation_metrics,
    }
    for part, inside in parts.items():
        lines.append(f"{part}: " + ", ".join(f"{k} {_short(v)}" for k, v in inside.items()))
    return "\n".join(lines)


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, dict):
        return "(" + ", ".join(f"{k} {_short(v)}" for k, v in value.items()) + ")"
    if isinstance(value, list):
        return "[" + ", ".join(_short(one) for one in value) + "]"
    return str(value)
