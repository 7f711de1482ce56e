"""How a training stands on its validation images: figures that need labels but no masks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeGuard

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from cfinspect.engine.base.device import Device
from cfinspect.engine.inference.backend import NetworkOutputs
from cfinspect.engine.model.metadata import Tta
from cfinspect.engine.networks.backbone import appearance
from cfinspect.engine.networks.generators import GeneratorOutput
from cfinspect.engine.networks.mask_decoder import MaskDecoder
from cfinspect.engine.networks.projected import (
    Judgement,
    ProjectedDiscriminator,
    ProjectedGenerator,
)

_FAR = 2 / 3  # side of what is seen from far away, of the side of the same from near


@torch.inference_mode()
def run_networks(
    generator: nn.Module,
    discriminator: nn.Module,
    images: NDArray[np.uint8],
    device: Device,
    batch: int = 64,
    tta: Tta = "flips",
    segmenter: MaskDecoder | None = None,
) -> NetworkOutputs:
    """G, D and a segmenter over ``images`` (n, S, S, 3) uint8; all must be in eval mode.

    D's logits on x are the mean over views that ``tta`` takes of x, see ``metadata.Preprocessing``.
    """
    parts = []
    for start in range(0, len(images), batch):
        x = to_tensor(images[start : start + batch], device.device)
        parts.append(_outputs(generator, discriminator, segmenter, x, device, tta))
    return NetworkOutputs.joined(parts)


def classify(
    discriminator: nn.Module,
    images: NDArray[np.uint8],
    device: Device,
    tta: Tta,
    batch: int = 64,
) -> NDArray[np.float32]:
    """D's logits (n, 3) on ``images`` (n, S, S, 3) uint8, as ``run_networks`` gives them."""
    return batched(lambda x: mean_answer(discriminator, x, tta), images, device, batch)


@torch.inference_mode()
def attended_answers(
    discriminator: ProjectedDiscriminator,
    images: NDArray[np.uint8],
    device: Device,
    tta: Tta,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """D's logits (n, 3), as ``classify`` gives them, and `Heads.attended` (n, C), over all views.

    ``images``: (n, S, S, 3) uint8, in one batch.
    """
    with device.autocast():
        looks = [
            _look(discriminator, seen) for seen in _views(to_tensor(images, device.device), tta)
        ]
        logits = _mean([look.judged.logits.float() for look in looks], len(images))
        features = _attended(discriminator, looks, len(images))
    return logits.cpu().numpy(), features.cpu().numpy()


class _Look(NamedTuple):
    """What D sees in some views, and says of them."""

    stages: list[torch.Tensor]
    judged: Judgement


def _look(discriminator: ProjectedDiscriminator, views: torch.Tensor) -> _Look:
    stages = discriminator.backbone(views)
    return _Look(stages, discriminator.heads(stages))


def _attended(discriminator: ProjectedDiscriminator, looks: list[_Look], n: int) -> torch.Tensor:
    """`Heads.attended` of n images, (n, C), the mean over their views."""
    attended = discriminator.heads.attended
    return _mean([attended(stages, judged.evidence).float() for stages, judged in looks], n)


def evidence(
    discriminator: ProjectedDiscriminator, images: NDArray[np.uint8], device: Device
) -> NDArray[np.float32]:
    """D's logits of damage at each place of ``images`` (n, S, S, 3): (n, S/k, S/k), k = 2 or 4."""
    return batched(lambda x: discriminator.judge(x).evidence, images, device)


@torch.inference_mode()
def batched(
    look: Callable[[torch.Tensor], torch.Tensor],
    images: NDArray[np.uint8],
    device: Device,
    batch: int = 64,
) -> NDArray[np.float32]:
    """What ``look`` makes of ``images`` (n, S, S, 3) uint8, as many at once: (n, ...)."""
    rows = []
    for start in range(0, len(images), batch):
        x = to_tensor(images[start : start + batch], device.device)
        with device.autocast():
            rows.append(look(x).float().cpu().numpy())
    return np.concatenate(rows)


def mean_answer(discriminator: nn.Module, x: torch.Tensor, tta: Tta) -> torch.Tensor:
    """D's logits (n, 3) on x (n, 3, S, S) in [0, 1], the mean over its views; gradients pass."""
    return _mean([discriminator(seen).float() for seen in _views(x, tta)], x.shape[0])


def _outputs(
    generator: nn.Module,
    discriminator: nn.Module,
    segmenter: MaskDecoder | None,
    x: torch.Tensor,
    device: Device,
    tta: Tta,
) -> NetworkOutputs:
    with device.autocast():
        found = answers(generator, discriminator, segmenter, x, tta)
    arrays: dict[str, Any] = {
        name: None if one is None else one.float().cpu().numpy() for name, one in found.items()
    }
    return NetworkOutputs(**arrays)


def answers(
    generator: nn.Module,
    discriminator: nn.Module,
    segmenter: MaskDecoder | None,
    x: torch.Tensor,
    tta: Tta,
    closer: bool = False,
) -> dict[str, torch.Tensor | None]:
    """What `NetworkOutputs` holds, by name, about x (n, 3, S, S) in [0, 1].

    ``closer``: where D is "projected" also its ``evidence`` and, over all views, ``attended``.
    """
    if _share_backbone(generator, discriminator):
        found = _through_one_backbone(generator, discriminator, x, tta)
    else:
        found = _apart(generator, discriminator, x, tta)
    n = x.shape[0]
    output, flipped, own, looks = found
    stages = [stage[:n] for stage in looks[0].stages] if looks else None
    names, more = None, {}
    if looks and isinstance(discriminator, ProjectedDiscriminator):
        names = _names(discriminator, looks[0], n)
        if closer:
            more = {
                "evidence": looks[0].judged.evidence[:n],
                "attended": _attended(discriminator, looks, n),
            }
    return {
        "logits": own,
        "counterfactual": output.image.permute(0, 2, 3, 1),
        "flipped_logits": flipped,
        "head": torch.sigmoid(output.head),
        "appearance": None if stages is None else appearance(stages),
        "mask_probability": _marked(segmenter, x, stages),
        "named": None if names is None else torch.softmax(names.float(), dim=1),
        **more,
    }


def _marked(
    segmenter: MaskDecoder | None, x: torch.Tensor, stages: list[torch.Tensor] | None
) -> torch.Tensor | None:
    """The segmenter's probabilities (n, S, S); it takes the backbone's ``stages`` of x, if any."""
    if segmenter is None:
        return None
    logits = segmenter(x) if stages is None else segmenter.decode(x, stages)
    return torch.sigmoid(logits.float())


class _Answers(NamedTuple):
    """What G says of x, D's logits on its picture and, over its views, on x.

    ``looks``: at the views of x, those of its own size first, where D looks through the backbone.
    """

    output: GeneratorOutput
    flipped: torch.Tensor
    logits: torch.Tensor
    looks: list[_Look]


def _apart(generator: nn.Module, discriminator: nn.Module, x: torch.Tensor, tta: Tta) -> _Answers:
    output: GeneratorOutput = generator(x)
    output = _with_far(output, generator, x, tta)
    # D is cheap beside G: four views of x steady its answer, as training saw them all.
    # One pass over everything of a size is faster than five small ones.
    first, *others = _views(x, tta)
    seen, count = torch.cat([first, output.image]), first.shape[0]
    if isinstance(discriminator, ProjectedDiscriminator):
        stages, judged = _look(discriminator, seen)
        answer = judged.logits.float()
        looks = [
            _Look([stage[:count] for stage in stages], judged.first(count)),
            *(_look(discriminator, views) for views in others),
        ]
        logits = [look.judged.logits.float() for look in looks]
    else:
        answer, looks = discriminator(seen).float(), []
        logits = [answer[:count], *(discriminator(views).float() for views in others)]
    return _Answers(output, answer[count:], _mean(logits, x.shape[0]), looks)


def _names(discriminator: ProjectedDiscriminator, look: _Look, n: int) -> torch.Tensor | None:
    """The logits of the defect classes (n, k), the mean over the views of a ``look``."""
    found = discriminator.heads.named(look.stages, look.judged.evidence)
    return None if found is None else _mean([found.float()], n)


def _with_far(
    output: GeneratorOutput, generator: nn.Module, x: torch.Tensor, tta: Tta
) -> GeneratorOutput:
    """With the mean of both counterfactuals where ``tta`` also looks from farther away."""
    if tta != "flips+scale":
        return output
    return output._replace(image=(output.image + _far_counterfactual(generator, x)) / 2)


def _share_backbone(
    generator: nn.Module, discriminator: nn.Module
) -> TypeGuard[ProjectedGenerator]:
    return (
        isinstance(generator, ProjectedGenerator)
        and isinstance(discriminator, ProjectedDiscriminator)
        and generator.backbone is discriminator.backbone
    )


def _through_one_backbone(
    generator: ProjectedGenerator,
    discriminator: nn.Module,
    x: torch.Tensor,
    tta: Tta,
) -> _Answers:
    """The same where both look through one backbone: x, the first view, passes it once."""
    assert isinstance(discriminator, ProjectedDiscriminator)
    looks = [_look(discriminator, views) for views in _views(x, tta)]
    output = generator.decode(x, [stage[: x.shape[0]] for stage in looks[0].stages])
    output = _with_far(output, generator, x, tta)
    logits = _mean([look.judged.logits.float() for look in looks], x.shape[0])
    return _Answers(output, discriminator(output.image).float(), logits, looks)


def _views(x: torch.Tensor, tta: Tta) -> list[torch.Tensor]:
    """Mirror images of x (n, 3, S, S), itself first, as (k * n, 3, ...), by their size."""
    if tta == "none":
        return [x]
    mirrored = [x, x.flip(2), x.flip(3), x.flip((2, 3))]
    if tta == "flips":
        return [torch.cat(mirrored)]
    side = x.shape[-1]
    # As its stages halve it, D takes multiples of 32. Without a rim, unlike G: fewer places to
    # pool over give each more weight, and what one size overlooks the other sees.
    far = max(32, round(side * _FAR / 32) * 32)
    return [torch.cat(mirrored[::3]), _resized(torch.cat(mirrored[1:3]), far)]


def _mean(logits: list[torch.Tensor], n: int) -> torch.Tensor:
    """Mean over the views: tensors (k * n, C) -> (n, C)."""
    joined = torch.cat(logits)
    return joined.view(-1, n, joined.shape[-1]).mean(dim=0)


def _far_counterfactual(generator: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """What G changes in x (n, 3, S, S) when it sees it from farther away, made to x: same shape.

    The rim about the smaller picture is its mirror image. Only the change is enlarged: x keeps
    its detail.
    """
    side = x.shape[-1]
    rim = round(side * (1 - _FAR) / 2)
    small = functional.pad(_resized(x, side - 2 * rim), (rim,) * 4, mode="reflect")
    change = generator(small).image.float() - small
    inner = change[..., rim : side - rim, rim : side - rim]
    grown = functional.interpolate(inner, (side, side), mode="bilinear", align_corners=False)
    return (x + grown).clamp(0, 1)


def _resized(x: torch.Tensor, side: int) -> torch.Tensor:
    return functional.interpolate(
        x, (side, side), mode="bilinear", antialias=True, align_corners=False
    )


def logits_on_counterfactuals(
    network: nn.Module, counterfactuals: NDArray[np.float32], device: Device, batch: int = 64
) -> NDArray[np.float32]:
    """Logits (n, 3) of another D on counterfactuals (n, S, S, 3), rounded to 8 bit as files are."""
    pictures = np.rint(counterfactuals * 255).astype(np.uint8)
    return batched(network, pictures, device, batch)


def to_tensor(
    images: NDArray[np.uint8] | NDArray[np.float32], device: torch.device
) -> torch.Tensor:
    """(n, S, S, 3) -> (n, 3, S, S) float32 in [0, 1] on ``device``, channels_last.

    Bytes are divided by 255, float32 stays as it is.
    """
    x = torch.from_numpy(images).to(device, non_blocking=True).permute(0, 3, 1, 2)
    return x if images.dtype == np.float32 else x.to(torch.float32).div_(255)
