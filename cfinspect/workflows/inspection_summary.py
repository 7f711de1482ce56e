"""What an inspection of many images came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from cfinspect.engine.model.unlikeness import UnlikeCount


@dataclass(frozen=True)
class InspectionSummary:
    """Counts of a run: ``images`` looked at, of them ``damaged``, for ``review``, and unreadable
    (``errors``); ``seconds`` it took, and how many ``images_per_second`` were read and inspected.
    ``unlike_share``: share of the images that are unlike those that the model learned from, 0..1,
    None where it cannot tell; ``warning``: a sentence where they are too many, else empty.
    """

    images: int
    damaged: int
    review: int
    errors: int
    seconds: float
    images_per_second: float
    unlike_share: float | None = None
    warning: str = ""

    @classmethod
    def of(
        cls,
        *,
        images: int,
        damaged: int,
        review: int,
        errors: int,
        seconds: float,
        unlike: UnlikeCount,
    ) -> Self:
        """From the counts and the time that was measured, in s."""
        rate = round((images - errors) / max(seconds, 1e-6), 2)
        share = None if unlike.share is None else round(unlike.share, 4)
        counts = (images, damaged, review, errors)
        return cls(*counts, round(seconds, 3), rate, share, unlike.warning)
