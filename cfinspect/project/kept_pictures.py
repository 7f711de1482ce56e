"""Pictures that are kept in a project: decoded only where they are what cfinspect puts there.

Whoever sends a project chose them. A PNG of some kilobytes may be a gigapixel; so kind and size are
told from the header, and must be the expected ones, before a pixel is decoded.
"""

from __future__ import annotations

import struct

import cv2
import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.budget import Unreadable, jpeg_size, require_pixels, require_sound_jpeg

Size = tuple[int, int]
"""(height, width) in pixels."""

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\xff\xd8\xff"
_PNG_SIZE, _PNG_DEPTH, _PNG_COLOUR_TYPE = 16, 24, 25  # where a PNG states them
_GREY = 0


def decode_map(data: bytes | None, size: Size | None) -> NDArray[np.uint8] | None:
    """A map (H, W) of 0..255 from the bytes of a grey PNG, ``size``: which it must have, if known.

    None where there is no data, or none of such a picture.
    """
    if data is None or data[: len(_PNG)] != _PNG or len(data) <= _PNG_COLOUR_TYPE:
        return None
    if data[_PNG_DEPTH] > 8 or data[_PNG_COLOUR_TYPE] != _GREY:
        return None
    width, height = struct.unpack_from(">II", data, _PNG_SIZE)
    stated = (height, width)
    if size is not None and stated != size:
        return None
    return _decoded(data, stated, cv2.IMREAD_GRAYSCALE)


def decode_photo(
    data: bytes | None, size: Size | None = None, *, most: int | None = None
) -> NDArray[np.uint8] | None:
    """RGB (H, W, 3) uint8 from the bytes of a JPEG of ``size``, or of ``most`` px a side.

    None where there is no data, or none of such a picture.
    """
    if data is None or data[: len(_JPEG)] != _JPEG:
        return None
    stated = jpeg_size(data)
    if (size is not None and stated != size) or (most is not None and max(stated) > most):
        return None
    try:
        require_sound_jpeg(stated[0] * stated[1], data)
    except Unreadable:
        return None
    found = _decoded(data, stated, cv2.IMREAD_COLOR)
    return None if found is None else np.asarray(cv2.cvtColor(found, cv2.COLOR_BGR2RGB), np.uint8)


def _decoded(data: bytes, stated: Size, how: int) -> NDArray[np.uint8] | None:
    """What OpenCV makes of it; it turns by EXIF unless told not to, which would mean another size.

    It may also raise, for some damaged files.
    """
    height, width = stated
    try:
        require_pixels(width, height)
        found = cv2.imdecode(np.frombuffer(data, np.uint8), how | cv2.IMREAD_IGNORE_ORIENTATION)
    except (Unreadable, cv2.error):
        return None
    return None if found is None else np.asarray(found, dtype=np.uint8)
