"""``cfinspect evaluate``: how good a model is on labelled images."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from cfinspect.cli.ace_options import read_ace
from cfinspect.cli.evaluation_shown import show_report
from cfinspect.cli.interrupt import cancel_on_signals
from cfinspect.cli.listening import CommandLine
from cfinspect.cli.options import (
    BatchOption,
    DamagedOption,
    DataArgument,
    DeviceOption,
    MaskValuesOption,
    ModelArgument,
    PrecisionOption,
    UndamagedOption,
    mask_values_named,
    require_exists,
    require_folder_to_write,
)
from cfinspect.cli.output import JsonFlag, Output, guarded
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.workflows.evaluate_model import EvaluationOptions, evaluate_model

EXAMPLES = """
Leaves report.html, report.json and images.csv in the folder OUT. Figures on images that the model
has seen in training say little: give other images, or train with --holdout and evaluate with
--unseen.

Examples:

  cfinspect evaluate model.safetensors test/ --out report

  cfinspect evaluate model.safetensors data/ --unseen --out report

  cfinspect evaluate model.safetensors test/ --out report --all --quick
"""


@guarded
def evaluate(
    *,
    model: ModelArgument,
    data: DataArgument,
    out: Annotated[Path, typer.Option("--out", help="Folder for the report.")],
    unseen: Annotated[
        bool,
        typer.Option(
            "--unseen",
            help="Only images that training and validation (also of --diffusion) never looked at.",
        ),
    ] = False,
    robustness: Annotated[
        bool, typer.Option("--robustness", help="Attack the model as well; takes minutes.")
    ] = False,
    uncertainty: Annotated[
        bool,
        typer.Option("--uncertainty", help="Which doubt finds errors; calibration; guarantees."),
    ] = False,
    baselines: Annotated[
        bool,
        typer.Option("--baselines", help="Other saliencies beside ours; needs true masks."),
    ] = False,
    realism: Annotated[
        bool,
        typer.Option("--realism", help="FID, KID and what an independent classifier thinks."),
    ] = False,
    encoder: Annotated[
        Path | None,
        typer.Option(
            "--encoder",
            help="torchvision's weights of Inception v3 or a ResNet for FID. [default: our own]",
        ),
    ] = None,
    explainers: Annotated[
        bool,
        typer.Option("--explainers", help="What would change its mind: ours, ACE, RISE and more."),
    ] = False,
    diffusion: Annotated[
        Path | None,
        typer.Option("--diffusion", metavar="MODEL", help="For ACE: of train --method diffusion."),
    ] = None,
    ace: Annotated[
        list[str] | None,
        typer.Option("--ace", metavar="NAME=VALUE", help="ACE, as by explain; may be repeated."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All of these parts.")] = False,
    images: Annotated[
        int | None,
        typer.Option(
            "--images",
            min=2,
            help="How many images are attacked, or explained. [default: 100; with --quick 30]",
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer images and weaker attacks in these parts.")
    ] = False,
    batch: BatchOption = 64,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    undamaged: UndamagedOption = None,
    damaged: DamagedOption = None,
    mask_values: MaskValuesOption = "auto",
    as_json: JsonFlag = False,
) -> None:
    """Evaluate a model: classification, localisation, counterfactuals, review."""
    require_exists(model, *data, *(path for path in (encoder, diffusion) if path))
    require_folder_to_write(out)
    values = mask_values_named(mask_values)
    if ace and not diffusion:
        raise CfinspectError("--ace needs --diffusion: without such a model there is no ACE.")
    wanted = {
        "baselines": baselines,
        "explainers": explainers,
        "realism": realism,
        "uncertainty": uncertainty,
        "robustness": robustness,
    }
    options = EvaluationOptions(
        parts=frozenset(name for name, asked in wanted.items() if asked),
        every=every,
        unseen=unseen,
        encoder=encoder,
        diffusion=diffusion,
        ace=read_ace(ace or []) if diffusion else None,
        images=images,
        quick=quick,
        undamaged=undamaged,
        damaged=damaged,
        mask_values=values,
        batch=batch,
        device=device,
        precision=precision,
        command=shlex.join(["cfinspect", *sys.argv[1:]]),
    )
    output = Output(as_json)
    with cancel_on_signals("Stopping after this batch") as cancel:
        report = evaluate_model(model, data, out, options, CommandLine(output, cancel))
    show_report(report, out, output)
    output.say(f"Report: {out / 'report.html'}")
