"""Does another version of cfinspect still give the same answers?

    python tests/bench/before_after.py OLD NEW [--python PYTHON]

OLD and NEW are two checkouts. Both train every method for 50 steps with a seed on the same drawn
images, both inspect the same 40 images, and NEW opens what OLD wrote: a model, a checkpoint (it
goes on from there) and a project with a verdict and a corrected mask. Prints a line for each
comparison and ends with code 1 where something differs.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

METHODS = ("cfgan", "no-fake", "classifier", "adversarial", "segmenter", "diffusion")
STEPS, IMAGES = 50, 40
TINY = [
    *("--size", "32", "--width", "8", "--batch", "8", "--scope", "whole", "--seed", "3"),
    *("--device", "cpu", "--precision", "fp32", "--set", "warmup=10"),
    *("--discriminator", "compact"),  # the default of earlier versions
    *("--set", "discriminator_width=8", "--set", "validate_every=25"),
    *("--set", "checkpoint_every=25"),
]


class Checkout:
    """One version: runs its commands in processes of their own."""

    def __init__(self, root: Path, python: str, work: Path) -> None:
        self.root, self.python, self.work = root.resolve(), python, work
        work.mkdir()

    def run(self, *arguments: object) -> str:
        """Run ``cfinspect ARGUMENTS`` and return what it printed; ends the program on failure."""
        done = subprocess.run(
            [self.python, "-m", "cfinspect", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.work,
            env={**os.environ, "PYTHONPATH": str(self.root), "OMP_NUM_THREADS": "1"},
        )
        if done.returncode:
            sys.exit(f"{self.root}: {' '.join(map(str, arguments))}\n{done.stderr}")
        return done.stdout

    def train(self, data: Path, method: str) -> Path:
        """Train ``method`` for 50 steps; returns the folder of the run."""
        out = self.work / method
        tiny = TINY if method != "diffusion" else [w.replace("warmup=10", "warmup=0") for w in TINY]
        self.run("train", data, "--out", out, "--method", method, "--steps", STEPS, *tiny)
        return out


def losses(run: Path) -> list[dict[str, float]]:
    """The rows of metrics.jsonl without what depends on the clock."""
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    clock = ("seconds", "images_per_second", "time")
    return [{k: v for k, v in row.items() if k not in clock} for row in rows]


def same_tree(one: Path, two: Path, pattern: str) -> bool:
    """Whether two folders hold the same files of ``pattern``, byte for byte."""
    names = _files(one, pattern)
    return names == _files(two, pattern) and all(
        (one / name).read_bytes() == (two / name).read_bytes() for name in names
    )


def _files(folder: Path, pattern: str) -> list[Path]:
    return sorted(path.relative_to(folder) for path in folder.rglob(pattern) if path.is_file())


def table(path: Path) -> list[list[str]]:
    """The rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def largest_difference(one: list[dict[str, float]], two: list[dict[str, float]]) -> float:
    """Of any number in two lists of rows; infinite where rows or names differ."""
    if [row.keys() for row in one] != [row.keys() for row in two]:
        return float("inf")
    gaps = [
        abs(float(row[name]) - float(other[name]))
        for row, other in zip(one, two, strict=True)
        for name in row
        if isinstance(row[name], int | float)
    ]
    return float(np.max(gaps)) if gaps else float("inf")


def compare(
    old: Checkout, new: Checkout, work: Path, methods: Sequence[str]
) -> Iterator[tuple[str, bool, str]]:
    """What was compared, whether it holds, and a figure."""
    data = work / "data"
    old.run("synth", data, "--domain", "crack", "--count", 96, "--size", 48, "--seed", 5)
    runs = {}
    for method in methods:
        runs[method] = old.train(data, method)
        gap = largest_difference(losses(runs[method]), losses(new.train(data, method)))
        known = len(losses(runs[method]))
        yield f"{method}: losses of {STEPS} steps", gap == 0, f"{known} rows, differ by {gap:g}"
    shown = work / "shown"
    old.run("synth", shown, "--domain", "crack", "--count", IMAGES, "--size", 96, "--seed", 9)
    for model in (runs["cfgan"] / "model.safetensors", "crack"):
        for one in (old, new):
            path = model if isinstance(model, Path) else one.root / "models/crack.safetensors"
            one.run("inspect", path, shown, "--out", one.work / f"out-{Path(model).stem}")
        a, b = (one.work / f"out-{Path(model).stem}" for one in (old, new))
        rows = table(a / "inspections.csv")
        equal = rows == table(b / "inspections.csv") and same_tree(a / "masks", b / "masks", "*")
        yield f"{Path(model).stem}: inspections and masks", equal, f"{len(rows) - 1} images"
        yield (
            f"{Path(model).stem}: overlays",
            same_tree(a / "overlays", b / "overlays", "*"),
            f"{len(_files(b / 'overlays', '*'))} files",
        )
    yield from _opened(old, new, work, shown, runs["cfgan"])


def _opened(
    old: Checkout, new: Checkout, work: Path, shown: Path, run: Path
) -> Iterator[tuple[str, bool, str]]:
    new.run("train", "--out", run, "--resume")
    yield "a run of the old version: opened to go on", True, "nothing left to do"
    half = work / "half"
    old.run("train", work / "data", "--out", half, "--steps", 25, *TINY)
    config = json.loads((half / "config.json").read_text())
    (half / "config.json").write_text(json.dumps(config | {"steps": STEPS}))
    new.run("train", "--out", half, "--resume")
    steps = [row["step"] for row in losses(half)]
    yield "a checkpoint of the old version: gone on from", max(steps) == STEPS, f"to {max(steps)}"
    model = run / "model.safetensors"
    old.run("project", "init", shown, "--domain", "crack")
    old.run("inspect", model, "--project", shown)
    first = min((shown / "damaged").glob("*.png"))
    old.run("review", shown, "--set", f"{first.relative_to(shown)}=damaged")
    asked = (("--list", "--json"), ("--statistics",))
    # The old version first: the new one brings the database up to date.
    told = [[one.run("review", shown, *words) for words in asked] for one in (old, new)]
    yield "a project of the old version: queue, statistics", told[0] == told[1], "1 verdict"
    trail = new.run("audit", shown, "--verify")
    yield "... its audit trail is whole", bool(trail), trail.strip().splitlines()[-1]


def main() -> int:
    """See the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--methods", nargs="+", default=METHODS, help="cfgan must be among them")
    given = parser.parse_args()
    good = True
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        old = Checkout(given.old, given.python, work / "old")
        new = Checkout(given.new, given.python, work / "new")
        for what, holds, figure in compare(old, new, work, given.methods):
            print(f"{'same' if holds else 'DIFFERS':8}{what}  ({figure})", flush=True)
            good &= holds
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
