"""Words in pictures, written with Pillow's built-in font: smooth, and in no need of a file."""

import unicodedata
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]
"""An RGB image (H, W, 3)."""

PAPER, INK = (255, 255, 255), (40, 40, 40)
FONT_SIZE = 13


def shorten(text: str, width: int) -> str:
    """Cut the middle out of ``text`` until it fits ``width`` px: file names differ at both ends."""
    text = _plain(text)
    if _font(FONT_SIZE).getlength(text) <= width:
        return text
    for keep in range(len(text) - 1, 1, -1):
        short = text[: keep - keep // 2] + "..." + text[len(text) - keep // 2 :]
        if _font(FONT_SIZE).getlength(short) <= width:
            return short
    return ""


def _plain(text: str) -> str:
    """Put base letters for accented ones and ? for the rest: the built-in font is ASCII only."""
    parts = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    return "".join(
        letter if letter.isascii() else "?" for letter in parts if not unicodedata.combining(letter)
    )


@lru_cache(maxsize=4)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def write(
    canvas: Picture, text: str, at: tuple[int, int], *, size: int = FONT_SIZE, anchor: str = "la"
) -> None:
    """Write ``text`` into ``canvas`` in place; ``at`` is (x, y) of the anchor, as Pillow says."""
    sheet = Image.fromarray(canvas)
    ImageDraw.Draw(sheet).text(at, _plain(text), fill=INK, font=_font(size), anchor=anchor)
    canvas[...] = np.asarray(sheet)
