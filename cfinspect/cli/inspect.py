"""``cfinspect inspect``: a model over files and folders."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cfinspect.cli.interrupt import cancel_on_signals
from cfinspect.cli.listening import CommandLine
from cfinspect.cli.options import (
    BatchOption,
    DeviceOption,
    ModelArgument,
    PrecisionOption,
    open_inspector,
    require_exists,
    require_folder_to_write,
)
from cfinspect.cli.output import FAILED, JsonFlag, Output, guarded, note
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.events import CancelToken
from cfinspect.engine.base.progress import Cancelled

if TYPE_CHECKING:
    from cfinspect.engine.inference.inspector import Inspector
    from cfinspect.workflows.inspection_files import Row

EXAMPLES = """
Leaves inspections.csv (a row per image), masks/ and overlays/ in the folder OUT, at the images'
own resolution; of a model that knows several kinds of damage also saliency/KIND/. Photos larger
than the model's tiles go through overlapping windows.

Examples:

  cfinspect inspect model.safetensors photos/ --out results

  cfinspect inspect model.safetensors photos/ --out results --skip-done

  cfinspect inspect model.safetensors a.jpg b.png --out results --json

  cfinspect inspect model.safetensors --project photos     (into the project, new images only)
"""


@guarded
def inspect(
    *,
    model: ModelArgument,
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH", help="Image files, or folders of them.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for the results.")] = None,
    project: Annotated[
        Path | None,
        typer.Option("--project", help="Inspect a project's images, instead of PATH and --out."),
    ] = None,
    folder: Annotated[
        list[str] | None,
        typer.Option("--folder", help="With --project: only this folder; repeatable."),
    ] = None,
    batch: BatchOption = 64,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    skip_done: Annotated[
        bool, typer.Option("--skip-done", help="Keep the results that OUT holds, do the rest.")
    ] = False,
    overlays: Annotated[
        bool, typer.Option("--overlays/--no-overlays", help="Write overlays/ as well.")
    ] = True,
    as_json: JsonFlag = False,
) -> None:
    """Inspect images: score, mask and overlay for each."""
    if project is not None:
        if paths or out is not None or skip_done:
            raise CfinspectError("--project stands instead of PATH, --out and --skip-done.")
        _into_project(project, folder or [], model, batch, device, precision, Output(as_json))
        return
    if not paths or out is None or folder:
        raise CfinspectError("Give PATH and --out for a folder of results, or --project.")
    require_exists(model, *paths)
    require_folder_to_write(out)
    from cfinspect.engine.inference.stream import find_sources  # noqa: PLC0415

    find_sources(paths, leave_out=out)  # are there images? torch takes seconds to start
    with cancel_on_signals("Stopping after this batch; the results so far are kept") as cancel:
        inspector = open_inspector(model, device, precision, batch)
        errors = run(
            inspector,
            model,
            paths,
            out,
            output=Output(as_json),
            cancel=cancel,
            skip_done=skip_done,
            overlays=overlays,
        )
    if errors:
        raise typer.Exit(FAILED)


def _into_project(
    root: Path,
    folders: list[str],
    model: Path,
    batch: int,
    device: str,
    precision: str,
    output: Output,
) -> None:
    from cfinspect.cli.progress import duration  # noqa: PLC0415
    from cfinspect.project.project import Project  # noqa: PLC0415
    from cfinspect.workflows.project_inspection import inspect_project  # noqa: PLC0415

    require_exists(model)
    with Project.open(root) as project:
        chosen = [project.folder_named(name) for name in folders] or project.folders()
        for one in chosen:
            if not one.reachable:
                note(
                    f"Left out: the images of {one.name}. The folder "
                    f"{project.reach.why_not(one.path)}."
                )
        if not any(one.reachable for one in chosen):
            raise CfinspectError("No folder is left to inspect.")
        with cancel_on_signals("Stopping after this batch; the results so far are kept") as cancel:
            inspector = open_inspector(model, device, precision, batch)
            done = inspect_project(
                project, chosen, inspector, model, listener=CommandLine(output, cancel)
            )
    output.emit("done", dataclasses.asdict(done))
    output.say(
        f"{done.images} images in {duration(done.seconds)} ({done.images_per_second:.1f} "
        f"images/s): {done.damaged} damaged, {done.review} for review, {done.errors} unreadable."
    )
    if done.warning:
        note(done.warning)
    if 0 < done.errors == done.images:
        raise typer.Exit(FAILED)


def run(
    inspector: Inspector,
    model: Path,
    paths: list[Path],
    out: Path,
    *,
    output: Output,
    cancel: CancelToken,
    skip_done: bool = False,
    overlays: bool = True,
) -> bool:
    """Inspect ``paths`` into ``out`` and say how it went; True when no image could be read."""
    from cfinspect.cli.progress import Counter, duration  # noqa: PLC0415
    from cfinspect.workflows.folder_inspection import inspect_into  # noqa: PLC0415

    with inspect_into(inspector, model, paths, out, skip_done=skip_done, overlays=overlays) as work:
        todo, sources = work.todo, work.sources
        if work.masks:
            note(f"Passed over {work.masks} files in masks/ folders.")
        if len(todo) < len(sources):
            note(f"Skipped {len(sources) - len(todo)} images that are done.")
        with Counter("Inspecting", cancel=cancel) as counter:
            for done, row in enumerate(work.rows(counter), start=1):
                _tell(row, output)
                counter.show(done, len(todo))
    summary = work.summary()
    if cancel.cancelled:
        raise Cancelled(
            f"Interrupted after {summary.images} of {len(todo)} images; the results so far are in "
            f"{out}. Go on with --skip-done."
        )
    output.emit("done", {**dataclasses.asdict(summary), "out": out})
    output.say(
        f"{summary.images} images in {duration(summary.seconds)} "
        f"({summary.images_per_second:.1f} images/s): {summary.damaged} damaged, "
        f"{summary.review} for review, {summary.errors} unreadable. Results: {out}"
    )
    if summary.warning:
        note(summary.warning)
    return summary.errors == len(sources)


def _tell(row: Row, output: Output) -> None:
    output.emit("image", {name: None if value == "" else value for name, value in row.items()})
    if row["error"]:
        note(f"Left out: {row['error']}")
