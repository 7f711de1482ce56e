"""The inspection panel: what the model says of the image, why a human should look, and where."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime

import numpy as np
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPlainTextEdit,
    QScrollArea,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from cfinspect.engine.inference.saliency import clean_mask
from cfinspect.engine.model.metadata import Decision
from cfinspect.masks.regions import Region, regions_of
from cfinspect.project.project import Project
from cfinspect.project.verdicts import LONGEST_COMMENT
from cfinspect.ui.jobs.picture import Picture
from cfinspect.ui.review.answer import Answer
from cfinspect.ui.review.histogram import Histogram
from cfinspect.ui.review.region_table import MOST, Regions
from cfinspect.ui.state.session import IndexMask, Session
from cfinspect.ui.widgets.label import Label
from cfinspect.ui.widgets.translate import tr

_STEPS = 255
_TRAVEL = 1000
_WIDTH = 296
_KEPT_THRESHOLDS = 1000


class ResultPanel(QScrollArea):
    """Everything about one image. ``threshold_moved``: the slider moves (value of 255, px of the
    smallest island); ``mask_moved``: where it has come to rest, the mask (H, W) bool;
    ``region_chosen``: a box in image pixels; ``asked``: name of the word to explain.
    """

    mask_moved = Signal(object)
    threshold_moved = Signal(int, int)
    region_chosen = Signal(object)
    asked = Signal(str)
    inspect_asked = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._picture: Picture | None = None
        self._threshold = 0.1
        self._is_moved = False
        self._moved_to: OrderedDict[tuple[int, int | None], int] = OrderedDict()
        self._drawn: IndexMask | None = None
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMinimumWidth(_WIDTH)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        page = QWidget()
        self._layout = QVBoxLayout(page)
        self._layout.setContentsMargins(12, 8, 12, 12)
        self._layout.setSpacing(8)
        self.setWidget(page)
        self._make_answer()
        self._make_human()
        self._make_mask()
        self._make_histogram()
        self._layout.addStretch()
        # The regions take a while on large photos; while the slider moves only the mask is drawn.
        self._measure_timer = QTimer(self, singleShot=True, interval=200)
        self._measure_timer.timeout.connect(self._measure)
        self._drawn_timer = QTimer(self, singleShot=True, interval=250)
        self._drawn_timer.timeout.connect(self._measure_drawn)
        self.show_picture(None)

    # Parts ----------------------------------------------------------------------------------------

    def _heading(self, text: str, word: str = "") -> None:
        row = QHBoxLayout()
        label = Label(text.upper())
        label.setProperty("role", "heading")
        row.addWidget(label)
        row.addStretch()
        if word:
            button = QToolButton()
            button.setText("?")
            button.setAutoRaise(True)
            button.setToolTip(tr("What is this?"))
            button.setAccessibleName(tr("Explain {word}", word=word))
            button.clicked.connect(lambda: self.asked.emit(word))
            row.addWidget(button)
        self._layout.addLayout(row)

    def _make_answer(self) -> None:
        self._heading(tr("What the model says"), "score")
        self.answer = Answer(self._session)
        self.answer.inspect_asked.connect(self.inspect_asked)
        self._layout.addLayout(self.answer)

    def _make_human(self) -> None:
        self._heading(tr("What humans say"))
        self.human = Label()
        self.human.setWordWrap(True)
        self._layout.addWidget(self.human)
        self.comment = QPlainTextEdit()
        self.comment.setPlaceholderText(tr("Comment (C), stored when you leave the field"))
        self.comment.setAccessibleName(tr("Comment"))
        self.comment.setTabChangesFocus(True)
        self.comment.setFixedHeight(56)
        self._layout.addWidget(self.comment)

    def _make_mask(self) -> None:
        self._heading(tr("Mask threshold"), "mask")
        row = QHBoxLayout()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(1, _TRAVEL)
        self.slider.setAccessibleName(tr("Mask threshold"))
        self.slider.setToolTip(tr("From which saliency on a pixel belongs to the mask"))
        self.slider.valueChanged.connect(self._moved)
        self.threshold_text = Label()
        self.threshold_text.setFixedWidth(40)
        self.reset = QToolButton()
        self.reset.setText(tr("Reset"))
        self.reset.setToolTip(tr("Back to the model's own threshold"))
        self.reset.clicked.connect(self._reset)
        row.addWidget(self.slider, 1)
        row.addWidget(self.threshold_text)
        row.addWidget(self.reset)
        self._layout.addLayout(row)
        self.regions = Regions()
        self.regions.chosen.connect(self.region_chosen)
        self._layout.addWidget(self.regions)

    def showEvent(self, event: QShowEvent) -> None:
        """As wide as what is in it: nothing is cut off at the side."""
        super().showEvent(event)
        page = self.widget()
        if page is not None:
            bar = self.verticalScrollBar().sizeHint().width()
            self.setMinimumWidth(max(_WIDTH, page.minimumSizeHint().width() + bar + 4))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The page is as wide as the panel: nothing hides behind its right edge."""
        super().resizeEvent(event)
        page = self.widget()
        if page is not None:
            page.setMaximumWidth(self.viewport().width())

    def _make_histogram(self) -> None:
        self._heading(tr("Scores of this folder"))
        self.histogram = Histogram(self._session)
        self._layout.addWidget(self.histogram)

    # What is shown --------------------------------------------------------------------------------

    def show_picture(self, picture: Picture | None) -> None:
        """Show what is known of a picture."""
        before, self._picture = self._picture, picture
        changed = _subject(before) != _subject(picture)
        if changed:
            self._is_moved = False
            self._measure_timer.stop()
        self.answer.show_picture(picture)
        self.show_human(fresh=changed)
        self._drawn = picture.human_mask if picture is not None else None
        self._show_threshold(changed)
        if self._drawn is not None:
            if changed:
                self.regions.clear()  # until its own are measured
            self._drawn_timer.start()
        if self._is_moved and picture is not None and picture.saliency:
            self._measure()  # the same image again: what the person chose stays
        else:
            self._show_regions()
        self.histogram.show_image(picture.row if picture else None)

    def show_human(self, *, fresh: bool = True) -> None:
        """Show what humans said; ``fresh``: of another image than before."""
        picture = self._picture
        self.comment.setEnabled(picture is not None and not picture.error)
        if picture is None:
            self.human.setText("")
            self.comment.setPlainText("")
            return
        human = picture.human
        # Only a stranger's project has longer ones; the field would take minutes for a megabyte.
        is_long = len(human.comment) > LONGEST_COMMENT
        self.comment.setReadOnly(is_long)
        if fresh or not self.comment.hasFocus():
            shown = f"{human.comment[:LONGEST_COMMENT]}…" if is_long else human.comment
            self.comment.setPlainText(shown)
        if human.verdict is None:
            said = tr("Comment by {who}", who=human.who) if human.comment else tr("Nothing yet.")
            if human.mask is not None:
                said = tr("A mask is drawn, and no verdict given yet (M or D).")
            self.human.setText(said)
            return
        verdict = (tr("undamaged"), tr("damaged"), tr("skipped"))[int(human.verdict)]
        moment = datetime.fromisoformat(human.at).astimezone()
        text = tr(
            "✔ {verdict}, by {who} at {time}",
            verdict=verdict,
            who=human.who,
            time=moment.strftime("%Y-%m-%d %H:%M"),
        )
        if human.mask is not None:
            text += ", " + tr("mask corrected")
        self.human.setText(text)

    def model_threshold(self) -> float:
        """The threshold of the model that looked at the image."""
        if self._picture is None:
            return 0.1
        return self._decision().mask_threshold

    def _decision(self) -> Decision:
        """The model's decision on this image: of its kind of damage, where it knows several."""
        assert self._picture is not None
        model = self._session.model_of(self._picture.row.folder_id)
        metadata = model.metadata if model else None
        if metadata is None:
            return Decision()
        name = self._picture.prediction.kind if self._picture.prediction else ""
        return metadata.defect_classes.get(name, metadata.decision)

    def _has_segmenter(self) -> bool:
        """Whether a segmenter made the mask of the image that is shown."""
        assert self._picture is not None
        said, facts = self._picture.prediction, self._session.facts
        if said is None or facts is None:
            return False
        # The folder may have another model by now.
        model = next((one for one in facts.models if one.id == said.model_id), None)
        return model is not None and model.metadata is not None and bool(model.metadata.segmenter)

    def _show_threshold(self, changed: bool) -> None:
        usable = self._picture is not None and bool(self._picture.saliency)
        for widget in (self.slider, self.reset):
            widget.setEnabled(usable)
        if changed:
            self._threshold = self.model_threshold()
            kept = self._moved_to.get(_subject(self._picture)) if usable else None
            self.slider.blockSignals(True)
            self.slider.setValue(kept or max(1, round(_TRAVEL * self._threshold**0.5)))
            self.slider.blockSignals(False)
            if kept is not None:  # the person had moved it on this image
                self._threshold, self._is_moved = self._level() / _STEPS, True
        # A segmenter's mask is not cut from the saliency, until the person does so.
        by_segmenter = usable and not self._is_moved and self._has_segmenter()
        self.threshold_text.setText("–" if by_segmenter else f"{self._threshold:.2f}")

    # Threshold ------------------------------------------------------------------------------------

    def _moved(self, value: int) -> None:
        picture = self._picture
        if picture is None or not picture.saliency:
            return
        self._threshold, self._is_moved = self._level() / _STEPS, True
        self._moved_to[_subject(picture)] = value
        while len(self._moved_to) > _KEPT_THRESHOLDS:
            self._moved_to.popitem(last=False)
        self.threshold_text.setText(f"{self._threshold:.2f}")
        self.threshold_moved.emit(self._level(), self._smallest())
        self._measure_timer.start()

    def _level(self) -> int:
        """The saliency of 255 that the slider stands for: finer where most thresholds are."""
        return max(1, round(_STEPS * (self.slider.value() / _TRAVEL) ** 2))

    def settle(self) -> None:
        """Make the mask of a slider that was moved a moment ago."""
        if self._measure_timer.isActive():
            self._measure_timer.stop()
            self._measure()

    def _smallest(self) -> int:
        """Area in px of the smallest island that the model keeps."""
        assert self._picture is not None
        saliency = self._picture.saliency[0]
        model = self._session.model_of(self._picture.row.folder_id)
        share = self._decision().min_area_fraction
        area = saliency.size
        if model is not None and model.metadata is not None:
            before = model.metadata.preprocessing
            if before.in_windows(*saliency.shape):
                area = before.tile**2
        return max(1, round(share * area))

    def _reset(self) -> None:
        picture = self._picture
        if picture is None:
            return
        self._is_moved = False
        self._moved_to.pop(_subject(picture), None)
        self._measure_timer.stop()
        self._show_threshold(changed=True)
        mask = picture.mask
        empty = np.zeros((picture.height, picture.width), dtype=np.bool_)
        self.mask_moved.emit(empty if mask is None else mask)
        self._show_regions()

    def _measure(self) -> None:
        picture = self._picture
        if picture is None or not picture.saliency:
            return
        mask = clean_mask(picture.saliency[0] >= self._level(), self._smallest())
        self.mask_moved.emit(mask)
        if self._drawn is not None:
            return  # the list is of what the person drew
        share = float(mask.mean())
        scale = self._mm_per_px()
        self.regions.show_regions(regions_of(mask, scale, most=MOST), share, scale)

    def show_drawn(self, mask: IndexMask | None) -> None:
        """List the regions of a mask (H, W) that is being drawn; None: the machine's again."""
        self._drawn = mask
        if mask is not None:
            self._drawn_timer.start()
        elif self._is_moved:
            self._measure()
        else:
            self._show_regions()

    def _measure_drawn(self) -> None:
        """Measure on the looking desk: thinning a large mask takes a while."""
        mask, picture = self._drawn, self._picture
        if mask is None or picture is None or self._session.project is None:
            return
        copy, scale = mask.copy(), self._mm_per_px()

        def work(_: Project) -> tuple[list[Region], float]:
            return regions_of(copy, scale, most=MOST), float((copy > 0).mean())

        def show(found: tuple[list[Region], float]) -> None:
            if self._drawn is not None and _subject(self._picture) == _subject(picture):
                self.regions.show_regions(*found, scale, drawn=True)

        self._session.looker.ask(work, show, key="regions")

    def _mm_per_px(self) -> float | None:
        folder = self._session.folder(self._picture.row.folder_id) if self._picture else None
        return folder.mm_per_px if folder else None

    def _show_regions(self) -> None:
        found = self._picture.prediction if self._picture else None
        if self._drawn is not None:
            return
        if found is None:
            self.regions.clear()
            return
        known = {"x", "y", "width", "height", "area", "length", "mean_width", "class_id"}
        rows = []
        for one in found.regions[:MOST]:
            region = Region(**{name: value for name, value in one.items() if name in known})
            rows.append(region)
        total = len(found.regions)
        self.regions.show_regions(rows, found.area_fraction, self._mm_per_px(), total=total)


def _subject(picture: Picture | None) -> tuple[int, int | None]:
    """Which image, and whose answer on it."""
    if picture is None:
        return 0, None
    return picture.row.id, picture.prediction.model_id if picture.prediction else None
