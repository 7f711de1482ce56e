"""From another tool's files into the human layer of a project: a plan, then all of it at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from cfinspect.engine.base.images import ImageError
from cfinspect.engine.base.progress import Cancelled, Progress
from cfinspect.engine.data.settings import MaskValues
from cfinspect.formats.exchange_types import (
    Empty,
    FormatError,
    ImportedImage,
    Refused,
)
from cfinspect.formats.import_plan import ImportReport, Planner, Step, machine_words
from cfinspect.formats.naming import Matcher
from cfinspect.formats.registry import reader
from cfinspect.project import audit
from cfinspect.project.corrections import keep_mask_file, mask_class, mask_classes
from cfinspect.project.database import ProjectError
from cfinspect.project.project import Project
from cfinspect.project.scan import scan
from cfinspect.project.verdicts import KEEP, decide


@dataclass(frozen=True)
class Source:
    """What is imported, and how. ``form``: the format of ``path``.

    Images that humans have decided stay as they are unless ``replace``. In our own exports, what
    was the model's word stays that, unless ``machine_too``. ``empty``: what images without a mark
    are. ``values``: what the values of mask files are.
    """

    form: str
    path: Path
    replace: bool = False
    machine_too: bool = False
    empty: Empty = Empty.AUTO
    values: MaskValues = MaskValues.AUTO


def import_labels(
    project: Project,
    source: Source,
    *,
    who: str,
    domain: str = "",
    progress: Progress = Progress(),
) -> ImportReport:
    """Take labels and masks from ``source`` as the human layer, said by ``who``.

    All that can be taken is stored in one transaction, which `verdicts.undo` takes back as a whole;
    what cannot is named in the report. After a cancel nothing is stored. Data sets that bring their
    images are added to the project first (as ``domain``). Raises FormatError.
    """
    found = _found(source)
    first = list(islice(found, 1))  # a wrong layout is told before the project gets a folder
    added = None
    _, about = reader(source.form)
    if about.images is not None:
        added = project.add_folder(source.path / about.images, domain or source.form).id
        scan(project, [folder for folder in project.folders() if folder.id == added])
    planner = _planner(project, source, Matcher(project, added))
    try:
        for done, one in enumerate(chain(first, found)):
            progress.step(done)
            planner.add(one)
        return _store(project, source, planner, who, progress)
    except Cancelled:
        return ImportReport(cancelled=True)


def preview(
    project: Project,
    source: Source,
    most: int | None = None,
    progress: Progress = Progress(),
) -> ImportReport:
    """What an import would do with the (first ``most``) images; nothing is stored.

    Of a data set that brings its images only these are counted. Raises FormatError.
    """
    found = _found(source)
    _, about = reader(source.form)
    if about.images is not None:  # the project gets them with the import
        count = sum(isinstance(one, ImportedImage) for one in islice(found, most))
        return ImportReport(images=count, taken=count, more=count == most)
    planner = _planner(project, source, Matcher(project))
    for done, one in enumerate(islice(found, most)):
        progress.step(done)
        planner.add(one)
    report = planner.finish()
    report.more = next(found, None) is not None
    return report


def _found(source: Source) -> Iterator[ImportedImage | Refused]:
    read, about = reader(source.form)
    if not source.path.exists():
        raise FormatError(f"There is no file or folder {source.path}; check the path.")
    if source.values is not MaskValues.AUTO:
        if about.read_as is None:
            raise FormatError(f"The format {source.form} has no mask files whose values differ.")
        found = about.read_as(source.path, source.values)
    else:
        found = read(source.path)
    nothing = True
    for one in found:
        nothing = False
        yield one
    if nothing:
        raise FormatError(
            f"{source.path} holds no image in the format {source.form}: is it another format, or "
            "another folder?"
        )


def _planner(project: Project, source: Source, matcher: Matcher) -> Planner:
    return Planner(
        project,
        matcher,
        replace=source.replace,
        empty=source.empty,
        words={} if source.machine_too else machine_words(source.path),
    )


def _store(
    project: Project, source: Source, planner: Planner, who: str, progress: Progress
) -> ImportReport:
    report, steps = planner.finish(), planner.steps
    if not steps:
        return report
    # Files of masks are slow to write; nobody else waits for them, only for the transaction.
    numbers = _foreseen(project, steps)
    for done, step in enumerate(steps):
        progress.step(done, len(steps))
        if step.mask is not None:
            _keep(project, step, numbers)
    with project.database.writing() as connection:
        for name in numbers:
            numbers[name] = mask_class(project, name, who=who)
        audit.append(
            connection,
            who=who,
            action=audit.IMPORT,
            after={"file": source.path.name, "format": source.form, "images": len(steps)},
        )
        for step in steps:
            progress.check()
            _say(project, step, numbers, who, report)
    report.taken = len(report.stored)
    return report


def _keep(project: Project, step: Step, numbers: dict[str, int]) -> None:
    assert step.mask is not None
    try:
        keep_mask_file(project, step.mask.numbered(numbers))
    except OSError as error:
        raise ProjectError(
            f"Nothing was imported: the mask of {step.image.name} cannot be written "
            f"({error.strerror})."
        ) from error


def _foreseen(project: Project, steps: list[Step]) -> dict[str, int]:
    """The numbers that the classes of the masks have, or will get unless others get some first."""
    known = {name: number for number, name in mask_classes(project).items()}
    numbers: dict[str, int] = {}
    for step in steps:
        for name in step.mask.classes.values() if step.mask else ():
            if name not in numbers:
                numbers[name] = known.setdefault(name, max(known.values()) + 1)
    return numbers


def _say(
    project: Project, step: Step, numbers: dict[str, int], who: str, report: ImportReport
) -> None:
    try:
        human = decide(
            project,
            step.image.id,
            who=who,
            verdict=step.verdict,
            # A label alone is no reason to forget a mask.
            mask=KEEP if step.mask is None else step.mask.numbered(numbers),
            action=audit.IMPORT,
            force=True,
        )
    except (ProjectError, ImageError) as error:
        if isinstance(error.__cause__, OSError | sqlite3.Error):
            raise  # a full disk, and SQLite may have ended the transaction: all or nothing
        report.refused += 1
        report.masks -= step.mask is not None
        report.problems.append(str(error))
    else:
        report.stored.append((step.image, human))
