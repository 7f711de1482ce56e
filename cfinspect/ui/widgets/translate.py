"""Every word on screen goes through ``tr``; catalogues are in ``resources/translations``."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QCoreApplication, QLocale, QTranslator

from cfinspect.engine.inference.review_reason import ReviewCode, ReviewReason, in_words, worded
from cfinspect.resources import resource_path

CONTEXT = "cfinspect"
LANGUAGES = {"": "System", "en": "English", "de": "Deutsch"}

_installed: list[QTranslator] = []


def tr(text: str, /, **values: object) -> str:
    """``text`` in the language of the window, with ``values`` put in for {names}."""
    found = QCoreApplication.translate(CONTEXT, text)
    return found.format(**values) if values else found


def mark(text: str) -> str:
    """Mark a text for the catalogues that goes through ``tr`` later, as in tables."""
    return text


def install(language: str) -> None:
    """Use the catalogue of ``language`` ("" for the system's), and Qt's own; English needs none."""
    for old in _installed:
        QCoreApplication.removeTranslator(old)
    _installed.clear()
    name = language or QLocale.system().name().split("_")[0]
    file = resource_path("translations") / f"cfinspect_{name}.qm"
    if name == "en" or not file.exists():
        return
    translator = QTranslator()
    if translator.load(str(file)):
        QCoreApplication.installTranslator(translator)
        _installed.append(translator)


def language() -> str:
    """The language of the words on screen: "en", or that of the catalogue in use, such as "de"."""
    return _installed[0].language() if _installed else "en"


_REASONS = {
    ReviewCode.P_FAKE_HIGH: mark("looks unlike the training images (p_fake {0} above {1})"),
    ReviewCode.SCORE_IN_BAND: mark("the score {0} lies inside the doubtful band {1} to {2}"),
    ReviewCode.NOT_FLIPPED: mark("the counterfactual did not flip the model's mind"),
    ReviewCode.TEXT: "{0}",
}


def reasons_in_words(reasons: Iterable[ReviewReason]) -> list[str]:
    """Why the model's rule wants a review, a phrase each, in the language of the window."""
    found = []
    for reason in reasons:
        known = ReviewCode(reason.code) if reason.code in _REASONS else None
        phrase = None if known is None else worded(tr(_REASONS[known]), reason)
        if phrase is None:
            said = in_words([reason])
            phrase = tr("a reason that this version does not know ({said})", said=said)
        found.append(phrase)
    return found
