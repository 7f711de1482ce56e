"""Asks which explainer shall look at the image on screen, and says how long ACE would take."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from PySide6.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QPushButton, QWidget

from cfinspect.ui.dialogs.common import Dialog
from cfinspect.ui.jobs.explaining import Rehearse, Wish, available_methods
from cfinspect.ui.jobs.job import JobHandle
from cfinspect.ui.state.preferences import LAST_DIFFUSION
from cfinspect.ui.state.session import Session
from cfinspect.ui.widgets.label import Label, plain
from cfinspect.ui.widgets.times import duration
from cfinspect.ui.widgets.translate import tr


class ExplainDialog(Dialog):
    """``wish``: of the image and its model; the method and the diffusion model are asked for."""

    def __init__(self, parent: QWidget | None, session: Session, wish: Wish) -> None:
        super().__init__(parent, tr("Explain this image"), 520)
        self._session = session
        self._wish = wish
        self._ticket: JobHandle | None = None
        self.add_text(
            tr(
                "The counterfactual on screen is the model's own. These look at the model from "
                "outside; what they find is shown beside it and is not stored."
            )
        )
        self.method = QComboBox()
        self.method.setAccessibleName(tr("Method"))
        for name, text in available_methods().items():
            self.method.addItem(tr(text), name)
        self.method.setCurrentIndex(self.method.findData("rise"))
        self.method.currentIndexChanged.connect(self._show_state)
        self.column.addWidget(self.method)
        self.row = QWidget()
        line = QHBoxLayout(self.row)
        line.setContentsMargins(0, 0, 0, 0)
        self.file = Label()
        self.choose = QPushButton(tr("Diffusion model…"))
        self.choose.clicked.connect(self._choose)
        line.addWidget(self.file, 1)
        line.addWidget(self.choose)
        self.column.addWidget(self.row)
        self.estimate = self.add_text("", faint=True)
        self.add_cancel()
        self.ok = self.add_ok(tr("Explain"))
        last = session.preferences.text(LAST_DIFFUSION)
        self._diffusion = Path(last) if last and Path(last).is_file() else None
        self._show_state()

    def wish(self) -> Wish:
        """What was chosen."""
        return dataclasses.replace(
            self._wish, method=self.method.currentData(), diffusion=self._diffusion
        )

    def use_diffusion(self, path: Path) -> None:
        """Take this diffusion model, now and the next time."""
        self._diffusion = path
        self._session.preferences.set_text(LAST_DIFFUSION, str(path))
        self._show_state()

    def _choose(self) -> None:
        found, _ = QFileDialog.getOpenFileName(
            self, tr("Choose a diffusion model"), "", tr("Models (*.safetensors)")
        )
        if found:
            self.use_diffusion(Path(found))

    def _show_state(self) -> None:
        by_ace = self.method.currentData() == "ace"
        self.row.setVisible(by_ace)
        self._forget()
        if self._diffusion is not None:
            self.file.setText(f"{self._diffusion.parent.name}/{self._diffusion.name}")
            self.file.setToolTip(plain(str(self._diffusion)))
        else:
            self.file.setText(tr("None chosen yet: train one by the method diffusion."))
        self.ok.setEnabled(not by_ace)  # for ACE once it is known what it takes
        self.estimate.setText(tr("Takes a few seconds.") if not by_ace else "")
        if by_ace and self._diffusion is not None:
            self._measure()

    def _measure(self) -> None:
        self.estimate.setText(
            tr("Measuring how long it would take…")
            if self._session.jobs.running is None
            else tr("Waiting for the running job; then it is measured how long it would take…")
        )
        ticket = self._session.jobs.add(Rehearse(self.wish()))
        self._ticket = ticket
        ticket.succeeded.connect(lambda found: self._measured(ticket, found))

    def _measured(self, ticket: JobHandle, found: float | str | None) -> None:
        if ticket is not self._ticket or self.is_over or found is None:
            return
        if isinstance(found, str):
            self.estimate.setText(found)
            return
        self.ok.setEnabled(True)
        self.estimate.setText(
            tr("At most about {time} on this PC; it can be cancelled.", time=duration(found))
        )

    def _forget(self) -> None:
        """Stop a measurement that nobody waits for any more."""
        if self._ticket is not None:
            self._session.jobs.cancel(self._ticket)
            self._ticket = None

    def done(self, answer: int) -> None:
        """See ``Dialog``."""
        self._forget()
        super().done(answer)
