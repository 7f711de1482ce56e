"""The kinds of files that are fuzzed: what sound ones are, how they change, what is done with them.

Whatever is done may end with one of cfinspect's own sentences (`CfinspectError`). Any other end is
a finding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import fuzz_databases
import fuzz_seeds as seeds
import numpy as np
from fuzz_containers import of_jpeg, of_png, of_safetensors, of_tiff, of_zip
from fuzz_mutations import Change, of_bytes, of_json, of_lines, of_xml
from fuzz_process import SHARES
from fuzz_seeds import HALL, LABELS, Files

from cfinspect.engine.base.device import choose_device
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.images import (
    header_size,
    is_turned,
    read_bytes,
    read_image,
    read_preview,
    read_samples,
)
from cfinspect.engine.data.mask_values import read_mask_values
from cfinspect.engine.explain.external import ClassifierUsage, load_external
from cfinspect.engine.inference.loading import load_inspector
from cfinspect.engine.model.file import load_metadata, seen_digests
from cfinspect.engine.training.run_folder import RunFolder
from cfinspect.engine.training.state import TrainState
from cfinspect.formats.exporting import export
from cfinspect.formats.importing import Source, import_labels, preview
from cfinspect.masks.files import read_indexed
from cfinspect.project import audit, backup, listing, queue, statistics, verdicts
from cfinspect.project.corrections import mask_classes
from cfinspect.project.paths import find_project_paths
from cfinspect.project.predictions import prediction_of
from cfinspect.project.project import Project
from cfinspect.project.scan import scan
from cfinspect.workflows.config_parsing import resumed_config


@dataclass
class Said:
    """The sentences that were said of one input."""

    sentences: list[str] = field(default_factory=list)

    def by(self, call: Callable[..., Any], *values: Any, **named: Any) -> Any:
        """What ``call`` gives; None where it ends with a sentence."""
        try:
            return call(*values, **named)
        except CfinspectError as error:
            self.sentences.append(str(error))
            return None


@dataclass(frozen=True)
class Kind:
    """``make``: sound files of the kind; ``change``: what chance makes of one of them."""

    make: Callable[[Path], list[Files]]
    change: Callable[[Files, Random], Files]
    use: Callable[[Path, Said], None]


# Images ---------------------------------------------------------------------------------------


def _pictures(name: str, _scratch: Path) -> list[Files]:
    return [{f"a.{name}": data} for data in seeds.PICTURES[name]()]


def _one_file(how: Change, files: Files, chance: Random) -> Files:
    return {name: how(data, chance) for name, data in files.items()}


def _use_picture(folder: Path, said: Said) -> None:
    (path,) = folder.iterdir()
    data = said.by(read_bytes, path)
    if data is not None:
        said.by(header_size, path, data)
        said.by(is_turned, path, data)
    for read in (read_image, read_samples, read_mask_values, read_indexed):
        said.by(read, path)
    said.by(read_preview, path, 8)


# Labels ---------------------------------------------------------------------------------------

_BY_SUFFIX: Mapping[str, Change] = {
    ".json": of_json,
    ".xml": of_xml,
    ".txt": of_lines,
    ".csv": of_lines,
    ".yaml": of_lines,
    ".png": of_png,
    ".jpg": of_jpeg,
}


def _labels(form: str, scratch: Path) -> list[Files]:
    made = seeds.xanylabeling(scratch) if form == "xanylabeling" else seeds.labels(scratch, form)
    hall = seeds.hall(scratch)
    return [{**hall, **files} for files in made]


def _change_labels(files: Files, chance: Random) -> Files:
    """One file changed (pictures seldom), and now and then one left out or under another name."""
    files = dict(files)
    names = [name for name in files if name.startswith(f"{LABELS}/")]
    texts = [name for name in names if "/images/" not in name and "JPEGImages" not in name]
    name = chance.choice(texts if texts and chance.random() < 0.95 else names)
    files[name] = _BY_SUFFIX.get(Path(name).suffix.lower(), of_bytes)(files[name], chance)
    other = chance.choice(names)
    if chance.random() < 0.05:
        del files[other]
    elif chance.random() < 0.05:
        data = files.pop(other)
        files[f"{other}{chance.choice(('.bak', '.png', ' ', '.JSON'))}"] = data
    return files


def _use_labels(form: str, folder: Path, said: Said) -> None:
    source = Source("labelme" if form == "xanylabeling" else form, folder / LABELS)
    with Project.open(folder / HALL, human=True) as project:
        planned = said.by(preview, project, source)
        report = said.by(import_labels, project, source, who="ann")
        if report is not None:
            said.sentences += report.problems
            if planned is None or planned.taken != report.taken:
                raise AssertionError(f"{planned} was planned, and {report} came in")
            if report.taken:
                verdicts.undo(project, who="ann")
        if audit.verify(project).problems:
            raise AssertionError("the audit trail is broken")


# Models ---------------------------------------------------------------------------------------


def _use_model(folder: Path, said: Said) -> None:
    path = folder / "m.safetensors"
    said.by(load_metadata, path)
    said.by(seen_digests, path)
    inspector = said.by(load_inspector, path, "cpu")
    if inspector is not None:
        said.by(inspector.inspect, np.zeros((40, 30, 3), np.uint8))
        inspector.close()


def _change_run(files: Files, chance: Random) -> Files:
    files = dict(files)
    name = chance.choice(("checkpoint.safetensors", "config.json", "config.json", "metrics.jsonl"))
    how = {"checkpoint.safetensors": of_safetensors, "config.json": of_json}.get(name, of_bytes)
    files[name] = how(files[name], chance)
    return files


def _use_run(folder: Path, said: Said) -> None:
    run = RunFolder(folder)
    said.by(run.rows)
    config = said.by(resumed_config, folder, (), {})
    if config is not None:
        said.by(TrainState, config, seeds.CPU, run.checkpoint)


def _use_archive(folder: Path, said: Said) -> None:
    said.by(load_external, folder / "c.pt2", ClassifierUsage(size=16), choose_device("cpu", "fp32"))


# Databases ------------------------------------------------------------------------------------


def _use_database(folder: Path, said: Said) -> None:
    project = said.by(Project.open, folder / HALL, human=True)
    if project is not None:
        with project:
            _use_project(project, folder, said)
    place = said.by(find_project_paths, folder / HALL)
    if place is not None:
        said.by(backup.restore, place)


def _use_project(project: Project, folder: Path, said: Said) -> None:
    said.by(lambda: project.id)
    said.by(scan, project)
    for read in (
        *(project.folders, project.models),
        *(partial(one, project) for one in (listing.counts, listing.waiting, listing.unreadable)),
        *(partial(one, project) for one in (statistics.overruled, audit.verify, mask_classes)),
        *(partial(queue.queue, project, rank, everything=True) for rank in queue.Rank),
        *(partial(listing.list_images, project, sort=sort) for sort in listing.SortOrder),
        partial(listing.score_histogram, project),
        lambda: list(audit.entries(project)),
    ):
        said.by(read)
    vanished = listing.ImageFilter(missing=True)
    rows = said.by(listing.list_images, project) or []
    rows += said.by(listing.list_images, project, vanished) or []
    for row in rows[:6]:
        human = said.by(verdicts.human_of, project, row.id)
        if human is not None:
            said.by(verdicts.read_mask_of, project, human)
        for one in said.by(project.models) or []:
            said.by(prediction_of, project, row.id, one.id)
        said.by(verdicts.decide, project, row.id, who="eve", verdict=verdicts.Verdict.DAMAGED)
    said.by(verdicts.undo, project, who="eve")
    said.by(export, project, "coco", folder / "exported")
    said.by(backup.back_up, project.paths, project.database)


_PICTURES: Mapping[str, Change] = {"png": of_png, "jpeg": of_jpeg, "mpo": of_jpeg, "tiff": of_tiff}


def _kind(name: str) -> Kind:
    room, _, form = name.partition("-")
    if room == "image":
        change = partial(_one_file, _PICTURES.get(form, of_bytes))
        return Kind(partial(_pictures, form), change, _use_picture)
    if room == "labels":
        return Kind(partial(_labels, form), _change_labels, partial(_use_labels, form))
    return {
        "model": Kind(seeds.model, partial(_one_file, of_safetensors), _use_model),
        "run": Kind(seeds.run, _change_run, _use_run),
        "archive": Kind(seeds.archive, partial(_one_file, of_zip), _use_archive),
        "database": Kind(seeds.database, fuzz_databases.change, _use_database),
    }[name]


KINDS = {name: _kind(name) for name in SHARES}
