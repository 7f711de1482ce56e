"""Import: which format, from where; with what the file holds and what would be taken."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QWidget

from cfinspect.formats.registry import formats
from cfinspect.project.project import Project
from cfinspect.ui.dialogs.common import Dialog
from cfinspect.ui.dialogs.paths import PathField
from cfinspect.ui.jobs.job import Failure
from cfinspect.ui.jobs.job_types import Import
from cfinspect.ui.state.session import Session
from cfinspect.ui.widgets.translate import tr

if TYPE_CHECKING:
    from cfinspect.formats.importing import Preview


class ImportDialog(Dialog):
    """Which format, from where; with a look at what the file holds and what would be taken."""

    def __init__(self, parent: QWidget | None, session: Session) -> None:
        super().__init__(parent, tr("Import labels"), 620)
        self._session = session
        form = QFormLayout()
        form.setVerticalSpacing(10)
        self.form = QComboBox()
        self._formats = {name: one for name, one in formats().items() if one.read}
        for name, one in self._formats.items():
            self.form.addItem(f"{name}: {one.summary}", name)
        last = session.preferences.text("import_format", "coco")
        self.form.setCurrentIndex(max(0, self.form.findData(last)))
        self.path = PathField(tr("File or folder to read"), files=True)
        self.replace = QCheckBox(tr("also where humans have decided already"))
        form.addRow(tr("Format"), self.form)
        form.addRow(tr("From"), self.path)
        form.addRow(tr("Replace"), self.replace)
        self.column.addLayout(form)
        self.add_text(
            tr("What comes in counts as what a human said, under your name, and is in the trail."),
            faint=True,
        )
        self.preview = self.add_text("")
        self.add_cancel()
        self.ok = self.add_ok(tr("Import"))
        self.ok.setEnabled(False)
        self._timer = QTimer(self, singleShot=True, interval=250)
        self._timer.timeout.connect(self._look)
        self.form.currentIndexChanged.connect(lambda _: self._changed())
        self.path.changed.connect(self._changed)

    def _changed(self) -> None:
        self.ok.setEnabled(False)  # until it is known what would come of it
        self._timer.start()

    def _asked(self) -> tuple[Path | None, str]:
        return self.path.path(), self.form.currentData()

    def _look(self) -> None:
        path, name = self._asked()
        if path is None:
            self.preview.setText("")
            return
        self.preview.setText(tr("Reading…"))

        def work(project: Project) -> Preview:
            from cfinspect.formats.importing import preview  # noqa: PLC0415

            return preview(project, name, path)

        def show(found: Preview) -> None:
            if self.is_over or self._asked() != (path, name):
                return
            adds = self._formats[name].images is not None
            lines = [
                tr(
                    "Images in it: {n}. In this project: {known}, of them with a verdict already: "
                    "{decided}.",
                    n=tr("{n} or more", n=found.images) if found.more else found.images,
                    known=found.known,
                    decided=found.decided,
                )
            ]
            if adds:
                text = tr("Images with labels, to be added to the project: {n}.", n=found.images)
                lines = [text]
            elif found.images > found.known:
                left = found.images - found.known
                lines.append(tr("Left out, as the project does not have them: {n}.", n=left))
            if found.machine:
                lines.append(
                    tr(
                        "Not taken as a human's, as an export of ours says that they are the "
                        "model's own labels or masks: {n}.",
                        n=found.machine,
                    )
                )
            self.preview.setText("\n".join(lines))
            self.ok.setEnabled(found.known > 0 or adds)

        def sorry(failure: Failure) -> None:
            if self.is_over or self._asked() != (path, name):
                return
            self.preview.setText(failure.sentence)

        self._session.reader.ask(work, show, sorry, key="import")

    def job(self) -> Import:
        """The job that does it."""
        path, root, name = self.path.path(), self._session.root, self.form.currentData()
        assert path is not None
        assert root is not None
        self._session.preferences.set_text("import_format", name)
        who = f"{self._session.who} ({name} import)"
        return Import(root, name, path, who, replace=self.replace.isChecked())
