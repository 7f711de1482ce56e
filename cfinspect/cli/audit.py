"""``cfinspect audit``: who said what when, and whether the trail is whole."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from cfinspect.cli.options import ProjectArgument, note_read_only
from cfinspect.cli.output import FAILED, JsonFlag, Output, guarded, note

EXAMPLES = """
Every entry holds the hash of the one before it, so a changed, removed or inserted entry shows. To
notice a rewritten trail as well, write down the last hash somewhere else and give it with --head;
exports carry it as audit_head.

Examples:

  cfinspect audit photos

  cfinspect audit photos --image hall/a.jpg --json

  cfinspect audit photos --verify --head 6c1f...
"""


@guarded
def audit(
    *,
    project: ProjectArgument,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check the chain, and all verdicts against it.")
    ] = False,
    head: Annotated[
        str, typer.Option("--head", help="A hash written down earlier; needs --verify.")
    ] = "",
    image: Annotated[str | None, typer.Option("--image", help="Only this image.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show or verify the audit trail. Exit code 1 when it does not verify."""
    from cfinspect.project import audit as trail  # noqa: PLC0415
    from cfinspect.project.finding import find  # noqa: PLC0415
    from cfinspect.project.project import Project  # noqa: PLC0415

    output = Output(as_json)
    with Project.open(project) as opened:
        note_read_only(opened)
        if verify or head:
            found = trail.verify(opened, head)
            output.emit("verified", asdict(found))
            for problem in found.problems:
                note(problem)
            if found.problems:
                raise typer.Exit(FAILED)
            output.say(f"{found.entries} entries, none changed. Last hash: {found.head}")
            return
        number = None if image is None else find(opened, image, vanished=True).id
        for entry in trail.entries(opened, number):
            output.emit("entry", asdict(entry))
            after = json.dumps(entry.after, ensure_ascii=False)
            output.say(
                f"{entry.id}  {entry.at}  {entry.who}  {entry.action}  {entry.file}  {after}"
            )
