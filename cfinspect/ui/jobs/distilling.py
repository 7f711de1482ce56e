"""Distillation: the masks that people corrected teach the model in use to mark better."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cfinspect.engine.base.progress import Progress
from cfinspect.engine.calibration.mask_choice import deciding_agreements
from cfinspect.engine.model.file import load_metadata
from cfinspect.project.paths import user_folder
from cfinspect.project.project import Project, ProjectModel
from cfinspect.ui.jobs.job import JobProgress, JobReporter, PartOfJob
from cfinspect.ui.jobs.job_types import model_name, threads_for_work
from cfinspect.ui.widgets.translate import mark, tr
from cfinspect.workflows.listener import Listener

if TYPE_CHECKING:
    from cfinspect.engine.calibration.distillation import DistillationResult

STEPS = 500
# What the workflow says it is doing, for the catalogues.
_DOING = (
    mark("Reading the project"),
    mark("Looking at the images"),
    mark("Teaching the segmenter"),
    mark("Comparing the masks"),
)


@dataclass(frozen=True)
class Distilled:
    """What came of it: ``model`` is the new file, None where the new masks are no better.

    ``left_out``: images and masks that could not be used.
    """

    model: Path | None
    result: DistillationResult
    left_out: int = 0

    @property
    def figures(self) -> str:
        """By which figures that was decided, and what was left out, for the person."""
        if not self.left_out:
            return self._deciding
        n = self.left_out
        left_out = tr("Left out, because they cannot be used: {n} images or masks.", n=n)
        return f"{self._deciding}\n{left_out}"

    @property
    def _deciding(self) -> str:
        old, new, humans = self.result.old, self.result.new, self.result.human_masks
        if agreements := deciding_agreements(old, new, humans):
            before, now = agreements
            return tr(
                "The agreement with {n} corrected masks (IoU) is {now}, before {before}.",
                n=humans,
                now=f"{now:.3f}",
                before=f"{before:.3f}",
            )
        return tr(
            "{now} of the verdicts turn when the inside of the mask is painted over, before "
            "{before}; the masks cover {area} of the image, before {area_before}.",
            now=f"{new.filled:.0%}",
            before=f"{old.filled:.0%}",
            area=f"{new.area:.2%}",
            area_before=f"{old.area:.2%}",
        )


@dataclass
class Distil:
    """Teach ``model`` by what is known of the images of ``folders`` (ids); the result, `Distilled`.

    The new model gets a file of its own among the user's models, in ``steps`` of training.
    """

    root: Path
    model: ProjectModel
    folders: Collection[int]
    device: str = "auto"
    steps: int = STEPS
    title: str = field(default_factory=lambda: tr("Learning masks"))
    keeps: str = field(default_factory=lambda: tr("Nothing is written; the model stays as it is."))

    def run(self, tell: JobReporter) -> Distilled:
        """Read the project, teach, compare; write the model where it marks better."""
        tell.relay(JobProgress(text=tr("Loading the model")))
        load_metadata(self.model.path)  # a bad file is told before torch is started
        from cfinspect.engine.base.device import limit_threads  # noqa: PLC0415
        from cfinspect.engine.calibration.distillation import DistillationSettings  # noqa: PLC0415
        from cfinspect.workflows.distil_model import (  # noqa: PLC0415
            distil_model,
            project_lessons,
        )

        limit_threads(threads_for_work())
        listener = _JobListener(tell)
        with Project.open_again(self.root) as project:
            lessons = project_lessons(project, self.folders, listener)
        out = _new_file(model_name(self.model))
        result = distil_model(
            self.model.path,
            lessons,
            out,
            DistillationSettings(by_humans=True, steps=self.steps),
            device=self.device,
            precision="auto",
            force=False,
            listener=listener,
        )
        return Distilled(out if result.accepted else None, result, listener.notes)


class _JobListener(Listener):
    """Shows the parts of a workflow as the progress of a job, each with its own time left."""

    def __init__(self, tell: JobReporter) -> None:
        super().__init__(tell.cancel)
        self._tell = tell
        self.notes = 0

    def note(self, text: str) -> None:
        """Each is of an image or mask that was left out."""
        self.notes += 1

    @contextmanager
    def task(self, doing: str, unit: str = "images") -> Iterator[Progress]:
        """One part; ``doing`` is one of the texts above."""
        text, of_images = tr(doing), unit == "images"
        self._tell.restart_clock()
        self._tell.relay(JobProgress(text=text))

        def show(done: int, total: int | None) -> None:
            self._tell.report(done, total, text, of_images=of_images)

        yield PartOfJob(self._tell, show)


def _new_file(name: str) -> Path:
    """A model file that is not there yet, for the masks that the model ``name`` learns."""
    folder, stem = user_folder() / "models", re.sub(r"-masks(-\d+)?$", "", name) + "-masks"
    path, number = folder / f"{stem}.safetensors", 2
    while path.exists():
        path, number = folder / f"{stem}-{number}.safetensors", number + 1
    return path
