"""``cfinspect calibrate``: fit a model's decisions to a new camera with a few labelled images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cfinspect.cli.listening import CommandLine
from cfinspect.cli.models import flat
from cfinspect.cli.options import (
    DamagedOption,
    DataArgument,
    DeviceOption,
    ModelArgument,
    PrecisionOption,
    UndamagedOption,
    require_exists,
    require_other_model_file,
)
from cfinspect.cli.output import JsonFlag, Output, guarded, note
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.json_types import json_object
from cfinspect.engine.model.plugins import ONNX_SUFFIX, SUFFIX, is_onnx
from cfinspect.workflows.evaluation_data import read_data

EXAMPLES = """
DATA are labelled images from the new camera or line: 40 help, 10 are the least, 400 are better.
A model that looks through the pretrained backbone refits its class head to them, anchored to what
it was; then, as for every model, score threshold, temperature, mask threshold and review rule are
fitted, and MODEL2 is written. The figures come from cross-validation over groups.

With undamaged images alone, the score threshold moves so far that the share of false alarms is
that of --false-alarms. A converted model (.onnx) is calibrated without PyTorch; MODEL2 is one too.

Examples:

  cfinspect calibrate model.safetensors new-camera/ --out new-camera.safetensors
  cfinspect calibrate model.safetensors good-ones/ --out new.safetensors --false-alarms 0.02
"""


@guarded
def calibrate(
    *,
    model: ModelArgument,
    data: DataArgument,
    out: Annotated[Path, typer.Option("--out", metavar="MODEL2", help="Model file to write.")],
    review_rate: Annotated[
        float | None,
        typer.Option("--review-rate", help="Share of images for review [default: as in MODEL]."),
    ] = None,
    false_alarms: Annotated[
        float,
        typer.Option(
            "--false-alarms",
            help="Share of undamaged images that may be called damaged, where DATA has no others.",
        ),
    ] = 0.05,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    undamaged: UndamagedOption = None,
    damaged: DamagedOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Fit a model's decisions to a few labelled images of a new camera or line."""
    require_exists(model, *data)
    require_other_model_file(model, out, ONNX_SUFFIX if is_onnx(model) else SUFFIX)
    for name, share in (("review-rate", review_rate), ("false-alarms", false_alarms)):
        if share is not None and not 0 < share < 1:
            raise CfinspectError(f"--{name} {share:g}: give a share between 0 and 1.")
    from cfinspect.cli.progress import Counter  # noqa: PLC0415
    from cfinspect.engine.model.file import load_metadata  # noqa: PLC0415

    metadata = load_metadata(model)
    classes = tuple(metadata.defect_classes)
    dataset = read_data(
        data, CommandLine(Output(as_json)), undamaged, damaged, also_damaged=classes
    )
    from cfinspect.engine.calibration.recalibrate import calibrate as refit  # noqa: PLC0415

    with Counter("Calibrating") as counter:
        result = refit(
            model,
            dataset,
            out,
            device=device,
            precision=precision,
            review_rate=metadata.decision.review_rate if review_rate is None else review_rate,
            false_alarms=false_alarms,
            progress=counter,
        )
    for warning in result.certainty.warnings:
        note(f"Note: {warning}")
    output = Output(as_json)
    facts = json_object(result)
    output.emit("calibrated", {**facts, "out": out})
    del facts["warnings"]  # said above
    output.table("Calibration", list(flat(facts)))
    output.say(f"Model: {out}")
