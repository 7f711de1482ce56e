from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from studio import SIDE, bound_model, inspected_project, inspection

from cfinspect.project import audit
from cfinspect.project.corrections import mask_class, mask_classes
from cfinspect.project.database import ProjectError
from cfinspect.project.finding import find
from cfinspect.project.listing import HumanState, ImageFilter, count
from cfinspect.project.predictions import Inspected, save
from cfinspect.project.project import Project
from cfinspect.project.queue import take
from cfinspect.project.verdicts import (
    LONGEST_COMMENT,
    ConflictError,
    Verdict,
    decide,
    human_of,
    read_mask_of,
    revert,
    undo,
)

REFUSED = r"not authorized|prohibited|not be modified"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return inspected_project(tmp_path / "hall", [0.9, 0.2, 0.6])


def number(project: Project, name: str = "img0.png") -> int:
    return find(project, name).id


def square(value: int = 1) -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[5:9, 5:12] = value
    return mask


def test_a_verdict_is_there_with_who_when_and_on_what_advice(project: Project) -> None:
    said = decide(project, number(project), who="ann", verdict=Verdict.UNDAMAGED)
    assert said == human_of(project, number(project))
    assert (said.verdict, said.version, said.who) == (Verdict.UNDAMAGED, 1, "ann")
    assert find(project, "img0.png").state is HumanState.VERDICT
    (entry,) = audit.entries(project, number(project))
    assert entry.advice == {"label": 1, "score": 0.9, "p_fake": 0.1}
    assert (entry.model, entry.file, entry.action) == ("m1", "img0.png", "verdict")
    assert entry.before == {"verdict": None, "mask": None, "comment": ""}
    assert entry.after == {"verdict": 0, "mask": None, "comment": ""}


def test_a_corrected_mask_is_stored_and_says_damaged(project: Project) -> None:
    said = decide(project, number(project), who="ann", mask=square())
    assert said.verdict is Verdict.DAMAGED
    assert find(project, "img0.png").state is HumanState.CORRECTED
    mask = read_mask_of(project, said)
    assert mask is not None
    assert np.array_equal(mask, square())
    empty = decide(project, number(project, "img1.png"), who="ann", mask=square(0))
    assert empty.verdict is Verdict.UNDAMAGED
    assert decide(project, number(project), who="ann", mask=None).mask is None
    assert find(project, "img0.png").state is HumanState.VERDICT


def test_skipped_and_comment(project: Project) -> None:
    decide(project, number(project), who="ann", verdict=Verdict.SKIPPED, comment="too dark")
    assert find(project, "img0.png").state is HumanState.SKIPPED
    said = decide(project, number(project), who="bob", verdict=Verdict.DAMAGED)
    assert (said.comment, said.version) == ("too dark", 2)


def test_masks_of_another_size_or_class_are_refused_and_nothing_changes(project: Project) -> None:
    with pytest.raises(ProjectError, match="24 x 24"):
        decide(project, number(project), who="ann", mask=np.zeros((5, 5), np.uint8))
    with pytest.raises(ProjectError, match=r"\[9\]"):
        decide(project, number(project), who="ann", mask=square(9))
    with pytest.raises(ValueError, match="uint8"):
        decide(project, number(project), who="ann", mask=square().astype(bool))
    with pytest.raises(ProjectError, match="no image number"):
        decide(project, 999, who="ann", verdict=Verdict.DAMAGED)
    assert human_of(project, number(project)).version == 0
    assert list(audit.entries(project)) == []


def test_mask_classes_are_added_by_name(project: Project) -> None:
    assert mask_class(project, "rot", who="ann") == 2
    assert mask_class(project, "rot", who="bob") == 2
    assert mask_classes(project) == {1: "damage", 2: "rot"}
    decide(project, number(project), who="ann", mask=square(2))
    for name in ("  ", "a\nb", "\ud83d", "\uffff"):
        with pytest.raises(ProjectError, match="no name"):
            mask_class(project, name, who="ann")
    assert not audit.verify(project).problems


def test_who_looked_at_an_old_version_is_told(project: Project) -> None:
    image = number(project)
    seen = human_of(project, image).version
    decide(project, image, who="ann", verdict=Verdict.DAMAGED, expected=seen)
    with pytest.raises(ConflictError, match="ann"):
        decide(project, image, who="bob", verdict=Verdict.UNDAMAGED, expected=seen)
    assert human_of(project, image).verdict is Verdict.DAMAGED


def test_undo_takes_back_step_by_step_and_revert_does_again(project: Project) -> None:
    first, second = number(project), number(project, "img1.png")
    decide(project, first, who="ann", verdict=Verdict.DAMAGED)
    decide(project, first, who="ann", mask=square())
    decide(project, second, who="bob", verdict=Verdict.UNDAMAGED)
    (undone,) = undo(project, who="ann").humans
    assert undone.mask is None
    assert undone.verdict is Verdict.DAMAGED
    assert undone.entry is not None
    undo(project, who="ann")
    assert human_of(project, first).verdict is None
    assert find(project, "img0.png").state is HumanState.OPEN
    assert not undo(project, who="ann").humans
    assert human_of(project, second).verdict is Verdict.UNDAMAGED


def test_redo_is_reverting_the_revert(project: Project) -> None:
    image = number(project)
    decide(project, image, who="ann", mask=square())
    (undone,) = undo(project, who="ann").humans
    assert undone.entry is not None
    again = revert(project, undone.entry, who="ann")
    mask = read_mask_of(project, again)
    assert mask is not None
    assert np.array_equal(mask, square())


@pytest.mark.parametrize("count", [2, 3, 5])
def test_several_changes_are_taken_back_and_done_again(project: Project, count: int) -> None:
    image = number(project)
    words = [Verdict.DAMAGED, Verdict.UNDAMAGED, Verdict.SKIPPED, Verdict.DAMAGED, None][:count]
    done = [decide(project, image, who="ann", verdict=word).entry for word in words]
    for _ in range(2):
        undone = []
        for entry in reversed(done):
            assert entry is not None
            undone.append(revert(project, entry, who="ann").entry)
        assert human_of(project, image).verdict is None
        done = []
        for entry, word in zip(reversed(undone), words, strict=True):
            assert entry is not None
            again = revert(project, entry, who="ann")
            assert again.verdict == word
            done.append(again.entry)


def test_what_somebody_else_changed_since_cannot_be_undone(project: Project) -> None:
    decide(project, number(project), who="ann", verdict=Verdict.DAMAGED)
    decide(project, number(project), who="bob", verdict=Verdict.UNDAMAGED)
    with pytest.raises(ConflictError, match="bob"):
        undo(project, who="ann")
    with pytest.raises(ProjectError, match="no entry 77"):
        revert(project, 77, who="ann")


def test_predictions_come_and_go_and_verdicts_stay(project: Project) -> None:
    image = number(project)
    before = decide(project, image, who="ann", mask=square())
    model = bound_model(project, "m2")
    save(project, model, [Inspected(image, np.zeros((SIDE, SIDE, 3), np.uint8), inspection(0.1))])
    assert find(project, "img0.png").score == pytest.approx(0.1)
    assert find(project, "img1.png").score is None
    assert human_of(project, image) == before
    (first,) = audit.entries(project, image)
    assert first.model == "m1"


def test_the_machine_is_refused_by_the_database_itself(project: Project) -> None:
    decide(project, number(project), who="ann", verdict=Verdict.DAMAGED)
    with project.again() as machine:
        for statement in (
            "UPDATE human SET verdict = 0",
            "DELETE FROM human",
            "INSERT OR REPLACE INTO human SELECT * FROM human",
            "INSERT INTO mask_class VALUES (9, 'x')",
            "INSERT INTO audit SELECT * FROM audit",
            "DROP TABLE human",
            "DROP TRIGGER human_changed",
            "ALTER TABLE human RENAME TO robot",
            "UPDATE image SET verdict = 0, state = 1",
            "CREATE TRIGGER t AFTER UPDATE ON image BEGIN UPDATE human SET verdict = 0; END",
            "PRAGMA writable_schema = ON",
            "DELETE FROM sqlite_master WHERE name = 'human_changed'",
            "ATTACH ':memory:' AS other",
        ):
            with pytest.raises(sqlite3.DatabaseError, match=REFUSED):
                machine.database.connection.execute(statement)
        with pytest.raises(sqlite3.DatabaseError, match=REFUSED):
            decide(machine, number(project), who="robot", verdict=Verdict.UNDAMAGED)
    assert human_of(project, number(project)).verdict is Verdict.DAMAGED


def test_a_mask_that_was_changed_or_lost_outside_is_noticed(project: Project) -> None:
    said = decide(project, number(project), who="ann", mask=square())
    (file,) = project.paths.masks.rglob("*.png")
    other = decide(project, number(project, "img1.png"), who="ann", mask=square(0))
    assert other.mask is not None
    data = (project.paths.masks / other.mask[:2] / f"{other.mask}.png").read_bytes()
    file.write_bytes(data)
    with pytest.raises(ProjectError, match="changed outside"):
        read_mask_of(project, said)
    file.unlink()
    with pytest.raises(ProjectError, match="lost"):
        read_mask_of(project, said)


def test_undo_after_a_redo_takes_back_the_latest(project: Project) -> None:
    image = number(project)
    decide(project, image, who="al", verdict=Verdict.DAMAGED)
    decide(project, image, who="al", comment="B")
    (undone,) = undo(project, who="al").humans
    assert undone.entry is not None
    revert(project, undone.entry, who="al")
    assert human_of(project, image).comment == "B"
    (again,) = undo(project, who="al").humans
    assert (again.comment, again.verdict) == ("", Verdict.DAMAGED)
    (last,) = undo(project, who="al").humans
    assert last.verdict is None


def test_the_same_word_of_somebody_else_is_not_ones_own(project: Project) -> None:
    image = number(project)
    decide(project, image, who="al", verdict=Verdict.DAMAGED)
    decide(project, image, who="bob", verdict=Verdict.DAMAGED)
    with pytest.raises(ConflictError, match="bob"):
        undo(project, who="al")
    assert human_of(project, image).who == "bob"


def test_undo_respects_leases(project: Project) -> None:
    decide(project, number(project), who="bob", verdict=Verdict.DAMAGED)
    assert undo(project, who="bob").humans
    decide(project, number(project, "img1.png"), who="bob", comment="x")
    (row,) = [row for row in take(project, "w", "alice", number=3) if row.name == "img1.png"]
    with pytest.raises(ConflictError, match="alice"):
        undo(project, who="bob")
    assert human_of(project, row.id).comment == "x"
    assert undo(project, who="bob", force=True).humans


def test_mask_and_verdict_never_contradict_each_other(project: Project) -> None:
    image = number(project)
    decide(project, image, who="ann", verdict=Verdict.SKIPPED)
    assert decide(project, image, who="ann", mask=square()).verdict is Verdict.DAMAGED
    cleared = decide(project, image, who="ann", verdict=Verdict.UNDAMAGED)
    assert cleared.mask is None
    assert find(project, "img0.png").state is HumanState.VERDICT
    with pytest.raises(ProjectError, match="marks damage"):
        decide(project, image, who="ann", verdict=Verdict.UNDAMAGED, mask=square())
    with pytest.raises(ProjectError, match="no text"):
        decide(project, image, who="ann", comment="\udcff")


def test_false_lists_show(project: Project) -> None:
    project.database.connection.execute("UPDATE image SET verdict = 1, state = 1")
    assert "listed with another verdict" in audit.verify(project).problems[0]


def test_a_mask_without_a_word_is_a_draft(project: Project) -> None:
    image = number(project)
    human = decide(project, image, who="ann", verdict=None, mask=square())
    assert (human.verdict, human.mask is None) == (None, False)
    row = find(project, "img0.png")
    assert row.state is HumanState.OPEN
    assert row.to_review
    assert not audit.verify(project).problems
    assert count(project, ImageFilter(reviewed=True)) == 0
    said = decide(project, image, who="ann", verdict=Verdict.DAMAGED)
    assert said.mask == human.mask
    assert find(project, "img0.png").state is HumanState.CORRECTED
    assert count(project, ImageFilter(reviewed=True)) == 1
    decide(project, image, who="ann", verdict=Verdict.SKIPPED)
    assert find(project, "img0.png").state is HumanState.SKIPPED
    withdrawn = decide(project, image, who="ann", verdict=None)
    assert withdrawn.mask == human.mask
    assert find(project, "img0.png").to_review
    assert not audit.verify(project).problems


def test_a_comment_without_end_is_refused(project: Project) -> None:
    decide(project, number(project), who="al", comment="x" * LONGEST_COMMENT)
    with pytest.raises(ProjectError, match="this one has 10001"):
        decide(project, number(project), who="al", comment="x" * (LONGEST_COMMENT + 1))
    assert len(human_of(project, number(project)).comment) == LONGEST_COMMENT


def test_a_trail_of_reverts_without_end_is_a_sentence(project: Project) -> None:
    image = number(project)
    said = decide(project, image, who="al", verdict=Verdict.DAMAGED)
    connection = project.database.connection
    columns = [row[1] for row in connection.execute("PRAGMA table_info(audit)")]
    first = dict(
        zip(columns, connection.execute("SELECT * FROM audit").fetchall()[-1], strict=True)
    )
    assert said.entry == first["id"]
    with project.database.writing() as writing:
        for entry in range(first["id"] + 1, first["id"] + 3000):
            row = {**first, "id": entry, "reverts": entry - 1}
            writing.execute(
                f"INSERT INTO audit VALUES ({','.join('?' * len(row))})", tuple(row.values())
            )
    with pytest.raises(ProjectError, match="more than 2000 times"):
        undo(project, who="al")
