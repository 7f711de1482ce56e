"""``cfinspect train``: from folders of labelled images to a model file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cfinspect.cli.interrupt import cancel_on_signals
from cfinspect.cli.options import require_exists, require_folder_to_write
from cfinspect.cli.output import JsonFlag, Output, guarded
from cfinspect.cli.setting_options import own_options, with_setting_options
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.events import CancelToken, Finished
from cfinspect.engine.base.progress import Cancelled
from cfinspect.engine.base.setting import SettingValue
from cfinspect.engine.training.config import TrainConfig
from cfinspect.workflows.config_parsing import new_config, parsed_settings, resumed_config

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

  cfinspect train apples/ --out runs/classes --defect-classes rot,scab     beside undamaged/

  cfinspect train data/ --out runs/plain --method classifier     what the model is measured against
"""


@guarded
@with_setting_options(own_options())
def train(
    *,
    out: Annotated[Path, typer.Option("--out", metavar="RUN", help="Folder for the run's files.")],
    data: Annotated[
        list[Path] | None,
        typer.Argument(metavar="DATA", help="Folders with undamaged/ and damaged/ images."),
    ] = None,
    chosen: dict[str, SettingValue],
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
    require_folder_to_write(out)
    if resume and (not data or (out / "config.json").exists()):
        config = resumed_config(out, data or [], chosen, settings or [])
    else:
        if not data:
            raise CfinspectError("Give the folders to train on, or --resume to go on with a run.")
        start = chosen.get("init_from")
        require_exists(*data, *([Path(str(start))] if start else []))
        preset = str(chosen.pop("preset", TrainConfig().preset))
        config = new_config(
            data, out, preset, {**chosen, **parsed_settings(settings or [], chosen)}
        )
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
    rows = [(name, f"{value:.4f}") for name, value in finished.metrics.items()]
    output.table("On the validation images", rows)
    output.say(f"Model: {finished.model}")
    return finished.model


def event_name(event: Event) -> str:
    """The event's name in JSON lines: StepDone becomes step_done."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(event).__name__).lower()


def output_fields(event: Event) -> dict[str, object]:
    """The event's fields by name, as they are called in JSON lines."""
    return {_KEYS.get(name, name): value for name, value in vars(event).items()}


_KEYS = {"metrics": "figures"}  # what programs that read the lines know them by
