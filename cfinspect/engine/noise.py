"""Gaussian noise that costs nothing per step: drawn once, cut out at a random place each time."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


class NoiseBank:
    """Standard normal noise for image batches.

    Drawing 64 images' worth of noise takes a CPU longer than the discriminator's first layers;
    cutting it from a bank takes no time. ``at(step)`` makes the places a function of the step,
    so that a resumed training draws the same noise.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self._seed = seed
        self._device = device
        self._bank = torch.empty(0)
        self._places = np.random.default_rng(seed)

    def at(self, step: int) -> None:
        """Begin the step: its draws come from places that depend on seed and step only."""
        self._places = np.random.default_rng((self._seed, 11, step))

    def add(self, images: Tensor, sigma: float) -> Tensor:
        """``images`` (n, 3, S, S) plus noise of ``sigma``, in the range of the images."""
        if sigma == 0:
            return images
        count = images.numel()
        if len(self._bank) < count + 1:
            self._grow(count + count // 2 + 1)
        start = int(self._places.integers(len(self._bank) - count))
        n, channels, height, width = images.shape
        flat = self._bank[start : start + count].view(n, height, width, channels)
        return images.add(flat.permute(0, 3, 1, 2), alpha=sigma)

    def _grow(self, size: int) -> None:
        # Always from the seed: a bank's first numbers must not depend on earlier requests.
        generator = torch.Generator().manual_seed(self._seed)
        self._bank = torch.randn(size, generator=generator).to(self._device)
