"""A model over the images of a project: new ones only, results in the machine layer."""

from __future__ import annotations

import json
import time
from pathlib import Path

from cfinspect.cli.output import Output, note
from cfinspect.cli.progress import Counter, duration
from cfinspect.engine.base.events import CancelToken
from cfinspect.engine.base.progress import Cancelled
from cfinspect.engine.inference.inspector import Inspector
from cfinspect.engine.inference.stream import Outcome
from cfinspect.engine.model.file import file_digest
from cfinspect.project.inspecting import InspectionCounts, bind_model, inspect_images
from cfinspect.project.project import Folder, Project


def inspect_project(
    project: Project,
    folders: list[Folder],
    inspector: Inspector,
    model_path: Path,
    *,
    output: Output,
    cancel: CancelToken,
) -> bool:
    """Bind the model to ``folders`` and inspect what it has not seen; a kill loses seconds.

    Returns whether there were images and none could be read.
    """
    metadata = json.loads(inspector.backend.metadata.to_json())
    model = bind_model(project, folders, model_path, file_digest(model_path), metadata)
    tally = InspectionCounts(0)
    started = time.monotonic()
    with Counter("Inspecting", cancel=cancel) as counter:
        for tally in inspect_images(
            project,
            model,
            inspector,
            folders={folder.id for folder in folders},
            progress=counter,
        ):
            for one in tally.outcomes:
                _tell(one, output)
            counter.show(tally.done, tally.total)
    seconds = time.monotonic() - started
    if cancel.cancelled:
        raise Cancelled(
            f"Interrupted after {tally.done} of {tally.total} images; they are kept, the same call "
            "goes on."
        )
    done, errors = tally.done, tally.errors
    rate = round((done - errors) / max(seconds, 1e-6), 2)
    counts = {"images": done, "damaged": tally.damaged, "review": tally.review, "errors": errors}
    output.emit("done", {**counts, "seconds": round(seconds, 3), "images_per_second": rate})
    output.say(
        f"{done} images in {duration(seconds)} ({rate:.1f} images/s): {tally.damaged} damaged, "
        f"{tally.review} for review, {errors} unreadable."
    )
    return errors > 0 and errors == done


def _tell(outcome: Outcome, output: Output) -> None:
    found = outcome.inspection
    if found is None:
        note(f"Left out: {outcome.error}")
        output.emit("image", {"file": outcome.source.name, "error": outcome.error})
        return
    output.emit(
        "image",
        {
            "file": outcome.source.name,
            "label": found.kind or ("damaged" if found.label else "undamaged"),
            "score": round(found.score, 6),
            "p_fake": round(found.p_fake, 6),
            "review": int(found.review),
            "reason": found.reason,
            "area_fraction": round(found.area_fraction, 8),
        },
    )
