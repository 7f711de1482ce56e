"""Damaged and hostile files of every kind, always the same ones: what comes of them is bearable.

`tests/bench/fuzz.py` tries thousands of others, and replays one.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import fuzz_process
import pytest
from fuzz_containers import of_png, of_safetensors, of_tiff
from fuzz_mutations import of_bytes, of_json, of_xml
from fuzz_process import SHARES, Job, Outcome, spread, try_all

INPUTS = 120
SEED = 21


def test_nothing_but_sentences_comes_of_damaged_files() -> None:
    *outcomes, crashed = try_all([*spread(INPUTS, SEED), Job("no kind", SEED, 0)])
    assert len(outcomes) == INPUTS
    assert [(str(one.job), one.finding) for one in outcomes if one.finding] == []
    assert {one.job.kind for one in outcomes} == set(SHARES)
    # Files that are refused one and all, or none, would try little.
    assert INPUTS / 20 < sum(not one.sentences for one in outcomes) < INPUTS / 2
    assert "crashes (exit code 1)" in crashed.finding
    assert "KeyError: 'no kind'" in crashed.finding


def test_a_seed_and_a_number_are_always_the_same_file() -> None:
    sound = bytes(range(256)) * 4
    for change in (of_bytes, of_json, of_xml, of_png, of_safetensors, of_tiff):
        data = b"{}" if change is of_json else b"\x02\0\0\0\0\0\0\0{}" + sound
        first, again = (change(data, Random("model:1:7")) for _ in range(2))
        assert first == again
    assert spread(300, 5)[:200] == spread(200, 5)
    assert len(set(map(str, spread(300, 5)))) == 300
    assert Counter(job.kind for job in spread(sum(SHARES.values()), 5)) == SHARES


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A bench whose inputs do what a test says."""
    from fuzz_kinds import KINDS, Kind

    (tmp_path / "box").mkdir()
    (tmp_path / "tmp").mkdir()
    monkeypatch.chdir(tmp_path / "box")
    bench = fuzz_process.Bench(tmp_path)

    def outcome(use: Any) -> Outcome:
        kind = Kind(lambda _: [{"a": b"x"}], lambda files, _: files, use)
        monkeypatch.setitem(KINDS, "own", kind)
        return bench.outcome(Job("own", 0, 0))

    return outcome


def test_what_a_finding_is(watched: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def inside(folder: Path, _said: object) -> None:
        (folder / "b").write_text("y")
        (folder / "b").unlink()

    def outside(folder: Path, _said: object) -> None:
        (folder.parents[1] / "b").write_text("y")

    def deletes(folder: Path, _said: object) -> None:
        (folder.parent / "thesis.txt").unlink()

    assert watched(inside).finding == ""
    assert "reaches out" in watched(outside).finding
    assert "reaches out" in watched(deletes).finding
    assert "ZeroDivisionError" in watched(lambda *_: 1 / 0).finding
    assert "no sentence" in watched(lambda _, said: said.sentences.append(" ")).finding
    monkeypatch.setattr(fuzz_process, "SECONDS", 0.0)
    assert "it takes" in watched(inside).finding


def test_what_hangs_costs_one_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz_process, "FIRST", 0.2)
    monkeypatch.setattr(fuzz_process, "PATIENCE", 0.2)
    jobs = [Job("image-png", 1, 0), Job("image-png", 1, 1)]
    assert [one.finding for one in try_all(jobs)] == ["it hangs", "it hangs"]
