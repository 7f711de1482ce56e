"""What lies between a decoder's samples and upright RGB: ranges, transparency, turned pictures.

Also mends two faults that cost no pixel: a JPEG without its end, a PNG with too much metadata.
Nothing here knows of paths: what cannot be read is ``Unreadable``, what had to be decided is said
through ``Say``.
"""

import logging
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cfinspect.engine.base.budget import JPEG_END, Unreadable, png_depth, segments

Say = Callable[[str], None]
Pixels = NDArray[np.uint8]
Shades = Callable[[NDArray[Any]], Pixels]
"""Turns samples of a picture into 0..255."""

WHITE = (255, 255, 255, 255)
# Cameras store fewer bits than the 16 of the file; 8 comes from programs that convert.
_RANGES = (8, 10, 12, 14)
_ORIENTATION_TAG = 0x0112
_PNG_COLOUR_TYPE = 25  # where a PNG states it
_BAND = 1 << 22  # pixels that are converted at a time
_SAVE_AGAIN = "save it with 8 or 16 bit"


_log = logging.getLogger(__name__)


def upright(array: Pixels, how: int) -> Pixels:
    """Turn (H, W) or (H, W, 3) pixels of EXIF orientation ``how`` (1..8) to stand upright."""
    return np.ascontiguousarray(turned_array(array, how))


def turned_array(array: NDArray[Any], how: int) -> NDArray[Any]:
    """Turn an array (H, W, ...) of any kind of samples of EXIF orientation ``how`` upright."""
    if how in {5, 6, 7, 8}:
        array = array.swapaxes(0, 1)
    if how in {3, 4, 7, 8}:
        array = array[::-1]
    if how in {2, 3, 6, 7}:
        array = array[:, ::-1]
    return array


def known_turn(value: object) -> int:
    """An orientation as stored, as 1..8; 1 for anything else."""
    return value if isinstance(value, int) and 2 <= value <= 8 else 1


def to_8_bit(samples: NDArray[Any], bits: int, say: Say, *, guess: bool = True) -> Pixels:
    """Samples of any shape as 0..255: `shades`, looked up for all of them."""
    return shades(samples, bits, say, guess=guess)(samples)


def shades(samples: NDArray[Any], bits: int, say: Say, *, guess: bool = True) -> Shades:
    """How samples, or some of them, become 0..255; of more than 8 bits the high ones are kept.

    ``bits``: how many the file states. Of 16, fewer are taken where no sample needs more than 8,
    10, 12 or 14 (``guess``), and said. Floating-point samples are taken as 0..1, 0..255 or as whole
    numbers, whichever holds them, and said. Raises Unreadable where none does.
    """
    if samples.dtype.kind == "f":
        return _shades_of_floats(samples, say)
    most = int(samples.max(initial=0))
    if samples.dtype.kind == "i" and (bits < 16 or samples.min(initial=0) < 0):
        raise Unreadable(f"its pixels are signed numbers, and may be negative; {_SAVE_AGAIN}")
    if bits > 16 and most > 0xFFFF:
        raise Unreadable(f"its pixels are {bits} bit numbers; {_SAVE_AGAIN}")
    if bits >= 16:
        bits = 15 if samples.dtype == np.int16 else 16
        return _high_bits(_used_bits(most, bits, say) if guess else bits)
    if bits >= 8:
        return _high_bits(bits)
    white = (1 << bits) - 1
    steps = ((np.arange(white + 1) * 255 + white // 2) // white).astype(np.uint8)
    return lambda some: np.asarray(steps[some])


def _high_bits(bits: int) -> Shades:
    if bits == 8:
        return lambda some: np.asarray(some, dtype=np.uint8)
    return lambda some: np.asarray(some.astype(np.uint16, copy=False) >> (bits - 8), dtype=np.uint8)


def _used_bits(most: int, bits: int, say: Say) -> int:
    """How many of ``bits`` the highest sample needs; said where these are fewer."""
    used = next((one for one in _RANGES if 0 < most < 1 << one), bits)
    if used >= bits:
        return bits
    say(f"no pixel is over {(1 << used) - 1}: read as {used} bit, not as 16")
    return used


def _shades_of_floats(samples: NDArray[Any], say: Say) -> Shades:
    least, most = float(samples.min(initial=0)), float(samples.max(initial=0))
    if not (least >= 0 and most <= 0xFFFF):  # also where one is not a number
        raise Unreadable(
            f"its floating-point pixels go from {least:.6g} to {most:.6g}, and nothing says which "
            f"is black and which white; scale them to 0..1, or {_SAVE_AGAIN}"
        )
    if most > 255:
        return _high_bits(_used_bits(int(most), 16, say))
    white = 1 if most <= 1 else 255
    say(f"floating-point pixels, read as 0 (black) to {white} (white)")
    return lambda some: np.asarray(np.rint(some * (255 / white)), dtype=np.uint8)


def grey_to_rgb(grey: Pixels) -> Pixels:
    """Grey (H, W) in three channels, (H, W, 3)."""
    return np.repeat(grey[..., None], 3, axis=2)


def lay_over(
    colours: Pixels, alpha: Pixels, background: tuple[int, ...], *, premultiplied: bool = False
) -> Pixels:
    """RGB (H, W, 3) with ``alpha`` (H, W) over one colour; ``premultiplied``: times alpha already.

    All are 0..255.
    """
    if int(alpha.min(initial=255)) == 255:
        return colours
    if premultiplied:
        rest = (255 - alpha.astype(np.uint16))[..., None] * np.array(background[:3], np.uint16)
        return np.asarray(np.minimum(colours + (rest + 127) // 255, 255), dtype=np.uint8)
    picture = Image.fromarray(np.dstack([colours, alpha]))
    behind = Image.new("RGBA", picture.size, background)
    return np.array(Image.alpha_composite(behind, picture).convert("RGB"), dtype=np.uint8)


def say_if_all_is_transparent(alpha_most: int, say: Say) -> None:
    """Such a picture is one colour to the model, whatever lies under its alpha (0..255)."""
    if alpha_most == 0:
        say("every pixel is transparent: read as one colour, the background")


def rgb_of_pillow(image: Image.Image, turned: int, background: tuple[int, ...], say: Say) -> Pixels:
    """Upright RGB (H, W, 3) of a loaded Pillow image of EXIF orientation ``turned``.

    Raises Unreadable where its pixels are 32 bit numbers.
    """
    # Pillow turns a TIFF while it loads it.
    turned = 1 if image.format == "TIFF" else turned
    if image.mode.startswith("I;16"):
        grey = to_8_bit(np.asarray(image).astype(np.uint16), 16, say)
        return upright(grey_to_rgb(grey), turned)
    if image.mode in {"F", "I"}:
        raise Unreadable(f"its pixels are 32 bit numbers; {_SAVE_AGAIN}")
    if image.has_transparency_data:
        rgb, most = _laid_over(image, background)
        # Frame grabbers leave the fourth byte of a BMP at 0; no program shows it as transparent.
        if image.format != "BMP" or most > 0:
            say_if_all_is_transparent(most, say)
            return upright(rgb, turned)
        say("a BMP whose alpha is 0 everywhere: read as if it had none")
    rgb = in_bands(image.height, image.width, lambda rows: _colours(_band(image, rows)))
    return upright(rgb, turned)


def _laid_over(image: Image.Image, background: tuple[int, ...]) -> tuple[Pixels, int]:
    """RGB (H, W, 3) of an image with transparency over a colour; the highest alpha (0..255)."""
    most = 0

    def over(rows: slice) -> Pixels:
        nonlocal most
        band = _band(image, rows)
        band = band if band.mode == "RGBA" else band.convert("RGBA")
        most = max(most, int(np.asarray(band.getchannel("A")).max()))
        return _colours(Image.alpha_composite(Image.new("RGBA", band.size, background), band))

    return in_bands(image.height, image.width, over), most


def row_bands(height: int, width: int) -> list[slice]:
    """The rows of a picture in parts of a few megapixels: what a step makes of them stays small."""
    step = max(1, _BAND // width)
    return [slice(top, min(top + step, height)) for top in range(0, height, step)]


def in_bands(height: int, width: int, rgb_of: Callable[[slice], Pixels]) -> Pixels:
    """RGB (H, W, 3) of a picture, worked out for some of its rows at a time."""
    bands = row_bands(height, width)
    if len(bands) == 1:
        return rgb_of(bands[0])
    rgb = np.empty((height, width, 3), dtype=np.uint8)
    for rows in bands:
        rgb[rows] = rgb_of(rows)
    return rgb


def _band(image: Image.Image, rows: slice) -> Image.Image:
    if rows.stop - rows.start == image.height:
        return image
    return image.crop((0, rows.start, image.width, rows.stop))


def _colours(image: Image.Image) -> Pixels:
    return np.array(image if image.mode == "RGB" else image.convert("RGB"), dtype=np.uint8)


def rgb_of_deep_png(
    data: bytes, key: object, background: tuple[int, ...], say: Say | None
) -> Pixels:
    """RGB (H, W, 3) of the bytes of a 16 bit PNG, not turned yet.

    Pillow has found it whole, but gives colours of 8 bit only; ``key``: the colour (or grey) that
    it says is transparent, if any. Without ``say`` the full range is taken. Raises Unreadable where
    OpenCV cannot decode it.
    """
    samples = by_opencv(data)
    if samples is None or samples.dtype != np.uint16:
        raise Unreadable("its 16 bit cannot be decoded; save it with 8 bit")
    tell = say or (lambda _text: None)
    stored = samples[..., None] if samples.ndim == 2 else samples
    count = 1 if stored.shape[2] < 3 else 3
    shade = shades(stored[..., :count], 16, tell, guess=say is not None)
    has_alpha = bool(data[_PNG_COLOUR_TYPE] & 4)
    most = 0

    def read(rows: slice) -> Pixels:
        nonlocal most
        colours = stored[rows, :, :count][..., ::-1]
        shallow = shade(colours)
        rgb = np.ascontiguousarray(shallow) if count == 3 else grey_to_rgb(shallow[..., 0])
        if has_alpha:
            alpha = (stored[rows, :, -1] >> 8).astype(np.uint8)
        elif key is not None:
            alpha = np.where((colours == np.array(key)).all(axis=2), 0, 255).astype(np.uint8)
        else:
            return rgb
        most = max(most, int(alpha.max()))
        return lay_over(rgb, alpha, background)

    rgb = in_bands(stored.shape[0], stored.shape[1], read)
    if has_alpha or key is not None:
        say_if_all_is_transparent(most, tell)
    return rgb


def by_opencv(data: bytes) -> NDArray[Any] | None:
    """Samples as OpenCV gives them, None where it cannot decode the file.

    Of a PNG it gets what makes pixels alone: it makes room for whatever size a chunk claims.
    """
    if data.startswith(_PNG_MAGIC):
        data = _png_of_pixels(data)
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


def load_pixels(image: Image.Image, data: bytes, enough: int | None) -> None:
    """Decode an opened image; of a JPEG, a smaller one is good from ``enough`` px on."""
    if enough is not None and image.format == "JPEG":
        share = enough / max(image.size)
        image.draft(None, (max(1, int(image.width * share)), max(1, int(image.height * share))))
    image.load()
    key = image.info.get("transparency")
    if image.format == "PNG" and image.mode == "L" and isinstance(key, int):
        # Pillow spreads grey of 2 and 4 bit over 0..255, but not the one that is transparent.
        image.info["transparency"] = key * 255 // ((1 << min(8, png_depth(data))) - 1)


def orientation_of(image: Image.Image, data: bytes) -> int:
    """EXIF orientation 1..8; 1 where there is none or the EXIF block is damaged."""
    # Pillow decodes a whole PNG to look for EXIF behind the pixels, so look first if there is any.
    if image.format == "PNG" and b"eXIf" not in data and b"Raw profile type exif" not in data:
        return 1
    try:
        return exif_orientation(image)
    except (struct.error, SyntaxError, ValueError, KeyError, TypeError, OSError) as error:
        _log.warning("Ignored a damaged EXIF block: %s", error)
        return 1


def exif_orientation(image: Image.Image) -> int:
    """The same; raises what Pillow raises where the block is damaged."""
    return known_turn(image.getexif().get(_ORIENTATION_TAG))


def pixels_hash(image: Image.Image) -> bytes:
    """A hash of the pixels of a loaded image."""
    found = blake2b()
    for rows in row_bands(image.height, image.width):
        found.update(_band(image, rows).tobytes())
    return found.digest()


# JPEG without its end ------------------------------------------------------------------------


def jpeg_lacks_end(data: bytes) -> bool:
    """Whether no end marker follows the pixels of a JPEG."""
    return not data.endswith(JPEG_END) and all(kind != JPEG_END[1] for kind, _ in segments(data))


def jpeg_with_two_ends(data: bytes) -> tuple[bytes, bytes] | None:
    """A JPEG without end, with two different ends; None where scans are missing.

    Where all pixels are there, both decode to the same ones: nothing of the ends is used. Where
    the file was cut, pixels come out of the ends, and differ.
    """
    if not _all_bits_are_sent(data):
        return None
    body = data.rstrip(b"\x00")  # many zeros are what was not written; one or two may be pixels
    zeros = len(data) - len(body)
    body += bytes(zeros if zeros <= 2 else body.endswith(b"\xff"))
    restarts = [match.start() for match in re.finditer(rb"\xff[\xd0-\xd7]", body)]
    following = body[restarts[-1] + 1] - 0xD0 + 1 if restarts else 0
    filling = np.random.default_rng(0).integers(1, 255, (2, 9, 64), dtype=np.uint8)
    ends = []
    for parts in filling:
        end = parts[0].tobytes()
        for number, part in enumerate(parts[1:], following):
            end += bytes([0xFF, 0xD0 + number % 8]) + part.tobytes()
        ends.append(body.removesuffix(b"\xff") + end + JPEG_END)
    return ends[0], ends[1]


def _all_bits_are_sent(data: bytes) -> bool:
    """Whether the scans of a JPEG hold every bit of every coefficient, as their headers say."""
    missing: dict[int, set[int]] = {}
    progressive = False
    for kind, body in segments(data):
        if kind in {0xC0, 0xC1, 0xC2} and len(body) > 5:
            progressive = kind == 0xC2
            missing = {body[at]: set(range(64)) for at in range(6, len(body) - 2, 3)}
        elif kind == 0xDA and body:
            first, last, bits = body[-3:] if progressive and len(body) >= 4 else (0, 63, 0)
            for part in body[1 : 1 + 2 * body[0] : 2]:
                if bits & 15 == 0:
                    missing.get(part, set()).difference_update(range(first, last + 1))
    return bool(missing) and not any(missing.values())


# PNG with much metadata ----------------------------------------------------------------------

_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_PNG_METADATA = {b"zTXt", b"iTXt", b"tEXt", b"iCCP"}
_PNG_PIXELS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT"}


def png_without_metadata(data: bytes) -> bytes:
    """A PNG file without texts and colour profile, except for EXIF in a text."""
    kept = (
        chunk
        for kind, chunk in _png_chunks(data)
        if kind not in _PNG_METADATA or chunk[8:].startswith(b"Raw profile type exif")
    )
    return b"".join([data[:8], *kept])


def _png_of_pixels(data: bytes) -> bytes:
    """The same picture, of whole chunks and without those that change no sample."""
    kept = (
        chunk
        for kind, chunk in _png_chunks(data)
        if kind in _PNG_PIXELS and len(chunk) == 12 + int.from_bytes(chunk[:4], "big")
    )
    end = b"\0\0\0\0IEND" + zlib.crc32(b"IEND").to_bytes(4, "big")
    return b"".join([data[:8], *kept, end])


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and bytes of each chunk of a PNG file; the last one may be cut short."""
    at = 8
    while at < len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 8], data[at:end]
        at = end
