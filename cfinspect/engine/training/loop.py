"""One run of a training: its networks, data and clock, and the loop over its steps."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import numpy as np

from cfinspect.engine.base.device import choose_device, tune_host
from cfinspect.engine.base.errors import CfinspectError, is_out_of_memory
from cfinspect.engine.base.events import (
    CancelToken,
    CheckpointSaved,
    DataProgress,
    Event,
    Finished,
    MasksProgress,
    Notice,
    SamplesWritten,
    Started,
    StepDone,
    Validated,
)
from cfinspect.engine.base.progress import Cancelled, Progress
from cfinspect.engine.calibration.distillation import DistillationResult
from cfinspect.engine.calibration.own_masks import learn_own_masks, squares_of
from cfinspect.engine.data.batch_loader import BatchLoader
from cfinspect.engine.inference.backend import NetworkOutputs
from cfinspect.engine.inference.forward import logits_on_counterfactuals
from cfinspect.engine.model.metadata import Tta
from cfinspect.engine.networks.multi_class import of_defect_class
from cfinspect.engine.training.artifacts import write_curves, write_model, write_samples
from cfinspect.engine.training.config import TrainConfig
from cfinspect.engine.training.optimizer_step import OptimizerStep
from cfinspect.engine.training.run_folder import RunFolder
from cfinspect.engine.training.state import TrainState, learning
from cfinspect.engine.training.training_data import Result, TrainingData, gather, watched
from cfinspect.engine.training.validation import (
    CollapseMonitor,
    run_defect_classes,
    validation_metrics,
)

_NO_SEGMENTER = (
    "the segmenter of the model that is trained further is left out: its masks were another G's; "
    "teach a new one afterwards ('cfinspect distill')"
)
_SETTLED = 0.8
_SPARSE = 3
_CLOSE = 0.3


class Training:
    """One run: its networks, data and clock. ``events`` reads from top to bottom."""

    def __init__(self, config: TrainConfig, cancel: CancelToken, resume: bool) -> None:
        if config.steps is None and config.minutes is None:
            raise CfinspectError("give the training an end: --steps or --minutes")
        self.config = config
        self.cancel = cancel
        self.resume = resume
        self.device = choose_device(config.device, config.precision)
        self.folder = RunFolder(Path(config.out))
        self.most = 64  # images at once when looking at the validation images

    def events(self) -> Iterator[Event]:
        """See ``train``."""
        self.folder.begin(self.config, self.resume)
        tune_host()
        try:
            data = yield from _told(gather(self.config, self.cancel), DataProgress)
            if data is None:
                yield Finished(0, None, True, 0.0)
                return
            self.state = self._state(data)
            data = data.in_turns(self.state.defect_class_count)
            self.collapse = CollapseMonitor(self.config)
            self.optimizer_step = OptimizerStep(self.config, self.state, self.device)
            yield self._started(data)
            yield from self._loop(data)
            yield from self.end(data)
        finally:
            self.folder.close()
            self._free()

    def _state(self, data: TrainingData) -> TrainState:
        kept = self.folder.checkpoint if self.folder.checkpoint.exists() else None
        scaled = self.device.precision == "fp16"
        state = TrainState(self.config, self.device.device, kept, scaled=scaled)
        if kept is not None and state.counters.fingerprint != data.fingerprint:
            raise CfinspectError(
                f"the images have changed since {kept} was written: train into a new folder"
            )
        state.counters.fingerprint = data.fingerprint
        self.folder.rewind(state.counters.step)
        return state

    def _started(self, data: TrainingData) -> Started:
        sizes = {
            name: sum(p.numel() for p in learning(self.state.nets[name]))
            for name in ("generator", "discriminator")
        }
        return Started(
            device=str(self.device),
            counts=data.counts,
            left_out=tuple((str(item.path), item.reason) for item in data.left_out),
            parameters={name: size for name, size in sizes.items() if size},
            step=self.state.counters.step,
            total_steps=self.config.steps,
        )

    def fraction(self) -> float:
        """How much of the training is done, in [0, 1]."""
        counters = self.state.counters
        steps = counters.step / self.config.steps if self.config.steps else 0.0
        clock = counters.seconds / (60 * self.config.minutes) if self.config.minutes else 0.0
        return min(1.0, max(steps, clock))

    def _loop(self, data: TrainingData) -> Iterator[Event]:
        config, counters = self.config, self.state.counters
        feed = BatchLoader(
            data.train,
            batch=config.batch,
            kind=config.augment,
            seed=config.seed,
            start=counters.step,
            turns=data.defect_class_count,
        )
        try:
            while self.fraction() < 1 and not self.cancel.cancelled:
                begun = time.perf_counter()
                losses, notices = self.optimizer_step.learn(next(feed), self.fraction())
                counters.step += 1
                spent = time.perf_counter() - begun
                counters.seconds += spent
                yield from notices
                yield self._step_done(losses, spent)
                # While nothing is kept, the curve needs fewer points.
                often = 1 if self.fraction() >= _SETTLED else _SPARSE
                if counters.step % (often * config.validate_every) == 0 or self.fraction() >= 1:
                    begun = time.perf_counter()
                    yield from self.validate(data)
                    counters.seconds += time.perf_counter() - begun
                if counters.step % config.checkpoint_every == 0:
                    yield self.checkpoint()
        finally:
            feed.close()

    def _step_done(self, losses: dict[str, float], spent: float) -> StepDone:
        counters, fraction = self.state.counters, self.fraction()
        self.folder.log("train", counters.step, losses)
        left = counters.seconds * (1 - fraction) / max(fraction, 1e-6)
        return StepDone(counters.step, losses, self.config.batch / spent, fraction, left)

    def validate(self, data: TrainingData) -> Iterator[Event]:
        """Look at the validation images, keep what is best, answer a collapse."""
        state, counters = self.state, self.state.counters
        raw, values = self._look(data, "mean")
        if not (np.isfinite(raw.logits).all() and np.isfinite(raw.counterfactual).all()):
            yield self.diverged()
            return
        counters.metrics = values
        self.folder.log("validation", counters.step, values)
        if self.fraction() < _SETTLED:
            counters.settled = False
        elif not counters.settled and values["criterion"] > counters.best - _CLOSE:
            # While the rates are high the figures jump, and a state that looks best then is luck:
            # good enough to return to after a collapse, but not to keep.
            counters.settled, counters.best = True, -math.inf
        learning = state.generator_steps > self.config.l1_ramp // 2
        best = learning and values["criterion"] > counters.best
        if best:
            counters.best, counters.best_step = values["criterion"], counters.step
            state.keep_best()
        yield Validated(counters.step, values, best)
        if counters.step % (_SPARSE * self.config.validate_every) == 0:
            yield SamplesWritten(
                counters.step, write_samples(self.folder, counters.step, data.joined(), raw)
            )
            write_curves(self.folder)
        if counters.generator_steps > 0 and self.config.counterfactual:
            for text in self.collapse.intervene(state, values, self.fraction()):
                yield Notice(counters.step, text)

    def diverged(self) -> Notice:
        """Answer outputs that are no numbers: back to the best networks, or give up in words."""
        state, counters = self.state, self.state.counters
        if not counters.best_step or counters.answers >= 3:
            raise CfinspectError(
                "the training diverged (its outputs are no numbers): use a lower "
                "--set lr_generator=... and lr_discriminator=..., or --precision fp32"
            )
        counters.answers += 1
        state.return_to_best()
        return Notice(
            counters.step,
            f"diverged: outputs are no numbers; training goes on from step {counters.best_step}",
        )

    def _look(
        self, data: TrainingData, which: str, tta: Tta = "flips"
    ) -> tuple[NetworkOutputs, dict[str, float]]:
        """Outputs and figures of the "mean" or the "best" networks on the validation images.

        Checkpoints are chosen by the plain look: it is what the networks learn, and cheaper.
        """
        nets = self.state.nets
        pair = nets[f"{which}_generator"], nets[f"{which}_discriminator"]
        while True:
            try:
                raw = run_defect_classes(*pair, data, self.device, self.most, tta)
                break
            except RuntimeError as error:
                if not is_out_of_memory(error) or self.most == 1:
                    raise
            self.most //= 2
            self.device.free_memory()
        shown = data.joined()
        judged = np.concatenate(
            [
                logits_on_counterfactuals(
                    of_defect_class(nets["reference"], index),
                    raw.counterfactual[shown.validation_defect_classes == index],
                    self.device,
                )
                for index in range(data.defect_class_count)
            ]
        )
        labels, real = shown.validation_labels, self.config.counterfactual
        return raw, validation_metrics(raw, shown.validation, labels, judged, real)

    def checkpoint(self) -> CheckpointSaved:
        """Save all that is needed to go on."""
        self.state.save(self.folder.checkpoint)
        return CheckpointSaved(self.state.counters.step, self.folder.checkpoint)

    def end(self, data: TrainingData) -> Iterator[Event]:
        """The last checkpoint and, unless cancelled, the model."""
        state, counters = self.state, self.state.counters
        yield self.checkpoint()
        write_curves(self.folder)
        few = state.generator_steps <= self.config.l1_ramp and self.config.counterfactual
        if few and not self.cancel.cancelled:
            yield Notice(
                counters.step,
                f"the generator had only {state.generator_steps} steps: masks and "
                "counterfactuals of this model are not to be relied on; train for longer",
            )
        if self.cancel.cancelled:
            yield Finished(counters.step, None, True, counters.seconds)
            return
        if counters.best_step == 0:
            state.keep_best()
        raw, values = self._look(data, "best", data.preprocessing.tta)
        counters.metrics = values
        samples = write_samples(self.folder, counters.step, data.joined(), raw)
        yield SamplesWritten(counters.step, samples)
        # The masks of such a G teach nothing, and one segmenter cannot tell several G's apart.
        learns = self.config.teaches_masks and not few and not state.defect_class_count
        path = self.folder.unfinished if learns else self.folder.model
        write_model(self.config, state, data, raw, self.device, self.most, path)
        if state.drops_segmenter and not learns:
            yield Notice(counters.step, _NO_SEGMENTER)
        if learns:
            del state
            self._free()
            begun = time.perf_counter()
            yield from self._learn_masks(data, path, counters.step)
            counters.seconds += time.perf_counter() - begun
            if self.cancel.cancelled:
                path.unlink()
                yield Finished(counters.step, None, True, counters.seconds)
                return
            path.replace(self.folder.model)
        yield Finished(counters.step, self.folder.model, False, counters.seconds, values)

    def _learn_masks(self, data: TrainingData, path: Path, step: int) -> Iterator[Event]:
        """Put a segmenter into the model at ``path`` where it marks better than G, else say why."""
        config = self.config

        def learn(progress: Progress) -> DistillationResult:
            return learn_own_masks(
                path,
                data.train,
                squares_of(data.validation, data.validation_labels),
                data.validation_groups,
                steps=config.mask_steps,
                seed=config.seed,
                device=config.device,
                precision=config.precision,
                progress=progress,
            )

        try:
            result = yield from _told(watched(learn, self.cancel), MasksProgress)
        except Cancelled:
            return
        except CfinspectError as error:
            reason = str(error)
        except Exception as error:
            if not is_out_of_memory(error) and not isinstance(error, MemoryError):
                path.replace(self.folder.model)  # what was trained is not lost by it
                raise
            reason = "not enough memory to learn others"
        else:
            if result.accepted:
                return
            reason = result.reason
        yield Notice(step, f"the masks are those of the counterfactuals: {reason}")

    def _free(self) -> None:
        """Let go of the networks now: a window that trained must not keep the memory."""
        for name in ("state", "optimizer_step"):
            self.__dict__.pop(name, None)
        self.device.free_memory()


def _told(
    work: Generator[tuple[int, int], None, Result], event: Callable[[int, int], Event]
) -> Generator[Event, None, Result]:
    """What ``work`` gives; how far it is becomes events."""
    while True:
        try:
            done, total = next(work)
        except StopIteration as end:
            result: Result = end.value
            return result
        if total:
            yield event(done, total)
