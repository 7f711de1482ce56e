"""``cfinspect tile``: photos with masks become labelled tiles."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from cfinspect.cli.interrupt import cancel_on_signals
from cfinspect.cli.options import MaskValuesOption, mask_values_named
from cfinspect.cli.output import JsonFlag, Output, guarded, note
from cfinspect.engine.base.progress import Cancelled

EXAMPLES = """
DATA is a data folder (damaged/, undamaged/, masks/) or the Concrete Crack Segmentation Dataset
(rgb/ and BW/). OUT is a data folder of tiles; those with a little damage, but less than
--min-damage, are neither and are dropped. Tiles keep the group of their photo.

Examples:

  cfinspect tile photos --out tiles

  cfinspect tile downloads/concrete --out tiles --size 256 --overlap 0.25 --undamaged-per-photo 20
"""


@guarded
def tile(
    *,
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Photos with masks.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to make.")],
    size: Annotated[int, typer.Option("--size", help="Side of a tile, px.")] = 128,
    overlap: Annotated[
        float, typer.Option("--overlap", help="Share of a tile that the next one repeats.")
    ] = 0.0,
    min_damage: Annotated[
        float, typer.Option("--min-damage", help="Share of damaged pixels of a damaged tile.")
    ] = 0.005,
    undamaged_per_photo: Annotated[
        int | None, typer.Option("--undamaged-per-photo", min=0, help="At most so many; all.")
    ] = None,
    mask_values: MaskValuesOption = "auto",
    as_json: JsonFlag = False,
) -> None:
    """Cut photos with masks into labelled tiles to train on."""
    from cfinspect.cli.progress import Counter  # noqa: PLC0415
    from cfinspect.formats.tiles import Cut, cut_tiles  # noqa: PLC0415

    values = mask_values_named(mask_values)
    cut = Cut(size, overlap, min_damage, undamaged_per_photo)
    with (
        cancel_on_signals("Stopping; nothing is left half written") as cancel,
        Counter("Cutting", "photos", cancel=cancel) as counter,
    ):
        try:
            report = cut_tiles(data, out, cut, values=values, progress=counter)
        except Cancelled as stop:
            raise Cancelled(f"Interrupted; {out} was not made.") from stop
    for problem in report.problems:
        note(f"Left out: {problem}")
    output = Output(as_json)
    output.emit("done", {**dataclasses.asdict(report), "out": out})
    output.say(
        f"{report.photos} photos: {report.damaged} damaged and {report.undamaged} undamaged tiles, "
        f"{report.dropped} in between dropped. Tiles: {out}"
    )
