"""Which files are inspected, what they are called, and in which order results come."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest
from numpy_backend import RepairDark, make_card
from recorded_progress import Recorded

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.images import write_png
from cfinspect.engine.inference.inspector import Inspector
from cfinspect.engine.inference.stream import Outcome, Source, find_sources, inspect_sources


def make(path: Path, value: int = 100, shape: tuple[int, int] = (20, 30)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_png(path, np.full((*shape, 3), value, np.uint8))
    return path


def named(sources: list[Source]) -> list[tuple[str, str]]:
    return [(source.name, source.stem) for source in sources]


def test_names_are_relative_to_one_folder(tmp_path: Path) -> None:
    make(tmp_path / "a.png")
    make(tmp_path / "sub" / "b.png")
    sources, _ = find_sources([tmp_path])
    assert named(sources) == [("a.png", "a"), ("sub/b.png", "sub/b")]


def test_several_folders_are_told_apart_even_with_one_name(tmp_path: Path) -> None:
    for line in ("left", "right"):
        make(tmp_path / line / "day" / "a.png")
    sources, _ = find_sources([tmp_path / "left" / "day", tmp_path / "right" / "day"])
    assert named(sources) == [("day/a.png", "day/a"), ("day~2/a.png", "day~2/a")]


def test_files_that_differ_in_suffix_or_case_get_places_of_their_own(tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg", "A.bmp", "b.png"):
        make(tmp_path / name)
    stems = [source.stem.casefold() for source in find_sources([tmp_path])[0]]
    assert len(set(stems)) == 4
    assert "b" in stems


def test_places_of_earlier_results_are_not_used_again(tmp_path: Path) -> None:
    make(tmp_path / "a.png")
    assert find_sources([tmp_path], taken={"a"})[0][0].stem == "a.png"


def test_a_file_given_twice_is_inspected_once(tmp_path: Path) -> None:
    file = make(tmp_path / "a.png")
    assert len(find_sources([tmp_path, file])[0]) == 1


def test_masks_and_earlier_results_are_no_images(tmp_path: Path) -> None:
    make(tmp_path / "damaged" / "a.png")
    make(tmp_path / "masks" / "a.png")
    make(tmp_path / "out" / "overlays" / "a.png")
    sources, masks = find_sources([tmp_path], leave_out=tmp_path / "out")
    assert [source.name for source in sources] == ["damaged/a.png"]
    assert masks == 1


def test_a_folder_of_masks_given_outright_is_taken(tmp_path: Path) -> None:
    make(tmp_path / "masks" / "a.png")
    assert len(find_sources([tmp_path / "masks"])[0]) == 1


def test_no_image_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CfinspectError, match="no images in"):
        find_sources([tmp_path])
    make(tmp_path / "masks" / "a.png")
    with pytest.raises(CfinspectError, match="only masks in"):
        find_sources([tmp_path])


def inspector(batch: int = 4) -> Inspector:
    return Inspector(RepairDark(make_card()), batch=batch)


def test_results_come_in_order_with_unreadable_files_in_their_place(tmp_path: Path) -> None:
    for number in range(12):
        make(tmp_path / f"{number}.png", value=10 if number % 3 == 0 else 200)
    for number in (0, 5, 11):
        (tmp_path / f"{number}.png").write_bytes(b"no image")
    sources, _ = find_sources([tmp_path])
    found = list(inspect_sources(inspector(), sources))
    assert [outcome.source for outcome in found] == sources
    for number, outcome in enumerate(found):
        if number in (0, 5, 11):
            assert outcome.inspection is None
            assert f"{number}.png" in outcome.error
        else:
            assert outcome.inspection is not None
            assert outcome.inspection.label == int(number % 3 == 0)
            assert not outcome.error


def test_more_files_than_are_read_ahead_and_large_ones_among_them(tmp_path: Path) -> None:
    make(tmp_path / "0.png", shape=(1100, 1000))
    for number in range(1, 150):
        make(tmp_path / f"{number}.png", value=number, shape=(8, 8))
    sources, _ = find_sources([tmp_path])
    found = list(inspect_sources(inspector(64), sources))
    assert [outcome.source for outcome in found] == sources
    values = [outcome.image[0, 0, 0] for outcome in found if outcome.image is not None]
    assert values == [100, *range(1, 150)]
    assert found[0].inspection is not None
    assert found[0].inspection.mask.shape == (1100, 1000)


def test_nothing_but_unreadable_files_is_no_crash(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    (found,) = inspect_sources(inspector(), find_sources([tmp_path])[0])
    assert "empty" in found.error


def test_cancelling_takes_no_more_images_and_keeps_what_was_taken(tmp_path: Path) -> None:
    for number in range(40):
        make(tmp_path / f"{number}.png", shape=(8, 8))
    sources, _ = find_sources([tmp_path])
    found: list[Outcome] = []
    for outcome in inspect_sources(
        inspector(), sources, progress=Recorded(lambda: len(found) >= 3)
    ):
        found.append(outcome)
    assert [outcome.source for outcome in found] == sources[: len(found)]
    assert 3 <= len(found) <= 8


def test_a_stop_in_the_middle_of_a_photo_leaves_it_out(tmp_path: Path) -> None:
    for number, shape in enumerate([(8, 8), (900, 900), (8, 8)]):
        make(tmp_path / f"{number}.png", shape=shape)
    (tmp_path / "0b.png").write_bytes(b"no image")
    sources, _ = find_sources([tmp_path])
    backend = RepairDark(make_card(scope="tiles", tile=8))
    stop = Recorded(lambda: len(backend.batches) >= 3)
    found = list(inspect_sources(Inspector(backend, batch=4), sources, progress=stop))
    assert [outcome.source.name for outcome in found] == ["0.png", "0b.png"]
    assert found[0].inspection is not None and "0b.png" in found[1].error
    assert len(backend.batches) == 3  # of the photo's 50,000 windows


def test_a_stop_does_not_wait_for_a_decoder(tmp_path: Path) -> None:
    """A decoder of a large image cannot be told to stop."""
    asked, decode = threading.Event(), threading.Event()

    def slow(path: Path) -> bytes:
        if asked.is_set():
            decode.wait(60)
        asked.set()
        return path.read_bytes()

    made = make(tmp_path / "0.png", shape=(1100, 1000))
    begun = time.monotonic()
    stop = Recorded(asked.is_set)
    sources = [Source(made, "0.png", "0", slow)]
    assert list(inspect_sources(inspector(), sources, progress=stop)) == []
    assert time.monotonic() - begun < 10
    decode.set()
