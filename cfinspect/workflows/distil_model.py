"""From a model and folders, or projects, to a model with a segmenter of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.images import (
    ImageError,
)
from cfinspect.engine.calibration.distillable import require_distillable
from cfinspect.engine.data.dataset import CLASS_NAMES, Dataset, Sample, read_sample
from cfinspect.engine.data.mask_values import read_mask
from cfinspect.engine.model.file import load_metadata, load_model
from cfinspect.project.corrections import mask_path, read_mask_file
from cfinspect.project.database import ProjectError
from cfinspect.project.listing import HumanState, ImageRow, list_images
from cfinspect.project.paths import find_project_paths
from cfinspect.project.project import Project
from cfinspect.project.verdicts import HumanAnnotation, Verdict, human_of
from cfinspect.workflows.evaluation_data import read_data
from cfinspect.workflows.listener import Listener

if TYPE_CHECKING:
    from cfinspect.engine.calibration.distillation import DistillationResult, DistillationSettings

_PAGE = 500


@dataclasses.dataclass(frozen=True)
class Lessons:
    """Images to learn from, how their human masks are read, and whether a project is among them."""

    dataset: Dataset
    read_mask: Callable[[Path], NDArray[np.bool_]]
    from_project: bool


def read_lessons(
    paths: Sequence[Path],
    listener: Listener,
    undamaged: str | None,
    damaged: str | None,
    defect_classes: Sequence[str] = (),
) -> Lessons:
    """The labelled images of data folders, also of a model's ``defect_classes``, and of projects.

    Of a project: what people said, else the labels of its folders, else what the model said where
    it was sure; with the masks that people corrected.
    """
    projects = [path for path in paths if path.is_dir() and find_project_paths(path) is not None]
    folders = [path for path in paths if path not in projects]
    samples: list[Sample] = []
    dataset = Dataset((), (), CLASS_NAMES)
    if folders:
        dataset = read_data(folders, listener, undamaged, damaged, (), defect_classes)
    for path in projects:
        with Project.open(path) as project:
            samples += _samples(_rows(project), project, listener)
    together = dataclasses.replace(dataset, samples=(*dataset.samples, *samples))
    return Lessons(together, _reader(samples), bool(projects))


def project_lessons(project: Project, folders: Collection[int], listener: Listener) -> Lessons:
    """As `read_lessons`, of some ``folders`` (ids) of a project that is open."""
    rows = [row for row in _rows(project) if row.folder_id in folders]
    samples = _samples(rows, project, listener)
    return Lessons(Dataset(tuple(samples), (), CLASS_NAMES), _reader(samples), True)


def distil_model(
    model: Path,
    lessons: Lessons,
    out: Path,
    settings: DistillationSettings,
    *,
    device: str,
    precision: str,
    force: bool,
    listener: Listener,
) -> DistillationResult:
    """Distil ``model``; ``out`` is written where that marks better, or with ``force``.

    Raises ``Cancelled``: nothing is written then.
    """
    require_distillable(model, load_metadata(model))
    from cfinspect.engine.calibration.distillation import (  # noqa: PLC0415  (starts torch)
        Distillation,
    )

    work = Distillation(
        load_model(model),
        lessons.dataset,
        lessons.read_mask,
        settings,
        device=device,
        precision=precision,
    )
    try:
        with listener.task("Looking at the images") as progress:
            work.look(progress)
        if settings.by_humans:
            for wrong in work.bad_masks:
                listener.note(f"A mask was left out. {wrong}")
        with listener.task("Teaching the segmenter", "steps") as progress:
            work.teach(progress)
        with listener.task("Comparing the masks") as progress:
            result = work.compare(progress)
            progress.check()
        if result.accepted or force:
            work.save(out, result)
    finally:
        work.close()
    return result


def _rows(project: Project) -> list[ImageRow]:
    rows: list[ImageRow] = []
    while page := list_images(project, offset=len(rows), limit=_PAGE):
        rows += page
    return rows


def _samples(rows: Sequence[ImageRow], project: Project, listener: Listener) -> list[Sample]:
    """The images of a project whose label is known; one that cannot be read is told of."""
    samples = []
    with listener.task("Reading the project") as progress:
        for done, row in enumerate(rows):
            progress.step(done, len(rows))
            try:
                sample = _sample(project, row)
            except ImageError as error:
                listener.note(f"An image was left out. {error}")
                continue
            if sample is not None:
                samples.append(sample)
    return samples


def _reader(samples: Sequence[Sample]) -> Callable[[Path], NDArray[np.bool_]]:
    """Reads masks of data folders, and of these ``samples`` of projects; raises ImageError."""
    corrected = {sample.mask for sample in samples if sample.mask is not None}

    def read(mask: Path) -> NDArray[np.bool_]:
        if mask not in corrected:
            return read_mask(mask)
        try:
            return read_mask_file(mask) > 0
        except ProjectError as error:
            raise ImageError(mask, "it is lost, or not what was saved") from error

    return read


def _sample(project: Project, row: ImageRow) -> Sample | None:
    """An image of a project as one of a data folder; None where nobody knows its label.

    Raises ImageError where it cannot be read.
    """
    human = HumanAnnotation() if row.state is HumanState.OPEN else human_of(project, row.id)
    label = _label(row, human)
    if label is None or row.missing or not row.path.is_file():
        return None
    mask = None if human.mask is None else mask_path(project, human.mask)
    return read_sample(row.checked_path(), label, row.group, mask)


def _label(row: ImageRow, human: HumanAnnotation) -> int | None:
    if human.verdict is Verdict.SKIPPED:
        return None
    if human.verdict is not None:
        return int(human.verdict)
    if row.label is not None:
        return row.label
    return None if row.flagged else row.machine
