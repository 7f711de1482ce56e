"""Odd label files of every format: the verdict and the mask that they state, and nothing stops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from quirk import Quirk, complaints, hall, taken, written
from quirks_all import FORMATS

from cfinspect.project.project import Project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """One for all: each import is taken back."""
    with hall(tmp_path_factory.mktemp("quirks") / "hall") as found:
        yield found


@pytest.mark.parametrize(
    ("form", "quirk"),
    [
        pytest.param(form, quirk, id=f"{form}: {quirk.name}")
        for form, quirks in FORMATS.items()
        for quirk in quirks
    ],
)
def test_an_odd_file_is_taken_for_what_it_says(
    project: Project, tmp_path: Path, form: str, quirk: Quirk
) -> None:
    assert not complaints(quirk, taken(project, form, written(quirk, tmp_path)))


@pytest.mark.parametrize("form", FORMATS)
def test_there_are_enough_of_each_and_none_is_told_twice(form: str) -> None:
    names = Counter(quirk.name for quirk in FORMATS[form])
    assert len(names) >= 40
    assert max(names.values()) == 1
