"""``cfinspect ablate``: many small trainings, one table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from cfinspect.cli.interrupt import cancel_on_signals
from cfinspect.cli.options import require_exists, require_folder_to_write
from cfinspect.cli.output import JsonFlag, Output, guarded, note, plain, save_text
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.events import CancelToken, Finished
from cfinspect.engine.base.progress import Cancelled
from cfinspect.engine.training.config import TrainConfig
from cfinspect.workflows.ablation_table import USUAL, Cell, cells, markdown, table
from cfinspect.workflows.config_parsing import new_config
from cfinspect.workflows.evaluation_parts import QUICK_IMAGES, attack, judge

if TYPE_CHECKING:
    from cfinspect.engine.data.dataset import Dataset
    from cfinspect.engine.inference.torch_backend import TorchBackend

EXAMPLES = """
Every cell is trained with every seed; each seed keeps a quarter of the groups out, and its figures
come from those. Leaves table.md, table.csv and a folder per training in OUT. What is finished stays
finished: the same command goes on after an interruption.

Examples:

  cfinspect ablate data/ --out ablation --steps 2000

  cfinspect ablate data/ --out loss --vary rho=0.2,0.4,1 --vary l1=4,8 --cross --seeds 2

  cfinspect ablate data/ --out methods --vary method=cfgan,classifier,no-fake --cross --robustness
"""


@guarded
def ablate(
    *,
    data: Annotated[
        list[Path],
        typer.Argument(metavar="DATA", help="Folders with undamaged/ and damaged/ images."),
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder for trainings and tables.")],
    vary: Annotated[
        list[str] | None,
        typer.Option(
            "--vary", metavar="NAME=A,B", help=f"May be repeated. [default: {' '.join(USUAL)}]"
        ),
    ] = None,
    cross: Annotated[
        bool, typer.Option("--cross", help="All combinations instead of one change at a time.")
    ] = False,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Trainings of each cell.")] = 3,
    preset: Annotated[str, typer.Option("--preset", help="The base's preset.")] = "balanced",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A setting of all cells."),
    ] = None,
    minutes: Annotated[float | None, typer.Option("--minutes", help="Of each training.")] = None,
    steps: Annotated[
        int | None, typer.Option("--steps", help="Of each training, instead of minutes.")
    ] = None,
    size: Annotated[int | None, typer.Option("--size", help="Side of the input in px.")] = None,
    robustness: Annotated[
        bool, typer.Option("--robustness", help="Attack each model, quickly.")
    ] = False,
    realism: Annotated[
        bool, typer.Option("--realism", help="FID, and flips for an independent judge, quickly.")
    ] = False,
    images: Annotated[
        int | None, typer.Option("--images", min=2, help="How many are attacked. [default: 30]")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Train a grid of settings with several seeds and compare them on held-out images."""
    from cfinspect.cli.progress import Counter  # noqa: PLC0415
    from cfinspect.engine.data.dataset import read_folders  # noqa: PLC0415

    require_exists(*data)
    require_folder_to_write(out)
    chosen = cells(vary or USUAL, cross)
    options = {"minutes": minutes, "steps": steps, "size": size, "holdout": 0.25}
    base = new_config(data, out, preset, options, settings or [])
    # Settings that cannot be are found before hours of training.
    planned = {cell.name: _configs(base, cell, seeds) for cell in chosen}
    if any(one.method == "diffusion" for group in planned.values() for one in group):
        raise CfinspectError("a diffusion model gives no verdicts that could be compared")
    if (robustness or realism) and any(one.kinds for group in planned.values() for one in group):
        raise CfinspectError(
            "--robustness and --realism look at one kind of damage at a time: leave out kinds"
        )
    with Counter("Reading folders", "files") as counter:
        # What is wrong with the images must not look like a training that failed.
        dataset = read_folders(
            data,
            undamaged=base.undamaged,
            damaged=base.damaged,
            kinds=base.kind_names,
            progress=counter,
        )
    _same_as_before(out, base, dataset.fingerprint())
    output = Output(as_json)
    trials = Trials((images or QUICK_IMAGES) if robustness else None, realism)
    results: dict[str, list[dict[str, Any]]] = {cell.name: [] for cell in chosen}
    total, done = len(chosen) * seeds, 0
    with cancel_on_signals("Stopping after this step") as cancel:
        # Seed by seed: an interrupted table has all its rows.
        for seed in range(seeds):
            for name, configs in planned.items():
                done += 1
                note(f"Training {done} of {total}: {name}, seed {seed}")
                report = _measured(configs[seed], dataset, trials, cancel)
                results[name].append(report)
                output.emit("cell", {"cell": name, "seed": seed, **report})
                rows = table({cell: found for cell, found in results.items() if found})
                save_text(out / "table.md", markdown(rows))
                lines = io.StringIO(newline="")
                csv.writer(lines, lineterminator="\n").writerows(rows)
                save_text(out / "table.csv", lines.getvalue())
    failed = [
        report["error"] for found in results.values() for report in found if "error" in report
    ]
    if len(failed) == total:
        raise CfinspectError(f"Every training failed; the last one: {failed[-1]}")
    output.say(markdown(rows))
    output.say(f"Table: {out / 'table.md'}")


@dataclass(frozen=True)
class Trials:
    """What is tried beyond the plain evaluation; ``attacked``: on how many images, None: not."""

    attacked: int | None
    realism: bool

    def done(self, report: Mapping[str, Any]) -> bool:
        """Whether a report has all of it."""
        return (self.attacked in (None, report.get("attacked"))) and (
            not self.realism or "realism" in report
        )


def _configs(base: TrainConfig, cell: Cell, seeds: int) -> list[TrainConfig]:
    changed = base.replace(**dict(cell.changes))
    return [
        changed.replace(
            out=str(Path(base.out) / cell.name.replace(" ", ",") / f"seed-{seed}"),
            seed=seed,
            holdout_seed=seed,
        )
        for seed in range(seeds)
    ]


def _same_as_before(out: Path, base: TrainConfig, fingerprint: str) -> None:
    """Figures of other data or budgets must not come into the same table."""
    values = cast("dict[str, Any]", plain({**base.to_dict(), "fingerprint": fingerprint}))
    file = out / "base.json"
    if file.exists():
        # Settings that are younger than the file had their defaults then.
        defaults = cast("dict[str, Any]", plain(TrainConfig().to_dict()))
        if {**defaults, **json.loads(file.read_text(encoding="utf-8"))} != values:
            raise CfinspectError(
                f"{out} holds trainings with other data or settings: give them again, or another "
                "--out"
            )
    save_text(file, json.dumps(values, indent=1, sort_keys=True) + "\n")


def _measured(
    config: TrainConfig, dataset: Dataset, trials: Trials, cancel: CancelToken
) -> dict[str, Any]:
    """Train and evaluate on what was held out, as far as that is not done; the report is kept."""
    file = Path(config.out) / "report.json"
    known: dict[str, Any] = {}
    if file.exists():
        known = json.loads(file.read_text(encoding="utf-8"))
        if "error" in known:
            known = {}
        elif trials.done(known):
            return known
    try:
        report = _report(config, dataset, trials, cancel, known)
    except CfinspectError as error:
        # One cell that diverges must not cost the others; the next call tries it again.
        note(f"Failed: {error}")
        report = {"error": str(error)}
    report = cast("dict[str, Any]", plain(report))
    save_text(file, json.dumps(report, indent=1, allow_nan=False) + "\n")
    return report


def _report(
    config: TrainConfig,
    dataset: Dataset,
    trials: Trials,
    cancel: CancelToken,
    known: dict[str, Any],
) -> dict[str, Any]:
    """``known``: an earlier report, whose parts are not made again."""
    from cfinspect.cli.evaluate import choose_samples, run  # noqa: PLC0415
    from cfinspect.cli.options import open_inspector  # noqa: PLC0415
    from cfinspect.engine.model.file import load_metadata  # noqa: PLC0415

    model = Path(config.out) / "model.safetensors"
    if not model.exists():
        _train(config, cancel)
    samples, _ = choose_samples(model, dataset, unseen=True)
    inspector = open_inspector(model, config.device, config.precision, 64)
    report = known or dict(
        run(inspector, samples, [Path(folder) for folder in config.data], cancel).report
    )
    if trials.realism and "realism" not in report:
        report["realism"] = None
        if config.counterfactual:
            try:
                report["realism"] = judge(inspector, samples, None, True, cancel)
            except CfinspectError as error:
                note(f"Without realism: {error}")
    if trials.attacked not in (None, report.get("attacked")):
        backend = cast("TorchBackend", inspector.backend)
        report["robustness"] = attack(backend, inspector, samples, trials.attacked, True, cancel)
        report["attacked"] = trials.attacked
    seconds = float(load_metadata(model).training["seconds"])
    report["training"] = {
        "minutes": seconds / 60,
        "counterfactual": config.counterfactual,
        "without": _without(config),
    }
    return report


def _without(config: TrainConfig) -> list[str]:
    """Parts of a report that say nothing about a reference system: what it does not make."""
    if config.counterfactual:
        return []
    makes_masks = config.method == "segmenter"
    return ["counterfactual"] if makes_masks else ["counterfactual", "localisation"]


def _train(config: TrainConfig, cancel: CancelToken) -> None:
    from cfinspect.cli.display import TrainDisplay  # noqa: PLC0415
    from cfinspect.engine.training.trainer import train  # noqa: PLC0415

    finished: Finished | None = None
    with TrainDisplay() as display:
        for event in train(config, cancel=cancel, resume=True):
            display.show(event)
            if isinstance(event, Finished):
                finished = event
    if finished is None or finished.model is None:
        raise Cancelled("Interrupted; the same command goes on from here.")
