"""What all formats exchange: images with a label and a mask, and where these come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.data.settings import MaskValues
from cfinspect.masks.files import classes_in

IndexMask = NDArray[np.uint8]


class FormatError(CfinspectError):
    """A file of another tool that cannot be used; the sentence says which, and why."""


class Images(StrEnum):
    """What becomes of the image files in an export."""

    COPY = "copy"
    LINK = "link"
    REFERENCE = "reference"


@dataclass(frozen=True)
class Options:
    """How to write. ``polygons``: as polygons where a format has both these and pixels.

    ``tolerance``: px by which simplified polygons may be off; 0 keeps every corner.
    """

    images: Images = Images.COPY
    polygons: bool = False
    tolerance: float = 0.0


@dataclass(frozen=True, eq=False)
class Original:
    """The bytes of an image file; ``turned``: its EXIF block turns or mirrors it."""

    data: bytes
    turned: bool


@dataclass(frozen=True, eq=False)
class Item:
    """One image of an export.

    ``name``: its name in the project, with forward slashes. ``stem``: a flat name without suffix
    that no other item has. ``source``: the file. ``label``: 0 undamaged, 1 damaged. ``mask``:
    (H, W) uint8 of class numbers, at the image's upright size. ``split``: train, val, test or "".
    ``mm_per_px``: the scale, None when unknown. ``provenance``: who said so, when, on which model's
    advice; JSON values only. ``original``: the file, where it has been read already.
    """

    name: str
    stem: str
    source: Path
    width: int
    height: int
    label: int
    mask: IndexMask
    group: str = ""
    split: str = ""
    mm_per_px: float | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    original: Original | None = None


@dataclass(frozen=True)
class About:
    """What an export is: names of the mask classes by number, and where it all comes from."""

    classes: Mapping[int, str]
    provenance: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class ImportedImage:
    """One image of another tool's file.

    ``name``: what the file calls it, cleaned of absolute and upward parts; only ever compared with
    names of the project, never opened. ``mask``: (H, W) uint8, numbered as ``classes`` says; None
    where the format says nothing of masks. ``label``: 0, 1 or None. ``width``, ``height``: None
    where the file does not say. ``undrawn``: shapes without an area (lines, points, boxes only).
    ``complete``: the file says all that is damaged (a mask of pixels, YOLO's empty file), so that
    an image without a mark is undamaged; otherwise that says nothing. ``notes``: what was left out
    of it, or read in a way that somebody should know; a sentence each.
    """

    name: str
    mask: IndexMask | None
    classes: Mapping[int, str] = field(default_factory=dict)
    label: int | None = None
    width: int | None = None
    height: int | None = None
    undrawn: int = 0
    complete: bool = False
    notes: tuple[str, ...] = ()

    @property
    def parts(self) -> dict[str, NDArray[np.bool_]]:
        """Masks by class name, of the classes that are there."""
        if self.mask is None:
            return {}
        return {self.classes[n]: self.mask == n for n in classes_in(self.mask)}


@dataclass(frozen=True)
class Refused:
    """An image or a file of which nothing is taken, while the others are.

    ``name``: what the file calls it, or its path. ``why``: a sentence that names it.
    """

    name: str
    why: str


Writer = Callable[[Path, Iterator[Item], About, Options], None]
"""Writes items into an empty folder; they are walked once, and their masks are not kept."""


class Empty(StrEnum):
    """What it says of an image that nothing is marked in it: what the format means by it, that it
    is undamaged, or nothing (it stays open).
    """

    AUTO = "auto"
    UNDAMAGED = "undamaged"
    OPEN = "open"


Reader = Callable[[Path], Iterator[ImportedImage | Refused]]
"""Yields the images of another tool's files, and what cannot be taken of them; raises FormatError
where nothing can. Opens nothing elsewhere."""

MaskReader = Callable[[Path, MaskValues], Iterator[ImportedImage | Refused]]
"""A ``Reader`` of mask files that is told what their values are."""
