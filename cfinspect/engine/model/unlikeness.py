"""Whether a folder is unlike the images that the model learned from: a count and a sentence."""

from __future__ import annotations

from dataclasses import dataclass

LIMIT = 0.25  # of the images; on others of the training's camera it is 0.00 to 0.05
_LEAST = 5  # images: fewer are no folder to judge


@dataclass
class UnlikeCount:
    """``judged``: images whose unlikeness the model can tell; ``unlike``: those where it is > 1."""

    judged: int = 0
    unlike: int = 0

    def add(self, unlikeness: float | None) -> None:
        """Count an image; None where the model cannot tell."""
        if unlikeness is not None:
            self.judged += 1
            self.unlike += unlikeness > 1

    @property
    def share(self) -> float | None:
        """Share of the images that are unlike, 0..1; None where the model cannot tell."""
        return self.unlike / self.judged if self.judged else None

    @property
    def is_alarming(self) -> bool:
        """Whether people should hear of it: too many are unlike, and not by chance."""
        return self.judged >= _LEAST and self.unlike > LIMIT * self.judged

    @property
    def warning(self) -> str:
        """The sentence to warn with; empty where nothing is to be said."""
        if not self.is_alarming:
            return ""
        return (
            f"{self.unlike} of {self.judged} images are unlike those that the model learned from: "
            "check its answers on some of them, and calibrate or train it with images of this kind."
        )
