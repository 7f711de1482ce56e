"""TIFF files: whatever layout the format allows -> upright RGB, or why not.

tifffile reads the structure. Strips and tiles are unpacked here, never further than the header
states, so that a small file cannot take all memory. Pictures inside (JPEG, fax, subsampled colour)
are decoded by Pillow's libtiff; JPEG 2000, WebP and JPEG of 12 bit need imagecodecs.
"""

import logging
import lzma
import struct
import zlib
from importlib.util import find_spec
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from cfinspect.engine.base.decoding import (
    Pixels,
    Say,
    Unreadable,
    grey_to_rgb,
    jpeg_size,
    known_turn,
    lay_over,
    rgb_of_pillow,
    say_if_all_is_transparent,
    to_8_bit,
    turned_array,
    upright,
)

_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_WHITE_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 2, 3, 5, 6
_COLOURS = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3}  # samples of a colour, by photometric tag
_OTHER_KINDS = {
    4: "a transparency mask",
    8: "CIE L*a*b* colours",
    9: "ICC L*a*b* colours",
    10: "ITU L*a*b* colours",
    32803: "raw data of a camera's sensor",
    32844: "LogL brightness",
    32845: "LogLuv colours",
    34892: "raw data of a camera's sensor",
}
_STORED, _JPEG, _LZMA, _DEFLATE = 1, 7, 34925, (8, 32946)
_BYTES_BY_LIBTIFF = (5, 32773, 50000)  # LZW, PackBits, Zstandard
_BYTES = {_STORED, _LZMA, *_DEFLATE, *_BYTES_BY_LIBTIFF}
_FAX, _PICTURES = {2, 3, 4}, {6, _JPEG}
_BY_IMAGECODECS = {7: "JPEG", 33005: "JPEG 2000", 34712: "JPEG 2000", 50001: "WebP"}
_SAMPLE_KINDS = {1: "u", 2: "i", 3: "f", 4: "u"}
_BITS = {"u": {*range(1, 33), 64}, "i": {8, 16, 32, 64}, "f": {16, 32, 64}}
_REVERSED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))
_BYTES_A_PIXEL = 8  # four channels of 16 bit, at the limit of pixels
_AT_ONCE = 1 << 20
_CUT = "the file is cut short or damaged; copy it again or remove it"

# It logs what it mends; where nobody listens, Python would print that on stderr.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


def is_tiff(data: bytes) -> bool:
    """Whether the bytes of a file begin like a TIFF or BigTIFF."""
    return data[:4] in _MAGIC


class Tiff:
    """The page of a TIFF file that is the picture: the first that is no preview and no mask.

    ``size``: (height, width) upright; ``turned``: its orientation 1..8. All of it raises Unreadable
    where there is a reason to tell, and nearly anything where the file is damaged.
    """

    def __init__(self, data: bytes) -> None:
        from tifffile import TiffFile, TiffPage  # noqa: PLC0415  (only where there is a TIFF)

        self._data = data
        pages = TiffFile(BytesIO(data)).pages
        self._count = len(pages)
        numbered = ((number, pages.get(number)) for number in range(self._count))
        whole = (
            (number, page)
            for number, page in numbered
            if isinstance(page, TiffPage) and not int(page.subfiletype) & 0b101
        )
        self._number, page = next(whole, (-1, pages.first))
        if self._number < 0 and 330 in page.tags:  # as in DNG files
            raise Unreadable("only a preview stands beside raw data in it; save it as RGB")
        self._number = max(0, self._number)
        self._page = page
        self._height, self._width = int(page.imagelength), int(page.imagewidth)
        self._samples, self._bits = int(page.samplesperpixel), page.bitspersample
        self._colours = page.tags.valueof(262)
        self.turned = known_turn(page.tags.valueof(274))
        if min(self._height, self._width, self._samples) < 1:
            raise Unreadable("its header is damaged (it states no width or no height)")
        size = (self._height, self._width)
        self.size = size[::-1] if self.turned >= 5 else size

    def require_readable(self, max_pixels: int) -> None:
        """Raise Unreadable for a picture of a kind that cannot be shown truly, or too large."""
        page, kind, form = self._page, self._colours, _SAMPLE_KINDS.get(self._page.sampleformat, "")
        bits = self._bits
        if not isinstance(bits, int) or bits not in _BITS.get(form, ()):
            raise Unreadable(
                f"its samples are of {bits} bit (format {page.sampleformat}); save "
                "it with 8 or 16 bit"
            )
        high, wide, across, down = self._grid()
        stored = high * wide * across * down * self._samples * -(-bits // 8)
        if stored > _BYTES_A_PIXEL * max_pixels:
            raise Unreadable(
                f"{self._samples} samples of {bits} bit for each of {self._width} x "
                f"{self._height} pixels are over the limit; make it smaller"
            )
        if page.imagedepth != 1:
            raise Unreadable("it is a volume, not a picture; save its slices as files")
        if kind is None:
            raise Unreadable("it does not state how its numbers become grey or colour")
        if self._samples < _COLOURS.get(kind, 1 << 16):
            what = _OTHER_KINDS.get(kind, f"colours of kind {int(kind)}")
            raise Unreadable(f"it holds {what}, {self._samples} samples a pixel; save it as RGB")
        if kind == _CMYK and page.tags.valueof(332, 1) != 1:
            raise Unreadable("its inks are not cyan, magenta, yellow and black; save it as RGB")
        if page.predictor not in ({1, 2, 3} if form == "f" else {1, 2}):
            raise Unreadable(f"its predictor {page.predictor} is unknown; save it without")
        self._require_codec(int(page.compression))

    def _require_codec(self, codec: int) -> None:
        if self._is_byte_packed() or self._is_libtiffs():
            return
        if self._colours == _YCBCR and codec != _JPEG:
            raise Unreadable(f"it holds YCbCr colours of {self._bits} bit; save it as RGB")
        if codec not in _BY_IMAGECODECS:
            raise Unreadable(f"its compression {codec} is unknown; save it with LZW or without")
        if find_spec("imagecodecs") is None:
            raise Unreadable(
                f"its compression ({_BY_IMAGECODECS[codec]}) needs the package imagecodecs: "
                "pip install 'cfinspect[tiff]', or save it with LZW"
            )

    def _is_byte_packed(self) -> bool:
        return self._page.compression in _BYTES and self._colours != _YCBCR

    def _is_libtiffs(self) -> bool:
        if self._page.compression in _FAX:
            return self._bits == 1
        coded = self._page.compression in _PICTURES or self._colours == _YCBCR
        return coded and self._bits == 8

    def decode(self, background: tuple[int, ...], say: Say, *, guess: bool = True) -> Pixels:
        """Upright RGB (H, W, 3) uint8, transparent parts over ``background``.

        ``guess``: see ``to_8_bit``. Call ``require_readable`` first.
        """
        if self._count > 1:
            say(f"a TIFF of {self._count} pages: only page {self._number + 1} was read")
        if self._is_libtiffs():
            return self._by_libtiff(background, say)
        samples = self._unpacked() if self._is_byte_packed() else self._by_imagecodecs()
        kind = _RGB if self._colours == _YCBCR else self._colours  # imagecodecs gives RGB
        count = _COLOURS[kind]
        if kind == _PALETTE:
            rgb = self._looked_up(samples[..., 0])
        else:
            shallow = to_8_bit(samples[..., :count], self._bits, say, guess=guess and kind != _CMYK)
            if kind == _WHITE_IS_ZERO:
                shallow = np.invert(shallow)
            if kind == _CMYK:
                shallow = np.array(Image.fromarray(shallow, "CMYK").convert("RGB"))
            rgb = grey_to_rgb(shallow[..., 0]) if count == 1 else shallow
        return upright(self._over(rgb, samples[..., count:], background, say, guess), self.turned)

    def numbers(self) -> tuple[NDArray[Any], Pixels | None]:
        """Upright samples (H, W, S) as stored, white as the highest; the palette (N, 3), if any.

        Pictures inside strips or tiles come as RGB. Call ``require_readable`` first.
        """
        if not self._is_byte_packed():
            return self.decode((0, 0, 0, 255), lambda _text: None, guess=False), None
        samples = self._unpacked()
        if self._colours == _WHITE_IS_ZERO and samples.dtype.kind == "u":
            samples = samples.dtype.type((1 << self._bits) - 1) - samples
        palette = None
        if self._colours == _PALETTE:
            count = 1 << self._bits
            palette = self._looked_up(np.arange(count))
        return turned_array(samples, self.turned), palette

    def _over(
        self, rgb: Pixels, extra: NDArray[Any], background: tuple[int, ...], say: Say, guess: bool
    ) -> Pixels:
        """Without the extra samples: alpha is laid over the background, others are left out."""
        meanings = [int(one) for one in self._page.extrasamples][: extra.shape[2]]
        place = next((at for at, meaning in enumerate(meanings) if meaning in {1, 2}), None)
        if extra.shape[2] > (place is not None):
            say("a TIFF with extra channels of unknown meaning: they were left out")
        if place is None:
            return rgb
        alpha = to_8_bit(extra[..., place], self._bits, lambda _text: None, guess=guess)
        if meanings[place] == 1 and not alpha.any() and rgb.any():
            say("a TIFF whose alpha is 0 everywhere: read as if it had none")
            return rgb
        say_if_all_is_transparent(int(alpha.max()), say)
        return lay_over(rgb, alpha, background, premultiplied=meanings[place] == 1)

    def _looked_up(self, numbers: NDArray[Any]) -> Pixels:
        colours = np.asarray(self._page.colormap)
        if colours.ndim != 2 or len(colours) != 3 or numbers.max() >= colours.shape[1]:
            raise Unreadable("its palette is missing or too short; save it as RGB")
        # Some programs write palettes of 8 bit, though the format has 16.
        shallow = colours >> 8 if colours.max() > 255 else colours
        return np.ascontiguousarray(shallow.T.astype(np.uint8)[numbers])

    def _by_libtiff(self, background: tuple[int, ...], say: Say) -> Pixels:
        try:
            image = Image.open(BytesIO(self._data), formats=("TIFF",))
            image.seek(self._number)
            image.load()  # Pillow turns it upright
        except (UnidentifiedImageError, ValueError) as error:
            raise Unreadable(
                "its layout, colours and compression do not go together; save it as RGB"
            ) from error
        return rgb_of_pillow(image, self.turned, background, say)

    def _by_imagecodecs(self) -> NDArray[Any]:
        """Samples (H, W, S) of pictures inside strips or tiles, each no larger than stated."""
        page = self._page
        high, wide, *_ = self._grid()
        for at, length in zip(page.dataoffsets, page.databytecounts, strict=False):
            piece = self._data[at : at + length]
            inner = jpeg_size(piece) if page.compression == _JPEG else _stated_size(piece)
            if inner[0] > high or inner[1] > wide:
                raise Unreadable("the pictures in it are larger than it states; save it again")
        planes = page.asarray(squeeze=False, maxworkers=1)[:, 0]
        return np.concatenate(list(planes), axis=-1)

    def _grid(self) -> tuple[int, int, int, int]:
        """Height and width of a strip or tile, and how many there are across and down."""
        page = self._page
        if page.is_tiled:
            high, wide = int(page.tilelength), int(page.tilewidth)
        else:
            high, wide = min(int(page.rowsperstrip), self._height), self._width
        if high < 1 or wide < 1:
            raise Unreadable("its header is damaged (strips or tiles without rows)")
        return high, wide, -(-self._width // wide), -(-self._height // high)

    def _unpacked(self) -> NDArray[Any]:
        """Samples (H, W, S) of strips or tiles that hold bytes."""
        planes = self._samples if self._page.planarconfig == 2 else 1
        each = self._samples // planes
        high, wide, across, down = self._grid()
        parts = []
        for plane in range(planes):
            rows = _samples_of(self._rows(plane, each), wide, each, self._page)
            if self._page.is_tiled:
                tiles = rows.reshape(down, across, high, wide, each).swapaxes(1, 2)
                rows = tiles.reshape(down * high, across * wide, each)
            parts.append(rows[: self._height, : self._width])
        return parts[0] if planes == 1 else np.concatenate(parts, axis=2)

    def _rows(self, plane: int, each: int) -> Pixels:
        """Bytes (rows, bytes in a row) of all strips or tiles of a plane, one below the other."""
        page = self._page
        high, wide, across, down = self._grid()
        count = across * down
        part = slice(plane * count, (plane + 1) * count)
        places = list(zip(page.dataoffsets[part], page.databytecounts[part], strict=False))
        line = -(-wide * each * self._bits // 8)
        lines = count * high if page.is_tiled else self._height
        needed = [line * min(high, lines - number * high) for number in range(count)]
        if len(places) < count or not all(length for _at, length in places):
            raise Unreadable(_CUT)
        pieces = [self._data[at : at + length] for at, length in places]
        if page.fillorder == 2:
            pieces = [piece.translate(_REVERSED) for piece in pieces]
        codec = int(page.compression)
        if codec in _BYTES_BY_LIBTIFF:
            return _libtiff_rows(pieces, codec, (lines, line), high)
        plain = [_plain(piece, codec, size) for piece, size in zip(pieces, needed, strict=True)]
        if any(len(piece) < size for piece, size in zip(plain, needed, strict=True)):
            raise Unreadable(_CUT)
        return np.frombuffer(b"".join(plain), np.uint8).reshape(lines, line)


def _stated_size(piece: bytes) -> tuple[int, int]:
    with Image.open(BytesIO(piece), formats=("JPEG2000", "WEBP")) as image:
        return image.height, image.width


def _plain(piece: bytes, codec: int, size: int) -> bytes:
    """At most ``size`` bytes of a strip or tile."""
    if codec in _DEFLATE:
        return zlib.decompressobj().decompress(piece, size)
    if codec == _LZMA:
        return lzma.LZMADecompressor().decompress(piece, size)
    return piece[:size]


def _libtiff_rows(pieces: list[bytes], codec: int, shape: tuple[int, int], high: int) -> Pixels:
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
        return np.asarray(image)


def _samples_of(rows: Pixels, wide: int, each: int, page: Any) -> NDArray[Any]:
    """Samples (rows, wide, each) of bytes (rows, bytes in a row), the predictor undone."""
    bits, kind = page.bitspersample, _SAMPLE_KINDS[page.sampleformat]
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
    if count > _AT_ONCE * 8:
        raise Unreadable("its rows are too long to be unpacked; make it smaller")
    width = 8 if bits <= 8 else 16 if bits <= 16 else 32
    numbers = np.empty((len(rows), count), f"u{width // 8}")
    step = max(1, _AT_ONCE // count)
    for at in range(0, len(rows), step):
        loose = np.unpackbits(rows[at : at + step], axis=1)[:, : count * bits].reshape(-1, bits)
        padded = np.pad(loose, ((0, 0), (width - bits, 0)))
        whole = np.packbits(padded, axis=1).view(f">u{width // 8}")
        numbers[at : at + step] = whole.reshape(-1, count)
    return numbers
