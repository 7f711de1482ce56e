"""The words for the classes: what class folders, tables and labels of other tools call them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

from cfinspect.engine.base.errors import CfinspectError

UNDAMAGED, DAMAGED = 0, 1
CLASS_NAMES = ("undamaged", "damaged")

_ALIASES = (
    "undamaged good ok okay healthy fresh negative normal intact clean sound pass passed "
    "no_crack non_crack noncrack nocrack uncracked no_defect non_defective defect_free",
    "damaged bad ng nok not_ok defect defects defective rotten positive crack cracks cracked "
    "anomaly anomalous abnormal faulty fail failed broken",
)


class DataError(CfinspectError):
    """Data that cannot be used as they are; the sentence says what to change."""


def class_words(
    undamaged: str | None = None,
    damaged: str | None = None,
    defect_classes: Sequence[str] = (),
    also_damaged: Sequence[str] = (),
) -> dict[str, int]:
    """Folded class word -> label: the built-in words, or the given name instead of its class's.

    ``defect_classes``: names of several defect classes, with the labels 1, 2, ... in their order;
    ``also_damaged``: names that mean damaged beside the other words. Raises DataError when two
    classes have the same name.
    """
    if defect_classes:
        return _words_of_defect_classes(undamaged, damaged, defect_classes)
    given = {UNDAMAGED: undamaged, DAMAGED: damaged}
    words = {
        word: label
        for label, aliases in enumerate(_ALIASES)
        if not given[label]
        for word in aliases.split()
    }
    chosen = {label: fold_word(name) for label, name in given.items() if name}
    if len(set(chosen.values())) < len(chosen):
        raise DataError(f'Both classes are named "{undamaged}"; give two different names.')
    words |= {word: label for label, word in chosen.items()}
    return {fold_word(name): DAMAGED for name in also_damaged} | words


def _words_of_defect_classes(
    undamaged: str | None, damaged: str | None, defect_classes: Sequence[str]
) -> dict[str, int]:
    if damaged:
        raise DataError("Give either the name of the damaged folder or those of defect classes.")
    sound = (undamaged,) if undamaged else _ALIASES[UNDAMAGED].split()
    words = {fold_word(word): UNDAMAGED for word in sound}
    for label, name in enumerate(defect_classes, start=DAMAGED):
        folded = fold_word(name)
        if not folded:
            raise DataError("A defect class has no name.")
        if folded in words:
            raise DataError(f'Two classes are named "{name}"; give different names.')
        words[folded] = label
    return words


def class_name(label: int, words: Mapping[str, int]) -> str:
    """What to call a label in a message: undamaged, damaged, or the defect class."""
    if label == UNDAMAGED or not has_defect_classes(words):
        return CLASS_NAMES[label]
    return next(word for word, value in words.items() if value == label)


def has_defect_classes(words: Mapping[str, int]) -> bool:
    """Whether the words are those of several defect classes."""
    return max(words.values()) > DAMAGED


def fold_word(word: str) -> str:
    """A class word as it is compared: no case, spaces and hyphens as underscores."""
    return composed(word).strip().strip("/\\").casefold().replace(" ", "_").replace("-", "_")


def label_of(words: Mapping[str, int], word: str) -> int | None:
    """The label that a word of a table or of another tool's file means; None for others."""
    folded = fold_word(word)
    # The canonical words hold even where the user named the folders otherwise.
    canonical = CLASS_NAMES[:1] if has_defect_classes(words) else CLASS_NAMES
    return words.get(folded, canonical.index(folded) if folded in canonical else None)


def composed(text: str) -> str:
    """The text with its accents in one way of writing them, so that names can be compared."""
    # Archives made on a Mac hold decomposed names, tables typed elsewhere composed ones.
    return text if text.isascii() else unicodedata.normalize("NFC", text)
