"""The kinds of long work. Each opens its own connection and calls the layers below; torch is
imported here and nowhere else in the window, on the job's thread.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.installed import has_torch
from cfinspect.engine.base.progress import Cancelled
from cfinspect.formats.exchange_types import Options
from cfinspect.formats.export_filter import ExportFilter
from cfinspect.project.inspecting import InspectionCounts, bind_model, inspect_images
from cfinspect.project.project import Project, ProjectModel
from cfinspect.project.scan import ScanReport, scan
from cfinspect.ui.jobs.job import JobProgress, JobReporter, PartOfJob
from cfinspect.ui.widgets.translate import tr

if TYPE_CHECKING:
    from cfinspect.engine.evaluation.evaluate import EvaluationFigures
    from cfinspect.engine.inference.inspector import Inspector
    from cfinspect.formats.exporting import ExportReport
    from cfinspect.formats.import_plan import ImportReport
    from cfinspect.formats.importing import Source

_BATCH = 32


def threads_for_work() -> int:
    """Threads that networks may take while the window is open: one core stays with the person."""
    return max(1, (os.cpu_count() or 2) - 1)


@contextmanager
def open_inspector(path: Path, device: str, tell: JobReporter) -> Iterator[Inspector]:
    """A model on the job's thread, and its memory given back afterwards."""
    from cfinspect.engine.model.file import load_metadata  # noqa: PLC0415

    tell.relay(JobProgress(text=tr("Loading the model")))
    load_metadata(path)  # a bad file is told before torch is started
    from cfinspect.engine.inference.loading import load_inspector  # noqa: PLC0415

    inspector = load_inspector(path, device, batch=_BATCH, threads=threads_for_work())
    try:
        yield inspector
    finally:
        inspector.close()


@dataclass
class WarmUp:
    """Import what jobs need, so that the first of them starts at once; returns device and why."""

    device: str = "auto"
    title: str = field(default_factory=lambda: tr("Getting ready"))
    keeps: str = ""
    patience: ClassVar = 1.0

    def run(self, tell: JobReporter) -> str:
        """Import torch and everything that uses it; where there is none, onnxruntime."""
        del tell
        if not has_torch():
            from cfinspect.engine.inference.onnx_backend import chosen_here  # noqa: PLC0415

            return chosen_here(self.device)
        import cfinspect.engine.training.trainer  # noqa: PLC0415
        from cfinspect.engine.base.device import choose_device, limit_threads  # noqa: PLC0415

        limit_threads(threads_for_work())
        assert cfinspect.engine.training.trainer
        return str(choose_device(self.device))


@dataclass
class Scan:
    """Take in new, moved and vanished images; ``folders``: ids, None for all."""

    root: Path
    folders: Collection[int] | None = None
    title: str = field(default_factory=lambda: tr("Looking for images"))
    keeps: str = field(default_factory=lambda: tr("What was read so far is kept."))
    patience: ClassVar = 2.0

    def run(self, tell: JobReporter) -> ScanReport:
        """Scan with progress."""
        with Project.open_again(self.root) as project:
            chosen = None
            if self.folders is not None:
                chosen = [one for one in project.folders() if one.id in self.folders]
            return scan(
                project,
                chosen,
                progress=tell,
            )


@dataclass
class Inspect:
    """A model over folders (ids), or over ``only`` these images; parts are lists of image ids."""

    root: Path
    model: Path
    folders: Collection[int]
    only: Collection[int] | None = None
    device: str = "auto"
    title: str = field(default_factory=lambda: tr("Inspecting"))
    keeps: str = field(default_factory=lambda: tr("What is done is kept; the rest can follow."))
    patience: ClassVar = 10.0

    def run(self, tell: JobReporter) -> InspectionCounts:
        """Bind the model, inspect, store as it goes; images whose folder has it bound already
        are done only once.
        """
        from cfinspect.engine.model.file import file_digest  # noqa: PLC0415

        if not self.model.is_file():
            raise CfinspectError(
                tr(
                    "The model {file} is not there any more; choose another under Model.",
                    file=self.model,
                )
            )
        tally = InspectionCounts(0)
        with (
            open_inspector(self.model, self.device, tell) as inspector,
            Project.open_again(self.root) as project,
        ):
            metadata = inspector.backend.metadata
            folders = [one for one in project.folders() if one.id in self.folders]
            model = bind_model(project, folders, self.model, file_digest(self.model), metadata)
            tell.restart_clock()
            for tally in inspect_images(
                project,
                model,
                inspector,
                folders=self.folders,
                only=self.only,
                progress=tell,
            ):
                tell.part(list(tally.ids))
                text = tr("flagged: {n}", n=tally.review)
                tell.report(tally.done, tally.total, text)
                tally.outcomes = []
        return tally


@dataclass
class Export:
    """Write labels for other tools."""

    root: Path
    form: str
    out: Path
    choice: ExportFilter
    options: Options
    who: str
    title: str = field(default_factory=lambda: tr("Exporting"))
    keeps: str = field(default_factory=lambda: tr("Nothing is written; an earlier export stays."))

    def run(self, tell: JobReporter) -> ExportReport | None:
        """Export; None when cancelled."""
        from cfinspect.formats.exporting import export  # noqa: PLC0415

        with Project.open_again(self.root) as project:
            try:
                return export(
                    project,
                    self.form,
                    self.out,
                    self.choice,
                    self.options,
                    who=self.who,
                    progress=tell,
                )
            except Cancelled:
                return None


@dataclass
class Import:
    """Take labels and masks of another tool as what humans said."""

    root: Path
    source: Source
    who: str
    title: str = field(default_factory=lambda: tr("Importing"))
    keeps: str = field(default_factory=lambda: tr("Nothing is stored."))

    def run(self, tell: JobReporter) -> ImportReport:
        """Import into the human layer."""
        from cfinspect.formats.importing import import_labels  # noqa: PLC0415

        with Project.create(self.root, human=True) as project:
            return import_labels(project, self.source, who=self.who, progress=tell)


@dataclass(frozen=True)
class ComparedModel:
    """A model file, and its figures on the images that all models were compared on."""

    model: Path
    figures: EvaluationFigures


@dataclass
class CompareModels:
    """Several models on the images whose truth is known; the result is a row of figures each.

    The truth is what humans said, else the label of the class folder or ``labels.csv``.
    """

    root: Path
    models: Sequence[Path]
    folder: int
    device: str = "auto"
    title: str = field(default_factory=lambda: tr("Comparing models"))
    keeps: str = ""

    def run(self, tell: JobReporter) -> list[ComparedModel]:
        """Evaluate one model after the other."""
        from cfinspect.engine.evaluation.evaluate import evaluate  # noqa: PLC0415

        samples = self._samples()
        found: list[ComparedModel] = []
        total = len(samples) * len(self.models)
        for number, path in enumerate(self.models):
            base = number * len(samples)

            def show(done: int, _: int | None, base: int = base, name: str = path.name) -> None:
                tell.report(base + done, total, name)

            with open_inspector(path, self.device, tell) as inspector:
                try:
                    result = evaluate(inspector, samples, progress=PartOfJob(tell, show))
                except Cancelled:
                    break
            # What humans said has no defect classes.
            figures = dataclasses.replace(result.figures, kinds=None)
            found.append(ComparedModel(path, figures))
        return found

    def _samples(self) -> list[Any]:
        from cfinspect.engine.data.dataset import Sample  # noqa: PLC0415
        from cfinspect.project.listing import ImageFilter, list_images  # noqa: PLC0415

        samples = []
        with Project.open_again(self.root) as project:
            folder = next(one for one in project.folders() if one.id == self.folder)
            offset = 0
            while rows := list_images(
                project, ImageFilter(folder=folder.name), offset=offset, limit=1000
            ):
                offset += len(rows)
                for row in rows:
                    truth = row.verdict if row.verdict in {0, 1} else row.label
                    if truth in {0, 1}:
                        size = (row.width or 0, row.height or 0)
                        path = row.checked_path()
                        samples.append(Sample(path, truth, row.group or row.name, None, 0, *size))
        if not samples:
            raise CfinspectError(
                tr(
                    "No image of this folder has a known label: give some verdicts first, or use "
                    "folders called undamaged and damaged."
                )
            )
        return samples


def model_name(model: ProjectModel) -> str:
    """What a person calls a model: every training leaves a file called model.safetensors."""
    path = model.path
    return path.parent.name if path.stem == "model" and path.parent.name else path.stem


@dataclass(frozen=True)
class ModelSummary:
    """What a person wants to see first of a model; empty or None where that is not known."""

    created: str = ""
    f1: float | None = None
    auroc: float | None = None
    flip: float | None = None
    folders: str = ""
    images: int | None = None
    size: int | None = None
    scope: str = ""


def summary_of(model: ProjectModel) -> ModelSummary:
    """Of the model's metadata; nothing where this version cannot read them."""
    metadata = model.metadata
    if metadata is None:
        return ModelSummary()
    metrics, folders = metadata.validation_metrics, metadata.data.get("folders")
    return ModelSummary(
        created=metadata.created[:16].replace("T", " "),
        f1=metrics.get("f1"),
        auroc=metrics.get("auroc"),
        flip=metrics.get("flip_damaged"),
        folders=", ".join(map(str, folders)) if isinstance(folders, list) else "",
        images=metadata.image_counts.get("training"),
        size=metadata.preprocessing.size,
        scope=metadata.preprocessing.scope,
    )
