"""A model = one .safetensors file: weights as tensors, everything else in its JSON metadata.

Reading runs no code. ``load_metadata`` needs no torch; ``load_model`` does.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from cfinspect.engine.base.errors import CfinspectError, first_line, short
from cfinspect.engine.model.familiar import FamiliarImages
from cfinspect.engine.model.fitting import require_fitting
from cfinspect.engine.model.metadata import ModelMetadata
from cfinspect.engine.model.onnx_file import read_onnx
from cfinspect.engine.model.plugins import foreign_metadata, is_foreign, is_onnx
from cfinspect.engine.model.writing import write_tensors
from cfinspect.engine.networks.names import DDPM

if TYPE_CHECKING:
    from torch import nn

    from cfinspect.engine.networks.mask_decoder import MaskDecoder

_CARD = "cfinspect_card"
_SEEN = "seen"
_LARGEST_HEADER = 8 << 20  # bytes: that of the largest network takes a hundredth


class ModelFileError(CfinspectError):
    """A file that is no model, is damaged, or was made by a newer cfinspect."""


@dataclass
class Model:
    """Networks with their metadata.

    ``seen``: content hashes (uint64) of the images that training or validation looked at.
    ``familiar``: what these look like, where the networks look through the pretrained backbone.
    ``segmenter``: what makes the masks, where the metadata names one; it shares D's backbone, or
    has one of its own where D has none.
    """

    generator: nn.Module
    discriminator: nn.Module
    metadata: ModelMetadata
    seen: NDArray[np.uint64]
    familiar: FamiliarImages | None = None
    segmenter: MaskDecoder | None = None


def load_metadata(path: Path) -> ModelMetadata:
    """Read only the metadata; raises ModelFileError or MetadataError with a sentence.

    Of a file that a plug-in loads, it is the plug-in that says it.
    """
    if is_foreign(path):
        _require_file(path)
        return foreign_metadata(path)
    if is_onnx(path):
        _require_file(path)
        return read_onnx(path).metadata
    text, _ = _open(path)
    return ModelMetadata.from_json(text)


def require_inspecting(path: Path, metadata: ModelMetadata) -> None:
    """Raise ModelFileError for a diffusion model, which gives no verdicts."""
    if metadata.generator.name == DDPM:
        raise ModelFileError(
            f"{path} is a diffusion model: it helps to explain other models ('cfinspect explain "
            "--diffusion') and inspects nothing itself"
        )


def file_digest(path: Path) -> str:
    """16 hex digits that tell one model file's content from another's."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=8)).hexdigest()


def seen_digests(path: Path) -> NDArray[np.uint64]:
    """Content hashes of the images used for training or validation, sorted.

    None where a plug-in loads the file: other programs do not record them.
    """
    if is_foreign(path):
        return np.zeros(0, dtype=np.uint64)
    if is_onnx(path):
        return read_onnx(path).seen
    _open(path)
    with safe_open(path, framework="np") as file:  # its shape and type are known to be right
        return np.asarray(file.get_tensor(_SEEN)).view(np.uint64)


def save_model(path: Path, model: Model, *, half: bool = False) -> None:
    """Write the model atomically, making its folder; weights as float32, on the CPU.

    ``half``: as float16, in half the space; `load_model` makes float32 of them again. Raises
    OSError where it cannot be written.
    """
    import torch  # noqa: PLC0415

    from cfinspect.engine.networks.backbone import stored_backbone  # noqa: PLC0415
    from cfinspect.engine.networks.multi_class import backbone_of  # noqa: PLC0415

    tensors = {_SEEN: torch.from_numpy(np.sort(model.seen).view(np.int64).copy())}
    networks = {"generator": model.generator, "discriminator": model.discriminator}
    if model.segmenter is not None:
        networks["segmenter"] = model.segmenter
    for part, network in networks.items():
        for name, value in network.state_dict().items():
            kept = value.detach().cpu().contiguous()
            tensors[f"{part}.{name}"] = kept.half() if half and kept.is_floating_point() else kept
    backbone = backbone_of(model.discriminator)
    if backbone is None and model.segmenter is not None:
        backbone = model.segmenter.backbone
    if backbone is not None:
        tensors |= stored_backbone(backbone)
    if model.familiar is not None:
        own = model.familiar.tensors()
        tensors |= {name: torch.from_numpy(value.copy()) for name, value in own.items()}
    metadata = {_CARD: model.metadata.to_json()}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tensors(path, tensors, metadata)


def load_model(path: Path) -> Model:
    """Build the networks the metadata names and fill them; all in eval mode, on the CPU."""
    from safetensors.torch import load_file  # noqa: PLC0415

    if is_foreign(path):
        raise ModelFileError(
            f"{path} is loaded by a plug-in, which can inspect with it; for anything else give a "
            "model that cfinspect has trained"
        )
    if is_onnx(path):
        _require_file(path)
        raise ModelFileError(
            f"{path} is a converted model: it inspects, and for this the .safetensors file is "
            f"needed that it was made of{_made_of(path)}"
        )
    from cfinspect.engine.networks.backbone import restored_backbone  # noqa: PLC0415
    from cfinspect.engine.networks.mask_decoder import make_mask_decoder  # noqa: PLC0415
    from cfinspect.engine.networks.multi_class import make_networks, needs_backbone  # noqa: PLC0415

    text, shapes = _open(path)
    metadata = ModelMetadata.from_json(text)
    spec = metadata.segmenter
    try:
        require_fitting(
            metadata.generator,
            metadata.discriminator,
            len(metadata.defect_classes),
            shapes,
            spec.network if spec is not None else None,
        )
        tensors = load_file(path)
        looked_through = needs_backbone(metadata.discriminator) or spec is not None
        backbone = restored_backbone(tensors) if looked_through else None
        generator, discriminator = make_networks(
            metadata.generator, metadata.discriminator, len(metadata.defect_classes), backbone
        )
        networks = {"generator": generator, "discriminator": discriminator}
        segmenter = None
        if spec is not None and backbone is not None:
            networks["segmenter"] = segmenter = make_mask_decoder(spec.network, backbone)
        for part, network in networks.items():
            prefix = f"{part}."
            weights = {
                k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)
            }
            network.load_state_dict(weights)
            network.eval()
        familiar = FamiliarImages.from_tensors(
            {name: value.numpy() for name, value in tensors.items()}
        )
    except (ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelFileError(
            f"{path}: weights and metadata do not fit together ({first_line(error)}); "
            "made by another version of cfinspect, or changed by hand"
        ) from error
    seen = tensors[_SEEN].numpy().copy().view(np.uint64)
    return Model(generator, discriminator, metadata, seen, familiar, segmenter)


def _made_of(path: Path) -> str:
    source = read_onnx(path).source
    return f" ({short(source)})" if source else ""


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise ModelFileError(f"model {path} does not exist: give the path of a model file")


def _open(path: Path) -> tuple[str, dict[str, tuple[int, ...]]]:
    """The metadata's text and the tensors' shapes by name."""
    _require_file(path)
    try:
        with path.open("rb") as start:
            header = int.from_bytes(start.read(8), "little")
        if header > _LARGEST_HEADER:
            raise ModelFileError(
                f"{path} is not a readable model file (its header says {header} bytes)"
            )
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            parts = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            shapes = {name: tuple(part.get_shape()) for name, part in parts.items()}
            seen_type = parts[_SEEN].get_dtype() if _SEEN in parts else ""
    except (SafetensorError, OSError) as error:
        raise ModelFileError(
            f"{path} is not a readable model file (wrong kind or cut short): {first_line(error)}"
        ) from error
    if _CARD not in metadata or _SEEN not in shapes:
        raise ModelFileError(f"{path} was not written by cfinspect: it has no metadata")
    if seen_type != "I64" or len(shapes[_SEEN]) != 1:
        raise ModelFileError(f"{path} does not say which images were seen: changed by hand?")
    return metadata[_CARD], shapes
