"""Overlapping windows over a large photo, and maps blended from them without seams.

Windows of ``tile`` px start every half tile; the last one of each axis lies flush with the edge.
Along each axis a window counts with a raised cosine, zero at its borders, divided by the sum of all
windows there. So the weights of all windows sum to 1 at every pixel and none ends in a step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

FloatMap = NDArray[np.float32]


@dataclass(frozen=True)
class Window:
    """One window: its row and column in the grid, and its upper left corner in px."""

    row: int
    column: int
    y: int
    x: int


class WindowGrid:
    """The windows of side ``tile`` over ``height`` x ``width`` px, and their weights.

    ``ValueError`` when the window is smaller than 2 px or larger than the image: pad it first.
    """

    def __init__(self, height: int, width: int, tile: int) -> None:
        if not 2 <= tile <= min(height, width):
            raise ValueError(f"windows of {tile} px do not fit into {height} x {width} px")
        self.height, self.width, self.tile = height, width, tile
        self.ys = _starts(height, tile)
        self.xs = _starts(width, tile)
        self._along_y = _shares(self.ys, height, tile)
        self._along_x = _shares(self.xs, width, tile)

    def __len__(self) -> int:
        return len(self.ys) * len(self.xs)

    def __iter__(self) -> Iterator[Window]:
        """Yield the windows row by row, from the top left."""
        for row, y in enumerate(self.ys):
            for column, x in enumerate(self.xs):
                yield Window(row, column, y, x)

    def weights(self, window: Window) -> FloatMap:
        """Return the share (tile, tile) in 0..1 that ``window`` has in each of its pixels."""
        return np.outer(self._along_y[window.row], self._along_x[window.column])


class Blender:
    """Sums weighted maps of windows; memory for one row of windows, whatever the photo's height.

    ``sink(y, band)`` is called with bands of finished rows, (rows, width, channels) float32, from
    the top down; a band is only valid during the call.
    """

    def __init__(
        self, grid: WindowGrid, channels: int, sink: Callable[[int, FloatMap], None]
    ) -> None:
        self._grid = grid
        self._sink = sink
        self._row = 0
        self._band = np.zeros((grid.tile, grid.width, channels), dtype=np.float32)

    def add(self, window: Window, values: FloatMap) -> None:
        """Add ``values`` (tile, tile, channels); windows must come in the grid's order."""
        while self._row < window.row:
            self._pass_on(self._grid.ys[self._row + 1] - self._grid.ys[self._row])
        weights = self._grid.weights(window)[:, :, None]
        self._band[:, window.x : window.x + self._grid.tile] += weights * values

    def close(self) -> None:
        """Hand over the last rows."""
        self._pass_on(self._grid.tile)

    def _pass_on(self, rows: int) -> None:
        """Hand over the upper ``rows`` rows and move the others up."""
        self._sink(self._grid.ys[self._row], self._band[:rows])
        kept = self._grid.tile - rows
        self._band[:kept] = self._band[rows:].copy()
        self._band[kept:] = 0
        self._row += 1


def damage_weight(scores: NDArray[np.floating[Any]], score_threshold: float) -> NDArray[np.float64]:
    """How much a window's saliency counts, 0..1: its score with the threshold taken as even odds.

    Smooth, 0.5 at the threshold, the score itself where the threshold is 0.5.
    """
    threshold = min(max(score_threshold, 1e-6), 1 - 1e-6)
    scores = np.asarray(scores, dtype=np.float64)
    damaged, undamaged = scores * (1 - threshold), (1 - scores) * threshold
    return np.asarray(damaged / (damaged + undamaged), dtype=np.float64)


def pad_to(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return ``image`` (H, W, 3) mirrored downwards and to the right up to ``side`` px per side.

    Returns ``image`` itself where both sides are long enough.
    """
    below, right = max(side - image.shape[0], 0), max(side - image.shape[1], 0)
    if not below and not right:
        return image
    padded = cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_REFLECT_101)
    return np.asarray(padded, dtype=np.uint8)


def resize_map(values: NDArray[np.floating[Any]], height: int, width: int) -> FloatMap:
    """Resize (h, w) or (h, w, c) floats to ``height`` x ``width``, within the range they have.

    Averages over areas when neither side grows, else interpolates linearly, as images are resized.
    """
    values = np.asarray(values, dtype=np.float32)
    if values.shape[:2] == (height, width):
        return values
    shrinks = height <= values.shape[0] and width <= values.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    if values.ndim == 2:
        return np.asarray(cv2.resize(values, (width, height), interpolation=method), np.float32)
    # OpenCV averages over areas of four channels at most.
    parts = [
        cv2.resize(values[..., first : first + 4], (width, height), interpolation=method)
        for first in range(0, values.shape[2], 4)
    ]
    return np.asarray(np.dstack(parts) if len(parts) > 1 else parts[0], dtype=np.float32)


def _starts(length: int, tile: int) -> list[int]:
    """Return where windows start along one axis."""
    last = length - tile
    return [*range(0, last, tile // 2), last]


def _shares(starts: list[int], length: int, tile: int) -> list[FloatMap]:
    """Return each window's share (tile,) along one axis; at every pixel they sum to 1."""
    bump = np.sin(np.pi * (np.arange(tile) + 0.5) / tile) ** 2
    total = np.zeros(length)
    for start in starts:
        total[start : start + tile] += bump
    return [(bump / total[start : start + tile]).astype(np.float32) for start in starts]
