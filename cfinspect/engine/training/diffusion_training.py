"""Training of a diffusion model: the loop of ``trainer``, with other figures and another end."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from cfinspect.engine.base.events import Event, Finished, SamplesWritten, Validated
from cfinspect.engine.base.images import write_png
from cfinspect.engine.inference.forward import to_tensor
from cfinspect.engine.networks.diffusion import Denoiser, noising
from cfinspect.engine.plots.pictures import contact_sheet
from cfinspect.engine.training.artifacts import spread, write_curves, write_undecided
from cfinspect.engine.training.loop import Training
from cfinspect.engine.training.training_data import TrainingData

_LOOKED = 128  # validation images whose noise is told at each look
_PARTS = 8  # of the noising, each looked at by as many images
_SHOWN = 8
_SAMPLES_EVERY = 3  # times validate_every: drawing new images takes many passes


class DiffusionTraining(Training):
    """Learns what the images of a folder look like, whatever their class."""

    def validate(self, data: TrainingData) -> Iterator[Event]:
        """How well noise is told in the validation images, by how much there is of it."""
        state, counters = self.state, self.state.counters
        values = self._told("mean_generator", data)
        if not all(math.isfinite(value) for value in values.values()):
            yield self.diverged()
            return
        counters.metrics = values
        self.folder.log("validation", counters.step, values)
        best = values["criterion"] > counters.best
        if best:
            counters.best, counters.best_step = values["criterion"], counters.step
            state.keep_best()
        yield Validated(counters.step, values, best)
        if counters.step % (_SAMPLES_EVERY * self.config.validate_every) == 0:
            yield SamplesWritten(counters.step, self._samples("mean_generator", data))
            write_curves(self.folder)

    def end(self, data: TrainingData) -> Iterator[Event]:
        """See ``Training.end``."""
        state, counters = self.state, self.state.counters
        yield self.checkpoint()
        write_curves(self.folder)
        if self.cancel.cancelled:
            yield Finished(counters.step, None, True, counters.seconds)
            return
        if counters.best_step == 0:
            state.keep_best()
        counters.metrics = values = self._told("best_generator", data)
        yield SamplesWritten(counters.step, self._samples("best_generator", data))
        path = write_undecided(self.folder, self.config, state, data)
        yield Finished(counters.step, path, False, counters.seconds, values)

    @torch.inference_mode()
    def _told(self, which: str, data: TrainingData) -> dict[str, float]:
        """Mean squared error of the noise: "noise", and "little_noise" of the first eighth of T.

        The same images, steps and noise at every look.
        """
        network, steps = self.state.nets[which], self.config.diffusion_steps
        random = torch.Generator().manual_seed(0)
        chosen = spread(data.validation, _LOOKED)
        rows = []
        for start in range(0, len(chosen), self.config.batch):
            x = to_tensor(chosen[start : start + self.config.batch], self.device.device) * 2 - 1
            places = torch.arange(start, start + len(x)) % _PARTS
            levels = (
                places * steps + torch.randint(0, steps, (len(x),), generator=random)
            ) // _PARTS
            levels = levels.to(x.device)
            noise = torch.randn(x.shape, generator=random).to(x.device)
            noised = noising(steps).add_noise(x, noise, levels)
            with self.device.autocast():
                found = network(noised, levels)
            error = F.mse_loss(found.float(), noise, reduction="none").mean(dim=(1, 2, 3))
            rows.append(torch.stack([places.float(), error.cpu()]))
        part, error = torch.cat(rows, dim=1)
        values = {"noise": float(error.mean()), "little_noise": float(error[part == 0].mean())}
        return {**values, "criterion": -values["noise"]}

    def _samples(self, which: str, data: TrainingData) -> Path:
        """Validation images, the same after F_tau, and new ones drawn from noise."""
        denoiser = Denoiser(self.state.nets[which], self.config.diffusion_steps, self.device)
        chosen = spread(data.validation, _SHOWN)
        with torch.no_grad():
            x = to_tensor(chosen, self.device.device)
            filtered = denoiser.filtered(x, range(len(x)))
        new = denoiser.drawn(len(chosen), self.config.size)
        tiles = [*chosen, *_pictures(filtered), *_pictures(new)]
        captions = [
            name for name in ("image", "filtered", "drawn from noise") for _ in range(len(chosen))
        ]
        path = self.folder.samples / f"step_{self.state.counters.step:06d}.png"
        write_png(path, contact_sheet(tiles, captions, len(chosen)))
        return path


def _pictures(x: torch.Tensor) -> list[NDArray[np.uint8]]:
    """(n, 3, S, S) in [0, 1] -> n pictures (S, S, 3) uint8."""
    levels = (x * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    return list(levels)
