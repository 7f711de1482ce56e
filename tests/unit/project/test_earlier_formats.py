"""A project that an earlier version wrote: it opens, and says what it said before."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from cfinspect.engine.inference.review_reason import ReviewCode, ReviewReason, in_words
from cfinspect.project import audit, schema
from cfinspect.project.backup import restore
from cfinspect.project.database import Database, ProjectError
from cfinspect.project.door import schema_of
from cfinspect.project.finding import find
from cfinspect.project.listing import HumanState
from cfinspect.project.paths import ProjectPaths, find_project_paths
from cfinspect.project.predictions import prediction_of
from cfinspect.project.project import Project
from cfinspect.project.strict_tables import TABLES
from cfinspect.project.verdicts import Verdict, decide, human_of

# What that version's own check of its audit trail printed.
HEAD = "fc5427e47fb9e20dbdb4ae42188bafb3267cca769936a6067c5e7b8328de295c"
HEAD_5 = "b5656835e76e62995216657c3e462b9dceb453dcf36c07390b3b3dbbd84b4334"
HERE = Path(__file__).parent
BAND = ReviewReason(ReviewCode.SCORE_IN_BAND, (0.52, 0.4, 0.6))
REASONS = {
    "img0.png": (ReviewReason(ReviewCode.P_FAKE_HIGH, (0.31, 0.2)),),
    "img1.png": (
        ReviewReason(ReviewCode.P_FAKE_HIGH, (0.31, 0.2)),
        BAND,
        ReviewReason(ReviewCode.NOT_FLIPPED),
    ),
    "img2.png": (),
    "img3.png": (
        ReviewReason(ReviewCode.TEXT, ("looks odd",)),
        ReviewReason(ReviewCode.SCORE_IN_BAND, (0.45, 0.4, 0.6)),
    ),
}
WORDS = {
    "img0.png": "p_fake 0.31 above 0.20: looks unlike the training images",
    "img1.png": "p_fake 0.31 above 0.20: looks unlike the training images; "
    "score 0.52 inside the band 0.40 to 0.60; the counterfactual did not flip",
    "img2.png": "",
    "img3.png": "looks odd; score 0.45 inside the band 0.40 to 0.60",
}


def write_version(number: int, path: Path) -> None:
    connection = sqlite3.connect(path)
    sql = (HERE / f"version_{number}.sql").read_text(encoding="utf-8")
    connection.executescript(sql)
    connection.close()


@pytest.fixture
def place(tmp_path: Path) -> ProjectPaths:
    """Where a project of format 4 lies."""
    return place_of_format(4, tmp_path)


def place_of_format(number: int, root: Path) -> ProjectPaths:
    (root / ".cfinspect").mkdir()
    write_version(number, root / ".cfinspect" / "project.sqlite")
    found = find_project_paths(root)
    assert found is not None
    return found


def require_all_of_it(root: Path) -> None:
    with Project.open(root) as project:
        project.database.check(thorough=True)
        for name, reasons in REASONS.items():
            found = prediction_of(project, find(project, name).id, 1)
            assert found is not None
            assert (found.reasons, in_words(found.reasons)) == (reasons, WORDS[name])
            assert found.review == bool(reasons)
        first = prediction_of(project, find(project, "img0.png").id, 1)
        assert first is not None and first.mask is not None
        assert (first.label, first.score, first.p_fake, int(first.mask.sum())) == (
            1,
            0.9,
            0.3149,
            16,
        )
        said = {name: human_of(project, find(project, name).id) for name in REASONS}
        assert [one.verdict for one in said.values()] == [
            Verdict.UNDAMAGED,
            Verdict.UNDAMAGED,
            Verdict.SKIPPED,
            None,
        ]
        assert (said["img1.png"].comment, said["img1.png"].who) == ("too dark", "ann")
        assert audit.verify(project, HEAD) == audit.Verification(5, HEAD, [])
        version = sqlite3.connect(project.paths.database).execute("PRAGMA user_version")
        assert version.fetchone()[0] == len(schema.MIGRATIONS)


@pytest.mark.parametrize("human", [False, True])
def test_a_project_of_format_4_opens_with_all_it_holds(place: ProjectPaths, human: bool) -> None:
    with Project.open(place.root, human=human) as project:
        stored = project.database.rows("SELECT reason FROM prediction ORDER BY image_id")
    assert [row["reason"] for row in stored] == [
        '[["text","looks odd"],["score_in_band",0.45,0.4,0.6]]',
        '[["p_fake_high",0.31,0.2],["score_in_band",0.52,0.4,0.6],["not_flipped"]]',
        '[["p_fake_high",0.31,0.2]]',
        "",
    ]
    require_all_of_it(place.root)
    require_all_of_it(place.root)  # and once more: it was brought up to date once


def test_work_goes_on_in_a_project_of_format_4(place: ProjectPaths) -> None:
    with Project.open(place.root, human=True) as project:
        decide(project, find(project, "img3.png").id, who="ann", verdict=Verdict.DAMAGED)
        found = audit.verify(project, HEAD)
        assert (found.entries, found.problems) == (6, [])


def test_a_backup_of_format_4_is_restored(place: ProjectPaths) -> None:
    place.backups.mkdir(parents=True)
    write_version(4, place.backups / "project-20200101T000000000000.sqlite")
    content = place.database.read_bytes()
    place.database.write_bytes(b"nonsense" + content[8:])
    restored = restore(place)
    assert restored.kept is not None
    require_all_of_it(place.root)


def test_a_migration_that_fails_changes_nothing(
    place: ProjectPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: str) -> str:
        raise OSError("broken off")

    before = list(sqlite3.connect(place.database).iterdump())
    monkeypatch.setitem(schema.FUNCTIONS, "reasons_from_words", broken)
    with pytest.raises(sqlite3.OperationalError):
        Database(place.database)
    assert list(sqlite3.connect(place.database).iterdump()) == before
    monkeypatch.undo()
    require_all_of_it(place.root)


@pytest.mark.parametrize("human", [False, True])
def test_a_project_of_format_5_opens_with_all_it_holds(tmp_path: Path, human: bool) -> None:
    place = place_of_format(5, tmp_path)
    connection = sqlite3.connect(place.database)
    before = {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}
    connection.close()
    for _ in range(2):  # it is brought up to date once
        with Project.open(place.root, human=human) as project:
            project.database.check(thorough=True)
            for table, rows in before.items():
                found = project.database.rows(f"SELECT * FROM {table}")
                assert [tuple(row) for row in found] == rows
            assert not human or not project.database.rows("PRAGMA foreign_key_check")
            assert audit.verify(project, HEAD_5) == audit.Verification(6, HEAD_5, [])
            assert find(project, "img1.png").state is HumanState.CORRECTED
            assert human_of(project, find(project, "img3.png").id).verdict is None


def test_a_project_of_format_5_with_text_for_a_number_is_refused(tmp_path: Path) -> None:
    place = place_of_format(5, tmp_path)
    connection = sqlite3.connect(place.database)
    connection.execute("INSERT INTO saliency VALUES ('holiday', '/home/ann', 3221225472, 0)")
    connection.commit()
    before = list(connection.iterdump())
    connection.close()
    with pytest.raises(ProjectError, match="values that cfinspect does not write"):
        Project.open(place.root)
    assert list(sqlite3.connect(place.database).iterdump()) == before


def test_the_schema_is_the_same_from_every_format(tmp_path: Path) -> None:
    schemas = set()
    for number in (4, 5):
        path = tmp_path / f"{number}.sqlite"
        write_version(number, path)
        Database(path).close()
        rows = sqlite3.connect(path).execute("SELECT type, name, tbl_name, sql FROM sqlite_master")
        schemas.add(frozenset(rows.fetchall()))
    assert schemas == {schema_of(schema.MIGRATIONS)}
