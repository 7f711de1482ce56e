"""TIFF files: whatever layout the format allows -> upright RGB, or why not.

tifffile reads the structure. Strips and tiles are unpacked here, never further than the header
states, so that a small file cannot take all memory. Pictures inside (JPEG, fax, subsampled colour)
are decoded by Pillow's libtiff; JPEG 2000, WebP and JPEG of 12 bit need imagecodecs.
"""

import logging
from collections.abc import Callable
from importlib.util import find_spec
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from cfinspect.engine.base.budget import Unreadable, count_pages, jpeg_size, require_memory
from cfinspect.engine.base.decoding import (
    Pixels,
    Say,
    grey_to_rgb,
    in_bands,
    known_turn,
    lay_over,
    rgb_of_pillow,
    row_bands,
    say_if_all_is_transparent,
    shades,
    turned_array,
    upright,
)
from cfinspect.engine.base.strips import (
    AT_ONCE,
    DEFLATE,
    LZMA,
    SAMPLE_KINDS,
    libtiff_rows,
    plain,
    samples_of,
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
_STORED, _JPEG = 1, 7
_BYTES_BY_LIBTIFF = (5, 32773, 50000)  # LZW, PackBits, Zstandard
_BYTES = {_STORED, LZMA, *DEFLATE, *_BYTES_BY_LIBTIFF}
_FAX, _PICTURES = {2, 3, 4}, {6, _JPEG}
_BY_IMAGECODECS = {7: "JPEG", 33005: "JPEG 2000", 34712: "JPEG 2000", 50001: "WebP"}
_BITS = {"u": {*range(1, 33), 64}, "i": {8, 16, 32, 64}, "f": {16, 32, 64}}
_REVERSED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))
_BYTES_A_PIXEL = 8  # four channels of 16 bit, at the limit of pixels
_CODEC_BYTES = 12  # that JPEG 2000 takes for a sample
_PREVIEWS = 100  # pages among which the picture is looked for
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
        self._count = count_pages(data)
        pages = TiffFile(BytesIO(data)).pages
        looked_at = range(min(self._count, _PREVIEWS))
        numbered = ((number, pages.get(number)) for number in looked_at)
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
        page, kind, form = self._page, self._colours, SAMPLE_KINDS.get(self._page.sampleformat, "")
        bits = self._bits
        if not isinstance(bits, int) or bits not in _BITS.get(form, ()):
            raise Unreadable(
                f"its samples are of {bits} bit (format {page.sampleformat}); save "
                "it with 8 or 16 bit"
            )
        self._require_affordable(max_pixels)
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

    def _require_affordable(self, max_pixels: int) -> None:
        """Raise Unreadable for more samples, or more memory for decoding, than may be."""
        page, codec = self._page, int(self._page.compression)
        high, wide, across, down = self._grid()
        pixels, each = self._height * self._width, self._samples * -(-self._bits // 8)
        stored = high * wide * across * down * each
        if stored > _BYTES_A_PIXEL * max_pixels:
            raise Unreadable(
                f"{self._samples} samples of {self._bits} bit for each of {self._width} x "
                f"{self._height} pixels are over the limit; make it smaller"
            )
        if self._colours == _PALETTE and self._bits > 16:
            raise Unreadable("its palette is missing or too short; save it as RGB")
        rgb = pixels * (3 if self.turned == 1 else 6)
        if self._is_libtiffs():
            require_memory(4 * pixels + rgb)
        elif self._is_byte_packed():
            whole = 0 if self._is_of_one_part() else pixels * each
            part = self._rows_of_a_part() * high * wide * across * each
            copies = 1 + (codec in _BYTES_BY_LIBTIFF) + (page.predictor != 1)
            require_memory(whole + max(part * copies, rgb))
        else:
            require_memory(pixels * each + max(high * wide * self._samples * _CODEC_BYTES, rgb))
        size = len(self._data)
        places = zip(page.dataoffsets, page.databytecounts, strict=False)
        if sum(max(0, min(length, size - at)) for at, length in places) > 2 * size:
            raise Unreadable("its header is damaged (its strips or tiles lie over one another)")

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
        guess = guess and kind != _CMYK
        shade = None
        if kind != _PALETTE:
            shade = shades(samples[..., :count], self._bits, say, guess=guess)

        def colours(rows: slice) -> Pixels:
            if shade is None:
                return self._looked_up(samples[rows, :, 0])
            shallow = shade(samples[rows, :, :count])
            if kind == _WHITE_IS_ZERO:
                shallow = np.invert(shallow)
            if kind == _CMYK:
                shallow = np.array(Image.fromarray(shallow, "CMYK").convert("RGB"))
            return grey_to_rgb(shallow[..., 0]) if count == 1 else shallow

        over = self._over(samples[..., count:], colours, background, say, guess)
        return upright(in_bands(samples.shape[0], samples.shape[1], over), self.turned)

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
        self,
        extra: NDArray[Any],
        colours: Callable[[slice], Pixels],
        background: tuple[int, ...],
        say: Say,
        guess: bool,
    ) -> Callable[[slice], Pixels]:
        """Without the extra samples: alpha is laid over the background, others are left out."""
        meanings = [int(one) for one in self._page.extrasamples][: extra.shape[2]]
        place = next((at for at, meaning in enumerate(meanings) if meaning in {1, 2}), None)
        if extra.shape[2] > (place is not None):
            say("a TIFF with extra channels of unknown meaning: they were left out")
        if place is None:
            return colours
        shade = shades(extra[..., place], self._bits, lambda _text: None, guess=guess)
        highest = int(shade(np.array([extra[..., place].max()]))[0])
        bands = row_bands(*extra.shape[:2])
        if meanings[place] == 1 and not highest and any(colours(rows).any() for rows in bands):
            say("a TIFF whose alpha is 0 everywhere: read as if it had none")
            return colours
        say_if_all_is_transparent(highest, say)
        times = meanings[place] == 1
        return lambda rows: lay_over(
            colours(rows), shade(extra[rows, :, place]), background, premultiplied=times
        )

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
        return planes[0] if len(planes) == 1 else np.concatenate(list(planes), axis=-1)

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

    def _rows_of_a_part(self) -> int:
        """How many rows of strips or tiles are unpacked at a time."""
        high, wide, across, down = self._grid()
        return min(down, max(1, AT_ONCE * 4 // (high * wide * across)))

    def _is_of_one_part(self) -> bool:
        _, _, _, down = self._grid()
        joined = self._page.planarconfig == 2 and self._samples > 1
        return self._rows_of_a_part() == down and not joined and not self._page.is_tiled

    def _unpacked(self) -> NDArray[Any]:
        """Samples (H, W, S) of strips or tiles that hold bytes."""
        if self._is_of_one_part():
            return self._part(0, slice(0, self._grid()[3]))
        planes = self._samples if self._page.planarconfig == 2 else 1
        each = self._samples // planes
        high, _, _, down = self._grid()
        step = self._rows_of_a_part()
        whole: NDArray[Any] | None = None
        for plane in range(planes):
            for first in range(0, down, step):
                part = self._part(plane, slice(first, min(first + step, down)))
                if whole is None:
                    whole = np.empty((self._height, self._width, self._samples), part.dtype)
                top = first * high
                whole[top : top + len(part), :, plane * each : (plane + 1) * each] = part
        assert whole is not None
        return whole

    def _part(self, plane: int, rows: slice) -> NDArray[Any]:
        """Samples (h, W, S) of some rows of strips or tiles of a plane."""
        each = self._samples if self._page.planarconfig != 2 else 1
        high, wide, across, _ = self._grid()
        count = rows.stop - rows.start
        found = samples_of(self._lines(plane, rows, each), wide, each, self._page)
        if self._page.is_tiled:
            tiles = found.reshape(count, across, high, wide, each).swapaxes(1, 2)
            found = tiles.reshape(count * high, across * wide, each)
        return found[: self._height - rows.start * high, : self._width]

    def _lines(self, plane: int, rows: slice, each: int) -> Pixels:
        """Bytes (lines, bytes in a line) of these strips or tiles, one below the other."""
        page = self._page
        high, wide, across, down = self._grid()
        skipped = plane * across * down
        part = slice(skipped + rows.start * across, skipped + rows.stop * across)
        places = list(zip(page.dataoffsets[part], page.databytecounts[part], strict=False))
        line = -(-wide * each * self._bits // 8)
        count = (rows.stop - rows.start) * across
        lines = count * high
        if not page.is_tiled:
            lines = min(lines, self._height - rows.start * high)
        needed = [line * min(high, lines - number * high) for number in range(count)]
        if len(places) < count or not all(length for _at, length in places):
            raise Unreadable(_CUT)
        pieces = [self._data[at : at + length] for at, length in places]
        if page.fillorder == 2:
            pieces = [piece.translate(_REVERSED) for piece in pieces]
        codec = int(page.compression)
        if codec in _BYTES_BY_LIBTIFF:
            return libtiff_rows(pieces, codec, (lines, line), high)
        loose = [plain(piece, codec, size) for piece, size in zip(pieces, needed, strict=True)]
        if any(len(piece) < size for piece, size in zip(loose, needed, strict=True)):
            raise Unreadable(_CUT)
        return np.frombuffer(b"".join(loose), np.uint8).reshape(lines, line)


def _stated_size(piece: bytes) -> tuple[int, int]:
    with Image.open(BytesIO(piece), formats=("JPEG2000", "WEBP")) as image:
        return image.height, image.width
