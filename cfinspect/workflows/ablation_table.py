"""Which settings matter: cells of a grid, each trained with several seeds, and their table."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cfinspect.engine.training.config import ConfigError
from cfinspect.workflows.config_parsing import parse_setting

# What makes up CF-GAN, each thing changed on its own; the paper had rho 1 and no gate.
USUAL = (
    "cycles=1,2",
    "noise=0,0.1",
    "aux=0",
    "rho=0,1",
    "l1=2,20",
    "gate=off",
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
COLUMNS = (
    ("F1", ("classification", "f1")),
    ("AUROC", ("classification", "auroc")),
    ("right class", ("kinds", "accuracy")),
    ("right kind of what is found", ("kinds", "right_kind")),
    ("IoU", ("localisation", "iou")),
    ("flips damaged", ("counterfactual", "flip_rate_damaged")),
    ("flips undamaged", ("counterfactual", "flip_rate_undamaged")),
    ("errors in review", ("review", "errors_caught")),
    ("judge flips damaged", ("realism", "judge_flips")),
    ("FID", ("realism", "fid")),
    ("robust F1 1/255", ("robustness", 1.0)),
    ("robust F1 2/255", ("robustness", 2.0)),
    ("minutes", ("training", "minutes")),
)


def figure(report: Mapping[str, Any], path: tuple[str, Any]) -> float | None:
    """A figure of one cell's report, None where it has none or it would mean nothing.

    ``training.without`` names parts that a reference system has no figures for.
    """
    trained = report.get("training") or {}
    if path[0] in trained.get("without", ()):
        return None
    part = report.get(path[0]) or {}
    if path[0] == "robustness":
        known = dict(zip(part.get("eps", ()), part.get("f1", ()), strict=True))
        value = known.get(path[1])
    elif path[0] == "realism":
        value = ((part.get("directions") or {}).get("damaged") or {}).get(path[1])
    else:
        value = part.get(path[1])
    return float(value) if isinstance(value, int | float) else None


def converged(report: Mapping[str, Any]) -> bool:
    """Whether D tells the classes apart and, where there is a generator, half of damaged flip."""
    auroc = figure(report, ("classification", "auroc"))
    flips = figure(report, ("counterfactual", "flip_rate_damaged"))
    makes = (report.get("training") or {}).get("counterfactual", True)
    return auroc is not None and auroc > 0.7 and (not makes or (flips or 0.0) >= 0.5)


def table(results: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[list[str]]:
    """Rows of text, the heading first: a cell's name, seeds that converged, mean and range.

    ``results``: reports of all seeds that are done, by cell. Columns without any figure are left
    out; a seed that failed has an "error" and counts as not converged.
    """
    reports = [report for group in results.values() for report in group]
    shown = [c for c in COLUMNS if any(figure(report, c[1]) is not None for report in reports)]
    rows = [["cell", "converged", *(name for name, _ in shown)]]
    for name, group in results.items():
        good = sum(converged(report) for report in group)
        values = [[figure(report, path) for report in group] for _, path in shown]
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
