"""Changes to a project's database and to the files beside it, as SQLite's users make them."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import struct
import tempfile
from pathlib import Path
from random import Random

from fuzz_containers import of_png
from fuzz_mutations import ODD, of_bytes, of_tree
from fuzz_process import VICTIM
from fuzz_seeds import Files

BASE = "hall/.cfinspect/project.sqlite"
_MAGIC = bytes.fromhex("d9d505f920a163d7")
_TABLES = ("image", "folder", "model", "prediction", "human", "audit", "meta", "saliency", "lease")
_STATEMENTS = (
    "CREATE VIEW v AS WITH RECURSIVE c(x) AS (SELECT 1 UNION SELECT x + 1 FROM c) SELECT x FROM c",
    "CREATE TRIGGER t AFTER UPDATE ON image BEGIN UPDATE human SET verdict = 0; END",
    "CREATE TABLE other (id)",
    "CREATE VIRTUAL TABLE other USING fts5(text)",
    "DROP TABLE lease",
    "ALTER TABLE image ADD COLUMN x",
    "PRAGMA user_version = 3",
    "PRAGMA user_version = 99",
    "PRAGMA application_id = 7",
    "DELETE FROM meta",
    "DELETE FROM model",
    "DELETE FROM folder",
    "UPDATE image SET folder_id = 99",
    "UPDATE sqlite_master SET rootpage = 3 WHERE name = 'image'",
    "UPDATE sqlite_master SET sql = replace(sql, ') STRICT', ')')",
)


def change(files: Files, chance: Random) -> Files:
    """One of the files of a project, or its database by statements, or a file more beside it."""
    files = dict(files)
    how = chance.random()
    if how < 0.35:
        files[BASE] = _pages(files[BASE], chance)
    elif how < 0.75:
        files[BASE] = _by_statements(files, chance)
        files = {name: data for name, data in files.items() if not name.startswith(f"{BASE}-")}
    elif how < 0.85:
        files[f"{BASE}{chance.choice(('-journal', '-journal', '-wal', '-shm'))}"] = _journal(
            files[BASE], chance
        )
    else:
        name = chance.choice([one for one in files if ".cfinspect/" in one])
        files[name] = (of_png if name.endswith(".png") else of_bytes)(files[name], chance)
    if chance.random() < 0.1:
        del files[chance.choice([name for name in files if ".cfinspect/" in name])]
    return files


def _pages(data: bytes, chance: Random) -> bytes:
    """Bytes of the header, or of one page: its head, or the pointers to its cells."""
    size = int.from_bytes(data[16:18], "big")
    if not size or chance.random() < 0.3:
        return of_bytes(data, chance)
    at = size * chance.randrange(len(data) // size)
    return data[:at] + of_bytes(data[at : at + size], chance) + data[at + size :]


def _journal(base: bytes, chance: Random) -> bytes:
    """A journal of nonsense, or one that names a file to be deleted."""
    if chance.random() < 0.3:
        return chance.choice((b"", chance.randbytes(600), base[:5000], of_bytes(base, chance)))
    size = int.from_bytes(base[16:18], "big") or 4096
    data = (_MAGIC + struct.pack(">IIIII", 0, 0, len(base) // size, 512, size)).ljust(512, b"\0")
    name = os.fsencode(VICTIM)
    data += struct.pack(">I", 0x40000000 // size + 1) + name
    data += struct.pack(">II", len(name), sum(name)) + _MAGIC
    return data if chance.random() < 0.5 else of_bytes(data, chance)


def _by_statements(files: Files, chance: Random) -> bytes:
    """Values, or the schema, changed by SQL; the triggers are as they were afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "p.sqlite"
        path.write_bytes(files[BASE])
        if f"{BASE}-wal" in files:  # what a killed program has said last is only in there
            path.with_name("p.sqlite-wal").write_bytes(files[f"{BASE}-wal"])
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            _run(connection, "PRAGMA journal_mode = DELETE", "PRAGMA writable_schema = ON")
            if chance.random() < 0.2:
                _run(connection, chance.choice(_STATEMENTS))
            else:
                _values(connection, chance)
        finally:
            connection.close()
        return path.read_bytes()


def _values(connection: sqlite3.Connection, chance: Random) -> None:
    triggers = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
    ).fetchall()
    _run(connection, *(f"DROP TRIGGER {name}" for name, _ in triggers))
    _run(connection, "PRAGMA ignore_check_constraints = ON", "PRAGMA foreign_keys = OFF")
    loose = chance.random() < 0.3  # columns that take values of any type
    if loose:
        _run(connection, "UPDATE sqlite_master SET sql = replace(sql, ') STRICT', ')-STRICT')")
        _run(connection, "UPDATE sqlite_master SET sql = replace(sql, ')-STRICT', ')')")
        _run(connection, "PRAGMA schema_version = 900")
    for _ in range(1 + chance.randrange(3)):
        table = chance.choice(_TABLES)
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        column = chance.choice(columns)
        found = connection.execute(f"SELECT {column} FROM {table} LIMIT 1").fetchone()
        value = _odd(found[0] if found else None, chance)
        where = "" if chance.random() < 0.5 else f" WHERE rowid = {chance.choice((1, 2, 3))}"
        _run(connection, f"UPDATE OR REPLACE {table} SET {column} = ?{where}", values=(value,))
    _run(connection, *(sql for _, sql in triggers))


def _odd(value: object, chance: Random) -> object:
    if isinstance(value, str) and value[:1] in {"{", "["} and chance.random() < 0.8:
        text = json.dumps(of_tree(json.loads(value), chance))
        return text if chance.random() < 0.9 else text[: len(text) // 2]
    if isinstance(value, bytes) and chance.random() < 0.8:
        return of_bytes(value, chance)
    if isinstance(value, str) and chance.random() < 0.3:
        return chance.choice(
            ("a" * 32, "0" * 40, value[::-1], value.upper(), "2026-01-01", f"{value}x")
        )
    odd = random.Random(chance.random()).choice(ODD)
    if isinstance(odd, int) and abs(odd) >= 2**63:
        return float(odd)
    return json.dumps(odd) if isinstance(odd, list | dict) else odd


def _run(connection: sqlite3.Connection, *statements: str, values: tuple[object, ...] = ()) -> None:
    """What SQLite refuses is no change."""
    for statement in statements:
        try:
            connection.execute(statement, values)
        except (sqlite3.Error, UnicodeEncodeError):
            continue
