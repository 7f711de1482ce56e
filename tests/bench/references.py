"""Two references on the same held-out tiles: a segmenter with masks, a classifier without fakes.

    python tests/bench/references.py supervised --out runs/figures --minutes 6
    python tests/bench/references.py plain --out runs/figures

``supervised``: the generator's own UNet, same width, size, batch and augmentation, trained on the
masks for as long. ``plain``: the discriminator's backbone as a plain classifier, for as many steps
as the counterfactual run of the same seed took.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from common import keep
from figures import CRACKS, SEEDS, crack_model, report_of, unseen
from numpy.typing import NDArray
from torch.nn import functional as F

from cfinspect.engine.base.device import Device, choose_device, tune_host
from cfinspect.engine.calibration.fit import fit_score_threshold
from cfinspect.engine.data import augment
from cfinspect.engine.data.batch_loader import BatchLoader, balanced_indices
from cfinspect.engine.data.dataset import Sample, read_folders
from cfinspect.engine.data.mask_values import read_mask
from cfinspect.engine.data.tile_store import TileStore
from cfinspect.engine.inference.forward import run_networks, to_tensor
from cfinspect.engine.inference.tiling import resize_map
from cfinspect.engine.metrics.classification import classification
from cfinspect.engine.metrics.localisation import Localisation, LocalisationFigures
from cfinspect.engine.metrics.probability import probabilities, score
from cfinspect.engine.model.file import load_metadata
from cfinspect.engine.networks.generators import UNet
from cfinspect.engine.training.config import TrainConfig
from cfinspect.engine.training.gan_step import NoiseBank
from cfinspect.engine.training.optimizer_step import share_of_rate
from cfinspect.engine.training.state import TrainState
from cfinspect.engine.training.training_data import split


def masks_of(samples: list[Sample], size: int) -> NDArray[np.uint8]:
    """(n, S, S) of 0 to 255, shrunk by area; undamaged tiles have empty masks."""
    empty = np.zeros((size, size), np.uint8)
    return np.stack([_shrunk(s.mask, size) if s.mask else empty for s in samples])


def _shrunk(path: Path, size: int) -> NDArray[np.uint8]:
    mask = read_mask(path).astype(np.uint8) * 255
    return np.asarray(cv2.resize(mask, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def pair(
    image: NDArray[np.uint8], mask: NDArray[np.uint8], seed: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The strong augmentation, and its moves (not its colours) on the mask."""
    changed = augment.augment(image[None], "strong", np.random.default_rng(seed))[0]
    rng = np.random.default_rng(seed)
    moved = augment._symmetry(np.repeat(mask[..., None], 3, axis=2), rng)
    if rng.random() < 0.5:
        moved = augment._zoom(moved, rng)
    return changed, moved[..., 0]


def supervised(out: Path, minutes: float, seed: int) -> None:
    """Train the UNet on masks and measure it as the counterfactual model is measured."""
    tune_host()
    # Bolder lines would no longer fit their masks.
    augment._bolder = lambda image, rng: image
    shares = {"holdout": 0.25, "holdout_seed": seed, "seed": seed}
    config = TrainConfig.from_preset("balanced", backbone="none", minutes=minutes, **shares)
    parts = split(read_folders([CRACKS]), config)
    store = TileStore(parts["train"], config.size)
    store.load()
    masks = masks_of(store.samples, config.size)
    torch.manual_seed(seed)
    device = choose_device()
    net = UNet(width=config.width, stem=config.generator_stem, outputs=1)
    net = net.to(memory_format=torch.channels_last)
    mean = torch.optim.swa_utils.AveragedModel(
        net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(config.ema), use_buffers=True
    )
    optimiser = torch.optim.AdamW(net.parameters(), lr=config.lr_generator, fused=True)
    begun, step = time.perf_counter(), 0
    while (done := (time.perf_counter() - begun) / (60 * minutes)) < 1:
        optimiser.param_groups[0]["lr"] = config.lr_generator * share_of_rate(step, done)
        indices = balanced_indices(store.labels, config.batch, seed, step)
        images = store.get(indices)
        pairs = [
            pair(i, m, seed * 10**7 + step * 100 + k)
            for k, (i, m) in enumerate(zip(images, masks[indices], strict=True))
        ]
        x = to_tensor(np.stack([p[0] for p in pairs]), device.device)
        y = torch.from_numpy(np.stack([p[1] for p in pairs])).float().div(255).unsqueeze(1)
        with device.autocast():
            logits = net(x * 2 - 1)[0]
        p = torch.sigmoid(logits.float())
        dice = 1 - (2 * (p * y).sum() + 1) / (p.sum() + y.sum() + 1)
        loss = F.binary_cross_entropy_with_logits(logits.float(), y) + dice
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        mean.update_parameters(net)
        step += 1
    keep(
        out / "references.jsonl",
        {
            "part": "supervised",
            "seed": seed,
            "minutes": minutes,
            "steps": step,
            **dataclasses.asdict(measure(mean.module, parts["held_out"], config.size, device)),
        },
    )


def measure(
    net: torch.nn.Module, samples: list[Sample], size: int, device: Device
) -> LocalisationFigures:
    """IoU of the fixed threshold 0.5 and the rest of the localisation figures."""
    store = TileStore([s for s in samples if s.mask], size)
    store.load()
    net.eval()
    found = Localisation()
    with torch.inference_mode():
        for start in range(0, len(store), 64):
            indices = np.arange(start, min(start + 64, len(store)))
            with device.autocast():
                logits = net(to_tensor(store.get(indices), device.device) * 2 - 1)[0]
            for index, p in zip(indices, torch.sigmoid(logits.float())[:, 0].numpy(), strict=True):
                mask = store.samples[index].mask
                assert mask is not None
                truth = read_mask(mask)
                full = resize_map(p, *truth.shape)
                found.add(truth, full >= 0.5, full)
    return found.result()


def plain(out: Path, seed: int) -> None:
    """D's backbone without fakes, for as many steps as the counterfactual run of this seed."""
    tune_host()
    twin = crack_model(out, seed)
    steps = int(str(load_metadata(twin).metrics["steps"]))
    shares = {"holdout": 0.25, "holdout_seed": seed, "seed": seed}
    config = TrainConfig.from_preset("balanced", backbone="none", steps=steps, **shares)
    parts = split(read_folders([CRACKS]), config)
    device = choose_device()
    state = TrainState(config, device.device)
    net, optimiser = state.nets["discriminator"], state.optimisers["discriminator"]
    noise = NoiseBank(config, device.device)
    store = TileStore(parts["train"], config.size)
    store.load()
    feed = BatchLoader(store, batch=config.batch, kind="strong", seed=seed, start=0)
    for step in range(steps):
        base = config.lr_warmup if step < config.warmup else config.lr_discriminator
        optimiser.param_groups[0]["lr"] = base * share_of_rate(step, step / steps)
        images, labels = next(feed)
        noise.at(step)
        with device.autocast():
            logits = net(noise.add(to_tensor(images, device.device), config.noise))
        loss = F.cross_entropy(logits.float()[:, :2], torch.from_numpy(labels))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        state.update_means("discriminator", step)
    feed.close()
    figures = {}
    for name in ("validation", "held_out"):
        part = TileStore(parts[name], config.size)
        images = part.get(np.arange(len(part)))
        nets = state.nets["mean_generator"], state.nets["mean_discriminator"]
        figures[name] = run_networks(*nets, images, device).logits, part.labels
    temperature, threshold = fit_score_threshold(*figures["validation"])
    logits, labels = figures["held_out"]
    scores = score(probabilities(logits, temperature))
    row = classification(labels, scores, threshold)
    own = report_of(twin, unseen(CRACKS, twin)).classification
    keep(
        out / "references.jsonl",
        {
            "part": "plain",
            "seed": seed,
            "steps": steps,
            "plain": {k: getattr(row, k) for k in ("f1", "accuracy", "auroc")},
            "as_discriminator": {k: getattr(own, k) for k in ("f1", "accuracy", "auroc")},
        },
    )


def main() -> None:
    """Run one of the references for all seeds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("which", choices=["supervised", "plain"])
    parser.add_argument("--out", type=Path, default=Path("runs/figures"))
    parser.add_argument("--minutes", type=float, default=6.0, help="as long as the preset trains")
    parser.add_argument("--seeds", type=int, nargs="*", default=list(SEEDS))
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    for seed in arguments.seeds:
        if arguments.which == "supervised":
            supervised(arguments.out, arguments.minutes, seed)
        else:
            plain(arguments.out, seed)


if __name__ == "__main__":
    main()
