"""The PyTorch backend of inspection: G and D of a model on the CPU or a GPU."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from cfinspect.engine.base.device import Device, choose_device, tune_host
from cfinspect.engine.inference import forward
from cfinspect.engine.inference.backend import (
    CloserLook,
    InspectionError,
    NetworkOutputs,
    require_squares,
)
from cfinspect.engine.inference.inspector import Inspector
from cfinspect.engine.inference.multi_class import MultiClassBackend, MultiClassInspector
from cfinspect.engine.model.file import (
    Model,
    ModelFileError,
    load_metadata,
    load_model,
    require_inspecting,
)
from cfinspect.engine.model.metadata import ModelMetadata
from cfinspect.engine.networks.multi_class import of_defect_class
from cfinspect.engine.networks.projected import ProjectedDiscriminator

if TYPE_CHECKING:
    from cfinspect.engine.inference.decision_logits import DecisionLogits


_AT_ONCE = 10  # on a CPU: nearly as fast as many


class TorchBackend:
    """Runs a model's networks; satisfies ``inspection.Backend``.

    Takes the model over: its networks are moved to ``device`` and set to eval mode. ``most``:
    squares that go through the networks at once; halved, and kept so, when memory runs out.
    ``at_once``: how many to give, so that nobody waits long for an answer.
    """

    def __init__(self, model: Model, device: Device, most: int = 64) -> None:
        self.metadata: ModelMetadata = model.metadata
        self.familiar = model.familiar
        self.device = device
        self.most = most
        self.at_once = min(most, _AT_ONCE) if device.device.type == "cpu" else most
        self._networks: tuple[torch.nn.Module, ...] = tuple(
            # mypy knows no memory_format here, though it is documented
            network.to(device.device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
            for network in (model.generator, model.discriminator)
        )
        self._segmenter = model.segmenter
        if self._segmenter is not None:
            self._segmenter.to(device.device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]

    def run(self, batch: NDArray[np.uint8]) -> NetworkOutputs:
        """Answer for RGB squares (n, S, S, 3) uint8 of the metadata's input size, n >= 1.

        ``ValueError`` for other shapes, ``InspectionError`` when not even one square fits into
        memory.
        """
        size, tta = self.metadata.preprocessing.size, self.metadata.preprocessing.tta
        require_squares(batch, self.metadata)
        generator, discriminator = self._networks
        while True:
            try:
                return forward.run_networks(
                    generator,
                    discriminator,
                    batch,
                    self.device,
                    self.most,
                    tta,
                    self._segmenter,
                )
            except ValueError as error:  # the size in a file that was changed by hand
                raise InspectionError(
                    f"The model's networks cannot look at squares of {size} px: {error}."
                ) from error
            except torch.OutOfMemoryError as error:
                if self.most == 1:
                    raise InspectionError(
                        f"Not enough memory on {self.device.device} for one image of {size} px: "
                        "close other programs that use it, or take --device cpu."
                    ) from error
            # outside of the handler: while it runs, its traceback keeps the tensors alive
            self.most = max(1, min(self.most, len(batch)) // 2)
            self.device.free_memory()

    @property
    def has_evidence(self) -> bool:
        """See ``PlacedBackend``."""
        return isinstance(self.discriminator, ProjectedDiscriminator)

    def evidence(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See ``PlacedBackend``."""
        return forward.evidence(self._placed(), batch, self.device)

    def look_closer(self, batch: NDArray[np.uint8]) -> CloserLook:
        """See ``PlacedBackend``."""
        tta = self.metadata.preprocessing.tta
        return CloserLook(*forward.attended_answers(self._placed(), batch, self.device, tta))

    def _placed(self) -> ProjectedDiscriminator:
        if not isinstance(self.discriminator, ProjectedDiscriminator):
            raise InspectionError("its discriminator does not look at places of their own")
        return self.discriminator

    @property
    def discriminator(self) -> torch.nn.Module:
        """D, in eval mode on the device."""
        return self._networks[1]

    def target(self) -> DecisionLogits:
        """The decision, for attacks on it."""
        from cfinspect.engine.inference.decision_logits import DecisionLogits  # noqa: PLC0415  (seldom needed)

        tta = self.metadata.preprocessing.tta
        return DecisionLogits(self.discriminator, self.metadata.decision, self.device, tta)

    def close(self) -> None:
        """Let the networks go and hand their memory back; nothing can be run afterwards."""
        self._networks, self._segmenter = (), None
        self.device.free_memory()


def load_backend(path: Path, device: str = "auto", precision: str = "auto") -> TorchBackend:
    """Load a model file and make it ready; ``device`` and ``precision`` as `choose_device` has it.

    Raises ModelFileError, MetadataError or DeviceError with a sentence, also for a model that knows
    several defect classes and asks each: see ``load_torch_inspector``.
    """
    tune_host()
    require_inspecting(path, load_metadata(path))
    model = load_model(path)
    if model.metadata.asks_each_class:
        raise ModelFileError(f"{path} asks each of several defect classes: give a model with one D")
    return TorchBackend(model, choose_device(device, precision))


def load_torch_inspector(
    path: Path, device: str = "auto", precision: str = "auto", batch: int = 64
) -> Inspector:
    """An inspector for our own model files, of one defect class or several; errors as above.

    ``loading.load_inspector`` opens those of plug-ins as well.
    """
    metadata = load_metadata(path)
    require_inspecting(path, metadata)
    if not metadata.asks_each_class:
        return Inspector(load_backend(path, device, precision), batch)
    tune_host()
    model, chosen = load_model(path), choose_device(device, precision)
    members = []
    for index, name in enumerate(model.metadata.defect_classes):
        metadata = dataclasses.replace(
            model.metadata, defect_classes={}, decision=model.metadata.of_defect_class(name)
        )
        networks = (
            of_defect_class(model.generator, index),
            of_defect_class(model.discriminator, index),
        )
        member = Model(*networks, metadata=metadata, seen=model.seen, familiar=model.familiar)
        members.append(TorchBackend(member, chosen))
    return MultiClassInspector(MultiClassBackend(model.metadata, tuple(members)), batch)
