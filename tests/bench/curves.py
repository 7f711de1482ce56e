"""How good a model is by the number of labelled images, on pretrained features and from scratch.

    python tests/bench/curves.py --out runs/curves [--steps 400] [--seeds 0] [SET ...]

A quarter of the groups is held out, the same for all; of the others so many images of each class
are learned from, drawn from all groups in turn. The masks are those of G. From scratch a step
costs less than half, so it gets two and a half times as many: about the same computing time.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from common import DATA, keep
from figures import model_of, report_of, write_fold

from cfinspect.engine.base.json_types import json_object
from cfinspect.engine.data.dataset import Dataset, Sample, read_folders
from cfinspect.engine.data.splits import split_by_group

SETS = {"deepcrack_tiles": "auto", "apple_fresh_rotten": "whole"}
COUNTS = (10, 30, 100, 300, 10**6)
_BACKBONES: dict[str, dict[str, object]] = {
    "pretrained": {"mask_steps": 0},
    "scratch": {"backbone": "none"},
}
_STEPS_FROM_SCRATCH = 2.5  # in the place of one on the pretrained features


def few(samples: list[Sample], count: int, seed: int) -> list[Sample]:
    """``count`` of each class, from all groups in turn."""
    rng, chosen = np.random.default_rng(seed), []
    for label in (0, 1):
        groups: dict[str, list[Sample]] = {}
        for place in rng.permutation(len(samples)):
            if samples[place].label == label:
                groups.setdefault(samples[place].group, []).append(samples[place])
        longest = max(map(len, groups.values()))
        turns = [one for turn in range(longest) for g in groups.values() for one in g[turn:][:1]]
        chosen += turns[:count]
    return chosen


def main() -> None:
    """Train, measure and print what is missing, then the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--out", type=Path, default=Path("runs/curves"))
    parser.add_argument("--steps", type=int, default=400, help="on the pretrained features")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    arguments = parser.parse_args()
    results = arguments.out / "curves.jsonl"
    arguments.out.mkdir(parents=True, exist_ok=True)
    for seed in arguments.seeds:
        for name in arguments.sets:
            dataset = read_folders([DATA / name])
            shares = {"rest": 0.75, "held_out": 0.25}
            parts = split_by_group(list(dataset.samples), shares, seed)
            rest = parts["rest"]
            most = min(sum(one.label == label for one in rest) for label in (0, 1))
            for count in sorted({min(one, most) for one in COUNTS}):
                measure(arguments, dataset, name, count, few(rest, count, seed), parts, seed)
    print("| set | images of each class | features | F1 | AUROC | IoU | flips damaged |")
    print("|---|---|---|---|---|---|---|")
    for line in results.read_text("utf-8").splitlines():
        row = json.loads(line)
        cells = [f"{row[key]:.3f}" if row[key] is not None else "-" for key in row["columns"]]
        print(f"| {row['set']} | {row['count']} | {row['features']} | {' | '.join(cells)} |")


def measure(
    arguments: argparse.Namespace,
    dataset: Dataset,
    name: str,
    count: int,
    chosen: list[Sample],
    parts: dict[str, list[Sample]],
    seed: int,
) -> None:
    """Both ways of training on ``chosen``, each unless its row stands there already."""
    results = arguments.out / "curves.jsonl"
    known = results.read_text("utf-8").splitlines() if results.exists() else []
    for features, settings in _BACKBONES.items():
        about = {"set": name, "count": count, "features": features, "seed": seed}
        if any(about.items() <= json.loads(line).items() for line in known):
            continue
        data = arguments.out / f"{name}_{count}_{seed}"
        if not (data / "labels.csv").exists():
            kept = {sample.digest for sample in chosen}
            write_fold(data, dataset, {one.digest for one in dataset.samples} - kept)
        run = f"{name}_{count}_{seed}_{features}"
        factor = _STEPS_FROM_SCRATCH if features == "scratch" else 1
        steps = round(arguments.steps * factor)
        usual = {"steps": steps, "minutes": None, "scope": SETS[name], "validation": 0.25}
        model = model_of(arguments.out, run, data, seed=seed, **usual, **settings)
        found = json_object(report_of(model, parts["held_out"]))
        keep(results, {**about, **_figures(found), "columns": list(_figures(found))})


def _figures(found: Mapping[str, object]) -> dict[str, object]:
    """The columns of the table, of an evaluation's figures."""
    places = {
        "f1": ("classification", "f1"),
        "auroc": ("classification", "auroc"),
        "iou": ("localisation", "iou"),
        "flips": ("counterfactual", "flip_rate_damaged"),
    }
    columns: dict[str, object] = {}
    for name, path in places.items():
        value: object = found
        for part in path:
            value = value.get(part) if isinstance(value, Mapping) else None
        columns[name] = value
    return columns


if __name__ == "__main__":
    main()
