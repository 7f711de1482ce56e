"""``cfinspect doctor``: is everything there, and what to do if not."""

from __future__ import annotations

from pathlib import Path

import typer

from cfinspect.cli.output import FAILED, JsonFlag, Output, guarded
from cfinspect.engine.base.json_types import json_object
from cfinspect.resources import version_in_words

EXAMPLES = """
Exit code 1 when something is missing that training or inspecting needs; what only the window needs
is a note.

Examples:

  cfinspect doctor

  cfinspect doctor --json
"""


@guarded
def doctor(as_json: JsonFlag = False) -> None:
    """Check versions, device, libraries and disk, with a two-second self-test."""
    from cfinspect.engine.inference.doctor import run_checks  # noqa: PLC0415
    from cfinspect.project.network_disk import network_disk  # noqa: PLC0415

    checks = run_checks()
    output = Output(as_json)
    output.say(f"cfinspect {version_in_words()}")
    for check in checks:
        output.emit("check", json_object(check))
        mark = "ok  " if check.ok else "FAIL" if check.required else "note"
        output.say(f"{mark}  {check.name}: {check.detail}")
        if not check.ok:
            output.say(f"      Fix: {check.fix}")
    if kind := network_disk(Path.cwd()):
        output.emit("network_disk", {"kind": kind, "folder": Path.cwd()})
        output.say(
            f"note  network disk: {Path.cwd()} is on {kind}; projects there work without SQLite's "
            "write-ahead log, which is a little slower."
        )
    failed = sum(not check.ok and check.required for check in checks)
    output.emit("done", {"failed": failed})
    output.say(
        "All that is needed is there."
        if not failed
        else f"{failed} of {len(checks)} checks failed."
    )
    if failed:
        raise typer.Exit(FAILED)
