"""What the engine is measured against: the loop that one would write first, and a sketch."""

from __future__ import annotations

from itertools import count

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from cfinspect.engine.base.images import read_image, resize_image
from cfinspect.engine.data.augment import augment
from cfinspect.engine.data.batch_loader import balanced_indices
from cfinspect.engine.data.tile_store import TileStore
from cfinspect.engine.training.config import TrainConfig
from cfinspect.engine.training.state import TrainState


class PlainLoop:
    """fp32, NCHW, two passes of G, files read and changed anew each step, nothing fused."""

    def __init__(self, device: str, config: TrainConfig, store: TileStore) -> None:
        self.config, self.store = config, store
        self.device = torch.device(device)
        state = TrainState(config, self.device)
        self.g, self.d = state.nets["generator"], state.nets["discriminator"]
        for net in (self.g, self.d):
            net.to(memory_format=torch.contiguous_format)
        self.g_adam = torch.optim.Adam(self.g.parameters(), 1e-3)
        self.d_adam = torch.optim.Adam(self.d.parameters(), 3e-4)
        self._rng = np.random.default_rng(0)
        self._turn = count()

    def compute(self, images: Tensor, y: Tensor) -> None:
        """One step on ``images`` (n, S, S, 3) uint8 and labels (n,), both on the device."""
        config = self.config
        x = images.permute(0, 3, 1, 2).contiguous().float().div(255)
        with torch.no_grad():
            fake = self.g(x).image.contiguous()
        real, made = (t + config.noise * torch.randn_like(t) for t in (x, fake))
        loss = F.cross_entropy(self.d(real), y)
        loss = loss + config.rho * F.cross_entropy(self.d(made), torch.full_like(y, 2))
        self.d_adam.zero_grad()
        loss.backward()
        self.d_adam.step()
        output = self.g(x)
        judged = self.d(output.image + config.noise * torch.randn_like(x))
        loss = F.cross_entropy(judged, 1 - y) + config.l1 * (output.image - x).abs().mean()
        loss = loss + F.binary_cross_entropy_with_logits(output.head, y.float())
        self.g_adam.zero_grad()
        loss.backward()
        self.g_adam.step()
        loss.item()

    def whole(self) -> None:
        """One step with its reading and augmentation."""
        places = balanced_indices(self.store.labels, self.config.batch, 0, next(self._turn))
        read = [read_image(self.store.samples[i].path) for i in places]
        images = np.stack([resize_image(image, self.config.size) for image in read])
        changed = torch.from_numpy(augment(images, "strong", self._rng)).to(self.device)
        self.compute(changed, torch.from_numpy(self.store.labels[places]).to(self.device))


def gpu_augment(x: Tensor, rng: np.random.Generator, bank: Tensor) -> Tensor:
    """A sketch of the strong augmentation on the GPU: what it could cost, not what it must be.

    ``x`` (n, S, S, 3) uint8; ``bank``: noise of at least (S, S). Returns (n, 3, S, S) in [0, 1].
    """
    n, device = len(x), x.device
    turn = rng.integers(4, size=n) * (np.pi / 2)
    mirror = np.where(rng.random(n) < 0.5, -1.0, 1.0)
    zoom = np.where(rng.random(n) < 0.5, np.exp(-rng.uniform(-0.7, 0.14, n)), 1.0)
    c, s = np.cos(turn) * zoom, np.sin(turn) * zoom
    theta = np.stack([np.stack([c * mirror, -s, 0 * c], 1), np.stack([s * mirror, c, 0 * c], 1)], 1)
    gains = rng.uniform(0.88, 1.12, (n, 3)) * rng.uniform(0.65, 1.4, (n, 1))
    grey = np.where(rng.random(n) < 0.5, rng.uniform(0, 1, n), 0.0)[:, None, None]
    matrix = gains[:, :, None] * ((1 - grey) * np.eye(3) + grey / 3)
    rest = [
        rng.uniform(-0.15, 0.15, n),
        np.exp(rng.uniform(-0.29, 0.29, n)),
        rng.uniform(0, 0.15, n) * (rng.random(n) < 0.4),
        rng.uniform(0, 0.03, n),
        np.where(rng.random(n) < 0.33, rng.uniform(0.3, 1.6, n), 0.05),
    ]
    flat = np.concatenate([theta.reshape(n, 6), matrix.reshape(n, 9), np.stack(rest, 1)], 1)
    host = torch.from_numpy(flat.astype(np.float32))
    made = (host.pin_memory() if device.type == "cuda" else host).to(device, non_blocking=True)
    light, gamma, coarse, grain, blur = (made[:, k, None, None, None] for k in range(15, 20))
    y = x.permute(0, 3, 1, 2).float() / 255
    grid = F.affine_grid(made[:, :6].view(n, 2, 3), list(y.shape), align_corners=False)
    y = F.grid_sample(y, grid, padding_mode="reflection", align_corners=False)
    mean = y.mean(dim=(2, 3), keepdim=True)
    y = torch.einsum("nij,njhw->nihw", made[:, 6:15].view(n, 3, 3), y - mean) + mean + light
    y = y.clamp(0, 1).pow(gamma)
    side = y.shape[-1]
    small = bank[: -(-side // 4), : -(-side // 4)][None, None]
    y = y + F.interpolate(small, (side, side), mode="bicubic") * coarse
    taps = torch.exp(-(torch.arange(-3, 4, device=device) ** 2) / (2 * blur[:, :, 0, 0] ** 2))
    taps = (taps / taps.sum(1, keepdim=True)).repeat_interleave(3, 0)
    z = F.pad(y, (3, 3, 3, 3), mode="reflect").reshape(1, 3 * n, side + 6, side + 6)
    z = F.conv2d(z, taps[:, None, :, None], groups=3 * n)
    z = F.conv2d(z, taps[:, None, None, :], groups=3 * n).view(n, 3, side, side)
    return (z + bank[:side, :side] * grain).clamp(0, 1)
