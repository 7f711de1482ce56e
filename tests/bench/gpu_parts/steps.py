"""The speed of training steps, where their time goes, and what could be."""

from __future__ import annotations

import dataclasses
import gc
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cfinspect.engine.base.device import tune_host
from cfinspect.engine.data import batch_loader
from cfinspect.engine.data.augment import augment
from cfinspect.engine.data.batch_loader import Batch, BatchLoader
from cfinspect.engine.data.tile_store import TileStore
from cfinspect.engine.inference.forward import to_tensor
from cfinspect.engine.training.gan_step import Weights
from cfinspect.engine.training.optimizer_step import OptimizerStep
from gpu_parts.look import Look, batches, counted_syncs, optimizer_step_of, profiled, share, tried
from gpu_parts.plain import PlainLoop, gpu_augment
from gpu_parts.scale import Found

_JOINT = Weights(0.4, 8.0, False)


def section_steps(look: Look, found: Found) -> None:
    """A joint step: as it is, against the plain loop, where its time goes, and what could be."""
    tune_host()
    for size, batch in look.scale.steps:
        row: Found = {}
        found[f"{size}px_b{batch}"] = row
        at = _Steps(look, size, batch, row)
        seconds = at.ours()
        whole = at.with_loading()
        at.against_plain(seconds, whole)
        at.augmentation()
        if look.cuda:
            at.graph(row["plain_ms"])
            if (size, batch) == look.scale.steps[-1] and look.left() > 370:
                row["compiled"] = tried(at.compiled)
            del at
            gc.collect()
            torch.cuda.empty_cache()


class _Steps:
    """Steps of one size and batch."""

    def __init__(self, look: Look, size: int, batch: int, row: Found) -> None:
        self.look, self.size, self.batch, self.row = look, size, batch, row
        self.count = look.scale.count
        self.store: TileStore
        self.store, self.made = batches(look, size, batch, 4)
        self.step = self._fresh()
        self._batches = cycle(self.made)

    def _fresh(self) -> OptimizerStep:
        return optimizer_step_of(self.look, "auto", size=self.size, batch=self.batch, warmup=0)

    def learn(self, batch: Batch | None = None) -> None:
        """One step as a training takes it."""
        self.step.learn(next(self._batches) if batch is None else batch, 0.5)
        self.step.state.counters.step += 1

    def ours(self) -> float:
        """Seconds a step without loading; and where they go."""
        look, row, state = self.look, self.row, self.step.state
        if look.cuda:
            torch.cuda.reset_peak_memory_stats()
        seconds = look.timed(self.learn, self.count, 5)
        row["ours_compute_ms"] = round(seconds * 1e3, 3)
        row["ours_compute_images_s"] = round(self.batch / seconds)
        if look.cuda:
            row["peak_mib"] = round(torch.cuda.max_memory_allocated() / 2**20)
        row["syncs"] = tried(counted_syncs, look, self.learn)
        row["profile"] = tried(profiled, look, self.learn)
        row["kernel_share_compute"] = share(row["profile"], seconds)

        def means() -> None:
            state.update_means("generator", 99)
            state.update_means("discriminator", 99)

        row["update_means_ms"] = round(1e3 * look.timed(means, self.count), 3)

        def adam() -> None:
            for optimiser in state.optimisers.values():
                optimiser.step()

        row["adam_ms"] = round(1e3 * look.timed(adam, self.count), 3)
        return seconds

    def with_loading(self) -> float:
        """Seconds a step with its batches, as the training loads them; and with more threads."""
        seconds, waited = self._loaded(None)
        row = self.row
        row["ours_end_to_end_images_s"] = round(self.batch / seconds)
        row["waiting_for_batches_share"] = round(waited, 3)
        row["kernel_share_end_to_end"] = share(row["profile"], seconds)
        # Batches are functions of seed and step: more threads change nothing else.
        many, _ = self._loaded(12 if self.look.cuda else 2)
        row["ours_end_to_end_12_threads_images_s"] = round(self.batch / many)
        row["kernel_share_12_threads"] = share(row["profile"], many)
        return seconds

    def _loaded(self, threads: int | None) -> tuple[float, float]:
        ahead = batch_loader._AHEAD
        loader = BatchLoader(self.store, batch=self.batch, kind="strong", seed=0, start=0)
        if threads is not None:
            loader._pool.shutdown()
            loader._pool = ThreadPoolExecutor(threads)
            batch_loader._AHEAD = 2 * threads
        waited = 0.0

        def step() -> None:
            nonlocal waited
            begun = time.perf_counter()
            got = next(loader)
            waited += time.perf_counter() - begun
            self.learn(got)

        try:
            seconds = self.look.timed(step, self.count, 5)
        finally:
            loader.close()
            batch_loader._AHEAD = ahead
        return seconds, waited / (self.count + 5) / seconds

    def against_plain(self, ours: float, whole: float) -> None:
        """The plain loop, without and with its loading."""
        look, row = self.look, self.row
        loop = PlainLoop(look.name, self.step.config, self.store)
        x, y = (torch.from_numpy(part).to(look.name) for part in self.made[0])
        plain = look.timed(lambda: loop.compute(x, y), self.count)
        row["plain_ms"] = round(plain * 1e3, 3)
        row["plain_compute_images_s"] = round(self.batch / plain)
        profile: Found = tried(profiled, look, lambda: loop.compute(x, y), 3)
        row["plain_profile"] = {k: v for k, v in profile.items() if k != "top"}
        slow = look.timed(loop.whole, max(2, self.count // 5), 1)
        row["plain_end_to_end_images_s"] = round(self.batch / slow)
        row["ratio_compute"] = round(plain / ours, 2)
        row["ratio_end_to_end"] = round(slow / whole, 2)

    def augmentation(self) -> None:
        """Images a second: by one thread, by several, and what a GPU could do."""
        look, row = self.look, self.row
        raw = self.store.get(np.arange(min(self.batch, len(self.store))))
        begun = time.perf_counter()
        augment(raw, "strong", np.random.default_rng(0))
        row["augment_one_thread_images_s"] = round(len(raw) / (time.perf_counter() - begun))
        for threads in (4, 8, 14) if look.cuda else (2,):
            jobs = [(raw, seed) for seed in range(2 * threads)]
            with ThreadPoolExecutor(threads) as pool:
                begun = time.perf_counter()
                list(pool.map(_augmented, jobs))
                rate = len(jobs) * len(raw) / (time.perf_counter() - begun)
            row[f"augment_{threads}_threads_images_s"] = round(rate)
        bank = torch.randn(self.size + 128, self.size + 128, device=look.name)
        there, rng = torch.from_numpy(raw).to(look.name), np.random.default_rng(0)
        with torch.no_grad():
            seconds = look.timed(lambda: gpu_augment(there, rng, bank), self.count)
        row["augment_gpu_sketch_images_s"] = round(len(raw) / seconds)

    def graph(self, plain_ms: float) -> None:
        """cuDNN's search for the fastest kernels, and one CUDA graph of a whole joint step."""
        look, row = self.look, self.row
        torch.backends.cudnn.benchmark = True
        try:
            row["cudnn_benchmark_ms"] = round(1e3 * look.timed(self.learn, self.count, 8), 3)
            graph = self._graphed(self.step)
            seconds = look.timed(graph.replay, 2 * self.count, 5)
            row["cuda_graph_ms"] = round(seconds * 1e3, 3)
            row["cuda_graph_images_s"] = round(self.batch / seconds)
            row["cuda_graph_kernel_share"] = share(row["profile"], seconds)
            row["ratio_graph_to_plain_compute"] = round(plain_ms / 1e3 / seconds, 2)
        except Exception as error:
            row["cuda_graph_error"] = f"{type(error).__name__}: {error}"[:300]
        finally:
            torch.backends.cudnn.benchmark = False

    def _graphed(self, step: OptimizerStep) -> torch.cuda.CUDAGraph:
        """Noise and rates stay as they were when it was captured."""
        device = step.device.device
        x, y = to_tensor(self.made[0][0], device), torch.from_numpy(self.made[0][1]).to(device)
        optimisers = list(step.state.optimisers.values())
        for optimiser in optimisers:
            for group in optimiser.param_groups:
                group["capturable"] = True

        def body() -> dict[str, Tensor]:
            for optimiser in optimisers:
                optimiser.zero_grad(set_to_none=True)
            losses = step.steps[0](x, y, _JOINT, 1.0)
            for optimiser in optimisers:
                optimiser.step()
            step.state.update_means("discriminator", 1000)
            step.state.update_means("generator", 1000)
            return losses

        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(4):
                body()
        torch.cuda.current_stream().wait_stream(side)
        for optimiser in optimisers:
            optimiser.zero_grad(set_to_none=True)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            body()
        return graph

    def compiled(self) -> Found:
        """torch.compile of G and D as they are called: how long that takes, and what it gives."""
        step = self._fresh()
        compiling: Callable[[Any], Any] = torch.compile
        step.steps[0] = dataclasses.replace(
            step.steps[0],
            generator=compiling(step.steps[0].generator),
            discriminator=compiling(step.steps[0].discriminator),
        )

        def learn() -> None:
            step.learn(self.made[0], 0.5)

        begun = time.perf_counter()
        learn()
        self.look.wait()
        out: Found = {"first_step_s": round(time.perf_counter() - begun, 1)}
        seconds = self.look.timed(learn, self.count, 4)
        out["ms"], out["images_s"] = round(seconds * 1e3, 3), round(self.batch / seconds)
        out["profile"] = tried(profiled, self.look, learn, 3)
        try:
            graph = self._graphed(step)
            seconds = self.look.timed(graph.replay, 2 * self.count, 5)
            out["graphed_ms"] = round(seconds * 1e3, 3)
            out["graphed_images_s"] = round(self.batch / seconds)
        except Exception as error:
            out["graphed_error"] = f"{type(error).__name__}: {error}"[:300]
        return out


def _augmented(job: tuple[Any, int]) -> None:
    raw, seed = job
    augment(raw, "strong", np.random.default_rng(seed))
