"""Which settings matter: cells of a grid, each trained with several seeds, and their table."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cfinspect.engine.base.json_types import Json, JsonObject, at, number_at
from cfinspect.engine.training.config import ConfigError
from cfinspect.workflows.config_parsing import parse_setting

# What makes up the method, each thing changed on its own; the paper had rho 1.
USUAL = (
    "cycles=1,2",
    "noise=0.03,0.1",
    "aux=0",
    "rho=0,1",
    "l1=2,20",
    "prior=off",
    "warmup=0",
    "ema=0",
)


@dataclass(frozen=True)
class Cell:
    """One choice of settings; ``name`` says how it differs from the others."""

    name: str
    changes: tuple[tuple[str, Any], ...] = ()


def cells(vary: Sequence[str], cross: bool) -> list[Cell]:
    """The cells of ``NAME=A,B`` texts.

    Each value on its own beside the unchanged base, or with ``cross`` every combination. Raises
    ConfigError for names, values or repetitions that cannot be.
    """
    axes: list[list[tuple[str, str, Any]]] = []
    for text in vary:
        name, equals, values = text.partition("=")
        if not equals or not values.strip():
            raise ConfigError(f"--vary {text}: give NAME=A,B,...")
        if name.strip().replace("-", "_") in _OWN:
            raise ConfigError(f"--vary {text}: every cell has its own seeds and shares the rest")
        # As it was typed: cells of earlier versions lie in folders of these names.
        typed_name = name.strip().replace("-", "_")
        axis = []
        for value in values.split(","):
            field, typed = parse_setting(f"{name}={value}")
            axis.append((f"{typed_name}={value.strip()}", field, typed))
        axes.append(axis)
    names = [axis[0][1] for axis in axes]
    if len(set(names)) < len(names):
        raise ConfigError("--vary names a setting twice: give all its values at once")
    if not cross:
        single = [Cell(label, ((field, value),)) for label, field, value in itertools.chain(*axes)]
        return [Cell("base"), *single]
    return [
        Cell(" ".join(label for label, _, _ in choice), tuple((f, v) for _, f, v in choice))
        for choice in itertools.product(*axes)
    ]


_OWN = ("seed", "holdout_seed", "holdout", "device", "precision")


@dataclass(frozen=True)
class CellFigures:
    """What the table needs of one training's report; None where it has no figure, or no honest one.

    ``robust_f1``: F1 under attack by eps, in grey levels; ``minutes``: of the training;
    ``counterfactual``: whether there is a generator; ``error``: why there are no figures at all.
    """

    f1: float | None
    auroc: float | None
    right_class: float | None
    right_kind: float | None
    iou: float | None
    flips_damaged: float | None
    flips_undamaged: float | None
    errors_caught: float | None
    judge_flips: float | None
    fid: float | None
    robust_f1: Mapping[float, float | None]
    minutes: float | None
    counterfactual: bool
    error: str | None

    @classmethod
    def from_json(cls, report: JsonObject) -> CellFigures:
        """From the report.json of a training, also an older one, or one that says its error.

        ``training.without`` names parts that a reference system has no figures for.
        """
        without = at(report, "training", "without")
        left_out = without if isinstance(without, list) else []
        known: JsonObject = {name: part for name, part in report.items() if name not in left_out}
        error = at(report, "error")
        return cls(
            f1=number_at(known, "classification", "f1"),
            auroc=number_at(known, "classification", "auroc"),
            right_class=number_at(known, "kinds", "accuracy"),
            right_kind=number_at(known, "kinds", "right_kind"),
            iou=number_at(known, "localisation", "iou"),
            flips_damaged=number_at(known, "counterfactual", "flip_rate_damaged"),
            flips_undamaged=number_at(known, "counterfactual", "flip_rate_undamaged"),
            errors_caught=number_at(known, "review", "errors_caught"),
            judge_flips=number_at(known, "realism", "directions", "damaged", "judge_flips"),
            fid=number_at(known, "realism", "directions", "damaged", "fid"),
            robust_f1=_by_eps(at(known, "robustness")),
            minutes=number_at(known, "training", "minutes"),
            counterfactual=at(known, "training", "counterfactual") is not False,
            error=None if error is None else str(error),
        )

    @property
    def converged(self) -> bool:
        """Whether D tells the classes apart and, with a generator, half of damaged flip."""
        good = self.auroc is not None and self.auroc > 0.7
        return good and (not self.counterfactual or (self.flips_damaged or 0.0) >= 0.5)


def _by_eps(robustness: Json) -> dict[float, float | None]:
    eps, f1 = at(robustness, "eps"), at(robustness, "f1")
    if not isinstance(eps, list) or not isinstance(f1, list):
        return {}
    pairs = [(number_at(level), number_at(value)) for level, value in zip(eps, f1, strict=True)]
    return {level: value for level, value in pairs if level is not None}


COLUMNS: tuple[tuple[str, Callable[[CellFigures], float | None]], ...] = (
    ("F1", lambda cell: cell.f1),
    ("AUROC", lambda cell: cell.auroc),
    ("right class", lambda cell: cell.right_class),
    ("right kind of what is found", lambda cell: cell.right_kind),
    ("IoU", lambda cell: cell.iou),
    ("flips damaged", lambda cell: cell.flips_damaged),
    ("flips undamaged", lambda cell: cell.flips_undamaged),
    ("errors in review", lambda cell: cell.errors_caught),
    ("judge flips damaged", lambda cell: cell.judge_flips),
    ("FID", lambda cell: cell.fid),
    ("robust F1 1/255", lambda cell: cell.robust_f1.get(1.0)),
    ("robust F1 2/255", lambda cell: cell.robust_f1.get(2.0)),
    ("minutes", lambda cell: cell.minutes),
)


def table(results: Mapping[str, Sequence[CellFigures]]) -> list[list[str]]:
    """Rows of text, the heading first: a cell's name, seeds that converged, mean and range.

    ``results``: figures of all seeds that are done, by cell. Columns without any figure are left
    out; a seed that failed has an ``error`` and counts as not converged.
    """
    cells_of_all = [one for group in results.values() for one in group]
    shown = [c for c in COLUMNS if any(c[1](one) is not None for one in cells_of_all)]
    rows = [["cell", "converged", *(name for name, _ in shown)]]
    for name, group in results.items():
        good = sum(one.converged for one in group)
        values = [[figure(one) for one in group] for _, figure in shown]
        texts = [
            each(found) if column == "FID" else spread(found)
            for (column, _), found in zip(shown, values, strict=True)
        ]
        rows.append([name, f"{good} of {len(group)}", *texts])
    return rows


def spread(values: Iterable[float | None]) -> str:
    """Mean and range of a few seeds, as "0.953 (0.948 to 0.957)"; "-" where none is known."""
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    if len(known) == 1:
        return f"{known[0]:.3f}"
    return f"{statistics.mean(known):.3f} ({min(known):.3f} to {max(known):.3f})"


def each(values: Iterable[float | None]) -> str:
    """Figures that have no mean, as "5.5, 7.1": FIDs of seeds have an encoder each."""
    return ", ".join("-" if value is None else f"{value:.1f}" for value in values)


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """The rows as a Markdown table."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]]) + "\n"
