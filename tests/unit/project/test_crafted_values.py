"""A stranger's database is built as ours, and holds values that we do not write: sentences."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from studio import inspected_project

from cfinspect.project import audit, statistics
from cfinspect.project.errors import ProjectError
from cfinspect.project.finding import find
from cfinspect.project.predictions import prediction_of
from cfinspect.project.project import Project
from cfinspect.project.verdicts import Verdict, decide, undo

GUARD = "audit_no_update"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A closed project with a verdict that was changed."""
    monkeypatch.setenv("CFINSPECT_HOME", str(tmp_path / "home"))
    with inspected_project(tmp_path / "hall", [0.9]) as project:
        for verdict in (Verdict.DAMAGED, Verdict.SKIPPED):
            decide(project, find(project, "img0.png").id, who="ann", verdict=verdict)
    return tmp_path / "hall"


def store(root: Path, table: str, column: str, value: str) -> None:
    """Write a value into all rows; the triggers are those that we make afterwards."""
    connection = sqlite3.connect(root / ".cfinspect" / "project.sqlite", isolation_level=None)
    (sql,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (GUARD,)).fetchone()
    connection.execute(f"DROP TRIGGER {GUARD}")
    connection.execute(f"UPDATE {table} SET {column} = ?", (value,))
    connection.execute(sql)
    connection.close()


STATES = (
    *("", "{", "[]", "null", "7", "{}", "[" * 100_000, '{"verdict": 1}'),
    '{"verdict": 7, "mask": null, "comment": ""}',
    '{"verdict": true, "mask": null, "comment": ""}',
    '{"verdict": "1", "mask": null, "comment": ""}',
    '{"verdict": 1, "mask": 7, "comment": ""}',
    '{"verdict": 1, "mask": null, "comment": null}',
)
ADVICES = (
    '{"label": [1], "score": 0.5}',
    '{"label": 1, "score": "x"}',
    '{"label": 1, "score": NaN}',
)
READERS: list[Callable[[Project], object]] = [
    lambda project: list(audit.entries(project)),
    statistics.overruled,
]


@pytest.mark.parametrize(
    ("column", "text"),
    [
        *(("after", text) for text in STATES),
        *(("before", text) for text in STATES),
        *(("advice", text) for text in (*STATES[:7], *ADVICES)),
    ],
)
def test_an_entry_that_holds_something_else_is_a_sentence(
    root: Path, column: str, text: str
) -> None:
    store(root, "audit", column, text)
    with Project.open(root, human=True) as project:
        for read in READERS:
            with pytest.raises(ProjectError, match="audit trail holds an entry"):
                read(project)
        assert audit.verify(project).problems
        if column == "before":
            with pytest.raises(ProjectError, match="audit trail holds an entry"):
                undo(project, who="ann")


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "7", "null", '{"x": 1}', "[1]", "[[]]", "[{}]"),
        '[{"x": 1, "y": 1, "width": 1, "height": 1, "area": 1, "length": 1, "mean_width": "x"}]',
        '[{"x": 1, "y": 1, "width": 1, "height": 1, "area": 1, "length": 1, "mean_width": NaN}]',
        '[{"x": -1, "y": 1, "width": 1, "height": 1, "area": 1, "length": 1, "mean_width": 1}]',
    ],
)
def test_regions_that_no_model_found_are_a_sentence(root: Path, text: str) -> None:
    store(root, "prediction", "regions", text)
    with Project.open(root) as project:
        (model,) = project.models()
        with pytest.raises(ProjectError, match="inspect it again"):
            prediction_of(project, find(project, "img0.png").id, model.id)
