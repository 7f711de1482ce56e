"""``cfinspect export`` and ``cfinspect import``: pseudo-labels for and from other tools."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cfinspect.cli.interrupt import cancel_on_signals
from cfinspect.cli.options import (
    MaskValuesOption,
    ProjectArgument,
    WhoOption,
    mask_values_named,
    note_read_only,
    who_is_it,
)
from cfinspect.cli.output import FAILED, JsonFlag, Output, guarded, note
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.progress import Cancelled

if TYPE_CHECKING:
    from cfinspect.formats.import_plan import ImportReport

_SHOWN = 20  # sentences of a kind on the screen

EXPORT_EXAMPLES = """
Formats: png, png-binary, coco, yolo, voc, labelme, cvat, csv (labels, and regions with lengths and
areas), cfinspect (a data folder for `cfinspect train`). What humans said comes first; --only says
how much of the model's word to take:

  corrected   only masks that a human drew or corrected, and images called undamaged

  accepted    where humans agreed with the model, and corrected ones

  reviewed    everything with a verdict; masks are the corrected ones, else the model's

  all         also what no human has looked at

Examples:

  cfinspect export photos --format coco --out labels

  cfinspect export photos --format yolo --out data --split train=0.7,val=0.2,test=0.1

  cfinspect export photos --format cfinspect --out more && cfinspect train more --out run2

  cfinspect export photos --format cvat --out labels --only all --min-score 0.9 --min-area 20
"""
IMPORT_EXAMPLES = """
Labels and masks become verdicts and corrected masks; what humans said before stays, unless
--replace. Images are found by their names; the data sets concrete-crack and casc-ifw bring theirs.
A verdict is taken where the file states one: words such as good and bad (labelme's flags, CVAT's
tags, class folders), marks, and in png, voc, yolo and coco also that nothing is marked (--empty).
One with lines, points or boxes only becomes damaged without a mask. What contradicts itself or
cannot be read is named and left out (exit code 1; 0 with --lenient); the rest is stored at once,
and `review --undo` takes all of it back. The model's word in our own exports stays the model's.

Formats: png, coco, yolo, voc, labelme, cvat, csv, cfinspect, concrete-crack, casc-ifw.

Examples:

  cfinspect import photos --format coco annotations.json

  cfinspect import photos --format labelme labels/ --dry-run

  cfinspect import photos --format png masks/ --mask-values instances

  cfinspect import photos --format csv labels.csv --who "lab 2"

  cfinspect import work --format concrete-crack downloads/concrete
"""
LenientFlag = Annotated[
    bool, typer.Option("--lenient", help="Exit code 0 also where something could not be read.")
]
FormatOption = Annotated[
    str, typer.Option("--format", help="Which format; see below, or a plug-in's.")
]


@guarded
def export(
    *,
    project: ProjectArgument,
    form: FormatOption,
    out: Annotated[
        Path, typer.Option("--out", help="Folder to make; an untouched earlier export is replaced.")
    ],
    only: Annotated[
        str, typer.Option("--only", help="corrected, accepted, reviewed or all.")
    ] = "reviewed",
    min_score: Annotated[
        float, typer.Option("--min-score", min=0, max=1, help="How sure the model must be.")
    ] = 0.0,
    min_area: Annotated[
        int, typer.Option("--min-area", min=1, help="Smallest island of its masks, px.")
    ] = 1,
    folder: Annotated[str | None, typer.Option("--folder", help="Only this folder.")] = None,
    domain: Annotated[str | None, typer.Option("--domain", help="Only this domain.")] = None,
    split: Annotated[
        str, typer.Option("--split", help="Parts by group, such as train=0.8,val=0.2.")
    ] = "",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the split.")] = 0,
    images: Annotated[
        str, typer.Option("--images", help="copy, link, or reference (only their paths).")
    ] = "copy",
    polygons: Annotated[
        bool, typer.Option("--polygons", help="Polygons where the format knows both.")
    ] = False,
    tolerance: Annotated[
        float, typer.Option("--tolerance", min=0, help="Px by which polygons may be off.")
    ] = 0.0,
    lenient: LenientFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Write pseudo-labels in another tool's format."""
    from cfinspect.cli.progress import Counter  # noqa: PLC0415
    from cfinspect.formats.exchange_types import Images, Options  # noqa: PLC0415
    from cfinspect.formats.export_filter import ExportFilter, Only  # noqa: PLC0415
    from cfinspect.formats.exporting import export as write  # noqa: PLC0415
    from cfinspect.project.project import Project  # noqa: PLC0415

    if only not in list(Only):
        raise CfinspectError(f'--only is {", ".join(Only)}, not "{only}".')
    if images not in list(Images):
        raise CfinspectError(f'--images is {", ".join(Images)}, not "{images}".')
    if not math.isfinite(tolerance):
        raise CfinspectError(f"--tolerance is a number of pixels, not {tolerance}.")
    choice = ExportFilter(
        Only(only), min_score, min_area, folder, domain, split=_shares(split), seed=seed
    )
    output = Output(as_json)
    with (
        Project.open(project) as opened,
        cancel_on_signals("Stopping; nothing is left half written") as cancel,
        Counter("Exporting", cancel=cancel) as counter,
    ):
        note_read_only(opened)
        try:
            report = write(
                opened,
                form,
                out,
                choice,
                Options(Images(images), polygons, tolerance),
                who=who_is_it(""),
                progress=counter,
            )
        except Cancelled as stop:
            raise Cancelled(f"Interrupted; {out} is as it was before.") from stop
    fields = dict(vars(report))
    counts = {name: len(fields.pop(name)) for name in ("machine_labels", "machine_masks")}
    output.emit("done", {**fields, **counts, "out": out})
    _tell(report.problems + report.notes)
    for reason, count in report.left_out.items():
        note(f"Left out: {count} {reason}.")
    parts = ", ".join(f"{name} {count}" for name, count in report.splits.items())
    output.say(
        f"{report.written} images ({report.damaged} damaged, {report.corrected} with corrected "
        f"masks){f': {parts}' if parts else ''}. {form}: {out}"
    )
    if report.problems and not lenient:
        raise typer.Exit(FAILED)


def _shares(text: str) -> dict[str, float]:
    shares: dict[str, float] = {}
    for part in filter(None, text.split(",")):
        name, _, share = part.partition("=")
        try:
            shares[name.strip()] = float(share)
        except ValueError:
            shares[name.strip()] = -1.0
    if shares and (
        set(shares) - {"train", "val", "test"}
        or min(shares.values()) <= 0
        or not abs(sum(shares.values()) - 1) <= 1e-6
    ):
        raise CfinspectError(
            f'"{text}" is no split: give shares of train, val and test that sum to 1, such as '
            "train=0.7,val=0.2,test=0.1."
        )
    return shares


@guarded
def import_(
    *,
    project: ProjectArgument,
    path: Annotated[Path, typer.Argument(metavar="FILE", help="File or folder to read.")],
    form: FormatOption,
    domain: Annotated[
        str, typer.Option("--domain", help="Of a data set that brings its images.")
    ] = "",
    replace: Annotated[
        bool, typer.Option("--replace", help="Also where humans have decided already.")
    ] = False,
    machine_too: Annotated[
        bool, typer.Option("--machine-too", help="Of our own exports, the model's word as well.")
    ] = False,
    empty: Annotated[
        str,
        typer.Option(
            "--empty", help="An image without a mark: auto (as the format means), undamaged, open."
        ),
    ] = "auto",
    mask_values: MaskValuesOption = "auto",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would come in.")
    ] = False,
    lenient: LenientFlag = False,
    who: WhoOption = "",
    as_json: JsonFlag = False,
) -> None:
    """Take labels and masks of another tool as what humans said."""
    from cfinspect.cli.progress import Counter  # noqa: PLC0415
    from cfinspect.formats.exchange_types import Empty  # noqa: PLC0415
    from cfinspect.formats.importing import Source, import_labels, preview  # noqa: PLC0415
    from cfinspect.project.project import Project  # noqa: PLC0415

    if empty not in list(Empty):
        raise CfinspectError(f'--empty is {", ".join(Empty)}, not "{empty}".')
    source = Source(form, path, replace, machine_too, Empty(empty), mask_values_named(mask_values))
    output = Output(as_json)
    with (
        Project.open(project, human=not dry_run) as opened,
        cancel_on_signals("Stopping; nothing is stored") as cancel,
        Counter("Importing", cancel=cancel) as counter,
    ):
        if dry_run:
            report = preview(opened, source, progress=counter)
        else:
            report = import_labels(
                opened,
                source,
                who=who_is_it(who) if who else f"{who_is_it(who)} ({form} import)",
                domain=domain,
                progress=counter,
            )
    if report.cancelled:
        raise Cancelled("Interrupted; nothing was stored.")
    _tell_import(report, output, dry_run=dry_run)
    if report.left_out and not lenient:
        raise typer.Exit(FAILED)


def _tell(sentences: list[str]) -> None:
    for sentence in sentences[:_SHOWN]:
        note(sentence)
    if len(sentences) > _SHOWN:
        note(f"... and {len(sentences) - _SHOWN} more of these; --json has them all.")


def _tell_import(report: ImportReport, output: Output, *, dry_run: bool) -> None:
    _tell(report.problems)
    _tell(report.notes)
    fields = {name: value for name, value in vars(report).items() if name != "stored"}
    output.emit("done", {**fields, "dry_run": dry_run})
    output.say(
        f"{report.taken} images {'would be ' if dry_run else ''}taken ({report.masks} with masks), "
        f"{report.kept} kept as humans had left them, {report.silent} of which the file says "
        f"nothing, {report.unknown} unknown, {report.refused} refused."
    )
    if report.undrawn:
        note(f"{report.undrawn} images have lines, points or boxes only: damaged, without a mask.")
    if report.machine:
        note(f"{report.machine} labels or masks were the model's and stay so; see --machine-too.")
    if report.taken and not dry_run:
        note("One `cfinspect review PROJECT --undo` takes all of it back.")
