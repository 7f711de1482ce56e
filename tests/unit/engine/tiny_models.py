"""A model that is made at once: its networks are untrained and as small as can be."""

from __future__ import annotations

import numpy as np

from cfinspect.engine.model.file import Model
from cfinspect.engine.model.metadata import Decision, ModelMetadata, Preprocessing
from cfinspect.engine.networks.discriminators import make_discriminator
from cfinspect.engine.networks.generators import make_generator
from cfinspect.engine.networks.spec import NetworkSpec


def tiny_model() -> Model:
    """For squares of 32 px; it has seen two images."""
    generator = NetworkSpec("unet", {"width": 4, "stem": 2, "gate": True})
    discriminator = NetworkSpec("compact", {"width": 4})
    metadata = ModelMetadata(
        created="2026-01-01T00:00:00+00:00",
        cfinspect_version="0.1.0",
        generator=generator,
        discriminator=discriminator,
        preprocessing=Preprocessing(size=32),
        decision=Decision(score_threshold=0.4),
    )
    seen = np.array([2**64 - 1, 5], dtype=np.uint64)
    nets = make_generator("unet", width=4), make_discriminator("compact", width=4)
    return Model(*nets, metadata=metadata, seen=seen)
