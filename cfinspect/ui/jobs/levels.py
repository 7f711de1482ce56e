"""Pixels at full size, half, a quarter, ..., as the canvas draws them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

_SMALLEST = 256  # no smaller copies than this


def to_qimage(pixels: NDArray[np.uint8]) -> QImage:
    """(H, W, 3) RGB uint8 as a QImage of 32 bits a pixel, which Qt draws fastest."""
    height, width = pixels.shape[:2]
    four = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGRA)
    image = QImage(four.data, width, height, width * 4, QImage.Format.Format_RGB32)
    return image.copy()


def pyramid(pixels: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """``pixels`` (H, W) or (H, W, 3) and its halves down to some 256 px, averaged over areas."""
    levels = [pixels]
    while max(levels[-1].shape[:2]) > 2 * _SMALLEST:
        height, width = levels[-1].shape[:2]
        size = (max(1, width // 2), max(1, height // 2))
        levels.append(
            np.asarray(cv2.resize(levels[-1], size, interpolation=cv2.INTER_AREA), np.uint8)
        )
    return levels


def halved(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A mask at half its size; what is marked in any of four pixels stays marked."""
    height, width = mask.shape
    odd = ((0, height % 2), (0, width % 2))
    padded = np.pad(mask, odd) if height % 2 or width % 2 else mask
    upper = np.maximum(padded[0::2, 0::2], padded[0::2, 1::2])
    lower = np.maximum(padded[1::2, 0::2], padded[1::2, 1::2])
    return np.asarray(np.maximum(upper, lower))


def mask_levels(mask: NDArray[np.uint8], *, binary: bool = False) -> list[NDArray[np.uint8]]:
    """A mask and its halves down to some 512 px; ``binary``: of 0 and 1 only, which is quicker."""
    levels = [mask]
    while max(levels[-1].shape) > 512:
        last = levels[-1]
        if binary:
            half = ((last.shape[1] + 1) // 2, (last.shape[0] + 1) // 2)
            even = cv2.copyMakeBorder(
                last, 0, last.shape[0] % 2, 0, last.shape[1] % 2, cv2.BORDER_CONSTANT, value=0
            )
            # 4 times the average of four is how many of them are marked.
            levels.append(
                (cv2.resize(even * 4, half, interpolation=cv2.INTER_AREA) > 0).view(np.uint8)
            )
        else:
            levels.append(halved(last))
    return levels
