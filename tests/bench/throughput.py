"""Images per second of training and inspection against the plain loop, in one run.

    python tests/bench/throughput.py [--size 128] [--batch 32] [--device auto]

The plain loop: the same networks, fp32, NCHW, files read and augmented in line, G run once for D
and once for itself, real and fake passed through D apart, gradients of D's weights in G's step;
inspection one file and one of D's five views at a time. Both loops have the very same layers and
give the same answers.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from cfinspect.engine.base.device import Device, choose_device, tune_host
from cfinspect.engine.base.images import read_image, resize_image
from cfinspect.engine.data.augment import augment
from cfinspect.engine.data.batch_loader import BatchLoader, balanced_indices
from cfinspect.engine.data.dataset import read_folders
from cfinspect.engine.data.tile_store import TileStore
from cfinspect.engine.inference.forward import run_networks, to_tensor
from cfinspect.engine.synth import write_folder
from cfinspect.engine.training.config import TrainConfig
from cfinspect.engine.training.gan_step import NoiseBank, Step, Weights
from cfinspect.engine.training.state import TrainState

STEPS = 12


def timed(step: Callable[[], None], device: Device, count: int = STEPS) -> float:
    """Seconds per call after three calls of warm-up."""

    def wait() -> None:
        if device.device.type == "cuda":
            torch.cuda.synchronize()

    for _ in range(3):
        step()
    wait()
    begun = time.perf_counter()
    for _ in range(count):
        step()
    wait()
    return (time.perf_counter() - begun) / count


def plain_training(store: TileStore, config: TrainConfig, device: Device) -> float:
    """Seconds per step of the loop that one would write first."""
    state = TrainState(config, device.device)
    g, d = state.nets["generator"], state.nets["discriminator"]
    for net in (g, d):
        net.to(memory_format=torch.contiguous_format)
    g_adam = torch.optim.Adam(g.parameters(), 1e-3)
    d_adam = torch.optim.Adam(d.parameters(), 3e-4)
    count = iter(range(10**6))
    rng = np.random.default_rng(0)

    def step() -> None:
        indices = balanced_indices(store.labels, config.batch, 0, next(count))
        images = np.stack(
            [resize_image(read_image(store.samples[i].path), config.size) for i in indices]
        )
        images = augment(images, "strong", rng)
        x = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().float().div(255)
        x, y = x.to(device.device), torch.from_numpy(store.labels[indices]).to(device.device)
        with torch.no_grad():
            fake = g(x).image.contiguous()
        noisy = [t + config.noise * torch.randn_like(t) for t in (x, fake)]
        loss = F.cross_entropy(d(noisy[0]), y)
        loss = loss + config.rho * F.cross_entropy(d(noisy[1]), torch.full_like(y, 2))
        d_adam.zero_grad()
        loss.backward()
        d_adam.step()
        output = g(x)
        judged = d(output.image + config.noise * torch.randn_like(x))
        loss = F.cross_entropy(judged, 1 - y) + config.l1 * (output.image - x).abs().mean()
        loss = loss + F.binary_cross_entropy_with_logits(output.head, y.float())
        g_adam.zero_grad()
        loss.backward()
        g_adam.step()
        loss.item()

    return timed(step, device)


def our_training(store: TileStore, config: TrainConfig, device: Device) -> tuple[float, float]:
    """Seconds per step, and the share of it that is not the networks' work."""
    state = TrainState(config, device.device)
    scaler = torch.amp.GradScaler(device.device.type, enabled=device.precision == "fp16")
    noise = NoiseBank(config, device.device)
    step = Step(state.nets["generator"], state.nets["discriminator"], config, device, noise, scaler)
    feed = BatchLoader(store, batch=config.batch, kind="strong", seed=0, start=0)
    spent: list[float] = []

    def one() -> None:
        images, labels = next(feed)
        begun = time.perf_counter()
        step(
            to_tensor(images, device.device),
            torch.from_numpy(labels).to(device.device),
            Weights(config.rho, config.l1, False),
        )
        for part in ("generator", "discriminator"):
            scaler.step(state.optimisers[part])
            state.optimisers[part].zero_grad()
        if device.device.type == "cuda":
            torch.cuda.synchronize()
        spent.append(time.perf_counter() - begun)
        for part in ("generator", "discriminator"):
            state.update_means(part, 1000)

    seconds = timed(one, device)
    feed.close()
    return seconds, 1 - float(np.mean(spent[-STEPS:])) / seconds


def inspection(store: TileStore, config: TrainConfig, device: Device) -> tuple[float, float]:
    """Images per second of the plain loop (one file at a time) and of ours."""
    state = TrainState(config, device.device)
    g, d = state.nets["mean_generator"], state.nets["mean_discriminator"]
    paths = [sample.path for sample in store.samples[:64]]

    def plain() -> None:
        for path in paths:
            image = resize_image(read_image(path), config.size)
            x = torch.from_numpy(image).permute(2, 0, 1)[None].float().div(255).to(device.device)
            with torch.no_grad():
                output = g(x).image
                for view in (x, x.flip(2), x.flip(3), x.flip((2, 3)), output):
                    d(view)

    def ours() -> None:
        images = np.stack([resize_image(read_image(path), config.size) for path in paths])
        run_networks(g, d, images, device)

    for net in (g, d):
        net.to(memory_format=torch.contiguous_format)
    slow = timed(plain, device, 3)
    for net in (g, d):
        net.to(memory_format=torch.channels_last)
    return len(paths) / slow, len(paths) / timed(ours, device, 6)


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    device = choose_device(arguments.device)
    config = TrainConfig.from_preset(
        "balanced", backbone="none", size=arguments.size, batch=arguments.batch, steps=1
    )
    with tempfile.TemporaryDirectory() as folder:
        data = write_folder(Path(folder) / "walls", "crack", count=96, size=arguments.size, seed=0)
        store = TileStore(read_folders([data]).samples, arguments.size)
        store.load()
        plain = plain_training(store, config, device)
        tune_host()
        ours, rest = our_training(store, config, device)
        slow, quick = inspection(store, config, device)
    print(f"{device}, {arguments.size} px, batch {arguments.batch}")
    rate = arguments.batch
    print(
        f"training: plain {rate / plain:.0f} images/s, ours {rate / ours:.0f}, "
        f"ratio {plain / ours:.1f}; loading and bookkeeping {rest:.1%} of a step"
    )
    print(f"inspection: plain {slow:.0f} images/s, ours {quick:.0f}, ratio {quick / slow:.1f}")


if __name__ == "__main__":
    main()
