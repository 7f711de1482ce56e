"""Why the model wants a review, worded in both languages of the window."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

from cfinspect.engine.inference.review_reason import ReviewCode, ReviewReason, from_words, in_words
from cfinspect.ui.widgets.translate import install, reasons_in_words

REASONS = (
    ReviewReason(ReviewCode.P_FAKE_HIGH, (0.314, 0.2)),
    ReviewReason(ReviewCode.SCORE_IN_BAND, (0.52, 0.4, 0.6)),
    ReviewReason(ReviewCode.NOT_FLIPPED),
    ReviewReason(ReviewCode.TEXT, ("looks {odd}",)),
    ReviewReason("too_dark", (0.1,)),
)


@pytest.fixture(autouse=True)
def english_afterwards(qapp: QApplication) -> Iterator[None]:
    yield
    install("en")


def test_every_code_is_worded_in_english() -> None:
    install("en")
    assert reasons_in_words(REASONS) == [
        "looks unlike the training images (p_fake 0.31 above 0.20)",
        "the score 0.52 lies inside the doubtful band 0.40 to 0.60",
        "the counterfactual did not flip the model's mind",
        "looks {odd}",
        "a reason that this version does not know (too_dark 0.10)",
    ]


def test_every_code_is_worded_in_german() -> None:
    install("de")
    found = reasons_in_words(REASONS)
    assert found[0] == "sieht anders aus als die Trainingsbilder (p_fake 0.31 über 0.20)"
    assert "Bewertung 0.52" in found[1] and "0.40" in found[1] and "0.60" in found[1]
    assert found[3] == "looks {odd}"
    assert found[4] == "ein Grund, den diese Version nicht kennt (too_dark 0.10)"
    install("en")
    english = reasons_in_words(REASONS)
    assert all(found[place] != english[place] for place in (0, 1, 2, 4))


def test_what_an_earlier_version_wrote_is_worded_alike() -> None:
    known = REASONS[:3]
    assert reasons_in_words(from_words(in_words(known))) == reasons_in_words(known)
