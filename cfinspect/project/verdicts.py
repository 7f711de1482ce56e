"""The human layer: verdicts, corrected masks and comments, each with who, when and on what advice.

Whatever one of these functions returns is on disk. A change of one image is one transaction: the
mask's file, the new state, the line in the audit trail.
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass, replace
from enum import Enum, IntEnum
from typing import Any, Literal

import numpy as np

from cfinspect.project import audit
from cfinspect.project.corrections import IndexMask, read_mask, store_mask
from cfinspect.project.database import ProjectError
from cfinspect.project.project import Project


class Verdict(IntEnum):
    """What a human said."""

    UNDAMAGED = 0
    DAMAGED = 1
    SKIPPED = 2


class _Keep(Enum):
    KEEP = "keep"


KEEP = _Keep.KEEP
Kept = Literal[_Keep.KEEP]


class ConflictError(ProjectError):
    """Somebody else was quicker, or is at work on the image; nothing was changed."""


@dataclass(frozen=True)
class Human:
    """What humans said of an image so far.

    ``mask``: name of the corrected mask's file, None where there is none. ``version``: counts
    changes; 0 when nobody said anything. ``entry``: the audit entry of the last change.
    """

    verdict: Verdict | None = None
    mask: str | None = None
    comment: str = ""
    version: int = 0
    entry: int | None = None
    who: str = ""
    at: str = ""


def human_of(project: Project, image_id: int) -> Human:
    """What humans said of an image."""
    return _human(project.database.row("SELECT * FROM human WHERE image_id = ?", image_id))


def decide(
    project: Project,
    image_id: int,
    *,
    who: str,
    verdict: Verdict | Kept | None = KEEP,
    mask: IndexMask | Kept | None = KEEP,
    comment: str | Kept = KEEP,
    expected: int | None = None,
    holder: str = "",
    force: bool = False,
    action: str = "",
) -> Human:
    """Say something of an image; what is not given stays. Returns the new state, safely stored.

    ``mask``: (H, W) uint8 of the image's own size, 0 background, else a mask class. A mask where
    there is no verdict gives one: damaged when it marks anything. ``expected``: the version that
    the person looked at. ``holder``: who holds the lease (see `queue`).

    Raises ConflictError when ``expected`` is not the version, or another holds a lease on the image
    and not ``force``; ProjectError for an unknown image or mask class or a mask of another size.
    """
    with project.database.writing() as connection:
        image = _image(connection, image_id)
        before = _human(
            connection.execute("SELECT * FROM human WHERE image_id = ?", (image_id,)).fetchone()
        )
        if expected is not None and before.version != expected:
            raise ConflictError(
                f"{image['path']} was changed by {before.who or 'somebody'} at {before.at} in the "
                "meantime; look at it again."
            )
        _respect_lease(connection, image, holder, force)
        name = before.mask if mask is KEEP else store_mask(project, connection, image, mask)
        said = before.verdict if verdict is KEEP else verdict
        if isinstance(mask, np.ndarray) and said is None:
            said = Verdict.DAMAGED if mask.any() else Verdict.UNDAMAGED
        text = before.comment if comment is KEEP else comment
        after = _state(replace(before, verdict=said, mask=name, comment=text))
        what = action or _action(verdict, mask)
        return _write(connection, image, before, after, who=who, action=what)


def revert(project: Project, entry: int, *, who: str) -> Human:
    """Take back an audit entry: the image is again as it was before; that too is an entry.

    Reverting a revert does again what was undone. Raises ConflictError when somebody changed the
    image since, ProjectError when there is no such entry.
    """
    with project.database.writing() as connection:
        row = connection.execute("SELECT * FROM audit WHERE id = ?", (entry,)).fetchone()
        if row is None or row["image_id"] is None or row["before"] is None:
            raise ProjectError(f"There is no entry {entry} that could be taken back.")
        image = _image(connection, row["image_id"])
        before = _human(
            connection.execute("SELECT * FROM human WHERE image_id = ?", (image["id"],)).fetchone()
        )
        if _state(before) != audit.parse(row["after"]):
            raise ConflictError(
                f"{image['path']} was changed again by {before.who} at {before.at}; that must be "
                "taken back first."
            )
        after = audit.parse(row["before"])
        return _write(connection, image, before, after, who=who, action="revert", reverts=entry)


def undo(project: Project, *, who: str) -> Human | None:
    """Take back the last thing that ``who`` said and has not taken back; None when there is none.

    Raises ConflictError like ``revert``.
    """
    row = project.database.row(
        "SELECT id FROM audit AS a WHERE who = ? AND action != 'revert' AND image_id IS NOT NULL "
        "AND NOT EXISTS (SELECT 1 FROM audit AS r WHERE r.reverts = a.id) "
        "ORDER BY id DESC LIMIT 1",
        who,
    )
    return None if row is None else revert(project, row["id"], who=who)


def read_mask_of(project: Project, human: Human) -> IndexMask | None:
    """The corrected mask (H, W) of class numbers, or None where there is none.

    Raises ProjectError when its file is gone or is not what was saved.
    """
    return None if human.mask is None else read_mask(project, human.mask)


def _image(connection: sqlite3.Connection, image_id: int) -> sqlite3.Row:
    image: sqlite3.Row | None = connection.execute(
        "SELECT i.*, f.path AS folder, m.digest AS model, m.id AS model_id FROM image AS i JOIN "
        "folder AS f ON f.id = i.folder_id LEFT JOIN model AS m ON m.id = f.model_id "
        "WHERE i.id = ?",
        (image_id,),
    ).fetchone()
    if image is None:
        raise ProjectError(f"The project has no image number {image_id}.")
    return image


def _human(row: sqlite3.Row | None) -> Human:
    if row is None:
        return Human()
    verdict = None if row["verdict"] is None else Verdict(row["verdict"])
    return Human(
        verdict, row["mask"], row["comment"], row["version"], row["entry"], row["who"], row["at"]
    )


def _respect_lease(
    connection: sqlite3.Connection, image: sqlite3.Row, holder: str, force: bool
) -> None:
    lease = connection.execute(
        "SELECT * FROM lease WHERE image_id = ? AND until > ?", (image["id"], time.time())
    ).fetchone()
    if lease is None:
        return
    if lease["holder"] != holder and not force:
        seconds = max(1, round(lease["until"] - time.time()))
        raise ConflictError(
            f"{lease['who']} is at work on {image['path']}, for {seconds} more seconds at most."
        )
    connection.execute("DELETE FROM lease WHERE image_id = ?", (image["id"],))


def _action(verdict: Verdict | Kept | None, mask: IndexMask | Kept | None) -> str:
    if mask is not KEEP:
        return "mask"
    return "comment" if verdict is KEEP else "verdict"


def _write(
    connection: sqlite3.Connection,
    image: sqlite3.Row,
    before: Human,
    after: dict[str, Any],
    *,
    who: str,
    action: str,
    reverts: int | None = None,
) -> Human:
    entry, at = audit.append(
        connection,
        who=who,
        action=action,
        image=image,
        model=image["model"] if image["score"] is not None else None,
        advice=_advice(image),
        before=_state(before),
        after=after,
        reverts=reverts,
    )
    values = (after["verdict"], after["mask"], after["comment"], before.version + 1, entry, who, at)
    connection.execute(
        "INSERT INTO human VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (image_id) DO UPDATE SET "
        "verdict = excluded.verdict, mask = excluded.mask, comment = excluded.comment, version = "
        "excluded.version, entry = excluded.entry, who = excluded.who, at = excluded.at",
        (image["id"], *values),
    )
    verdict = None if after["verdict"] is None else Verdict(after["verdict"])
    return Human(verdict, *values[1:])


def _state(human: Human) -> dict[str, Any]:
    """What the audit trail keeps of a state."""
    verdict = None if human.verdict is None else int(human.verdict)
    return {"verdict": verdict, "mask": human.mask, "comment": human.comment}


def _advice(image: sqlite3.Row) -> dict[str, Any] | None:
    if image["score"] is None:
        return None
    return {"label": image["machine"], "score": image["score"], "p_fake": image["p_fake"]}
