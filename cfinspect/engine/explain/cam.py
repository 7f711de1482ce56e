"""Class activation maps: what a network's own layers answer to, by torchcam (extra "evaluate")."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.progress import Progress
from cfinspect.engine.explain.classifier import Classifier
from cfinspect.engine.explain.protocol import Images, Labels, Maps
from cfinspect.engine.explain.saliency import Mapped
from cfinspect.engine.inference.forward import to_tensor
from cfinspect.engine.networks.discriminators import (
    CompactDiscriminator,
    HybridDiscriminator,
    ImageNetDiscriminator,
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
