from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from studio import inspected_project, write_images

from cfinspect.project.finding import find
from cfinspect.project.listing import (
    HumanState,
    ImageFilter,
    ImageRow,
    SortOrder,
    count,
    counts,
    ids,
    list_images,
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


@pytest.mark.parametrize("sort", list(SortOrder))
@pytest.mark.parametrize("descending", [False, True])
def test_pages_together_are_the_whole_list_in_order(
    project: Project, sort: SortOrder, descending: bool
) -> None:
    whole = list_images(project, sort=sort, descending=descending)
    assert len(whole) == 50
    parts = [
        list_images(project, sort=sort, descending=descending, offset=start, limit=7)
        for start in range(0, 56, 7)
    ]
    assert [row.id for row in itertools.chain(*parts)] == [row.id for row in whole]
    assert ids(project, sort=sort, descending=descending) == [row.id for row in whole]
    if sort is not SortOrder.PLACE:
        values = [getattr(row, sort) for row in whole]
        known = [value for value in values if value is not None]
        assert known == sorted(known, reverse=descending)
        assert values == known + [None] * (50 - len(known))


def test_filters_agree_with_a_plain_loop(project: Project) -> None:
    rows = list_images(project, limit=100)
    cases: list[tuple[ImageFilter, Callable[[ImageRow], object]]] = [
        (ImageFilter(state=HumanState.VERDICT), lambda r: r.state is HumanState.VERDICT),
        (ImageFilter(state=HumanState.OPEN), lambda r: r.state is HumanState.OPEN),
        (ImageFilter(machine=1), lambda r: r.machine == 1),
        (ImageFilter(score_from=0.3, score_to=0.6), lambda r: r.score and 0.3 <= r.score <= 0.6),
        (ImageFilter(text="IMG1"), lambda r: "img1" in r.name),
        (ImageFilter(text="g_"), lambda _: False),  # no wildcard
        (ImageFilter(flagged=True, machine=0), lambda r: r.flagged and r.machine == 0),
        (ImageFilter(folder=".", domain="crack"), lambda _: True),
        (ImageFilter(domain="apple"), lambda _: False),
        (ImageFilter(label=1), lambda _: False),
        (ImageFilter(missing=True), lambda _: False),
        (ImageFilter(verdict=1), lambda r: r.verdict == 1),
        (ImageFilter(inspected=True), lambda r: r.score is not None),
        (ImageFilter(inspected=False, state=HumanState.OPEN), lambda r: r.score is None),
    ]
    for wanted, fits in cases:
        expected = [row.id for row in rows if fits(row)]
        assert [row.id for row in list_images(project, wanted)] == expected, wanted
        assert count(project, wanted) == len(expected)
        by_score = list_images(project, wanted, SortOrder.SCORE)
        assert sorted(row.id for row in by_score) == sorted(expected)


def test_counts_add_up(project: Project) -> None:
    found = counts(project)
    assert sum(one.images for one in found) == 50
    assert sum(one.images for one in found if one.state is HumanState.SKIPPED) == 3
    assert sum(one.images for one in found if one.machine is None) == 10


def test_the_histogram_counts_every_score_once(project: Project) -> None:
    scores = [row.score for row in list_images(project) if row.score is not None]
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
