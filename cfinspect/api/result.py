"""What a model says about one image, as a Python program or a notebook sees it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.images import resize_image
from cfinspect.engine.inference.inspector import Inspection
from cfinspect.engine.inference.tiling import resize_map
from cfinspect.engine.plots.pictures import sample_rows

_SHOWN_SIDE = 320  # px: four of them fit side by side into a notebook


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """What a model says about one image of H x W px.

    ``name``: what the image is called: the path as given, or relative to the inspected folder with
    forward slashes; "" for arrays and Pillow images that have no file.
    ``image``: (H, W, 3) uint8 RGB, upright, as it was inspected.
    ``label``: "undamaged" or "damaged", or the defect class where the model knows several; for a
    model that was trained on folders of other names these are its two ``classes``.
    ``damaged``: whether it is any but undamaged.
    ``score``: 0..1, how damaged; ``damaged`` from the model's score threshold on.
    ``p_fake``: 0..1, how unlike the training images it looks.
    ``review``: whether a human should look; ``review_reason`` says why, "" where nobody needs to.
    ``mask``: (H, W) bool, where the damage is; all False when undamaged.
    ``saliency``: (H, W) float32 in 0..1, the change from the image to its counterfactual.
    ``counterfactual``: (H, W, 3) uint8 RGB, the image changed so that it would get the other label.
    ``area_fraction``: 0..1, the share of the pixels that are in the mask.
    ``scores``: of each defect class, 0..1; empty where the model knows one kind of damage only.
    ``unlikeness``: how unlike the images that the model learned from it looks, from 0 on; hardly
    any image of their kind is above 1. None where the model cannot tell: only models that look
    through the pretrained backbone can.

    >>> import cfinspect
    >>> result = cfinspect.load("crack").inspect("wall.png")
    >>> result.label, result.damaged, result.review_reason == "" or result.review
    ('damaged', True, True)
    >>> result.mask.shape == result.saliency.shape == result.image.shape[:2]
    True
    >>> result.mask.dtype, result.saliency.dtype, result.counterfactual.dtype
    (dtype('bool'), dtype('float32'), dtype('uint8'))
    >>> 0 <= result.p_fake <= 1 and 0.5 < result.score <= 1
    True

    In a notebook a result shows itself: image, counterfactual, saliency and mask side by side.
    """

    name: str
    image: NDArray[np.uint8]
    label: str
    damaged: bool
    score: float
    p_fake: float
    review: bool
    review_reason: str
    mask: NDArray[np.bool_]
    saliency: NDArray[np.float32]
    counterfactual: NDArray[np.uint8]
    area_fraction: float
    scores: Mapping[str, float] = field(default_factory=dict)
    unlikeness: float | None = None

    def __repr__(self) -> str:
        height, width = self.mask.shape
        review = f", review: {self.review_reason}" if self.review else ""
        return (
            f"<Result {self.name or 'image'} ({height} x {width}): {self.label}, "
            f"score {self.score:.2f}, p_fake {self.p_fake:.2f}{review}>"
        )

    def _repr_png_(self) -> bytes:
        """A PNG file of image, counterfactual, saliency and mask, for notebooks.

        >>> import cfinspect
        >>> cfinspect.load("crack").inspect("wall.png")._repr_png_()[:4]
        b'\\x89PNG'
        """
        from PIL import Image  # noqa: PLC0415  (only where it is shown)

        height, width = self.mask.shape
        scale = min(1.0, _SHOWN_SIDE / max(height, width))
        size = (max(1, round(height * scale)), max(1, round(width * scale)))
        # Any marked pixel shows: a crack of one pixel must not vanish from a small picture.
        mask = resize_map(self.mask.astype(np.float32), *size) > 0
        sheet = sample_rows(
            [resize_image(self.image, size)],
            [resize_image(self.counterfactual, size)],
            [resize_map(self.saliency, *size)],
            [mask],
            [f"{self.label}, score {self.score:.2f}, p_fake {self.p_fake:.2f}"],
        )
        file = io.BytesIO()
        Image.fromarray(sheet).save(file, "PNG")
        return file.getvalue()


def result_of(
    name: str, image: NDArray[np.uint8], found: Inspection, classes: tuple[str, str]
) -> Result:
    """The public view of an inspection; ``classes``: the model's words for its two labels."""
    return Result(
        name=name,
        image=image,
        label=found.defect_class or classes[found.label],
        damaged=bool(found.label),
        score=found.score,
        p_fake=found.p_fake,
        review=found.review,
        review_reason=found.reason,
        mask=found.mask,
        saliency=found.saliency,
        counterfactual=found.counterfactual,
        area_fraction=found.area_fraction,
        scores={kind: own.score for kind, own in found.defect_classes.items()},
        unlikeness=found.unlikeness,
    )
