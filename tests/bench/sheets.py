"""What the shipped models do on drawn images: the median and the worst tenth, not the best.

    python tests/bench/sheets.py .github/pictures/models.jpg

Image, counterfactual, saliency and mask of damaged images of each domain, drawn with a seed that
no training had, ordered by the IoU of the mask: three about the median, three of the worst tenth.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.inference.inspector import Inspector
from cfinspect.engine.inference.torch_backend import load_backend
from cfinspect.engine.plots.pictures import sample_rows
from cfinspect.engine.synth import SynthImage, make_apple, make_crack
from cfinspect.resources import shipped_models

_COUNT, _SEED, _SHOWN = 60, 909, 3
_SIDE = {"crack": 128, "apple": 160}


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    sheets = [sheet(kind) for kind in ("crack", "apple")]
    wide = max(one.shape[1] for one in sheets)
    padded = [
        cv2.copyMakeBorder(one, 0, 0, 0, wide - one.shape[1], cv2.BORDER_CONSTANT, value=(255,) * 3)
        for one in sheets
    ]
    whole = np.vstack(padded)[..., ::-1]
    cv2.imwrite(str(parser.parse_args().out), whole, [cv2.IMWRITE_JPEG_QUALITY, 80])


def sheet(kind: str) -> NDArray[np.uint8]:
    """The rows of one domain, RGB."""
    drawn = [draw(kind, index) for index in range(_COUNT)]
    inspector = Inspector(load_backend(shipped_models()[kind], device="cpu"), batch=20)
    found = list(inspector.inspect_many([one.image for one in drawn]))
    ious = [
        float((one.mask & truth.mask).sum() / max(1, (one.mask | truth.mask).sum()))
        for one, truth in zip(found, drawn, strict=True)
    ]
    order = np.argsort(ious)
    middle, tenth = _COUNT // 2, _COUNT // 10
    rows = [*order[middle - 1 : middle + 2], *order[:tenth:2][:_SHOWN]]
    print(kind, f"IoU: mean {np.mean(ious):.3f}, shown {[round(ious[row], 2) for row in rows]}")
    return sample_rows(
        [drawn[row].image for row in rows],
        [found[row].counterfactual for row in rows],
        [found[row].saliency for row in rows],
        [found[row].mask for row in rows],
        [f"{kind} {row}, IoU {ious[row]:.2f}, score {found[row].score:.2f}" for row in rows],
    )


def draw(kind: str, index: int) -> SynthImage:
    """A damaged image of a seed of its own."""
    make = make_crack if kind == "crack" else make_apple
    return make(np.random.default_rng([_SEED, index]), _SIDE[kind], True)


if __name__ == "__main__":
    main()
