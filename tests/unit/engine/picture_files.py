"""Picture files of every layout, written from their numbers without the package's own reader."""

from __future__ import annotations

import lzma
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import imagecodecs
import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]
CODECS: dict[str, tuple[int, Callable[[bytes], bytes | bytearray]]] = {
    "none": (1, bytes),
    "lzw": (5, imagecodecs.lzw_encode),
    "deflate": (8, zlib.compress),
    "old deflate": (32946, zlib.compress),
    "packbits": (32773, imagecodecs.packbits_encode),
    "lzma": (34925, lzma.compress),
    "zstd": (50000, imagecodecs.zstd_encode),
}


@dataclass(frozen=True)
class Layout:
    """How a TIFF file stores its samples; ``tile``: (height, width) or None for strips."""

    order: Literal["<", ">"] = "<"
    planar: bool = False
    codec: str = "none"
    predictor: int = 1
    tile: tuple[int, int] | None = None
    rows: int = 1000
    big: bool = False
    fill: int = 1
    orientation: int = 1


def packed(rows: Numbers, bits: int) -> bytes:
    """Numbers (rows, count) of ``bits`` bit, each row from a new byte on."""
    wide = rows.astype(">u4").view(np.uint8).reshape(*rows.shape, 4)
    loose = np.unpackbits(wide, axis=2)[:, :, 32 - bits :].reshape(len(rows), -1)
    return np.packbits(loose, axis=1).tobytes()


def _segment(block: Numbers, bits: int, layout: Layout) -> bytes:
    """A strip or tile (rows, columns, samples), encoded."""
    rows, _columns, samples = block.shape
    if layout.predictor == 3:
        planes = block.astype(block.dtype.newbyteorder(">")).view(np.uint8)
        planes = planes.reshape(rows, -1, bits // 8).swapaxes(1, 2).reshape(rows, -1, samples)
        plain = np.diff(planes, axis=1, prepend=np.uint8(0)).astype(np.uint8).tobytes()
    elif bits in {8, 16, 32, 64}:
        if layout.predictor == 2:
            first = block[:, :1]
            block = np.concatenate([first, block[:, 1:] - block[:, :-1]], axis=1)
        plain = block.astype(block.dtype.newbyteorder(layout.order)).tobytes()
    else:
        plain = packed(block.reshape(rows, -1), bits)
    data = bytes(CODECS[layout.codec][1](plain))
    if layout.fill == 2:
        data = np.packbits(
            np.unpackbits(np.frombuffer(data, np.uint8)), bitorder="little"
        ).tobytes()
    return data


def tiff_page(
    samples: Numbers, bits: int, photometric: int, layout: Layout, tags: dict[int, Any], at: int
) -> tuple[bytes, int, int]:
    """A page for the place ``at`` in a file; where its directory and the link to the next are.

    ``samples``: (H, W, S); ``tags``: more tags, numbers or lists of numbers (SHORT).
    """
    height, width, count = samples.shape
    form = {"u": 1, "i": 2, "f": 3}[samples.dtype.kind]
    planes = np.split(samples, count, axis=2) if layout.planar else [samples]
    high, wide = layout.tile or (min(layout.rows, height), width)
    segments = []
    for plane, y, x in product(planes, range(0, height, high), range(0, width, wide)):
        block = plane[y : y + high, x : x + wide]
        if layout.tile:
            missing = ((0, high - block.shape[0]), (0, wide - block.shape[1]), (0, 0))
            block = np.pad(block, missing)
        segments.append(_segment(block, bits, layout))
    starts = (at + np.cumsum([0, *map(len, segments)])[:-1]).tolist()
    lengths = list(map(len, segments))
    entries: dict[int, Any] = {
        256: width,
        257: height,
        258: [bits] * count,
        259: CODECS[layout.codec][0],
        262: photometric,
        266: layout.fill,
        274: layout.orientation,
        277: count,
        284: 2 if layout.planar else 1,
        339: [form] * count,
        **({317: layout.predictor} if layout.predictor > 1 else {}),
        **({322: wide, 323: high} if layout.tile else {278: high}),
        (324 if layout.tile else 273): starts,
        (325 if layout.tile else 279): lengths,
        **tags,
    }
    return _with_directory(b"".join(segments), entries, layout, at)


def _with_directory(
    pixels: bytes, entries: dict[int, Any], layout: Layout, at: int
) -> tuple[bytes, int, int]:
    order, big = layout.order, layout.big
    pixels += bytes(-len(pixels) % 2)
    head, entry, inline = ("Q", "HHQ", 8) if big else ("H", "HHI", 4)
    behind = (
        at + len(pixels) + struct.calcsize(f"{order}{head}") + (20 if big else 12) * len(entries)
    )
    behind += 8 if big else 4
    fields, values = b"", b""
    for tag, value in sorted(entries.items()):
        numbers = value if isinstance(value, list) else [value]
        long = tag in {256, 257, 273, 278, 279, 322, 323, 324, 325}
        stored = struct.pack(f"{order}{len(numbers)}{'I' if long else 'H'}", *numbers)
        fields += struct.pack(f"{order}{entry}", tag, 4 if long else 3, len(numbers))
        if len(stored) <= inline:
            fields += stored.ljust(inline, b"\0")
        else:
            fields += struct.pack(f"{order}{'Q' if big else 'I'}", behind + len(values))
            values += stored + bytes(len(stored) % 2)
    start = pixels + struct.pack(f"{order}{head}", len(entries)) + fields
    return start + bytes(8 if big else 4) + values, len(pixels), len(start)


def tiff_file(pages: list[tuple[Numbers, int, int, Layout, dict[int, Any]]]) -> bytes:
    """A TIFF of pages, each given as ``tiff_page`` wants them but for its place."""
    layout = pages[0][3]
    order, big = layout.order, layout.big
    mark = b"II" if order == "<" else b"MM"
    number = "Q" if big else "I"
    data = mark + (struct.pack(f"{order}HHH", 43, 8, 0) if big else struct.pack(f"{order}H", 42))
    link = len(data)
    data += bytes(8 if big else 4)
    for samples, bits, photometric, how, tags in pages:
        page, directory, following = tiff_page(samples, bits, photometric, how, tags, len(data))
        place = struct.pack(f"{order}{number}", len(data) + directory)
        data = data[:link] + place + data[link + len(place) :]
        link = len(data) + following
        data += page
    return data


def png_file(
    rows: Numbers, bits: int, colour_type: int, *, interlaced: bool = False, chunks: bytes = b""
) -> bytes:
    """A PNG of (H, W, S) numbers; ``chunks``: what stands between header and pixels."""
    height, width = rows.shape[:2]
    steps = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
    passes = [*steps, (1, 0, 2, 1)] if interlaced else [(0, 0, 1, 1)]
    plain = b""
    for y, x, down, across in passes:
        part = rows[y::down, x::across]
        if part.size:
            lines = packed(part.reshape(len(part), -1), bits)
            line = len(lines) // len(part)
            plain += b"".join(b"\0" + lines[at : at + line] for at in range(0, len(lines), line))
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, interlaced)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + chunks
        + png_chunk(b"IDAT", zlib.compress(plain))
        + png_chunk(b"IEND", b"")
    )


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of a PNG with its checksum."""
    checksum = struct.pack(">I", zlib.crc32(kind + body))
    return struct.pack(">I", len(body)) + kind + body + checksum


def bmp_file(
    rows: Numbers,
    bits: int,
    *,
    palette: Numbers | None = None,
    masks: tuple[int, ...] = (),
    top_down: bool = False,
) -> bytes:
    """A BMP of (H, W) numbers of ``bits`` bit; ``palette``: (N, 3) red, green, blue.

    ``masks`` of red, green, blue (and alpha: then with a BITMAPV4HEADER) say where each is.
    """
    height, width = rows.shape
    ordered = rows if top_down else rows[::-1]
    if bits < 16:
        data = packed(ordered, bits)
    else:
        data = (
            ordered.astype("<u4")
            .view(np.uint8)
            .reshape(height, width, 4)[..., : bits // 8]
            .tobytes()
        )
    line = len(data) // height
    padded = b"".join(
        data[at : at + line] + bytes(-line % 4) for at in range(0, height * line, line)
    )
    colours = b"" if palette is None else np.pad(palette[:, ::-1], ((0, 0), (0, 1))).tobytes()
    large = 108 if len(masks) == 4 else 40
    used = 0 if palette is None else len(palette)
    stated = -height if top_down else height
    head = struct.pack(
        "<IiiHHIIiiII",
        large,
        width,
        stated,
        1,
        bits,
        3 if masks else 0,
        len(padded),
        2835,
        2835,
        used,
        0,
    )
    head += struct.pack(f"<{len(masks)}I", *masks)
    head += bytes(large - len(head)) if large == 108 else b""
    start = 14 + len(head) + len(colours)
    return struct.pack("<2sIII", b"BM", start + len(padded), 0, start) + head + colours + padded
