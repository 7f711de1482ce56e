"""Export: which images, in which format, where to; with what would come of it."""

from __future__ import annotations

from collections import Counter

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QWidget

from cfinspect.formats.earlier_export import EarlierExport, earlier_export
from cfinspect.formats.exchange_types import Images, Options
from cfinspect.formats.export_filter import ExportFilter, Only, picks
from cfinspect.formats.registry import formats
from cfinspect.project.project import Project
from cfinspect.ui.dialogs.common import Dialog
from cfinspect.ui.dialogs.paths import PathField
from cfinspect.ui.jobs.job_types import Export
from cfinspect.ui.state.session import Session
from cfinspect.ui.widgets.translate import mark, tr

_ONLY = {
    Only.REVIEWED: mark("what humans decided"),
    Only.CORRECTED: mark("only masks drawn by humans"),
    Only.ACCEPTED: mark("where humans agreed with the model, and corrected masks"),
    Only.ALL: mark("everything, the model's word included"),
}
_IMAGES = {
    Images.COPY: mark("copy the images"),
    Images.LINK: mark("link the images (same disk)"),
    Images.REFERENCE: mark("leave the images where they are"),
}
_PARTS = {
    "": mark("one set"),
    "train=0.8,val=0.2": "80 / 20",
    "train=0.7,val=0.15,test=0.15": "70 / 15 / 15",
}


class ExportDialog(Dialog):
    """Which format, which images, where; with the counts of what would be written."""

    def __init__(
        self, parent: QWidget | None, session: Session, scope: tuple[str | None, str | None]
    ) -> None:
        super().__init__(parent, tr("Export labels"), 620)
        self._session = session
        self._scope = scope
        self._found = 0
        self._earlier: EarlierExport | None = None
        form = QFormLayout()
        form.setVerticalSpacing(10)
        self.form = QComboBox()
        self._formats = {name: one for name, one in formats().items() if one.write}
        for name, one in self._formats.items():
            self.form.addItem(f"{name}: {one.summary}", name)
        last = session.preferences.text("export_format", "coco")
        self.form.setCurrentIndex(max(0, self.form.findData(last)))
        self.only = QComboBox()
        for only, text in _ONLY.items():
            self.only.addItem(tr(text), only.value)
        self.where = QComboBox()
        self.where.addItem(tr("the whole project"), (None, None))
        folder, domain = scope
        if folder is not None or domain is not None:
            self.where.addItem(folder or domain or "", scope)
            self.where.setCurrentIndex(1)
        self.parts = QComboBox()
        for key, text in _PARTS.items():
            self.parts.addItem(tr(text), key)
        self.images = QComboBox()
        for images, text in _IMAGES.items():
            self.images.addItem(tr(text), images.value)
        self.polygons = QCheckBox(tr("as polygons, where the format has both"))
        self.out = PathField(tr("Folder to write"))
        root = session.root
        if root is not None:
            default = root.parent / f"{root.name}-{self.form.currentData()}"
            self.out.line.setText(session.preferences.text(f"export{root}", str(default)))
        for text, field in (
            (tr("Format"), self.form),
            (tr("Images of"), self.where),
            (tr("Take"), self.only),
            (tr("Split by group"), self.parts),
            (tr("Image files"), self.images),
            (tr("Masks"), self.polygons),
            (tr("Into"), self.out),
        ):
            form.addRow(text, field)
        self.column.addLayout(form)
        self.preview = self.add_text("")
        self.replaced = self.add_text("")
        self.add_cancel()
        self.ok = self.add_ok(tr("Export"))
        self._timer = QTimer(self, singleShot=True, interval=100)
        self._timer.timeout.connect(self._count)
        for combo in (self.form, self.only, self.where):
            combo.currentIndexChanged.connect(lambda _: self._timer.start())
        self.form.currentIndexChanged.connect(self._other_format)
        self.out.changed.connect(self._look_there)
        self._look_there()
        self._count()

    def _other_format(self) -> None:
        root = self._session.root
        if root is not None:
            name = self.form.currentData()
            known = {str(root.parent / f"{root.name}-{one}") for one in self._formats}
            if self.out.line.text() in known:
                self.out.line.setText(str(root.parent / f"{root.name}-{name}"))

    def _look_there(self) -> None:
        """What was exported there before is offered again, and would be replaced."""
        out = self.out.path()
        found = None if out is None else earlier_export(out)
        if found is not None and found != self._earlier:
            self.only.setCurrentIndex(self.only.findData(found.only.value))
            parts = ",".join(f"{name}={share:g}" for name, share in found.split.items())
            self.parts.setCurrentIndex(max(0, self.parts.findData(parts)))
        self._earlier = found
        text = ""
        if found is not None:
            text = tr(
                "The export that is there now holds {n} images; it is replaced.", n=found.written
            )
        self.replaced.setText(text)
        self._show_ok()

    @property
    def loss(self) -> tuple[int, int] | None:
        """How many images the export there holds and how many come, where these are fewer."""
        if self._earlier is None or self._found >= self._earlier.written:
            return None
        return self._earlier.written, self._found

    def choice(self) -> ExportFilter:
        """Which images are asked for."""
        folder, domain = self.where.currentData()
        split = {}
        for part in filter(None, self.parts.currentData().split(",")):
            name, share = part.split("=")
            split[name] = float(share)
        return ExportFilter(
            only=Only(self.only.currentData()), folder=folder, domain=domain, split=split
        )

    def _count(self) -> None:
        choice = self.choice()
        needs_masks = self._formats[self.form.currentData()].needs_masks
        self.preview.setText(tr("Counting…"))

        def work(project: Project) -> tuple[int, int, int, Counter[str]]:
            left_out: Counter[str] = Counter()
            chosen = list(picks(project, choice, left_out))
            damaged = sum(one.label for one in chosen)
            corrected = sum(one.human.mask is not None for one in chosen)
            return len(chosen), damaged, corrected, left_out

        def show(found: tuple[int, int, int, Counter[str]]) -> None:
            if self.is_over:
                return
            number, damaged, corrected, left_out = found
            self._found = number
            lines = [
                tr(
                    "To be written: {n}. Damaged: {damaged}, undamaged: {undamaged}, masks drawn "
                    "by humans: {corrected}.",
                    n=number,
                    damaged=damaged,
                    undamaged=number - damaged,
                    corrected=corrected,
                )
            ]
            if left_out:
                parts = ", ".join(f"{count} {tr(reason)}" for reason, count in left_out.items())
                lines.append(tr("Left out: {parts}.", parts=parts))
            if needs_masks and damaged:
                lines.append(
                    tr(
                        "Damaged images without any mask are left out as well: this format would "
                        "call their damage background."
                    )
                )
            self.preview.setText("\n".join(lines))
            self.preview.setMinimumHeight(self.preview.heightForWidth(self.preview.width()))
            self.adjustSize()
            self._show_ok()

        self._session.reader.ask(work, show, key="export")

    def _show_ok(self) -> None:
        self.ok.setEnabled(self._found > 0 and self.out.path() is not None)

    def job(self) -> Export:
        """The job that does it."""
        out, root = self.out.path(), self._session.root
        assert out is not None
        assert root is not None
        self._session.preferences.set_text("export_format", self.form.currentData())
        self._session.preferences.set_text(f"export{root}", str(out))
        return Export(
            root,
            self.form.currentData(),
            out,
            self.choice(),
            Options(images=Images(self.images.currentData()), polygons=self.polygons.isChecked()),
            self._session.who,
        )
