"""All that works on the image on screen, put together."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject

from cfinspect.ui.review.comments import Comments
from cfinspect.ui.review.image_navigator import ImageNavigator
from cfinspect.ui.review.image_page import ImagePage
from cfinspect.ui.review.result_panel import ResultPanel
from cfinspect.ui.review.reviewer import Reviewer
from cfinspect.ui.review.shown_image import ShownImage
from cfinspect.ui.review.unsaved_edits import UnsavedEdits
from cfinspect.ui.review.verdicts import VerdictsOnScreen
from cfinspect.ui.state.session import Session


@dataclass(frozen=True)
class ReviewParts:
    """The image on screen, what is drawn and written on it, the list and the queue it is from, and
    the verdicts on it.
    """

    image: ShownImage
    edits: UnsavedEdits
    comments: Comments
    navigator: ImageNavigator
    reviewer: Reviewer
    verdicts: VerdictsOnScreen


def build_review(
    session: Session, page: ImagePage, inspector: ResultPanel, parent: QObject
) -> ReviewParts:
    """Make them, those first that others need."""
    image = ShownImage(session, page.canvas, parent)
    edits = UnsavedEdits(session, page, inspector, image)
    comments = Comments(session, inspector, image)
    navigator = ImageNavigator(session, page, inspector, image, edits, comments)
    reviewer = Reviewer(session, image, edits, navigator)
    verdicts = VerdictsOnScreen(session, page.canvas, inspector, image, edits, reviewer)
    return ReviewParts(image, edits, comments, navigator, reviewer, verdicts)
