"""What the pixel values of somebody's mask file mean, decided in one place and never in silence.

Tools write damage as 255 or 1, as class or instance numbers in 8 or 16 bit, as colours on black or
on a transparent layer, and 255 beside class numbers for "ignore". What could mean either is refused
with a sentence that says how to settle it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.images import ImageError, read_samples
from cfinspect.engine.base.progress import remark
from cfinspect.engine.data.settings import MaskValues

IGNORED = 255  # beside class numbers
Numbers = NDArray[Any]  # whole numbers, as a rule of 8 or 16 bit
_BAND = 4_000_000  # values that are worked on at a time
_MOST_COLOURS, _MOST_VALUES = 1000, 100_000
_FEW = 20  # up to here, values are class numbers
_HIGHEST = 254
_NEAR = 8  # grey levels by which JPEG moves black and white, at most in whole areas
_FLAT = 0.8  # share of equal neighbours: areas of numbers have more, photos far less
_BETWEEN = 0.05  # share of greys that soft edges and JPEG leave
_SETTLE = "say what its values are with --mask-values binary, labels or instances"


@dataclass(frozen=True, eq=False)
class MaskRead:
    """``mask``: (H, W) uint8 of class numbers, 1 for damage without a class. ``values``: how it was
    read; ``ignored``: whether it has pixels that nobody wants to judge (taken as background).
    """

    mask: NDArray[np.uint8]
    values: MaskValues
    ignored: bool = False


@lru_cache(maxsize=1)
def palette() -> NDArray[np.uint8]:
    """Colours of the class numbers, (256, 3) uint8, read-only: the Pascal VOC devkit's colour map.

    Bit k of the number goes to bit 7 - k // 3 of channel k % 3, so that near numbers differ much.
    """
    numbers = np.arange(256)
    colours = np.zeros((256, 3), dtype=np.uint8)
    for bit in range(8):
        channel, shift = bit % 3, 7 - bit // 3
        colours[:, channel] |= (((numbers >> bit) & 1) << shift).astype(np.uint8)
    colours.flags.writeable = False
    return colours


def read_mask_values(
    path: Path, values: MaskValues = MaskValues.AUTO, *, named: Collection[int] = ()
) -> MaskRead:
    """Read a mask file; ``named``: the class numbers that are known to have a name.

    Raises ImageError for a file that cannot be read, or whose values could mean several things.
    """
    pixels = _numbers(path, _decoded(path), values)
    used = _used(path, pixels)
    found = _meaning(path, pixels, used, named) if values is MaskValues.AUTO else values
    if found is MaskValues.INSTANCES:
        return MaskRead((pixels > 0).astype(np.uint8), found)
    if found is MaskValues.BINARY:
        half = 0 if len(used) <= 2 else used[-1] // 2
        return MaskRead((pixels > half).astype(np.uint8), found)
    ignored = IGNORED not in named and used[-1] == IGNORED
    mask = np.where(pixels == IGNORED, 0, pixels) if ignored else pixels
    if mask.max(initial=0) > _HIGHEST:
        raise ImageError(path, f"it has class numbers above {_HIGHEST}; {_SETTLE}")
    return MaskRead(mask.astype(np.uint8), found, ignored)


def read_mask(path: Path, values: MaskValues = MaskValues.AUTO) -> NDArray[np.bool_]:
    """Read a mask file as bool, (H, W): True where it marks damage of any class.

    How its values were read is a remark where somebody may have meant it otherwise. Raises
    ImageError like `read_mask_values`.
    """
    found = read_mask_values(path, values)
    if found.values in _SAID and values is MaskValues.AUTO:
        remark(path, _SAID[found.values])
    return found.mask > 0


_SAID = {
    MaskValues.LABELS: "its values are class numbers (255 beside them: ignored)",
    MaskValues.INSTANCES: "its values are instance numbers, all of them damage",
}


def _meaning(path: Path, pixels: Numbers, used: list[int], named: Collection[int]) -> MaskValues:
    marks = set(used) - {0}
    if marks and marks - {IGNORED} and marks <= {*named, IGNORED}:
        return MaskValues.LABELS
    numbers = marks - {IGNORED}
    if numbers and max(numbers) <= _FEW:
        return MaskValues.LABELS
    if len(marks) <= 1:
        return MaskValues.BINARY
    flat = float(np.mean(pixels[:, 1:] == pixels[:, :-1])) >= _FLAT if pixels.shape[1] > 1 else True
    counted = len(marks) == max(marks)
    if flat and (counted or max(marks) > IGNORED):
        return MaskValues.INSTANCES
    top = used[-1]
    between = (pixels > top // 8) & (pixels < top - top // 8)
    if top >= 128 and between.mean() <= _BETWEEN and not _has_areas(pixels, top):
        return MaskValues.BINARY
    shown = ", ".join([*map(str, used[:6]), *(["..."] if len(used) > 6 else [])])
    raise ImageError(path, f"it is no mask that can be understood (values {shown}); {_SETTLE}")


def _has_areas(pixels: Numbers, top: int) -> bool:
    """Whether there are areas of one value, neither black nor white; soft edges have none."""
    kernel = np.ones((3, 3), np.uint8)
    for rows in _bands(pixels):
        around = slice(max(0, rows.start - 1), rows.stop + 1)
        grey = pixels[around].astype(np.float32)
        same = cv2.erode(grey, kernel) == cv2.dilate(grey, kernel)
        inner = same & (grey >= _NEAR) & (grey <= top - _NEAR)
        if inner[rows.start - around.start :][: rows.stop - rows.start].any():
            return True
    return False


def _bands(pixels: Numbers) -> Iterator[slice]:
    """Rows of an image, so many that what is worked out of them takes little memory."""
    step = max(1, _BAND // max(1, pixels[:1].size))
    for top in range(0, len(pixels), step):
        yield slice(top, min(len(pixels), top + step))


def _used(path: Path, pixels: Numbers) -> list[int]:
    """The values there are, ascending; ImageError where they are more than objects in an image."""
    used: set[int] = set()
    for rows in _bands(pixels):
        part = pixels[rows].ravel()
        if pixels.dtype.itemsize <= 2:  # quicker, and takes as much room as there are values
            used.update(np.flatnonzero(np.bincount(part)).tolist())
        else:
            used.update(np.unique(part).tolist())
        if len(used) > _MOST_VALUES:
            raise ImageError(path, f"it has more than {_MOST_VALUES} values, and is no mask")
    return sorted(used)


def _decoded(path: Path) -> NDArray[np.generic]:
    """(H, W) numbers or palette indexes, or (H, W, 3 or 4) colours (RGB, alpha), as stored."""
    pixels, colours = read_samples(path)
    if colours is not None and (colours == colours[:, :1]).all():
        # A grey palette: its greys are meant, whatever their order.
        greys = np.zeros(max(256, len(colours)), dtype=np.uint8)
        greys[: len(colours)] = colours[:, 0]
        return np.asarray(greys[pixels])
    four = pixels.ndim == 3 and pixels.shape[2] == 4 and path.suffix.lower() == ".bmp"
    # Four bytes a pixel, the last of which nobody filled.
    return pixels[..., :3] if four and not pixels[..., 3].any() else pixels


def _numbers(path: Path, pixels: NDArray[np.generic], values: MaskValues) -> Numbers:
    """One whole number for each pixel, transparency and colours resolved; none below 0."""
    if np.issubdtype(pixels.dtype, np.floating):
        if values is MaskValues.BINARY:
            return np.asarray(pixels >= np.float32(0.5)).astype(np.uint8)
        if not np.isfinite(pixels).all() or (pixels != np.rint(pixels)).any():
            raise ImageError(path, f"its values are fractions; {_SETTLE}")
        pixels = pixels.astype(np.int64)
    numbers: Numbers = pixels.astype(np.uint8) if pixels.dtype == np.bool_ else np.asarray(pixels)
    if numbers.min(initial=0) < 0:
        raise ImageError(path, "it has values below 0")
    if numbers.ndim == 2:
        return numbers
    if numbers.shape[2] in {2, 4}:
        return _drawn(path, numbers, values)
    first = numbers[..., 0]
    if all((first == numbers[..., other]).all() for other in range(1, numbers.shape[2])):
        return first
    return _classes_of_colours(path, numbers, values)


def _drawn(path: Path, pixels: Numbers, values: MaskValues) -> Numbers:
    """What is painted on a transparent layer; on an opaque one its values as without alpha."""
    colours, alpha = pixels[..., :-1], pixels[..., -1]
    full = 65535 if pixels.max(initial=0) > 255 else 255
    if (alpha == full).all():
        return _numbers(path, colours if colours.shape[2] > 1 else colours[..., 0], values)
    opaque = alpha > full // 2
    painted = opaque & colours.any(axis=2)
    if opaque.any() and not painted.any():
        raise ImageError(
            path, "black is painted on a transparent layer, which may mean damage or none"
        )
    return painted.astype(np.uint8)


def _classes_of_colours(path: Path, pixels: Numbers, values: MaskValues) -> Numbers:
    if values is MaskValues.BINARY:
        return np.asarray(pixels.max(axis=2))
    colours = palette().tolist()
    known = {_code(*colours[number]): number for number in (*range(_FEW + 1), IGNORED)}
    used: set[int] = set()
    for rows in _bands(pixels):
        used.update(np.unique(_codes(pixels[rows])).tolist())
        if len(used) > _MOST_COLOURS:
            break
    if len(used) <= 2 and 0 in used:
        return pixels.any(axis=2).astype(np.uint8)
    if not used <= set(known):
        many = f"more than {_MOST_COLOURS}" if len(used) > _MOST_COLOURS else len(used)
        raise ImageError(
            path,
            f"it has {many} colours, of which nobody knows what they mean; masks are grey, "
            "or have class numbers and a palette (--mask-values binary takes all that is bright)",
        )
    numbers = np.zeros(pixels.shape[:2], dtype=np.uint8)
    for rows in _bands(pixels):
        codes = _codes(pixels[rows])
        for code in used:
            numbers[rows][codes == code] = known[code]
    return numbers


def _codes(pixels: Numbers) -> NDArray[np.int64]:
    """Each colour of (H, W, 3) as one number."""
    return np.asarray(_code(*(pixels[..., channel].astype(np.int64) for channel in range(3))))


def _code(red: Any, green: Any, blue: Any) -> Any:
    return (red << 32) | (green << 16) | blue
