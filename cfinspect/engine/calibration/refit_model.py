"""The torch half of `head_refit`: what D sees in labelled images, and a model with a refitted D."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from cfinspect.engine.base.images import resize_image
from cfinspect.engine.calibration.head_refit import HeadRefit
from cfinspect.engine.inference.forward import attended_answers
from cfinspect.engine.inference.torch_backend import TorchBackend
from cfinspect.engine.model.file import Model
from cfinspect.engine.networks.multi_class import backbone_of, make_networks
from cfinspect.engine.networks.projected import (
    Heads,
    ProjectedDiscriminator,
    ProjectedGenerator,
)


class CloserLook(NamedTuple):
    """What D says of an image, and from which features: ``logits`` (3,), ``features`` (C,)."""

    logits: NDArray[np.float32]
    features: NDArray[np.float32]


def can_be_refitted(model: Model) -> bool:
    """Whether D looks through the pretrained backbone."""
    return isinstance(model.discriminator, ProjectedDiscriminator)


def look_closer(backend: TorchBackend, image: NDArray[np.uint8]) -> CloserLook:
    """D's logits and features of ``image`` (H, W, 3), seen as a whole."""
    pre, discriminator = backend.metadata.preprocessing, backend.discriminator
    assert isinstance(discriminator, ProjectedDiscriminator)
    square = resize_image(image, pre.size)[None]
    logits, features = attended_answers(discriminator, square, backend.device, pre.tta)
    return CloserLook(logits[0], features[0])


def refitted(model: Model, refit: HeadRefit) -> Model:
    """A new model whose D, and what G goes by, have learned ``refit``; its slope is left out."""
    spec = model.metadata.discriminator
    spec = dataclasses.replace(spec, kwargs={**spec.kwargs, "refit": 1})
    metadata = dataclasses.replace(model.metadata, discriminator=spec)
    networks = make_networks(metadata.generator, spec, 0, backbone_of(model.discriminator))
    for old, new in zip((model.generator, model.discriminator), networks, strict=True):
        own = new.state_dict()
        kept = {name: value.to("cpu") for name, value in old.state_dict().items()}
        for name in own.keys() - kept.keys():
            kept[name] = torch.zeros_like(own[name])
        new.load_state_dict(kept)
        new.eval()
        for heads in _heads(new):
            assert heads.refit is not None
            with torch.no_grad():
                heads.refit.weight += torch.from_numpy(refit.weight).float()
            heads.lean(refit.shift)
    return dataclasses.replace(
        model, generator=networks[0], discriminator=networks[1], metadata=metadata
    )


def _heads(network: torch.nn.Module) -> Sequence[Heads]:
    if isinstance(network, ProjectedGenerator):
        return [network.blame]
    return [network.heads] if isinstance(network, ProjectedDiscriminator) else []
