"""``cfinspect ablate``: many small trainings, one table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cfinspect.cli.interrupt import cancel_on_signals
from cfinspect.cli.listening import CommandLine
from cfinspect.cli.options import require_exists, require_folder_to_write
from cfinspect.cli.output import JsonFlag, Output, guarded
from cfinspect.cli.setting_options import with_setting_options
from cfinspect.engine.base.setting import SettingValue
from cfinspect.engine.training.config import TrainConfig
from cfinspect.workflows.ablation_table import USUAL, cells
from cfinspect.workflows.config_parsing import new_config, parsed_settings
from cfinspect.workflows.evaluation_parts import QUICK_IMAGES

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
@with_setting_options(
    ("preset", "size", "steps", "minutes"),
    {
        "preset": "The base's preset. [default: balanced]",
        "steps": "Of each training, instead of minutes.",
        "minutes": "Of each training.",
    },
)
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
    chosen: dict[str, SettingValue],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A setting of all cells."),
    ] = None,
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
    from cfinspect.workflows import ablate as workflow  # noqa: PLC0415  (keeps --help quick)

    require_exists(*data)
    require_folder_to_write(out)
    preset = str(chosen.pop("preset", TrainConfig().preset))
    chosen["holdout"] = 0.25
    base = new_config(data, out, preset, chosen | parsed_settings(settings or [], chosen))
    trials = workflow.Trials((images or QUICK_IMAGES) if robustness else None, realism)
    output = Output(as_json)
    with cancel_on_signals("Stopping after this step") as cancel:
        listener = CommandLine(output, cancel)
        text = workflow.ablate(base, cells(vary or USUAL, cross), seeds, trials, listener)
    for line in text.rstrip("\n").split("\n"):
        output.say(line)
    output.say(f"Table: {out / 'table.md'}")
