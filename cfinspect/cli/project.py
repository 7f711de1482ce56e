"""``cfinspect project``: make, look at, scan and restore a project."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cfinspect.cli.interrupt import cancel_on_signals
from cfinspect.cli.options import ProjectArgument, note_read_only
from cfinspect.cli.output import FAILED, JsonFlag, Output, guarded, note
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.progress import Cancelled

if TYPE_CHECKING:
    from cfinspect.project.project import Project

INIT_EXAMPLES = """
A project is a folder of images with a hidden folder .cfinspect in it (or, where that folder is
read-only, in your own data folder). It can hold more image folders, each with its domain. Exit code
1 when one of them cannot be read, or its labels.csv is malformed.

Examples:

  cfinspect project init photos --domain crack

  cfinspect project init photos --add apples=apple --add yard=crack

  cfinspect project init photos --scale 0.35     (millimetres a pixel, for lengths and areas)
"""
SCAN_EXAMPLES = """
Unchanged files are not opened. Moved and renamed images keep their verdicts; vanished ones are
kept and marked. A folder that cannot be read, or whose labels.csv is malformed, is named and left
as it was known (exit code 1).

Example:

  cfinspect project scan photos
"""
STATUS_EXAMPLES = """
Examples:

  cfinspect project status photos

  cfinspect project status photos --check     (compares every index as well: slower)
"""
FOLDERS_EXAMPLES = """
A project may be somebody else's, and its database, or a link in it, can name any folder of this PC.
So images outside of the project's own folder are read only once you have allowed it: with --add,
when the window asks, or here. That is remembered on this PC, in your own data folder, for this
project at this place; the project itself holds nothing of it.

Examples:

  cfinspect project folders photos

  cfinspect project folders photos --allow /data/yard     (its images, and links to it)

  cfinspect project folders photos --refuse /data/yard
"""
RESTORE_EXAMPLES = """
Verdicts newer than the backup are taken from the damaged file as far as it can be read; it is kept.

Example:

  cfinspect project restore photos
"""


@guarded
def init(
    *,
    project: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of images.")],
    domain: Annotated[
        str, typer.Option("--domain", help="What they show, such as crack; default: its name.")
    ] = "",
    add: Annotated[
        list[str] | None,
        typer.Option("--add", metavar="FOLDER[=DOMAIN]", help="Another image folder; repeatable."),
    ] = None,
    scale: Annotated[
        float | None, typer.Option("--scale", min=1e-6, help="Millimetres a pixel.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a project of a folder (or open it), add folders, and scan them."""
    from cfinspect.project.project import Project  # noqa: PLC0415

    with Project.create(project, domain=domain) as opened:
        if domain or scale is not None:
            opened.add_folder(project, domain, mm_per_px=scale)
        for one in add or []:
            folder, separator, word = one.rpartition("=")
            whole = not separator or Path(one).is_dir()
            opened.add_folder(Path(one if whole else folder), "" if whole else word)
        _scan(opened, Output(as_json))


@guarded
def scan(*, project: ProjectArgument, as_json: JsonFlag = False) -> None:
    """Take in new, moved and vanished images."""
    from cfinspect.project.project import Project  # noqa: PLC0415

    with Project.open(project) as opened:
        _scan(opened, Output(as_json))


def _scan(project: Project, output: Output) -> None:
    from cfinspect.cli.progress import Counter, duration  # noqa: PLC0415
    from cfinspect.project.scan import scan as bring_up_to_date  # noqa: PLC0415

    with (
        cancel_on_signals("Stopping; what was read so far is kept") as cancel,
        Counter("Reading", cancel=cancel) as counter,
    ):
        report = bring_up_to_date(project, progress=counter)
    for problem in report.problems:
        note(problem)
    if report.cancelled:
        raise Cancelled("Interrupted; the next scan goes on from here.")
    output.emit("done", asdict(report))
    output.say(
        f"{report.present} images in {duration(report.seconds)}: {report.new} new, "
        f"{report.changed} changed, {report.moved} moved, {report.returned} returned, "
        f"{report.vanished} vanished. Project: {project.paths.data}"
    )
    if report.unread:
        raise typer.Exit(FAILED)


@guarded
def status(
    *,
    project: ProjectArgument,
    check: Annotated[
        bool, typer.Option("--check", help="Check the database thoroughly (slower).")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """What a project holds: folders, models, verdicts, the review queue."""
    from cfinspect.project.project import Project  # noqa: PLC0415

    output = Output(as_json)
    with Project.open(project) as opened:
        note_read_only(opened)
        if check:
            opened.database.check(thorough=True)
        facts = _facts(opened)
        output.emit("project", facts)
        output.table(f"Project {project}", _rows(facts))


def _facts(project: Project) -> dict[str, Any]:
    from cfinspect.project.backup import backups  # noqa: PLC0415
    from cfinspect.project.listing import HumanState, counts, waiting  # noqa: PLC0415

    found = counts(project)
    models = {model.id: model for model in project.models()}
    folders = []
    for folder in project.folders():
        own = [one for one in found if one.folder_id == folder.id]
        states = {
            state.name.lower(): sum(one.images for one in own if one.state is state)
            for state in HumanState
        }
        bound = models.get(folder.model_id or 0)
        folders.append(
            {
                "name": folder.name,
                "path": folder.path,
                "domain": folder.domain,
                "reachable": folder.reachable,
                "model": bound.name if bound else None,
                "mm_per_px": folder.mm_per_px,
                "images": sum(one.images for one in own),
                "inspected": sum(one.images for one in own if one.machine is not None),
                "damaged": sum(one.images for one in own if one.machine == 1),
                "flagged": sum(one.images for one in own if one.flagged),
                **states,
            }
        )
    missing = project.database.row("SELECT count(*) AS n FROM image WHERE missing = 1")
    return {
        "id": project.id,
        "data": project.paths.data,
        "folders": folders,
        "images": sum(one.images for one in found),
        "vanished": missing["n"] if missing else 0,
        "review_queue": sum(waiting(project).values()),
        "models": [model.name for model in models.values()],
        "backups": len(backups(project.paths)),
        "read_only": project.read_only or None,
        "network_disk": project.database.network or None,
    }


def _rows(facts: dict[str, Any]) -> list[tuple[str, str]]:
    rows = []
    for one in facts["folders"]:
        model = f"model {one['model']}" if one["model"] else "no model"
        if not one["reachable"]:
            model += "; not reachable: outside, not allowed (see `cfinspect project folders`)"
        rows += [
            (f"{one['name']} ({one['domain']})", f"{one['images']} images, {model}"),
            (
                "  model",
                "{inspected} inspected: {damaged} damaged, {flagged} flagged".format(**one),
            ),
            (
                "  humans",
                "{verdict} verdicts, {corrected} corrected, {skipped} skipped, {open} open".format(
                    **one
                ),
            ),
        ]
    names = ("review_queue", "vanished", "backups", "data")
    rows += [(name.replace("_", " "), str(facts[name])) for name in names]
    if kind := facts["network_disk"]:
        rows.append(("network disk", f"{kind}: without SQLite's write-ahead log"))
    return rows


@guarded
def folders(
    *,
    project: ProjectArgument,
    allow: Annotated[
        list[Path] | None,
        typer.Option(
            "--allow", metavar="FOLDER", help="Let the project read this folder; repeatable."
        ),
    ] = None,
    refuse: Annotated[
        list[Path] | None,
        typer.Option("--refuse", metavar="FOLDER", help="Do not, or no longer; repeatable."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Which image folders a project has, and which outside of it it may read on this PC."""
    from cfinspect.project.project import Project  # noqa: PLC0415

    output = Output(as_json)
    for folder in allow or []:
        if not folder.is_dir():
            raise CfinspectError(f"There is no folder {folder}; check the path.")
    with Project.open(project) as opened:
        if refuse:
            opened.answer(refuse, allowed=False)
        if allow:
            opened.answer(allow, allowed=True)
        own = opened.folders()
        answers = opened.reach.answers
    output.emit(
        "folders",
        {
            "folders": [
                {"name": one.name, "path": one.path, "reachable": one.reachable} for one in own
            ],
            "allowed": [folder for folder, allowed in answers.items() if allowed],
            "refused": [folder for folder, allowed in answers.items() if not allowed],
        },
    )
    output.table(
        f"Image folders of {project}",
        [(one.name, "" if one.reachable else "not reachable: outside, not allowed") for one in own]
        + [(str(folder), "allowed" if yes else "refused") for folder, yes in answers.items()],
    )
    if allow:
        note("`cfinspect project scan` takes in what is new.")


@guarded
def restore(
    *,
    project: ProjectArgument,
    force: Annotated[
        bool, typer.Option("--force", help="Go back to the backup though nothing is damaged.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Put the newest sound backup in the place of a damaged database."""
    from cfinspect.project.backup import restore as bring_back  # noqa: PLC0415
    from cfinspect.project.database import ProjectError  # noqa: PLC0415
    from cfinspect.project.paths import find_project_paths  # noqa: PLC0415

    place = find_project_paths(project)
    if place is None:
        raise ProjectError(f"There is no project in {project}.")
    done = bring_back(place, force=force)
    output = Output(as_json)
    output.emit("done", asdict(done))
    output.say(
        f"Restored {done.backup.name}, and {done.rescued} newer entries of the audit trail from "
        f"the damaged file. What was there before: {done.kept}"
    )
