"""What a training looks like: one live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.text import Text

from cfinspect.cli.progress import LINE_EVERY_SECONDS, duration, print_line
from cfinspect.engine.base.events import (
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

_LEFT_OUT_SHOWN = 10
_FIGURES = (
    ("f1", "F1"),
    ("auroc", "AUROC"),
    ("flip_damaged", "flips damaged"),
    ("flip_undamaged", "undamaged"),
    ("noise", "error of the noise"),
    ("little_noise", "of little noise"),
)


class TrainDisplay:
    """Draws the events of a training on stderr; use as a context manager and call ``show``."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            TaskProgressColumn(),
            TextColumn("{task.fields[info]}", markup=False),
            console=self._console,
        )
        self._task = self._progress.add_task("Reading images", total=None, info="")
        self._losses = Text(no_wrap=True, overflow="ellipsis")
        self._figures = Text(no_wrap=True, overflow="ellipsis")
        self._live: Live | None = None
        self._told = time.monotonic()
        self._total: int | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            group = Group(self._progress, self._losses, self._figures)
            self._live = Live(group, console=self._console, refresh_per_second=5, transient=True)
            self._live.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _tb: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.stop()

    def show(self, event: Event) -> None:
        """Bring the display up to date with one event."""
        match event:
            case Started():
                self._start(event)
            case DataProgress(done, total):
                self._progress.update(self._task, completed=done, total=total)
                self._now_and_then(f"reading images: {done} of {total}")
            case MasksProgress(done, total):
                self._progress.update(
                    self._task, description="Learning masks", completed=done, total=total, info=""
                )
                self._now_and_then(f"learning masks: {done} of {total}")
            case StepDone():
                self._step(event)
            case Validated():
                self._figures.plain = f"validation at {event.step}: {figures(event.metrics)}"
                self._figures.style = "green" if event.best else ""
            case Notice(step, text):
                self._say(f"step {step}: {text}" if step else text)
            case Finished():
                self._finish(event)
            case SamplesWritten() | CheckpointSaved():
                pass

    def _start(self, event: Started) -> None:
        self._total = event.total_steps
        counts = ", ".join(
            f"{count} {name.replace('_', ' ')}" for name, count in event.counts.items()
        )
        sizes = ", ".join(f"{name} {n / 1e6:.2f} M" for name, n in event.parameters.items())
        self._say(f"Device: {event.device}")
        self._say(f"Images: {counts}")
        self._say(f"Parameters: {sizes}")
        for path, reason in event.left_out[:_LEFT_OUT_SHOWN]:
            self._say(f"Left out: {path}: {reason}")
        if len(event.left_out) > _LEFT_OUT_SHOWN:
            self._say(f"Left out: {len(event.left_out) - _LEFT_OUT_SHOWN} more")
        if event.step:
            self._say(f"Resuming after step {event.step}.")
        self._progress.update(self._task, description="Training", completed=0, total=1.0)

    def _step(self, event: StepDone) -> None:
        step = f"step {event.step}" + (f" of {self._total}" if self._total else "")
        speed = f"{event.images_per_second:.0f} images/s"
        left = f"{duration(event.seconds_left)} left"
        self._losses.plain = "  ".join(f"{name} {v:.3f}" for name, v in event.losses.items())
        info = f"{step}, {speed}, {left}"
        self._progress.update(self._task, completed=event.fraction, info=info)
        self._now_and_then("; ".join(filter(None, (info, self._losses.plain, self._figures.plain))))

    def _finish(self, event: Finished) -> None:
        if event.interrupted:
            return
        if self._live:
            self._live.stop()
        self._say(f"Finished after {event.step} steps in {duration(event.seconds)}.")

    def _now_and_then(self, line: str) -> None:
        if self._live is None and time.monotonic() - self._told >= LINE_EVERY_SECONDS:
            self._told = time.monotonic()
            self._say(line)

    def _say(self, text: str) -> None:
        print_line(self._console, text)


def figures(values: dict[str, float]) -> str:
    """The figures of a validation that people look at, in one line."""
    known = [f"{label} {values[name]:.3f}" for name, label in _FIGURES if name in values]
    return "  ".join(known)
