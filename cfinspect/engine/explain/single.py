"""One image at hand, explained by a method's name."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.images import resize_image
from cfinspect.engine.explain.factory import classifier_of, make_explainer
from cfinspect.engine.inference.inspector import Inspector
from cfinspect.engine.inference.tiling import resize_map


def saliency_by(
    method: str, inspector: Inspector, name: str, image: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """What speaks for the verdict on ``image`` (H, W, 3) by a method of `make_explainer`.

    ``name``: of the model, for messages. Returns (H, W) in [0, 1]. Raises CfinspectError for a
    method that there is not, or that cannot explain this model, and for photos in windows.
    """
    backend = inspector.backend
    if method == "ace":
        raise CfinspectError("ace needs a diffusion model: 'cfinspect explain --method ace'")
    if backend.metadata.asks_each_class:
        raise CfinspectError(
            f"{name} has a G and a D for each of several defect classes, which no method explains "
            "at once"
        )
    opened = classifier_of(backend, name)
    if opened is None:
        raise CfinspectError(f"{name} is no model of cfinspect's own, which alone are explained")
    if inspector.is_photo(image):
        raise CfinspectError(
            "a photo that is looked at through windows is not explained: cut it into tiles "
            "('cfinspect tile')"
        )
    asked, explainer = opened.classifier, make_explainer(method, opened)
    odds = asked.ask(resize_image(image, asked.size)[None])
    other = (odds < asked.limit).astype(np.int64)
    found = explainer.explain(resize_image(image, explainer.size)[None], other)
    height, width = image.shape[:2]
    return np.clip(resize_map(found.saliency[0], height, width), 0, 1).astype(np.float32)
