"""A model over the images of a project: predictions are stored as they come."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from cfinspect.engine.base.images import ImageError, read_bytes
from cfinspect.engine.base.progress import Progress
from cfinspect.engine.inference.inspector import Inspector
from cfinspect.engine.inference.stream import Outcome, Source, inspect_sources
from cfinspect.engine.model.metadata import ModelMetadata
from cfinspect.engine.model.unlikeness import UnlikeCount
from cfinspect.project.predictions import Inspected, ToInspect, save, to_inspect
from cfinspect.project.project import Folder, Project, ProjectModel
from cfinspect.project.reach import Reach
from cfinspect.project.saliency import SaliencyCache
from cfinspect.project.walk import content_digest

_BATCH = 32
_SAVE_EVERY_SECONDS = 2.0
_BATCH_PIXELS = 24_000_000  # images wait in memory until they are saved


@dataclass
class InspectionCounts:
    """How far it is. ``total``: images to inspect; ``done``: those that are stored, of them
    ``damaged``, for ``review`` and unreadable (``errors``). ``outcomes``: those stored last.
    ``unlike``: how many are unlike those that the model learned from.
    """

    total: int
    done: int = 0
    damaged: int = 0
    review: int = 0
    errors: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    unlike: UnlikeCount = field(default_factory=UnlikeCount)


def bind_model(
    project: Project, folders: list[Folder], path: Path, digest: str, metadata: ModelMetadata
) -> ProjectModel:
    """Let the model file ``path`` count for ``folders``; returns the project's record of it."""
    model = project.add_model(path, digest, metadata)
    for folder in folders:
        if folder.model_id != model.id:
            project.bind(folder, model)
    return model


def inspect_images(
    project: Project,
    model: ProjectModel,
    inspector: Inspector,
    *,
    folders: Collection[int],
    only: Collection[int] | None = None,
    progress: Progress = Progress(),
) -> Iterator[InspectionCounts]:
    """Inspect what ``model`` has not seen of ``folders`` (ids); yields after every saving.

    ``only``: these images (ids), also those that the model has seen. A kill or a cancel loses
    seconds of work at most; the same call goes on from there. ``progress`` shows what is stored.
    """
    todo = to_inspect(project, model, only)
    todo = [one for one in todo if one.folder_id in folders]
    yield from _Work(project, model, todo).run(inspector, progress)


class _Work:
    def __init__(self, project: Project, model: ProjectModel, todo: list[ToInspect]) -> None:
        self._project = project
        self._model = model
        self._todo = todo
        self._numbers = {one.name: one.image_id for one in todo}
        self._cache = SaliencyCache(project)
        self._tally = InspectionCounts(len(todo))

    def run(self, inspector: Inspector, progress: Progress) -> Iterator[InspectionCounts]:
        waiting: list[Outcome] = []
        pixels, saved = 0, float("-inf")  # the first one is shown at once
        reach = self._project.reach
        sources = [
            Source(one.path, one.name, one.name, partial(_read_same, reach, one.digest))
            for one in self._todo
        ]
        for outcome in inspect_sources(inspector, sources, progress=progress):
            waiting.append(outcome)
            if outcome.image is not None:
                pixels += outcome.image.shape[0] * outcome.image.shape[1]
            full = len(waiting) >= _BATCH or pixels >= _BATCH_PIXELS
            if full or time.monotonic() - saved >= _SAVE_EVERY_SECONDS:
                yield self._store(waiting)
                waiting, pixels, saved = [], 0, time.monotonic()
        yield self._store(waiting)

    def _store(self, outcomes: list[Outcome]) -> InspectionCounts:
        ids = [self._numbers[one.source.name] for one in outcomes]
        rows = [
            Inspected(number, one.image, one.inspection, one.error)
            for number, one in zip(ids, outcomes, strict=True)
        ]
        save(self._project, self._model, rows, self._cache)
        found = [one.inspection for one in outcomes if one.inspection is not None]
        tally = self._tally
        tally.done += len(outcomes)
        tally.errors += len(outcomes) - len(found)
        tally.damaged += sum(one.label for one in found)
        tally.review += sum(one.review for one in found)
        for one in found:
            tally.unlike.add(one.unlikeness)
        tally.outcomes, tally.ids = outcomes, ids
        return tally


def _read_same(reach: Reach, digest: str, path: Path) -> bytes:
    """The bytes of an image, which are those that the project knows: a model speaks of a content.

    Raises ImageError for other ones, and where ``reach`` ends.
    """
    data = read_bytes(reach.checked(path))
    if content_digest(data) != digest:
        raise ImageError(
            path, "its content is not what the last scan found; scan, then inspect it again"
        )
    return data
