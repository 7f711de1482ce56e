"""One odd label file of another tool, and what it means: written down by hand, checked on import.

Masks are drawn here by a rule of one line (a pixel belongs to a polygon when its centre lies
inside, even-odd), without the package's own code.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cfinspect.formats.exchange_types import FormatError
from cfinspect.formats.import_plan import ImportReport
from cfinspect.formats.importing import Source, import_labels
from cfinspect.project.finding import find
from cfinspect.project.project import Project
from cfinspect.project.scan import scan
from cfinspect.project.verdicts import human_of, read_mask_of, undo

Mask = NDArray[np.bool_]
Files = dict[str, bytes]
Points = list[tuple[float, float]]
WIDTH, HEIGHT = 40, 30
SQUARE: Points = [(5, 5), (20, 5), (20, 20), (5, 20)]
CONTROL = "c.png"  # has the square in every file, and must come in whatever becomes of the others
IMAGES = (
    *("a.png", "b.png", CONTROL, "ü b.png", "x.y.png", "sub/d.png", "frame_000002.png"),
    *("turned.jpg", "A-1 (2).png"),
)


@dataclass(frozen=True, eq=False)
class Quirk:
    """``files``: below the folder that is imported, ``path``: what is given of it.

    Of ``image`` the file states the ``verdict`` (None: nothing) and the ``mask`` (None: no area).
    ``said``: words of a sentence that must be told. ``stops``: nothing can be taken of the file at
    all, which the import says. ``curved``: edges that are round; pixels on them may differ.
    ``alone``: the control is not in the files.
    """

    name: str
    files: Files
    verdict: int | None = None
    mask: Mask | None = None
    image: str = "a.png"
    path: str = "."
    said: str = ""
    stops: bool = False
    curved: bool = False
    alone: bool = False


@dataclass(frozen=True, eq=False)
class Taken:
    """What the project says after an import; ``error``: the sentence that it ended with."""

    verdicts: dict[str, int | None] = field(default_factory=dict)
    masks: dict[str, Mask] = field(default_factory=dict)
    report: ImportReport = field(default_factory=ImportReport)
    error: str = ""


def inside(points: Points) -> Mask:
    """The pixels of the image whose centres lie in a polygon, even-odd."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    found = np.zeros((HEIGHT, WIDTH), dtype=np.bool_)
    for (x0, y0), (x1, y1) in zip(points, [*points[1:], *points[:1]], strict=True):
        if y0 != y1:
            found ^= ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return found


def box(x0: float, y0: float, x1: float, y1: float) -> Points:
    """The corners of a box."""
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def ellipse(x: float, y: float, rx: float, ry: float, degrees: float = 0) -> Mask:
    """The pixels whose centres lie in an ellipse, turned clockwise on screen."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    angle = np.radians(degrees)
    along = (columns - x) * np.cos(angle) + (rows - y) * np.sin(angle)
    across = (rows - y) * np.cos(angle) - (columns - x) * np.sin(angle)
    return np.asarray((along / rx) ** 2 + (across / ry) ** 2 <= 1)


def near_edges(mask: Mask) -> Mask:
    """The pixels that touch an edge of the mask: where programs that draw may differ."""
    pixels = np.pad(mask.astype(np.uint8), 1)
    kernel = np.ones((3, 3), np.uint8)
    edge = cv2.dilate(pixels, kernel) != cv2.erode(pixels, kernel)
    return np.asarray(edge[1:-1, 1:-1])


def hall(folder: Path) -> Project:
    """A project of all the images, of which nobody has said anything."""
    chance = np.random.default_rng(0)
    for name in IMAGES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        turned = name == "turned.jpg"  # EXIF turns it upright
        shape = (WIDTH, HEIGHT, 3) if turned else (HEIGHT, WIDTH, 3)
        exif = Image.Exif()
        if turned:
            exif[0x0112] = 6
        Image.fromarray(chance.integers(0, 256, shape, np.uint8)).save(folder / name, exif=exif)
    project = Project.create(folder, human=True)
    scan(project)
    return project


def written(quirk: Quirk, folder: Path) -> Path:
    """Write the files; returns the path to be imported."""
    for name, data in quirk.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder / os.path.normpath(quirk.path)


def taken(project: Project, form: str, path: Path) -> Taken:
    """Import, look at the project, and take it all back."""
    try:
        report = import_labels(project, Source(form, path), who="bob")
    except FormatError as error:
        return Taken(error=str(error))
    verdicts, masks = {}, {}
    for name in IMAGES:
        human = human_of(project, find(project, name).id)
        verdicts[name] = None if human.verdict is None else int(human.verdict)
        mask = read_mask_of(project, human)
        if mask is not None:
            masks[name] = mask > 0
    if report.taken:
        undo(project, who="bob")
    return Taken(verdicts, masks, report)


def complaints(quirk: Quirk, found: Taken) -> list[str]:
    """What is not as it should be, in a few words each; empty where all is."""
    if quirk.stops or found.error:
        right = quirk.stops and quirk.said in found.error
        return [] if right else [f"the import stops: {found.error}"]
    wrong = []
    if found.verdicts[quirk.image] != quirk.verdict:
        wrong.append(f"the verdict is {found.verdicts[quirk.image]}, not {quirk.verdict}")
    wrong += _compared(quirk, found.masks.get(quirk.image))
    if not quirk.alone and quirk.image != CONTROL and found.verdicts[CONTROL] != 1:
        wrong.append("the control is lost")
    others = {name for name, verdict in found.verdicts.items() if verdict == 1}
    if others - {quirk.image, CONTROL}:
        wrong.append(f"others are damaged as well: {others}")
    told = " ".join([*found.report.problems, *found.report.notes])
    if quirk.said not in told:
        wrong.append(f"{quirk.said!r} is not told: {told}")
    if quirk.verdict is None and not told and not found.report.silent and not quirk.alone:
        wrong.append("it is left out in silence")
    return wrong


def _compared(quirk: Quirk, mask: Mask | None) -> list[str]:
    if quirk.mask is None or mask is None:
        return [] if mask is quirk.mask else [f"the mask is {mask is not None} and not the other"]
    if mask.shape != quirk.mask.shape:
        return [f"the mask has the shape {mask.shape}"]
    differs = mask != quirk.mask
    if quirk.curved:
        differs &= ~near_edges(quirk.mask)
    return [f"{int(differs.sum())} pixels of the mask differ"] if differs.any() else []


ENCODINGS = ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030", "cp1252")


def text_in(encoding: str) -> str:
    """A label that the encoding can hold, and that is not ASCII."""
    return "Riß" if encoding == "cp1252" else "裂纹"
