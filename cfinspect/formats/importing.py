"""From another tool's files into the human layer of a project."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np

from cfinspect.formats.naming import Matcher
from cfinspect.formats.records import FormatError, Found
from cfinspect.formats.registry import reader
from cfinspect.project.corrections import mask_class, mask_classes
from cfinspect.project.listing import ImageRow, State, by_ids
from cfinspect.project.project import Project
from cfinspect.project.scan import scan
from cfinspect.project.verdicts import KEEP, Verdict, decide

_SHOWN = 20


@dataclass
class Report:
    """What came in: images whose label or mask was taken, those kept as humans had left them, and
    names (some of them) that the project has no image for, or no single one.
    """

    taken: int = 0
    masks: int = 0
    kept: int = 0
    unknown: int = 0
    names: list[str] = field(default_factory=list)
    cancelled: bool = False


def import_labels(
    project: Project,
    form: str,
    path: Path,
    *,
    who: str,
    replace: bool = False,
    domain: str = "",
    progress: Callable[[int], None] = lambda _done: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Report:
    """Take labels and masks from ``path`` in the format ``form`` as the human layer, said by
    ``who``. Images that humans have decided stay as they are unless ``replace``.

    Data sets that bring their images are added to the project first (as ``domain``). What came in
    before an error or a cancel stays; running it again goes on. Raises FormatError.
    """
    read, about = reader(form)
    if not path.exists():
        raise FormatError(f"There is no file or folder {path}; check the path.")
    found = read(path)
    first = next(found, None)  # a wrong layout is told before the project gets a folder
    if about.images is not None:
        folder = project.add_folder(path / about.images, domain or form)
        scan(project, [folder])
    matcher = Matcher(project)
    report = Report()
    for done, one in enumerate(chain([] if first is None else [first], found)):
        progress(done)
        if cancelled():
            report.cancelled = True
            break
        number = matcher.find(one.name)
        if number is None:
            report.unknown += 1
            if len(report.names) < _SHOWN:
                report.names.append(one.name)
            continue
        (row,) = by_ids(project, [number])
        if row.state is not State.OPEN and not replace:
            report.kept += 1
            continue
        _take(project, row, one, who, report)
    return report


def _take(project: Project, row: ImageRow, found: Found, who: str, report: Report) -> None:
    verdict = None if found.label is None else Verdict(found.label)
    mask = None
    if found.parts is not None:
        mask = _mask(project, row, found, who)
        if verdict is None:
            verdict = Verdict.DAMAGED if mask.any() else Verdict.UNDAMAGED
        if not mask.any():
            mask = None  # nothing marked: the verdict says it all
    if verdict is None:
        return
    decide(
        project,
        row.id,
        who=who,
        verdict=verdict,
        mask=KEEP if mask is None else mask,
        action="import",
        force=True,
    )
    report.taken += 1
    report.masks += mask is not None


def _mask(project: Project, row: ImageRow, found: Found, who: str) -> np.ndarray:
    """Class numbers of the project for the parts, later ones on top."""
    known = {name: number for number, name in mask_classes(project).items()}
    parts = found.parts or []
    shape = parts[0][1].shape if parts else (found.height or 1, found.width or 1)
    mask = np.zeros(shape, dtype=np.uint8)
    for name, part in parts:
        if part.shape != mask.shape:
            raise FormatError(f"The masks of {found.name} have different sizes.")
        if name not in known:
            known[name] = mask_class(project, name, who=who)
        mask[part] = known[name]
    return mask
