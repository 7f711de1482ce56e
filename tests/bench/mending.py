"""What a counterfactual changes beside the damage: grey levels outside of the true mask.

    python tests/bench/mending.py MODEL SET

SET is a folder of the data sets with masks. Counted are damaged images, at their own resolution,
and of them the pixels farther than three from the mask. *Change*: the mean over red, green and blue
of |x - x'|, of 255.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from common import DATA

from cfinspect.engine.base.images import read_image
from cfinspect.engine.data.dataset import read_folders
from cfinspect.engine.data.mask_values import read_mask
from cfinspect.engine.inference.inspector import Inspector
from cfinspect.engine.inference.torch_backend import load_backend
from cfinspect.engine.model.file import seen_digests

_ASIDE = np.ones((7, 7), np.uint8)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("set")
    arguments = parser.parse_args()
    inspector = Inspector(load_backend(arguments.model))
    seen = set(seen_digests(arguments.model).tolist())
    means, high = [], []
    for sample in read_folders([DATA / arguments.set], allow_one_class=True).samples:
        if sample.mask is None or not sample.label or sample.digest in seen:
            continue
        image = read_image(sample.path)
        found = inspector.inspect(image)
        near = cv2.dilate(read_mask(sample.mask).astype(np.uint8), _ASIDE) > 0
        change = np.abs(image.astype(np.float32) - found.counterfactual).mean(axis=2)[~near]
        means.append(float(change.mean()))
        high.append(float(np.percentile(change, 95)))
    print(f"{arguments.set}, {len(means)} images, change outside of the mask in grey levels")
    for name, values in (("mean", means), ("95th percentile of the pixels", high)):
        each = np.array(values)
        print(
            f"{name}: {each.mean():.2f} on average, {np.median(each):.2f} in the middle; below "
            f"10 on {(each < 10).mean():.0%} of the images, below 2 on {(each < 2).mean():.0%}"
        )


if __name__ == "__main__":
    main()
