"""What one picture may cost, told by its header before a pixel is decoded.

A file of some hundred bytes can state any size, and be built so that decoding it takes minutes or
all memory. So a picture is held to a number of pixels, of bytes of memory and of steps; what states
more than its bytes can hold is refused, too. Large pictures are decoded one at a time, whatever the
number of threads. All of it costs microseconds and no child process.
"""

from __future__ import annotations

import re
import struct
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

from PIL import Image, ImageFile

MAX_PIXELS = 200_000_000
MAX_SIDE = 1 << 20  # OpenCV, which encodes and resizes, takes no longer ones
MAX_FILE_BYTES = 2 << 30
MAX_MEMORY = 2_800_000_000  # bytes that decoding one picture may take beside its file
MAX_SCANS = 100  # of a progressive JPEG; programs write up to 20 or so
_MAX_WORK = 8_000_000_000  # samples that they go over; half a minute
_MAX_PARTS = 20_000  # of a JPEG before its pixels; none has more than some hundred
_MAX_EXIF = 100  # of them: Pillow puts them together, each time anew
_MAX_CHUNKS = 200_000  # of a PNG; its writers make one of every 8 kB
_MAX_FILL = 1 << 20  # bytes between two parts of a JPEG
_MAX_PAGES = 100_000
_MAX_TAGS = 4096
_MAX_NUMBERS = 4_000_000  # of one tag of a TIFF: one for each strip or tile

_LARGE = 32_000_000  # pixels from which pictures wait for one another
_SMALL = 1 << 16  # pixels up to which no number of steps takes long
_RGB = 3  # bytes of a pixel that is read
_HELD = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2}  # by Pillow; others have 4
_PNG_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PNG_DEPTH, _PNG_KIND = 24, 25  # where a PNG states them
JPEG_END = b"\xff\xd9"
_ANY_MARKER = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")
_DEEP_PNG = 4  # bytes for a sample of 16 bit: OpenCV holds all of them twice
_DEFLATE = 1032  # bytes that a byte can hold at most, by RFC 1951
_HUFFMAN = 2048  # pixels that a byte of a JPEG can hold: one bit for a block, and some more
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # those are tables
_ARITHMETIC = {0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}  # these have no such limit
_WEBP = 16  # bytes for a pixel, by libwebp and Pillow together
_BITMAP_JUMP = 255  # rows that one step of a compressed BMP passes over

_turn = threading.Lock()


class Unreadable(Exception):
    """Why a picture cannot be read: part of a sentence, and what to do about it."""


def one_at_a_time(height: int, width: int) -> AbstractContextManager[object]:
    """Whoever decodes a large picture inside of it waits for others that do."""
    return _turn if height * width >= _LARGE else nullcontext()


def require_pixels(width: int, height: int, most: int = MAX_PIXELS) -> None:
    """Raise Unreadable for a picture of more than ``most`` pixels, or too long a side."""
    if width * height > most:
        millions = f"{width * height / 1e6:.0f} megapixels, over the limit of {most / 1e6:g}"
        raise Unreadable(f"{width} x {height} pixels are {millions}; make it smaller")
    if max(width, height) > MAX_SIDE:
        raise Unreadable(
            f"{width} x {height} pixels: a side of more than {MAX_SIDE} is not read; cut it into "
            "several files"
        )


def require_memory(needed: int) -> None:
    """Raise Unreadable where decoding would take more bytes than may be."""
    if needed > MAX_MEMORY:
        raise Unreadable(
            f"decoding it would take {needed / 1e9:.1f} GB of memory, over the limit of "
            f"{MAX_MEMORY / 1e9:g}; make it smaller, or save it as PNG with 8 bit"
        )


def require_few_parts(data: bytes) -> None:
    """Raise Unreadable for a JPEG or PNG of so many small parts that opening it takes minutes."""
    if data.startswith(b"\x89PNG"):
        at = 8
        for _ in range(_MAX_CHUNKS):
            if at >= len(data):
                return
            at += 12 + int.from_bytes(data[at : at + 4], "big")
    elif data.startswith(b"\xff\xd8"):
        at, exif = 2, 0
        for _ in range(_MAX_PARTS):
            found = _ANY_MARKER.search(data, at)
            if found is None or data[found.end() - 1] in {0xDA, JPEG_END[1]}:
                return
            start = found.end()
            exif += data[start + 2 : start + 6] == b"Exif"
            if start - at > _MAX_FILL or exif > _MAX_EXIF:
                break
            at = start + max(2, int.from_bytes(data[start : start + 2], "big"))
    else:
        return
    raise Unreadable("its header has so many parts that reading takes too long; save it again")


def require_affordable(image: Image.Image, data: bytes) -> None:
    """Raise Unreadable where decoding an opened image would take too much memory or time.

    So it does where ``data``, the bytes of its file, cannot hold so many pixels.
    """
    pixels = image.width * image.height
    memory = pixels * (_HELD.get(image.mode, 4) + _RGB)
    if image.format == "PNG":
        memory = max(memory, _png_memory(pixels, data))
    elif image.format == "WEBP":
        memory = pixels * _WEBP
    elif image.format == "BMP" and _is_packed(image):
        memory += 2 * pixels + _BITMAP_JUMP * image.width
    elif image.format in {"JPEG", "MPO"} and pixels > _SMALL:
        memory += require_sound_jpeg(pixels, data)
    require_memory(memory)


def _is_packed(image: Image.Image) -> bool:
    """Whether a BMP holds runs of pixels, by the decoder that Pillow has chosen."""
    tiles = image.tile if isinstance(image, ImageFile.ImageFile) else []
    return bool(tiles) and tiles[0][0] == "bmp_rle"


def png_depth(data: bytes) -> int:
    """Bits of a sample that a PNG states."""
    return data[_PNG_DEPTH]


def _png_memory(pixels: int, data: bytes) -> int:
    if data[12:16] != b"IHDR":
        raise Unreadable("its header is damaged (a PNG begins with IHDR); save it again")
    samples, depth = _PNG_SAMPLES.get(data[_PNG_KIND], 1), png_depth(data)
    _require_held(pixels, len(data) * _DEFLATE * 8 // (samples * depth or 1))
    return pixels * _DEEP_PNG * samples if depth == 16 else 0


def require_sound_jpeg(pixels: int, data: bytes) -> int:
    """Bytes of the coefficients that are held between the scans of a JPEG, 0 where it has one scan.

    Raises Unreadable where ``data`` cannot hold its ``pixels``, or decoding would take too long.
    """
    frame, parts = 0, 1
    for kind, body in segments(data):
        if kind in _FRAMES:
            frame, parts = kind, body[5] if len(body) > 5 else 1
            if kind not in _ARITHMETIC:
                _require_held(pixels, len(data) * _HUFFMAN)
        elif kind == 0xDA:
            if frame not in {0xC2, 0xCA} and body[:1] == bytes([parts]):
                return 0  # one scan has all
            break
    _require_few_scans(pixels, parts, data)
    return pixels * 2 * parts


def _require_few_scans(pixels: int, parts: int, data: bytes) -> None:
    """Raise Unreadable for a JPEG that goes over its ``pixels`` too often, ``parts`` at most."""
    scans = data.count(b"\xff\xda")  # or more, if its metadata have pictures
    if scans <= MAX_SCANS and scans * parts * pixels <= _MAX_WORK:
        return
    scans = work = 0
    for kind, body in segments(data):
        if kind == 0xDA:
            scans, work = scans + 1, work + pixels * (body[0] if body else 1)
        if scans > MAX_SCANS or work > _MAX_WORK:
            raise Unreadable(
                f"it is built up in {scans} or more steps (progressive scans), which takes too "
                "long; save it as a JPEG that is not progressive, or as PNG"
            )


def _require_held(pixels: int, most: int) -> None:
    if pixels > most:
        raise Unreadable(
            f"it states {pixels} pixels, but its bytes can hold {most} at most: it is cut short or "
            "damaged; copy it again or remove it"
        )


def jpeg_size(data: bytes) -> tuple[int, int]:
    """(height, width) that a JPEG file states; (0, 0) where it states none."""
    frames = (body for kind, body in segments(data) if kind in _FRAMES)
    height, width = struct.unpack_from(">HH", next(frames, bytes(5)), 1)
    return height, width


def segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind (its marker's second byte) and content of the segments of a JPEG, without the pixels."""
    at = 2
    while found := _ANY_MARKER.search(data, at):
        kind, at = data[found.end() - 1], found.end()
        if kind == JPEG_END[1]:
            yield kind, b""
            return
        size = int.from_bytes(data[at : at + 2], "big")
        yield kind, data[at + 2 : at + size]
        at += max(2, size)


def stated_webp_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) in the header of a WebP file; None for another file or a damaged header.

    Its decoder takes memory for all of it as soon as it is opened.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP" or len(data) < 30:
        return None
    kind = data[12:16]
    if kind == b"VP8X":
        sides = data[24:27] + b"\0" + data[27:30] + b"\0"
        width, height = struct.unpack("<II", sides)
        return width + 1, height + 1
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


# TIFF ----------------------------------------------------------------------------------------

_TAG_BYTES = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8)  # by the type of a tag
_BYTE_TYPES = {1, 2, 6, 7}


def count_pages(data: bytes) -> int:
    """How many pages a TIFF or BigTIFF has.

    Raises Unreadable where they go in circles or are too many, and where the tags of one state more
    numbers than the file can hold: tifffile would follow both to the end.
    """
    order = "<" if data[:2] == b"II" else ">"
    head, count, form = (8, "Q", "HHQQ") if 43 in data[2:4] else (4, "H", "HHII")
    counting, tag = struct.Struct(order + count), struct.Struct(order + form)
    placing = struct.Struct(order + form[-1])
    (at,) = placing.unpack_from(data, head)
    seen: set[int] = set()
    while at and at + counting.size <= len(data):
        if at in seen:
            raise Unreadable("its header is damaged (its pages go in circles); save it again")
        if len(seen) == _MAX_PAGES:
            raise Unreadable(f"it has more than {_MAX_PAGES} pages; save one as a file")
        (tags,) = counting.unpack_from(data, at)
        begin, end = at + counting.size, at + counting.size + tags * tag.size
        if tags > _MAX_TAGS:
            break
        seen.add(at)
        if end + placing.size > len(data):
            break
        _require_sound_tags(list(tag.iter_unpack(data[begin:end])), placing.size, len(data))
        (at,) = placing.unpack_from(data, end)
    return len(seen)


def _require_sound_tags(tags: list[tuple[int, int, int, int]], inline: int, most: int) -> None:
    """Raise Unreadable where the tags of a page (code, type, count, place) hold too much.

    ``most``: bytes of the file; values of up to ``inline`` bytes stand in the tag itself.
    """
    held = 0
    for _, kind, count, place in tags:
        size = count * (_TAG_BYTES[kind] if kind < len(_TAG_BYTES) else 0)
        if size <= inline or place + size > most:  # what lies outside of the file is not read
            continue
        held += size
        if held > 2 * most or (count > _MAX_NUMBERS and kind not in _BYTE_TYPES):
            raise Unreadable("its header is damaged (its tags hold too much); save it again")
