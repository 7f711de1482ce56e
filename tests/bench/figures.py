"""The quality figures of RESULTS.md, measured on images that no training looked at.

    python tests/bench/figures.py --out runs/figures crack transfer photos metu apple
    python tests/bench/figures.py --out runs/figures --table

Needs the development images in ../shared/data (or CFINSPECT_DATA). Each seed is a training of its
own with its own held-out quarter of the groups: the spread is that of training and of the split.
Finished parts are kept and not measured again, so give the models of another version another --out.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from common import DATA, keep

from cfinspect.engine.base.events import Finished, Notice
from cfinspect.engine.base.json_types import json_object
from cfinspect.engine.calibration.recalibrate import calibrate
from cfinspect.engine.data.dataset import Dataset, Sample, read_folders
from cfinspect.engine.data.splits import folds_by_group
from cfinspect.engine.evaluation.evaluate import EvaluationFigures, evaluate
from cfinspect.engine.inference.inspector import Inspector
from cfinspect.engine.inference.torch_backend import load_backend
from cfinspect.engine.model.file import seen_digests
from cfinspect.engine.training.config import TrainConfig
from cfinspect.engine.training.trainer import train
from cfinspect.workflows.ablation_table import spread

SEEDS = (0, 1, 2)
CRACKS, PHOTOS, METU, APPLES = (
    DATA / name
    for name in ("deepcrack_tiles", "deepcrack_photos", "metu_concrete", "apple_fresh_rotten")
)


def model_of(out: Path, name: str, data: Path, **settings: Any) -> Path:
    """Train ``data`` into out/name unless that has been done; returns the model file."""
    run = out / name
    model = run / "model.safetensors"
    if not model.exists():
        config = TrainConfig.from_preset(
            settings.pop("preset", "balanced"), data=(str(data),), out=str(run), **settings
        )
        for event in train(config, resume=True):
            if isinstance(event, Notice | Finished):
                print(name, event, flush=True)
    return model


def crack_model(out: Path, seed: int) -> Path:
    """The balanced tile model of this seed, its own quarter of the photos held out."""
    return model_of(out, f"crack_{seed}", CRACKS, holdout=0.25, holdout_seed=seed, seed=seed)


def metu_model(out: Path, seed: int) -> Path:
    """The METU model of this seed, its own quarter held out."""
    shares = {"holdout": 0.25, "holdout_seed": seed}
    return model_of(out, f"metu_{seed}", METU, seed=seed, minutes=METU_MINUTES, **shares)


def measure(out: Path, part: str, seed: int, work: Callable[[], EvaluationFigures]) -> None:
    """Keep what ``work`` measures, unless this figure stands in the results already."""
    results = out / "figures.jsonl"
    known = results.read_text("utf-8").splitlines() if results.exists() else []
    if not any((row["part"], row["seed"]) == (part, seed) for row in map(json.loads, known)):
        keep(results, {"part": part, "seed": seed, **json_object(work())})


def report_of(model: Path, samples: list[Sample]) -> EvaluationFigures:
    """The figures of `cfinspect evaluate` over ``samples``."""
    return evaluate(Inspector(load_backend(model)), samples).figures


def unseen(data: Path, model: Path) -> list[Sample]:
    """The samples of ``data`` that this training never looked at, by content."""
    known = set(seen_digests(model).tolist())
    dataset = read_folders([data])
    return [sample for sample in dataset.samples if sample.digest not in known]


def cracks(out: Path, preset: str, name: str, seeds: tuple[int, ...] = SEEDS) -> None:
    """Tiles, a quarter of the photos held out."""
    shares = {"preset": preset, "holdout": 0.25}

    def work(seed: int) -> EvaluationFigures:
        settings = {**shares, "holdout_seed": seed, "seed": seed}
        model = model_of(out, f"{name}_{seed}", CRACKS, **settings)
        return report_of(model, unseen(CRACKS, model))

    for seed in seeds:
        measure(out, name, seed, partial(work, seed))


def transfer(out: Path, seeds: tuple[int, ...] = SEEDS) -> None:
    """Each crack source with the other's model: untouched, and after 40 labelled images."""

    def tuned(seed: int) -> EvaluationFigures:
        few, rest = forty(read_folders([CRACKS]), seed)
        model = out / f"metu_{seed}" / "calibrated.safetensors"
        calibrate(metu_model(out, seed), few, model, review_rate=0.1)
        return report_of(model, rest)

    for seed in seeds:
        parts = {
            "crack on metu": (crack_model, METU),
            "metu on crack": (metu_model, CRACKS),
        }
        for name, (model, data) in parts.items():
            work = partial(_untouched, out, seed, model, data)
            measure(out, name, seed, work)
        measure(out, "metu on crack, 40 labelled", seed, partial(tuned, seed))


def _untouched(
    out: Path, seed: int, model: Callable[[Path, int], Path], data: Path
) -> EvaluationFigures:
    return report_of(model(out, seed), list(read_folders([data]).samples))


METU_MINUTES = 3.0


def forty(dataset: Dataset, seed: int) -> tuple[Dataset, list[Sample]]:
    """40 images, half of each class, from as many photos; and all images of the other photos."""
    fold = folds_by_group(dataset.samples, 4, seed)[0]
    chosen: list[Sample] = []
    for label in (0, 1):
        groups: dict[str, list[Sample]] = {}
        for sample in fold[1]:
            if sample.label == label:
                groups.setdefault(sample.group, []).append(sample)
        turns = [s for turn in range(40) for g in groups.values() for s in g[turn : turn + 1]]
        chosen += turns[:20]
    used = {sample.group for sample in chosen}
    rest = [sample for sample in dataset.samples if sample.group not in used]
    return Dataset(tuple(chosen), (), dataset.names), rest


def photos(out: Path, seeds: tuple[int, ...] = SEEDS) -> None:
    """Whole photos of the held-out groups through the tile model."""

    def work(seed: int) -> EvaluationFigures:
        model = crack_model(out, seed)
        groups = {sample.group for sample in unseen(CRACKS, model)}
        dataset = read_folders([PHOTOS], allow_one_class=True)
        return report_of(model, [s for s in dataset.samples if s.group in groups])

    for seed in seeds:
        measure(out, "photos", seed, partial(work, seed))


def metu(out: Path, seeds: tuple[int, ...] = SEEDS) -> None:
    """METU on its own held-out quarter."""

    def work(seed: int) -> EvaluationFigures:
        model = metu_model(out, seed)
        return report_of(model, unseen(METU, model))

    for seed in seeds:
        measure(out, "metu", seed, partial(work, seed))


def apples(out: Path, _seeds: tuple[int, ...]) -> None:
    """Five folds by group: every apple is tested once, by a model that never saw it."""
    dataset = read_folders([APPLES])
    for number, (_, test) in enumerate(folds_by_group(dataset.samples, 5, 0)):
        measure(out, "apple", number, partial(_fold, out, number, dataset, test))


APPLE_MINUTES = 1.5


def _fold(out: Path, number: int, dataset: Dataset, test: list[Sample]) -> EvaluationFigures:
    data = out / f"apple_fold_{number}"
    if not (data / "labels.csv").exists():
        write_fold(data, dataset, {sample.digest for sample in test})
    model = model_of(out, f"apple_{number}", data, minutes=APPLE_MINUTES, scope="whole")
    return report_of(model, test)


def write_fold(data: Path, dataset: Dataset, left_out: set[int]) -> None:
    """A data folder of links to the images of a fold's training part."""
    rows = ["filename,label,group"]
    for sample in dataset.samples:
        if sample.digest in left_out:
            continue
        folder = ("undamaged", "damaged")[sample.label]
        (data / folder).mkdir(parents=True, exist_ok=True)
        link = data / folder / sample.path.name
        if not link.is_symlink():
            link.symlink_to(sample.path)
        rows.append(f'{folder}/{sample.path.name},{folder},"{sample.group}"')
    (data / "labels.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def table(out: Path) -> None:
    """Mean and range over seeds of all parts measured so far."""
    rows: dict[str, dict[int, dict[str, Any]]] = {}
    for line in (out / "figures.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        rows.setdefault(row["part"], {})[row["seed"]] = row
    columns = (
        ("F1", "classification", "f1"),
        ("AUROC", "classification", "auroc"),
        ("IoU", "localisation", "iou"),
        ("oracle IoU", "localisation", "oracle_iou"),
        ("flip d->u", "counterfactual", "flip_rate_damaged"),
        ("flip u->d", "counterfactual", "flip_rate_undamaged"),
        ("errors in review", "review", "errors_caught"),
    )
    print("| part | runs | " + " | ".join(title for title, *_ in columns) + " |")
    print("|---" * (len(columns) + 2) + "|")
    for part, seeds in rows.items():
        cells = [spread(r[group][name] for r in seeds.values()) for _, group, name in columns]
        print(f"| {part} | {len(seeds)} | " + " | ".join(cells) + " |")


def main() -> None:
    """Run the parts named on the command line."""
    parts = {
        "crack": lambda out, seeds: cracks(out, "balanced", "crack", seeds),
        "fast": lambda out, seeds: cracks(out, "fast", "fast", seeds),
        "transfer": transfer,
        "photos": photos,
        "metu": metu,
        "apple": apples,
    }
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[*parts, []])
    parser.add_argument("--out", type=Path, default=Path("runs/figures"))
    parser.add_argument("--seeds", type=int, nargs="*", default=list(SEEDS))
    parser.add_argument("--table", action="store_true", help="print the table and stop")
    arguments = parser.parse_args()
    for part in arguments.parts:
        parts[part](arguments.out, tuple(arguments.seeds))
    table(arguments.out)


if __name__ == "__main__":
    main()
