"""``cfinspect synth``: procedural images of cracks or apples, with labels and masks."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cfinspect.cli.options import require_folder_to_write
from cfinspect.cli.output import JsonFlag, Output, guarded

EXAMPLES = """
Leaves undamaged/, damaged/, masks/ and labels.csv in OUT; the same seed gives the same files.

Examples:

  cfinspect synth walls --domain crack --count 400

  cfinspect synth fruit --domain apple --size 256 --seed 3

  cfinspect synth kinds --domain apple --kinds rot,scab,worm     for train --defect-classes
"""


class Domain(StrEnum):
    """What the images show."""

    crack = "crack"
    apple = "apple"


@guarded
def synth(
    *,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to make.")],
    domain: Annotated[Domain, typer.Option("--domain", help="What the images show.")],
    count: Annotated[int, typer.Option("--count", min=2, help="How many images.")] = 200,
    size: Annotated[int, typer.Option("--size", min=32, max=2048, help="Side in px.")] = 128,
    kinds: Annotated[
        str | None,
        typer.Option(
            "--kinds", metavar="A,B,...", help="Kinds of apples' damage, each in its own folder."
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of everything.")] = 0,
    as_json: JsonFlag = False,
) -> None:
    """Make a folder of procedural images to try cfinspect with."""
    from cfinspect.cli.progress import Counter  # noqa: PLC0415
    from cfinspect.engine.synth import write_folder  # noqa: PLC0415

    require_folder_to_write(out)
    with Counter("Drawing") as counter:
        folder = write_folder(
            out,
            domain.value,
            count=count,
            size=size,
            seed=seed,
            kinds=[name.strip() for name in (kinds or "").split(",") if name.strip()],
            progress=counter,
        )
    output = Output(as_json)
    output.emit("done", {"out": folder, "domain": domain.value, "images": count})
    output.say(f"{count} images: {folder}")
