"""The figures of the shipped models on photos that they never learned from.

    python tests/bench/shipped.py [--pictures FOLDER] [crack] [apple]

Needs the development images in ../shared/data (or CFINSPECT_DATA). While the drawing of training
images was being worked out, half of the groups of two sets (``developed on``) were looked at; the
other half (``untouched``) was measured twice, at the ends of two rounds of work. Of METU the
quarter that the recipe holds out. Brackets: 95 % interval, bootstrapped over groups.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from common import DATA

from cfinspect.engine.base.images import read_image, write_png
from cfinspect.engine.data.dataset import Sample, read_folders
from cfinspect.engine.evaluation.evaluate import EvaluationFigures, evaluate
from cfinspect.engine.inference.inspector import Inspector
from cfinspect.engine.inference.torch_backend import load_backend
from cfinspect.engine.metrics.classification import Interval
from cfinspect.engine.model.file import seen_digests
from cfinspect.engine.plots.pictures import sample_rows
from cfinspect.resources import shipped_models

SETS = (
    ("crack", "deepcrack_tiles"),
    ("crack", "metu_concrete"),
    ("crack", "deepcrack_photos"),
    ("apple", "apple_fresh_rotten"),
    ("apple", "apple_rot_masks_web"),
)
_HALVED = {"deepcrack_tiles", "apple_fresh_rotten"}
_SEED = 5  # of the halves; fixed before the first look


def halves(samples: list[Sample]) -> dict[str, list[Sample]]:
    """Both halves of the groups, by name."""
    groups = sorted({sample.group for sample in samples})
    np.random.default_rng(_SEED).shuffle(groups)
    untouched = set(groups[1::2])
    return {
        "untouched": [sample for sample in samples if sample.group in untouched],
        "developed on": [sample for sample in samples if sample.group not in untouched],
        "all": samples,
    }


def main() -> None:
    """Print the table; write pictures where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", help="of these models alone")
    parser.add_argument("--pictures", type=Path)
    arguments = parser.parse_args()
    print("| model | images | n | F1 | AUROC | IoU | flips damaged->undamaged | in review |")
    print("|---|---|---|---|---|---|---|---|")
    for kind, name in SETS:
        if arguments.kinds and kind not in arguments.kinds:
            continue
        model = shipped_models()[kind]
        known = set(seen_digests(model).tolist())
        dataset = read_folders([DATA / name], allow_one_class=True)
        samples = [s for s in dataset.samples if s.digest not in known]
        parts = halves(samples) if name in _HALVED else {"unseen": samples}
        inspector = Inspector(load_backend(model), batch=32)
        for part, chosen in parts.items():
            print(row(kind, f"{name}, {part}", evaluate(inspector, chosen).figures, chosen))
        if arguments.pictures is not None:
            picture(arguments.pictures / f"{name}.png", inspector, samples)


def row(kind: str, title: str, figures: EvaluationFigures, chosen: list[Sample]) -> str:
    """One line of the table."""
    said = figures.classification
    both = {sample.label for sample in chosen} == {0, 1}

    def sure(value: float | None, ends: Interval) -> str:
        if not both or value is None:
            return "-"
        return f"{value:.3f}" + (f" ({ends[0]:.3f} to {ends[1]:.3f})" if ends else "")

    def plain(value: float | None) -> str:
        return "-" if value is None else f"{value:.3f}"

    f1, auroc = sure(said.f1, said.ci95.f1), sure(said.auroc, said.ci95.auroc)
    cells = (kind, title, str(len(chosen)), f1, auroc)
    flips = plain(figures.counterfactual.flip_rate_damaged)
    rest = (plain(figures.localisation.figures.iou), flips, plain(figures.review.rate))
    return "| " + " | ".join((*cells, *rest)) + " |"


def picture(path: Path, inspector: Inspector, samples: list[Sample]) -> None:
    """Rows of image, counterfactual, saliency and mask: every eighth of the damaged, two sound."""
    damaged = [sample for sample in samples if sample.label == 1]
    sound = [sample for sample in samples if sample.label == 0]
    chosen = damaged[:: max(1, len(damaged) // 10)][:10] + sound[:: max(1, len(sound) // 2)][:2]
    images = [read_image(sample.path) for sample in chosen]
    found = list(inspector.inspect_many(images))
    captions = [
        f"{sample.path.stem[:24]} {('undamaged', 'damaged')[sample.label]}, score {one.score:.2f}"
        for sample, one in zip(chosen, found, strict=True)
    ]
    parts = ([one.counterfactual for one in found], [one.saliency for one in found])
    sheet = sample_rows(images, *parts, [one.mask for one in found], captions)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_png(path, sheet)


if __name__ == "__main__":
    main()
