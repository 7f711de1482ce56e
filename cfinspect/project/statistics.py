"""How often humans overruled the model, per band of its score."""

from __future__ import annotations

from dataclasses import dataclass

from cfinspect.project import audit
from cfinspect.project.project import Project
from cfinspect.project.verdicts import Verdict

BANDS = 10


@dataclass(frozen=True)
class Band:
    """Verdicts on images whose score lay in ``low``..``high`` when they were given.

    ``agreed``: the verdict was the model's label; ``overruled``: it was the other one; ``skipped``:
    the human could not say.
    """

    low: float
    high: float
    agreed: int = 0
    overruled: int = 0
    skipped: int = 0

    @property
    def overruled_share(self) -> float | None:
        """Share of overruled among those decided, None without any."""
        decided = self.agreed + self.overruled
        return self.overruled / decided if decided else None


def overruled(project: Project, model: str | None = None) -> list[Band]:
    """The bands, from score 0 to 1; each image counts once, by its last verdict.

    ``model``: only verdicts on the advice of the model with this digest. What was never inspected
    does not count.
    """
    last: dict[int, tuple[int, int, float]] = {}
    for entry in audit.entries(project):
        if entry.image_id is None or entry.after is None:
            continue
        verdict = entry.after["verdict"]
        if entry.before is not None and entry.before["verdict"] == verdict:
            continue
        last.pop(entry.image_id, None)
        if verdict is not None and entry.advice and model in {None, entry.model}:
            advice = entry.advice
            last[entry.image_id] = (verdict, advice["label"], advice["score"])
    tally = [[0, 0, 0] for _ in range(BANDS)]
    for verdict, label, score in last.values():
        column = 2 if verdict == Verdict.SKIPPED else int(verdict != label)
        tally[min(BANDS - 1, int(score * BANDS))][column] += 1
    return [Band(i / BANDS, (i + 1) / BANDS, *counts) for i, counts in enumerate(tally)]
