"""What the pixel values of somebody's mask file mean, decided in one place and never in silence.

Tools write damage as 255 or 1, as class or instance numbers in 8 or 16 bit, as colours on black or
on a transparent layer, and 255 beside class numbers for "ignore". What could mean either is refused
with a sentence that says how to settle it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.decoding import row_bands
from cfinspect.engine.base.images import ImageError, read_samples
from cfinspect.engine.base.progress import remark
from cfinspect.engine.data.settings import MaskValues

IGNORED = 255  # beside class numbers
_FEW = 20  # up to here, values are class numbers
_HIGHEST = 254
_NEAR = 8  # grey levels by which JPEG moves black and white, at most in whole areas
_FLAT = 0.8  # share of equal neighbours: areas of numbers have more, photos far less
_SHORT = 65535
_OPAQUE = 128  # alpha; what has less is not painted
_COLOURS, _MOST = 1000, 100_000
_BETWEEN = 0.05  # share of greys that soft edges and JPEG leave
_SETTLE = "say what its values are with --mask-values binary, labels or instances"


Numbers = NDArray[Any]
"""Whole numbers, none below 0."""


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
    pixels = _numbers(path, _decoded(path, values), values)
    used = _used(path, pixels)
    found = _meaning(path, pixels, used, named) if values is MaskValues.AUTO else values
    if found is MaskValues.INSTANCES:
        return MaskRead((pixels > 0).astype(np.uint8), found)
    if found is MaskValues.BINARY:
        half = 0 if len(used) <= 2 else int(used[-1]) // 2
        return MaskRead((pixels > half).astype(np.uint8), found)
    ignored = IGNORED not in named and bool(used[-1] == IGNORED)
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


def _meaning(
    path: Path, pixels: Numbers, used: NDArray[np.int64], named: Collection[int]
) -> MaskValues:
    marks = set(used.tolist()) - {0}
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
    top = int(used[-1])
    between = (pixels > top // 8) & (pixels < top - top // 8)
    if top >= 128 and between.mean() <= _BETWEEN and not _areas(pixels, top).any():
        return MaskValues.BINARY
    shown = ", ".join([*map(str, used[:6].tolist()), *(["..."] if len(used) > 6 else [])])
    raise ImageError(path, f"it is no mask that can be understood (values {shown}); {_SETTLE}")


def _used(path: Path, pixels: Numbers) -> NDArray[np.int64]:
    """The numbers in a mask, ascending; ImageError where they are more than objects in a photo."""
    if pixels.max(initial=0) > _SHORT:  # counting would take memory for every number in between
        used: set[int] = set()
        for rows in row_bands(*pixels.shape):
            used.update(np.unique(pixels[rows]).tolist())
            if len(used) > _MOST:
                raise ImageError(path, f"it has more than {_MOST} values, and is no mask")
        return np.array(sorted(used), dtype=np.int64)
    counts = np.zeros(_SHORT + 1, dtype=np.int64)
    for rows in row_bands(*pixels.shape):
        counts += np.bincount(pixels[rows].ravel(), minlength=len(counts))
    return np.flatnonzero(counts)


def _areas(pixels: Numbers, top: int) -> NDArray[np.bool_]:
    """Pixels inside areas of one value that is neither black nor white; soft edges have none."""
    grey = pixels if _are_short(pixels) else pixels.astype(np.float32)
    kernel = np.ones((3, 3), np.uint8)
    same = cv2.erode(grey, kernel) == cv2.dilate(grey, kernel)
    inner: NDArray[np.bool_] = same & (grey >= _NEAR) & (grey <= top - _NEAR)
    return inner


def _decoded(path: Path, values: MaskValues) -> NDArray[np.generic]:
    """(H, W) numbers or palette indexes, or (H, W, 3 or 4) colours (RGB, alpha), as stored."""
    pixels, given = read_samples(path)
    if given is not None and pixels.ndim == 2:
        return _of_palette(path, pixels, given, values)
    four = pixels.ndim == 3 and pixels.shape[2] == 4 and path.suffix.lower() == ".bmp"
    # Four bytes a pixel, the last of which nobody filled.
    return pixels[..., :3] if four and not pixels[..., 3].any() else pixels


def _of_palette(
    path: Path, pixels: NDArray[Any], given: NDArray[np.uint8], values: MaskValues
) -> NDArray[np.generic]:
    """Indexes of a palette (N, 4), unless its colours are what is meant.

    Programs that only save space sort a palette as they like, so that black may be any number.
    """
    colours = np.zeros((max(256, len(given)), 4), dtype=np.uint8)
    colours[: len(given)] = given
    used = _used(path, pixels)
    has_colour = used < len(given)
    dark = has_colour & ~colours[used, :3].any(axis=1)
    clear = has_colour & (colours[used, 3] < _OPAQUE)
    grey = bool((given[:, :3] == given[:, :1]).all())
    by_number = values in {MaskValues.LABELS, MaskValues.INSTANCES}
    if grey and not (clear & ~dark).any():
        return np.asarray(colours[:, 0][pixels])
    if not by_number:
        rest = used > 0
        zero_is_background = not given[:1, :3].any() or bool((given[:1, 3] < _OPAQUE).any())
        if grey or (clear & rest & ~(zero_is_background & (used == IGNORED))).any():
            return np.asarray(colours[pixels])
        if not zero_is_background and (dark & rest & (used != IGNORED)).any():
            return np.asarray(colours[:, :3][pixels])
    return pixels


def _numbers(path: Path, pixels: NDArray[np.generic], values: MaskValues) -> Numbers:
    """One whole number for each pixel, transparency and colours resolved.

    As short numbers as hold them: masks of large photos are large, too.
    """
    if np.issubdtype(pixels.dtype, np.floating):
        if values is MaskValues.BINARY:
            return np.asarray(np.greater_equal(pixels, 0.5), dtype=np.uint8)
        if not np.isfinite(pixels).all() or (pixels != np.rint(pixels)).any():
            raise ImageError(path, f"its values are fractions; {_SETTLE}")
    if pixels.size and pixels.min() < 0:
        raise ImageError(path, "it has values below 0")
    if pixels.max(initial=0) > np.iinfo(np.int64).max:
        raise ImageError(path, "it has values that are no class or instance numbers")
    kind = np.uint16 if pixels.max(initial=0) <= _SHORT else np.int64
    numbers: Numbers = pixels if _are_short(pixels) else pixels.astype(kind)
    if numbers.ndim == 2:
        return numbers
    if numbers.shape[2] in {2, 4}:
        return _drawn(path, numbers, values)
    bands = row_bands(*numbers.shape[:2])
    if all((numbers[rows] == numbers[rows, :, :1]).all() for rows in bands):
        return np.ascontiguousarray(numbers[..., 0])
    return _classes_of_colours(path, numbers, values)


def _are_short(pixels: NDArray[np.generic]) -> bool:
    return pixels.dtype.kind == "u" and pixels.dtype.itemsize <= 2


def _drawn(path: Path, pixels: Numbers, values: MaskValues) -> Numbers:
    """What is painted on a transparent layer; on an opaque one its values as without alpha."""
    colours, alpha = pixels[..., :-1], pixels[..., -1]
    full = 65535 if pixels.max(initial=0) > 255 else 255
    if (alpha == full).all():
        return _numbers(path, colours if colours.shape[2] > 1 else colours[..., 0], values)
    opaque = alpha > full // 2
    painted = opaque & (colours.max(axis=2) > 0)
    if opaque.any() and not painted.any():
        raise ImageError(
            path, "black is painted on a transparent layer, which may mean damage or none"
        )
    return np.asarray(painted, dtype=np.uint8)


def _classes_of_colours(path: Path, pixels: Numbers, values: MaskValues) -> Numbers:
    if values is MaskValues.BINARY:
        return np.asarray(pixels.max(axis=2))
    bands = row_bands(*pixels.shape[:2])
    used: set[int] = set()
    for rows in bands:
        used.update(np.unique(_codes(pixels[rows])).tolist())
        if len(used) > _COLOURS:  # a photo; the rest needs no look
            break
    if len(used) <= 2 and 0 in used:
        return np.asarray(pixels.max(axis=2) > 0, dtype=np.uint8)
    colours = palette()[[*range(_FEW + 1), IGNORED]].astype(np.int64)
    known = dict(zip(_codes(colours).tolist(), [*range(_FEW + 1), IGNORED], strict=True))
    if not used <= set(known):
        raise ImageError(
            path,
            f"it has {len(used)} colours, of which nobody knows what they mean; masks are grey, "
            "or have class numbers and a palette (--mask-values binary takes all that is bright)",
        )
    numbers = np.zeros(pixels.shape[:2], dtype=np.uint8)
    for rows in bands:
        codes = _codes(pixels[rows])
        for code in used:
            numbers[rows][codes == code] = known[code]
    return numbers


def _codes(colours: Numbers) -> NDArray[np.int64]:
    """One number for each colour (..., 3)."""
    wide = colours.astype(np.int64)
    return np.asarray((wide[..., 0] << 32) | (wide[..., 1] << 16) | wide[..., 2])
