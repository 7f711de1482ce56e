"""The project's tables since format 6: SQLite itself holds the type of every value (STRICT).

A database comes from anywhere. In a table that is not STRICT a number's column can hold text, and
what was meant as a number would become part of a path. `PRAGMA quick_check` compares each stored
value with these types and rules, so a database whose schema is this one is checked as a whole.
That a digest is made of hex digits is asked where a file is named by it (`paths`): here it would
take a third of the time that opening a project of 100,000 images takes.
"""

from __future__ import annotations

TABLES: dict[str, str] = {
    "meta": """CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID""",
    "model": """CREATE TABLE model (
    id INTEGER PRIMARY KEY CHECK (id > 0),
    digest TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    path TEXT NOT NULL,
    card TEXT NOT NULL,
    added TEXT NOT NULL
) STRICT""",
    "folder": """CREATE TABLE folder (
    id INTEGER PRIMARY KEY CHECK (id > 0),
    path TEXT NOT NULL UNIQUE CHECK (length(path) > 0 AND instr(path, char(0)) = 0),
    domain TEXT NOT NULL,
    model_id INTEGER REFERENCES model(id),
    mm_per_px REAL CHECK (mm_per_px > 0 AND mm_per_px < 1e9),
    added TEXT NOT NULL,
    removed INTEGER NOT NULL DEFAULT 0 CHECK (removed IN (0, 1))
) STRICT""",
    # An image is its content. Where that lies now is a property; rows are never deleted. A scan
    # takes in nothing hidden, so no part of a path begins with a dot, and none leads out.
    "image": """CREATE TABLE image (
    id INTEGER PRIMARY KEY CHECK (id > 0),
    folder_id INTEGER NOT NULL REFERENCES folder(id),
    path TEXT NOT NULL CHECK (path != '' AND path NOT GLOB '[/.]*' AND path NOT GLOB '*/.*'),
    place TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL DEFAULT 0,
    digest TEXT NOT NULL CHECK (length(digest) = 32),
    missing INTEGER NOT NULL DEFAULT 0 CHECK (missing IN (0, 1)),
    label INTEGER,
    grp TEXT NOT NULL DEFAULT '',
    width INTEGER CHECK (width > 0),
    height INTEGER CHECK (height > 0),
    machine INTEGER CHECK (machine BETWEEN 0 AND 1),
    score REAL CHECK (score BETWEEN -0.001 AND 1.001),
    p_fake REAL,
    uncertainty REAL,
    disagreement REAL,
    area REAL,
    flagged INTEGER NOT NULL DEFAULT 0,
    cluster INTEGER,
    state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3),
    verdict INTEGER CHECK (verdict BETWEEN 0 AND 2),
    CHECK ((machine IS NULL) = (score IS NULL)),
    CHECK (width * height < 2000000000)
) STRICT""",
    "prediction": """CREATE TABLE prediction (
    image_id INTEGER NOT NULL REFERENCES image(id),
    model_id INTEGER NOT NULL REFERENCES model(id),
    label INTEGER NOT NULL CHECK (label BETWEEN 0 AND 1),
    score REAL NOT NULL CHECK (score BETWEEN -0.001 AND 1.001),
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
    kind TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (image_id, model_id)
) STRICT""",
    "unreadable": """CREATE TABLE unreadable (
    image_id INTEGER PRIMARY KEY REFERENCES image(id),
    error TEXT NOT NULL
) STRICT""",
    "fingerprint": """CREATE TABLE fingerprint (
    band INTEGER NOT NULL,
    image_id INTEGER NOT NULL REFERENCES image(id),
    bits BLOB NOT NULL,
    PRIMARY KEY (band, image_id)
) STRICT, WITHOUT ROWID""",
    "saliency": """CREATE TABLE saliency (
    image_id INTEGER NOT NULL REFERENCES image(id),
    model_id INTEGER NOT NULL REFERENCES model(id),
    bytes INTEGER NOT NULL,
    used INTEGER NOT NULL,
    PRIMARY KEY (image_id, model_id)
) STRICT, WITHOUT ROWID""",
    "mask_class": """CREATE TABLE mask_class (
    id INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 254),
    name TEXT UNIQUE
) STRICT""",
    "audit": """CREATE TABLE audit (
    id INTEGER PRIMARY KEY CHECK (id > 0),
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    image_id INTEGER REFERENCES image(id),
    digest TEXT CHECK (length(digest) = 32),
    file TEXT,
    model TEXT,
    advice TEXT,
    before TEXT,
    after TEXT,
    reverts INTEGER REFERENCES audit(id),
    hash TEXT NOT NULL
) STRICT""",
    "human": """CREATE TABLE human (
    image_id INTEGER PRIMARY KEY REFERENCES image(id),
    verdict INTEGER CHECK (verdict BETWEEN 0 AND 2),
    mask TEXT CHECK (length(mask) = 40 AND mask NOT GLOB '*[^0-9a-f]*'),
    comment TEXT NOT NULL DEFAULT '',
    version INTEGER NOT NULL,
    entry INTEGER NOT NULL REFERENCES audit(id),
    who TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT""",
    "lease": """CREATE TABLE lease (
    image_id INTEGER PRIMARY KEY REFERENCES image(id),
    holder TEXT NOT NULL,
    who TEXT NOT NULL,
    until REAL NOT NULL
) STRICT""",
}
"""Statements that make the tables. Of a released format: never edit one, append a migration."""
