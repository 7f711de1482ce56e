"""Words in pictures, written by Pillow with DejaVu Sans, the font that matplotlib brings along."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]
"""An RGB image (H, W, 3)."""

PAPER, INK = (255, 255, 255), (40, 40, 40)
FONT_SIZE = 12  # px


def shorten(text: str, width: int) -> str:
    """Cut the middle out of ``text`` until it fits ``width`` px: file names differ at both ends."""
    text = printable(text)
    font = _font(FONT_SIZE)
    if font.getlength(text) <= width:
        return text
    for keep in range(len(text) - 1, 1, -1):
        short = text[: keep - keep // 2] + "..." + text[len(text) - keep // 2 :]
        if font.getlength(short) <= width:
            return short
    return ""


def printable(text: str) -> str:
    """``text`` on one line, each accented letter as one character.

    File names may hold anything: line ends, control characters and bytes that are no text become
    a question mark; macOS stores "ä" as two characters, which few fonts put together well.
    """
    composed = unicodedata.normalize("NFC", text)
    return "".join(letter if letter.isprintable() else "?" for letter in composed)


@lru_cache(maxsize=4)
def _font(size: int) -> ImageFont.FreeTypeFont:
    import matplotlib  # noqa: PLC0415  (a third of a second; most commands write no picture)

    path = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    # The simple layout is the same on every system; the other one needs a library that may lack.
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)


def write(
    canvas: Picture, text: str, at: tuple[int, int], *, size: int = FONT_SIZE, anchor: str = "la"
) -> None:
    """Write ``text`` into ``canvas`` in place; ``at`` is (x, y) of the anchor, as Pillow says.

    A letter that the font lacks (DejaVu Sans has no Chinese ones) becomes an empty box.
    """
    sheet = Image.fromarray(canvas)
    ImageDraw.Draw(sheet).text(at, printable(text), fill=INK, font=_font(size), anchor=anchor)
    canvas[...] = np.asarray(sheet)
