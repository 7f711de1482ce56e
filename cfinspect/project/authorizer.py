"""What the machine's connection to a project may do: SQLite asks for every part of a statement."""

from __future__ import annotations

import sqlite3

from cfinspect.project.schema import HUMAN_TABLES

_WRITES = {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE}
# Without its tables and triggers there is no human layer, a trigger of one's own would write for
# whoever comes next, and with a part of its own the database would not be opened again: these ways
# round are closed as well.
_NEVER = {
    getattr(sqlite3, f"SQLITE_{name}")
    for name in (
        *("DROP_TABLE", "DROP_TRIGGER", "DROP_INDEX", "ALTER_TABLE", "ATTACH", "DETACH"),
        *("CREATE_TRIGGER", "CREATE_TEMP_TRIGGER", "CREATE_VIEW", "CREATE_TEMP_VIEW"),
        *("DROP_TEMP_TRIGGER", "CREATE_VTABLE", "CREATE_TABLE", "CREATE_INDEX", "ANALYZE"),
    )
}
_PRAGMAS = {"busy_timeout", "integrity_check", "quick_check", "wal_checkpoint"}
_HUMAN_COLUMNS = {"state", "verdict"}


def authorize_machine(
    action: int, first: str | None, second: str | None, _db: str | None, _trigger: str | None
) -> int:
    """Refuse what writes the human layer; ``first`` and ``second`` depend on ``action``."""
    human = action in _WRITES and (
        first in HUMAN_TABLES
        or (first or "").startswith("sqlite_")
        or (action == sqlite3.SQLITE_UPDATE and first == "image" and second in _HUMAN_COLUMNS)
    )
    pragma = action == sqlite3.SQLITE_PRAGMA and first not in _PRAGMAS
    return sqlite3.SQLITE_DENY if human or pragma or action in _NEVER else sqlite3.SQLITE_OK
