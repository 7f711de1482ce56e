"""A model over the images of a project: new ones only, results in the machine layer."""

from __future__ import annotations

import time
from pathlib import Path

from cfinspect.engine.base.progress import Cancelled
from cfinspect.engine.inference.inspector import Inspector
from cfinspect.engine.inference.stream import Outcome
from cfinspect.engine.model.file import file_digest
from cfinspect.project.inspecting import InspectionCounts, bind_model, inspect_images
from cfinspect.project.project import Folder, Project
from cfinspect.workflows.inspection_summary import InspectionSummary
from cfinspect.workflows.listener import Listener


def inspect_project(
    project: Project,
    folders: list[Folder],
    inspector: Inspector,
    model_path: Path,
    *,
    listener: Listener,
) -> InspectionSummary:
    """Bind the model to ``folders`` and inspect what it has not seen; a kill loses seconds.

    The listener's results are the images. Raises ``Cancelled``: what was inspected is kept.
    """
    metadata = inspector.backend.metadata
    model = bind_model(project, folders, model_path, file_digest(model_path), metadata)
    tally = InspectionCounts(0)
    started = time.monotonic()
    with listener.task("Inspecting") as counter:
        for tally in inspect_images(
            project,
            model,
            inspector,
            folders={folder.id for folder in folders},
            progress=counter,
        ):
            for one in tally.outcomes:
                _tell(one, listener)
            counter.show(tally.done, tally.total)
    seconds = time.monotonic() - started
    if listener.cancel.cancelled:
        raise Cancelled(
            f"Interrupted after {tally.done} of {tally.total} images; they are kept, the same call "
            "goes on."
        )
    return InspectionSummary.of(
        images=tally.done,
        damaged=tally.damaged,
        review=tally.review,
        errors=tally.errors,
        seconds=seconds,
        unlike=tally.unlike,
    )


def _tell(outcome: Outcome, listener: Listener) -> None:
    found = outcome.inspection
    if found is None:
        listener.note(f"Left out: {outcome.error}")
        listener.result("image", {"file": outcome.source.name, "error": outcome.error})
        return
    listener.result(
        "image",
        {
            "file": outcome.source.name,
            "label": found.defect_class or ("damaged" if found.label else "undamaged"),
            "score": round(found.score, 6),
            "p_fake": round(found.p_fake, 6),
            "review": int(found.review),
            "reason": found.reason,
            "area_fraction": round(found.area_fraction, 8),
            "unlikeness": None if found.unlikeness is None else round(found.unlikeness, 4),
        },
    )
