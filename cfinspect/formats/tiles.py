"""Photos with masks cut into labelled tiles: a data folder that `cfinspect train` takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.atomic import folder_in_one_step
from cfinspect.engine.base.images import ImageError, read_image, write_png
from cfinspect.engine.base.progress import Progress
from cfinspect.engine.data.class_words import CLASS_NAMES, DAMAGED, UNDAMAGED, class_words
from cfinspect.engine.data.csv_cells import TableWriter
from cfinspect.engine.data.folders import MASKS, scan_folder
from cfinspect.engine.data.label_table import LABELS
from cfinspect.engine.data.settings import MaskValues
from cfinspect.formats.exchange_types import FormatError
from cfinspect.formats.public import Photo, concrete_crack
from cfinspect.masks.polygons import Mask


@dataclass(frozen=True)
class Cut:
    """How to cut. ``size``: side in px. ``overlap``: share of a tile that the next one repeats.

    ``min_damage``: share of damaged pixels from which a tile is damaged; with fewer, but some, it
    is dropped as neither. ``undamaged_per_photo``: at most so many undamaged tiles of each photo
    (None: all), spread evenly over it.
    """

    size: int = 128
    overlap: float = 0.0
    min_damage: float = 0.005
    undamaged_per_photo: int | None = None

    def __post_init__(self) -> None:
        if self.size < 16:
            raise FormatError(f"Tiles of {self.size} px are too small; use 16 or more.")
        if not 0 <= self.overlap <= 0.9:
            raise FormatError(f"The overlap is a share from 0 to 0.9, not {self.overlap:g}.")
        if not 0 < self.min_damage <= 1:
            raise FormatError(f"The minimum damage is a share up to 1, not {self.min_damage:g}.")


@dataclass
class TilingReport:
    """What became of the photos."""

    photos: int = 0
    damaged: int = 0
    undamaged: int = 0
    dropped: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Source:
    photo: Photo
    group: str
    name: str


def cut_tiles(
    data: Path,
    out: Path,
    cut: Cut | None = None,
    *,
    values: MaskValues = MaskValues.AUTO,
    progress: Progress = Progress(),
) -> TilingReport:
    """Cut the photos of ``data`` into tiles in the folder ``out``.

    ``data`` is a data folder (``damaged/``, ``undamaged/``, ``masks/``) or the Concrete Crack
    Segmentation Dataset (``rgb/``, ``BW/``). A photo of the damaged without a mask cannot be cut
    and is told. ``values``: what the values of a data folder's masks are. Tiles keep their photo's
    group, or have the photo as their group.
    Raises ``Cancelled``; there is no folder then.
    """
    cut = cut or Cut()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FormatError(f"{out} is not empty: name a new folder.")
    sources = _with_own_names(list(_sources(data, values)))
    if not sources:
        raise FormatError(f"There are no photos in {data}.")
    report = TilingReport()
    rows: list[tuple[str, str, str]] = []
    with folder_in_one_step(out) as draft:
        for done, source in enumerate(sources):
            progress.step(done, len(sources))
            try:
                rows += _cut_photo(source, draft, cut, report)
            except (ImageError, FormatError) as error:
                report.problems.append(str(error))
        if not rows:
            raise FormatError(f"No tile came out of {data}: {' '.join(report.problems[:3])}")
        with (draft / LABELS).open("w", encoding="utf-8", newline="") as stream:
            writer = TableWriter(stream)
            writer.row(("filename", "label", "group"))
            writer.rows(rows)
    progress.show(len(sources), len(sources))
    return report


def _sources(data: Path, values: MaskValues) -> Iterator[_Source]:
    if (data / "rgb").is_dir() and (data / "BW").is_dir():
        for photo in concrete_crack(data):
            yield _Source(photo, photo.path.stem, photo.path.stem)
        return
    for found in scan_folder(data, class_words()).candidates:
        name = found.inner.replace("/", "__")
        photo = Photo(found.path, found.label, found.mask, values)
        yield _Source(photo, found.group or name, f"{CLASS_NAMES[found.label][0]}_{name}")


def _with_own_names(sources: list[_Source]) -> list[_Source]:
    """``a.jpg`` and ``a.png`` must not write the same tiles."""
    used: Counter[str] = Counter()
    named = []
    for source in sources:
        used[source.name.casefold()] += 1
        again = used[source.name.casefold()]
        name = source.name if again == 1 else f"{source.name}~{again}"
        named.append(replace(source, name=name))
    return named


def _cut_photo(
    source: _Source, draft: Path, cut: Cut, report: TilingReport
) -> list[tuple[str, str, str]]:
    photo = source.photo
    mask = photo.read_mask()
    if mask is None and photo.label == DAMAGED:
        raise FormatError(f"{photo.path} is damaged and has no mask: it cannot be cut.")
    image = read_image(photo.path)
    if mask is None:
        mask = np.zeros(image.shape[:2], dtype=np.bool_)
    if min(image.shape[:2]) < cut.size:
        raise FormatError(
            f"{photo.path} has {image.shape[1]} x {image.shape[0]} pixels, less than a tile."
        )
    report.photos += 1
    sound, broken = [], []
    for y, x in _places(mask, cut):
        share = float(mask[y : y + cut.size, x : x + cut.size].mean())
        if share == 0:
            sound.append((y, x))
        elif share >= cut.min_damage:
            broken.append((y, x))
        else:
            report.dropped += 1
    if cut.undamaged_per_photo is not None and len(sound) > cut.undamaged_per_photo:
        spread = np.linspace(0, len(sound) - 1, cut.undamaged_per_photo).round().astype(int)
        sound = [sound[place] for place in spread.tolist()]
    report.damaged += len(broken)
    report.undamaged += len(sound)
    return [
        *_write(source, draft, cut.size, image, mask, sound, UNDAMAGED),
        *_write(source, draft, cut.size, image, mask, broken, DAMAGED),
    ]


def _places(mask: Mask, cut: Cut) -> Iterable[tuple[int, int]]:
    """Upper left corners; the last row and column end at the photo's edge."""
    step = max(1, round(cut.size * (1 - cut.overlap)))
    axes = []
    for side in mask.shape:
        last = side - cut.size
        starts = list(range(0, last + 1, step))
        # A remainder of less than half a tile would mostly repeat what is there.
        if last - starts[-1] >= step / 2:
            starts.append(last)
        axes.append(starts)
    return [(y, x) for y in axes[0] for x in axes[1]]


def _write(
    source: _Source,
    draft: Path,
    size: int,
    image: NDArray[np.uint8],
    mask: Mask,
    places: list[tuple[int, int]],
    label: int,
) -> Iterator[tuple[str, str, str]]:
    word = CLASS_NAMES[label]
    for y, x in places:
        (draft / word).mkdir(exist_ok=True)
        name = f"{source.name}_{y:05d}_{x:05d}.png"
        window = (slice(y, y + size), slice(x, x + size))
        write_png(draft / word / name, image[window])
        if label == DAMAGED:
            (draft / MASKS).mkdir(exist_ok=True)
            write_png(draft / MASKS / name, mask[window])
        yield f"{word}/{name}", word, source.group
