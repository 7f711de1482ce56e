"""``cfinspect review``: the review queue and verdicts, for scripts and for people in a shell."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cfinspect.cli.options import ProjectArgument, WhoOption, who_is_it
from cfinspect.cli.output import JsonFlag, Output, guarded, note
from cfinspect.engine.base.atomic import save_text
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.data.csv_cells import TableWriter

if TYPE_CHECKING:
    from cfinspect.project.listing import ImageRow
    from cfinspect.project.project import Project
    from cfinspect.project.verdicts import Verdict

EXAMPLES = """
Ranks: uncertainty (nearest to the threshold first), p_fake (strangest first), disagreement (with
the label by folder or labels.csv), area (damaged area nearest to --area-limit).

Examples:

  cfinspect review photos --list --limit 20

  cfinspect review photos --list --rank p_fake --json

  cfinspect review photos --set hall/a.jpg=damaged --set b.jpg=undamaged --comment "seen on site"

  cfinspect review photos --mask a.jpg=corrected.png

  cfinspect review photos --undo

  cfinspect review photos --statistics --csv overruled.csv
"""
_WORDS = {"undamaged": 0, "damaged": 1, "skipped": 2, "skip": 2}


@guarded
def review(
    *,
    project: ProjectArgument,
    list_: Annotated[bool, typer.Option("--list", help="Show what waits for a human.")] = False,
    rank: Annotated[str, typer.Option("--rank", help="What comes first.")] = "uncertainty",
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many to show.")] = 50,
    everything: Annotated[
        bool, typer.Option("--all", help="All inspected images, not just doubtful ones.")
    ] = False,
    folder: Annotated[str | None, typer.Option("--folder", help="Only this folder.")] = None,
    domain: Annotated[str | None, typer.Option("--domain", help="Only this domain.")] = None,
    area_limit: Annotated[
        float, typer.Option("--area-limit", min=0, max=1, help="Share of the image, for area.")
    ] = 0.01,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FILE=VERDICT", help="damaged, undamaged or skipped."),
    ] = None,
    mask: Annotated[
        list[str] | None,
        typer.Option("--mask", metavar="FILE=PNG", help="A corrected mask: class numbers, or 255."),
    ] = None,
    comment: Annotated[
        str | None, typer.Option("--comment", help="For all images of this call.")
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take back your last verdict.")] = False,
    statistics: Annotated[
        bool, typer.Option("--statistics", help="How often humans overruled the model.")
    ] = False,
    table: Annotated[
        Path | None, typer.Option("--csv", help="Write the statistics to this file as well.")
    ] = None,
    who: WhoOption = "",
    force: Annotated[
        bool, typer.Option("--force", help="Even where somebody else is at work on the image.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """List the review queue, set verdicts and masks, undo, and count overruled predictions."""
    from cfinspect.project.project import Project  # noqa: PLC0415

    if not (list_ or set_ or mask or undo or statistics or table):
        raise CfinspectError("Nothing to do: give --list, --set, --mask, --undo or --statistics.")
    output = Output(as_json)
    with Project.open(project, human=True) as opened:
        if set_ or mask:
            _decide(opened, set_ or [], mask or [], comment, who_is_it(who), force, output)
        if undo:
            _undo(opened, who_is_it(who), output)
        if list_:
            _list(opened, rank, limit, everything, folder, domain, area_limit, output)
        if statistics or table:
            _statistics(opened, table, output)


def _decide(
    project: Project,
    verdicts: list[str],
    masks: list[str],
    comment: str | None,
    who: str,
    force: bool,
    output: Output,
) -> None:
    from cfinspect.engine.data.mask_values import read_mask_values  # noqa: PLC0415
    from cfinspect.project.corrections import mask_classes  # noqa: PLC0415
    from cfinspect.project.finding import find  # noqa: PLC0415
    from cfinspect.project.verdicts import KEEP, Verdict, decide  # noqa: PLC0415

    # Everything is looked up before anything is written: a slip of the pen changes nothing.
    todo: dict[int, tuple[ImageRow, dict[str, Any]]] = {}

    def say(name: str, what: str, value: object) -> None:
        row = find(project, name)
        _, said = todo.setdefault(row.id, (row, {}))
        if what in said:
            raise CfinspectError(f"{row.name} is given two {what}s in this call: give one.")
        said[what] = value

    for text in verdicts:
        name, word = _pair(text, "--set FILE=damaged")
        if word.casefold() not in _WORDS:
            raise CfinspectError(f'"{word}" is no verdict: use damaged, undamaged or skipped.')
        say(name, "verdict", Verdict(_WORDS[word.casefold()]))
    for text in masks:
        name, file = _pair(text, "--mask FILE=mask.png")
        drawn = read_mask_values(Path(file), named=mask_classes(project)).mask
        say(name, "mask", drawn)
    for row, said in todo.values():
        if said.get("verdict") is Verdict.DAMAGED and "mask" in said and not said["mask"].any():
            raise CfinspectError(f"{row.name} is called damaged, and its mask marks nothing.")
    stored = []
    with project.database.writing():
        for row, said in todo.values():
            human = decide(
                project,
                row.id,
                who=who,
                comment=KEEP if comment is None else comment,
                force=force,
                **said,
            )
            stored.append(_said(row.name, human.verdict, human.mask, human.version))
    for one in stored:  # only now it is on the disk
        output.emit("verdict", one)
    output.say(f"{len(todo)} stored.")


def _pair(text: str, usage: str) -> tuple[str, str]:
    name, separator, value = text.rpartition("=")
    if not separator or not name or not value:
        raise CfinspectError(f'"{text}" is not understood: use {usage}.')
    return name, value


def _said(name: str, verdict: Verdict | None, mask: str | None, version: int) -> dict[str, Any]:
    word = None if verdict is None else verdict.name.lower()
    return {"file": name, "verdict": word, "mask": mask, "version": version}


def _undo(project: Project, who: str, output: Output) -> None:
    from cfinspect.project.listing import by_ids  # noqa: PLC0415
    from cfinspect.project.verdicts import undo as take_back  # noqa: PLC0415

    done = take_back(project, who=who)
    if not done.humans:
        raise CfinspectError(f"There is nothing of {who}'s to take back.")
    ids = [
        row["image_id"]
        for human in done.humans
        for row in project.database.rows("SELECT image_id FROM audit WHERE id = ?", human.entry)
    ]
    for image, human in zip(by_ids(project, ids), done.humans, strict=True):
        said = _said(image.name, human.verdict, human.mask, human.version)
        output.emit("undone", said)
    if len(done.humans) == 1:
        output.say(f"Taken back: {image.name} is now {said['verdict'] or 'undecided'}.")
    else:
        output.say(f"Taken back: {len(done.humans)} images of the last import.")
    for name in done.kept:
        note(f"{name} stays: somebody has changed it since.")


def _list(
    project: Project,
    rank: str,
    limit: int,
    everything: bool,
    folder: str | None,
    domain: str | None,
    area_limit: float,
    output: Output,
) -> None:
    from cfinspect.project.listing import waiting  # noqa: PLC0415
    from cfinspect.project.queue import Rank, queue  # noqa: PLC0415

    if rank not in list(Rank):
        raise CfinspectError(f"There is no rank {rank}; there are {', '.join(Rank)}.")
    rows = queue(
        project,
        Rank(rank),
        folder=folder,
        domain=domain,
        everything=everything,
        area_limit=area_limit,
        limit=limit,
    )
    for row in rows:
        label = "damaged" if row.machine else "undamaged"
        fields = {
            "file": row.name,
            "label": label,
            "score": row.score,
            "p_fake": row.p_fake,
            "uncertainty": row.uncertainty,
            "area_fraction": row.area,
            "given_label": {0: "undamaged", 1: "damaged"}.get(row.label or 0)
            if row.label is not None
            else None,
            "flagged": row.flagged,
        }
        output.emit("image", fields)
        output.say(
            f"{label:9}  score {row.score:.2f}  p_fake {row.p_fake:.2f}  "
            f"area {(row.area or 0) * 100:6.2f} %  {row.name}"
        )
    left = sum(waiting(project).values())
    output.emit("queue", {"shown": len(rows), "waiting": left})
    output.say(f"{len(rows)} shown, {left} wait for a human.")


def _statistics(project: Project, table: Path | None, output: Output) -> None:
    from cfinspect.project.statistics import overruled  # noqa: PLC0415

    columns = ("score_from", "score_to", "agreed", "overruled", "skipped", "overruled_share")
    rows = []
    for band in overruled(project):
        share = band.overruled_share
        rows.append((band.low, band.high, band.agreed, band.overruled, band.skipped, share))
        output.emit("band", dict(zip(columns, rows[-1], strict=True)))
        text = "-" if share is None else f"{share * 100:.0f} %"
        output.say(
            f"score {band.low:.1f} to {band.high:.1f}: {band.agreed:6} agreed  "
            f"{band.overruled:6} overruled ({text})  {band.skipped:6} skipped"
        )
    if table is not None:
        stream = io.StringIO(newline="")
        writer = TableWriter(stream)
        writer.row(columns)
        writer.rows(rows)
        save_text(table, stream.getvalue())
