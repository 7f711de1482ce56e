"""The folder of one training: its settings, measured rows, pictures, and how far it came."""

from __future__ import annotations

import importlib.util
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from cfinspect.engine.base.atomic import read_regular, remove_leftovers, write_atomically
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.json_types import json_text
from cfinspect.engine.training.config import TrainConfig


@dataclass(frozen=True)
class MetricsRow:
    """One line of metrics.jsonl: ``values`` by name, None for what was no number.

    ``kind``: "train" or "validation". Losses and figures may have the same names.
    """

    kind: str
    step: int
    values: dict[str, float | None]

    def to_line(self) -> str:
        """As it stands in the file."""
        return json.dumps({"kind": self.kind, "step": self.step, **self.values}) + "\n"


@dataclass
class Counters:
    """The numbers of a training that are no tensors; the checkpoint holds them."""

    step: int = 0
    generator_steps: int = 0
    seconds: float = 0.0
    rho: float = 0.0
    l1_scale: float = 1.0
    parts: int = 1
    best: float = -math.inf
    best_step: int = 0
    settled: bool = False
    answers: int = 0
    told: int = 0
    fingerprint: str = ""
    metrics: dict[str, float] = field(default_factory=dict)

    def to_stored(self) -> dict[str, object]:
        """Plain values; checkpoints call the metrics "figures", as all versions read it."""
        return {"figures" if name == "metrics" else name: v for name, v in asdict(self).items()}

    @classmethod
    def from_stored(cls, stored: Mapping[str, object]) -> Self:
        """The inverse; KeyError, TypeError or ValueError for numbers that no training counts."""
        named = {"metrics" if name == "figures" else name: v for name, v in stored.items()}
        values: dict[str, Any] = named
        found = cls(**values)
        for name, usual in asdict(cls()).items():
            value = getattr(found, name)
            whole_for_float = isinstance(usual, float) and type(value) is int
            if type(value) is not type(usual) and not whole_for_float:
                raise TypeError(f"its {name} is {str(value)[:40]!r}")
            if isinstance(value, int | float) and not _counted(name, value):
                raise ValueError(f"its {name} is {str(value)[:40]}")
        if not all(isinstance(value, int | float) for value in found.metrics.values()):
            raise TypeError("its metrics are no numbers")
        return found


_MOST = 2**40  # steps, or seconds
_MOST_PARTS = 4096  # of a batch, one for each image
_MOST_BYTES = 256 << 20  # of the measured rows


def _counted(name: str, value: float) -> bool:
    """``best`` is a criterion of any size, minus infinity before the first look."""
    if name == "best":
        return not math.isnan(value)
    return 1 <= value <= _MOST_PARTS if name == "parts" else 0 <= value <= _MOST


class RunFolder:
    """Paths and small files of a run; its layout is in cfinspect/cli/README.md."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.config = root / "config.json"
        self.metrics = root / "metrics.jsonl"
        self.checkpoint = root / "checkpoint.safetensors"
        self.model = root / "model.safetensors"
        self.unfinished = root / "model.unfinished.safetensors"  # its masks are still G's
        self.samples = root / "samples"
        self.curves = root / "curves.png"
        self._board: Any = None

    def begin(self, config: TrainConfig, resume: bool) -> None:
        """Make the folder; CfinspectError when it holds a run that nobody asked to go on with."""
        self._refuse_what_leads_away()
        # config.json alone is no run: a mistyped data folder must not block the next try.
        if not resume and any(f.exists() for f in (self.metrics, self.checkpoint, self.model)):
            raise CfinspectError(
                f"{self.root} already holds a run: add --resume to go on with it, "
                "or give another --out"
            )
        self.samples.mkdir(parents=True, exist_ok=True)
        remove_leftovers(self.root)
        remove_leftovers(self.samples)
        text = json_text(config.to_dict(), indent=2)
        write_atomically(self.config, lambda file: _write(file, text))
        if importlib.util.find_spec("tensorboard") is not None:
            from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415  (optional)

            self._board = SummaryWriter(str(self.root / "tensorboard"))

    def _refuse_what_leads_away(self) -> None:
        """A folder may come from a stranger: its rows would be written wherever a link leads, and a
        pipe would be waited for.
        """
        files = (self.config, self.metrics, self.checkpoint, self.model, self.unfinished)
        for path in (*files, self.samples, self.root / "tensorboard"):
            if path.is_symlink() or (path in files and path.exists() and not path.is_file()):
                raise CfinspectError(
                    f"{path} is a link, or no file: nothing is read or written there. Put the "
                    "file itself in its place, or give another --out."
                )

    def rows(self) -> list[MetricsRow]:
        """The measured rows so far; lines that are none (cut short by a kill) are left out."""
        if not self.metrics.exists():
            return []
        data = read_regular(self.metrics, _MOST_BYTES)
        if data is None:
            raise CfinspectError(
                f"{self.metrics} has more than {_MOST_BYTES >> 20} MiB, and no training writes so "
                "much: train into a new folder."
            )
        rows = []
        for line in data.decode("utf-8", "replace").splitlines():
            try:
                known = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if _is_row(known):
                rows.append(MetricsRow(known.pop("kind"), known.pop("step"), known))
        return rows

    def rewind(self, step: int) -> None:
        """Drop rows past ``step``: the resumed training measures those steps again."""
        kept = [row.to_line() for row in self.rows() if row.step <= step]
        write_atomically(self.metrics, lambda file: _write(file, "".join(kept)))

    def log(self, kind: str, step: int, values: dict[str, float]) -> None:
        """Append one row of ``kind`` ("train" or "validation")."""
        # JSON knows no NaN: a figure that is no number is null.
        known = {k: v if math.isfinite(v) else None for k, v in values.items()}
        with self.metrics.open("a", encoding="utf-8") as file:
            file.write(MetricsRow(kind, step, known).to_line())
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(f"{kind}/{name}", value, step)

    def close(self) -> None:
        """Let go of the scalar writer."""
        if self._board is not None:
            self._board.close()


def _is_row(known: object) -> bool:
    """Whether a line's value has a kind, a step, and numbers (or nothing) by name."""
    if not isinstance(known, dict) or not isinstance(known.get("kind"), str):
        return False
    if type(known.get("step")) is not int:
        return False
    return all(
        name == "kind" or value is None or isinstance(value, int | float)
        for name, value in known.items()
    )


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
