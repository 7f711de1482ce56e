"""A model of torch that calibration changes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from cfinspect.engine.base.device import Device, choose_device
from cfinspect.engine.calibration.head_refit import HeadRefit
from cfinspect.engine.inference.torch_backend import TorchBackend
from cfinspect.engine.model.file import Model, load_model, save_model
from cfinspect.engine.model.metadata import ModelMetadata
from cfinspect.engine.networks.multi_class import backbone_of, make_networks
from cfinspect.engine.networks.projected import refittable_heads


class TorchSubject:
    """A model of torch on ``device``; satisfies ``subject.Subject``."""

    def __init__(self, model: Model, device: Device) -> None:
        self.model = model
        self.backend = TorchBackend(model, device)

    @classmethod
    def read(cls, path: Path, device: str, precision: str) -> TorchSubject:
        """Open a file; raises CfinspectError with a sentence."""
        return cls(load_model(path), choose_device(device, precision))

    @property
    def seen(self) -> NDArray[np.uint64]:
        """See ``Subject``."""
        return self.model.seen

    def refitted(self, refit: HeadRefit) -> TorchSubject:
        """See ``Subject``."""
        return TorchSubject(refitted(self.model, refit), self.backend.device)

    def save(self, path: Path, metadata: ModelMetadata, seen: NDArray[np.uint64]) -> None:
        """See ``Subject``."""
        # A refitted D has one more layer, which its own metadata name.
        metadata = dataclasses.replace(metadata, discriminator=self.model.metadata.discriminator)
        save_model(path, dataclasses.replace(self.model, metadata=metadata, seen=seen))


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
    for heads in refittable_heads(*networks):
        assert heads.refit is not None
        with torch.no_grad():
            heads.refit.weight += torch.from_numpy(refit.weight).float()
        heads.lean(refit.shift)
    return dataclasses.replace(
        model, generator=networks[0], discriminator=networks[1], metadata=metadata
    )
