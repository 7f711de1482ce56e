"""The strips and tiles of a TIFF: compressed bytes -> rows of bytes -> samples.

They are unpacked no further than the header states, so that a small file cannot take all memory.
"""

import lzma
import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cfinspect.engine.base.budget import Unreadable
from cfinspect.engine.base.decoding import Pixels, row_bands

LZMA, DEFLATE = 34925, (8, 32946)
SAMPLE_KINDS = {1: "u", 2: "i", 3: "f", 4: "u"}
AT_ONCE = 1 << 20


def plain(piece: bytes, codec: int, size: int) -> bytes:
    """At most ``size`` bytes of a strip or tile."""
    if codec in DEFLATE:
        return zlib.decompressobj().decompress(piece, size)
    if codec == LZMA:
        return lzma.LZMADecompressor().decompress(piece, size)
    return piece[:size]


def libtiff_rows(pieces: list[bytes], codec: int, shape: tuple[int, int], high: int) -> Pixels:
    """Bytes (rows, bytes in a row) of strips of ``high`` rows: as a grey picture, by libtiff."""
    lines, line = shape
    count, behind = len(pieces), 8 + 2 + 9 * 12 + 4
    lengths = [len(piece) for piece in pieces]
    starts = behind + 8 * count + np.cumsum([0, *lengths[:-1]])
    lists = struct.pack(f"<{2 * count}I", *starts.tolist(), *lengths)
    inline = (int(starts[0]), lengths[0]) if count == 1 else (behind, behind + 4 * count)
    tags = {256: line, 257: lines, 258: 8, 259: codec, 262: 1, 273: inline[0], 277: 1, 278: high}
    entries = [(tag, 1, value) for tag, value in (tags | {279: inline[1]}).items()]
    fields = b"".join(
        struct.pack("<HHII", tag, 4, count if tag in {273, 279} else number, value)
        for tag, number, value in entries
    )
    file = struct.pack("<4sIH", b"II*\0", 8, 9) + fields + bytes(4) + lists + b"".join(pieces)
    with Image.open(BytesIO(file), formats=("TIFF",)) as image:
        bands = row_bands(lines, line)
        if len(bands) == 1:
            return np.asarray(image)
        rows = np.empty(shape, dtype=np.uint8)
        for band in bands:
            rows[band] = np.asarray(image.crop((0, band.start, line, band.stop)))
        return rows


def samples_of(rows: Pixels, wide: int, each: int, page: Any) -> NDArray[Any]:
    """Samples (rows, wide, each) of bytes (rows, bytes in a row), the predictor undone."""
    bits, kind = page.bitspersample, SAMPLE_KINDS[page.sampleformat]
    if page.predictor == 3:
        shares = np.cumsum(rows.reshape(len(rows), -1, each), axis=1, dtype=np.uint8)
        planes = shares.reshape(len(rows), bits // 8, wide * each).swapaxes(1, 2)
        return np.ascontiguousarray(planes).view(f">f{bits // 8}").reshape(-1, wide, each)
    if bits not in {8, 16, 32, 64}:
        if page.predictor == 2:
            raise Unreadable(f"its predictor does not go with {bits} bit; save it without")
        return _of_bits(rows, wide * each, bits).reshape(-1, wide, each)
    order = page.parent.byteorder
    numbers = rows.view(f"{order}u{bits // 8}").reshape(-1, wide, each)
    numbers = numbers.astype(numbers.dtype.newbyteorder("="), copy=False)
    if page.predictor == 2:
        numbers = np.cumsum(numbers, axis=1, dtype=numbers.dtype)
    return numbers.view(f"{kind}{bits // 8}")


def _of_bits(rows: Pixels, count: int, bits: int) -> NDArray[Any]:
    """Numbers (rows, count) of ``bits`` bit each, packed without gaps from the highest bit on."""
    if count > AT_ONCE * 8:
        raise Unreadable("its rows are too long to be unpacked; make it smaller")
    width = 8 if bits <= 8 else 16 if bits <= 16 else 32
    numbers = np.empty((len(rows), count), f"u{width // 8}")
    step = max(1, AT_ONCE // count)
    for at in range(0, len(rows), step):
        loose = np.unpackbits(rows[at : at + step], axis=1)[:, : count * bits].reshape(-1, bits)
        padded = np.pad(loose, ((0, 0), (width - bits, 0)))
        whole = np.packbits(padded, axis=1).view(f">u{width // 8}")
        numbers[at : at + step] = whole.reshape(-1, count)
    return numbers
