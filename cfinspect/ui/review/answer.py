"""What the model says of the image, as words, score, bars and reasons."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout

from cfinspect.ui.gallery.image_model import label_text
from cfinspect.ui.jobs.job_types import model_name
from cfinspect.ui.jobs.picture import Picture
from cfinspect.ui.review.probability_bars import Bars
from cfinspect.ui.state.session import Session
from cfinspect.ui.widgets.label import Label
from cfinspect.ui.widgets.translate import reasons_in_words, tr

_REASON_LINES = 4


class Answer(QVBoxLayout):
    """The model's answer. ``inspect_asked``: there is none yet, and the person wants one."""

    inspect_asked = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.setSpacing(8)
        row = QHBoxLayout()
        self.label = Label()
        self.score = Label()
        self.score.setProperty("role", "big")
        self.score.setAlignment(Qt.AlignmentFlag.AlignRight)
        row.addWidget(self.label)
        row.addWidget(self.score, 1)
        self.addLayout(row)
        self.bars = Bars()
        self.addWidget(self.bars)
        self.model_name = Label()
        self.model_name.setProperty("role", "faint")
        self.why = Label()
        self.why.setWordWrap(True)
        self.why.setAlignment(Qt.AlignmentFlag.AlignTop)
        # What is below stays where it is, however long the reason: hands learn places.
        self.why.setMinimumHeight(_REASON_LINES * self.why.fontMetrics().lineSpacing() + 4)
        self.addWidget(self.why)
        self.addWidget(self.model_name)
        self.inspect_button = QPushButton(tr("Inspect this folder"))
        self.inspect_button.clicked.connect(self.inspect_asked)
        self.addWidget(self.inspect_button)

    def show_picture(self, picture: Picture | None) -> None:
        """Show what the model says of a picture (None: there is no image)."""
        found = picture.prediction if picture is not None else None
        model = self._session.model_of(picture.row.folder_id) if picture is not None else None
        self.model_name.setText(tr("model: {name}", name=model_name(model)) if model else "")
        self.inspect_button.setVisible(picture is not None and found is None and not picture.error)
        if found is None:
            self.label.setText(tr("not inspected") if picture else tr("no image"))
            role = "faint"
            self.score.setText("")
            self.bars.show_values(None)
            self.why.setText("")
        else:
            self.label.setText((found.kind or label_text(found.label)).upper())
            role = "damaged" if found.label else "undamaged"
            self.score.setText(f"{found.score:.2f}")
            self.bars.show_values((found.p0, found.p1, found.p_fake))
            reasons_given = reasons_in_words(found.reasons) if found.review else []
            assert picture is not None
            label = picture.row.label
            if label in {0, 1} and label != found.label:
                reasons_given.append(
                    tr("its folder says {label}, the model does not", label=label_text(label))
                )
            if reasons_given:
                reasons = "; ".join(reasons_given)
                self.why.setText(tr("REVIEW: {reasons}.", reasons=reasons))
                self.why.setProperty("role", "review")
            else:
                self.why.setText(tr("No need for a review by the model's own rule."))
                self.why.setProperty("role", "faint")
        self.label.setProperty("role", role)
        for widget in (self.label, self.why):
            widget.style().unpolish(widget)
            widget.style().polish(widget)
