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
    from cfinspect.formats.import_plan import ImportReport
    from cfinspect.formats.importing import Source

_LOOKED_AT = 2000  # images of a file, so that the dialog answers at once
_SHOWN = 4  # sentences of a kind


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
        self.empty = QComboBox()
        for value, text in (
            ("auto", tr("as the format means it")),
            ("undamaged", tr("are undamaged")),
            ("open", tr("stay open")),
        ):
            self.empty.addItem(text, value)
        form.addRow(tr("Format"), self.form)
        form.addRow(tr("From"), self.path)
        form.addRow(tr("Replace"), self.replace)
        form.addRow(tr("Images without a mark"), self.empty)
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
        self.empty.currentIndexChanged.connect(lambda _: self._changed())
        self.replace.toggled.connect(lambda _: self._changed())
        self.path.changed.connect(self._changed)

    def _changed(self) -> None:
        self.ok.setEnabled(False)  # until it is known what would come of it
        self._timer.start()

    def _asked(self) -> tuple[Path | None, str, bool, str]:
        values = (self.path.path(), self.form.currentData())
        return *values, self.replace.isChecked(), self.empty.currentData()

    def _source(self) -> Source | None:
        from cfinspect.formats.exchange_types import Empty  # noqa: PLC0415
        from cfinspect.formats.importing import Source  # noqa: PLC0415

        path, name, replace, empty = self._asked()
        return None if path is None else Source(name, path, replace, empty=Empty(empty))

    def _look(self) -> None:
        asked, source = self._asked(), self._source()
        if source is None:
            self.preview.setText("")
            return
        self.preview.setText(tr("Reading…"))

        def work(project: Project) -> ImportReport:
            from cfinspect.formats.importing import preview  # noqa: PLC0415

            return preview(project, source, _LOOKED_AT)

        def show(found: ImportReport) -> None:
            if self.is_over or self._asked() != asked:
                return
            adds = self._formats[source.form].images is not None
            self.preview.setText("\n".join(_lines(found, adds=adds)))
            self.ok.setEnabled(found.taken > 0)

        def sorry(failure: Failure) -> None:
            if self.is_over or self._asked() != asked:
                return
            self.preview.setText(failure.sentence)

        self._session.reader.ask(work, show, sorry, key="import")

    def job(self) -> Import:
        """The job that does it."""
        source, root = self._source(), self._session.root
        assert source is not None
        assert root is not None
        self._session.preferences.set_text("import_format", source.form)
        return Import(root, source, f"{self._session.who} ({source.form} import)")


def _lines(found: ImportReport, *, adds: bool) -> list[str]:
    """What would come of it, a sentence each."""
    count = tr("{n} or more", n=found.images) if found.more else found.images
    if adds:
        return [tr("Images with labels, to be added to the project: {n}.", n=count)]
    lines = [
        tr(
            "Images in it: {n}. To be taken: {taken}. With a verdict already, which stays: {kept}.",
            n=count,
            taken=found.taken,
            kept=found.kept,
        )
    ]
    if found.silent:
        lines.append(tr("The file says nothing of these, they stay open: {n}.", n=found.silent))
    if found.unknown:
        lines.append(tr("Left out, as the project does not have them: {n}.", n=found.unknown))
    if found.machine:
        lines.append(
            tr(
                "Not taken as a human's, as an export of ours says that they are the "
                "model's own labels or masks: {n}.",
                n=found.machine,
            )
        )
    if found.refused:
        lines.append(tr("Left out, as they cannot be taken: {n}.", n=found.refused))
    return lines + found.problems[:_SHOWN] + found.notes[:_SHOWN]
