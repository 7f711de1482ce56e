"""Keys and guide, the words explained, the summary of a review, the jobs, and who we are."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import (
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.installed import PACKAGES, installed_version
from cfinspect.engine.model.file import load_metadata
from cfinspect.resources import resource_path, shipped_models, version_in_words
from cfinspect.ui.actions.actions import Actions
from cfinspect.ui.actions.table import MENUS
from cfinspect.ui.dialogs.common import Dialog
from cfinspect.ui.dialogs.guide import Guide
from cfinspect.ui.jobs.job import JobHandle, JobQueue, JobState
from cfinspect.ui.review.reviewer import Summary
from cfinspect.ui.widgets.label import Label, plain
from cfinspect.ui.widgets.times import duration
from cfinspect.ui.widgets.translate import mark, tr

_WORDS = {
    "score": (
        mark("Score, p0, p1 and p_fake"),
        mark(
            "One network answers with three probabilities that add up to one: p0 that the image is "
            "undamaged, p1 that it is damaged, and p_fake that it does not look like a real image "
            "of either kind. The score is p1 / (p0 + p1): how sure the model is of damage, leaving "
            "p_fake aside. From the model's threshold on an image counts as damaged.\n\nA high "
            "p_fake means that the image is unlike what the model was trained on: another camera, "
            "other light, something in the way. Do not trust the score then; look yourself."
        ),
    ),
    "counterfactual": (
        mark("Counterfactual"),
        mark(
            "A second network paints what the image would look like if it were of the other class: "
            "a damaged one repaired, an undamaged one damaged. What it had to change is the "
            "damage.\n\nHold the space bar to blink between both, or press W for a divider. When "
            "the painted image does not change the model's mind (it did not flip), the mask is "
            "worth less."
        ),
    ),
    "mask": (
        mark("Saliency and mask"),
        mark(
            "The saliency is how much the counterfactual differs from the image at each pixel, 0 "
            "to 1. The mask is where it reaches the threshold; islands that are too small are "
            "dropped. Move the slider to see another threshold; M stores the mask on screen as "
            "yours. The dashed line is the machine's mask, the solid one a human's."
        ),
    ),
}


class WordDialog(Dialog):
    """One paragraph and a picture for one word."""

    def __init__(self, parent: QWidget | None, word: str) -> None:
        title, text = _WORDS.get(word, _WORDS["score"])
        super().__init__(parent, tr(title), 560)
        self.add_text(tr(text))
        picture = QPixmap(str(resource_path("pictures/demo.png")))
        if not picture.isNull():
            shown = Label()
            shown.setAlignment(Qt.AlignmentFlag.AlignCenter)
            shown.setPixmap(
                picture.copy(0, 0, picture.width(), min(picture.height(), 230)).scaledToWidth(
                    520, Qt.TransformationMode.SmoothTransformation
                )
            )
            shown.setAccessibleName(tr("Image, counterfactual, saliency and mask side by side"))
            self.column.addWidget(shown)
        self.add_ok(tr("Close"))


class KeysDialog(Dialog):
    """All shortcuts by menu on one page, and the guide for operators on another."""

    def __init__(self, parent: QWidget | None, actions: Actions) -> None:
        super().__init__(parent, tr("&Help").replace("&", ""), 1120)
        self.tabs = QTabWidget()
        self.column.addWidget(self.tabs)
        glance = QWidget()
        self.tabs.addTab(glance, tr("Keys at a glance"))
        self.guide = Guide()
        self.tabs.addTab(self.guide, self.guide.heading)
        row = QHBoxLayout(glance)
        row.setSpacing(28)
        groups = [("review",), ("view",), ("file", "edit"), ("model", "tools", "help")]
        titles = dict(MENUS)
        for group in groups:
            column = QVBoxLayout()
            for menu in group:
                heading = Label(tr(titles[menu]).replace("&", "").upper())
                heading.setProperty("role", "heading")
                column.addWidget(heading)
                grid = QGridLayout()
                grid.setHorizontalSpacing(10)
                grid.setVerticalSpacing(3)
                entries = [
                    (action.text().replace("&", "").rstrip("…"), actions.keys_of(command.name))
                    for command, action in actions.items()
                    if command.menu == menu and actions.keys_of(command.name)
                ]
                if menu == "view":
                    entries.append((tr("Blink image and counterfactual (hold)"), [tr("Space")]))
                for place, (text, keys) in enumerate(entries):
                    key = Label(keys[0])
                    key.setProperty("role", "key")
                    key.setAlignment(Qt.AlignmentFlag.AlignCenter)
                    key.setMinimumWidth(key.fontMetrics().horizontalAdvance(keys[0]) + 28)
                    grid.addWidget(key, place, 0)
                    grid.addWidget(Label(text), place, 1)
                grid.setColumnStretch(1, 1)
                column.addLayout(grid)
                column.addSpacing(8)
            column.addStretch()
            row.addLayout(column)
        self.add_ok(tr("Close"))


class SummaryDialog(Dialog):
    """What was done in a review."""

    def __init__(self, parent: QWidget | None, summary: Summary) -> None:
        super().__init__(parent, tr("Review ended"), 420)
        number = summary.reviewed
        head = Label(tr("Reviewed: {n}", n=number))
        head.setProperty("role", "big")
        self.column.addWidget(head)
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        rows = [
            (tr("damaged"), summary.damaged),
            (tr("undamaged"), summary.undamaged),
            (tr("skipped, to be seen again"), summary.skipped),
            (tr("masks corrected"), summary.corrected),
            (tr("the model overruled"), summary.overruled),
            (tr("still waiting"), summary.left),
        ]
        for place, (text, value) in enumerate(rows):
            grid.addWidget(Label(text), place, 0)
            figure = Label(f"{value:,}")
            figure.setAlignment(Qt.AlignmentFlag.AlignRight)
            grid.addWidget(figure, place, 1)
        self.column.addLayout(grid)
        pace = summary.seconds / number if number else 0.0
        self.add_text(
            tr(
                "In {time}, {pace} s an image. Everything is saved; Ctrl+Z still takes verdicts "
                "back.",
                time=duration(summary.seconds),
                pace=f"{pace:.1f}",
            ),
            faint=True,
        )
        self.add_ok(tr("Close"))


class JobsDialog(Dialog):
    """The running job and those that wait, each with its cancel."""

    def __init__(self, parent: QWidget | None, jobs: JobQueue) -> None:
        super().__init__(parent, tr("Jobs"), 520)
        self._jobs = jobs
        self._rows: dict[JobHandle, tuple[Label, QProgressBar, QPushButton]] = {}
        self.empty = self.add_text(tr("No job runs or waits."), faint=True)
        self.list = QVBoxLayout()
        self.column.addLayout(self.list)
        self.column.addStretch()
        self.setMinimumHeight(200)
        self.buttons.addButton(tr("Close"), QDialogButtonBox.ButtonRole.RejectRole)
        jobs.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        for ticket in [one for one in self._rows if one not in self._jobs.tickets]:
            for widget in self._rows.pop(ticket):
                widget.deleteLater()
        for ticket in self._jobs.tickets:
            if ticket not in self._rows:
                self._add(ticket)
            label, bar, button = self._rows[ticket]
            label.setText(f"{ticket.job.title}: {job_text(ticket)}")
            bar.setMaximum(ticket.progress.total or 0)
            bar.setValue(ticket.progress.done)
            button.setEnabled(ticket.state is not JobState.STOPPING)
        self.empty.setVisible(not self._jobs.tickets)

    def _add(self, ticket: JobHandle) -> None:
        row = QHBoxLayout()
        label, bar, button = Label(), QProgressBar(), QPushButton(tr("Cancel"))
        bar.setTextVisible(False)
        bar.setFixedHeight(8)
        button.clicked.connect(lambda: self._jobs.cancel(ticket))
        button.setToolTip(plain(ticket.job.keeps))
        column = QVBoxLayout()
        column.addWidget(label)
        column.addWidget(bar)
        row.addLayout(column, 1)
        row.addWidget(button)
        self.list.addLayout(row)
        self._rows[ticket] = (label, bar, button)


def job_text(ticket: JobHandle) -> str:
    """Where a job stands, in a line."""
    if ticket.state is JobState.WAITING:
        return tr("waits")
    if ticket.state is JobState.STOPPING:
        return tr("stopping…")
    if ticket.is_paused:
        return tr("paused")
    progress = ticket.progress
    parts = []
    if progress.total and progress.total != 1000:
        parts.append(f"{progress.done:,}/{progress.total:,}")
    elif progress.total:
        parts.append(f"{progress.done / 10:.0f} %")
    elif progress.done:
        parts.append(f"{progress.done:,}")
    if progress.rate:
        digits = 0 if progress.rate >= 10 else 1
        parts.append(tr("{rate} images/s", rate=f"{progress.rate:.{digits}f}"))
    if progress.seconds_left is not None:
        parts.append(tr("{time} left", time=duration(progress.seconds_left)))
    if progress.text:
        parts.append(progress.text)
    return "  ".join(parts) or tr("runs")


class AboutDialog(Dialog):
    """Version, licence, and what it stands on."""

    def __init__(self, parent: QWidget | None, device: str) -> None:
        super().__init__(parent, tr("About cfinspect"), 480)
        title = Label(f"cfinspect {version_in_words()}")
        title.setProperty("role", "big")
        self.column.addWidget(title)
        self.add_text(
            tr(
                "Visual quality control that learns from good/bad labels and shows why. "
                "Apache-2.0. Works offline; nothing is ever sent."
            )
        )
        if device:
            self.add_text(tr("Device: {device}", device=device), faint=True)
        found = [
            f"{package.name} {version}"
            for package in PACKAGES
            if (version := installed_version(package))
        ]
        self.add_text(", ".join(found), faint=True)
        for path in shipped_models().values():
            try:
                said = load_metadata(path).licence_note
            except CfinspectError as error:
                said = str(error)
            self.add_text(f"{path.name}: {said}", faint=True)
        self.add_ok(tr("Close"))
