"""Many small trainings, one table: what is finished stays finished."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from cfinspect.engine.base.atomic import LinkRefuser, read_regular_text, save_text
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.events import Finished
from cfinspect.engine.base.json_types import Json, JsonObject, json_object, number_at, plain
from cfinspect.engine.base.progress import Cancelled
from cfinspect.engine.base.setting import SettingValue
from cfinspect.engine.data.csv_cells import TableWriter
from cfinspect.engine.data.settings import MaskValues
from cfinspect.engine.model.file import load_metadata
from cfinspect.engine.model.renamed_settings import with_new_names
from cfinspect.engine.training.config import OLDER, TrainConfig
from cfinspect.engine.training.presets import without_backbone
from cfinspect.workflows.ablation_table import Cell, CellFigures, markdown, table
from cfinspect.workflows.evaluate_model import evaluate_samples
from cfinspect.workflows.evaluation_data import choose_samples
from cfinspect.workflows.evaluation_parts import attack, judge
from cfinspect.workflows.listener import Listener
from cfinspect.workflows.opening import open_inspector

if TYPE_CHECKING:
    from cfinspect.engine.data.dataset import Dataset
    from cfinspect.engine.inference.torch_backend import TorchBackend


def ablate(
    base: TrainConfig, cells: Sequence[Cell], seeds: int, trials: Trials, listener: Listener
) -> str:
    """Train every cell with every seed into ``base.out``; returns the table as Markdown.

    Each seed keeps the share ``base.holdout`` of the groups out, and its figures come from those.
    Leaves table.md, table.csv and a folder per training; called again, it goes on. Raises
    CfinspectError for settings or data that cannot be, and where every training failed.
    """
    from cfinspect.engine.data.dataset import read_folders  # noqa: PLC0415

    out = Path(base.out)
    # Settings that cannot be are found before hours of training.
    planned = {cell.name: cell_configs(base, cell, seeds) for cell in cells}
    if any(one.method == "diffusion" for group in planned.values() for one in group):
        raise CfinspectError("a diffusion model gives no verdicts that could be compared")
    tried = trials.attacked is not None or trials.realism
    each = (one for group in planned.values() for one in group)
    if tried and any(one.defect_classes and not one.names_classes for one in each):
        raise CfinspectError(
            "--robustness and --realism look at one defect class at a time: leave them out"
        )
    with listener.task("Reading folders", "files") as progress:
        # What is wrong with the images must not look like a training that failed.
        dataset = read_folders(
            [Path(folder) for folder in base.data],
            undamaged=base.undamaged,
            damaged=base.damaged,
            defect_classes=base.defect_class_names,
            mask_values=MaskValues(base.mask_values),
            progress=progress,
        )
    links = LinkRefuser(out)
    for group in planned.values():
        for one in group:
            links.check(Path(one.out).relative_to(out))
    _same_as_before(out, base, dataset.fingerprint())
    results: dict[str, list[CellFigures]] = {cell.name: [] for cell in cells}
    total, done, text = len(cells) * seeds, 0, ""
    # Seed by seed: an interrupted table has all its rows.
    for seed in range(seeds):
        for name, configs in planned.items():
            done += 1
            listener.note(f"Training {done} of {total}: {name}, seed {seed}")
            report = _measured(configs[seed], dataset, trials, listener)
            results[name].append(CellFigures.from_json(report))
            listener.result("cell", {"cell": name, "seed": seed, **report})
            text = _save_table(out, results)
    failed = [one.error for found in results.values() for one in found if one.error is not None]
    if len(failed) == total:
        raise CfinspectError(f"Every training failed; the last one: {failed[-1]}")
    return text


def _save_table(out: Path, results: Mapping[str, Sequence[CellFigures]]) -> str:
    rows = table({cell: found for cell, found in results.items() if found})
    text = markdown(rows)
    save_text(out / "table.md", text)
    lines = io.StringIO(newline="")
    TableWriter(lines).rows(rows)
    save_text(out / "table.csv", lines.getvalue())
    return text


@dataclass(frozen=True)
class Trials:
    """What is tried beyond the plain evaluation; ``attacked``: on how many images, None: not."""

    attacked: int | None
    realism: bool

    def done(self, report: JsonObject) -> bool:
        """Whether a report has all of it."""
        return (self.attacked in (None, number_at(report, "attacked"))) and (
            not self.realism or "realism" in report
        )


def cell_configs(base: TrainConfig, cell: Cell, seeds: int) -> list[TrainConfig]:
    """The trainings of one cell, seed by seed; each seed holds out its own share."""
    changed = base.replace(**_brought_along(base, dict(cell.changes)))
    return [
        changed.replace(
            out=str(Path(base.out) / cell.name.replace(" ", ",") / f"seed-{seed}"),
            seed=seed,
            holdout_seed=seed,
        )
        for seed in range(seeds)
    ]


def _brought_along(
    base: TrainConfig, changes: Mapping[str, SettingValue]
) -> dict[str, SettingValue]:
    """``changes``, and what another method or network sets otherwise, as in its own training.

    What ``base`` has otherwise than by default was asked for, and stays.
    """
    changed = without_backbone(changes)
    leading = {"method": base.method, "discriminator": base.discriminator}
    if not {*leading, "generator"} & set(changed):
        return changed
    asked = {name: changed.get(name, value) for name, value in leading.items()}
    usual = TrainConfig.from_preset(base.preset, **leading, generator=base.generator).to_dict()
    other = TrainConfig.from_preset(base.preset, **asked, generator=changed.get("generator"))
    stored = base.to_dict()
    along = {
        name: value
        for name, value in other.to_dict().items()
        if value != usual[name] and stored[name] == usual[name]
    }
    return {**along, **changed}


def _same_as_before(out: Path, base: TrainConfig, fingerprint: str) -> None:
    """Figures of other data or budgets must not come into the same table."""
    values = plain({**base.to_dict(), "fingerprint": fingerprint})
    file = out / "base.json"
    if file.exists():
        # Settings that are younger than the file had their defaults then, or did nothing.
        stored = with_new_names(_kept(file))
        if plain(TrainConfig().to_dict() | OLDER | dict(stored)) != values:
            raise CfinspectError(
                f"{out} holds trainings with other data or settings: give them again, or another "
                "--out"
            )
    save_text(file, json.dumps(values, indent=1, sort_keys=True) + "\n")


def _kept(file: Path) -> JsonObject:
    """The JSON object that an earlier call left; CfinspectError where it is none."""
    try:
        known = json.loads(read_regular_text(file))
    except (OSError, ValueError, RecursionError) as error:
        raise CfinspectError(f"Cannot read {file}: {error}. Give another --out.") from error
    if not isinstance(known, dict):
        raise CfinspectError(f"{file} holds no figures of ours: give another --out.")
    return known


def _measured(
    config: TrainConfig, dataset: Dataset, trials: Trials, listener: Listener
) -> JsonObject:
    """Train and evaluate on what was held out, as far as that is not done; the report is kept."""
    file = Path(config.out) / "report.json"
    known: JsonObject = {}
    if file.exists():
        known = _kept(file)
        if "error" in known:
            known = {}
        elif trials.done(known):
            return known
    try:
        report = _report(config, dataset, trials, listener, known)
    except CfinspectError as error:
        # One cell that diverges must not cost the others; the next call tries it again.
        listener.note(f"Failed: {error}")
        report = {"error": str(error)}
    save_text(file, json.dumps(report, indent=1, allow_nan=False) + "\n")
    return report


def _report(
    config: TrainConfig,
    dataset: Dataset,
    trials: Trials,
    listener: Listener,
    known: JsonObject,
) -> JsonObject:
    """``known``: an earlier report, whose parts are not made again."""
    model = Path(config.out) / "model.safetensors"
    if not model.exists():
        _train(config, listener)
    samples, _ = choose_samples(model, dataset, True, listener)
    inspector = open_inspector(model, config.device, config.precision, 64, listener)
    folders = [Path(one) for one in config.data]
    report = known or json_object(evaluate_samples(inspector, samples, folders, listener).figures)
    if trials.realism and "realism" not in report:
        report["realism"] = None
        if config.counterfactual:
            try:
                report["realism"] = json_object(judge(inspector, samples, None, True, listener))
            except CfinspectError as error:
                listener.note(f"Without realism: {error}")
    if trials.attacked not in (None, number_at(report, "attacked")):
        backend = cast("TorchBackend", inspector.backend)
        found = attack(backend, inspector, samples, trials.attacked, True, listener)
        report["robustness"] = json_object(found)
        report["attacked"] = trials.attacked
    seconds = load_metadata(model).training_seconds or 0.0
    report["training"] = {
        "minutes": seconds / 60,
        "counterfactual": config.counterfactual,
        "without": _without(config),
    }
    return report


def _without(config: TrainConfig) -> list[Json]:
    """Parts of a report that say nothing about a reference system: what it does not make."""
    if config.counterfactual:
        return []
    makes_masks = config.method == "segmenter"
    return ["counterfactual"] if makes_masks else ["counterfactual", "localisation"]


def _train(config: TrainConfig, listener: Listener) -> None:
    from cfinspect.engine.training.trainer import train  # noqa: PLC0415

    finished: Finished | None = None
    with listener.training() as show:
        for event in train(config, cancel=listener.cancel, resume=True):
            show(event)
            if isinstance(event, Finished):
                finished = event
    if finished is None or finished.model is None:
        raise Cancelled("Interrupted; the same command goes on from here.")
