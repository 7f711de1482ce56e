"""D of a converted model as what explainers ask; needs no torch."""

from __future__ import annotations

import numpy as np

from cfinspect.engine.explain.protocol import Images, Maps
from cfinspect.engine.inference.onnx_backend import OnnxBackend
from cfinspect.engine.metrics.probability import logit


class ConvertedClassifier:
    """A ``BlackBox``: D of a converted model, with the model's threshold."""

    def __init__(self, backend: OnnxBackend, name: str) -> None:
        self.name = name
        self.size = backend.metadata.preprocessing.size
        self.device = backend.device
        self.limit = float(logit(backend.metadata.decision.score_threshold))
        self._backend = backend

    def ask(self, images: Images | Maps) -> Maps:
        """See ``BlackBox``; its graph takes bytes."""
        shown = images if images.dtype == np.uint8 else np.rint(images * np.float32(255))
        logits = self._backend.logits(shown.astype(np.uint8, copy=False))
        temperature = np.float32(self._backend.metadata.decision.temperature)
        found: Maps = (logits[:, 1] - logits[:, 0]) / temperature
        return found

    def free_memory(self) -> None:
        """See ``BlackBox``; the graph's memory is bounded anyway."""
