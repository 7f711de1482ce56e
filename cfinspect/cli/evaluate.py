"""``cfinspect evaluate``: how good a model is on labelled images."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from cfinspect import __version__
from cfinspect.cli.ace_options import read_ace
from cfinspect.cli.interrupt import cancel_on_signals
from cfinspect.cli.models import flat
from cfinspect.cli.options import (
    BatchOption,
    DamagedOption,
    DataArgument,
    DeviceOption,
    ModelArgument,
    PrecisionOption,
    UndamagedOption,
    open_inspector,
    require_exists,
    require_folder_to_write,
)
from cfinspect.cli.output import JsonFlag, Output, guarded, note, plain, save_text
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.events import CancelToken
from cfinspect.engine.base.progress import Cancelled
from cfinspect.engine.model.file import file_digest, load_metadata
from cfinspect.workflows.evaluation_parts import (
    SHOWN,
    attack,
    compare,
    doubt,
    judge,
    require_one_kind,
)
from cfinspect.workflows.explainer_trial import ask_explainers, show_explainers

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cfinspect.engine.data.dataset import Dataset, Sample
    from cfinspect.engine.evaluation.encoders import Encoder
    from cfinspect.engine.evaluation.evaluate import Evaluation
    from cfinspect.engine.inference.inspector import Inspector
    from cfinspect.engine.inference.torch_backend import TorchBackend

EXAMPLES = """
Leaves report.html, report.json and images.csv in the folder OUT. Figures on images that the model
has seen in training say little: give other images, or train with --holdout and evaluate with
--unseen.

Examples:

  cfinspect evaluate model.safetensors test/ --out report

  cfinspect evaluate model.safetensors data/ --unseen --out report

  cfinspect evaluate model.safetensors test/ --out report --all --quick
"""
_LEFT_OUT_SHOWN = 10


@guarded
def evaluate(
    *,
    model: ModelArgument,
    data: DataArgument,
    out: Annotated[Path, typer.Option("--out", help="Folder for the report.")],
    unseen: Annotated[
        bool,
        typer.Option(
            "--unseen",
            help="Only images that training and validation (also of --diffusion) never looked at.",
        ),
    ] = False,
    robustness: Annotated[
        bool, typer.Option("--robustness", help="Attack the model as well; takes minutes.")
    ] = False,
    uncertainty: Annotated[
        bool,
        typer.Option("--uncertainty", help="Which doubt finds errors; calibration; guarantees."),
    ] = False,
    baselines: Annotated[
        bool,
        typer.Option("--baselines", help="Other saliencies beside ours; needs true masks."),
    ] = False,
    realism: Annotated[
        bool,
        typer.Option("--realism", help="FID, KID and what an independent classifier thinks."),
    ] = False,
    encoder: Annotated[
        Path | None,
        typer.Option(
            "--encoder",
            help="torchvision's weights of Inception v3 or a ResNet for FID. [default: our own]",
        ),
    ] = None,
    explainers: Annotated[
        bool,
        typer.Option("--explainers", help="What would change its mind: ours, ACE, RISE and more."),
    ] = False,
    diffusion: Annotated[
        Path | None,
        typer.Option("--diffusion", metavar="MODEL", help="For ACE: of train --method diffusion."),
    ] = None,
    ace: Annotated[
        list[str] | None,
        typer.Option("--ace", metavar="NAME=VALUE", help="ACE, as by explain; may be repeated."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All of these parts.")] = False,
    images: Annotated[
        int | None,
        typer.Option(
            "--images",
            min=2,
            help="How many images are attacked, or explained. [default: 100; with --quick 30]",
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer images and weaker attacks in these parts.")
    ] = False,
    batch: BatchOption = 64,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    undamaged: UndamagedOption = None,
    damaged: DamagedOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Evaluate a model: classification, localisation, counterfactuals, review."""
    require_exists(model, *data, *(path for path in (encoder, diffusion) if path))
    require_folder_to_write(out)
    if ace and not diffusion:
        raise CfinspectError("--ace needs --diffusion: without such a model there is no ACE.")
    settings = read_ace(ace or [])
    from cfinspect.engine.evaluation.gallery import galleries  # noqa: PLC0415

    with cancel_on_signals("Stopping after this batch") as cancel:
        metadata = load_metadata(model)
        kinds = tuple(metadata.kinds)
        wanted = {
            "robustness": robustness,
            "uncertainty": uncertainty,
            "realism": realism or encoder is not None,
            "baselines": baselines,
            "explainers": explainers or diffusion is not None,
        }
        for part in (name for name, asked in wanted.items() if asked):
            require_one_kind(metadata, part)
        dataset = read_data(data, undamaged, damaged, kinds)
        samples, seen = choose_samples(model, dataset, unseen, diffusion)
        inspector = open_inspector(model, device, precision, batch)
        looked = _encoder(encoder, device, precision) if encoder else None
        report = run(inspector, samples, data, cancel)
        # The fingerprint is that of the images the figures are about.
        chosen = dataclasses.replace(dataset, samples=tuple(samples))
        whole = {
            "cfinspect_version": __version__,
            "model": {"name": model.name, "digest": file_digest(model)},
            "data": {"fingerprint": chosen.fingerprint(), "counts": chosen.counts()},
            "unseen_only": unseen,
            "seen": seen,
            **report.report,
        }
        files = {_relative(sample.path, data): sample.path for sample in samples}
        pictures = galleries(inspector, report.rows, [files[row["file"]] for row in report.rows])
        output = Output(as_json)
        backend = cast("TorchBackend", inspector.backend)
        # What takes minutes must not cost what is already known.
        _save(out, whole, report.rows, pictures)
        parts: dict[str, Callable[[], dict[str, Any]]] = {
            "baselines": lambda: compare(backend, samples, quick, cancel),
            "explainers": lambda: ask_explainers(
                backend, samples, diffusion, settings, looked, images, quick, cancel
            ),
            "realism": lambda: judge(inspector, samples, looked, quick, cancel),
            "uncertainty": lambda: doubt(inspector, samples, quick, cancel),
            "robustness": lambda: attack(backend, inspector, samples, images, quick, cancel),
        }
        for name, work in parts.items():
            if not (wanted[name] or every):
                continue
            try:
                require_one_kind(metadata, name)
                whole[name] = work()
            except CfinspectError as error:
                if wanted[name]:
                    raise
                note(f"Without the part {name}: {error}")
            else:
                _save(out, whole, report.rows, pictures)
        write_report(out, whole, report.rows, output)
        for name, show in (SHOWN | {"explainers": show_explainers}).items():
            if name in whole:
                show(whole[name], output)
        output.say(f"Report: {out / 'report.html'}")


def _encoder(path: Path, device: str, precision: str) -> Encoder:
    """A bad file is told before the images are looked at."""
    from cfinspect.engine.base.device import choose_device  # noqa: PLC0415
    from cfinspect.engine.evaluation.encoders import load_encoder  # noqa: PLC0415

    return load_encoder(path, choose_device(device, precision))


def _save(
    out: Path,
    whole: dict[str, Any],
    rows: list[dict[str, Any]],
    pictures: dict[str, NDArray[np.uint8]],
) -> None:
    """All files of the report."""
    from cfinspect.engine.evaluation.html_report import page  # noqa: PLC0415

    save_text(out / "report.html", page(plain(whole), rows, pictures, _typed()))
    _save_figures(out, whole, rows)


def _typed() -> str:
    """The command as it was given."""
    return shlex.join(["cfinspect", *sys.argv[1:]])


def read_data(
    data: Sequence[Path],
    undamaged: str | None = None,
    damaged: str | None = None,
    kinds: Sequence[str] = (),
) -> Dataset:
    """Read labelled folders; one class alone will do. Says what was left out."""
    from cfinspect.cli.progress import Counter  # noqa: PLC0415
    from cfinspect.engine.data.dataset import read_folders  # noqa: PLC0415

    with Counter("Reading folders", "files") as counter:
        dataset = read_folders(
            data,
            undamaged=undamaged,
            damaged=damaged,
            kinds=kinds,
            allow_one_class=True,
            progress=counter,
        )
    for left_out in dataset.left_out[:_LEFT_OUT_SHOWN]:
        note(f"Left out: {left_out.path}: {left_out.reason}")
    for kind, name in enumerate(kinds):
        if not any(one.label and one.kind == kind for one in dataset.samples):
            note(f"WARNING: there is no {name} image: the model's figures say nothing about it.")
    if len(dataset.left_out) > _LEFT_OUT_SHOWN:
        note(f"Left out: {len(dataset.left_out) - _LEFT_OUT_SHOWN} more")
    return dataset


def choose_samples(
    model: Path, dataset: Dataset, unseen: bool, diffusion: Path | None = None
) -> tuple[list[Sample], int]:
    """Return the samples to evaluate and how many of them the model has seen.

    What ``diffusion`` has seen is not unseen, either. Raises CfinspectError when only unseen ones
    are wanted and there is none.
    """
    from cfinspect.engine.model.file import seen_digests  # noqa: PLC0415

    known = {int(digest) for digest in seen_digests(model)}
    learned = {int(digest) for digest in seen_digests(diffusion)} if diffusion else set()
    everyone = dataset.samples
    if not unseen:
        seen = sum(sample.digest in known for sample in everyone)
        shown = sum(sample.digest in learned for sample in everyone)
        for count, who, what in (
            (seen, "the model", "the figures flatter it"),
            (shown, "the diffusion model", "ACE's figures flatter it"),
        ):
            if count:
                note(
                    f"WARNING: {who} has seen {count} of these {len(everyone)} images in training "
                    f"or validation, so {what}. Use --unseen, or other images."
                )
        return list(everyone), seen
    fresh = [sample for sample in everyone if sample.digest not in known | learned]
    left = len(everyone) - len(fresh)
    has = "model or the diffusion model has" if diffusion else "model has"
    if not fresh:
        raise CfinspectError(
            f"The {has} seen all {left} images in training or validation: give others, or "
            "train with --holdout 0.2 to keep some back."
        )
    note(f"Left aside {left} images that the {has} seen; {len(fresh)} are evaluated.")
    return fresh, 0


def run(
    inspector: Inspector, samples: list[Sample], data: Sequence[Path], cancel: CancelToken
) -> Evaluation:
    """Evaluate ``samples``; file names in the result are relative to the folders ``data``."""
    from cfinspect.cli.progress import Counter  # noqa: PLC0415
    from cfinspect.engine.evaluation.evaluate import evaluate as evaluate_samples  # noqa: PLC0415

    try:
        with Counter("Evaluating", cancel=cancel) as counter:
            found = evaluate_samples(inspector, samples, progress=counter)
    except Cancelled:
        raise Cancelled("Interrupted: no report was written.") from None
    for entry in (*found.rows, *found.report["left_out"]):
        entry["file"] = _relative(Path(entry["file"]), data)
    return found


def _relative(file: Path, folders: Sequence[Path]) -> str:
    for folder in folders:
        for root in (folder, folder.resolve()):
            if file.is_relative_to(root):
                inner = file.relative_to(root)
                return (inner if len(folders) == 1 else Path(folder.name) / inner).as_posix()
    return file.as_posix()


def write_report(
    out: Path, report: dict[str, Any], rows: list[dict[str, Any]], output: Output
) -> None:
    """Write report.json and images.csv into ``out`` and show the figures."""
    figures = _save_figures(out, report, rows)
    output.emit("report", {**figures, "out": out})
    parts = ("classification", "localisation", "counterfactual", "review")
    output.table("Evaluation", list(flat({part: figures[part] for part in parts})))
    if "kinds" in figures:
        told = figures["kinds"]
        names = [name or "undamaged" for name in told["names"]]
        counted = [
            (name, "  ".join(f"{answer} {n}" for answer, n in zip(names, counts, strict=True)))
            for name, counts in zip(names, told["confusion"], strict=True)
        ]
        output.table("Answers by true class", counted)
        output.say(
            f"Right class: {told['accuracy']:.1%}; right kind, of the damage found: "
            + (f"{told['right_kind']:.1%}" if told["right_kind"] is not None else "-")
        )


def _save_figures(out: Path, report: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    from cfinspect.engine.evaluation.evaluate import ROW_FIELDS  # noqa: PLC0415

    figures = cast("dict[str, Any]", plain(report))
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, ROW_FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    save_text(out / "images.csv", table.getvalue())
    save_text(out / "report.json", json.dumps(figures, indent=1, allow_nan=False) + "\n")
    return figures
