"""A model over files and folders, into a results folder: what command and Python API share."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cfinspect.engine.base.progress import Progress
from cfinspect.engine.inference.inspector import Inspector
from cfinspect.engine.inference.stream import Source, find_sources, inspect_sources
from cfinspect.engine.model.file import file_digest
from cfinspect.engine.model.unlikeness import UnlikeCount
from cfinspect.workflows.inspection_files import Inspections, Row
from cfinspect.workflows.inspection_summary import InspectionSummary


@contextmanager
def inspect_into(
    inspector: Inspector,
    model: Path,
    paths: Sequence[Path],
    out: Path,
    *,
    skip_done: bool = False,
    overlays: bool = True,
) -> Iterator[FolderInspection]:
    """Open the results folder ``out`` for a run over ``paths``, files and folders of images.

    ``model``: the file that ``inspector`` was loaded from. ``skip_done`` keeps the results that
    ``out`` has of the same model. Raises CfinspectError where a path does not exist, where there
    is no image, and when ``skip_done`` meets results of another model.
    """
    metadata = inspector.backend.metadata
    about, kinds = (
        {"name": model.name, "digest": file_digest(model)},
        tuple(metadata.defect_classes),
    )
    with Inspections(
        out, metadata.classes, about, kinds, skip_done=skip_done, overlays=overlays
    ) as files:
        sources, masks = find_sources(paths, leave_out=out, taken=files.stems)
        yield FolderInspection(inspector, files, sources, masks)


class FolderInspection:
    """One run into a results folder: see ``inspect_into``.

    ``sources``: all images found; ``todo``: those to inspect; ``masks``: how many files in masks/
    folders were passed over.
    """

    def __init__(
        self, inspector: Inspector, files: Inspections, sources: list[Source], masks: int
    ) -> None:
        metadata = inspector.backend.metadata
        self._inspector = inspector
        self._files = files
        self._damaged = {metadata.classes[1], *metadata.defect_classes}
        self.sources = sources
        self.masks = masks
        self.todo = [source for source in sources if source.name not in files.done]
        self._counts = {"images": 0, "damaged": 0, "review": 0, "errors": 0}
        self._unlike = UnlikeCount()
        self._started = self._ended = time.monotonic()

    def rows(self, progress: Progress = Progress()) -> Iterator[Row]:
        """Inspect; yields each row of inspections.csv once its pictures are written.

        Once ``progress`` is cancelled no further image is taken; what has been taken is finished.
        """
        self._started = time.monotonic()
        for outcome in inspect_sources(self._inspector, self.todo, progress=progress):
            yield from map(self._counted, self._files.add(outcome))
        yield from map(self._counted, self._files.finish())
        self._ended = time.monotonic()

    def summary(self) -> InspectionSummary:
        """Counts and times; complete once ``rows`` has ended."""
        return InspectionSummary.of(
            **self._counts, seconds=self._ended - self._started, unlike=self._unlike
        )

    def _counted(self, row: Row) -> Row:
        self._counts["images"] += 1
        self._counts["damaged"] += row["label"] in self._damaged
        self._counts["review"] += row["review"] == 1
        self._counts["errors"] += bool(row["error"])
        self._unlike.add(None if row["unlikeness"] == "" else row["unlikeness"])
        return row
