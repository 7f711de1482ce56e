"""``cfinspect train``: from folders of labelled images to a model file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cfinspect.cli.interrupt import cancel_on_signals
from cfinspect.cli.options import (
    DamagedOption,
    UndamagedOption,
    require_exists,
    require_folder_to_write,
)
from cfinspect.cli.output import JsonFlag, Output, guarded
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.events import CancelToken, Finished
from cfinspect.engine.base.progress import Cancelled
from cfinspect.engine.training.config import (
    AUGMENTS,
    DISCRIMINATORS,
    GENERATORS,
    METHODS,
    PRESETS,
    SCOPES,
    TrainConfig,
)
from cfinspect.workflows.config_parsing import new_config, resumed_config

if TYPE_CHECKING:
    from cfinspect.engine.base.events import Event

EXAMPLES = """
DATA is a folder with undamaged/ and damaged/ (or good/bad, ok/ng, healthy/rotten, ...), and may
hold labels.csv (filename,label,group) and masks/ (for evaluate and --method segmenter only).
Several may be given. Leaves model.safetensors, config.json, metrics.jsonl, samples/ and curves.png
in the folder RUN.

Ctrl+C keeps a checkpoint (exit code 130); --resume goes on from there.

Examples:

  cfinspect train data/ --out runs/first --preset fast

  cfinspect train data/ more/ --out runs/second --size 256 --minutes 30 --device cuda

  cfinspect train new/ --out runs/tuned --from runs/first/model.safetensors --minutes 2

  cfinspect train --out runs/first --resume --minutes 20

  cfinspect train apples/ --out runs/kinds --kinds rot,scab,bruise     beside undamaged/

  cfinspect train data/ --out runs/plain --method classifier     what the model is measured against
"""


def _one_of(names: tuple[str, ...]) -> str:
    return f"one of {', '.join(names)}."


@guarded
def train(
    *,
    out: Annotated[Path, typer.Option("--out", metavar="RUN", help="Folder for the run's files.")],
    data: Annotated[
        list[Path] | None,
        typer.Argument(metavar="DATA", help="Folders with undamaged/ and damaged/ images."),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option("--preset", help=f"Starting point: {_one_of(PRESETS)} [default: balanced]"),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option("--method", help=f"What is trained: {_one_of(METHODS)} [default: cfgan]"),
    ] = None,
    generator: Annotated[
        str | None, typer.Option("--generator", help=f"Makes x': {_one_of(GENERATORS)}")
    ] = None,
    discriminator: Annotated[
        str | None, typer.Option("--discriminator", help=f"Classifies: {_one_of(DISCRIMINATORS)}")
    ] = None,
    size: Annotated[
        int | None, typer.Option("--size", help="Side of the network's input in px.")
    ] = None,
    scope: Annotated[
        str | None, typer.Option("--scope", help=f"Whole images or tiles: {_one_of(SCOPES)}")
    ] = None,
    width: Annotated[
        int | None, typer.Option("--width", help="Channels of the generator's first level.")
    ] = None,
    cycles: Annotated[
        int | None, typer.Option("--cycles", help="Further counterfactual passes, 0 or more.")
    ] = None,
    augment: Annotated[
        str | None, typer.Option("--augment", help=f"Changes of the images: {_one_of(AUGMENTS)}")
    ] = None,
    rho: Annotated[float | None, typer.Option("--rho", help="Weight of fakes in D's loss.")] = None,
    l1: Annotated[float | None, typer.Option("--l1", help="Weight of mean|x - x'|.")] = None,
    robust: Annotated[
        float | None,
        typer.Option("--robust", help="D learns on images perturbed by so many grey levels."),
    ] = None,
    batch: Annotated[
        int | None, typer.Option("--batch", help="Real images per step, an even number.")
    ] = None,
    minutes: Annotated[float | None, typer.Option("--minutes", help="Train for so long.")] = None,
    steps: Annotated[
        int | None, typer.Option("--steps", help="Train for so many steps instead.")
    ] = None,
    holdout: Annotated[
        float | None,
        typer.Option("--holdout", help="Share of groups kept out for 'evaluate --unseen'."),
    ] = None,
    undamaged: UndamagedOption = None,
    damaged: DamagedOption = None,
    kinds: Annotated[
        str | None,
        typer.Option(
            "--kinds", metavar="A,B,...", help="Folders of several kinds of damage, told apart."
        ),
    ] = None,
    init_from: Annotated[
        Path | None, typer.Option("--from", metavar="MODEL", help="Fine-tune this model.")
    ] = None,
    device: Annotated[
        str | None, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")
    ] = None,
    precision: Annotated[
        str | None, typer.Option("--precision", help="auto, fp32, bf16 or fp16.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of everything.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Any other setting; may be repeated."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with RUN; data and settings come from there.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Train a counterfactual model on undamaged and damaged images."""
    options: dict[str, Any] = {
        "method": method,
        "generator": generator,
        "discriminator": discriminator,
        "size": size,
        "scope": scope,
        "width": width,
        "cycles": cycles,
        "augment": augment,
        "rho": rho,
        "l1": l1,
        "robust": robust,
        "batch": batch,
        "minutes": minutes,
        "steps": steps,
        "holdout": holdout,
        "undamaged": undamaged,
        "damaged": damaged,
        "kinds": kinds,
        "init_from": str(init_from) if init_from else None,
        "device": device,
        "precision": precision,
        "seed": seed,
    }
    require_folder_to_write(out)
    if resume and (not data or (out / "config.json").exists()):
        config = resumed_config(
            out, {**options, "data": data, "preset": preset, "settings": settings}
        )
    else:
        if not data:
            raise CfinspectError("Give the folders to train on, or --resume to go on with a run.")
        require_exists(*data, *([init_from] if init_from else []))
        config = new_config(data, out, preset or "balanced", options, settings or [])
    with cancel_on_signals("Stopping after this step and saving a checkpoint") as cancel:
        run(config, Output(as_json), cancel, resume=resume)


def run(config: TrainConfig, output: Output, cancel: CancelToken, *, resume: bool = False) -> Path:
    """Train and show it; returns the model's path.

    Raises Cancelled, with the checkpoint kept, when ``cancel`` was set meanwhile.
    """
    from cfinspect.cli.display import TrainDisplay  # noqa: PLC0415
    from cfinspect.engine.training.trainer import (  # noqa: PLC0415  (torch takes seconds to import)
        train as train_events,
    )

    finished: Finished | None = None
    with TrainDisplay() as display:
        for event in train_events(config, cancel=cancel, resume=resume):
            output.emit(event_name(event), output_fields(event))
            display.show(event)
            if isinstance(event, Finished):
                finished = event
    if finished is None or finished.model is None:
        step = f" at step {finished.step}" if finished else ""
        raise Cancelled(
            f"Interrupted{step}; the checkpoint is in {config.out}. "
            f"Go on with: cfinspect train --out {config.out} --resume"
        )
    rows = [(name, f"{value:.4f}") for name, value in finished.figures.items()]
    output.table("On the validation images", rows)
    output.say(f"Model: {finished.model}")
    return finished.model


def event_name(event: Event) -> str:
    """The event's name in JSON lines: StepDone becomes step_done."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(event).__name__).lower()


def output_fields(event: Event) -> dict[str, Any]:
    """The event's fields by name."""
    return dict(vars(event))
