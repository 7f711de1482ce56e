"""The one way images come in and go out: any image file <-> RGB uint8, or one clear sentence.

Files are read as bytes first and decoded from memory, so non-ASCII paths work everywhere, and what
decoding will cost is told from the header (``budget.py``), so a decompression bomb costs nothing.
Pillow decodes, because it reports truncated files (OpenCV returns them half grey) and knows
palettes, CMYK and EXIF; ``tiff.py`` decodes TIFF, OpenCV the PNG of 16 bit; OpenCV also resizes and
encodes, because it is fast.
"""

from functools import partial
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from cfinspect.engine.base.atomic import read_regular, write_atomically
from cfinspect.engine.base.budget import (
    MAX_FILE_BYTES,
    MAX_PIXELS,
    Unreadable,
    one_at_a_time,
    png_depth,
    require_affordable,
    require_few_parts,
    require_pixels,
    stated_webp_size,
)
from cfinspect.engine.base.decoding import (
    WHITE,
    Say,
    by_opencv,
    exif_orientation,
    jpeg_lacks_end,
    jpeg_with_two_ends,
    load_pixels,
    orientation_of,
    pixels_hash,
    png_without_metadata,
    rgb_of_deep_png,
    rgb_of_pillow,
    row_bands,
    turned_array,
    upright,
)
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.progress import remark
from cfinspect.engine.base.tiff import Tiff, is_tiff

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})

# Pillow's other decoders stay shut: some of them start helper programs.
_FORMATS = ("JPEG", "PNG", "BMP", "WEBP")

# Pillow's own limit (a warning at 89, an error at 179 megapixels) would refuse photos that we
# accept; every image goes through `_open` below, which holds ours.
Image.MAX_IMAGE_PIXELS = None


class ImageError(CfinspectError):
    """An image file that cannot be read or written; ``path`` and ``reason`` say which and why."""

    def __init__(self, path: Path, reason: str, action: str = "read") -> None:
        super().__init__(f"Cannot {action} {path}: {reason}.")
        self.path = path
        self.reason = reason


def read_bytes(path: Path) -> bytes:
    """All bytes of an image file; ImageError when it is missing, empty, locked or over 2 GiB."""
    try:
        data = read_regular(path, MAX_FILE_BYTES)
    except OSError as error:
        raise ImageError(path, error.strerror or str(error)) from error
    if data is None:
        raise ImageError(path, f"the file is larger than {MAX_FILE_BYTES >> 30} GiB")
    if not data:
        raise ImageError(path, "the file is empty; copy it again or remove it")
    return data


def content_hash(data: bytes) -> int:
    """Unsigned 64 bit BLAKE2b hash of a file's bytes: equal files have equal hashes."""
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big")


def header_size(path: Path, data: bytes, *, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """(height, width) of the upright image, from the header alone; no pixel is decoded.

    ``data`` are the bytes of ``path``. Raises ImageError like `read_image`, except that pixels
    damaged behind a sound header go unnoticed.
    """
    if is_tiff(data):
        return _open_tiff(path, data, max_pixels).size
    image = _open(path, data, max_pixels)
    width, height = image.size
    return (width, height) if orientation_of(image, data) >= 5 else (height, width)


def is_turned(path: Path, data: bytes) -> bool:
    """Whether the EXIF block of the image ``data`` (of ``path``) turns or mirrors it."""
    return orientation(path, data) != 1


def orientation(path: Path, data: bytes) -> int:
    """EXIF orientation 1..8 of the image ``data`` (of ``path``), 1 where there is none."""
    if is_tiff(data):
        return _open_tiff(path, data, MAX_PIXELS).turned
    return orientation_of(_open(path, data, MAX_PIXELS), data)


def turn_upright(array: NDArray[np.uint8], how: int) -> NDArray[np.uint8]:
    """Turn (H, W) pixels as an image of EXIF orientation ``how`` is turned to stand upright."""
    return upright(array, how)


def read_image(
    path: Path, *, max_pixels: int = MAX_PIXELS, data: bytes | None = None
) -> NDArray[np.uint8]:
    """Read any image file as upright RGB, shape (H, W, 3), uint8.

    EXIF rotation is applied. Grey is repeated in three channels, palettes are looked up, CMYK is
    converted without a colour profile, transparent parts are laid over white. Of 10 to 16 bit the
    high ones are kept; what had to be decided beyond that is a `remark`: 16 bit samples that need
    no more than 8, 10, 12 or 14 are read as so many, floating-point samples as 0..1 or 0..255, and
    of several pages the first that is no preview. ``data``: the file's bytes, if they are at hand.

    Raises ImageError when the file is missing, empty, truncated, no image of a known format, has
    numbers for pixels that state no black and white, or has more than ``max_pixels`` pixels.
    """
    return _decode(path, max_pixels, partial(remark, path), data=data)


def from_pillow(image: Image.Image) -> NDArray[np.uint8]:
    """Upright RGB (H, W, 3) uint8 of a Pillow image, converted as `read_image` converts a file.

    Raises ImageError when it cannot be loaded, is too large, or has pixels of another kind.
    """
    path = Path(str(getattr(image, "filename", "") or "the given image"))
    try:
        require_pixels(*image.size)
    except Unreadable as error:
        raise ImageError(path, str(error)) from error
    if image.format == "TIFF" and not _is_read_truly(image):
        raise ImageError(path, "Pillow misreads TIFF files of its kind; give its path instead")
    try:
        image.load()
        turned = exif_orientation(image)
        return rgb_of_pillow(image, turned, WHITE, partial(remark, path))
    except Unreadable as error:
        raise ImageError(path, str(error)) from error
    except MemoryError as error:
        raise ImageError(path, "there is not enough memory for it") from error
    except Exception as error:  # A damaged file makes the decoders raise nearly anything.
        raise ImageError(path, f"it cannot be decoded ({error})") from error


def _is_read_truly(tiff: Image.Image) -> bool:
    """Whether Pillow knows how the samples of a TIFF become grey: not of 12 bit, or inverted 16."""
    tags = getattr(tiff, "tag_v2", {})
    deep = max(tags.get(258, (1,))) > 8
    return not deep or (tags.get(258) in {(16,), (16,) * 3, (16,) * 4} and tags.get(262) != 0)


def read_preview(path: Path, longest: int, *, data: bytes | None = None) -> NDArray[np.uint8]:
    """Read an image as `read_image`, at most ``longest`` px on its longer side, (h, w, 3) uint8.

    Quicker than reading all of it: a JPEG is decoded at an eighth, a quarter or half of its size
    where that is enough.
    """
    image = _decode(path, MAX_PIXELS, partial(remark, path), longest, data)
    height, width = image.shape[:2]
    scale = longest / max(height, width)
    if scale >= 1:
        return image
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    return resize_image(image, size)


def read_samples(path: Path) -> tuple[NDArray[Any], NDArray[np.uint8] | None]:
    """The upright samples of an image as stored, (H, W) or (H, W, channels), colours as RGB.

    Not scaled, and palettes not looked up: the second is the palette (N, 4), colours and alpha, of
    a PNG or TIFF that has one. Raises ImageError like `read_image`.
    """
    data = read_bytes(path)
    try:
        if is_tiff(data):
            tiff = _open_tiff(path, data, MAX_PIXELS)
            with one_at_a_time(*tiff.size):
                samples, palette = tiff.numbers()
            if palette is not None:
                palette = np.pad(palette, ((0, 0), (0, 1)), constant_values=255)
            return samples[..., 0] if samples.shape[2] == 1 else samples, palette
        image = _open(path, data, MAX_PIXELS)
        with one_at_a_time(*image.size):
            return _samples(path, image, data)
    except ImageError:
        raise
    except Unreadable as error:
        raise ImageError(path, str(error)) from error
    except MemoryError as error:
        raise ImageError(path, "there is not enough memory for it") from error
    except Exception as error:  # A damaged file makes the decoders raise nearly anything.
        reason = f"the file is cut short or damaged ({error}); copy it again or remove it"
        raise ImageError(path, reason) from error


def _samples(
    path: Path, image: Image.Image, data: bytes
) -> tuple[NDArray[Any], NDArray[np.uint8] | None]:
    turned = orientation_of(image, data)
    if image.format == "PNG" and image.mode in {"P", "1"}:
        image.load()
        return turned_array(np.array(image, dtype=np.uint8), turned), _palette(image)
    image = _load(path, image, data, None, _say_nothing)  # says what is cut short; OpenCV does not
    decoded = by_opencv(data)
    if decoded is None:
        return turned_array(np.asarray(image), turned), None
    image.close()
    if decoded.ndim == 3 and decoded.shape[2] >= 3:
        for rows in row_bands(*decoded.shape[:2]):
            decoded[rows, :, :3] = decoded[rows, :, 2::-1].copy()
    return turned_array(np.asarray(decoded), turned), None


def _palette(image: Image.Image) -> NDArray[np.uint8] | None:
    """The palette of a loaded PNG, (N, 4): colours and alpha."""
    colours = image.getpalette("RGB") if image.mode == "P" else None
    if colours is None:
        return None
    palette = np.full((len(colours) // 3, 4), 255, dtype=np.uint8)
    palette[:, :3] = np.array(colours, np.uint8).reshape(-1, 3)
    clear = image.info.get("transparency", b"")  # alphas of the first ones, or one that is clear
    if isinstance(clear, int):
        clear = bytes([255] * clear + [0])
    alphas = np.frombuffer(clear, dtype=np.uint8)[: len(palette)]
    palette[: len(alphas), 3] = alphas
    return palette


def _open(path: Path, data: bytes, max_pixels: int) -> Image.Image:
    """Parse the header and hold the limits."""
    try:
        require_few_parts(data)
        size = stated_webp_size(data)
        if size is not None:
            require_pixels(*size, max_pixels)
        image: Image.Image = Image.open(BytesIO(data), formats=_FORMATS)
        require_pixels(*image.size, max_pixels)
        require_affordable(image, data)
    except Unreadable as error:
        raise ImageError(path, str(error)) from error
    except UnidentifiedImageError as error:
        known = "JPEG, PNG, BMP, TIFF or WebP"
        raise ImageError(path, f"it is no {known} image, or its header is damaged") from error
    except Exception as error:  # A damaged header makes the decoders raise nearly anything.
        plain = png_without_metadata(data)
        if len(plain) < len(data):
            return _open(path, plain, max_pixels)
        raise ImageError(
            path, f"its header is damaged, or of a kind that is not read ({error})"
        ) from error
    return image


def _open_tiff(path: Path, data: bytes, max_pixels: int) -> Tiff:
    """The same for a TIFF."""
    try:
        tiff = Tiff(data)
        require_pixels(*tiff.size[::-1], max_pixels)
        tiff.require_readable(max_pixels)
    except (ImageError, MemoryError):
        raise
    except Unreadable as error:
        raise ImageError(path, str(error)) from error
    except Exception as error:  # A damaged header makes the decoders raise nearly anything.
        raise ImageError(
            path, f"its header is damaged, or of a kind that is not read ({error})"
        ) from error
    return tiff


def _decode(
    path: Path,
    max_pixels: int,
    say: Say,
    enough: int | None = None,
    data: bytes | None = None,
) -> NDArray[np.uint8]:
    """Pixels of an image; a smaller version is good where its longer side is ``enough`` px."""
    data = read_bytes(path) if data is None else data
    try:
        if is_tiff(data):
            tiff = _open_tiff(path, data, max_pixels)
            with one_at_a_time(*tiff.size):
                return tiff.decode(WHITE, say)
        image = _open(path, data, max_pixels)
        with one_at_a_time(*image.size):
            image = _load(path, image, data, enough, say)
            turned = orientation_of(image, data)
            if image.format == "PNG" and png_depth(data) == 16:
                key = image.info.get("transparency")
                image.close()  # OpenCV's pixels take its place
                return upright(rgb_of_deep_png(data, key, WHITE, say), turned)
            return rgb_of_pillow(image, turned, WHITE, say)
    except ImageError:
        raise
    except Unreadable as error:
        raise ImageError(path, str(error)) from error
    except MemoryError as error:
        raise ImageError(path, "there is not enough memory for it") from error
    except Exception as error:  # A damaged file makes the decoders raise nearly anything.
        reason = f"the file is cut short or damaged ({error}); copy it again or remove it"
        raise ImageError(path, reason) from error


def _say_nothing(_text: str) -> None:
    pass


def _load(path: Path, image: Image.Image, data: bytes, enough: int | None, say: Say) -> Image.Image:
    """Decode the pixels of an opened image, those of a JPEG also without its end."""
    if image.format not in {"JPEG", "MPO"} or not jpeg_lacks_end(data):
        try:
            load_pixels(image, data, enough)
        except (ValueError, SyntaxError):
            plain = png_without_metadata(data)
            if image.format != "PNG" or len(plain) == len(data):
                raise
            image = _open(path, plain, MAX_PIXELS)
            load_pixels(image, data, enough)
        return image
    found: set[bytes] = set()
    for one in jpeg_with_two_ends(data) or ():
        image = _open(path, one, MAX_PIXELS)
        load_pixels(image, data, enough)
        found.add(pixels_hash(image))  # one after the other: they may be large
    if len(found) != 1:
        raise Unreadable("the file is cut short: pixels are missing; copy it again or remove it")
    say("a JPEG without its end marker: read, all its pixels are there")
    return image


def resize_image(image: NDArray[np.uint8], size: int | tuple[int, int]) -> NDArray[np.uint8]:
    """Resize (H, W) or (H, W, 3) uint8 to a square of side ``size`` or to (height, width).

    Averages over areas when neither side grows, so that thin cracks fade instead of vanishing,
    else interpolates linearly. Returns ``image`` itself when it has that size already.
    """
    height, width = (size, size) if isinstance(size, int) else size
    if image.shape[:2] == (height, width):
        return image
    shrinks = height <= image.shape[0] and width <= image.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=method), dtype=np.uint8)


def write_png(path: Path, array: NDArray[np.uint8] | NDArray[np.bool_]) -> None:
    """Write (H, W) or (H, W, 3) RGB uint8, or a bool mask (as 0/255), as PNG; never half a file.

    Raises ImageError when the folder is missing, full or write-protected.
    """
    _write(path, ".png", array, [])


JPEG_SIDE = 65_500  # px that the longer side of a JPEG may have


def write_jpeg(path: Path, array: NDArray[np.uint8], quality: int = 92) -> None:
    """Write (H, W) or (H, W, 3) RGB uint8 as JPEG of ``quality`` 1..100; never half a file.

    Raises ImageError when the folder is missing, full or write-protected, or a side is over
    65,500 pixels.
    """
    _write(path, ".jpg", array, [cv2.IMWRITE_JPEG_QUALITY, quality])


def _write(
    path: Path, suffix: str, array: NDArray[np.uint8] | NDArray[np.bool_], options: list[int]
) -> None:
    pixels = array.astype(np.uint8) * np.uint8(255) if array.dtype == np.bool_ else array
    if pixels.dtype != np.uint8 or not (pixels.ndim == 2 or pixels.shape[2:] == (3,)):
        raise ValueError(f"need (H, W) or (H, W, 3) uint8 or bool, got {array.shape} {array.dtype}")
    try:
        ordered = pixels[..., ::-1] if pixels.ndim == 3 else pixels
        done, encoded = cv2.imencode(suffix, np.ascontiguousarray(ordered), options)
    except cv2.error as error:
        raise ImageError(path, f"it cannot be encoded ({error.err})", "write") from error
    if not done:
        raise ImageError(path, f"{suffix[1:]} cannot hold an image of its size", "write")
    try:
        # Not synced: a lost mask is made again, and thousands of syncs take minutes on a disk.
        write_atomically(path, lambda file: file.write_bytes(encoded.tobytes()), sync=False)
    except OSError as error:
        raise ImageError(path, error.strerror or str(error), "write") from error
