"""Maps of what speaks for damage, by several methods with one interface.

``cfgan`` is |x - G(x)|; the others are what it is compared with.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cfinspect.engine.discriminators import (
    CompactDiscriminator,
    HybridDiscriminator,
    ImageNetDiscriminator,
)
from cfinspect.engine.torch_backend import TorchBackend
from cfinspect.engine.validation import to_tensor

Images = NDArray[np.uint8]
Maps = NDArray[np.float32]
# (n, S, S, 3) uint8 of the network's input size -> (n, S, S) in [0, 1]
Explainer = Callable[[Images], Maps]

_DAMAGED = 1
_RISE_GRID, _RISE_KEPT, _RISE_BATCH = 7, 0.5, 64


def explainers(backend: TorchBackend, rise_masks: int = 400) -> dict[str, Explainer]:
    """All that work on this model and with what is installed, by name.

    Class activation maps need a D with convolutional stages and ``have_cams``.
    """
    found: dict[str, Explainer] = {"cfgan": lambda images: _changes(backend, images)}
    layers = _stages(backend.discriminator)
    if layers and have_cams():
        found["gradcam"] = lambda images: _cam(backend, images, "GradCAM", layers[-1:])
        found["gradcam, third stage"] = lambda images: _cam(backend, images, "GradCAM", layers[2:3])
        found["layercam"] = lambda images: _cam(backend, images, "LayerCAM", layers[2:4])
    found["rise"] = lambda images: rise(backend, images, rise_masks)
    found["black-hat"] = black_hat
    found["darkness"] = darkness
    return found


def have_cams() -> bool:
    """Whether torchcam, of the extra "evaluate", is installed."""
    return importlib.util.find_spec("torchcam") is not None


def _changes(backend: TorchBackend, images: Images) -> Maps:
    raw = backend.run(images)
    change: Maps = np.abs(raw.counterfactual - images.astype(np.float32) / 255).mean(axis=3)
    return change


def _stages(discriminator: nn.Module) -> list[nn.Module]:
    """The last layer of each convolutional stage; side / 2, / 4, / 8 and so on (ResNet: / 4 on)."""
    if isinstance(discriminator, CompactDiscriminator | HybridDiscriminator):
        if isinstance(discriminator, CompactDiscriminator):
            layers = list(discriminator.features)
        else:
            layers = list(discriminator.stages)
        starts = [*(i for i, layer in enumerate(layers) if _halves(layer)), len(layers)]
        return [layers[end - 1] for end in starts[1:]]
    body = getattr(discriminator, "body", None)
    if isinstance(discriminator, ImageNetDiscriminator) and hasattr(body, "layer4"):
        return [getattr(body, f"layer{stage}") for stage in range(1, 5)]
    return []


def _halves(layer: nn.Module) -> bool:
    return type(layer).__name__ == "Patches"


def _cam(backend: TorchBackend, images: Images, name: str, layers: list[nn.Module]) -> Maps:
    """Class activation maps of "damaged", the maximum over layers (Jiang et al. 2021)."""
    from torchcam import methods  # noqa: PLC0415  (an extra)

    discriminator = backend.discriminator
    x = to_tensor(images, backend.device.device).requires_grad_(True)
    with getattr(methods, name)(discriminator, target_layer=layers) as extractor:
        logits = discriminator(x)
        # What decides is p1 against p0; the fake's logit must not lead the map.
        margin = logits[:, 1] - logits[:, 0]
        maps = extractor(_DAMAGED, torch.stack([-margin, margin], dim=1))
    side = images.shape[1]
    grown = [
        nn.functional.interpolate(
            found[:, None].float(), (side, side), mode="bilinear", align_corners=False
        )
        for found in maps
    ]
    joined: Tensor = torch.cat(grown, dim=1).amax(dim=1).nan_to_num(0.0)
    return joined.detach().clamp(0, 1).cpu().numpy()


@torch.inference_mode()
def rise(backend: TorchBackend, images: Images, masks: int, seed: int = 0) -> Maps:
    """RISE (Petsiuk et al. 2018): the mean of random masks, weighted by what D says of the rest.

    ``masks``: how many, each one pass of D. What is hidden becomes the image's mean colour: black
    would look like damage. Stretched to [0, 1] per image.
    """
    side = images.shape[1]
    device = backend.device.device
    chosen = torch.from_numpy(_random_masks(masks, side, seed)).to(device)
    weight = chosen.sum(dim=0)
    result = []
    for image in images:
        x = to_tensor(image[None], device)
        mean = x.mean(dim=(2, 3), keepdim=True)
        total = torch.zeros(side, side, device=device)
        for part in chosen.split(_RISE_BATCH):
            shown = mean + (x - mean) * part[:, None]
            with backend.device.autocast():
                logits = backend.discriminator(shown).float()
            said = torch.softmax(logits[:, :2], dim=1)[:, 1]
            total += (said[:, None, None] * part).sum(dim=0)
        found = (total / weight).cpu().numpy()
        low, high = float(found.min()), float(found.max())
        result.append((found - low) / max(high - low, 1e-9))
    return np.stack(result).astype(np.float32)


def _random_masks(count: int, side: int, seed: int) -> Maps:
    """Coarse random grids, enlarged and shifted: (count, side, side) in [0, 1]."""
    rng = np.random.default_rng(seed)
    cell = -(-side // _RISE_GRID)
    large = (_RISE_GRID + 1) * cell
    found = np.empty((count, side, side), dtype=np.float32)
    for mask in found:
        grid = (rng.random((_RISE_GRID + 1, _RISE_GRID + 1)) < _RISE_KEPT).astype(np.float32)
        grown = cv2.resize(grid, (large, large), interpolation=cv2.INTER_LINEAR)
        top, left = rng.integers(0, cell, 2)
        mask[:] = grown[top : top + side, left : left + side]
    return found


def black_hat(images: Images) -> Maps:
    """Dark and thin: morphological closing minus the image, no network at all."""
    wide = max(3, images.shape[1] // 8) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (wide, wide))
    found = [
        cv2.morphologyEx(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.MORPH_BLACKHAT, kernel)
        for image in images
    ]
    return np.stack(found).astype(np.float32) / np.float32(255)


def darkness(images: Images) -> Maps:
    """One minus the brightness, no network at all."""
    found: Maps = 1 - images.mean(axis=3, dtype=np.float32) / np.float32(255)
    return found
