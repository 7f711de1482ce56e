"""Which images of a project an export takes, and whose word counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from cfinspect.project.listing import HumanState, ImageFilter, ImageRow, list_images
from cfinspect.project.project import Project
from cfinspect.project.verdicts import HumanAnnotation, Verdict, human_of

_PAGE = 500


class Only(StrEnum):
    """Which images an export takes.

    ``CORRECTED``: where the mask is a human's: corrected ones, and images called undamaged.
    ``ACCEPTED``: where humans agreed with the model, and corrected ones. ``REVIEWED``: all with a
    verdict; the mask is the corrected one or else the model's. ``ALL``: also what no human has
    looked at, as the model sees it.
    """

    CORRECTED = "corrected"
    ACCEPTED = "accepted"
    REVIEWED = "reviewed"
    ALL = "all"


@dataclass(frozen=True)
class ExportFilter:
    """What to export. ``min_score``: for the machine's word alone: how sure it must be (the score
    for damaged, 1 - score for undamaged). ``min_area``: px; smaller islands of the machine's masks
    are left out. ``split``: names and shares of the parts, by group; empty for none.
    """

    only: Only = Only.REVIEWED
    min_score: float = 0.0
    min_area: int = 1
    folder: str | None = None
    domain: str | None = None
    split: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0


@dataclass(frozen=True)
class Pick:
    """An image that is exported: its label and whose word that is."""

    row: ImageRow
    label: int
    human: HumanAnnotation


def picks(project: Project, choice: ExportFilter, left_out: Counter[str]) -> Iterator[Pick]:
    """The images that an export takes, sorted by place; counts the others by reason."""
    wanted = ImageFilter(folder=choice.folder, domain=choice.domain)
    offset = 0
    while rows := list_images(project, wanted, offset=offset, limit=_PAGE):
        offset += len(rows)
        for row in rows:
            human = (
                human_of(project, row.id) if row.state is not HumanState.OPEN else HumanAnnotation()
            )
            label, reason = _label(row, human, choice)
            if label is None:
                left_out[reason] += 1
            else:
                yield Pick(row, label, human)


def _label(row: ImageRow, human: HumanAnnotation, choice: ExportFilter) -> tuple[int | None, str]:
    """The label to export, or None and why the image is left out."""
    if human.verdict is Verdict.SKIPPED:
        return None, "skipped by a human"
    if human.verdict is not None:
        verdict = int(human.verdict)
        if human.mask is None:
            if choice.only is Only.CORRECTED and verdict == Verdict.DAMAGED:
                return None, "without a corrected mask"
            if choice.only is Only.ACCEPTED and verdict != row.machine:
                return None, "where the human overruled the model"
        return verdict, ""
    return _machine_label(row, choice)


def _machine_label(row: ImageRow, choice: ExportFilter) -> tuple[int | None, str]:
    if choice.only is not Only.ALL:
        return None, "not reviewed"
    if row.machine is None or row.score is None:
        return None, "not inspected"
    sure = row.score if row.machine else 1 - row.score
    return (row.machine, "") if sure >= choice.min_score else (None, "below the minimum score")
