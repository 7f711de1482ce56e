"""The one way images come in and go out: any image file <-> RGB uint8, or one clear sentence.

Files are read as bytes first and decoded from memory, so non-ASCII paths work everywhere, and the
size is taken from the header before a pixel is decoded, so a decompression bomb costs nothing.
Pillow decodes, because it reports truncated files (OpenCV returns them half grey) and knows
palettes, CMYK and EXIF; OpenCV resizes and encodes, because it is fast.
"""

import logging
import os
import re
import struct
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from cfinspect.engine.base.atomic import write_atomically
from cfinspect.engine.base.errors import CfinspectError

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})
MAX_PIXELS = 200_000_000
MAX_FILE_BYTES = 2 << 30

# Pillow's other decoders stay shut: some of them start helper programs.
_FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP")
_ORIENTATION_TAG = 0x0112
_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_WHITE, _BLACK = (255, 255, 255, 255), (0, 0, 0, 255)

# Pillow's own limit (a warning at 89, an error at 179 megapixels) would refuse photos that we
# accept; every image goes through `_open` below, which holds ours.
Image.MAX_IMAGE_PIXELS = None

_log = logging.getLogger(__name__)


class ImageError(CfinspectError):
    """An image file that cannot be read or written; ``path`` and ``reason`` say which and why."""

    def __init__(self, path: Path, reason: str, action: str = "read") -> None:
        super().__init__(f"Cannot {action} {path}: {reason}.")
        self.path = path
        self.reason = reason


def read_bytes(path: Path) -> bytes:
    """All bytes of an image file; ImageError when it is missing, empty, locked or over 2 GiB."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ImageError(path, f"the file is larger than {MAX_FILE_BYTES >> 30} GiB")
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(path, error.strerror or str(error)) from error
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
    image = _open(path, data, max_pixels)
    width, height = image.size
    # Pillow's TIFF reader states the size of the upright image already.
    if image.format != "TIFF" and _orientation(image, data) >= 5:
        width, height = height, width
    return height, width


def is_turned(path: Path, data: bytes) -> bool:
    """Whether the EXIF block of the image ``data`` (of ``path``) turns or mirrors it."""
    return orientation(path, data) != 1


def orientation(path: Path, data: bytes) -> int:
    """EXIF orientation 1..8 of the image ``data`` (of ``path``), 1 where there is none."""
    return _orientation(_open(path, data, MAX_PIXELS), data)


def turn_upright(array: NDArray[np.uint8], how: int) -> NDArray[np.uint8]:
    """Turn (H, W) pixels as an image of EXIF orientation ``how`` is turned to stand upright."""
    if how not in _TRANSPOSE:
        return array
    return np.array(Image.fromarray(array).transpose(_TRANSPOSE[how]), dtype=np.uint8)


def read_image(path: Path, *, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """Read any image file as upright RGB, shape (H, W, 3), uint8.

    EXIF rotation is applied. 16 bit samples keep their high byte: the full range 0..65535 becomes
    0..255, whatever the brightest value in the file is. Grey is repeated in three channels,
    palettes are looked up, CMYK is converted without a colour profile, transparent parts are laid
    over white, and of several pages the first is read.

    Raises ImageError when the file is missing, empty, truncated, no image of a known format, has
    floating-point or 32 bit pixels, or has more than ``max_pixels`` pixels.
    """
    return _decode(path, max_pixels, _WHITE)


def from_pillow(image: Image.Image) -> NDArray[np.uint8]:
    """Upright RGB (H, W, 3) uint8 of a Pillow image, converted as `read_image` converts a file.

    Raises ImageError when it cannot be loaded, is too large, or has pixels of another kind.
    """
    path = Path(str(getattr(image, "filename", "") or "the given image"))
    _require_size(path, image, MAX_PIXELS)
    try:
        image.load()
        turned = image.getexif().get(_ORIENTATION_TAG, 1)
        return _as_rgb(path, image, turned, _WHITE)
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageError(path, "there is not enough memory for it") from error
    except Exception as error:  # A damaged file makes the decoders raise nearly anything.
        raise ImageError(path, f"it cannot be decoded ({error})") from error


def read_preview(path: Path, longest: int) -> NDArray[np.uint8]:
    """Read an image as `read_image`, at most ``longest`` px on its longer side, (h, w, 3) uint8.

    Quicker than reading all of it: a JPEG is decoded at an eighth, a quarter or half of its size
    where that is enough.
    """
    image = _decode(path, MAX_PIXELS, _WHITE, longest)
    height, width = image.shape[:2]
    scale = longest / max(height, width)
    if scale >= 1:
        return image
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    return resize_image(image, size)


def read_mask(path: Path) -> NDArray[np.bool_]:
    """Read a mask file as bool, shape (H, W): True where the brightest channel is 128 or more.

    Transparent parts are False. Raises ImageError like `read_image`.
    """
    mask: NDArray[np.bool_] = _decode(path, MAX_PIXELS, _BLACK).max(axis=2) >= 128
    return mask


def _open(path: Path, data: bytes, max_pixels: int) -> Image.Image:
    """Parse the header and hold the size limit."""
    try:
        image: Image.Image = Image.open(BytesIO(data), formats=_FORMATS)
    except UnidentifiedImageError as error:
        known = "JPEG, PNG, BMP, TIFF or WebP"
        raise ImageError(path, f"it is no {known} image, or its header is damaged") from error
    except Exception as error:  # A damaged header makes the decoders raise nearly anything.
        raise ImageError(path, f"its header is damaged ({error})") from error
    _require_size(path, image, max_pixels)
    return image


def _require_size(path: Path, image: Image.Image, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        millions = f"{width * height / 1e6:.0f} megapixels, over the limit of {max_pixels / 1e6:g}"
        raise ImageError(path, f"{width} x {height} pixels are {millions}; make it smaller")


def _decode(
    path: Path, max_pixels: int, background: tuple[int, ...], enough: int | None = None
) -> NDArray[np.uint8]:
    """Pixels of an image; a smaller version is good where its longer side is ``enough`` px."""
    data = read_bytes(path)
    image = _open(path, data, max_pixels)
    try:
        if enough is not None and image.format == "JPEG":
            share = enough / max(image.size)
            image.draft(None, (max(1, int(image.width * share)), max(1, int(image.height * share))))
        image.load()
        return _as_rgb(path, image, _orientation(image, data), background)
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageError(path, "there is not enough memory for it") from error
    except Exception as error:  # A damaged file makes the decoders raise nearly anything.
        reason = f"the file is cut short or damaged ({error}); copy it again or remove it"
        raise ImageError(path, reason) from error


def _as_rgb(
    path: Path, image: Image.Image, turned: int, background: tuple[int, ...]
) -> NDArray[np.uint8]:
    """Upright pixels (H, W, 3) of a loaded image; ``turned``: its EXIF orientation."""
    # Pillow turns a TIFF while it loads it.
    method = None if image.format == "TIFF" else _TRANSPOSE.get(turned)
    upright = image if method is None else image.transpose(method)
    if _is_16_bit_grey(image):
        grey = (np.asarray(upright).astype(np.uint16) >> 8).astype(np.uint8)
        return np.ascontiguousarray(np.repeat(grey[..., None], 3, axis=2))
    if image.mode in {"F", "I"}:
        raise ImageError(path, "its pixels are 32 bit numbers; save it with 8 or 16 bit")
    if upright.has_transparency_data:
        behind = Image.new("RGBA", upright.size, background)
        upright = Image.alpha_composite(behind, upright.convert("RGBA"))
    return np.array(upright.convert("RGB"), dtype=np.uint8)


def _is_16_bit_grey(image: Image.Image) -> bool:
    # Older Pillow opens a 16 bit grey PNG as "I"; in other formats "I" really is 32 bit or signed.
    return image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG")


def _orientation(image: Image.Image, data: bytes) -> int:
    """EXIF orientation 1..8; 1 where there is none or the EXIF block is damaged."""
    # Pillow decodes a whole PNG to look for EXIF behind the pixels, so look first if there is any.
    if image.format == "PNG" and b"eXIf" not in data and b"Raw profile type exif" not in data:
        return 1
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except (struct.error, SyntaxError, ValueError, KeyError, TypeError, OSError) as error:
        _log.warning("Ignored a damaged EXIF block: %s", error)
        return 1
    return value if value in _TRANSPOSE else 1


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


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key that puts ``img2`` before ``img10`` and ignores case."""
    parts = re.findall(r"\d+|\D+", text.casefold())
    return tuple((0, int(part), part) if part.isdecimal() else (1, 0, part) for part in parts)


def list_images(paths: Iterable[Path]) -> list[Path]:
    """Image files in files and folders, each once, in the order given, folders sorted naturally.

    Folders are walked to the bottom, symbolic links followed; hidden files and folders and other
    suffixes than IMAGE_SUFFIXES are passed over. A file named outright is taken whatever its
    suffix. Raises CfinspectError for a path that does not exist or a folder that cannot be opened.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found.update(dict.fromkeys(sorted(_walk(path), key=lambda p: natural_key(str(p)))))
        elif path.is_file():
            found[path] = None
        else:
            raise CfinspectError(f"There is no file or folder {path}; check the path.")
    return list(found)


def _walk(folder: Path) -> Iterator[Path]:
    seen: set[tuple[int, int]] = set()
    for here, folders, files in os.walk(folder, onerror=_unopened, followlinks=True):
        status = Path(here).stat()
        if (status.st_dev, status.st_ino) in seen:  # A link back up would never end.
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if not name.startswith(".") and Path(name).suffix.lower() in IMAGE_SUFFIXES:
                yield Path(here, name)


def _unopened(error: OSError) -> None:
    raise CfinspectError(f"Cannot open the folder {error.filename}: {error.strerror}.") from error
