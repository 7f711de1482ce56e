"""The project's tables, as ordered migrations; ``PRAGMA user_version`` counts those applied.

Machine layer: ``model``, ``prediction``, ``saliency``, and the machine columns of ``image``.
Human layer: ``human``, ``audit``, ``mask_class``. ``image.state`` and ``image.verdict`` repeat the
human layer for quick lists; triggers keep them, so that no code can forget to.
"""

from __future__ import annotations

from collections.abc import Callable

from cfinspect.engine.inference.review_reason import from_words, to_json
from cfinspect.project.strict_tables import TABLES

# Only the human side of the store may write these; see ``database.Database``.
HUMAN_TABLES = frozenset({"human", "audit", "mask_class"})

_IMAGE_INDEXES = """CREATE UNIQUE INDEX image_present ON image(folder_id, path) WHERE missing = 0;
CREATE INDEX image_digest ON image(digest);
CREATE INDEX image_missing ON image(id) WHERE missing = 1;
CREATE INDEX image_counts ON image(missing, folder_id, state, machine, flagged, verdict);
-- Each holds all that filters look at, with the path near the front, where it is found quickly.
CREATE INDEX image_by_path ON image
    (missing, path, folder_id, state, machine, flagged, label, score);
CREATE INDEX image_by_place ON image
    (missing, place, path, folder_id, state, machine, flagged, label, score, disagreement);
CREATE INDEX image_waiting ON image
    (missing, place, path, folder_id, state, machine, flagged, label, score)
    WHERE score IS NULL;
CREATE INDEX image_by_score ON image
    (missing, score, path, folder_id, state, machine, flagged, label)
    WHERE score IS NOT NULL;
CREATE INDEX image_by_p_fake ON image
    (missing, p_fake, path, folder_id, state, machine, flagged, label, score)
    WHERE p_fake IS NOT NULL;
CREATE INDEX image_by_uncertainty ON image
    (missing, uncertainty, path, folder_id, state, machine, flagged, label, score)
    WHERE uncertainty IS NOT NULL;
CREATE INDEX image_by_disagreement ON image
    (missing, disagreement, path, folder_id, state, machine, flagged, label, score)
    WHERE disagreement IS NOT NULL;
CREATE INDEX image_by_area ON image
    (missing, area, path, folder_id, state, machine, flagged, label, score)
    WHERE area IS NOT NULL;
"""
_AUDIT_GUARDS = """CREATE INDEX audit_image ON audit(image_id);
CREATE INDEX audit_reverts ON audit(reverts) WHERE reverts IS NOT NULL;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
-- REPLACE deletes without asking the trigger above; this one stands before it.
CREATE TRIGGER audit_only_next BEFORE INSERT ON audit
WHEN NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM audit)
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
"""
_HUMAN_GUARD = """CREATE TRIGGER human_no_delete BEFORE DELETE ON human
BEGIN SELECT RAISE(ABORT, 'verdicts are changed, never deleted'); END;
"""
_FIRST = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE model (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    path TEXT NOT NULL,
    card TEXT NOT NULL,
    added TEXT NOT NULL
);

CREATE TABLE folder (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    domain TEXT NOT NULL,
    model_id INTEGER REFERENCES model(id),
    mm_per_px REAL CHECK (mm_per_px > 0),
    added TEXT NOT NULL
);

-- An image is its content. Where that lies now is a property; rows are never deleted.
CREATE TABLE image (
    id INTEGER PRIMARY KEY,
    folder_id INTEGER NOT NULL REFERENCES folder(id),
    path TEXT NOT NULL,
    place TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL DEFAULT 0,
    digest TEXT NOT NULL,
    missing INTEGER NOT NULL DEFAULT 0,
    label INTEGER,
    grp TEXT NOT NULL DEFAULT '',
    width INTEGER,
    height INTEGER,
    machine INTEGER,
    score REAL,
    p_fake REAL,
    uncertainty REAL,
    disagreement REAL,
    area REAL,
    flagged INTEGER NOT NULL DEFAULT 0,
    cluster INTEGER,
    state INTEGER NOT NULL DEFAULT 0,
    verdict INTEGER
);
{_IMAGE_INDEXES}
CREATE TABLE prediction (
    image_id INTEGER NOT NULL REFERENCES image(id),
    model_id INTEGER NOT NULL REFERENCES model(id),
    label INTEGER NOT NULL,
    score REAL NOT NULL,
    p0 REAL NOT NULL,
    p1 REAL NOT NULL,
    p_fake REAL NOT NULL,
    flipped INTEGER NOT NULL,
    review INTEGER NOT NULL,
    reason TEXT NOT NULL,
    area REAL NOT NULL,
    uncertainty REAL NOT NULL,
    regions TEXT NOT NULL,
    mask BLOB,
    made TEXT NOT NULL,
    PRIMARY KEY (image_id, model_id)
);
CREATE TABLE unreadable (
    image_id INTEGER PRIMARY KEY REFERENCES image(id),
    error TEXT NOT NULL
);
CREATE TABLE fingerprint (
    band INTEGER NOT NULL,
    image_id INTEGER NOT NULL REFERENCES image(id),
    bits BLOB NOT NULL,
    PRIMARY KEY (band, image_id)
) WITHOUT ROWID;
CREATE TABLE saliency (
    image_id INTEGER NOT NULL REFERENCES image(id),
    model_id INTEGER NOT NULL REFERENCES model(id),
    bytes INTEGER NOT NULL,
    used INTEGER NOT NULL,
    PRIMARY KEY (image_id, model_id)
) WITHOUT ROWID;
CREATE INDEX saliency_used ON saliency(used);

CREATE TABLE mask_class (id INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 254), name TEXT UNIQUE);
INSERT INTO mask_class VALUES (1, 'damage');

CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    image_id INTEGER REFERENCES image(id),
    digest TEXT,
    file TEXT,
    model TEXT,
    advice TEXT,
    before TEXT,
    after TEXT,
    reverts INTEGER REFERENCES audit(id),
    hash TEXT NOT NULL
);
{_AUDIT_GUARDS}
CREATE TABLE human (
    image_id INTEGER PRIMARY KEY REFERENCES image(id),
    verdict INTEGER CHECK (verdict BETWEEN 0 AND 2),
    mask TEXT,
    comment TEXT NOT NULL DEFAULT '',
    version INTEGER NOT NULL,
    entry INTEGER NOT NULL REFERENCES audit(id),
    who TEXT NOT NULL,
    at TEXT NOT NULL
);
{_HUMAN_GUARD}CREATE TRIGGER human_added AFTER INSERT ON human BEGIN
    UPDATE image SET verdict = NEW.verdict, state = CASE
        WHEN NEW.mask IS NOT NULL THEN 2 WHEN NEW.verdict = 2 THEN 3
        WHEN NEW.verdict IS NOT NULL THEN 1 ELSE 0 END
    WHERE id = NEW.image_id;
END;
CREATE TRIGGER human_changed AFTER UPDATE ON human BEGIN
    UPDATE image SET verdict = NEW.verdict, state = CASE
        WHEN NEW.mask IS NOT NULL THEN 2 WHEN NEW.verdict = 2 THEN 3
        WHEN NEW.verdict IS NOT NULL THEN 1 ELSE 0 END
    WHERE id = NEW.image_id;
END;

CREATE TABLE lease (
    image_id INTEGER PRIMARY KEY REFERENCES image(id),
    holder TEXT NOT NULL,
    who TEXT NOT NULL,
    until REAL NOT NULL
);
"""

# Lists sorted by date; folders that can be taken out of a project without losing their history.
_BY_DATE = """
CREATE INDEX image_by_mtime_ns ON image
    (missing, mtime_ns, path, folder_id, state, machine, flagged, label, score);
"""
_SECOND = f"""
ALTER TABLE folder ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;{_BY_DATE}"""

# A mask without a verdict is a draft: the image still waits for a word. Skipped stays skipped.
_STATE = """
    UPDATE image SET verdict = NEW.verdict, state = CASE
        WHEN NEW.verdict IS NULL THEN 0 WHEN NEW.verdict = 2 THEN 3
        WHEN NEW.mask IS NOT NULL THEN 2 ELSE 1 END
    WHERE id = NEW.image_id;
END;
"""
_THIRD = f"""
DROP TRIGGER human_added;
DROP TRIGGER human_changed;
CREATE TRIGGER human_added AFTER INSERT ON human BEGIN {_STATE}
CREATE TRIGGER human_changed AFTER UPDATE ON human BEGIN {_STATE}
UPDATE image SET state = CASE WHEN verdict IS NULL THEN 0 ELSE 3 END
WHERE state = 2 AND (verdict IS NULL OR verdict = 2);
"""

# Which kind of damage, where the model tells several apart.
_FOURTH = """
ALTER TABLE prediction ADD COLUMN kind TEXT NOT NULL DEFAULT '';
"""

# Reasons of a review are codes with values, no longer English sentences.
_FIFTH = """
UPDATE prediction SET reason = reasons_from_words(reason) WHERE reason != '';
"""

APPLICATION_ID = 0x63664931  # "cfI1"


def _rebuild(table: str) -> str:
    # The old rules of renaming: nothing that speaks of the table is written anew.
    return f"""
ALTER TABLE {table} RENAME TO old_{table};
{TABLES[table]};
INSERT INTO {table} SELECT * FROM old_{table};
DROP TABLE old_{table};
"""


# Types that SQLite holds, for a database may come from anywhere. And no image comes with a word of
# a human: REPLACE into `image` was a way for the machine to write one.
_SIXTH = f"""
PRAGMA legacy_alter_table = ON;
{"".join(map(_rebuild, TABLES))}
PRAGMA legacy_alter_table = OFF;
{_IMAGE_INDEXES}
{_BY_DATE}
{_AUDIT_GUARDS}
{_HUMAN_GUARD}
CREATE INDEX saliency_used ON saliency(used);
CREATE TRIGGER human_added AFTER INSERT ON human BEGIN {_STATE}
CREATE TRIGGER human_changed AFTER UPDATE ON human BEGIN {_STATE}
CREATE TRIGGER image_only_new BEFORE INSERT ON image
WHEN NEW.state != 0 OR NEW.verdict IS NOT NULL OR EXISTS (SELECT 1 FROM image WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'an image comes without a verdict, and once'); END;
PRAGMA application_id = {APPLICATION_ID};
"""

MIGRATIONS: tuple[str, ...] = (_FIRST, _SECOND, _THIRD, _FOURTH, _FIFTH, _SIXTH)
"""SQL that leads from version i to i + 1. Never edit one that was released; append.

They run without foreign keys, so that a table can be rebuilt. ``door`` lends them the functions of
``FUNCTIONS``, by name, and takes a database only when its schema is what they make.
"""


def _reasons_from_words(text: str) -> str:
    return to_json(from_words(text))


FUNCTIONS: dict[str, Callable[[str], str]] = {"reasons_from_words": _reasons_from_words}
