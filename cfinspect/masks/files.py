"""Masks of class numbers as indexed PNG files: the number is the palette index."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cfinspect.engine.base.images import ImageError, header_size, read_bytes
from cfinspect.engine.data.mask_values import palette


def classes_in(mask: NDArray[np.uint8]) -> list[int]:
    """The class numbers that a mask (H, W) uses, ascending, without the background."""
    found: list[int] = (np.flatnonzero(np.bincount(mask.ravel(), minlength=256)[1:]) + 1).tolist()
    return found


def encode_indexed(mask: NDArray[np.uint8]) -> bytes:
    """A mask (H, W) of class numbers as the bytes of an indexed PNG."""
    if mask.dtype != np.uint8 or mask.ndim != 2:
        raise ValueError(f"a mask is (H, W) uint8, got {mask.shape} {mask.dtype}")
    image = Image.fromarray(np.ascontiguousarray(mask), mode="P")
    image.putpalette(palette().tobytes())
    stream = BytesIO()
    image.save(stream, "PNG", compress_level=3)
    return stream.getvalue()


def read_indexed(path: Path) -> NDArray[np.uint8]:
    """Read a PNG of class numbers, (H, W) uint8: palette indexes, or grey values as they are.

    Raises ImageError when the file is missing or damaged, or has neither palette nor 8 bit grey.
    """
    data = read_bytes(path)
    header_size(path, data)  # holds the size limit
    try:
        image: Image.Image = Image.open(BytesIO(data), formats=("PNG",))
        image.load()
    except Exception as error:  # A damaged file makes the decoder raise nearly anything.
        raise ImageError(path, f"it is no PNG, or is damaged ({error})") from error
    if image.mode == "1":
        return np.asarray(image, dtype=np.uint8)
    if image.mode not in {"P", "L"}:
        raise ImageError(path, "it has neither a palette nor grey values of 8 bit")
    return np.array(image, dtype=np.uint8)
