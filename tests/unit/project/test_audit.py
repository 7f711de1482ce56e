from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from studio import inspected_project

from cfinspect.project import audit
from cfinspect.project.finding import find
from cfinspect.project.project import Project
from cfinspect.project.verdicts import Verdict, decide, undo


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = inspected_project(tmp_path / "hall", [0.9, 0.2, 0.6])
    for name, verdict in (("img0.png", 1), ("img1.png", 1), ("img0.png", 2), ("img2.png", 0)):
        decide(project, find(project, name).id, who="ann", verdict=Verdict(verdict))
    undo(project, who="ann")
    return project


def tamper(project: Project, *statements: str) -> None:
    """What somebody with an SQLite shell would do."""
    connection = sqlite3.connect(project.paths.database)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_an_honest_trail_verifies(project: Project) -> None:
    found = audit.verify(project)
    assert (found.entries, found.problems) == (5, [])
    assert found.head == list(audit.entries(project))[-1].hash
    assert not audit.verify(project, head=next(audit.entries(project)).hash).problems


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET who = 'bob'",
        "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE id = 2",
        "INSERT INTO audit SELECT 99, at, who, action, image_id, digest, file, model, advice, "
        "before, after, reverts, hash FROM audit WHERE id = 1",
        "DELETE FROM human",
    ],
)
def test_nothing_is_changed_even_with_a_shell(project: Project, statement: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match=r"append-only|never deleted"):
        tamper(project, statement)
    assert not audit.verify(project).problems


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (["DROP TRIGGER audit_no_update", "UPDATE audit SET who = 'x' WHERE id = 2"], "Entry 2"),
        (["DROP TRIGGER audit_no_delete", "DELETE FROM audit WHERE id = 1"], "Entry 1 is missing"),
        (["DROP TRIGGER audit_no_delete", "DELETE FROM audit WHERE id = 5"], "not as entry"),
        (["UPDATE human SET verdict = 0 WHERE image_id = 1"], "not as entry"),
        (["UPDATE human SET comment = 'x' WHERE image_id = 2"], "not as entry"),
        (["DROP TRIGGER human_no_delete", "DELETE FROM human WHERE image_id = 1"], "is gone"),
    ],
)
def test_tampering_shows(project: Project, statements: list[str], said: str) -> None:
    tamper(project, *statements)
    problems = audit.verify(project).problems
    assert any(said in problem for problem in problems), problems


def test_a_rewritten_trail_shows_against_a_hash_written_down(project: Project) -> None:
    problems = audit.verify(project, head="ab" * 32).problems
    assert "rewritten or cut short" in problems[0]
