"""From another tool's files into the human layer of a project."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path, PurePosixPath

import numpy as np

from cfinspect.engine.base.images import IMAGE_SUFFIXES, ImageError
from cfinspect.engine.base.progress import Progress
from cfinspect.formats.exchange_types import FormatError, ImportedImage, IndexMask
from cfinspect.formats.exporting import SIDECAR
from cfinspect.formats.naming import Matcher
from cfinspect.formats.registry import reader
from cfinspect.formats.safe import read_json
from cfinspect.project.corrections import mask_class, mask_classes
from cfinspect.project.database import ProjectError
from cfinspect.project.listing import HumanState, ImageRow, by_ids
from cfinspect.project.project import Project
from cfinspect.project.scan import scan
from cfinspect.project.verdicts import KEEP, Verdict, decide

_SHOWN = 20


@dataclass
class ImportReport:
    """What came in.

    ``taken``: images whose label or mask was taken; ``kept``: those that stay as humans had left
    them; ``machine``: those for which our own export says that it was the model's word;
    ``undrawn``: images with lines, points or boxes, which are taken as damaged without a mask.
    ``unknown``: names that the project has no image for, or no single one; ``refused``: images
    that could not be taken. ``problems`` has a sentence for the first of these.
    """

    taken: int = 0
    masks: int = 0
    kept: int = 0
    machine: int = 0
    undrawn: int = 0
    unknown: int = 0
    refused: int = 0
    problems: list[str] = field(default_factory=list)
    cancelled: bool = False


def import_labels(
    project: Project,
    form: str,
    path: Path,
    *,
    who: str,
    replace: bool = False,
    machine_too: bool = False,
    domain: str = "",
    progress: Progress = Progress(),
) -> ImportReport:
    """Take labels and masks from ``path`` in the format ``form`` as the human layer, said by
    ``who``. Images that humans have decided stay as they are unless ``replace``.

    In our own exports, what was the model's word stays that, unless ``machine_too``. Data sets that
    bring their images are added to the project first (as ``domain``). What came in before an error
    or a cancel stays; running it again goes on. Raises FormatError.
    """
    read, about = reader(form)
    if not path.exists():
        raise FormatError(f"There is no file or folder {path}; check the path.")
    found = read(path)
    first = next(found, None)  # a wrong layout is told before the project gets a folder
    added = None
    if about.images is not None:
        added = project.add_folder(path / about.images, domain or form).id
        scan(project, [folder for folder in project.folders() if folder.id == added])
    work = _Import(project, who, replace, Matcher(project, added))
    if not machine_too:
        work.words = _machine_words(path)
    for done, one in enumerate(chain([] if first is None else [first], found)):
        progress.show(done)
        if progress.cancelled:
            work.report.cancelled = True
            break
        work.take(one)
    return work.report


@dataclass(frozen=True)
class Preview:
    """What an import would find: images in the file, those of them that the project has, those of
    these that humans have decided, and those whose label or mask is a model's own word in an export
    of ours. ``more``: the file holds more than were looked at.
    """

    images: int
    known: int = 0
    decided: int = 0
    machine: int = 0
    more: bool = False


def preview(project: Project, form: str, path: Path, most: int = 2000) -> Preview:
    """Look at the first ``most`` images of a file without taking them. Raises FormatError."""
    read, about = reader(form)
    if not path.exists():
        raise FormatError(f"There is no file or folder {path}; check the path.")
    if about.images is not None:  # the project gets them with the import
        number = sum(1 for _ in islice(read(path), most))
        return Preview(number, more=number == most)
    matcher = Matcher(project)
    words = set().union(*_machine_words(path).values())
    number = machine = 0
    hits = []
    for found in islice(read(path), most):
        number += 1
        hit = matcher.find(found.name, (found.height, found.width))
        if hit is not None:
            hits.append(hit)
            machine += bool({matcher.stems[hit], *_flat_forms(found.name)} & words)
    decided = sum(row.state is not HumanState.OPEN for row in by_ids(project, hits))
    return Preview(number, len(hits), decided, machine, number == most)


def _machine_words(path: Path) -> dict[str, set[str]]:
    """Which labels and masks of our own export are the model's: flat names, by what is."""
    for folder in (path, path.parent, path.parent.parent):
        if (folder / SIDECAR).is_file():
            data = read_json(folder / SIDECAR)
            return {
                key: {str(name) for name in data[key]}
                for key in ("machine_labels", "machine_masks")
                if isinstance(data.get(key), list)
            }
    return {}


class _Import:
    def __init__(self, project: Project, who: str, replace: bool, matcher: Matcher) -> None:
        self.report = ImportReport()
        self.words: dict[str, set[str]] = {}
        self._project = project
        self._who = who
        self._replace = replace
        self._matcher = matcher
        self._seen: set[int] = set()
        self._known = {name: number for number, name in mask_classes(project).items()}

    def take(self, found: ImportedImage) -> None:
        """Take one image, or say why not."""
        number = self._matcher.find(found.name, (found.height, found.width))
        if number is None:
            self.report.unknown += 1
            self._tell(f"The project has no image, or no single one, for {found.name}.")
            return
        if number in self._seen:
            self._refuse(f"{found.name} means an image that was named before.")
            return
        self._seen.add(number)
        (row,) = by_ids(self._project, [number])
        if row.state is not HumanState.OPEN and not self._replace:
            self.report.kept += 1
            return
        try:
            self._decide(row, found)
        except (ProjectError, FormatError, ImageError) as error:
            self._refuse(str(error))

    def _decide(self, row: ImageRow, found: ImportedImage) -> None:
        names = {self._matcher.stems[row.id], *_flat_forms(found.name)}
        if names & self.words.get("machine_labels", set()):
            self.report.machine += 1
            return
        verdict = None if found.label is None else Verdict(found.label)
        mask = found.mask
        if names & self.words.get("machine_masks", set()):
            verdict = verdict or (Verdict.DAMAGED if mask is not None and mask.any() else None)
            mask = None
            self.report.machine += 1
        if found.undrawn and (mask is None or not mask.any()):
            self.report.undrawn += 1
            verdict, mask = Verdict.DAMAGED, None
        if mask is not None and mask.any():
            verdict, mask = Verdict.DAMAGED, self._renumbered(mask, found)
        elif mask is not None:
            # Nothing is marked: undamaged, unless the file says otherwise in words.
            verdict, mask = verdict or Verdict(found.label or 0), None
        if verdict is None:
            return
        decide(
            self._project,
            row.id,
            who=self._who,
            verdict=verdict,
            mask=KEEP if mask is None else mask,  # a label alone is no reason to forget a mask
            action="import",
            force=True,
        )
        self.report.taken += 1
        self.report.masks += mask is not None

    def _renumbered(self, mask: IndexMask, found: ImportedImage) -> IndexMask:
        """The mask with the project's numbers for the classes."""
        table = np.zeros(256, dtype=np.uint8)
        for number, name in found.classes.items():
            if name not in self._known:
                self._known[name] = mask_class(self._project, name, who=self._who)
            table[number] = self._known[name]
        return np.asarray(table[mask], dtype=np.uint8)

    def _refuse(self, sentence: str) -> None:
        self.report.refused += 1
        self._tell(sentence)

    def _tell(self, sentence: str) -> None:
        if len(self.report.problems) < _SHOWN:
            self.report.problems.append(sentence)


def _flat_forms(name: str) -> set[str]:
    """How an export of ours may have called an image that a file of it names so."""
    path = PurePosixPath(name)
    whole = path.with_suffix("") if path.suffix.lower() in IMAGE_SUFFIXES else path
    return {whole.name, "__".join(whole.parts)}
