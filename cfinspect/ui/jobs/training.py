"""Training on a person's images, and making the demo."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cfinspect.engine.base.progress import Cancelled
from cfinspect.project.project import Project
from cfinspect.project.scan import scan
from cfinspect.ui.jobs.job import JobProgress, JobReporter, PartOfJob, PausableToken
from cfinspect.ui.jobs.job_types import Inspect, threads_for_work
from cfinspect.ui.widgets.translate import tr


@dataclass
class Train:
    """One training; parts are the engine's events, the result the last of them."""

    settings: dict[str, Any]
    resume: bool = False
    title: str = field(default_factory=lambda: tr("Training"))
    keeps: str = field(default_factory=lambda: tr("A checkpoint is kept; it can be resumed."))

    def run(self, tell: JobReporter) -> Any:
        """Train, relaying every event."""
        from cfinspect.engine.base.device import limit_threads  # noqa: PLC0415
        from cfinspect.engine.base.events import (  # noqa: PLC0415
            DataProgress,
            Finished,
            MasksProgress,
            StepDone,
        )
        from cfinspect.engine.training.config import TrainConfig  # noqa: PLC0415
        from cfinspect.engine.training.trainer import train  # noqa: PLC0415

        limit_threads(threads_for_work())
        last, masks = None, MasksProgress(0, 0)
        config = TrainConfig.from_dict(self.settings)
        for event in train(config, cancel=PausableToken(tell), resume=self.resume):
            if isinstance(event, StepDone):
                rate, left = event.images_per_second, event.seconds_left
                text = tr("step {n}", n=event.step)
                tell.relay(JobProgress(round(1000 * event.fraction), 1000, rate, left, text))
            elif isinstance(event, DataProgress):
                tell.relay(JobProgress(event.done, event.total, text=tr("Reading images")))
            elif isinstance(event, MasksProgress):
                if event.done < masks.done or event.total != masks.total:
                    tell.restart_clock()  # looking at images takes another time than learning
                masks = event
                text = tr("Learning masks")
                tell.report(event.done, event.total, text, of_images=False)
            elif isinstance(event, Finished):
                last = event
            tell.part(event)
            _ = tell.cancelled  # where a paused training waits
        return last


@dataclass
class Demo:
    """Draw walls and apples, make a project of them, and inspect it with the shipped models.

    A second time it is there at once. The result is the project's folder.
    """

    folder: Path
    device: str = "auto"
    title: str = field(default_factory=lambda: tr("Preparing the demo"))
    keeps: str = field(default_factory=lambda: tr("The next try goes on from there."))

    def run(self, tell: JobReporter) -> Path | None:
        """Make what is missing; None when cancelled."""
        from cfinspect.resources import resource_path, shipped_model  # noqa: PLC0415

        recipe = json.loads(resource_path("demo.json").read_text(encoding="utf-8"))
        places = {}
        for domain in ("crack", "apple"):
            place = self.folder / domain / "new"
            try:
                if not place.is_dir():
                    self._draw(place, domain, recipe["new"], tell)
                tell.check()
            except Cancelled:
                return None
            places[domain] = (place, shipped_model(domain))
        return self._project(places, tell)

    def _draw(self, out: Path, domain: Any, settings: dict[str, Any], tell: JobReporter) -> None:
        from cfinspect.engine.synth.folder import write_folder  # noqa: PLC0415

        text = tr("Drawing {domain} images", domain=domain)
        write_folder(
            out,
            domain,
            **settings,
            progress=PartOfJob(
                tell, lambda done, total: tell.relay(JobProgress(done, total, text=text))
            ),
        )

    def _project(self, places: dict[str, tuple[Path, Path]], tell: JobReporter) -> Path | None:
        root = places["crack"][0]
        with Project.create(root, domain="crack") as project:
            project.add_folder(places["apple"][0], "apple")
            scan(project, progress=PartOfJob(tell, lambda _done, _total: None))
            folders = {folder.domain: folder.id for folder in project.folders()}
        for domain, (_, model) in places.items():
            if tell.cancelled:
                return None
            Inspect(root, model, [folders[domain]], device=self.device).run(tell)
        return root
