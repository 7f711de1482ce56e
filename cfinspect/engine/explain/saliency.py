"""Explainers that do not need a diffusion model: G, evidence, activation maps, RISE, occlusion."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.progress import Progress
from cfinspect.engine.explain.classifier import Classifier, OwnClassifier, beyond
from cfinspect.engine.explain.protocol import (
    Explanation,
    Images,
    Labels,
    Maps,
    own_masks,
)
from cfinspect.engine.inference.forward import to_tensor
from cfinspect.engine.inference.saliency import saliency as change_map
from cfinspect.engine.inference.torch_backend import TorchBackend
from cfinspect.engine.networks.discriminators import (
    CompactDiscriminator,
    HybridDiscriminator,
    ImageNetDiscriminator,
)
from cfinspect.engine.networks.projected import ProjectedDiscriminator

_RISE_GRID, _RISE_KEPT, _AT_ONCE = 7, 0.5, 64
_PATCHES = 8  # occluding squares along a side


class Cfgan:
    """|x - G(x)|, by one pass of G."""

    name: str = "cfgan"

    def __init__(self, backend: TorchBackend) -> None:
        self.size = backend.metadata.preprocessing.size
        self._backend = backend
        self._classifier = OwnClassifier(backend, "D")

    def ticks(self, count: int) -> int:
        """See ``Explainer``."""
        return 1

    def explain(
        self, images: Images, target: Labels, progress: Progress = Progress()
    ) -> Explanation:
        """See ``Explainer``; G makes the class that D does not see, whatever ``target`` says."""
        begun = time.perf_counter()
        made = self._backend.run(images).counterfactual
        seconds = (time.perf_counter() - begun) / len(images)
        saliency = change_map(images, made)
        rounded = np.rint(made * 255).astype(np.uint8)
        with torch.no_grad():
            shown = to_tensor(rounded, self._backend.device.device)
            damaged = beyond(self._classifier, shown) >= 0
        progress.tick()
        return Explanation(
            counterfactual=made,
            saliency=saliency,
            mask=saliency >= self._backend.metadata.decision.mask_threshold,
            flipped=damaged.cpu().numpy() == (target == 1),
            evaluations=np.ones(len(images), dtype=np.int64),
            seconds=seconds,
        )


@dataclass(frozen=True)
class Mapped:
    """An ``Explainer`` by saliency alone.

    ``maps``: of what speaks for the class that an image is given, (n, S, S) in [0, 1], from images
    and (n,) +1 for damaged, -1 for undamaged. ``evaluations``: passes of a network for an image;
    ``ticks_each``: calls of ``progress.tick`` for an image.
    """

    name: str
    size: int
    maps: Callable[[Images, Labels, Progress], Maps]
    evaluations: int
    ticks_each: int = 1

    def ticks(self, count: int) -> int:
        """See ``Explainer``."""
        return count * self.ticks_each

    def explain(
        self, images: Images, target: Labels, progress: Progress = Progress()
    ) -> Explanation:
        """See ``Explainer``."""
        begun = time.perf_counter()
        saliency = self.maps(images, 1 - 2 * target, progress)
        return Explanation(
            counterfactual=None,
            saliency=saliency,
            mask=own_masks(saliency),
            flipped=None,
            evaluations=np.full(len(images), self.evaluations),
            seconds=(time.perf_counter() - begun) / len(images),
        )


def have_cams() -> bool:
    """Whether torchcam, of the extra "evaluate", is installed."""
    return importlib.util.find_spec("torchcam") is not None


def gradcam(classifier: Classifier, stage: int = -1) -> Mapped:
    """Grad-CAM (Selvaraju et al. 2017) at one of the convolutional stages, the last by default."""
    layers = stages(classifier)
    chosen = layers[stage:][:1]
    return Mapped("gradcam", classifier.size, _by_cam(classifier, "GradCAM", chosen), 1)


def layercam(classifier: Classifier) -> Mapped:
    """LayerCAM (Jiang et al. 2021): the maximum over the last two stages."""
    layers = stages(classifier)[-2:]
    return Mapped("layercam", classifier.size, _by_cam(classifier, "LayerCAM", layers), 1)


def stages(classifier: Classifier) -> list[nn.Module]:
    """The last layer of each convolutional stage; side / 2, / 4, / 8 and so on (ResNet: / 4 on).

    Raises CfinspectError where there are none, or torchcam is missing.
    """
    if not have_cams():
        raise CfinspectError(
            "Grad-CAM and LayerCAM need torchcam: pip install 'cfinspect[evaluate]'"
        )
    found = cam_layers(classifier)
    if not found:
        raise CfinspectError(
            f"{classifier.name} has no convolutional layers that class activation maps could "
            "look at: use rise or occlusion"
        )
    return found


def cam_layers(classifier: Classifier) -> list[nn.Module]:
    """The same; empty where there are none, whether torchcam is installed or not."""
    network = classifier.module
    if isinstance(network, CompactDiscriminator | HybridDiscriminator):
        if isinstance(network, CompactDiscriminator):
            layers = list(network.features)
        else:
            layers = list(network.stages)
        starts = [*(i for i, layer in enumerate(layers) if _halves(layer)), len(layers)]
        return [layers[end - 1] for end in starts[1:]]
    body = getattr(network, "body", None)
    if isinstance(network, ImageNetDiscriminator):
        return [getattr(body, f"layer{i}") for i in range(1, 5)] if hasattr(body, "layer4") else []
    return _shrinking(classifier) if network is not None else []


def _halves(layer: nn.Module) -> bool:
    return type(layer).__name__ == "Patches"


def _shrinking(classifier: Classifier) -> list[nn.Module]:
    """Of an external network: the last layer at each resolution, as a grey image passes it."""
    last: dict[int, nn.Module] = {}
    hooks = []

    def note(layer: nn.Module, _: object, output: object) -> None:
        if isinstance(output, Tensor) and output.ndim == 4 and output.shape[-1] > 1:
            last[output.shape[-1]] = layer

    assert classifier.module is not None
    for layer in classifier.module.modules():
        if not list(layer.children()):
            hooks.append(layer.register_forward_hook(note))
    with torch.no_grad():
        device = classifier.device.device
        classifier.once(torch.full((1, 3, classifier.size, classifier.size), 0.5, device=device))
    for hook in hooks:
        hook.remove()
    return [last[side] for side in sorted(last, reverse=True)]


def _by_cam(
    classifier: Classifier, method: str, layers: Sequence[nn.Module]
) -> Callable[[Images, Labels, Progress], Maps]:
    def maps(images: Images, sign: Labels, progress: Progress) -> Maps:
        device = classifier.device.device
        # One at a time: some networks take no more, and hooks keep the last pass only.
        return np.concatenate(
            [
                _cam(
                    classifier, method, layers, to_tensor(images[n : n + 1], device), own, progress
                )
                for n, own in enumerate(sign.tolist())
            ]
        )

    return maps


def _cam(
    classifier: Classifier,
    method: str,
    layers: Sequence[nn.Module],
    x: Tensor,
    sign: int,
    progress: Progress,
) -> Maps:
    """Of one image x (1, 3, S, S): (1, S, S), the maximum over ``layers``."""
    from torchcam import methods  # noqa: PLC0415  (an extra)

    x = x.requires_grad_(True)
    with getattr(methods, method)(classifier.module, target_layer=list(layers)) as extractor:
        # What decides is p1 against p0; the fake's logit must not lead the map.
        margin = (classifier.once(x) - classifier.limit) * sign
        maps = extractor(1, torch.stack([-margin, margin], dim=1))
    grown = [
        nn.functional.interpolate(
            found[:, None].float(), x.shape[-2:], mode="bilinear", align_corners=False
        )
        for found in maps
    ]
    joined: Tensor = torch.cat(grown, dim=1).amax(dim=1).nan_to_num(0.0)
    progress.tick()
    return joined.detach().clamp(0, 1).cpu().numpy()


def has_evidence(classifier: Classifier) -> bool:
    """Whether the classifier says itself how much each place speaks for damage."""
    return isinstance(classifier.module, ProjectedDiscriminator)


def evidence(classifier: Classifier) -> Mapped:
    """What the D "projected" looks at: its evidence at each place, by one pass.

    Raises CfinspectError for a classifier that has none.
    """
    network = classifier.module
    if not isinstance(network, ProjectedDiscriminator):
        raise CfinspectError(
            f"{classifier.name} has no map of evidence, which only a discriminator projected has: "
            "use another method"
        )

    @torch.inference_mode()
    def maps(images: Images, sign: Labels, progress: Progress) -> Maps:
        device = classifier.device.device
        rows = []
        for n, own in enumerate(sign.tolist()):
            with classifier.device.autocast():
                found = network.judge(to_tensor(images[n : n + 1], device)).evidence * own
            rows.append(_grown(torch.sigmoid(found), images.shape[1]))
            progress.tick()
        return np.concatenate(rows)

    return Mapped("evidence", classifier.size, maps, 1)


def _grown(maps: Tensor, side: int) -> Maps:
    """(n, h, w) in [0, 1] -> (n, side, side), bilinear."""
    grown = nn.functional.interpolate(
        maps[:, None].float(), (side, side), mode="bilinear", align_corners=False
    )
    return grown[:, 0].detach().cpu().numpy()


def rise(classifier: Classifier, masks: int = 400, seed: int = 0) -> Mapped:
    """RISE (Petsiuk et al. 2018): the mean of random masks, weighted by what is said of the rest.

    What is hidden becomes the image's mean colour: black would look like damage. Stretched to
    [0, 1] per image.
    """

    def maps(images: Images, sign: Labels, progress: Progress) -> Maps:
        chosen = torch.from_numpy(_random_masks(masks, images.shape[1], seed))
        return _weighed(classifier, images, sign, chosen, progress, hidden=False)

    return Mapped("rise", classifier.size, maps, masks, -(-masks // _AT_ONCE))


def occlusion(classifier: Classifier) -> Mapped:
    """Zeiler and Fergus 2014: how much the verdict loses where a square is hidden.

    Squares of an eighth of the side, half overlapping, in the image's mean colour; a pixel has the
    mean of the squares that hide it. Stretched to [0, 1] per image.
    """

    def maps(images: Images, sign: Labels, progress: Progress) -> Maps:
        chosen = torch.from_numpy(_squares(images.shape[1]))
        return _weighed(classifier, images, sign, chosen, progress, hidden=True)

    count = (2 * _PATCHES - 1) ** 2
    return Mapped("occlusion", classifier.size, maps, count, -(-count // _AT_ONCE))


@torch.inference_mode()
def _weighed(
    classifier: Classifier,
    images: Images,
    sign: Labels,
    shown: Tensor,
    progress: Progress,
    *,
    hidden: bool,
) -> Maps:
    """The mean over what is ``shown`` (masks, S, S), weighted by the verdict's probability.

    ``hidden``: the mean over what is not shown instead, weighted by the verdict's loss.
    """
    device = classifier.device.device
    shown = shown.to(device)
    counted = 1 - shown if hidden else shown
    weight = counted.sum(dim=0).clamp_min(1e-6)
    result = []
    for image, own in zip(images, sign.tolist(), strict=True):
        x = to_tensor(image[None], device)
        mean = x.mean(dim=(2, 3), keepdim=True)
        total = torch.zeros(x.shape[-2:], device=device)
        for part, counts in zip(shown.split(_AT_ONCE), counted.split(_AT_ONCE), strict=True):
            said = torch.sigmoid(own * beyond(classifier, mean + (x - mean) * part[:, None]))
            share = 1 - said if hidden else said
            total += (share[:, None, None] * counts).sum(dim=0)
            progress.tick()
        result.append(_stretched((total / weight).cpu().numpy()))
    return np.stack(result)


def _stretched(found: Maps) -> Maps:
    low, high = float(found.min()), float(found.max())
    stretched: Maps = ((found - low) / max(high - low, 1e-9)).astype(np.float32)
    return stretched


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


def _squares(side: int) -> Maps:
    """1 but for one square each: (count, side, side)."""
    edges = np.linspace(0, side, 2 * _PATCHES + 1).round().astype(int)
    places = range(2 * _PATCHES - 1)
    found = np.ones(((2 * _PATCHES - 1) ** 2, side, side), dtype=np.float32)
    for number, (row, column) in enumerate((r, c) for r in places for c in places):
        found[number, edges[row] : edges[row + 2], edges[column] : edges[column + 2]] = 0
    return found
