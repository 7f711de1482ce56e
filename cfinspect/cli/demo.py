"""``cfinspect demo``: the whole way once, on images that are drawn for it."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cfinspect.cli import inspect as inspect_command
from cfinspect.cli.evaluation_shown import show_figures
from cfinspect.cli.interrupt import cancel_on_signals
from cfinspect.cli.listening import CommandLine
from cfinspect.cli.options import open_inspector, require_folder_to_write
from cfinspect.cli.output import JsonFlag, Output, guarded, note
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.events import CancelToken
from cfinspect.engine.base.json_types import json_object
from cfinspect.engine.base.progress import Cancelled
from cfinspect.resources import resource_path, shipped_model
from cfinspect.workflows.evaluate_model import evaluate_samples, save_figures
from cfinspect.workflows.evaluation_data import read_data

if TYPE_CHECKING:
    from cfinspect.engine.data.dataset import Sample
    from cfinspect.engine.inference.inspector import Inspector
    from cfinspect.engine.synth import Domain

EXAMPLES = """
Draws cracked walls and apples, and inspects them with the models that come with cfinspect; nothing
is trained and nothing is fetched. Where there is a display the window opens on them. Without one,
or with --headless, figures and pictures of what the models see are left in DIR, within a minute.
A second demo in the same folder replaces the first's files; what was said in the window stays.

Examples:

  cfinspect demo

  cfinspect demo /tmp/demo --headless
"""
_MARK = ".cfinspect-demo"
_MADE = ("report", "results", "contact-sheet.png")
_BATCH = 64
_DOMAINS: tuple[Domain, ...] = ("crack", "apple")


@guarded
def demo(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder to fill.", show_default=True)
    ] = Path("cfinspect-demo"),
    headless: Annotated[
        bool, typer.Option("--headless", help="Make the files and open no window.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show cfinspect at work on procedural cracks and apples."""
    require_folder_to_write(folder)
    for name in _DOMAINS:
        _claim(folder / name)
    if not headless and not as_json and _display():
        _open_window(folder)
        return
    recipe = json.loads(resource_path("demo.json").read_text(encoding="utf-8"))
    output = Output(as_json)
    started = time.monotonic()
    with cancel_on_signals("Stopping the demo") as cancel:
        sheets = [_show(folder / name, name, recipe, output, cancel) for name in _DOMAINS]
    seconds = time.monotonic() - started
    output.emit("demo", {"folder": folder, "sheets": sheets, "seconds": round(seconds, 1)})
    output.say("")
    output.say(f"Done in {seconds:.0f} s. Look at:")
    for sheet in sheets:
        output.say(f"  {sheet}  image | counterfactual | saliency | mask")
        output.say(f"  {sheet.parent / 'results' / 'overlays'}  damage outlined on every image")
        output.say(f"  {sheet.parent / 'report' / 'report.json'}  the figures")


def _display() -> bool:
    """Whether a window can be opened here."""
    if sys.platform != "linux":
        return True
    if os.environ.get("QT_QPA_PLATFORM", "") in {"offscreen", "minimal"}:
        return False  # nobody would see it
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def _open_window(folder: Path) -> None:
    from cfinspect.ui.shell.app import run  # noqa: PLC0415  (Qt only where there is a window)

    note("Opening the window; the demo is there in a moment.")
    code = run(demo=folder.resolve())
    if code:
        raise typer.Exit(code)


def _show(
    place: Path, domain: Domain, recipe: dict[str, Any], output: Output, cancel: CancelToken
) -> Path:
    """The demo of one domain; returns its contact sheet."""
    from cfinspect.engine.synth import write_folder  # noqa: PLC0415

    model, new = shipped_model(domain), place / "new"
    for name in _MADE:
        _remove(place / name)
    if not new.is_dir():
        note("")
        note(f"== {domain}: drawing {recipe['new']['count']} images")
        write_folder(new, domain, **recipe["new"])
    note(f"== {domain}: evaluating the shipped model {model.name} on them")
    if cancel.cancelled:
        raise Cancelled("Interrupted before the evaluation.")
    inspector = open_inspector(model, "auto", "auto", _BATCH)
    listener = CommandLine(output, cancel)
    samples = list(read_data([new], listener).samples)
    found = evaluate_samples(inspector, samples, [new], listener)
    figures = json_object(found.figures)
    save_figures(place / "report", figures, found.rows)
    output.emit("report", {**figures, "out": place / "report"})
    show_figures(found.figures, output)
    note(f"== {domain}: inspecting them")
    inspect_command.run(inspector, model, [new], place / "results", output=output, cancel=cancel)
    return _contact_sheet(place / "contact-sheet.png", inspector, samples, recipe["shown"])


def _claim(place: Path) -> None:
    """Make ``place`` the demo's; a folder that holds other things is refused."""
    mark = place / _MARK
    if place.exists() and any(place.iterdir()) and not mark.exists():
        raise CfinspectError(f"{place} holds files that are not the demo's: give another folder.")
    place.mkdir(parents=True, exist_ok=True)
    mark.touch()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _contact_sheet(
    path: Path, inspector: Inspector, samples: list[Sample], shown: dict[str, int]
) -> Path:
    """Write rows of image, counterfactual, saliency and mask for some of each class."""
    from cfinspect.engine.base.images import read_image, write_png  # noqa: PLC0415
    from cfinspect.engine.data.dataset import CLASS_NAMES  # noqa: PLC0415
    from cfinspect.engine.plots.pictures import sample_rows  # noqa: PLC0415

    chosen = [
        sample
        for label, name in reversed(list(enumerate(CLASS_NAMES)))
        for sample in _spread([s for s in samples if s.label == label], shown[name])
    ]
    images = [read_image(sample.path) for sample in chosen]
    found = list(inspector.inspect_many(images))
    captions = [
        f"labelled {CLASS_NAMES[sample.label]}, score {one.score:.2f}, p_fake {one.p_fake:.2f}"
        for sample, one in zip(chosen, found, strict=True)
    ]
    sheet = sample_rows(
        images,
        [one.counterfactual for one in found],
        [one.saliency for one in found],
        [one.mask for one in found],
        captions,
    )
    write_png(path, sheet)
    return path


def _spread(samples: list[Sample], count: int) -> list[Sample]:
    """``count`` of them, evenly spread: neighbours show the same wall or orchard."""
    return samples[:: max(1, len(samples) // count)][:count]
