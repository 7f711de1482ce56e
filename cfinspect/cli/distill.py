"""``cfinspect distill``: a model's masks teach a segmenter that then marks in their place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cfinspect.cli.interrupt import cancel_on_signals
from cfinspect.cli.listening import CommandLine
from cfinspect.cli.models import flat
from cfinspect.cli.options import (
    DamagedOption,
    DeviceOption,
    ModelArgument,
    PrecisionOption,
    UndamagedOption,
    require_exists,
    require_other_model_file,
)
from cfinspect.cli.output import FAILED, JsonFlag, Output, guarded, note
from cfinspect.engine.base.json_types import json_object

EXAMPLES = """
The masks that MODEL makes of FOLDER's images teach a small segmenter on pretrained features. Only
the masks change: labels, scores, counterfactuals and saliency stay those of MODEL. FOLDER holds
undamaged/ and damaged/, or is a project: masks that people corrected there count most, so review
twenty images, distil, and inspect again.

A quarter of the images, by group, is held out. MODEL2 is written only if the new masks are better
there: as many of the model's verdicts turn when the inside of the mask is painted over, with masks
that are no larger; or, with ten held-out human masks or more, those agree better. For this
comparison the masks of each half are cut at a threshold that was fitted on the other half; the
threshold in MODEL2 is fitted on all held-out images. If the masks are no better, the figures say
why not, and the exit code is 1.

Examples:

  cfinspect distill model.safetensors walls/ --out better.safetensors

  cfinspect distill model.safetensors reviewed-project/ --out better.safetensors

  cfinspect distill model.safetensors walls/ --masks --out better.safetensors    (and walls/masks/)
"""


@guarded
def distill(
    *,
    model: ModelArgument,
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="FOLDER", help="Folders with undamaged/ and damaged/ images, or projects."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="MODEL2", help="Model file to write.")],
    masks: Annotated[
        bool, typer.Option("--masks", help="Human masks in FOLDER/masks/ teach as well.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Write MODEL2 even if its masks are no better.")
    ] = False,
    steps: Annotated[int, typer.Option("--steps", min=1, help="Steps of training.")] = 500,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of split, weights, batches.")] = 0,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    undamaged: UndamagedOption = None,
    damaged: DamagedOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Teach a model's masks, and people's, to a segmenter that marks better."""
    require_exists(model, *folders)
    require_other_model_file(model, out)
    from cfinspect.engine.calibration.distillable import require_distillable  # noqa: PLC0415
    from cfinspect.engine.model.file import load_metadata  # noqa: PLC0415

    metadata = load_metadata(model)
    require_distillable(model, metadata)
    from cfinspect.engine.calibration.distillation import (  # noqa: PLC0415  (starts torch)
        DistillationSettings,
    )
    from cfinspect.workflows.distil_model import distil_model, read_lessons  # noqa: PLC0415

    output = Output(as_json)
    with cancel_on_signals("Stopping; nothing is written") as cancel:
        listener = CommandLine(output, cancel)
        classes = tuple(metadata.defect_classes)
        lessons = read_lessons(folders, listener, undamaged, damaged, classes)
        settings = DistillationSettings(masks or lessons.from_project, steps, seed=seed)
        result = distil_model(
            model,
            lessons,
            out,
            settings,
            device=device,
            precision=precision,
            force=force,
            listener=listener,
        )
    facts = json_object(result)
    written = result.accepted or force
    output.emit("distilled", {**facts, "out": out if written else None})
    output.table("Distillation", list(flat(facts)))
    if not result.accepted:
        what = "written all the same" if force else "nothing was written; --force writes it"
        note(f"The new masks are no better: {result.reason}. So {what}.")
    if not written:
        raise typer.Exit(FAILED)
    output.say(f"Model: {out}")
