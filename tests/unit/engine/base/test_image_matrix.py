"""Some 900 picture files of every layout: read as what independent readers show, or refused.

What is right is stated twice: by plain arithmetic on the numbers that were written (``shown``), and
by OpenCV, tifffile and Pillow where they are right. Where they are not, a comment says why.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from picture_files import Layout, Numbers, bmp_file, png_chunk, png_file, tiff_file
from PIL import Image

from cfinspect.engine.base.images import ImageError, header_size, read_image

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
HEIGHT, WIDTH = 13, 22
WHITE_ZERO, BLACK_ZERO, RGB, PALETTE, CMYK, YCBCR = 0, 1, 2, 3, 5, 6
EXTRA = 338
ALPHA_TIMES_COLOUR, ALPHA = 1, 2


@pytest.fixture(autouse=True)
def quiet_opencv() -> Iterator[None]:
    before = cv2.utils.logging.setLogLevel(0)
    yield
    cv2.utils.logging.setLogLevel(before)


def ramp(samples: int, bits: int) -> Numbers:
    """(H, W, samples) numbers over the whole range, no two channels, rows or columns alike."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    channels = [(x * (1 + c) + y * (3 - c % 3) + 7 * c) % 40 / 39 for c in range(samples)]
    kind = "u1" if bits <= 8 else "u2" if bits <= 16 else "u4"
    return np.asarray(np.rint(np.stack(channels, axis=2) * ((1 << bits) - 1)), dtype=kind)


def on_white(rgb: Numbers, alpha: Numbers) -> Numbers:
    """Colours and alpha, all 0..1, over white."""
    return np.asarray(rgb * alpha + 1 - alpha)


@dataclass(frozen=True)
class Kind:
    """What the numbers of a TIFF mean. ``right``: of OpenCV (o) and Pillow (p), who show it truly.

    tifffile gives the numbers themselves, and is right about all of them.
    """

    samples: Numbers
    bits: int
    photometric: int
    right: str = ""
    tags: dict[int, Any] = field(default_factory=dict)

    def shown(self) -> Numbers:
        """The picture (H, W, 3), 0..255, as the format says."""
        white = 1.0 if self.samples.dtype.kind == "f" else float((1 << self.bits) - 1)
        values = self.samples / white
        if self.photometric == PALETTE:
            colours = np.array(self.tags[320]).reshape(3, -1).T // 256
            return np.asarray(colours[self.samples[..., 0]])
        if self.photometric == CMYK:
            return np.asarray((1 - values[..., :3]) * (1 - values[..., 3:4]) * 255)
        count = 3 if self.photometric == RGB else 1
        rgb = np.broadcast_to(values[..., :count], (HEIGHT, WIDTH, 3))
        rgb = 1 - rgb if self.photometric == WHITE_ZERO else rgb
        meaning = self.tags.get(EXTRA, 0)
        if meaning == ALPHA:
            rgb = on_white(rgb, values[..., count:])
        elif meaning == ALPHA_TIMES_COLOUR:
            rgb = rgb + 1 - values[..., count:]
        return np.asarray(rgb * 255)


def with_premultiplied(samples: Numbers, bits: int) -> Numbers:
    alpha = samples[..., -1:].astype(float) / ((1 << bits) - 1)
    return np.concatenate([(samples[..., :-1] * alpha), samples[..., -1:]], axis=2).astype(
        samples.dtype
    )


def tiff_kinds() -> dict[str, Kind]:
    colours = np.random.default_rng(0)
    kinds: dict[str, Kind] = {}
    # OpenCV refuses grey of 2, 4 and 6 bit, and does not invert 10 to 14 bit in which 0 is white.
    # Pillow refuses 6, 10 and 14 bit, takes grey of 12 bit for 16 (a nearly black picture) and does
    # not invert 16 bit.
    ours = {1: "op", 2: "p", 4: "p", 6: "", 8: "op", 10: "o", 12: "o", 14: "o", 16: "o"}
    for bits, right in ours.items():
        kinds[f"grey {bits}"] = Kind(ramp(1, bits), bits, BLACK_ZERO, right)
        inverted = right if bits in {1, 4, 8, 16} else ""
        kinds[f"grey {bits}, 0 is white"] = Kind(ramp(1, bits), bits, WHITE_ZERO, inverted)
    # Pillow shows noise for planes of 16 bit, and refuses 10 to 14 bit.
    for bits, right in {4: "", 8: "op", 10: "o", 12: "o", 14: "o", 16: "o"}.items():
        kinds[f"RGB {bits}"] = Kind(ramp(3, bits), bits, RGB, right)
    for bits, right in {1: "op", 2: "p", 4: "op", 8: "op"}.items():
        palette = {320: colours.integers(0, 65536, 3 << bits).tolist()}
        kinds[f"palette {bits}"] = Kind(ramp(1, bits), bits, PALETTE, right, palette)
    kinds["CMYK 8"] = Kind(ramp(4, 8), 8, CMYK, "op")
    kinds["CMYK 16"] = Kind(ramp(4, 16), 16, CMYK)
    # OpenCV drops alpha and shows what it hides. Pillow knows alpha of 8 bit.
    for bits in (8, 12, 16):
        for count, name in ((1, "grey"), (3, "RGB")):
            both, meaning = ramp(count + 1, bits), BLACK_ZERO if count == 1 else RGB
            kinds[f"{name} {bits}, one more"] = Kind(both, bits, meaning, "", {EXTRA: 0})
            right = "p" if bits == 8 else ""
            kinds[f"{name} {bits}, alpha"] = Kind(both, bits, meaning, right, {EXTRA: ALPHA})
            times = with_premultiplied(both, bits)
            kinds[f"{name} {bits}, times alpha"] = Kind(
                times, bits, meaning, "", {EXTRA: ALPHA_TIMES_COLOUR}
            )
    for count, name, meaning in ((1, "grey", BLACK_ZERO), (3, "RGB", RGB)):
        for bits in (16, 32, 64):
            unit = (ramp(count, 8) / 255).astype(f"f{bits // 8}")
            kinds[f"{name} float {bits}"] = Kind(unit, bits, meaning)
    return kinds


LAYOUTS = {
    "one strip": Layout(),
    "strips, big-endian": Layout(order=">", rows=4),
    "strips of one row": Layout(rows=1),
    "tiles": Layout(tile=(16, 16)),
    "tiles, big-endian": Layout(order=">", tile=(16, 32)),
    "BigTIFF": Layout(big=True, rows=5),
    "BigTIFF, tiles, big-endian": Layout(big=True, order=">", tile=(16, 16)),
    "lowest bit first": Layout(fill=2, rows=6),
}
CODECS = ("none", "lzw", "deflate", "packbits", "zstd", "lzma", "old deflate")


def tiff_variants() -> Iterator[tuple[str, Kind, Layout]]:
    number = 0
    for name, kind in tiff_kinds().items():
        for about, layout in LAYOUTS.items():
            several = kind.samples.shape[2] > 1
            for planar in (False, True) if several else (False,):
                number += 1
                codec = CODECS[number % len(CODECS)]
                predictor = 1
                if codec in {"lzw", "deflate", "zstd"} and number % 2:
                    predictor = 3 if kind.samples.dtype.kind == "f" else 2
                    predictor = predictor if kind.bits in {8, 16, 32, 64} else 1
                made = replace(layout, codec=codec, predictor=predictor, planar=planar)
                words = [about, codec, f"predictor {predictor}" * (predictor > 1)]
                told = ", ".join(filter(None, [*words, "planes" * planar]))
                yield f"{name}: {told}", kind, made


def far(one: Numbers, other: Numbers) -> float:
    """The largest difference of two pictures, in grey levels; their shapes must be the same."""
    assert one.shape == other.shape
    return float(np.abs(one.astype(float) - other.astype(float)).max())


def by_opencv(path: Path, bits: int = 8) -> Numbers:
    """As OpenCV shows a file without alpha; of more than 8 bit the high ones."""
    deep = 8 < bits < 16  # it has 16 bit for these alone, and mixes planes of 16 bit up
    found = cv2.imread(str(path), cv2.IMREAD_COLOR | (cv2.IMREAD_ANYDEPTH if deep else 0))
    assert found is not None
    return np.asarray(found).astype(np.uint16)[..., ::-1] >> (8 if deep else 0)


def by_pillow(path: Path) -> Numbers:
    """As Pillow shows a file, over white."""
    with Image.open(path) as image:
        if image.has_transparency_data:
            white = Image.new("RGBA", image.size, "white")
            return np.asarray(Image.alpha_composite(white, image.convert("RGBA")).convert("RGB"))
        return np.asarray(image.convert("RGB"))


def read(path: Path, data: bytes) -> Numbers:
    """Our picture of a file, whose header must state its size as well."""
    path.write_bytes(data)
    image = read_image(path)
    assert header_size(path, data) == image.shape[:2]
    return image


def disagreements(path: Path, kind: Kind, layout: Layout) -> Iterator[str]:
    """Whoever shows something else than the numbers say: we, or a reader that is trusted."""
    data = tiff_file([(kind.samples, kind.bits, kind.photometric, layout, kind.tags)])
    right, alpha = kind.shown(), EXTRA in kind.tags
    # Two numbers that lost their low bits are multiplied: twice the rounding.
    double = kind.bits > 8 and (alpha or kind.photometric == CMYK)
    if (off := far(read(path, data), right)) > (2 if double else 1):
        yield f"cfinspect is off by {off}"
    stored = tifffile.imread(path)
    stored = np.moveaxis(stored, 0, -1) if layout.planar else stored
    if not (stored.reshape(kind.samples.shape) == kind.samples).all():
        yield "tifffile reads other numbers"
    # Its libtiff has neither LZMA nor Zstandard; it mixes planes of 10 to 14 bit up, and tiles of
    # grey of 16 bit.
    mixed = layout.planar and 8 < kind.bits < 16
    mixed = mixed or (layout.tile is not None and kind.bits == 16 and kind.samples.shape[2] == 1)
    trusted = "o" in kind.right and layout.codec not in {"lzma", "zstd"} and not mixed
    if trusted and (off := far(by_opencv(path, kind.bits), right)) > 1:
        yield f"OpenCV is off by {off}"
    # It refuses BigTIFF of this order, and reversed bits where there are more than three samples
    # or alpha; of grey and alpha in planes it shows the first line everywhere.
    count = kind.samples.shape[2]
    refused = (layout.big and layout.order == ">") or (layout.fill == 2 and count in {2, 4})
    trusted = "p" in kind.right and not refused and not (layout.planar and count == 2)
    if trusted and (off := far(by_pillow(path), right)) > 1:
        yield f"Pillow is off by {off}"


TIFF_VARIANTS = list(tiff_variants())


def test_there_are_enough_variants() -> None:
    assert len({name for name, _kind, _layout in TIFF_VARIANTS}) == len(TIFF_VARIANTS) > 600


@pytest.mark.parametrize("kind", tiff_kinds())
def test_tiff(tmp_path: Path, kind: str) -> None:
    mine = [variant for variant in TIFF_VARIANTS if variant[0].startswith(f"{kind}: ")]
    wrong = [
        f"{name}: {problem}"
        for name, what, layout in mine
        for problem in disagreements(tmp_path / "a.tif", what, layout)
    ]
    assert len(mine) >= len(LAYOUTS)
    assert wrong == []


TURNED = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: upright[::-1, ::-1].swapaxes(0, 1),
    8: lambda upright: np.rot90(upright, -1),
}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_tiff_orientation(tmp_path: Path, orientation: int) -> None:
    kinds = tiff_kinds()
    for name in ("grey 8", "grey 12", "grey 16, 0 is white", "RGB 16", "palette 4", "RGB 8, alpha"):
        kind = kinds[name]
        stored = np.ascontiguousarray(TURNED[orientation](kind.samples))
        layout = Layout(orientation=orientation, rows=4, codec="lzw")
        data = tiff_file([(stored, kind.bits, kind.photometric, layout, kind.tags)])
        assert far(read(tmp_path / "a.tif", data), kind.shown()) <= 1, name


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_jpeg(tmp_path: Path, mode: str, progressive: bool, orientation: int) -> None:
    stored = np.repeat(np.repeat(ramp(len(mode), 8), 8, 0), 8, 1).squeeze()
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "a.jpg"
    with Image.fromarray(stored, mode) as image:
        image.save(path, quality=90, progressive=progressive, exif=exif)
    whole = path.read_bytes()
    # OpenCV turns as well. Its CMYK is that of libjpeg, with a rounding of its own.
    right = by_opencv(path)

    assert far(read(path, whole), right) <= (2 if mode == "CMYK" else 0)
    assert (read(path, whole[:-2]) == read(path, whole)).all()
    assert (read(path, whole[:-1]) == read(path, whole)).all()
    assert (read(path, whole + bytes(99)) == read(path, whole)).all()
    for cut in (len(whole) // 2, len(whole) - len(whole) // 8, len(whole) - 30):
        with pytest.raises(ImageError, match="cut short"):
            read(path, whole[:cut])
        with pytest.raises(ImageError, match="cut short"):
            read(path, whole[:cut] + bytes(500))


PNG_KINDS = [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (3, 1), (3, 2), (3, 4),
             (3, 8), (4, 8), (4, 16), (6, 8), (6, 16)]  # fmt: skip


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize(("colour_type", "bits"), PNG_KINDS)
def test_png(
    tmp_path: Path, colour_type: int, bits: int, transparent: bool, interlaced: bool
) -> None:
    count = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour_type]
    rows, white = ramp(count, bits), (1 << bits) - 1
    chunks, alpha = b"", np.ones((HEIGHT, WIDTH, 1))
    if colour_type == 3:
        palette = np.random.default_rng(0).integers(0, 256, (1 << bits, 3))
        chunks += png_chunk(b"PLTE", palette.astype(np.uint8).tobytes())
        colours = palette[rows[..., 0]] / 255
        if transparent:
            share = np.random.default_rng(1).integers(0, 256, 1 << bits)
            chunks += png_chunk(b"tRNS", share.astype(np.uint8).tobytes())
            alpha = share[rows[..., 0]][..., None] / 255
    else:
        colours = np.broadcast_to(rows[..., : 3 if count > 2 else 1] / white, (HEIGHT, WIDTH, 3))
        if colour_type >= 4:
            alpha = rows[..., -1:] / white
        elif transparent:
            key = rows[6, 9]
            chunks += png_chunk(b"tRNS", np.pad(key, (0, 0)).astype(">u2").tobytes())
            alpha = (rows != key).any(axis=2)[..., None].astype(float)
    right = np.rint(on_white(colours, alpha) * 255)
    path = tmp_path / "a.png"
    image = read(path, png_file(rows, bits, colour_type, interlaced=interlaced, chunks=chunks))

    # Of 16 bit the low byte is left out, of colour and of alpha.
    assert far(image, right) <= int(bits == 16) + int((alpha < 1).any())
    if (alpha == 1).all():  # it drops alpha
        assert far(by_opencv(path), right) <= 1
    if bits == 8:
        assert far(by_pillow(path), right) <= 1


BMP_MASKS = {
    "555": (16, (0x7C00, 0x3E0, 0x1F)),
    "565": (16, (0xF800, 0x7E0, 0x1F)),
    "888": (32, (0xFF0000, 0xFF00, 0xFF)),
    "888 from the top": (32, (0xFF000000, 0xFF0000, 0xFF00)),
    "8888 from the top": (32, (0xFF000000, 0xFF0000, 0xFF00, 0xFF)),
    "8888": (32, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)),
    "no alpha": (32, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)),
}


@pytest.mark.parametrize("top_down", [False, True])
@pytest.mark.parametrize("masks", BMP_MASKS)
def test_bmp_with_masks(tmp_path: Path, masks: str, top_down: bool) -> None:
    bits, places = BMP_MASKS[masks]
    stored, channels = np.zeros((HEIGHT, WIDTH), np.uint32), []
    for number, mask in enumerate(places):
        low, most = (mask & -mask).bit_length() - 1, mask >> ((mask & -mask).bit_length() - 1)
        values = np.rint(ramp(4, 8)[..., number] / 255 * most).astype(np.uint32)
        values = values * 0 if masks == "no alpha" and number == 3 else values
        stored |= values << low
        channels.append(values / most)
    rgb = np.stack(channels[:3], axis=2)
    right = (on_white(rgb, channels[3][..., None]) if masks.startswith("8888") else rgb) * 255
    path = tmp_path / "a.bmp"

    assert far(read(path, bmp_file(stored, bits, masks=places, top_down=top_down)), right) <= 1
    # It drops alpha, takes all masks of 32 bit for the usual ones, and shifts 5 bits where others
    # scale them.
    if masks != "8888" and "top" not in masks:
        assert far(by_opencv(path), right) <= (8 if bits == 16 else 0)


@pytest.mark.parametrize("masks", [(0xF00, 0xF0, 0xF), (0xFFC00000, 0x3FF000, 0xFFC)])
def test_bmp_with_other_masks_is_refused(tmp_path: Path, masks: tuple[int, ...]) -> None:
    stored = ramp(1, 16)[..., 0].astype(np.uint32)
    bits = 16 if max(masks) < 1 << 16 else 32
    with pytest.raises(ImageError, match="of a kind that is not read"):
        read(tmp_path / "a.bmp", bmp_file(stored, bits, masks=masks))


@pytest.mark.parametrize("top_down", [False, True])
@pytest.mark.parametrize("bits", [1, 4, 8, 24, 32])
def test_bmp(tmp_path: Path, bits: int, top_down: bool) -> None:
    palette = None
    if bits <= 8:
        palette = np.random.default_rng(0).integers(0, 256, (1 << bits, 3), dtype=np.uint8)
        stored = ramp(1, bits)[..., 0]
        right = palette[stored]
    else:
        right = ramp(3, 8)
        stored = (right.astype(np.uint32) << np.array([16, 8, 0], np.uint32)).sum(axis=2)
    path = tmp_path / "a.bmp"

    data = bmp_file(stored, bits, palette=palette, top_down=top_down)
    assert far(read(path, data), right) == 0
    assert far(by_opencv(path), right) == 0
    assert far(by_pillow(path), right) == 0


@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_webp(tmp_path: Path, mode: str, lossless: bool, orientation: int) -> None:
    stored = ramp(len(mode), 8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path, buffer = tmp_path / "a.webp", io.BytesIO()
    Image.fromarray(stored).save(buffer, "WEBP", lossless=lossless, exact=True, exif=exif)

    image = read(path, buffer.getvalue())
    assert far(TURNED[orientation](image), by_pillow(path)) == 0
