"""The diffusion model's training, its filter, and ACE at the same size."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch

from cfinspect.engine.base.device import Device
from cfinspect.engine.base.images import read_image, resize_image
from cfinspect.engine.data.dataset import read_folders
from cfinspect.engine.explain.ace import Ace, AceSettings
from cfinspect.engine.explain.classifier import OwnClassifier
from cfinspect.engine.inference.forward import to_tensor
from cfinspect.engine.inference.torch_backend import load_backend
from cfinspect.engine.model.file import load_model
from cfinspect.engine.networks.diffusion import Ddpm, Denoiser
from gpu_parts.look import Look, batches, counted_syncs, optimizer_step_of, profiled, share, tried
from gpu_parts.scale import Found
from gpu_parts.trainings import trained


def section_ddpm(look: Look, found: Found) -> None:
    """Steps a second, seconds of the filter, seconds of an explanation."""
    one = look.scale.diffusion
    usual: Found = {"method": "diffusion", "size": one.size, "batch": one.batch, "warmup": 0}
    usual |= {"width": one.width, "diffusion_steps": one.noising}
    row = trained(
        look,
        look.work / "ddpm",
        data=look.folders("train", one.size),
        steps=one.steps,
        minutes=one.minutes,
        augment="flips",
        lr_generator=5e-4,
        ema=0.99,
        precision="auto",
        validate_every=10**6,
        checkpoint_every=10**6,
        **usual,
    )
    found["training"] = row
    found["steps_per_s"] = round(1e3 / row["learn_ms"], 2) if row["learn_ms"] else None
    if look.cuda:
        found["peak_mib"] = round(torch.cuda.max_memory_allocated() / 2**20)
    _step(look, found, usual)
    device = look.device()
    _explanations(look, found, _denoiser(look, row, device), device)


def _step(look: Look, found: Found, usual: Found) -> None:
    step = optimizer_step_of(look, "auto", **usual)
    _, made = batches(look, look.scale.diffusion.size, look.scale.diffusion.batch, 1, "flips")

    def learn() -> None:
        step.learn(made[0], 0.5)
        step.state.counters.step += 1

    seconds = look.timed(learn, 8 if look.cuda else 1, 3 if look.cuda else 1)
    found["step_ms"] = round(seconds * 1e3, 2)
    found["profile"] = tried(profiled, look, learn, 3)
    found["kernel_share"] = share(found["profile"], seconds)
    found["syncs"] = tried(counted_syncs, look, learn)


def _denoiser(look: Look, row: Found, device: Device) -> Denoiser:
    one = look.scale.diffusion
    if row.get("model", "None") != "None":
        network = load_model(Path(row["model"])).generator.to(device.device)
    else:
        network = Ddpm(one.width, 2, one.noising).to(device.device)
    return Denoiser(network, one.noising, device)


def _explanations(look: Look, found: Found, denoiser: Denoiser, device: Device) -> None:
    one = look.scale.diffusion
    size, iterations = one.size, one.ace_iterations
    runs = sorted(look.work.glob(f"run_{size}px*/model.safetensors"))
    model = runs[0] if runs else Path(look.root) / "models" / "crack.safetensors"
    backend = load_backend(model, look.name)
    classifier = OwnClassifier(backend, model.parent.name)
    samples = read_folders([Path(p) for p in look.folders("test", size)]).samples
    most = max(one.ace_batches)
    squares = np.stack([resize_image(read_image(s.path), size) for s in samples[:most]])
    x = to_tensor(squares[:16], device.device)
    with torch.no_grad():
        seconds = look.timed(lambda: denoiser.filtered(x, range(len(x))), 3 if look.cuda else 1, 1)
    found["filter_16_ms"] = round(1e3 * seconds, 1)
    classes = np.stack([resize_image(image, classifier.size) for image in squares])
    target = 1 - (classifier.ask(classes) >= classifier.limit).astype(np.int64)
    rows: Found = {}
    found["ace"] = rows
    # margin: so far off that none is done early; the time is that of full effort
    full = AceSettings(iterations=iterations, margin=1e6, quantile=0.7)
    for batch in one.ace_batches:
        if look.left() < 15:
            break
        if look.cuda:
            torch.cuda.reset_peak_memory_stats()
        ace = Ace(classifier, denoiser, size, full)
        if look.cuda:
            ace.explain(squares[:batch], target[:batch])
        begun = time.perf_counter()
        ace.explain(squares[:batch], target[:batch])
        look.wait()
        seconds = time.perf_counter() - begun
        # iterations + 1 attack passes with gradients, up to three refinements without
        at_50 = seconds / (iterations + 1 + 1.5) * 52.5 / len(squares[:batch])
        rows[f"batch_{batch}"] = {
            "seconds": round(seconds, 2),
            "s_per_image_at_50_iterations": round(at_50, 3),
            "peak_mib": round(torch.cuda.max_memory_allocated() / 2**20) if look.cuda else None,
        }
    ace = Ace(classifier, denoiser, size, AceSettings(iterations=2 * iterations, quantile=0.7))
    explained = ace.explain(squares[: min(16, most)], target[: min(16, most)])
    rows["flipped"] = float(np.mean(explained.flipped)) if explained.flipped is not None else None
    rows["syncs"] = tried(counted_syncs, look, lambda: ace.explain(squares[:2], target[:2]))
    backend.close()
