"""Pictures for people: saliency in colour, overlays, sample grids, contact sheets, curves.

Every function gives an RGB ``uint8`` array. No display and no plotting library is needed.
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.plots.charts import curves
from cfinspect.engine.plots.text import FONT_SIZE, PAPER, Picture, shorten, write

__all__ = ["colorize", "contact_sheet", "curves", "overlay", "sample_rows"]

ORANGE = (255, 140, 0)
DISPLAY_GAIN = 2.5  # mean |x - x'| seldom passes 0.4, even on a black crack in light concrete
_COLUMNS = ("image", "counterfactual", "saliency", "mask")
_BAND_ROWS = 256
_LEAST_CELL, _GAP = 128, 4
_STRIP = FONT_SIZE + 7


def colorize(saliency: NDArray[np.floating], gain: float = 1.0) -> Picture:
    """Colour a saliency map (H, W) in [0, 1] with inferno: black is 0, pale yellow 1.

    ``gain`` multiplies first; what passes 1 is cut off, what is not a number counts as 0.
    Gives (H, W, 3).
    """
    values = np.clip(np.nan_to_num(saliency * gain, nan=0.0), 0.0, 1.0)
    levels = np.rint(values * 255.0).astype(np.uint8)
    bgr = cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def overlay(
    image: Picture,
    saliency: NDArray[np.floating],
    mask: NDArray[np.bool_],
    *,
    alpha: float = 0.5,
) -> Picture:
    """Lay saliency (H, W) in [0, 1] and the outline of ``mask`` (H, W) over an image (H, W, 3).

    A pixel's saliency also sets how much of it covers the image, up to ``alpha``, so that quiet
    places stay as photographed. The orange outline runs just outside the mask: a crack two pixels
    wide would vanish under one drawn inside. ``ValueError`` when the sizes differ.
    """
    if image.shape[:2] != saliency.shape or saliency.shape != mask.shape:
        raise ValueError(f"sizes differ: {image.shape}, {saliency.shape}, {mask.shape}")
    result = np.empty_like(image)
    for top in range(0, len(image), _BAND_ROWS):  # of a 48 MP photo, floats at once take 2 GB
        rows = slice(top, top + _BAND_ROWS)
        shown = np.clip(np.nan_to_num(saliency[rows], nan=0.0) * DISPLAY_GAIN, 0.0, 1.0)
        cover = (alpha * shown).astype(np.float32)[..., None]
        mixed = image[rows] * (1.0 - cover) + colorize(shown) * cover
        result[rows] = np.rint(mixed).astype(np.uint8)
    result[_outline(mask)] = ORANGE
    return result


def _outline(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Ring around ``mask``: 1 px, and wider on images that will be shown scaled down."""
    thickness = max(1, round(max(mask.shape) / 500))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * thickness + 1,) * 2)
    grown = cv2.dilate(mask.astype(np.uint8), kernel)
    return grown.astype(np.bool_) & ~mask


def sample_rows(
    images: Sequence[NDArray[np.generic]] | NDArray[np.generic],
    counterfactuals: Sequence[NDArray[np.generic]] | NDArray[np.generic],
    saliencies: Sequence[NDArray[np.floating]] | NDArray[np.floating],
    masks: Sequence[NDArray[np.bool_]] | NDArray[np.bool_],
    captions: Sequence[str] | None = None,
) -> Picture:
    """One row per image: x, x', saliency, mask, under a strip with the row's caption.

    ``images`` and ``counterfactuals`` are n pictures (H, W, 3), ``uint8`` or float in [0, 1];
    ``saliencies`` (H, W) in [0, 1]; ``masks`` (H, W). Small ones are enlarged by a whole factor
    to at least 128 px, pixels kept sharp. ``ValueError`` for none, or for unequal counts.
    """
    counts = {len(images), len(counterfactuals), len(saliencies), len(masks)}
    if captions is not None:
        counts.add(len(captions))
    if len(counts) != 1 or counts == {0}:
        raise ValueError(f"need equally many of each, at least one; got {sorted(counts)}")
    rows = []
    for index, image in enumerate(images):
        cells = [
            _as_uint8(image),
            _as_uint8(counterfactuals[index]),
            colorize(saliencies[index], DISPLAY_GAIN),
            _mask_picture(masks[index]),
        ]
        row = _side_by_side([_enlarge(cell) for cell in cells])
        if captions is not None:
            row = np.concatenate([_strip(captions[index], row.shape[1]), row])
        rows.append(row)
    width = max(row.shape[1] for row in rows)
    head = _side_by_side([_strip(name, (width - 3 * _GAP) // 4) for name in _COLUMNS])
    return _stack([head, *rows])


def contact_sheet(
    tiles: Sequence[Picture], captions: Sequence[str] | None, columns: int
) -> Picture:
    """Tiles (H, W, 3) of any size in a grid of ``columns``, each over its caption.

    Small tiles are enlarged to at least 128 px, cells take the size of the largest tile.
    ``ValueError`` for no tiles, no columns or unequal counts.
    """
    if not tiles or columns < 1 or (captions is not None and len(captions) != len(tiles)):
        raise ValueError("need tiles, at least one column, and a caption for each tile or none")
    shown = [_enlarge(tile) for tile in tiles]
    height = max(tile.shape[0] for tile in shown)
    width = max(tile.shape[1] for tile in shown)
    cells = []
    for index, tile in enumerate(shown):
        cell = _centred(tile, height, width)
        if captions is not None:
            cell = np.concatenate([cell, _strip(captions[index], width)])
        cells.append(cell)
    rows = [_side_by_side(cells[at : at + columns]) for at in range(0, len(cells), columns)]
    return _stack(rows)


def _as_uint8(picture: NDArray[np.generic]) -> Picture:
    if np.issubdtype(picture.dtype, np.floating):
        scaled = np.clip(np.nan_to_num(picture.astype(np.float32)), 0.0, 1.0) * 255.0
        levels: Picture = np.rint(scaled).astype(np.uint8)
        return levels
    return picture.astype(np.uint8)


def _mask_picture(mask: NDArray[np.bool_]) -> Picture:
    return np.repeat(np.where(mask, np.uint8(255), np.uint8(0))[..., None], 3, axis=2)


def _enlarge(tile: Picture) -> Picture:
    factor = max(1, math.ceil(_LEAST_CELL / min(tile.shape[:2])))
    return np.repeat(np.repeat(tile, factor, axis=0), factor, axis=1)


def _centred(tile: Picture, height: int, width: int) -> Picture:
    cell = np.full((height, width, 3), PAPER, dtype=np.uint8)
    top, left = (height - tile.shape[0]) // 2, (width - tile.shape[1]) // 2
    cell[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return cell


def _side_by_side(cells: Sequence[Picture]) -> Picture:
    height = max(cell.shape[0] for cell in cells)
    parts: list[Picture] = []
    for cell in cells:
        gap = np.full((height, _GAP, 3), PAPER, dtype=np.uint8)
        parts += [_centred(cell, height, cell.shape[1]), gap]
    return np.concatenate(parts[:-1], axis=1)


def _stack(rows: Sequence[Picture]) -> Picture:
    width = max(row.shape[1] for row in rows)
    parts: list[Picture] = []
    for row in rows:
        sheet = np.full((row.shape[0] + _GAP, width, 3), PAPER, dtype=np.uint8)
        sheet[: row.shape[0], : row.shape[1]] = row
        parts.append(sheet)
    return np.concatenate(parts)[:-_GAP]


def _strip(text: str, width: int) -> Picture:
    strip = np.full((_STRIP, width, 3), PAPER, dtype=np.uint8)
    write(strip, shorten(text, width - 6), (3, 2))
    return strip
