"""Databases that were damaged in every way, beside a sound backup: restoring brings it back."""

from __future__ import annotations

import os
import random
import shutil
from contextlib import closing
from pathlib import Path

import pytest
from studio import inspected_project

from cfinspect.project import audit, backup
from cfinspect.project.database import Database, ProjectError
from cfinspect.project.finding import find
from cfinspect.project.paths import find_project_paths
from cfinspect.project.project import Project
from cfinspect.project.verdicts import Verdict, decide, human_of

PAGE = 4096
IN_BACKUP, IMAGES = 3, 6
# `python tests/unit/project/test_damaged.py 600` tries as many.
SEEDS = 24


def make_original(root: Path) -> Path:
    """A project with a backup of some verdicts; later ones are in its log."""
    with inspected_project(root / "open", [0.1 + 0.1 * i for i in range(IMAGES)]) as project:
        for number in range(IMAGES):
            if number == IN_BACKUP:
                backup.back_up(project.paths, project.database)
            image = find(project, f"img{number}.png").id
            decide(project, image, who="ann", verdict=Verdict.DAMAGED, comment="x" * 500)
        shutil.copytree(root / "open", root / "original")
    return root / "original"


def a_page(data: bytearray, chance: random.Random) -> slice:
    start = chance.randrange(len(data) // PAGE) * PAGE
    return slice(start, start + PAGE)


def flip(data: bytearray, chance: random.Random) -> None:
    """One bit."""
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def flips(data: bytearray, chance: random.Random) -> None:
    """Bytes here and there."""
    for _ in range(chance.randrange(2, 400)):
        data[chance.randrange(len(data))] = chance.randrange(256)


def cut(data: bytearray, chance: random.Random) -> None:
    """The end is gone."""
    del data[chance.randrange(len(data)) :]


def zero(data: bytearray, chance: random.Random) -> None:
    """A page that was never written."""
    data[a_page(data, chance)] = bytes(PAGE)


def noise(data: bytearray, chance: random.Random) -> None:
    """A page of something else."""
    data[a_page(data, chance)] = chance.randbytes(PAGE)


def swap(data: bytearray, chance: random.Random) -> None:
    """Two pages in each other's place."""
    one, other = a_page(data, chance), a_page(data, chance)
    data[one], data[other] = data[other], data[one]


def header(data: bytearray, chance: random.Random) -> None:
    """A byte of the header."""
    data[chance.randrange(100)] = chance.randrange(256)


def number(data: bytearray, chance: random.Random) -> None:
    """A number of pages or cells, or where something begins."""
    place = a_page(data, chance).start + chance.randrange(64)
    data[place : place + 4] = chance.choice([bytes(4), b"\xff" * 4, chance.randbytes(4)])


def types(data: bytearray, chance: random.Random) -> None:
    """Types of values in rows."""
    page = a_page(data, chance)
    for _ in range(20):
        data[chance.randrange(page.start, page.stop)] = chance.randrange(24)


def grow(data: bytearray, chance: random.Random) -> None:
    """Something behind the end."""
    data += chance.randbytes(chance.randrange(1, 3 * PAGE))


WAYS = {
    one.__name__: one for one in (flip, flips, cut, zero, noise, swap, header, number, types, grow)
}


def damage(database: Path, chance: random.Random) -> str:
    """Damage a database or its log in one way; returns which."""
    log = database.with_name(f"{database.name}-wal")
    if chance.random() < 0.5:  # as it is closed in order; else as a killed program leaves it
        with closing(Database(database)) as opened:
            opened.connection.execute("PRAGMA wal_checkpoint")
    file = log if log.exists() and chance.random() < 0.3 else database
    data = bytearray(file.read_bytes())
    way = chance.choice(list(WAYS))
    WAYS[way](data, chance)
    file.write_bytes(data)
    if chance.random() < 0.2:
        database.with_name(f"{database.name}-shm").unlink(missing_ok=True)
    return f"{way} of {file.name}"


def try_one(original: Path, root: Path, seed: int) -> str:
    """Damage a copy and restore it; returns how it went."""
    shutil.copytree(original, root)
    place = find_project_paths(root)
    assert place is not None
    way = damage(place.database, random.Random(seed))
    try:
        done = backup.restore(place)
    except ProjectError as error:
        # Bytes that mean nothing, or the end of the log: then it is sound, and knows the backup.
        assert "is sound" in str(error), f"{seed}, {way}: {error}"
        outcome = "sound"
    else:
        assert done.kept is not None
        outcome = f"restored, and {done.rescued} newer"
    with Project.open(root, human=True) as project:
        project.database.check(thorough=True)
        assert not audit.verify(project).problems, f"{seed}, {way}"
        for number in range(IN_BACKUP):
            image = find(project, f"img{number}.png").id
            assert human_of(project, image).verdict is Verdict.DAMAGED, f"{seed}, {way}"
        decide(project, find(project, "img5.png").id, who="ben", verdict=Verdict.UNDAMAGED)
    return outcome


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project to be damaged."""
    return make_original(tmp_path_factory.mktemp("damaged"))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_damaged_database_comes_back(original: Path, tmp_path: Path, seed: int) -> None:
    try_one(original, tmp_path / "hall", seed)


if __name__ == "__main__":
    import collections
    import sys
    import tempfile
    import traceback

    with tempfile.TemporaryDirectory() as folder:
        os.environ["CFINSPECT_HOME"] = str(Path(folder) / "home")
        base = make_original(Path(folder))
        outcomes: collections.Counter[str] = collections.Counter()
        for seed in range(int(sys.argv[1])):
            try:
                outcomes[try_one(base, Path(folder) / "hall", seed)] += 1
            except Exception:
                outcomes["failed"] += 1
                print(seed, traceback.format_exc())
            shutil.rmtree(Path(folder) / "hall")
        print(outcomes)
