from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from studio import inspected_project, write_images

from cfinspect.project.listing import (
    Filter,
    ImageRow,
    Sort,
    State,
    count,
    counts,
    find,
    ids,
    page,
    score_histogram,
    unreadable,
)
from cfinspect.project.predictions import Inspected, save
from cfinspect.project.project import Project
from cfinspect.project.scan import scan
from cfinspect.project.verdicts import Verdict, decide


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """40 inspected images, some with verdicts, and 10 that no model has looked at."""
    root = tmp_path_factory.mktemp("p") / "hall"
    chance = random.Random(0)
    project = inspected_project(root, [round(chance.random(), 3) for _ in range(40)])
    for number in range(0, 40, 5):
        image = find(project, f"img{number}.png")
        decide(project, image.id, who="ann", verdict=Verdict(number % 3))
    write_images(root, 10, seed=7, start=40)
    scan(project)
    return project


@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("descending", [False, True])
def test_pages_together_are_the_whole_list_in_order(
    project: Project, sort: Sort, descending: bool
) -> None:
    whole = page(project, sort=sort, descending=descending)
    assert len(whole) == 50
    parts = [
        page(project, sort=sort, descending=descending, offset=start, limit=7)
        for start in range(0, 56, 7)
    ]
    assert [row.id for row in itertools.chain(*parts)] == [row.id for row in whole]
    assert ids(project, sort=sort, descending=descending) == [row.id for row in whole]
    if sort is not Sort.PLACE:
        values = [getattr(row, sort) for row in whole]
        known = [value for value in values if value is not None]
        assert known == sorted(known, reverse=descending)
        assert values == known + [None] * (50 - len(known))


def test_filters_agree_with_a_plain_loop(project: Project) -> None:
    rows = page(project, limit=100)
    cases: list[tuple[Filter, Callable[[ImageRow], object]]] = [
        (Filter(state=State.VERDICT), lambda r: r.state is State.VERDICT),
        (Filter(state=State.OPEN), lambda r: r.state is State.OPEN),
        (Filter(machine=1), lambda r: r.machine == 1),
        (Filter(score_from=0.3, score_to=0.6), lambda r: r.score and 0.3 <= r.score <= 0.6),
        (Filter(text="IMG1"), lambda r: "img1" in r.name),
        (Filter(text="g_"), lambda _: False),  # no wildcard
        (Filter(flagged=True, machine=0), lambda r: r.flagged and r.machine == 0),
        (Filter(folder=".", domain="crack"), lambda _: True),
        (Filter(domain="apple"), lambda _: False),
        (Filter(label=1), lambda _: False),
        (Filter(missing=True), lambda _: False),
        (Filter(verdict=1), lambda r: r.verdict == 1),
        (Filter(inspected=True), lambda r: r.score is not None),
        (Filter(inspected=False, state=State.OPEN), lambda r: r.score is None),
    ]
    for wanted, fits in cases:
        expected = [row.id for row in rows if fits(row)]
        assert [row.id for row in page(project, wanted)] == expected, wanted
        assert count(project, wanted) == len(expected)
        by_score = page(project, wanted, Sort.SCORE)
        assert sorted(row.id for row in by_score) == sorted(expected)


def test_counts_add_up(project: Project) -> None:
    found = counts(project)
    assert sum(one.images for one in found) == 50
    assert sum(one.images for one in found if one.state is State.SKIPPED) == 3
    assert sum(one.images for one in found if one.machine is None) == 10


def test_the_histogram_counts_every_score_once(project: Project) -> None:
    scores = [row.score for row in page(project) if row.score is not None]
    undamaged, damaged = score_histogram(project, bins=4)
    assert sum(undamaged) == sum(score < 0.5 for score in scores)
    assert sum(damaged) == sum(score >= 0.5 for score in scores)
    assert undamaged[2:] == [0, 0]
    assert damaged[3] == sum(score >= 0.75 for score in scores)


def test_unreadable_images_are_counted_by_folder(tmp_path: Path) -> None:
    project = inspected_project(tmp_path / "hall", [0.9, 0.2])
    assert unreadable(project) == {}
    (model,) = project.models()
    image = find(project, "img0.png")
    save(project, model, [Inspected(image.id, None, None, "cut short")])
    assert unreadable(project) == {image.folder_id: 1}
