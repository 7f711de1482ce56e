"""Which model looks at which images: a row for each domain, as a model is made for one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialogButtonBox,
    QFileDialog,
    QGridLayout,
    QPushButton,
    QWidget,
)

from cfinspect.project.project import Folder
from cfinspect.resources import shipped_models
from cfinspect.ui.dialogs.common import Dialog
from cfinspect.ui.dialogs.paths import model_filter
from cfinspect.ui.jobs.job_types import model_name, summary_of
from cfinspect.ui.state.session import Session
from cfinspect.ui.widgets.label import Label, plain
from cfinspect.ui.widgets.translate import tr


@dataclass(frozen=True)
class Plan:
    """A model file and the folders (ids) it is to look at."""

    model: Path
    folders: list[int]


class InspectDialog(Dialog):
    """Asks for the models. ``train_asked``: there is none, and the person wants to make one."""

    train_asked = Signal()

    def __init__(self, parent: QWidget | None, session: Session, folders: list[int]) -> None:
        super().__init__(parent, tr("Inspect"), 600)
        self._session = session
        facts = session.facts
        assert facts is not None
        self._domains: dict[str, list[Folder]] = {}
        for one in facts.folders:
            if one.id in folders:
                self._domains.setdefault(one.domain, []).append(one)
        self.models: dict[str, QComboBox] = {}
        self.others: dict[str, QPushButton] = {}
        self._waiting: dict[str, Label] = {}
        self._idle: set[str] = set()
        self._grid = QGridLayout()
        self._grid.setColumnStretch(1, 1)
        for domain in self._domains:
            self._add_row(domain)
        self.column.addLayout(self._grid)
        self.add_text(
            tr("Images that this model has inspected already are skipped. Verdicts stay."),
            faint=True,
        )
        self.none_yet = self.add_text(
            tr(
                "There is no model for these images yet: choose one of the list or a model file, "
                "or train one from undamaged and damaged images."
            )
        )
        train = self.buttons.addButton(tr("Train a model…"), QDialogButtonBox.ButtonRole.ActionRole)
        train.clicked.connect(self._train)
        self.add_cancel()
        self.ok = self.add_ok(tr("Inspect"))
        session.facts_changed.connect(self._show_state)
        self._show_state()
        first = next(iter(self.models.values()), None)
        if not self.plans() and first is not None:
            first.setFocus()
        else:
            self.ok.setFocus()

    def _add_row(self, domain: str) -> None:
        folders, row = self._domains[domain], 2 * len(self.models)
        names = [one.path.name for one in folders]
        shown = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
        title = shown if domain in names else f"{domain[:1].upper()}{domain[1:]}: {shown}"
        label = Label(title)
        label.setToolTip(plain("\n".join(str(one.path) for one in folders)))
        combo = QComboBox()
        combo.setAccessibleName(tr("Model for {domain}", domain=domain))
        combo.setMinimumWidth(260)
        label.setBuddy(combo)
        other = QPushButton(tr("Other file…"))
        other.clicked.connect(lambda: self._choose(domain))
        waiting = Label()
        waiting.setProperty("role", "faint")
        self.models[domain], self.others[domain] = combo, other
        self._waiting[domain] = waiting
        self._fill(domain)
        combo.currentIndexChanged.connect(self._show_state)
        self._grid.addWidget(label, row, 0)
        self._grid.addWidget(combo, row, 1)
        self._grid.addWidget(other, row, 2)
        self._grid.addWidget(waiting, row + 1, 1, 1, 2)

    def _fill(self, domain: str) -> None:
        """Offer what counts for this domain first, then what counts for none."""
        combo, facts = self.models[domain], self._session.facts
        assert facts is not None
        combo.addItem(tr("Leave out") if len(self._domains) > 1 else tr("No model yet"), None)
        used = {one.model_id: one.domain for one in facts.folders}
        bound = {one.model_id for one in self._domains[domain]}
        known = [one for one in reversed(facts.models) if one.path.is_file()]
        for model in sorted(known, key=lambda one: used.get(one.id, domain) != domain):
            elsewhere = used.get(model.id, domain)
            note = summary_of(model).created
            if elsewhere != domain:
                note = tr("used for {domain}", domain=elsewhere)
            combo.addItem(f"{model_name(model)} ({note})", model.path)
            if model.id in bound:
                combo.setCurrentIndex(combo.count() - 1)
        there = {one.path.resolve() for one in known}
        chosen = any(one.id in bound for one in known)  # not one whose file is gone
        self._offer_shipped(combo, domain, there, chosen=chosen)

    def _offer_shipped(
        self, combo: QComboBox, domain: str, known: set[Path], *, chosen: bool
    ) -> None:
        """The models that come with cfinspect; the one for this domain is taken if none is."""
        for kind, path in shipped_models().items():
            if path.resolve() in known:
                continue
            combo.addItem(tr("{name} (comes with cfinspect)", name=path.name), path)
            if kind == domain and not chosen:
                combo.setCurrentIndex(combo.count() - 1)

    def _choose(self, domain: str) -> None:
        found, _ = QFileDialog.getOpenFileName(self, tr("Choose a model file"), "", model_filter())
        if found:
            self.add_file(Path(found), domain)

    def add_file(self, path: Path, domain: str = "") -> None:
        """Offer this file for a domain ("": the first), choose it, and be ready for Return."""
        combo = self.models[domain or next(iter(self.models))]
        combo.insertItem(1, f"{path.name} ({path.parent.name})", path)
        combo.setCurrentIndex(1)
        self._show_state()
        self.ok.setFocus()

    def _train(self) -> None:
        self.train_asked.emit()
        self.reject()

    def _show_state(self) -> None:
        facts = self._session.facts
        assert facts is not None
        idle: set[str] = set()
        for domain, folders in self._domains.items():
            path = self.models[domain].currentData()
            ids = {one.id for one in folders}
            total = sum(one.images for one in facts.counts if one.folder_id in ids)
            paths = {one.id: one.path for one in facts.models}
            same = {one.id for one in folders if paths.get(one.model_id or 0) == path}
            seen = sum(
                one.images
                for one in facts.counts
                if one.folder_id in same and one.machine is not None
            )
            text = tr("{n} of {total} images to inspect", n=f"{total - seen:,}", total=f"{total:,}")
            if same == ids and seen == total > 0:
                text = tr("All are inspected; Ctrl+Shift+R inspects selected images again.")
                idle.add(domain)
            self._waiting[domain].setText("" if path is None else text)
        self.none_yet.setVisible(all(box.currentData() is None for box in self.models.values()))
        self._idle = idle
        self.ok.setEnabled(bool(self.plans()))

    def plans(self) -> list[Plan]:
        """The models that were chosen and have something to do, with their folders."""
        return [
            Plan(path, [one.id for one in folders])
            for domain, folders in self._domains.items()
            if (path := self.models[domain].currentData()) is not None and domain not in self._idle
        ]
