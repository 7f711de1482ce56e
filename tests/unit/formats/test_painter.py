"""Marks of one image put together: what a stranger's file may ask for."""

from __future__ import annotations

import time

import numpy as np
import pytest

from cfinspect.formats import painter
from cfinspect.formats.exchange_types import FormatError
from cfinspect.formats.painter import Painter


def full(painted: Painter) -> None:
    height, width = painted.mask.shape
    painted.polygon("crack", [0, 0, width, 0, width, height, 0, height])


def test_polygons_without_end_are_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(painter, "_MOST_WORK", 40_000)
    painted = Painter(60, 50, "a.json")
    with pytest.raises(FormatError, match=r"a\.json has marks without end"):
        for done in range(100):  # noqa: B007
            full(painted)
    assert 5 < done < 13  # of 3000 pixels and 120 crossings each


def test_masks_without_end_are_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(painter, "_MOST_WORK", 40_000)
    painted = Painter(60, 50, "a.json")
    everything = np.ones((60, 50), dtype=bool)
    with pytest.raises(FormatError, match=r"a\.json has marks without end"):
        for done in range(100):  # noqa: B007
            painted.pixels("crack", 0, 0, everything)
    assert done == 13


def test_edges_that_cross_all_rows_are_a_sentence_at_once() -> None:
    painted = Painter(10_000, 40, "a.json")
    corners = np.zeros((100_000, 2))
    corners[:, 0] = np.linspace(0, 40, len(corners))
    corners[::2, 1] = 10_000
    started = time.monotonic()
    with pytest.raises(FormatError, match="marks without end"):
        painted.polygon("crack", corners.ravel().tolist())
    assert time.monotonic() - started < 5


def test_many_polygons_of_a_photo_are_no_hardship() -> None:
    painted = Painter(300, 400, "a.json")
    for _ in range(500):
        full(painted)
    assert painted.mask.all()


def test_a_corner_beyond_all_images_is_refused_and_turns_no_edge() -> None:
    painted = Painter(100, 100, "a.json")
    with pytest.raises(FormatError, match="a corner beyond"):
        painted.polygon("crack", [0, 0, 1e12, 1e10, 0, 1e10])
    painted.polygon("crack", [0, 0, 1e6, 1e6, 0, 1e6])
    assert painted.mask.sum() == pytest.approx(5000, rel=0.03)
