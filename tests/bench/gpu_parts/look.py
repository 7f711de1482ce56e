"""What all sections share: where they run, the images, timers and the profiler."""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from cfinspect.engine.base.device import Device, choose_device
from cfinspect.engine.data.batch_loader import Batch, BatchLoader
from cfinspect.engine.data.dataset import read_folders
from cfinspect.engine.data.tile_store import TileStore
from cfinspect.engine.training.config import TrainConfig
from cfinspect.engine.training.optimizer_step import OptimizerStep
from cfinspect.engine.training.state import TrainState
from gpu_parts.scale import FULL, TINY, Found


class Look:
    """What sections share: scale, folders, device."""

    def __init__(self, args: argparse.Namespace) -> None:

        self.tiny = args.tiny
        self.scale = TINY if args.tiny else FULL
        self.work = Path(args.work)
        self.root = args.root
        self.end = time.monotonic() + args.left
        self.cuda = torch.cuda.is_available() and not args.tiny
        self.name = "cuda" if self.cuda else "cpu"
        if not self.cuda:
            torch.set_num_threads(1)

    def left(self) -> float:
        """Seconds until the budget is spent."""
        return float(self.end - time.monotonic())

    def folders(self, kind: str, size: int) -> tuple[str, ...]:
        """Drawn images ("train" or "test") of the side nearest to ``size``."""
        near = min(self.scale.draw, key=lambda s: abs(s - size))
        return tuple(str(p) for p in sorted((self.work / f"{kind}{near}").iterdir()))

    def device(self, precision: str = "auto") -> Device:
        """The device under test, as the engine chooses its precision."""

        return choose_device(self.name, precision)

    def wait(self) -> None:
        """Until the GPU has done all that it was given."""

        if self.cuda:
            torch.cuda.synchronize()

    def timed(self, work: Callable[[], object], count: int, warm: int = 3) -> float:
        """Seconds a call, all of them together between two synchronizations."""
        for _ in range(warm):
            work()
        self.wait()
        begun = time.perf_counter()
        for _ in range(count):
            work()
        self.wait()
        return (time.perf_counter() - begun) / count

    def config(self, **changes: Any) -> TrainConfig:
        """Settings of a training; ``changes`` to the preset "fast".

        From scratch, unless a discriminator is named: its steps are what is compared and recorded.
        """

        usual: dict[str, Any] = {"data": ("x",), "out": "y", "device": self.name, "steps": 10**6}
        if "discriminator" not in changes:
            usual["backbone"] = "none"
        return TrainConfig.from_preset("fast", **{**usual, **changes})

    def memory(self) -> Found:
        """What is held of the card now, in MiB."""

        if not self.cuda:
            return {}
        free, total = torch.cuda.mem_get_info()
        return {
            "allocated_mib": round(torch.cuda.memory_allocated() / 2**20, 1),
            "reserved_mib": round(torch.cuda.memory_reserved() / 2**20, 1),
            "used_on_card_mib": round((total - free) / 2**20),
        }


def batches(
    look: Look, size: int, batch: int, count: int, kind: str = "strong"
) -> tuple[TileStore, list[Batch]]:
    """The engine's own batches, of drawn images; also its store."""

    near = Path(look.folders("train", size)[0])
    store = TileStore(read_folders([near]).samples, size)
    store.load()
    loader = BatchLoader(store, batch=batch, kind=kind, seed=0, start=0)
    made = [next(loader) for _ in range(count)]
    loader.close()
    return store, made


def optimizer_step_of(
    look: Look, precision: str, *, dropout: bool = True, **settings: Any
) -> OptimizerStep:
    """The engine's step with fresh networks."""

    config = look.config(precision=precision, **settings)
    device = look.device(precision)
    state = TrainState(config, device.device, scaled=device.precision == "fp16")
    if not dropout:
        for net in state.nets.values():
            for layer in net.modules():
                if isinstance(layer, nn.Dropout):
                    layer.p = 0.0
    return OptimizerStep(config, state, device)


def profiled(look: Look, one_step: Callable[[], object], count: int = 6) -> Found:
    """Kernels a step and their time, by torch's profiler."""

    activities = [ProfilerActivity.CPU] + ([ProfilerActivity.CUDA] if look.cuda else [])
    with profile(activities=activities) as prof:
        for _ in range(count):
            one_step()
        look.wait()
    rows = prof.key_averages()
    if not look.cuda:
        return {"ops": sum(r.count for r in rows) / count}
    there = [r for r in rows if r.device_type.name == "CUDA"]
    copies = [r for r in there if r.key.lower().startswith(("memcpy", "memset"))]
    kernels = [r for r in there if r not in copies]
    top = sorted(kernels, key=lambda r: -r.self_device_time_total)[:14]
    return {
        "kernels": round(sum(r.count for r in kernels) / count),
        "copies": round(sum(r.count for r in copies) / count),
        "kernel_ms": round(sum(r.self_device_time_total for r in kernels) / count / 1e3, 3),
        "copy_ms": round(sum(r.self_device_time_total for r in copies) / count / 1e3, 3),
        "host_ops": round(sum(r.count for r in rows if r.device_type.name == "CPU") / count),
        "top": [
            [r.key[:70], r.count // count, round(r.self_device_time_total / count / 1e3, 3)]
            for r in top
        ],
    }


def counted_syncs(look: Look, one_step: Callable[[], object]) -> object:
    """Lines at which the step waits for the GPU, by torch's own sync warnings."""

    if not look.cuda:
        return None
    look.wait()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            one_step()
        finally:
            torch.cuda.set_sync_debug_mode("default")
    lines: dict[str, int] = {}
    for one in told:
        if "synchroniz" in str(one.message):
            place = f"{Path(one.filename).name}:{one.lineno}"
            lines[place] = lines.get(place, 0) + 1
    return lines


def share(profile: Found, seconds: float) -> float | None:
    """Of ``seconds`` a step, the part in which kernels ran."""
    return round(profile["kernel_ms"] / 1e3 / seconds, 3) if "kernel_ms" in profile else None


def tried(work: Callable[..., Any], *args: Any) -> Any:
    """What ``work`` gives, or what went wrong: one measurement must not cost the others."""
    try:
        return work(*args)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:300]}
