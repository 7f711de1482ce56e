"""Every word on screen goes through ``tr``; catalogues are in ``resources/translations``."""

from __future__ import annotations

import re

from PySide6.QtCore import QCoreApplication, QLocale, QTranslator

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


_REASONS = (
    (
        re.compile(r"p_fake ([\d.]+) above ([\d.]+): looks unlike the training images"),
        mark("looks unlike the training images (p_fake {0} above {1})"),
    ),
    (
        re.compile(r"score ([\d.]+) inside the band ([\d.]+) to ([\d.]+)"),
        mark("the score {0} lies inside the doubtful band {1} to {2}"),
    ),
    (
        re.compile(r"the counterfactual did not flip"),
        mark("the counterfactual did not flip the model's mind"),
    ),
)


def reason_in_words(reason: str) -> list[str]:
    """Why the engine wants a review, a phrase each, in the language of the window."""
    found = []
    for part in filter(None, reason.split("; ")):
        for pattern, text in _REASONS:
            if match := pattern.fullmatch(part):
                found.append(tr(text).format(*match.groups()))
                break
        else:
            found.append(part)
    return found
