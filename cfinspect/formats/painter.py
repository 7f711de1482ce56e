"""One image's mask, put together from the marks that another tool's file has of it."""

from __future__ import annotations

import math

import numpy as np

from cfinspect.engine.data.class_words import UNDAMAGED, class_words, fold_word
from cfinspect.formats.exchange_types import FormatError, ImportedImage, IndexMask
from cfinspect.formats.safe import number
from cfinspect.masks.polygons import Mask, Ring, rasterise

_MAX_CORNERS = 2_000_000
_MAX_COORDINATE = 1e9
# Pixels of all marks' boxes, and edges that cross rows of them: half a minute. A photo of 12
# megapixels may have 300 marks of its own size.
_MOST_WORK = 4_000_000_000
_CROSSING = 10  # pixels that take as long as a crossing
_SEEN = 1.0  # px outside of the image from which cutting off is worth a word
_ELLIPSE_CORNERS = 90
# Labels of tools for pixels that are no damage, or that nobody wants to judge.
_NO_MARK = frozenset(
    {
        *("background", "ignore", "ignored", "ignore_region", "void"),
        *("unlabeled", "unlabelled", "dontcare", "dont_care"),
    }
)
_SOUND = frozenset(word for word, label in class_words().items() if label == UNDAMAGED)


class Painter:
    """Puts a mask (``height``, ``width``) together, mark by mark, later ones on top.

    Marks called background or ignore take away what lies below them. A mark of what is sound
    ("good") is none. ``where``: how sentences name the image. ``ours``: in a file of our own all
    marks are damage, whatever people have called its classes.
    """

    def __init__(self, height: int, width: int, where: str, *, ours: bool = False) -> None:
        self.mask: IndexMask = np.zeros((height, width), dtype=np.uint8)
        self.notes: list[str] = []
        self._where = where
        self._ours = ours
        self._undrawn = self._work = 0
        self._without_effect = 0
        self._numbers: dict[str, int] = {}

    def polygon(self, name: str, coordinates: object) -> None:
        """Fill a polygon (even-odd) of x, y, x, y, ...; what lies outside of the image is cut off.

        One without an area (a slip of the mouse) is left out. FormatError for what is no polygon.
        """
        ring = _ring_of(coordinates, self._where)
        height, width = self.mask.shape
        low = np.clip(np.floor(ring.min(axis=0)), 0, (width, height)).astype(int)
        high = np.clip(np.ceil(ring.max(axis=0)), 0, (width, height)).astype(int)
        size = (int(high[1] - low[1]), int(high[0] - low[0]))
        rows = np.clip(ring[:, 1], low[1], high[1])
        crossings = int(np.abs(np.diff(rows, append=rows[:1])).sum())
        self._work_on(size[0] * size[1] + _CROSSING * crossings)
        drawn = len(ring) > 2 and min(size) > 0
        part = rasterise([ring - low], size) if drawn else np.zeros((1, 1), dtype=bool)
        if not part.any():
            self._leave_out("a polygon without an area in the image")
            return
        outside = (ring < -_SEEN).any() or (ring > np.array([width, height]) + _SEEN).any()
        self._paint(name, int(low[1]), int(low[0]), part, cut=bool(outside))

    def box(self, name: str, x0: float, y0: float, x1: float, y1: float, turn: float = 0) -> None:
        """Fill a box, turned about its centre by ``turn`` degrees (clockwise, y points down)."""
        corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], dtype=np.float64)
        centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
        self.polygon(name, _turned(corners - centre, turn, centre))

    def ellipse(self, name: str, x: float, y: float, rx: float, ry: float, turn: float = 0) -> None:
        """Fill an ellipse of the radii ``rx`` and ``ry`` about (x, y), turned as `box`."""
        angles = np.linspace(0, 2 * np.pi, _ELLIPSE_CORNERS, endpoint=False)
        ring = np.stack([rx * np.cos(angles), ry * np.sin(angles)], axis=1)
        self.polygon(name, _turned(ring, turn, np.array([x, y])))

    def pixels(self, name: str, y: int, x: int, part: Mask) -> None:
        """Mark the pixels of ``part``, whose upper left corner is at (x, y)."""
        self._work_on(part.size)
        height, width = self.mask.shape
        top, left = max(0, -y), max(0, -x)
        inside = part[top : max(top, height - y), left : max(left, width - x)]
        if not inside.any():
            self._leave_out("a mask without a pixel in the image")
            return
        cut = bool(np.count_nonzero(part) > np.count_nonzero(inside))
        self._paint(name, y + top, x + left, inside, cut=cut)

    def undrawn(self, name: str) -> None:
        """Count a mark that has no area: a line, a point, a box where boxes only say where."""
        if self._is_damage(name):
            self._undrawn += 1
        else:
            self._without_effect += 1

    def image(
        self,
        name: str,
        *,
        label: int | None = None,
        complete: bool = False,
        notes: tuple[str, ...] = (),
    ) -> ImportedImage:
        """What was found of the image called ``name``; see `ImportedImage`."""
        height, width = self.mask.shape
        # Marks of which nothing is left say neither that there is damage nor that there is none.
        doubtful = self._without_effect and not self.mask.any()
        return ImportedImage(
            name,
            None if doubtful else self.mask,
            {number: one for one, number in self._numbers.items()},
            label,
            width,
            height,
            self._undrawn,
            complete,
            (*notes, *self.notes),
        )

    def _work_on(self, pixels: int) -> None:
        """FormatError where the marks of this image have come to more than anybody draws."""
        self._work += pixels
        if self._work > _MOST_WORK:
            raise FormatError(
                f"{self._where} has marks without end, in an image of {self.mask.size} pixels and "
                "drawn over one another: leave some of them out."
            )

    def _paint(self, name: str, y: int, x: int, part: Mask, *, cut: bool) -> None:
        if cut:
            self.notes.append(f"{self._where}: a mark lies partly outside and was cut off.")
        height, width = part.shape
        below = self.mask[y : y + height, x : x + width]
        if not self._is_damage(name):
            self._without_effect += 1
            if _plain(name) in _NO_MARK:
                below[part] = 0
            return
        if name not in self._numbers and len(self._numbers) == 254:
            raise FormatError(f"{self._where} has more than 254 classes.")
        below[part] = self._numbers.setdefault(name, len(self._numbers) + 1)

    def _is_damage(self, name: str) -> bool:
        sound = _plain(name) in _NO_MARK or fold_word(name) in _SOUND
        return self._ours or not sound

    def _leave_out(self, what: str) -> None:
        self._without_effect += 1
        self.notes.append(f"{self._where}: {what} was left out.")


def _plain(name: str) -> str:
    return fold_word(name).strip("_")


def _turned(points: Ring, degrees: float, centre: Ring) -> list[float]:
    angle = math.radians(degrees)
    cos, sin = math.cos(angle), math.sin(angle)
    turned = points @ np.array([[cos, sin], [-sin, cos]]) + centre
    flat: list[float] = turned.ravel().tolist()
    return flat


def _ring_of(coordinates: object, where: str) -> Ring:
    """Corners (N, 2) from x, y, x, y, ...; FormatError for what is no polygon."""
    if not isinstance(coordinates, list) or len(coordinates) % 2 or not coordinates:
        raise FormatError(f"{where} has a polygon whose corners are no pairs of numbers.")
    if len(coordinates) > 2 * _MAX_CORNERS:
        raise FormatError(f"{where} has a polygon of {len(coordinates) // 2} corners.")
    flat = [number(value, where) for value in coordinates]
    ring = np.array(flat, dtype=np.float64).reshape(-1, 2)
    # Cutting one corner off would turn the edges that lead to it.
    if np.abs(ring).max() > _MAX_COORDINATE:
        raise FormatError(f"{where} has a polygon with a corner beyond {_MAX_COORDINATE:.0e} px.")
    return ring
