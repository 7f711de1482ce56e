"""A model over the images of a project: new ones only, results in the machine layer."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

from cfinspect.cli.options import file_digest
from cfinspect.cli.output import Interrupted, Output, note, plain
from cfinspect.cli.progress import Counter, duration
from cfinspect.engine.bulk import Outcome, Source, inspect_sources
from cfinspect.engine.events import CancelToken
from cfinspect.engine.inspection import Inspector
from cfinspect.project.predictions import Inspected, save, to_inspect
from cfinspect.project.project import Folder, Project
from cfinspect.project.saliency import SaliencyCache

_BATCH = 32
_SAVE_EVERY_SECONDS = 2.0
_BATCH_PIXELS = 24_000_000  # images wait in memory until they are saved


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
    card = plain(dataclasses.asdict(inspector.backend.card))
    model = project.add_model(model_path, file_digest(model_path), card)
    for folder in folders:
        if folder.model_id != model.id:
            project.bind(folder, model)
    wanted = {folder.id for folder in folders}
    todo = [one for one in to_inspect(project, model) if one.folder_id in wanted]
    numbers = {one.name: one.image_id for one in todo}
    cache = SaliencyCache(project)
    waiting: list[Outcome] = []
    done = damaged = review = errors = pixels = 0
    started = saved = time.monotonic()

    def store() -> None:
        rows = [Inspected(numbers[o.source.name], o.image, o.inspection, o.error) for o in waiting]
        save(project, model, rows, cache)
        for one in waiting:
            _tell(one, output)

    sources = [Source(one.path, one.name, one.name) for one in todo]
    with Counter("Inspecting") as counter:
        for outcome in inspect_sources(inspector, sources, cancelled=lambda: cancel.cancelled):
            waiting.append(outcome)
            done += 1
            errors += bool(outcome.error)
            if outcome.inspection is not None and outcome.image is not None:
                damaged += outcome.inspection.label
                review += outcome.inspection.review
                pixels += outcome.image.shape[0] * outcome.image.shape[1]
            now = time.monotonic()
            full = len(waiting) >= _BATCH or pixels >= _BATCH_PIXELS
            if full or now - saved >= _SAVE_EVERY_SECONDS:
                store()
                waiting, pixels, saved = [], 0, now
                counter(done, len(todo))
        store()
    seconds = time.monotonic() - started
    if cancel.cancelled:
        raise Interrupted(
            f"Interrupted after {done} of {len(todo)} images; they are kept, the same call goes on."
        )
    rate = round((done - errors) / max(seconds, 1e-6), 2)
    counts = {"images": done, "damaged": damaged, "review": review, "errors": errors}
    output.emit("done", {**counts, "seconds": round(seconds, 3), "images_per_second": rate})
    output.say(
        f"{done} images in {duration(seconds)} ({rate:.1f} images/s): {damaged} damaged, {review} "
        f"for review, {errors} unreadable."
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
            "label": "damaged" if found.label else "undamaged",
            "score": round(found.score, 6),
            "p_fake": round(found.p_fake, 6),
            "review": int(found.review),
            "reason": found.reason,
            "area_fraction": round(found.area_fraction, 8),
        },
    )
