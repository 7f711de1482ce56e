"""What a training tells the world: frozen records, yielded by ``trainer.train``."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Started:
    """Data read, device chosen, networks built."""

    device: str
    counts: dict[str, int]
    left_out: tuple[tuple[str, str], ...]
    parameters: dict[str, int]
    step: int
    total_steps: int | None


@dataclass(frozen=True)
class DataProgress:
    """Images decoded so far, of how many."""

    done: int
    total: int


@dataclass(frozen=True)
class StepDone:
    """One step: named losses (floats) and where the training stands."""

    step: int
    losses: dict[str, float]
    images_per_second: float
    fraction: float
    seconds_left: float


@dataclass(frozen=True)
class MasksProgress:
    """Parts done of what comes last: G's masks teach a segmenter."""

    done: int
    total: int


@dataclass(frozen=True)
class Validated:
    """Metrics on the validation images: f1, auroc, flip rates, p_fake, sparsity, criterion."""

    step: int
    metrics: dict[str, float]
    best: bool


@dataclass(frozen=True)
class SamplesWritten:
    """A picture of x, x', saliency and mask in rows."""

    step: int
    path: Path


@dataclass(frozen=True)
class CheckpointSaved:
    """Everything needed to go on from here."""

    step: int
    path: Path


@dataclass(frozen=True)
class Notice:
    """Something the person should know: out-of-memory back-off, collapse and its answer."""

    step: int
    text: str


@dataclass(frozen=True)
class Finished:
    """The model is written; ``interrupted`` means cancelled with a checkpoint kept."""

    step: int
    model: Path | None
    interrupted: bool
    seconds: float
    metrics: dict[str, float] = field(default_factory=dict)


Event = (
    Started
    | DataProgress
    | StepDone
    | MasksProgress
    | Validated
    | SamplesWritten
    | CheckpointSaved
    | Notice
    | Finished
)


class CancelToken:
    """Set from another thread or a signal handler; long work looks at it every batch."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask the work to stop at its next safe point."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked to stop."""
        return self._event.is_set()
