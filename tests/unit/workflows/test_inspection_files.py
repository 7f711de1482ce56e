"""The results folder: rows only after their pictures, nothing lost, nothing mixed."""

from __future__ import annotations

import contextlib
import csv
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.images import read_image
from cfinspect.engine.data.mask_values import read_mask
from cfinspect.engine.inference.inspector import Inspection
from cfinspect.engine.inference.review_reason import ReviewCode, ReviewReason
from cfinspect.engine.inference.stream import Outcome, Source
from cfinspect.workflows.inspection_files import COLUMNS, Inspections

CLASSES = ("undamaged", "damaged")
MODEL = {"name": "m.safetensors", "digest": "1"}


def outcome(name: str, *, damaged: bool = True, unlikeness: float | None = None) -> Outcome:
    image = np.full((40, 60, 3), 180, np.uint8)
    mask = np.zeros((40, 60), np.bool_)
    mask[5:9] = damaged
    inspection = Inspection(
        label=int(damaged),
        score=0.9 if damaged else 0.1,
        p0=0.05,
        p1=0.45,
        p_fake=0.5,
        flipped=True,
        review=not damaged,
        reasons=() if damaged else (ReviewReason(ReviewCode.SCORE_IN_BAND, (0.1, 0.05, 0.2)),),
        saliency=mask.astype(np.float32),
        counterfactual=image,
        mask=mask,
        area_fraction=float(mask.mean()),
        head=0.7,
        unlikeness=unlikeness,
    )
    return Outcome(Source(Path(name), name, name.rpartition(".")[0]), image, inspection, "")


def broken(name: str) -> Outcome:
    source = Source(Path(name), name, name.rpartition(".")[0])
    return Outcome(source, None, None, f"Cannot read {name}: the file is empty.")


def write(out: Path, outcomes: list[Outcome], **options: Any) -> None:
    with Inspections(out, CLASSES, options.pop("model", MODEL), **options) as results:
        for one in outcomes:
            results.add(one)
        results.finish()


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "inspections.csv").open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        found = list(reader)
    assert tuple(reader.fieldnames or ()) == COLUMNS
    return found


def test_unlikeness_is_empty_where_the_model_cannot_tell(tmp_path: Path) -> None:
    write(tmp_path, [outcome("a.png", unlikeness=1.23456), outcome("b.png"), broken("c.png")])
    assert [row["unlikeness"] for row in rows(tmp_path)] == ["1.2346", "", ""]


def test_rows_name_masks_of_the_original_size(tmp_path: Path) -> None:
    write(tmp_path, [outcome("sub/ä, b.png"), outcome("c.png", damaged=False), broken("d.png")])
    damaged, undamaged, error = rows(tmp_path)
    assert damaged["file"] == "sub/ä, b.png"
    assert (damaged["label"], damaged["review"]) == ("damaged", "0")
    assert (damaged["width"], damaged["height"]) == ("60", "40")
    assert read_mask(tmp_path / damaged["mask"]).sum() == 4 * 60
    assert float(damaged["area_fraction"]) == pytest.approx(0.1)
    assert read_image(tmp_path / "overlays" / "sub" / "ä, b.jpg").shape == (40, 60, 3)
    assert (undamaged["label"], undamaged["mask"]) == ("undamaged", "")
    assert undamaged["reason"].startswith("score 0.10")
    assert (error["label"], error["error"]) == ("", "Cannot read d.png: the file is empty.")


def test_overlays_can_be_left_out(tmp_path: Path) -> None:
    write(tmp_path, [outcome("a.png")], overlays=False)
    assert (tmp_path / "masks" / "a.png").exists()
    assert not (tmp_path / "overlays").exists()


def test_going_on_keeps_good_rows_and_tries_bad_ones_again(tmp_path: Path) -> None:
    write(tmp_path, [outcome("a.png"), broken("b.png")])
    with Inspections(tmp_path, CLASSES, MODEL, skip_done=True) as results:
        assert results.done == {"a.png"}
        assert results.stems == {"a"}
        results.add(outcome("b.png"))
        results.finish()
    assert [(row["file"], row["error"]) for row in rows(tmp_path)] == [("a.png", ""), ("b.png", "")]


def test_half_a_row_of_a_killed_run_is_dropped(tmp_path: Path) -> None:
    write(tmp_path, [outcome("a.png"), outcome("b.png")])
    table = tmp_path / "inspections.csv"
    table.write_bytes(table.read_bytes()[:-9])
    with Inspections(tmp_path, CLASSES, MODEL, skip_done=True) as results:
        assert results.done == {"a.png"}
    assert [row["file"] for row in rows(tmp_path)] == ["a.png"]


def test_starting_over_removes_what_no_longer_holds(tmp_path: Path) -> None:
    write(tmp_path, [outcome("a.png")])
    write(tmp_path, [outcome("a.png", damaged=False)], overlays=False)
    assert not (tmp_path / "masks" / "a.png").exists()
    assert not (tmp_path / "overlays" / "a.jpg").exists()
    assert len(rows(tmp_path)) == 1


def test_results_of_two_models_are_never_mixed(tmp_path: Path) -> None:
    write(tmp_path, [outcome("a.png")])
    with pytest.raises(CfinspectError, match="results of another model"):
        write(tmp_path, [], model={"name": "m.safetensors", "digest": "2"}, skip_done=True)
    assert len(rows(tmp_path)) == 1


@pytest.mark.skipif(os.name != "posix", reason="Windows has no pipes in folders")
def test_a_pipe_in_the_tables_place_is_not_waited_for(tmp_path: Path) -> None:
    write(tmp_path, [outcome("a.png")])
    (tmp_path / "inspections.csv").unlink()
    os.mkfifo(tmp_path / "inspections.csv")
    with pytest.raises(CfinspectError, match="is no file"):
        write(tmp_path, [], skip_done=True)


@pytest.mark.parametrize("inner", ["masks", "overlays", "masks/cam", "saliency", "saliency/rust"])
def test_links_in_a_strangers_results_lead_nowhere(tmp_path: Path, inner: str) -> None:
    mine, out = tmp_path / "mine", tmp_path / "out"
    for name in ("a.png", "a.jpg"):
        (mine / "cam").mkdir(parents=True, exist_ok=True)
        (mine / name).write_bytes(b"mine")
        (mine / "cam" / name).write_bytes(b"mine")
    place = out / inner
    place.parent.mkdir(parents=True)
    place.symlink_to(mine / "cam" if inner == "masks/cam" else mine, target_is_directory=True)
    for name in ("a.png", "cam/a.png"):
        with contextlib.suppress(CfinspectError):
            write(out, [outcome(name), outcome(name, damaged=False)])
    assert all(path.read_bytes() == b"mine" for path in mine.rglob("*.*"))
    assert len(list(mine.rglob("*"))) == 5
    with pytest.raises(CfinspectError, match="is a link"):
        write(out, [outcome("cam/a.png")])


def test_rows_are_on_disk_before_the_end(tmp_path: Path) -> None:
    with Inspections(tmp_path, CLASSES, MODEL) as results:
        for number in range(80):
            results.add(outcome(f"{number}.png"))
        assert len(rows(tmp_path)) >= 80 - 64
        results.finish()
    assert [row["file"] for row in rows(tmp_path)] == [f"{number}.png" for number in range(80)]


def test_names_that_look_like_formulas_are_text_and_are_known_again(tmp_path: Path) -> None:
    names = ["=cmd|'C calc'!A0.png", "@SUM(1+1).png", "-1.png", "\tTAB.png", "'=x.png", "c\rr.png"]
    write(tmp_path, [outcome(name) for name in names])
    table = (tmp_path / "inspections.csv").read_bytes()
    assert [row["file"] for row in rows(tmp_path)][:2] == [f"'{name}" for name in names[:2]]
    with Inspections(tmp_path, CLASSES, MODEL, skip_done=True) as again:
        assert again.done == set(names)
    assert (tmp_path / "inspections.csv").read_bytes() == table


@pytest.mark.skipif(sys.platform == "win32", reason="open files cannot be taken away there")
@pytest.mark.parametrize("how", ["deleted", "moved", "made anew", "table deleted", "at the end"])
def test_results_that_are_taken_away_meanwhile_are_told(tmp_path: Path, how: str) -> None:
    out = tmp_path / "results"
    with (
        pytest.raises(CfinspectError, match=r"inspections.csv was moved, deleted or replaced"),
        Inspections(out, CLASSES, MODEL) as results,
    ):
        results.add(outcome("a.png"))
        if how == "at the end":
            results.finish()
        if how == "moved":
            out.rename(tmp_path / "elsewhere")
        elif how == "table deleted":
            (out / "inspections.csv").unlink()
        else:
            while out.exists():  # a picture of the first image may come in between
                shutil.rmtree(out, ignore_errors=True)
        if how == "made anew":
            out.mkdir(exist_ok=True)
        if how != "at the end":
            results.add(outcome("sub/b.png"))
        results.finish()
    assert not (out / "inspections.csv").exists()
    assert out.exists() is (how in {"made anew", "table deleted"})
