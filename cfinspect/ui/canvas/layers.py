"""What is drawn over an image: saliency through a colour map, masks and their outlines.

A map of 8 bit numbers becomes colours through a table of 256 entries, so that gain, opacity and
colour map change without touching a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QImage, QPainterPath, QPolygonF

_MAPS = {
    "inferno": cv2.COLORMAP_INFERNO,
    "viridis": cv2.COLORMAP_VIRIDIS,
    "magma": cv2.COLORMAP_MAGMA,
    "cividis": cv2.COLORMAP_CIVIDIS,
}
_FAINT = 0.06  # of the scaled saliency below which nothing is drawn


@dataclass
class Layer:
    """Whether a layer is drawn, and how strongly (0..1)."""

    visible: bool
    opacity: float = 1.0


@dataclass
class Layers:
    """All layers of the canvas. ``gain``: what saliency is multiplied with before colouring."""

    counterfactual: Layer = field(default_factory=lambda: Layer(False))
    saliency: Layer = field(default_factory=lambda: Layer(False, 0.75))
    machine_mask: Layer = field(default_factory=lambda: Layer(True))
    human_mask: Layer = field(default_factory=lambda: Layer(True, 0.35))
    gain: float = 2.5
    colour_map: str = "inferno"


@lru_cache(maxsize=64)
def saliency_table(colour_map: str, gain: float, opacity: float) -> list[int]:
    """ARGB for the saliencies 0..255: transparent where there is nothing to see."""
    ramp = np.arange(256, dtype=np.uint8)[None]
    bgr = cv2.applyColorMap(ramp, _MAPS[colour_map])[0].astype(np.uint32)
    scaled = np.clip(np.arange(256) / 255 * gain, 0, 1)
    shown = np.rint(scaled * 255).astype(np.intp)
    # Fades in over a short range, so that the map has no hard edge where it begins.
    alpha = np.clip((scaled - _FAINT) / 0.2, 0, 1) * opacity * 255
    colour = bgr[shown]
    table = (np.rint(alpha).astype(np.uint32) << 24) | (colour[:, 2] << 16)
    found: list[int] = (table | (colour[:, 1] << 8) | colour[:, 0]).tolist()
    return found


def mask_table(colour: QColor, opacity: float, classes: list[QColor] | None = None) -> list[int]:
    """ARGB for class numbers: 0 is transparent, 1 has ``colour``, others their own."""
    alpha = round(opacity * 255)
    table = [0] * 256
    for number in range(1, 256):
        own = classes[number % len(classes)] if classes and number > 1 else colour
        table[number] = QColor(own.red(), own.green(), own.blue(), alpha).rgba()
    return table


def indexed(values: NDArray[np.uint8], table: list[int]) -> QImage:
    """(H, W) uint8 as an image coloured through ``table``; the image keeps its own copy."""
    values = np.ascontiguousarray(values)
    height, width = values.shape
    image = QImage(values.data, width, height, width, QImage.Format.Format_Indexed8).copy()
    image.setColorTable(table)
    return image


def outline(mask: NDArray[np.uint8], *, fine: bool = True) -> QPainterPath:
    """The outline of what is not 0 in ``mask`` (h, w), in its pixels.

    ``fine``: along the edges of pixels, a quarter of one inside; else through their centres, which
    is enough (and quicker) where a pixel is smaller than one of the screen.
    """
    binary = (mask > 0).astype(np.uint8)
    shift, unit = 0.5, 1.0
    if fine:
        binary = np.repeat(np.repeat(binary, 2, axis=0), 2, axis=1)
        unit = 0.5
    # A frame, so that the outline closes at the edges of the image as well.
    rings, _ = cv2.findContours(
        np.pad(binary, 1),
        cv2.RETR_CCOMP,
        cv2.CHAIN_APPROX_TC89_L1 if not fine else cv2.CHAIN_APPROX_SIMPLE,
    )
    path = QPainterPath()
    for ring in rings:
        points = (ring[:, 0, :].astype(np.float64) - 1 + shift) * unit
        if len(points) < 3:
            x, y = points[0]
            path.addRect(x - unit / 2, y - unit / 2, unit, unit)
            continue
        polygon = QPolygonF([QPointF(x, y) for x, y in points.tolist()])
        path.addPolygon(polygon)
        path.closeSubpath()
    return path
