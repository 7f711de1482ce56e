"""The audit trail: everything people decided, append-only and chained by hashes.

Each entry's hash covers the entry and the hash before it, so that a changed, removed or inserted
entry shows (S. Haber, W. S. Stornetta, "How to time-stamp a digital document", 1991). Somebody who
rewrites the whole trail from the changed entry on can only be caught by a hash that was written
down elsewhere: ``verify`` takes such a hash, and exports carry one.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cfinspect.project.database import Database, ProjectError, now_text
from cfinspect.project.door import one_look

if TYPE_CHECKING:
    from cfinspect.project.project import Project

GENESIS = "0" * 64
IMPORT = "import"  # the action of what came from another tool's file
_FIELDS = (
    "id",
    "at",
    "who",
    "action",
    "image_id",
    "digest",
    "file",
    "model",
    "advice",
    "before",
    "after",
    "reverts",
)


@dataclass(frozen=True)
class Entry:
    """One line of the trail.

    ``action``: verdict, mask, comment, import, revert. ``digest``: hash of the image's content.
    ``model``: digest of the model whose advice stood, ``advice``: its label, score and p_fake.
    ``before``, ``after``: verdict, mask (file name) and comment. ``reverts``: id of the entry taken
    back.
    """

    id: int
    at: str
    who: str
    action: str
    image_id: int | None
    digest: str | None
    file: str | None
    model: str | None
    advice: dict[str, Any] | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reverts: int | None
    hash: str


@dataclass(frozen=True)
class Verification:
    """``entries``: how many were read. ``head``: the last hash. ``problems``: a sentence each."""

    entries: int
    head: str
    problems: list[str] = field(default_factory=list)


def append(
    connection: sqlite3.Connection,
    *,
    who: str,
    action: str,
    image: sqlite3.Row | None = None,
    model: str | None = None,
    advice: dict[str, Any] | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reverts: int | None = None,
) -> tuple[int, str]:
    """Append an entry inside a transaction; returns its id and time."""
    last = connection.execute("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1").fetchone()
    number, previous = (last["id"] + 1, last["hash"]) if last else (1, GENESIS)
    at = now_text()
    values = (
        number,
        at,
        who,
        action,
        image["id"] if image else None,
        image["digest"] if image else None,
        image["path"] if image else None,
        model,
        _json(advice),
        _json(before),
        _json(after),
        reverts,
    )
    connection.execute(
        f"INSERT INTO audit VALUES ({', '.join('?' * (len(values) + 1))})",
        (*values, _hash(previous, values)),
    )
    return number, at


def continue_with(connection: sqlite3.Connection, row: sqlite3.Row) -> bool:
    """Append an entry that was read from a damaged copy of the trail, and renew what it says.

    False, and nothing written, when it does not follow on the last entry here.
    """
    last = connection.execute("SELECT hash FROM audit ORDER BY id DESC LIMIT 1").fetchone()
    values = tuple(row[name] for name in _FIELDS)
    if _hash(last["hash"] if last else GENESIS, values) != row["hash"]:
        return False
    marks = ", ".join("?" * (len(values) + 1))
    connection.execute(f"INSERT INTO audit VALUES ({marks})", (*values, row["hash"]))
    of_image = row["image_id"] is not None
    after = parse(row["after"], STATE if of_image else {}) if row["after"] else {}
    if of_image:
        connection.execute(
            "INSERT INTO human VALUES (?, ?, ?, ?, 1, ?, ?, ?) ON CONFLICT (image_id) DO UPDATE "
            "SET verdict = excluded.verdict, mask = excluded.mask, comment = excluded.comment, "
            "version = version + 1, entry = excluded.entry, who = excluded.who, at = excluded.at",
            (
                *(row["image_id"], after["verdict"], after["mask"], after["comment"]),
                *(row["id"], row["who"], row["at"]),
            ),
        )
    elif row["action"] == "class":
        connection.execute("INSERT INTO mask_class VALUES (?, ?)", (after["class"], after["name"]))
    return True


def entries(project: Project, image_id: int | None = None) -> Iterator[Entry]:
    """The trail, oldest first: all of it, or that of one image.

    Raises ProjectError where an entry holds what cfinspect does not write.
    """
    where = "" if image_id is None else "WHERE image_id = ?"
    values = () if image_id is None else (image_id,)
    with project.database.telling():
        for row in project.database.connection.execute(
            f"SELECT * FROM audit {where} ORDER BY id", values
        ):
            state = {} if row["image_id"] is None else STATE
            parsed = {
                name: None if row[name] is None else parse(row[name], rules)
                for name, rules in (("advice", ADVICE), ("before", state), ("after", state))
            }
            yield Entry(**{**dict(row), **parsed})


def head(project: Project) -> str:
    """The hash of the last entry: written down elsewhere, it proves the trail up to here."""
    row = project.database.row("SELECT hash FROM audit ORDER BY id DESC LIMIT 1")
    return str(row["hash"]) if row else GENESIS


def verify(project: Project, head: str = "") -> Verification:
    """Recompute the chain, and compare the human layer with what the trail says of it.

    ``head``: a hash that was written down earlier, which must still be in the trail.
    """
    return verify_database(project.database, head)


def verify_database(database: Database, head: str = "") -> Verification:
    """The same for a database alone."""
    # One look at everything: a verdict in between would seem to be one that nobody gave.
    with database.telling(), one_look(database.connection):
        return _verify(database, head)


def _verify(database: Database, head: str) -> Verification:
    problems = []
    previous, count = GENESIS, 0
    seen_head = not head
    state: dict[int, tuple[int, str | None]] = {}
    for row in database.connection.execute("SELECT * FROM audit ORDER BY id"):
        count += 1
        values = tuple(row[name] for name in _FIELDS)
        if row["id"] != count:
            problems.append(f"Entry {count} is missing; the next one is {row['id']}.")
            count = row["id"]
        if _hash(previous, values) != row["hash"]:
            problems.append(f"Entry {row['id']} ({row['at']}, {row['who']}) was changed.")
        previous = row["hash"]
        seen_head = seen_head or previous == head
        if row["image_id"] is not None:
            state[row["image_id"]] = (row["id"], row["after"])
    if not seen_head:
        problems.append(f"No entry has the hash {head}: the trail was rewritten or cut short.")
    problems += _compare(database, state)
    return Verification(count, previous, problems[:20])


def _compare(database: Database, state: dict[int, tuple[int, str | None]]) -> list[str]:
    problems = []
    for row in database.rows("SELECT * FROM human"):
        said = state.pop(row["image_id"], None)
        now = _json({name: row[name] for name in ("verdict", "mask", "comment")})
        if said is None:
            problems.append(f"Image {row['image_id']} has a verdict that no entry speaks of.")
        elif said != (row["entry"], now):
            problems.append(f"Image {row['image_id']} is not as entry {said[0]} left it.")
    problems += [
        f"What entry {n} said of image {image} is gone." for image, (n, _) in state.items()
    ]
    problems += [
        f"Image {row['id']} is listed with another verdict than humans gave it."
        for row in database.rows(_FALSE_LISTS)
    ]
    return problems


# `image.state` and `image.verdict` repeat the human layer; nobody else may have written them.
_FALSE_LISTS = """
SELECT i.id FROM image AS i LEFT JOIN human AS h ON h.image_id = i.id
WHERE i.verdict IS NOT h.verdict
    OR (i.state = 2) != (h.mask IS NOT NULL AND h.verdict IS NOT NULL AND h.verdict != 2) LIMIT 20
"""


def parse(text: str, rules: Rules) -> dict[str, Any]:
    """An entry's ``advice``, ``before`` or ``after``; ``rules``: what must be in it, and how.

    Raises ProjectError for anything else: a database comes from anywhere.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or not all(
        name in value and is_right(value[name]) for name, is_right in rules.items()
    ):
        raise ProjectError(
            "The audit trail holds an entry that cfinspect does not write; `cfinspect project "
            "restore` brings back a backup."
        )
    return value


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and -0.001 <= value <= 1.001


def _is_label(value: object) -> bool:
    return type(value) is int and 0 <= value <= 1


def _is_verdict(value: object) -> bool:
    return value is None or (type(value) is int and 0 <= value <= 2)


def _is_mask(value: object) -> bool:
    return value is None or isinstance(value, str)


Rules = Mapping[str, Callable[[Any], bool]]
STATE: Rules = {
    "verdict": _is_verdict,
    "mask": _is_mask,
    "comment": lambda value: isinstance(value, str),
}
ADVICE: Rules = {"label": _is_label, "score": _is_share}


def _json(value: dict[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _hash(previous: str, values: tuple[object, ...]) -> str:
    text = json.dumps([previous, *values], ensure_ascii=False, separators=(",", ":"))
    # File names may hold bytes that are no text; they count like any other.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def import_of(connection: sqlite3.Connection, entry: int) -> list[int]:
    """The entries of the import that ``entry`` belongs to, the last one first.

    An import begins with an entry of its own without an image; those of older versions have none,
    and each of their images stands alone.
    """
    first, action, image = connection.execute(
        "SELECT id, action, image_id FROM audit WHERE id < ? AND NOT (action = ? AND image_id IS "
        "NOT NULL) ORDER BY id DESC LIMIT 1",
        (entry, IMPORT),
    ).fetchone() or (0, "", None)
    if action != IMPORT or image is not None:
        return [entry]
    rows = connection.execute(
        "SELECT id, action, image_id FROM audit WHERE id > ? ORDER BY id", (first,)
    )
    together = itertools.takewhile(lambda row: row[1] == IMPORT and row[2] is not None, rows)
    return [row[0] for row in together][::-1]
