"""How far `calibrate` brings a model on another camera, by the number of labelled images.

    python tests/bench/calibrating.py MODEL SET [--draws 20]

SET is a folder of the data sets with groups. Each draw parts its groups in halves: as many images
of each class are taken from one half, and F1 is that on all images of the other. "threshold" is
what calibration does to a model from scratch: temperature and score threshold alone.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from common import DATA
from numpy.typing import NDArray

from cfinspect.engine.base.images import read_image, resize_image
from cfinspect.engine.calibration.fit import fit_score_threshold
from cfinspect.engine.calibration.head_refit import cross_validated, refit_head
from cfinspect.engine.data.dataset import read_folders
from cfinspect.engine.inference.inspector import says_damaged
from cfinspect.engine.inference.torch_backend import load_backend
from cfinspect.engine.metrics.classification import auroc
from cfinspect.engine.model.metadata import Decision

COUNTS = (10, 20, 40, 100, 400)


def f1(labels: NDArray[np.int64], said: NDArray[np.bool_]) -> float:
    """2 TP / (2 TP + FP + FN)."""
    return float(2 * (said & (labels == 1)).sum() / max(1, said.sum() + (labels == 1).sum()))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("set")
    parser.add_argument("--draws", type=int, default=20)
    arguments = parser.parse_args()
    backend = load_backend(arguments.model)
    old = backend.metadata.decision
    samples = read_folders([DATA / arguments.set]).samples
    size = backend.metadata.preprocessing.size
    squares = [resize_image(read_image(sample.path), size)[None] for sample in samples]
    looks = [backend.look_closer(square) for square in squares]
    logits = np.concatenate([look.logits for look in looks])
    features = np.concatenate([look.features for look in looks])
    labels = np.array([sample.label for sample in samples])
    groups = np.array([sample.group for sample in samples])
    margin = logits[:, 1] - logits[:, 0]
    said = says_damaged(logits, old)
    print(f"as it is: F1 {f1(labels, said):.3f}, AUROC {auroc(labels, margin):.3f}, {len(labels)}")
    print("| labelled images | threshold alone: F1 | refitted: F1 | AUROC | AUROC before |")
    print("|---|---|---|---|---|")
    for count in COUNTS:
        rows = []
        for draw in range(arguments.draws):
            rng = np.random.default_rng(draw)
            names = rng.permutation(np.unique(groups))
            near = np.isin(groups, names[: len(names) // 2])
            chosen = np.concatenate(
                [
                    rng.permutation(np.flatnonzero(near & (labels == label)))[: count // 2]
                    for label in (0, 1)
                ]
            )
            known = (margin[chosen], features[chosen], labels[chosen], groups[chosen].tolist())
            temperature, threshold = fit_score_threshold(logits[chosen], labels[chosen], old)
            alone = Decision(temperature=temperature, score_threshold=threshold)
            refit = refit_head(*known)
            elsewhere = logits[chosen].copy()
            elsewhere[:, 1] += cross_validated(*known) - margin[chosen]
            start = Decision(temperature=1 / refit.slope)
            temperature, threshold = fit_score_threshold(elsewhere, labels[chosen], start)
            new = logits.copy()
            new[:, 1] += refit.moved(margin, features) - margin
            after = Decision(temperature=temperature, score_threshold=threshold)
            far = ~near
            rows.append(
                (
                    f1(labels[far], says_damaged(logits[far], alone)),
                    f1(labels[far], says_damaged(new[far], after)),
                    auroc(labels[far], new[far, 1] - new[far, 0]),
                    auroc(labels[far], margin[far]),
                )
            )
        table = np.array(rows, dtype=float)
        cells = [
            f"{column.mean():.3f} ({column.min():.3f} to {column.max():.3f})" for column in table.T
        ]
        print(f"| {count} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
