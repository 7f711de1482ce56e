"""The human layer: verdicts, corrected masks and comments, each with who, when and on what advice.

Whatever one of these functions returns is on disk. A change of one image is one transaction: the
mask's file, the new state, the line in the audit trail.
"""

from __future__ import annotations

import getpass
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum, IntEnum
from typing import Any, Literal

import numpy as np

from cfinspect.project import audit
from cfinspect.project.corrections import IndexMask, read_mask, store_mask
from cfinspect.project.database import ProjectError
from cfinspect.project.project import Project
from cfinspect.project.queue import HELD, held


class Verdict(IntEnum):
    """What a human said."""

    UNDAMAGED = 0
    DAMAGED = 1
    SKIPPED = 2


class _Keep(Enum):
    KEEP = "keep"


KEEP = _Keep.KEEP
LONGEST_COMMENT = 10_000  # characters
_MOST_REVERTS = 2000  # of one entry and of each other: nobody's; a stranger's trail has no end
Kept = Literal[_Keep.KEEP]


class ConflictError(ProjectError):
    """Somebody else was quicker, or is at work on the image; nothing was changed."""


@dataclass(frozen=True)
class HumanAnnotation:
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


def login_name() -> str:
    """The name that verdicts are stored under where no other was given: the login."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container without an account for its user
        return "unknown"


def human_of(project: Project, image_id: int) -> HumanAnnotation:
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
) -> HumanAnnotation:
    """Say something of an image; what is not given stays. Returns the new state, safely stored.

    ``mask``: (H, W) uint8 of the image's own size, 0 background, else a mask class. Where no
    verdict is given, a mask says it as well: damaged when it marks anything. With the verdict None
    it is a draft, and the image still waits for a word. The verdict undamaged takes an earlier mask
    back. ``expected``: the version that the person looked at. ``holder``: who holds
    the lease (see `queue`).

    Raises ConflictError when ``expected`` is not the version, another holds a lease on the image
    and not ``force``, its file was changed since the last scan, or the image cannot be read;
    ProjectError for an unknown image or mask class, a mask of another size, or a comment of more
    than `LONGEST_COMMENT`; ImageError for a mask of an image that no model has looked at yet and
    whose file cannot be read: nobody knows its size.
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
        _respect_file(project, image)
        said, name = before.verdict, before.mask
        if isinstance(mask, np.ndarray):
            said = Verdict.DAMAGED if mask.any() else Verdict.UNDAMAGED
        if verdict is not KEEP:
            if verdict is Verdict.UNDAMAGED and isinstance(mask, np.ndarray) and mask.any():
                raise ProjectError(
                    f"The mask of {image['path']} marks damage: it is not undamaged."
                )
            said = verdict
        if said is not None and said != before.verdict:
            _respect_reader(connection, image)
        if mask is not KEEP:
            name = store_mask(project, connection, image, mask)
        elif verdict is Verdict.UNDAMAGED:
            name = None  # what was marked is taken back; the trail keeps it
        text = before.comment if comment is KEEP else _short(comment)
        after = _state(replace(before, verdict=said, mask=name, comment=_plain(text)))
        what = action or _action(verdict, mask)
        return _write(connection, image, before, after, who=_plain(who), action=what)


def revert(
    project: Project, entry: int, *, who: str, holder: str = "", force: bool = False
) -> HumanAnnotation:
    """Take back an audit entry: the image is again as it was before; that too is an entry.

    Reverting a revert does again what was undone. Raises ConflictError when somebody spoke of the
    image since or holds a lease on it, ProjectError when there is no such entry.
    """
    with project.database.writing() as connection:
        return _revert(connection, entry, who, holder, force)


@dataclass(frozen=True)
class TakenBack:
    """What an undo did: the new states, and names of images that others have changed since."""

    humans: list[HumanAnnotation] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


def undo(project: Project, *, who: str, holder: str = "", force: bool = False) -> TakenBack:
    """Take back the last thing that ``who`` said and has not taken back; nothing where none is.

    An import is one thing: all its images are taken back together, but for those that somebody
    changed since. Imports by ``who`` count, whatever they are signed with behind the name.

    Raises ConflictError like ``revert`` where not even one can be taken back.
    """
    with project.database.writing() as connection:
        for row in connection.execute(
            "SELECT id, action FROM audit WHERE (who = ? OR action = ? AND substr(who, 1, ?) = ?) "
            "AND image_id IS NOT NULL AND reverts IS NULL ORDER BY id DESC",
            (who, audit.IMPORT, len(who) + 2, f"{who} ("),
        ):
            if not _is_taken_back(connection, row["id"]):
                entries = [row["id"]]
                if row["action"] == audit.IMPORT:
                    entries = audit.import_of(connection, row["id"])
                return _take_back(connection, entries, who, holder, force)
    return TakenBack()


def _take_back(
    connection: sqlite3.Connection, entries: list[int], who: str, holder: str, force: bool
) -> TakenBack:
    done = TakenBack()
    for entry in entries:
        if _is_taken_back(connection, entry):
            continue
        try:
            done.humans.append(_revert(connection, entry, who, holder, force))
        except ConflictError:
            if len(entries) == 1:
                raise
            name = connection.execute("SELECT file FROM audit WHERE id = ?", (entry,)).fetchone()
            done.kept.append(str(name["file"]))
    return done


def _revert(
    connection: sqlite3.Connection, entry: int, who: str, holder: str, force: bool
) -> HumanAnnotation:
    row = connection.execute("SELECT * FROM audit WHERE id = ?", (entry,)).fetchone()
    if row is None or row["image_id"] is None or row["before"] is None:
        raise ProjectError(f"There is no entry {entry} that could be taken back.")
    image = _image(connection, row["image_id"])
    before = _human(
        connection.execute("SELECT * FROM human WHERE image_id = ?", (image["id"],)).fetchone()
    )
    if entry not in _as_after(connection, before.entry):
        raise ConflictError(
            f"{image['path']} was changed again by {before.who} at {before.at}; that must be taken "
            "back first."
        )
    _respect_lease(connection, image, holder, force)
    after = audit.parse(row["before"], audit.STATE)
    return _write(connection, image, before, after, who=who, action="revert", reverts=entry)


def _as_after(connection: sqlite3.Connection, entry: int | None) -> Iterator[int]:
    """The entries after which the image was as it is after ``entry``: this one; if it is a revert,
    the one before the reverted one as well, and so on.
    """
    for _ in range(_MOST_REVERTS):
        if entry is None:
            return
        yield entry
        row = connection.execute(
            "SELECT image_id, reverts FROM audit WHERE id = ?", (entry,)
        ).fetchone()
        if row["reverts"] is None or row["reverts"] >= entry:
            return  # nobody takes back what comes later: a stranger's trail, without an end
        earlier = connection.execute(
            "SELECT max(id) AS id FROM audit WHERE image_id = ? AND id < ?",
            (row["image_id"], row["reverts"]),
        ).fetchone()
        entry = earlier["id"]


def _is_taken_back(connection: sqlite3.Connection, entry: int) -> bool:
    """Whether a revert of ``entry`` stands that was not itself taken back."""
    reverts: dict[int, list[int]] = {}
    waiting = [entry]
    for one in waiting:  # reverts come after what they take back, here and in the trail
        rows = connection.execute("SELECT id FROM audit WHERE reverts = ? AND id > ?", (one, one))
        reverts[one] = [row["id"] for row in rows]
        waiting += reverts[one]
        if len(waiting) > _MOST_REVERTS:
            raise ProjectError(
                f"Entry {entry} was taken back and brought back more than {_MOST_REVERTS} times: "
                "nothing is taken back."
            )
    taken: dict[int, bool] = {}
    for one in reversed(waiting):
        taken[one] = any(not taken[later] for later in reverts[one])
    return taken[entry]


def _respect_file(project: Project, image: sqlite3.Row) -> None:
    """Refuse to speak of an image whose file holds something else by now."""
    try:
        status = (project.paths.root / image["folder"] / image["path"]).stat()
    except (OSError, ValueError):  # ValueError: a name that no disk has
        return  # a disk that is away; what was seen is what the project knows
    if not image["missing"] and (status.st_size, status.st_mtime_ns) != (
        image["bytes"],
        image["mtime_ns"],
    ):
        raise ConflictError(
            f"The file {image['path']} was changed since the last scan; scan, and look again."
        )


def _respect_reader(connection: sqlite3.Connection, image: sqlite3.Row) -> None:
    """Refuse a verdict on an image that nobody can see."""
    row = connection.execute(
        "SELECT error FROM unreadable WHERE image_id = ?", (image["id"],)
    ).fetchone()
    if row is not None:
        raise ConflictError(
            f"{image['path']} cannot be read, so nobody can judge it: {row['error']} "
            "Mend the file, then inspect it again."
        )


def _short(comment: str) -> str:
    if len(comment) > LONGEST_COMMENT:
        raise ProjectError(
            f"A comment may have {LONGEST_COMMENT} characters; this one has {len(comment)}."
        )
    return comment


def _plain(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ProjectError(f"{text!r} holds bytes that are no text; type it again.") from error
    return text


def read_mask_of(project: Project, human: HumanAnnotation) -> IndexMask | None:
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


def _human(row: sqlite3.Row | None) -> HumanAnnotation:
    if row is None:
        return HumanAnnotation()
    verdict = None if row["verdict"] is None else Verdict(row["verdict"])
    return HumanAnnotation(
        verdict, row["mask"], row["comment"], row["version"], row["entry"], row["who"], row["at"]
    )


def _respect_lease(
    connection: sqlite3.Connection, image: sqlite3.Row, holder: str, force: bool
) -> None:
    lease = connection.execute(
        f"SELECT * FROM lease WHERE image_id = ? AND {HELD}", (image["id"], *held())
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
    before: HumanAnnotation,
    after: dict[str, Any],
    *,
    who: str,
    action: str,
    reverts: int | None = None,
) -> HumanAnnotation:
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
    return HumanAnnotation(verdict, *values[1:])


def _state(human: HumanAnnotation) -> dict[str, Any]:
    """What the audit trail keeps of a state."""
    verdict = None if human.verdict is None else int(human.verdict)
    return {"verdict": verdict, "mask": human.mask, "comment": human.comment}


def _advice(image: sqlite3.Row) -> dict[str, Any] | None:
    if image["score"] is None:
        return None
    return {"label": image["machine"], "score": image["score"], "p_fake": image["p_fake"]}
