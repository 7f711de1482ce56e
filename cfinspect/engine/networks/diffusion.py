"""A denoising diffusion model (DDPM, Ho et al. 2020) of a folder's images, and the filter F_tau.

Needs the extra "ace" (diffusers), which is imported where a network or a schedule is built.
"""

from __future__ import annotations

import functools
import importlib.util
import zlib
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from cfinspect.engine.base.device import Device
from cfinspect.engine.base.errors import CfinspectError

_GROUPS = 8
NEAR = 10  # the part of T that F_tau works in by default
# Linear betas of 1,000 steps; fewer steps have larger ones, so that the last is noise alone.
_FIRST_BETA, _LAST_BETA, _THOUSAND = 1e-4, 0.02, 1000


def require_diffusers() -> None:
    """Raise CfinspectError with what to install where diffusers is missing."""
    if importlib.util.find_spec("diffusers") is None:
        raise CfinspectError(
            "diffusion models need the library diffusers: pip install 'cfinspect[ace]'"
        )


class Ddpm(nn.Module):
    """Says what noise is in a noised image.

    forward: (n, 3, S, S), image in [-1, 1] plus noise, and steps (n,) int64 -> (n, 3, S, S) noise.
    ``stem``: patches of that side become channels before a UNet with three levels of ``width``,
    2 ``width`` and 4 ``width`` channels, attention in the last. ``steps``: T, of the noising.
    """

    def __init__(self, width: int = 48, stem: int = 2, steps: int = 1000) -> None:
        super().__init__()
        require_diffusers()
        from diffusers import UNet2DModel  # noqa: PLC0415  (an extra)

        if width % _GROUPS:
            raise ValueError(f"width must be a multiple of {_GROUPS}")
        self.stem = stem
        self.steps = steps
        channels = 3 * stem * stem
        self.unet = UNet2DModel(
            in_channels=channels,
            out_channels=channels,
            block_out_channels=(width, 2 * width, 4 * width),
            layers_per_block=2,
            down_block_types=("DownBlock2D", "DownBlock2D", "AttnDownBlock2D"),
            up_block_types=("AttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
            norm_num_groups=_GROUPS,
            # One head: on a CPU the backward pass of many small ones takes half of a step.
            attention_head_dim=4 * width,
        )

    def forward(self, noised: Tensor, steps: Tensor) -> Tensor:
        """See the class."""
        patches = F.pixel_unshuffle(noised, self.stem)
        found: Tensor = self.unet(patches, steps).sample
        return F.pixel_shuffle(found, self.stem)


def schedule(steps: int, respaced: int | None = None) -> Any:
    """diffusers' DDPMScheduler for T = ``steps``, evenly respaced to fewer for denoising."""
    require_diffusers()
    from diffusers import DDPMScheduler  # noqa: PLC0415

    scale = _THOUSAND / steps
    found = DDPMScheduler(
        num_train_timesteps=steps,
        beta_start=scale * _FIRST_BETA,
        beta_end=min(0.999, scale * _LAST_BETA),
        beta_schedule="linear",
        variance_type="fixed_small",
        timestep_spacing="linspace",
    )
    found.set_timesteps(respaced or steps)
    return found


@functools.cache
def noising(steps: int) -> Any:
    """The schedule for adding noise only, which every training step needs: made once."""
    return schedule(steps)


class Denoiser:
    """Noising to a step of a respaced DDPM, and denoising from there, also with gradients.

    All noise of an image comes from its own seed: it does not depend on what else is in the batch,
    and filtering twice gives the same. ``levels``: the last ``tau`` of ``respaced`` steps, the
    noisiest first. ``sparing``: memory is spared by computing twice (gradient checkpointing).
    """

    def __init__(
        self,
        network: nn.Module,
        steps: int,
        device: Device,
        *,
        respaced: int = 50,
        tau: int = 5,
        sparing: bool = False,
    ) -> None:
        if not 1 <= tau <= respaced <= steps:
            raise CfinspectError(
                f"tau {tau} and respacing {respaced} do not fit to {steps} diffusion steps: "
                "1 <= tau <= respacing <= steps"
            )
        self.network = network.eval().requires_grad_(False)
        self.device = device
        self.sparing = sparing
        self._schedule = schedule(steps, respaced)
        self.levels = [int(step) for step in self._schedule.timesteps[-tau:]]

    def noised(self, images: Tensor, level: int, seeds: Sequence[int]) -> Tensor:
        """``images`` (n, 3, S, S) in [0, 1] as they are at ``level``, in about [-1, 1]."""
        noise = _noise(images, seeds, level)
        steps = torch.full((len(images),), level, device=images.device)
        result: Tensor = self._schedule.add_noise(images * 2 - 1, noise, steps)
        return result

    def cleaner(self, noised: Tensor, level: int, seeds: Sequence[int]) -> Tensor:
        """One step of denoising, from ``level`` to the next; after the last see ``shown``."""
        steps = torch.full((len(noised),), level, device=noised.device)
        with self.device.autocast():
            if self.sparing and noised.requires_grad:
                found = checkpoint(self.network, noised, steps, use_reentrant=False)
            else:
                found = self.network(noised, steps)
        random = [_random(noised, seed, level, 1) for seed in seeds]
        result: Tensor = self._schedule.step(
            found.float(), level, noised, generator=random
        ).prev_sample
        return result

    def filtered(self, images: Tensor, seeds: Sequence[int]) -> Tensor:
        """F_tau (Jeanneret et al. 2023, section 3): (n, 3, S, S) in [0, 1] -> the same.

        What is nowhere near the images that the network learned from does not survive it.
        """
        z = self.noised(images, self.levels[0], seeds)
        for level in self.levels:
            z = self.cleaner(z, level, seeds)
        return self.shown(z)

    def shown(self, noised: Tensor) -> Tensor:
        """What has passed the last level, from [-1, 1] to [0, 1]."""
        return ((noised + 1) / 2).clamp(0, 1)

    def drawn(self, count: int, size: int, seed: int = 0) -> Tensor:
        """New images from noise alone, (count, 3, size, size) in [0, 1], by all respaced steps."""
        seeds = range(seed, seed + count)
        z = _noise(torch.zeros(count, 3, size, size, device=self.device.device), seeds, 0)
        with torch.no_grad():
            for level in self._schedule.timesteps:
                z = self.cleaner(z, int(level), seeds)
        return self.shown(z)


def _random(like: Tensor, seed: int, level: int, use: int) -> torch.Generator:
    # The CPU's generator takes only 32 bits of a seed: mixed by a checksum, none is lost.
    mixed = zlib.crc32(f"{seed} {level} {use}".encode())
    return torch.Generator(device=like.device).manual_seed(mixed)


def _noise(like: Tensor, seeds: Sequence[int], level: int) -> Tensor:
    """Standard normal noise, for each image from its own seed."""
    drawn = [
        torch.randn(like.shape[1:], generator=_random(like, seed, level, 0), device=like.device)
        for seed in seeds
    ]
    return torch.stack(drawn)
