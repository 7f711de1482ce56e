"""Settings of ACE compared on the validation images of a run: how its defaults were chosen.

    python tests/bench/ace.py runs/first runs/ddpm/model.safetensors "" margin=1 tau=3,step=1

Each further word is one setting, options of ``cfinspect explain`` with commas; "" are the
defaults. For every one: whether the filter alone keeps the verdicts of all validation images that
the classifier has right, then flips and COUT on some of them. Validation images chose the
classifier's threshold, but neither model learned from them if both were trained with the same seed
and share held out; the held-out part decides nothing here.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cfinspect.cli.ace_options import read_ace
from cfinspect.engine.base.events import CancelToken
from cfinspect.engine.base.progress import Progress
from cfinspect.engine.evaluation.explainer_benchmark import cout, run
from cfinspect.engine.evaluation.sampling import Squares
from cfinspect.engine.explain.ace import Ace
from cfinspect.engine.explain.classifier import Classifier
from cfinspect.engine.explain.factory import open_classifier, open_denoiser, require_layers
from cfinspect.engine.training.config import TrainConfig
from cfinspect.engine.training.training_data import TrainingData, gather
from cfinspect.workflows.explainer_trial import verdicts_kept

BATCH = 16


def validation(run: Path) -> TrainingData:
    """What the run's own training took for validation."""
    config = TrainConfig.from_dict(json.loads((run / "config.json").read_text()))
    reading = gather(config, CancelToken())
    while True:
        try:
            next(reading)
        except StopIteration as end:
            data: TrainingData = end.value
            return data


def figures(ace: Ace, classifier: Classifier, right: Squares, count: int) -> dict[str, Any]:
    """Of one setting; ``count`` images are explained."""
    order = np.random.default_rng(0).permutation(len(right.images))
    own = [order[right.labels[order] == label][: count // 2] for label in (0, 1)]
    chosen = np.concatenate(own)
    asked = squares(right.images[chosen], right.labels[chosen])
    found = run(ace, asked, BATCH, Progress())
    assert found.pictures is not None and found.flipped is not None
    flipped, damaged = found.flipped, asked.labels == 1
    change = np.abs(found.pictures[flipped].astype(np.float32) - asked.images[flipped]) / 255
    return {
        "kept": verdicts_kept(ace, right, Progress()),
        "of": len(right.images),
        "flips_damaged": float(flipped[damaged].mean()),
        "flips_undamaged": float(flipped[~damaged].mean()),
        "cout": float(cout(classifier, asked.images, found.pictures, 1 - asked.labels).mean()),
        "change": float(change.mean()) if flipped.any() else None,
        "passes": found.evaluations,
        "seconds": found.seconds,
    }


def squares(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> Squares:
    """Without files or groups."""
    return Squares(images, labels, (), 0)


def main() -> None:
    """Print one JSON object a setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("diffusion", type=Path)
    parser.add_argument("settings", nargs="+")
    parser.add_argument("--images", type=int, default=48)
    given = parser.parse_args()
    data = validation(given.run)
    opened = open_classifier(given.run / "model.safetensors", "cpu", "auto", None)
    classifier = require_layers(opened.classifier, "ace")
    said = classifier.ask(data.validation) >= classifier.limit
    right = said == (data.validation_labels == 1)
    known = squares(data.validation[right], data.validation_labels[right])
    for text in given.settings:
        settings = read_ace([word for word in text.split(",") if word])
        denoiser, size = open_denoiser(given.diffusion, "cpu", "auto", settings)
        ace = Ace(classifier, denoiser, size, settings)
        found = figures(ace, classifier, known, given.images)
        print(json.dumps({"settings": text, **found}), flush=True)


if __name__ == "__main__":
    main()
