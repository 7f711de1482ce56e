"""What an import would do, before anything is stored: whose word is taken, and what is left out."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np

from cfinspect.engine.base.images import IMAGE_SUFFIXES, ImageError
from cfinspect.formats.earlier_export import SIDECAR
from cfinspect.formats.exchange_types import Empty, FormatError, ImportedImage, IndexMask, Refused
from cfinspect.formats.naming import Matcher
from cfinspect.formats.safe import read_json
from cfinspect.masks.files import classes_in
from cfinspect.project.corrections import plain_class_name, size_of
from cfinspect.project.database import ProjectError
from cfinspect.project.listing import HumanState, ImageRow, by_ids
from cfinspect.project.project import Project
from cfinspect.project.verdicts import HumanAnnotation, Verdict


@dataclass
class ImportReport:
    """What comes in.

    ``images``: how many the file speaks of, ``more``: at least; not all were looked at.
    ``taken``: images whose label or mask is taken, ``masks``: of these with a mask; ``kept``: those
    that stay as humans had left them; ``machine``: those for which our own export says that it was
    the model's word; ``undrawn``: images with lines, points or boxes, which are damaged without a
    mask; ``silent``: images of which the file says nothing. ``unknown``: names that the project has
    no image for, or no single one; ``refused``: images and files that cannot be taken.
    ``problems``: a sentence for each unknown and refused one; ``notes``: what else somebody should
    know. ``stored``: the images with what is stored of them now.
    """

    images: int = 0
    more: bool = False
    taken: int = 0
    masks: int = 0
    kept: int = 0
    machine: int = 0
    undrawn: int = 0
    silent: int = 0
    unknown: int = 0
    refused: int = 0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    cancelled: bool = False
    stored: list[tuple[ImageRow, HumanAnnotation]] = field(default_factory=list)

    @property
    def left_out(self) -> int:
        """Images and files of which nothing is taken though they say something."""
        return self.unknown + self.refused


@dataclass(frozen=True)
class PackedMask:
    """A mask that waits to be stored; compressed, since many wait together."""

    shape: tuple[int, ...]
    data: bytes
    classes: Mapping[int, str]

    @staticmethod
    def of(mask: IndexMask, classes: Mapping[int, str]) -> PackedMask:
        """Pack (H, W) class numbers and the names of those in it; ProjectError for odd names."""
        named = {number: plain_class_name(classes[number]) for number in classes_in(mask)}
        return PackedMask(mask.shape, zlib.compress(mask.tobytes(), 1), named)

    def numbered(self, numbers: Mapping[str, int]) -> IndexMask:
        """The mask (H, W) with the project's ``numbers`` for the names."""
        table = np.zeros(256, dtype=np.uint8)
        for number, name in self.classes.items():
            table[number] = numbers[name]
        mask = np.frombuffer(zlib.decompress(self.data), dtype=np.uint8).reshape(self.shape)
        return np.asarray(table[mask], dtype=np.uint8)


@dataclass(frozen=True)
class Step:
    """One image's word: the verdict, and its mask or None where an earlier one stays."""

    image: ImageRow
    verdict: Verdict
    mask: PackedMask | None


class Planner:
    """Collects what an import would do, image by image.

    ``replace``: also where humans have decided. ``empty``: what an image without a mark is.
    ``words``: names of images whose label or mask is the model's,
    see `machine_words`.
    """

    def __init__(
        self,
        project: Project,
        matcher: Matcher,
        *,
        replace: bool = False,
        empty: Empty = Empty.AUTO,
        words: Mapping[str, set[str]] | None = None,
    ) -> None:
        self.report = ImportReport()
        self._project = project
        self._matcher = matcher
        self._replace = replace
        self._empty = empty
        self._words = words or {}
        self._steps: dict[int, Step] = {}
        self._contradicted: set[int] = set()
        self._kept: set[int] = set()
        self._notes: dict[str, None] = {}

    @property
    def steps(self) -> list[Step]:
        """What is to be stored, in the order of the file; nothing that contradicts itself."""
        return [step for number, step in self._steps.items() if number not in self._contradicted]

    def add(self, found: ImportedImage | Refused) -> None:
        """Take one image into the plan, or say why not."""
        if isinstance(found, Refused):
            self._refuse(found.why)
            return
        self.report.images += 1
        number = self._matcher.find(found.name, (found.height, found.width))
        if number is None:
            self.report.unknown += 1
            self.report.problems.append(
                f"The project has no image, or no single one, for {found.name}."
            )
            return
        (row,) = by_ids(self._project, [number])
        self._notes.update(dict.fromkeys(found.notes))
        try:
            step = self._step(row, found)
        except (FormatError, ProjectError) as error:
            self._refuse(f"{found.name}: {error}" if found.name not in str(error) else str(error))
            return
        if step is None:
            return
        if row.state is not HumanState.OPEN and not self._replace:
            self._kept.add(number)
        elif self._steps.setdefault(number, step) != step:
            self._contradicted.add(number)

    def finish(self) -> ImportReport:
        """Count what is to be stored, once all is added."""
        report, steps = self.report, self.steps
        for number in sorted(self._contradicted):
            name = self._steps[number].image.name
            self._refuse(f"{name} is named twice, with different verdicts or masks.")
        report.kept = len(self._kept)
        report.taken, report.masks = len(steps), sum(step.mask is not None for step in steps)
        report.notes = list(self._notes)
        return report

    def _step(self, row: ImageRow, found: ImportedImage) -> Step | None:
        names = {self._matcher.stems[row.id], *flat_forms(found.name)}
        if names & self._words.get("machine_labels", set()):
            self.report.machine += 1
            return None
        marked = found.mask is not None and bool(found.mask.any())
        if found.label == Verdict.UNDAMAGED and (marked or found.undrawn):
            raise FormatError(
                f"{found.name} is called undamaged, and has marks of damage: correct one of the "
                "two in its file."
            )
        verdict = self._verdict(found, marked)
        if verdict is Verdict.UNDAMAGED and found.mask is not None:
            _require_size(row, found.name, found.mask)
        if names & self._words.get("machine_masks", set()):
            self.report.machine += 1
            marked = False
        if verdict is None:
            self.report.silent += 1
            return None
        if marked and found.mask is not None:
            return Step(row, verdict, PackedMask.of(found.mask, found.classes))
        self.report.undrawn += bool(found.undrawn)
        return Step(row, verdict, None)

    def _verdict(self, found: ImportedImage, marked: bool) -> Verdict | None:
        """What the file says, if it says anything."""
        if marked or found.undrawn:
            return Verdict.DAMAGED
        empty = found.mask is not None
        if found.label == Verdict.DAMAGED and empty and found.complete:
            raise FormatError(
                f"{found.name} is called damaged, and its mask marks nothing: correct one of the "
                "two."
            )
        if found.label is not None:
            return Verdict(found.label)
        undamaged = found.complete if self._empty is Empty.AUTO else self._empty is Empty.UNDAMAGED
        return Verdict.UNDAMAGED if empty and undamaged else None

    def _refuse(self, sentence: str) -> None:
        self.report.refused += 1
        self.report.problems.append(sentence)


def _require_size(row: ImageRow, name: str, mask: IndexMask) -> None:
    """FormatError where an empty mask is of another size: then it says nothing of this image.

    (That of one with marks is asked when it is stored.)
    """
    try:
        size = size_of(row.height, row.width, row.checked_path)
    except (ImageError, OSError):  # gone or damaged: what the file says is all there is
        return
    if mask.shape != size:
        raise FormatError(
            f"{name} has an empty mask of {mask.shape[1]} x {mask.shape[0]} pixels, and is of "
            f"{size[1]} x {size[0]}: it is another image's."
        )


def machine_words(path: Path) -> dict[str, set[str]]:
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


def flat_forms(name: str) -> Iterable[str]:
    """How an export of ours may have called an image that a file of it names so."""
    path = PurePosixPath(name)
    whole = path.with_suffix("") if path.suffix.lower() in IMAGE_SUFFIXES else path
    return {whole.name, "__".join(whole.parts)}
