"""Gaussian noise that costs nothing per step: drawn once, cut out at a random place each time."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from cfinspect.engine.training.config import TrainConfig


class NoiseBank:
    """Standard normal noise for the image batches of one training.

    Drawing 64 images' worth of noise takes a CPU longer than the discriminator's first layers;
    cutting it from a bank takes no time. ``at(step)`` makes the places a function of the step,
    so that a resumed training draws the same noise.
    """

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        self._seed = config.seed
        images = config.batch * max(2, config.cycles + 1)
        # Half as much again as the largest batch: room for different places.
        count = images * 3 * config.size**2 * 3 // 2
        drawn = torch.randn(count, generator=torch.Generator().manual_seed(config.seed))
        self._bank = drawn.to(device)
        self._places = np.random.default_rng(config.seed)

    def at(self, step: int) -> None:
        """Begin the step: its draws come from places that depend on seed and step only."""
        self._places = np.random.default_rng((self._seed, 11, step))

    def add(self, images: Tensor, sigma: float) -> Tensor:
        """``images`` (n, 3, S, S) plus noise of ``sigma``, in the range of the images."""
        if sigma == 0:
            return images
        count = images.numel()
        start = int(self._places.integers(len(self._bank) - count))
        n, channels, height, width = images.shape
        flat = self._bank[start : start + count].view(n, height, width, channels)
        return images.add(flat.permute(0, 3, 1, 2), alpha=sigma)
