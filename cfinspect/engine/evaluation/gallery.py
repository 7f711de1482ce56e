"""Which images a report shows: the best, the middling and the worst, and the errors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.images import ImageError, read_image
from cfinspect.engine.evaluation.evaluate import EvaluatedImage
from cfinspect.engine.inference.inspector import Inspector
from cfinspect.engine.plots.pictures import sample_rows

_EACH = 4
_SIDE = 192  # px in the report


def choose(rows: Sequence[EvaluatedImage]) -> dict[str, list[int]]:
    """Places in ``rows`` (as ``evaluate`` gives them) by heading; headings without any left out."""
    located = sorted(
        (i for i, row in enumerate(rows) if row.iou is not None),
        key=lambda i: -(rows[i].iou or 0.0),
    )
    middle = max(0, len(located) // 2 - _EACH // 2)
    wrong = [i for i, row in enumerate(rows) if _wrong(row)]
    missed = sorted((i for i in wrong if rows[i].label == 1), key=lambda i: rows[i].score or 0.0)
    alarms = sorted((i for i in wrong if rows[i].label == 0), key=lambda i: -(rows[i].score or 0.0))
    found = {
        "Masks that fit best": located[:_EACH],
        "Masks in the middle": located[middle : middle + _EACH],
        "Masks that fit worst": located[::-1][:_EACH],
        "Damage missed, the surest first": missed[:_EACH],
        "False alarms, the surest first": alarms[:_EACH],
    }
    return {heading: places for heading, places in found.items() if places}


def _wrong(row: EvaluatedImage) -> bool:
    return row.score is not None and row.predicted != row.label


def galleries(
    inspector: Inspector, rows: Sequence[EvaluatedImage], paths: Sequence[Path]
) -> dict[str, NDArray[np.uint8]]:
    """A picture (H, W, 3) for each heading of ``choose``; ``paths``: the files of ``rows``."""
    result = {}
    for heading, places in choose(rows).items():
        kept = []
        for place in places:
            try:
                kept.append((rows[place], read_image(paths[place])))
            except ImageError:
                continue
        found = list(inspector.inspect_many([image for _, image in kept]))
        if not found:
            continue
        captions = [
            f"{Path(row.file).name}   score {row.score:.2f}"
            + ("" if row.iou is None else f"   IoU {row.iou:.2f}")
            for row, _ in kept
        ]
        result[heading] = sample_rows(
            [_small(image) for _, image in kept],
            [_small(one.counterfactual) for one in found],
            [_small(one.saliency) for one in found],
            [_small(one.mask.astype(np.float32)) >= 0.5 for one in found],
            captions,
        )
    return result


def _small(array: NDArray[Any]) -> NDArray[Any]:
    height, width = array.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(array, size, interpolation=cv2.INTER_AREA))
