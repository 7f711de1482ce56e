"""``cfinspect demo``: the whole way once, on images that are drawn for it."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cfinspect.cli import evaluate as evaluate_command
from cfinspect.cli import inspect as inspect_command
from cfinspect.cli import train as train_command
from cfinspect.cli.interrupt import cancel_on_signals
from cfinspect.cli.options import open_inspector, require_folder_to_write
from cfinspect.cli.output import Interrupted, JsonFlag, Output, guarded, note
from cfinspect.engine.config import TrainConfig
from cfinspect.engine.errors import CfinspectError
from cfinspect.engine.events import CancelToken
from cfinspect.resources import models_path, resource_path

if TYPE_CHECKING:
    from cfinspect.engine.data import Sample
    from cfinspect.engine.inspection import Inspector
    from cfinspect.engine.synth import Domain

EXAMPLES = """
Draws cracked walls and rotten apples, trains a small model on each (labels only), evaluates and
inspects other drawings, and leaves pictures of what the models see. Takes under four minutes on
two cores. A second demo in the same folder replaces the first.

Examples:

  cfinspect demo

  cfinspect demo /tmp/demo --headless
"""
_MARK = ".cfinspect-demo"
_MADE = ("images", "new", "run", "report", "results")
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
    del headless  # the demo in the window is its own: `cfinspect`, Try the demo
    require_folder_to_write(folder)
    recipe = json.loads(resource_path("demo.json").read_text(encoding="utf-8"))
    output = Output(as_json)
    started = time.monotonic()
    with cancel_on_signals("Stopping the demo") as cancel:
        sheets = [_show(folder / name, name, recipe, output, cancel) for name in _DOMAINS]
    seconds = time.monotonic() - started
    output.emit("demo", {"folder": folder, "sheets": sheets, "seconds": round(seconds, 1)})
    output.say(f"\nDone in {seconds:.0f} s. Look at:")
    for sheet in sheets:
        output.say(f"  {sheet}  image | counterfactual | saliency | mask")
        output.say(f"  {sheet.parent / 'results' / 'overlays'}  damage outlined on every image")
        output.say(f"  {sheet.parent / 'report' / 'report.json'}  the figures")


def _show(
    place: Path, domain: Domain, recipe: dict[str, Any], output: Output, cancel: CancelToken
) -> Path:
    """The demo of one domain; returns its contact sheet."""
    from cfinspect.engine.synth import write_folder  # noqa: PLC0415

    note(f"\n== {domain}: drawing {recipe['images']['count']} labelled images")
    _clear(place)
    images, new = place / "images", place / "new"
    write_folder(images, domain, **recipe["images"])
    write_folder(new, domain, **recipe["new"])
    model = _model(place, domain, recipe, output, cancel)
    note(f"== {domain}: evaluating on {recipe['new']['count']} new images")
    inspector = open_inspector(model, "auto", "auto", _BATCH)
    samples = list(evaluate_command.read_data([new]).samples)
    found = evaluate_command.run(inspector, samples, [new], cancel)
    evaluate_command.write_report(place / "report", found.report, found.rows, output)
    note(f"== {domain}: inspecting them")
    inspect_command.run(inspector, model, [new], place / "results", output=output, cancel=cancel)
    return _contact_sheet(place / "contact-sheet.png", inspector, samples, recipe["shown"])


def _model(
    place: Path, domain: str, recipe: dict[str, Any], output: Output, cancel: CancelToken
) -> Path:
    """The shipped model of the domain, or one trained now."""
    shipped: Path = models_path() / recipe["model"].format(domain=domain)
    if shipped.is_file():
        note(f"== {domain}: using the shipped model {shipped.name}")
        return shipped
    if cancel.cancelled:
        raise Interrupted("Interrupted before training.")
    config = TrainConfig.from_preset(
        **recipe["train"],
        data=(str((place / "images").resolve()),),
        out=str((place / "run").resolve()),
    )
    until = f"{config.minutes * 60:.0f} s" if config.minutes else f"{config.steps} steps"
    note(f"== {domain}: training for {until}, from labels alone")
    return train_command.run(config, output, cancel)


def _clear(place: Path) -> None:
    """Remove what an earlier demo made in ``place``, and nothing else."""
    mark = place / _MARK
    if place.exists() and any(place.iterdir()) and not mark.exists():
        raise CfinspectError(f"{place} holds files that are not the demo's: give another folder.")
    for name in _MADE:
        if (place / name).exists():
            shutil.rmtree(place / name)
    place.mkdir(parents=True, exist_ok=True)
    mark.touch()


def _contact_sheet(
    path: Path, inspector: Inspector, samples: list[Sample], shown: dict[str, int]
) -> Path:
    """Write rows of image, counterfactual, saliency and mask for the first of each class."""
    from cfinspect.engine.data import CLASS_NAMES  # noqa: PLC0415
    from cfinspect.engine.images import read_image, write_png  # noqa: PLC0415
    from cfinspect.engine.pictures import sample_rows  # noqa: PLC0415

    chosen = [
        sample
        for label, name in reversed(list(enumerate(CLASS_NAMES)))
        for sample in [s for s in samples if s.label == label][: shown[name]]
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
