"""ACE: counterfactuals for any classifier by adversarial attacks through a diffusion model.

Jeanneret, Simon, Jurie: Adversarial Counterfactual Visual Explanations, CVPR 2023. An attack alone
finds noise; through F_tau, which lets pass only what looks like the images of the folder, it has
to find what a photo could show.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.progress import Progress
from cfinspect.engine.explain.classifier import Classifier, beyond
from cfinspect.engine.explain.protocol import Explanation, Images, Labels, own_masks
from cfinspect.engine.inference.forward import to_tensor
from cfinspect.engine.inference.saliency import saliency as change_map
from cfinspect.engine.networks.adversarial import SIGN_SCALE

Attack = Literal["pgd", "cw", "gd"]
Distance = Literal["l1", "l2"]
_ENDS = 1e-4  # how near cw's change of variables comes to 0 and 1
_ADAM, _TINY = (0.9, 0.999), 1e-8
_NOTHING = 1e-30  # slopes far from the boundary are tiny, and only their shape counts
# A refinement that takes the flip back is tried again with less of the image kept, at last none.
_WIDER = (1.0, 1 / 3, None)
_REFINING = -1  # in the place of a step's number
REPAINTED = "the whole image was repainted: the change alone did not turn the verdict"


@dataclass(frozen=True, kw_only=True)
class AceSettings:
    """Of the attack and the refinement; symbols as in the paper.

    ``attack``: pgd (steps of ``rate`` along the gradient's sign), gd (along the gradient, its
    largest entry ``rate``), cw (Adam on tanh's argument, margin loss; Carlini and Wagner 2017).
    ``tau`` of ``respaced`` steps. ``weight``: lambda_d of the summed distance, an absolute number;
    or ``quantile``, with l1 (ours): at each step that quantile of the image's own absolute
    gradients, below which pixels stay where they are or return; it survives another resolution,
    classifier or confidence.
    ``margin``: log-odds beyond the threshold at which an image is done; at a small one refining
    often takes the flip back, or the verdict is turned by a hair. ``dilation``: side in px
    of what the mask grows by; ``threshold``: of the mask, in shares of the largest change.
    ``refine``: whether what lies outside of the mask becomes the image again.
    """

    attack: Attack = "pgd"
    distance: Distance = "l1"
    tau: int = 5
    respaced: int = 50
    iterations: int = 50
    rate: float = 2 / 255
    weight: float = 0.001
    quantile: float | None = None
    margin: float = 4.0
    dilation: int = 5
    threshold: float = 0.15
    refine: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        rules = (
            (self.attack in ("pgd", "cw", "gd"), "attack must be pgd, cw or gd"),
            (self.distance in ("l1", "l2"), "distance must be l1 or l2"),
            (1 <= self.tau <= self.respaced, "tau must be in 1..respaced"),
            (self.iterations >= 1, "iterations must be at least 1"),
            (self.rate > 0, "rate must be above 0"),
            (self.weight >= 0, "weight must not be negative"),
            (self.quantile is None or 0 <= self.quantile < 1, "quantile must be in [0, 1)"),
            (
                self.quantile is None or self.distance == "l1",
                "quantile needs the distance l1: l2 holds nothing back near the image",
            ),
            (self.margin >= 0, "margin must not be negative"),
            (self.dilation >= 1 and self.dilation % 2 == 1, "dilation must be odd, at least 1"),
            (0 <= self.threshold < 1, "threshold must be in [0, 1)"),
            (self.seed >= 0, "seed must not be negative"),
        )
        for ok, sentence in rules:
            if not ok:
                raise CfinspectError(f"ACE: {sentence}")


# The default was chosen on validation images of 64 px, of two domains. The others are the paper's,
# by its data sets (but the margin, which is ours: it stops early); how many steps the DDPM has
# belongs to that model.
_PAPER = AceSettings(rate=1 / 255, dilation=15, margin=1.0)
ACE_PRESETS: dict[str, AceSettings] = {
    "default": AceSettings(quantile=0.7),
    "celeba": _PAPER,
    "celeba-hq": replace(_PAPER, respaced=25),
    "bdd": replace(_PAPER, respaced=100, threshold=0.05),
    "imagenet": replace(_PAPER, respaced=25, iterations=100),
}


class DiffusionFilter(Protocol):
    """A diffusion model as ``Ace`` uses it, see ``diffusion.Denoiser``; x in [0, 1]."""

    @property
    def levels(self) -> Sequence[int]:
        """Steps of the denoising, the noisiest first."""

    def noised(self, images: Tensor, level: int, seeds: Sequence[int]) -> Tensor:
        """x as it is at ``level``."""

    def cleaner(self, noised: Tensor, level: int, seeds: Sequence[int]) -> Tensor:
        """One level on."""

    def shown(self, noised: Tensor) -> Tensor:
        """What has passed the last level, as x."""

    def filtered(self, images: Tensor, seeds: Sequence[int]) -> Tensor:
        """F_tau(x)."""


class Ace:
    """An ``Explainer`` by attack and refinement.

    ``size``: of the images that the diffusion model makes; the classifier resizes them to its own.
    """

    name = "ace"

    def __init__(
        self, classifier: Classifier, through: DiffusionFilter, size: int, settings: AceSettings
    ) -> None:
        if classifier.no_gradients:
            raise CfinspectError(
                f"ACE needs gradients, and {classifier.name} gives none "
                f"({classifier.no_gradients}): use --method rise or occlusion"
            )
        self.size = size
        self.settings = settings
        self._classifier = classifier
        self._through = through

    def ticks(self, count: int) -> int:
        """See ``Explainer``."""
        return self.settings.iterations + len(_WIDER)

    def filtered_says(self, images: Images) -> NDArray[np.bool_]:
        """Whether F_tau(x) is damaged, (n,): the check that F_tau keeps verdicts comes first."""
        x, seeds = self._tensor(images), self._seeds(images, _REFINING)
        with torch.no_grad():
            after = beyond(self._classifier, self._through.filtered(x, seeds))
        return np.asarray((after >= 0).cpu().numpy())

    def explain(
        self, images: Images, target: Labels, progress: Progress = Progress()
    ) -> Explanation:
        """See ``Explainer``."""
        begun = time.perf_counter()
        x = self._tensor(images)
        sign = torch.from_numpy(np.where(target == 1, 1.0, -1.0)).to(x)
        pre, steps = self._attacked(x, sign, images, progress)
        found, rounds = self._refined(x, pre, sign, self._seeds(images, _REFINING), progress)
        pictures = np.ascontiguousarray(found.permute(0, 2, 3, 1).cpu().numpy())
        saliency = change_map(images, pictures)
        with torch.no_grad():
            flipped = beyond(self._classifier, found) * sign >= 0
        per_pass = len(self._through.levels)
        return Explanation(
            counterfactual=pictures,
            saliency=saliency,
            mask=own_masks(saliency),
            flipped=flipped.cpu().numpy(),
            evaluations=(steps * (per_pass + 1) + rounds * (per_pass + 1)).cpu().numpy(),
            seconds=(time.perf_counter() - begun) / len(images),
            notes=tuple(
                REPAINTED if self.settings.refine and count == len(_WIDER) else ""
                for count in rounds.tolist()
            ),
        )

    def _tensor(self, images: Images) -> Tensor:
        return to_tensor(images, self._classifier.device.device)

    def _seeds(self, images: Images, step: int) -> list[int]:
        """From each image's content: its explanation does not depend on what is beside it.

        Other noise at every step, as in the authors' program: x' must not fit one draw of it.
        """
        start = zlib.crc32(f"{self.settings.seed} {step}".encode())
        return [zlib.crc32(image.tobytes(), start) for image in images]

    def _attacked(
        self, x: Tensor, sign: Tensor, images: Images, progress: Progress
    ) -> tuple[Tensor, Tensor]:
        """The pre-explanations, and how many steps each took."""
        settings = self.settings
        moved, steps = x.clone(), torch.zeros(len(x), dtype=torch.int64, device=x.device)
        left = torch.arange(len(x), device=x.device)
        mover = _Mover(settings, x)
        for step in range(settings.iterations + 1):
            now = moved[left].detach().requires_grad_(True)
            seeds = self._seeds(images[left.cpu().numpy()], step)
            ahead = beyond(self._classifier, self._through.filtered(now, seeds)) * sign[left]
            steps[left] += 1
            open_ = (ahead < settings.margin).detach()
            if step == settings.iterations or not open_.any():
                break
            # Of those that are done, the gradient would be thrown away.
            loss = _loss(ahead[open_], settings)
            (slope,) = torch.autograd.grad(loss * SIGN_SCALE, now)
            slope, left = (slope / SIGN_SCALE)[open_], left[open_]
            moved[left] = mover.moved(moved[left], slope, left)
            progress.tick()
        return moved, steps

    @torch.no_grad()
    def _refined(
        self,
        x: Tensor,
        pre: Tensor,
        sign: Tensor,
        seeds: list[int],
        progress: Progress,
    ) -> tuple[Tensor, Tensor]:
        """The explanations in 8 bit, and how many rounds each took."""
        rounds = torch.zeros(len(x), dtype=torch.int64, device=x.device)
        if not self.settings.refine:
            return _rounded(self._through.filtered(pre, seeds)), rounds + 1
        found = x.clone()
        left = torch.arange(len(x), device=x.device)
        for share in _WIDER:
            if share is None:
                mask = torch.ones_like(x[left, :1], dtype=torch.bool)
            else:
                threshold = self.settings.threshold * share
                mask = change_mask(x[left], pre[left], self.settings.dilation, threshold)
            inner = [seeds[place] for place in left.tolist()]
            found[left] = self._inpainted(x[left], pre[left], mask, inner)
            rounds[left] += 1
            left = left[beyond(self._classifier, found[left]) * sign[left] < 0]
            progress.tick()
            if not len(left):
                break
        return found, rounds

    def _inpainted(self, x: Tensor, pre: Tensor, mask: Tensor, seeds: list[int]) -> Tensor:
        """Denoised with x' inside of the mask and the image outside, where it stays exactly."""
        levels = self._through.levels
        z = self._through.noised(pre, levels[0], seeds)
        for level in levels:
            z = torch.where(mask, z, self._through.noised(x, level, seeds))
            z = self._through.cleaner(z, level, seeds)
        return torch.where(mask, _rounded(self._through.shown(z)), x)


def change_mask(x: Tensor, changed: Tensor, dilation: int, threshold: float) -> Tensor:
    """Where ``changed`` differs from ``x``, both (n, 3, S, S): (n, 1, S, S) bool.

    Differences summed over channels, divided by their largest, dilated by a square of ``dilation``
    px, above ``threshold``.
    """
    change = (changed - x).abs().sum(dim=1, keepdim=True)
    share = change / change.amax(dim=(2, 3), keepdim=True).clamp_min(_TINY)
    return F.max_pool2d(share, dilation, stride=1, padding=dilation // 2) > threshold


def _rounded(x: Tensor) -> Tensor:
    """To 8 bit, as a file holds it; divided as `to_tensor` does, so that equal bytes are equal."""
    return (x * 255).round().div_(255)


def _loss(ahead: Tensor, settings: AceSettings) -> Tensor:
    """Summed over images: cross-entropy of two classes, or cw's margin."""
    if settings.attack == "cw":
        return (settings.margin - ahead).clamp_min(0).sum()
    return F.softplus(-ahead).sum()


class _Mover:
    """Moves images against a gradient, held back by the distance from where they started."""

    def __init__(self, settings: AceSettings, x: Tensor) -> None:
        self._settings = settings
        self._x = x
        self._moments = [torch.zeros_like(x) for _ in _ADAM]
        self._count = 0

    def moved(self, now: Tensor, slope: Tensor, left: Tensor) -> Tensor:
        """One step on from ``now``, the images with the places ``left``; ``slope``: of the loss."""
        settings, x = self._settings, self._x[left]
        away = now - x
        if settings.quantile is not None:
            level = torch.quantile(slope.abs().flatten(1), settings.quantile, dim=1)
            weight = level[:, None, None, None]
            # l1 has any slope up to its weight where nothing has moved yet: enough to stay there.
            still = (away == 0) & (slope.abs() <= weight)
            slope = torch.where(still, 0.0, slope + weight * away.sign())
        else:
            back = away.sign() if settings.distance == "l1" else 2 * away
            slope = slope + settings.weight * back
        self._count += 1
        if settings.attack == "cw":
            return self._by_adam(now, slope, left)
        if settings.attack == "gd":
            slope = slope / slope.abs().amax(dim=(1, 2, 3), keepdim=True).clamp_min(_NOTHING)
            return (now - settings.rate * slope).clamp(0, 1)
        return (now - settings.rate * slope.sign()).clamp(0, 1)

    def _by_adam(self, now: Tensor, slope: Tensor, left: Tensor) -> Tensor:
        """In tanh's argument, where no clamping is needed; a step moves mid-grey by ``rate``."""
        inside = (2 * now - 1).clamp(_ENDS - 1, 1 - _ENDS)
        slope = slope * (1 - inside**2) / 2
        corrected = []
        for moment, decay, value in zip(self._moments, _ADAM, (slope, slope**2), strict=True):
            moment[left] = decay * moment[left] + (1 - decay) * value
            corrected.append(moment[left] / (1 - decay**self._count))
        step = corrected[0] / (corrected[1].sqrt() + _TINY)
        return (torch.tanh(torch.atanh(inside) - 2 * self._settings.rate * step) + 1) / 2
