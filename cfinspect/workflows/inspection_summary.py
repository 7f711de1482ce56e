"""What an inspection of many images came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class InspectionSummary:
    """Counts of a run: ``images`` looked at, of them ``damaged``, for ``review``, and unreadable
    (``errors``); ``seconds`` it took, and how many ``images_per_second`` were read and inspected.
    """

    images: int
    damaged: int
    review: int
    errors: int
    seconds: float
    images_per_second: float

    @classmethod
    def of(cls, *, images: int, damaged: int, review: int, errors: int, seconds: float) -> Self:
        """From the counts and the time that was measured, in s."""
        rate = round((images - errors) / max(seconds, 1e-6), 2)
        return cls(images, damaged, review, errors, round(seconds, 3), rate)
