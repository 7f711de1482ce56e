"""A model on labelled images: figures, report, and the parts that take minutes."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from cfinspect import __version__
from cfinspect.engine.base.atomic import save_text
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.json_types import JsonObject
from cfinspect.engine.base.progress import Cancelled
from cfinspect.engine.data.csv_cells import TableWriter
from cfinspect.engine.data.settings import MaskValues
from cfinspect.engine.model.file import file_digest, load_metadata
from cfinspect.engine.model.plugins import is_onnx
from cfinspect.workflows.evaluation_data import choose_samples, read_data
from cfinspect.workflows.evaluation_parts import (
    attack,
    compare,
    doubt,
    judge,
    require_one_defect_class,
)
from cfinspect.workflows.explainer_trial import ask_explainers
from cfinspect.workflows.listener import Listener
from cfinspect.workflows.opening import open_inspector

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cfinspect.engine.data.dataset import Sample
    from cfinspect.engine.evaluation.encoders import Encoder
    from cfinspect.engine.evaluation.evaluate import EvaluatedImage, Evaluation
    from cfinspect.engine.evaluation.report import EvaluationReport
    from cfinspect.engine.explain.ace import AceSettings
    from cfinspect.engine.inference.inspector import Inspector
    from cfinspect.engine.inference.torch_backend import TorchBackend

# In the order in which they are made: what takes longest comes last.
PARTS = ("baselines", "explainers", "realism", "uncertainty", "robustness")


@dataclass(frozen=True)
class EvaluationOptions:
    """What of a model is looked at, and how closely.

    ``parts``: those of ``PARTS`` that are asked for; one that this model or these images cannot
    have is an error. ``every``: all of them, as far as they can be had. ``unseen``: only images
    that the model (and ``diffusion``) never learned from. ``encoder``: weights for FID.
    ``diffusion``, ``ace``: a diffusion model and the settings for ACE. ``images``: how many are
    attacked or explained. ``quick``: fewer images, weaker attacks. ``command``: stands in the
    report.
    """

    parts: frozenset[str] = frozenset()
    every: bool = False
    unseen: bool = False
    encoder: Path | None = None
    diffusion: Path | None = None
    ace: AceSettings | None = None
    images: int | None = None
    quick: bool = False
    undamaged: str | None = None
    damaged: str | None = None
    mask_values: MaskValues = MaskValues.AUTO
    batch: int = 64
    device: str = "auto"
    precision: str = "auto"
    command: str = ""

    @property
    def asked(self) -> frozenset[str]:
        """``parts``, and those that were meant by what was given for them."""
        more = {"realism"} if self.encoder else set()
        more |= {"explainers"} if self.diffusion else set()
        return self.parts | more


def evaluate_model(
    model: Path, data: Sequence[Path], out: Path, options: EvaluationOptions, listener: Listener
) -> EvaluationReport:
    """Evaluate ``model`` on labelled folders; leaves report.html, report.json, images.csv in out.

    Returns the report. Raises CfinspectError with a sentence, and ``Cancelled``: what was finished
    by then is in ``out``.
    """
    from cfinspect.engine.evaluation.gallery import galleries  # noqa: PLC0415
    from cfinspect.engine.evaluation.report import (  # noqa: PLC0415
        EvaluatedData,
        EvaluatedModel,
        EvaluationReport,
    )

    metadata = load_metadata(model)
    for part in PARTS:
        if part in options.asked:
            require_one_defect_class(metadata, part)
    asked = frozenset(PARTS) if options.every else options.asked
    if is_onnx(model) and (networks := asked - {"uncertainty"}):
        raise CfinspectError(
            f"{model} is a converted model, and {', '.join(sorted(networks))} look into the "
            "networks: give the .safetensors file that it was made of, or leave these out"
        )
    dataset = read_data(
        data,
        listener,
        options.undamaged,
        options.damaged,
        tuple(metadata.defect_classes),
        mask_values=options.mask_values,
    )
    samples, seen = choose_samples(model, dataset, options.unseen, listener, options.diffusion)
    inspector = open_inspector(model, options.device, options.precision, options.batch, listener)
    encoder = _encoder(options)
    found = evaluate_samples(inspector, samples, data, listener)
    # The fingerprint is that of the images the figures are about.
    chosen = dataclasses.replace(dataset, samples=tuple(samples))
    report = EvaluationReport(
        cfinspect_version=__version__,
        model=EvaluatedModel(model.name, file_digest(model)),
        data=EvaluatedData(chosen.fingerprint(), chosen.counts()),
        unseen_only=options.unseen,
        seen=seen,
        figures=found.figures,
        rows=found.rows,
    )
    files = {_relative(sample.path, data): sample.path for sample in samples}
    pictures = galleries(inspector, found.rows, [files[row.file] for row in found.rows])
    # What takes minutes must not cost what is already known.
    _save(out, report, pictures, options.command)
    for name, work in _works(inspector, samples, encoder, options, listener).items():
        if name not in options.asked and not options.every:
            continue
        try:
            require_one_defect_class(metadata, name)
            report = work(report)
        except CfinspectError as error:
            if name in options.asked:
                raise
            listener.note(f"Without the part {name}: {error}")
        else:
            _save(out, report, pictures, options.command)
    return report


def evaluate_samples(
    inspector: Inspector, samples: list[Sample], data: Sequence[Path], listener: Listener
) -> Evaluation:
    """Evaluate ``samples``; file names in the result are relative to the folders ``data``."""
    from cfinspect.engine.evaluation.evaluate import evaluate, with_names  # noqa: PLC0415

    try:
        with listener.task("Evaluating") as progress:
            found = evaluate(inspector, samples, progress=progress)
    except Cancelled:
        raise Cancelled("Interrupted: no report was written.") from None
    return with_names(found, lambda file: _relative(Path(file), data))


def save_figures(out: Path, report: JsonObject, rows: Sequence[EvaluatedImage]) -> None:
    """Write report.json and images.csv into ``out``."""
    from cfinspect.engine.evaluation.evaluate import ROW_FIELDS  # noqa: PLC0415

    table = io.StringIO(newline="")
    writer = TableWriter(table)
    writer.row(ROW_FIELDS)
    writer.rows([getattr(row, name) for name in ROW_FIELDS] for row in rows)
    save_text(out / "images.csv", table.getvalue())
    save_text(out / "report.json", json.dumps(report, indent=1, allow_nan=False) + "\n")


def _works(
    inspector: Inspector,
    samples: list[Sample],
    encoder: Encoder | None,
    options: EvaluationOptions,
    listener: Listener,
) -> dict[str, Callable[[EvaluationReport], EvaluationReport]]:
    """How each of ``PARTS`` is made and put into the report, in their order."""
    backend, quick = cast("TorchBackend", inspector.backend), options.quick
    images, put = options.images, dataclasses.replace
    works: dict[str, Callable[[EvaluationReport], EvaluationReport]] = {
        "baselines": lambda to: put(to, baselines=compare(backend, samples, quick, listener)),
        "explainers": lambda to: put(
            to,
            explainers=ask_explainers(
                backend, samples, options.diffusion, _ace(options), encoder, images, quick, listener
            ),
        ),
        "realism": lambda to: put(to, realism=judge(inspector, samples, encoder, quick, listener)),
        "uncertainty": lambda to: put(to, uncertainty=doubt(inspector, samples, quick, listener)),
        "robustness": lambda to: put(
            to, robustness=attack(backend, inspector, samples, images, quick, listener)
        ),
    }
    return {name: works[name] for name in PARTS}


def _ace(options: EvaluationOptions) -> AceSettings:
    from cfinspect.engine.explain.ace import ACE_PRESETS  # noqa: PLC0415  (starts torch)

    return options.ace or ACE_PRESETS["default"]


def _encoder(options: EvaluationOptions) -> Encoder | None:
    """A bad file is told before the images are looked at."""
    if options.encoder is None:
        return None
    from cfinspect.engine.base.device import choose_device  # noqa: PLC0415
    from cfinspect.engine.evaluation.encoders import load_encoder  # noqa: PLC0415

    return load_encoder(options.encoder, choose_device(options.device, options.precision))


def _save(
    out: Path,
    report: EvaluationReport,
    pictures: dict[str, NDArray[np.uint8]],
    command: str,
) -> None:
    """All files of the report."""
    from cfinspect.engine.evaluation.html_report import page  # noqa: PLC0415

    save_text(out / "report.html", page(report, pictures, command))
    save_figures(out, report.to_json(), report.rows)


def _relative(file: Path, folders: Sequence[Path]) -> str:
    for folder in folders:
        for root in (folder, folder.resolve()):
            if file.is_relative_to(root):
                inner = file.relative_to(root)
                return (inner if len(folders) == 1 else Path(folder.name) / inner).as_posix()
    return file.as_posix()
