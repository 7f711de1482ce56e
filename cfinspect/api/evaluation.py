"""Evaluate a model on labelled images."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path

from cfinspect.api.model import AnyPath, Model, load
from cfinspect.engine.data.dataset import read_folders
from cfinspect.engine.evaluation.evaluate import Evaluation, EvaluationError
from cfinspect.engine.evaluation.evaluate import evaluate as evaluate_samples
from cfinspect.engine.model.file import seen_digests


def evaluate(
    model: Model | AnyPath,
    data: AnyPath | Sequence[AnyPath],
    *,
    unseen: bool = False,
    undamaged: str | None = None,
    damaged: str | None = None,
) -> Evaluation:
    """Inspect labelled images and compare the answers with their labels and masks.

    ``model``: a loaded one, or what ``load`` takes. ``data``: a folder with undamaged/ and
    damaged/ (or good/bad, ok/ng, ...; with masks/ where damage is marked), or several such folders.
    ``unseen``: only images that the model's training and validation never looked at.
    ``undamaged``, ``damaged``: names of the class folders where they are other words.

    Gives an ``Evaluation``: ``figures``, those of classification, localisation,
    counterfactuals and review, ``rows`` with the answer for each image. A UserWarning says when the
    model has seen some of the images in training: the figures flatter it.

    Raises DataError where a folder cannot be used, EvaluationError where no image is left, and what
    ``load`` raises.

    >>> import cfinspect
    >>> found = cfinspect.evaluate("crack", "walls")
    >>> found.figures.classification.auroc > 0.9
    True
    """
    if not isinstance(model, Model):
        with load(model) as opened:
            return evaluate(opened, data, unseen=unseen, undamaged=undamaged, damaged=damaged)
    folders = [data] if isinstance(data, str | os.PathLike) else data
    dataset = read_folders(
        [Path(folder) for folder in folders],
        undamaged=undamaged,
        damaged=damaged,
        defect_classes=model.defect_classes,
        allow_one_class=True,
    )
    known = {int(digest) for digest in seen_digests(model.path)}
    fresh = [sample for sample in dataset.samples if sample.digest not in known]
    seen = len(dataset.samples) - len(fresh)
    if unseen and not fresh:
        raise EvaluationError(
            f"The model has seen all {seen} images in training or validation: give others, or "
            "train with holdout=0.2 to keep some back."
        )
    if seen and not unseen:
        warnings.warn(
            f"the model has seen {seen} of these {len(dataset.samples)} images in training or "
            "validation, so the figures flatter it: use unseen=True, or other images",
            UserWarning,
            stacklevel=2,
        )
    return evaluate_samples(model.inspector, fresh if unseen else dataset.samples)
