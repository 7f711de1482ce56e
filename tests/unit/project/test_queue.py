from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest
from studio import SIDE, bound_model, inspected_project, inspection, write_images

from cfinspect.project.finding import find
from cfinspect.project.fingerprints import fingerprint
from cfinspect.project.listing import ImageFilter, count, waiting
from cfinspect.project.predictions import Inspected, save, to_inspect
from cfinspect.project.project import Project
from cfinspect.project.queue import Rank, queue, release, renew, spread, take
from cfinspect.project.scan import scan
from cfinspect.project.verdicts import ConflictError, Verdict, decide, human_of


def order(project: Project, rank: Rank = Rank.UNCERTAINTY, **options: object) -> list[str]:
    return [row.name for row in queue(project, rank, **options)]  # type: ignore[arg-type]


def test_the_most_uncertain_come_first_and_decided_ones_leave(tmp_path: Path) -> None:
    project = inspected_project(tmp_path / "hall", [0.85, 0.45, 0.6, 0.1])
    assert order(project) == ["img1.png", "img2.png", "img0.png", "img3.png"]
    assert sum(waiting(project).values()) == 4
    decide(project, find(project, "img1.png").id, who="ann", verdict=Verdict.UNDAMAGED)
    assert order(project, limit=2) == ["img2.png", "img0.png"]
    assert sum(waiting(project).values()) == count(project, ImageFilter(to_review=True)) == 3
    rows = queue(project, everything=True)
    assert all(row.to_review for row in rows)
    assert not find(project, "img1.png").to_review


@pytest.mark.parametrize("rank", list(Rank))
def test_what_was_skipped_comes_again_after_all_others(tmp_path: Path, rank: Rank) -> None:
    project = inspected_project(tmp_path / "hall", [0.85, 0.45, 0.6, 0.1])
    first = order(project, rank)[0]
    decide(project, find(project, first).id, who="ann", verdict=Verdict.SKIPPED)
    found = order(project, rank)
    assert len(found) == 4 and found[-1] == first
    assert sum(waiting(project).values()) == count(project, ImageFilter(to_review=True)) == 4
    assert find(project, first).to_review and count(project, ImageFilter(reviewed=True)) == 0
    decide(project, find(project, first).id, who="bob", verdict=Verdict.DAMAGED)
    assert first not in order(project, rank) and len(order(project, rank)) == 3
    assert count(project, ImageFilter(reviewed=True)) == 1


def test_only_what_needs_a_human_is_in_it(tmp_path: Path) -> None:
    root = tmp_path / "hall"
    write_images(root / "damaged", 3)
    project = Project.create(root, human=True)
    scan(project)
    model = bound_model(project)
    image = np.random.default_rng(0).integers(0, 255, (3, SIDE, SIDE, 3), np.uint8)
    scores = [0.9, 0.1, 0.7]
    save(
        project,
        model,
        [
            Inspected(number, image[i], inspection(scores[i], review=i == 2))
            for i, (number, *_) in enumerate(to_inspect(project, model))
        ],
    )
    # img2 is flagged; img1 lies among the damaged and the model calls it undamaged
    assert order(project) == ["damaged/img2.png", "damaged/img1.png"]
    assert order(project, Rank.DISAGREEMENT)[0] == "damaged/img1.png"
    assert len(order(project, everything=True)) == 3


def test_area_near_the_limit(tmp_path: Path) -> None:
    root = tmp_path / "hall"
    write_images(root, 3)
    project = Project.create(root, human=True)
    scan(project)
    model = bound_model(project)
    pictures = np.random.default_rng(0).integers(0, 255, (3, SIDE, SIDE, 3), np.uint8)
    save(
        project,
        model,
        [
            Inspected(number, pictures[i], inspection(0.9, review=True, area=side))
            for i, ((number, *_), side) in enumerate(
                zip(to_inspect(project, model), (2, 10, 5), strict=True)
            )
        ],
    )
    limit = 25 / SIDE**2
    assert order(project, Rank.AREA, area_limit=limit) == ["img2.png", "img0.png", "img1.png"]


def test_near_copies_do_not_stand_in_a_row() -> None:
    ranked = [(i, 1) for i in range(50)] + [(i, i) for i in range(50, 100)]
    found = spread(ranked, spacing=10)
    assert sorted(found) == list(range(100))
    places = [place for place, number in enumerate(found) if number < 50]
    steps = np.diff(places[:5])
    assert (steps == 11).all()
    assert [number for number in found if number >= 50] == list(range(50, 100))
    assert spread([(i, 7) for i in range(5)]) == [0, 1, 2, 3, 4]
    assert spread([]) == []


def test_copies_that_were_compressed_or_brightened_are_near_copies(tmp_path: Path) -> None:
    chance = np.random.default_rng(3)
    small = chance.integers(40, 200, (6, 6, 3), np.uint8)
    picture = np.kron(small, np.ones((16, 16, 1), np.uint8))
    noisy = np.clip(picture + chance.normal(0, 6, picture.shape), 0, 255).astype(np.uint8)
    brighter = np.clip(picture.astype(int) + 20, 0, 255).astype(np.uint8)
    other = np.kron(chance.integers(40, 200, (6, 6, 3), np.uint8), np.ones((16, 16, 1), np.uint8))
    bits = fingerprint(picture)
    assert (bits ^ fingerprint(noisy)).bit_count() <= 5
    assert (bits ^ fingerprint(brighter)).bit_count() <= 5
    assert (bits ^ fingerprint(other)).bit_count() > 5

    root = tmp_path / "hall"
    write_images(root, 12)
    project = Project.create(root, human=True)
    scan(project)
    model = bound_model(project)
    chance = np.random.default_rng(5)
    found = []
    for i, (number, *_) in enumerate(to_inspect(project, model)):
        noise = chance.integers(0, 255, picture.shape, np.uint8)
        shown = [picture, noisy, brighter][i] if i < 3 else noise
        score = 0.5 + 0.01 * i
        found.append(Inspected(number, shown, inspection(score, side=96, review=True)))
    save(project, model, found)
    ranked = [row.name for row in queue(project, everything=True)]
    assert ranked[:10] == ["img0.png", *(f"img{i}.png" for i in range(3, 12))]


def test_leases_keep_two_people_apart_until_they_run_out(tmp_path: Path) -> None:
    project = inspected_project(tmp_path / "hall", [0.5, 0.55, 0.6, 0.65])
    first = take(project, "window 1", "ann", number=2)
    second = take(project, "window 2", "bob", number=4)
    assert [row.name for row in first] == ["img0.png", "img1.png"]
    assert [row.name for row in second] == ["img2.png", "img3.png"]
    with pytest.raises(ConflictError, match="ann is at work"):
        decide(project, first[0].id, who="bob", verdict=Verdict.DAMAGED, holder="window 2")
    decide(project, first[0].id, who="ann", verdict=Verdict.DAMAGED, holder="window 1")
    decide(project, first[1].id, who="bob", verdict=Verdict.DAMAGED, force=True)
    release(project, "window 2")
    assert len(take(project, "window 3", "eve", number=4, seconds=0.05)) == 2
    time.sleep(0.06)
    renew(project, "window 3")  # too late
    assert len(take(project, "window 4", "joe", number=4)) == 2


def test_a_lease_of_a_wrong_clock_keeps_nobody_from_an_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = inspected_project(tmp_path / "hall", [0.5, 0.55])
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 86400)
    (first,) = take(project, "window 1", "ann")
    monkeypatch.setattr(time, "time", lambda: now)
    assert len(take(project, "window 2", "bob", number=2)) == 2
    decide(project, first.id, who="bob", verdict=Verdict.DAMAGED, holder="window 2")
    release(project, "window 2")
    monkeypatch.setattr(time, "time", lambda: now + 120)  # clocks of colleagues differ by as much
    take(project, "window 3", "eve", number=2)
    monkeypatch.setattr(time, "time", lambda: now - 120)
    with pytest.raises(ConflictError, match="eve is at work"):
        decide(project, find(project, "img1.png").id, who="ann", verdict=Verdict.DAMAGED)


def test_a_lease_is_no_longer_than_any_other(tmp_path: Path) -> None:
    project = inspected_project(tmp_path / "hall", [0.5])
    take(project, "window 1", "ann", seconds=1e9)
    assert take(project, "window 2", "bob") == []


def test_people_working_at_once_lose_nothing(tmp_path: Path) -> None:
    project = inspected_project(tmp_path / "hall", [0.5 + i / 500 for i in range(80)])
    told: dict[int, str] = {}
    errors: list[BaseException] = []

    together = threading.Barrier(4)

    def work(who: str) -> None:
        try:
            with project.again(human=True) as mine:
                together.wait()
                while rows := take(mine, who, who, number=3):
                    for row in rows:
                        decide(mine, row.id, who=who, verdict=Verdict.DAMAGED, holder=who)
                        assert row.id not in told
                        told[row.id] = who
        except BaseException as error:
            errors.append(error)

    people = [threading.Thread(target=work, args=(f"person {i}",)) for i in range(4)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert not errors
    assert len(told) == 80
    assert all(human_of(project, number).who == who for number, who in told.items())


def test_what_has_no_label_contradicts_nothing_but_is_not_left_out(tmp_path: Path) -> None:
    project = inspected_project(tmp_path / "hall", [0.85, 0.45, 0.6])
    assert order(project, Rank.DISAGREEMENT) == ["img1.png", "img2.png", "img0.png"]
