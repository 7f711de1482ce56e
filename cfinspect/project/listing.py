"""Lists of images as a window needs them: pages of a sorted, filtered list, and counts.

Every query walks one index that holds all that filters look at (a covering index), picks the ids of
the page there, and only then looks up those few rows.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from pathlib import Path

from cfinspect.project.project import Project, image_name
from cfinspect.project.reach import Reach


class HumanState(IntEnum):
    """What humans have done with an image."""

    OPEN = 0
    VERDICT = 1
    CORRECTED = 2
    SKIPPED = 3


class SortOrder(StrEnum):
    """What a list is sorted by; images without a prediction stand at the end."""

    PLACE = "place"
    DATE = "mtime_ns"
    SCORE = "score"
    P_FAKE = "p_fake"
    UNCERTAINTY = "uncertainty"
    DISAGREEMENT = "disagreement"
    AREA = "area"


@dataclass(frozen=True)
class ImageFilter:
    """Which images: all conditions hold together, None means any.

    ``machine``: the model's label. ``label``: that of the class folder or `labels.csv`.
    ``flagged``: the model's review rule. ``verdict``: what humans said (2: skipped).
    ``inspected``: whether a model has looked at it. ``to_review``: what the review queue holds: not
    judged yet, or skipped, and flagged or not what the label says. ``reviewed``: judged. ``text``:
    part of the path, whatever the case (ASCII). ``missing``: those that vanished instead of those
    that are there.
    """

    folder: str | None = None
    domain: str | None = None
    state: HumanState | None = None
    machine: int | None = None
    label: int | None = None
    flagged: bool | None = None
    verdict: int | None = None
    inspected: bool | None = None
    to_review: bool = False
    reviewed: bool = False
    score_from: float | None = None
    score_to: float | None = None
    text: str = ""
    missing: bool = False


@dataclass(frozen=True)
class ImageRow:
    """One image of a list; machine fields are None where no model has looked at it.

    ``path``: to show; ``checked_path`` is for opening. ``name``: as commands print it: the path in
    its folder, with the folder's name before it where the project has several. ``verdict``: 0
    undamaged, 1 damaged, 2 skipped.
    """

    id: int
    folder_id: int
    path: Path
    name: str
    state: HumanState
    verdict: int | None
    label: int | None
    group: str
    machine: int | None
    score: float | None
    p_fake: float | None
    uncertainty: float | None
    disagreement: float | None
    area: float | None
    flagged: bool
    width: int | None
    height: int | None
    missing: bool
    digest: str
    mtime_ns: int
    reach: Reach = field(compare=False, repr=False)

    def checked_path(self) -> Path:
        """``path``, for whoever opens the file; ImageError where it leads out of the project."""
        return self.reach.checked(self.path)

    @property
    def to_review(self) -> bool:
        """Whether the review queue holds it."""
        contradicts = self.label is not None and self.label != self.machine
        return (
            self.state in {HumanState.OPEN, HumanState.SKIPPED}
            and self.machine is not None
            and (self.flagged or contradicts)
            and not self.missing
        )


@dataclass(frozen=True)
class Count:
    """How many images of one folder are alike in these respects."""

    folder_id: int
    state: HumanState
    machine: int | None
    flagged: bool
    verdict: int | None
    images: int

    @property
    def is_judged(self) -> bool:
        """Whether a human said damaged or undamaged; who skips says neither."""
        return self.state not in {HumanState.OPEN, HumanState.SKIPPED}


def list_images(
    project: Project,
    wanted: ImageFilter | None = None,
    sort: SortOrder = SortOrder.PLACE,
    *,
    descending: bool = False,
    offset: int = 0,
    limit: int = 100,
) -> list[ImageRow]:
    """``limit`` images of a list from place ``offset`` on."""
    where, values = _conditions(project, wanted or ImageFilter())
    if sort in {SortOrder.PLACE, SortOrder.DATE}:
        return _select(project, where, values, _Order(sort, descending), offset, limit)
    inspected = f"{sort} IS NOT NULL AND {where}"
    found = _select(project, inspected, values, _Order(sort, descending), offset, limit)
    if len(found) < limit:
        order, waiting = _tail(sort, where)
        start = 0
        if offset and not found:
            start = offset - _count(project, inspected, values, f"image_by_{sort}")
        found += _select(project, waiting, values, order, start, limit - len(found))
    return found


def ids(
    project: Project,
    wanted: ImageFilter | None = None,
    sort: SortOrder = SortOrder.PLACE,
    *,
    descending: bool = False,
) -> list[int]:
    """The ids of a whole list in its order: what a window scrolls through."""
    where, values = _conditions(project, wanted or ImageFilter())
    if sort in {SortOrder.PLACE, SortOrder.DATE}:
        return _ids(project, where, values, _Order(sort, descending), 0, -1)
    inspected = f"{sort} IS NOT NULL AND {where}"
    found = _ids(project, inspected, values, _Order(sort, descending), 0, -1)
    order, waiting = _tail(sort, where)
    return found + _ids(project, waiting, values, order, 0, -1)


def score_histogram(
    project: Project, wanted: ImageFilter | None = None, bins: int = 20
) -> tuple[list[int], list[int]]:
    """How many images of a list have a score in each of ``bins`` equal parts of 0..1: those that
    the model calls undamaged, and those it calls damaged.
    """
    where, values = _conditions(project, wanted or ImageFilter())
    found = ([0] * bins, [0] * bins)
    for row in project.database.rows(
        f"SELECT machine, CAST(score * {bins} AS INTEGER) AS bin, count(*) AS n FROM image INDEXED "
        f"BY image_by_score WHERE score IS NOT NULL AND {where} GROUP BY machine, bin",
        *values,
    ):
        found[row["machine"]][min(bins - 1, row["bin"])] += row["n"]
    return found


def count(project: Project, wanted: ImageFilter | None = None) -> int:
    """How many images a list has."""
    where, values = _conditions(project, wanted or ImageFilter())
    return _count(project, where, values, "image_by_path")


def counts(project: Project) -> list[Count]:
    """All present images, counted by folder, state, label, flag and verdict."""
    return [
        Count(row[0], HumanState(row[1]), row[2], bool(row[3]), row[4], row[5])
        for row in project.database.rows(
            "SELECT folder_id, state, machine, flagged, verdict, count(*) FROM image INDEXED BY "
            "image_counts WHERE missing = 0 GROUP BY folder_id, state, machine, flagged, verdict"
        )
    ]


def waiting(project: Project) -> dict[int, int]:
    """How many images the review queue holds, by folder id; a folder without any is left out.

    What was skipped waits for another look.
    """
    return {
        row[0]: row[1]
        for row in project.database.rows(
            "SELECT folder_id, count(*) FROM image INDEXED BY image_by_uncertainty WHERE missing = "
            f"0 AND uncertainty IS NOT NULL AND {WAITS} AND {NEEDS} GROUP BY folder_id"
        )
    }


def unreadable(project: Project) -> dict[int, int]:
    """How many present images no model could read, by folder id."""
    return {
        row[0]: row[1]
        for row in project.database.rows(
            "SELECT i.folder_id, count(*) FROM unreadable AS u JOIN image AS i ON i.id = "
            "u.image_id WHERE i.missing = 0 GROUP BY i.folder_id"
        )
    }


def by_ids(project: Project, ids: list[int]) -> list[ImageRow]:
    """The images of these ids, in this order."""
    found = {}
    several, reach = len(project.folders()) > 1, project.reach
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        marks = ", ".join("?" * len(part))
        rows = project.database.rows(f"{_ROW} WHERE i.id IN ({marks})", *part)
        found.update({row["id"]: _image_row(project, row, several, reach) for row in rows})
    return [found[number] for number in ids if number in found]


WAITS = f"state IN ({int(HumanState.OPEN)}, {int(HumanState.SKIPPED)})"
"""In SQL: nobody has judged it; who skips leaves it to another look."""

NEEDS = "(flagged = 1 OR label != machine)"
"""In SQL: what a human should look at. Flagged by the model's review rule, or against its label."""

_ROW = "SELECT i.*, f.path AS folder FROM image AS i JOIN folder AS f ON f.id = i.folder_id"


@dataclass(frozen=True)
class _Order:
    column: str
    descending: bool = False
    index: str = ""

    def __str__(self) -> str:
        way = "DESC" if self.descending else "ASC"
        return ", ".join(f"{column} {way}" for column in (self.column, "path", "folder_id"))


def _tail(sort: SortOrder, where: str) -> tuple[_Order, str]:
    """Order and condition of those without the figure that a list is sorted by."""
    if sort is SortOrder.DISAGREEMENT:  # none without a label, inspected or not
        return _Order("place"), f"disagreement IS NULL AND {where}"
    return _Order("place", index="waiting"), f"score IS NULL AND {where}"


def _select(
    project: Project, where: str, values: list[object], order: _Order, offset: int, limit: int
) -> list[ImageRow]:
    return by_ids(project, _ids(project, where, values, order, offset, limit))


def _ids(
    project: Project, where: str, values: list[object], order: _Order, offset: int, limit: int
) -> list[int]:
    """Ids from place ``offset`` on, ``limit`` of them; -1 for all."""
    index = f"image_{order.index or f'by_{order.column}'}"
    rows = project.database.rows(
        f"SELECT id FROM image INDEXED BY {index} WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?",
        *values,
        limit,
        max(0, offset),
    )
    return [row[0] for row in rows]


def _count(project: Project, where: str, values: list[object], index: str) -> int:
    row = project.database.row(
        f"SELECT count(*) AS n FROM image INDEXED BY {index} WHERE {where}", *values
    )
    return int(row["n"]) if row else 0


def _conditions(project: Project, wanted: ImageFilter) -> tuple[str, list[object]]:
    parts = ["missing = ?"]
    values: list[object] = [int(wanted.missing)]
    conditions: list[tuple[str, object | None]] = [
        ("state = ?", wanted.state),
        ("machine = ?", wanted.machine),
        ("label = ?", wanted.label),
        ("flagged = ?", wanted.flagged),
        ("score >= ?", wanted.score_from),
        ("score <= ?", wanted.score_to),
    ]
    for sql, value in conditions:
        if value is not None:
            parts.append(sql)
            values.append(int(value) if isinstance(value, bool | IntEnum) else value)
    if wanted.verdict is not None:
        # The state is in every index and leaves few rows to look up.
        parts.append(f"state != {int(HumanState.OPEN)} AND verdict = ?")
        values.append(wanted.verdict)
    if wanted.to_review:
        parts.append(f"score IS NOT NULL AND {WAITS} AND {NEEDS}")
    if wanted.reviewed:
        parts.append(f"NOT {WAITS}")
    if wanted.inspected is not None:
        parts.append(f"score IS {'NOT ' if wanted.inspected else ''}NULL")
    condition, numbers = in_folders(project, wanted.folder, wanted.domain)
    parts += condition
    values += numbers
    if wanted.text:
        parts.append("path LIKE ? ESCAPE '\\'")
        values.append(f"%{literally(wanted.text)}%")
    return " AND ".join(parts), values


def in_folders(
    project: Project, folder: str | None, domain: str | None
) -> tuple[list[str], list[int]]:
    """The condition that images lie in a folder, or in those of a domain, and its values.

    Both are empty where everything is wanted. Raises ProjectError for an unknown folder.
    """
    if folder is None and domain is None:
        return [], []
    folders = project.folders() if folder is None else [project.folder_named(folder)]
    ids = [one.id for one in folders if domain in {None, one.domain}] or [0]
    return [f"folder_id IN ({', '.join('?' * len(ids))})"], ids


def literally(text: str) -> str:
    """``text`` for LIKE, with nothing in it that stands for something else."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _image_row(project: Project, row: sqlite3.Row, several: bool, reach: Reach) -> ImageRow:
    return ImageRow(
        id=row["id"],
        folder_id=row["folder_id"],
        path=project.paths.root / row["folder"] / row["path"],
        name=image_name(row["folder"], row["path"], several=several),
        state=HumanState(row["state"]),
        verdict=row["verdict"],
        label=row["label"],
        group=row["grp"],
        machine=row["machine"],
        score=row["score"],
        p_fake=row["p_fake"],
        uncertainty=row["uncertainty"],
        disagreement=row["disagreement"],
        area=row["area"],
        flagged=bool(row["flagged"]),
        width=row["width"],
        height=row["height"],
        missing=bool(row["missing"]),
        digest=row["digest"],
        mtime_ns=row["mtime_ns"],
        reach=reach,
    )
