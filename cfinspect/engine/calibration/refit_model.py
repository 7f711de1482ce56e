"""The torch half of `head_refit`: what D sees in labelled images, and a model with a refitted D."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from cfinspect.engine.base.images import resize_image
from cfinspect.engine.calibration.head_refit import HeadRefit
from cfinspect.engine.inference.forward import attended_answers
from cfinspect.engine.inference.inspector import Inspector
from cfinspect.engine.inference.tiling import WindowGrid, pad_to
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


def look_closer(backend: TorchBackend, image: NDArray[np.uint8], batch: int = 64) -> CloserLook:
    """D's logits and features of ``image`` (H, W, 3); those of its worst window if it is large."""
    pre = backend.metadata.preprocessing
    discriminator = backend.discriminator
    assert isinstance(discriminator, ProjectedDiscriminator)
    if not Inspector(backend).is_photo(image):
        squares = [resize_image(image, pre.size)]
    else:
        padded, tile = pad_to(image, pre.tile), pre.tile
        squares = [
            resize_image(padded[w.y : w.y + tile, w.x : w.x + tile], pre.size)
            for w in WindowGrid(padded.shape[0], padded.shape[1], tile)
        ]
    waiting, rows = iter(squares), []
    while chunk := list(islice(waiting, batch)):
        rows.append(attended_answers(discriminator, np.stack(chunk), backend.device, pre.tta))
    logits = np.concatenate([row[0] for row in rows])
    features = np.concatenate([row[1] for row in rows])
    worst = int(np.argmax(logits[:, 1] - logits[:, 0]))
    return CloserLook(logits[worst], features[worst])


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
