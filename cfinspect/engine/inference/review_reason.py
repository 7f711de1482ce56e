"""Why a human should look at an image: as codes with values, in English, and as text for storage.

The window words the same codes in its language, see ``ui/widgets/translate.py``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from cfinspect.engine.model.metadata import Decision

Value = float | str


class ReviewCode(StrEnum):
    """Kinds of reasons, with their values in order. Stored in projects: never rename one."""

    P_FAKE_HIGH = "p_fake_high"
    """p_fake, and the limit that it is above; both in [0, 1]."""
    SCORE_IN_BAND = "score_in_band"
    """The score, and the ends of the band that it is inside; all in [0, 1]."""
    NOT_FLIPPED = "not_flipped"
    """No values: D gives the counterfactual the label of the image."""
    TEXT = "text"
    """A sentence, worded as it is: what a version before this one wrote and nobody can parse."""


WORDS = {
    ReviewCode.P_FAKE_HIGH: "p_fake {0} above {1}: looks unlike the training images",
    ReviewCode.SCORE_IN_BAND: "score {0} inside the band {1} to {2}",
    ReviewCode.NOT_FLIPPED: "the counterfactual did not flip",
    ReviewCode.TEXT: "{0}",
}
_BETWEEN = "; "


@dataclass(frozen=True)
class ReviewReason:
    """One reason: a ``ReviewCode``, or the code of a version after this one, and its values."""

    code: str
    values: tuple[Value, ...] = ()

    @property
    def shown(self) -> tuple[str, ...]:
        """The values as people read them: numbers with two decimals."""
        return tuple(one if isinstance(one, str) else f"{one:.2f}" for one in self.values)


def review_reasons(
    decision: Decision, image_score: float, p_fake: float, flipped: bool
) -> tuple[ReviewReason, ...]:
    """Why a human should look at an image; empty when nobody needs to.

    ``image_score`` and ``p_fake`` in [0, 1]. A counterfactual that does not flip is no reason of
    its own (undamaged images seldom flip); it is told where there is another.
    """
    reasons = []
    if p_fake > decision.review_p_fake:
        reasons.append(ReviewReason(ReviewCode.P_FAKE_HIGH, (p_fake, decision.review_p_fake)))
    if decision.review_low <= image_score <= decision.review_high:
        band = (decision.review_low, decision.review_high)
        reasons.append(ReviewReason(ReviewCode.SCORE_IN_BAND, (image_score, *band)))
    if reasons and not flipped:
        reasons.append(ReviewReason(ReviewCode.NOT_FLIPPED))
    return tuple(reasons)


def in_words(reasons: Iterable[ReviewReason]) -> str:
    """In English, as CSV files, JSON events and reports have it; empty without reasons."""
    return _BETWEEN.join(map(_worded, reasons))


def worded(text: str, reason: ReviewReason) -> str | None:
    """``text`` with a reason's values put in for {0}, {1}; None where it has not enough of them."""
    try:
        return text.format(*reason.shown)
    except IndexError:
        return None


def _worded(reason: ReviewReason) -> str:
    known = worded(WORDS[ReviewCode(reason.code)], reason) if reason.code in WORDS else None
    return " ".join((reason.code, *reason.shown)) if known is None else known


def to_json(reasons: Iterable[ReviewReason]) -> str:
    """As compact text: ``[["score_in_band",0.52,0.4,0.6],["not_flipped"]]``; "" without reasons."""
    rows = [[str(one.code), *one.values] for one in reasons]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":")) if rows else ""


def from_json(text: str) -> tuple[ReviewReason, ...]:
    """Read ``to_json``'s text. Codes that this version does not know are kept.

    A text that is nothing of the kind becomes a reason of code ``TEXT``: what a project says
    about an image is shown, whoever wrote it.
    """
    if not text:
        return ()
    try:
        return tuple(_reason(row) for row in json.loads(text))
    except (ValueError, TypeError, RecursionError):
        return (ReviewReason(ReviewCode.TEXT, (text,)),)


def _reason(row: object) -> ReviewReason:
    if not isinstance(row, list) or not row or not isinstance(row[0], str):
        raise ValueError("no reason")
    values: list[Value] = [one if isinstance(one, str) else float(one) for one in row[1:]]
    code = row[0]
    return ReviewReason(ReviewCode(code) if code in WORDS else code, tuple(values))


_PROSE = (
    (
        ReviewCode.P_FAKE_HIGH,
        re.compile(r"p_fake (\d+\.\d\d) above (\d+\.\d\d): looks unlike the training images"),
    ),
    (
        ReviewCode.SCORE_IN_BAND,
        re.compile(r"score (\d+\.\d\d) inside the band (\d+\.\d\d) to (\d+\.\d\d)"),
    ),
    (ReviewCode.NOT_FLIPPED, re.compile("the counterfactual did not flip")),
)


def from_words(text: str) -> tuple[ReviewReason, ...]:
    """Read what projects held before reasons had codes: ``in_words`` of them, in two decimals.

    ``in_words`` of the result is ``text`` again, whatever it is.
    """
    return tuple(map(_from_word, text.split(_BETWEEN))) if text else ()


def _from_word(part: str) -> ReviewReason:
    for code, pattern in _PROSE:
        if match := pattern.fullmatch(part):
            values = tuple(map(float, match.groups()))
            reason = ReviewReason(code, values)
            if all(map(math.isfinite, values)) and _worded(reason) == part:
                return reason
    return ReviewReason(ReviewCode.TEXT, (part,))
