"""What had to be decided about a picture is said; what cannot be known is refused with a reason."""

from __future__ import annotations

import contextlib
import io
import re
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from picture_files import CODECS, Layout, Numbers, bmp_file, png_chunk, png_file, tiff_file
from PIL import Image

from cfinspect.engine.base.images import (
    ImageError,
    from_pillow,
    header_size,
    orientation,
    read_image,
    read_preview,
    read_samples,
)
from cfinspect.engine.base.progress import collect_remarks, take_remarks

GREY, RGB = 1, 2


@pytest.fixture(autouse=True)
def collecting() -> Iterator[None]:
    collect_remarks()
    yield
    take_remarks()


def remarks() -> list[str]:
    """What was said since the last call."""
    said = take_remarks()
    collect_remarks()
    return said


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "Prüfling.tif"


def grey(bits: int = 8) -> Numbers:
    """(20, 30) numbers from 0 to the highest of ``bits`` bit."""
    ramp = np.linspace(0, (1 << bits) - 1, 600).reshape(20, 30)
    return ramp.astype(np.uint8 if bits <= 8 else np.uint16)


def tiff(
    samples: Numbers, bits: int, kind: int = GREY, layout: Layout | None = None, **tags: Any
) -> bytes:
    """A TIFF of one page; ``tags`` by number, such as t254=1."""
    stored = samples if samples.ndim == 3 else samples[..., None]
    more = {int(name[1:]): value for name, value in tags.items()}
    return tiff_file([(stored, bits, kind, layout or Layout(), more)])


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
@pytest.mark.parametrize("suffix", [".tif", ".png"])
@pytest.mark.parametrize("count", [1, 3])
def test_16_bit_that_need_fewer_are_read_as_fewer_and_it_is_said(
    tmp_path: Path, bits: int, suffix: str, count: int
) -> None:
    stored = np.repeat(grey(bits)[..., None], count, axis=2).astype(np.uint16)
    path = tmp_path / f"camera{suffix}"
    kind = GREY if count == 1 else RGB
    data = (
        tiff(stored, 16, kind) if suffix == ".tif" else png_file(stored, 16, 0 if count == 1 else 2)
    )
    path.write_bytes(data)

    assert (read_image(path)[..., 0] == stored[..., 0] >> (bits - 8)).all()
    (said,) = remarks()
    assert said == (
        f"1 image (such as {path}): no pixel is over {(1 << bits) - 1}: read as {bits} bit, not as "
        "16."
    )


def test_the_full_range_of_16_bit_and_a_black_picture_are_taken_as_they_are(path: Path) -> None:
    path.write_bytes(tiff(grey(16), 16))
    assert (read_image(path)[..., 0] == grey(16) >> 8).all()
    path.write_bytes(tiff(grey(16) * 0, 16))
    assert not read_image(path).any()
    path.write_bytes(tiff(grey(12), 12))
    assert (read_image(path)[..., 0] == grey(12) >> 4).all()
    assert remarks() == []


def test_remarks_are_one_sentence_for_a_kind_with_the_number_of_files(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.tif").write_bytes(tiff(grey(12), 16))
        read_image(tmp_path / f"{name}.tif")
        read_preview(tmp_path / f"{name}.tif", 10)

    (said,) = remarks()
    assert said.startswith(f"3 images (such as {tmp_path / 'a.tif'}): no pixel is over 4095")
    assert remarks() == []


@pytest.mark.parametrize("white", [1, 255, 4095])
def test_floating_point_pixels_are_read_where_their_range_says_what_is_white(
    path: Path, white: int
) -> None:
    path.write_bytes(tiff((grey(12) / 4095 * white).astype(np.float32), 32))

    off = np.abs(read_image(path)[..., 0].astype(int) - np.rint(grey(12) / 4095 * 255))
    assert off.max() <= 1
    assert len(remarks()) == 1


@pytest.mark.parametrize("value", [-0.5, 1e6, np.nan, np.inf])
def test_floating_point_pixels_whose_white_is_unknown_are_refused(path: Path, value: float) -> None:
    stored = grey().astype(np.float32)
    stored[3, 4] = value
    path.write_bytes(tiff(stored, 32))

    with pytest.raises(ImageError, match=r"nothing says which is black .* scale them to 0..1"):
        read_image(path)


def test_signed_pixels_are_read_unless_they_may_be_negative(path: Path) -> None:
    path.write_bytes(tiff((grey(16) >> 1).astype(np.int16), 16))
    assert (read_image(path)[..., 0] == grey(16) >> 8).all()
    path.write_bytes(tiff((grey(16) >> 1).astype(np.int16) - 1, 16))
    with pytest.raises(ImageError, match="signed"):
        read_image(path)
    path.write_bytes(tiff(grey(8).astype(np.int8), 8))
    with pytest.raises(ImageError, match="signed"):
        read_image(path)


PREVIEW, MASK = {254: 1}, {254: 4}


@pytest.mark.parametrize(
    ("tags", "chosen"),
    [
        ([{}, {}, {}], 1),
        ([PREVIEW, {}, {}], 2),
        ([MASK, PREVIEW, {}], 3),
        ([{}, PREVIEW], 1),
        ([PREVIEW, PREVIEW], 1),
        ([{255: 2}, {}], 2),  # as older programs call a preview
    ],
)
def test_of_several_pages_the_first_whole_one_is_read_and_said(
    path: Path, tags: list[dict[int, Any]], chosen: int
) -> None:
    pages = [(grey()[..., None] // (n + 1), 8, GREY, Layout(), t) for n, t in enumerate(tags)]
    path.write_bytes(tiff_file(pages))

    assert (read_image(path)[..., 0] == grey() // chosen).all()
    (said,) = remarks()
    assert said.endswith(f"a TIFF of {len(tags)} pages: only page {chosen} was read.")


@pytest.mark.parametrize("codec", ["jpeg", "tiff_ccitt", "group3", "group4"])
@pytest.mark.parametrize("turned", [1, 6])
def test_pictures_inside_a_tiff_are_read_as_pillow_and_opencv_read_them(
    path: Path, codec: str, turned: int
) -> None:
    picture = Image.fromarray(grey()) if codec == "jpeg" else Image.fromarray(grey() > 99)
    picture.save(path, "TIFF", compression=codec, tiffinfo={274: turned})
    with Image.open(path) as image:
        right = np.asarray(image.convert("RGB"))  # Pillow turns a TIFF itself

    assert (read_image(path) == right).all()
    assert header_size(path, path.read_bytes()) == right.shape[:2]
    assert orientation(path, path.read_bytes()) == turned


@pytest.mark.parametrize("subsampling", [(1, 1), (2, 1), (2, 2)])
@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_jpeg_with_reduced_colour_inside_a_tiff(
    path: Path, subsampling: tuple[int, int], tile: tuple[int, int] | None
) -> None:
    picture = np.stack([grey(), grey()[::-1], grey() // 2], axis=2)
    how: dict[str, Any] = {"photometric": "rgb", "compression": "jpeg", "tile": tile}
    tifffile.imwrite(path, picture, subsampling=subsampling, **how)

    assert np.abs(read_image(path).astype(int) - tifffile.imread(path)).max() <= 2


@pytest.mark.parametrize(
    ("codec", "stored"),
    [("jpeg2000", grey(8)), ("jpeg2000", grey(16)), ("webp", np.dstack([grey()] * 3)),
     ("jpeg", grey(12))],
)  # fmt: skip
def test_what_needs_imagecodecs_is_read_with_it_and_named_without(
    path: Path, codec: str, stored: Numbers, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind: Any = "rgb" if stored.ndim == 3 else "minisblack"
    how: dict[str, Any] = {"bitspersample": 12} if codec == "jpeg" else {}
    tifffile.imwrite(path, stored, photometric=kind, compression=codec, **how)
    right = tifffile.imread(path)
    shift = {np.uint8: 0, np.uint16: 8}[right.dtype.type] - 4 * (codec == "jpeg")

    image = read_image(path)
    assert (image == (right if right.ndim == 3 else right[..., None]) >> shift).all()
    assert remarks() == []

    monkeypatch.setattr("cfinspect.engine.base.tiff.find_spec", lambda _name: None)
    with pytest.raises(ImageError, match=r"pip install 'cfinspect\[tiff\]'"):
        read_image(path)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (tiff(np.dstack([grey()] * 3), 8, 8), r"L\*a\*b\* colours"),
        (tiff(grey(16), 16, 32803), "raw data of a camera's sensor"),
        (tiff(grey(), 8, RGB), "1 samples a pixel"),
        (tiff(grey(), 8, 3), "palette is missing"),
        (tiff(grey(), 8, 4), "transparency mask"),
        (tiff(grey(), 8, t254=1, t330=9), "only a preview"),
        (tiff(np.dstack([grey(16)] * 3), 16, 6), "YCbCr colours of 16 bit"),
        (tiff(np.dstack([grey()] * 4), 8, 5, t332=2), "inks"),
        (tiff(np.dstack([grey()] * 3), 8, RGB, t258=[5, 6, 5]), r"\(5, 6, 5\) bit"),
        (tiff(grey(), 8, t259=34887), "compression 34887 is unknown"),
        (tiff(grey(), 8, t317=7), "predictor 7"),
        (tiff(grey(), 8, t278=0), "header is damaged"),
        (tiff(grey(), 8, t32997=5), "volume"),
        (tiff(grey(), 8, t279=[0]), "cut short"),
        (tiff(grey(), 8, layout=Layout(rows=2), t273=[8, 8]), "cut short|header is damaged"),
        (tiff(grey(), 8)[:300], "damaged|cut short"),
    ],
)
def test_a_tiff_that_cannot_be_shown_truly_is_refused_with_the_reason(
    path: Path, data: bytes, reason: str
) -> None:
    path.write_bytes(data)
    with pytest.raises(ImageError, match=reason) as caught:
        read_image(path)
    assert str(caught.value).startswith(f"Cannot read {path}: ")


def test_a_tiff_that_does_not_say_what_is_black_is_refused(path: Path) -> None:
    data = bytearray(tiff(grey(), 8))
    at = data.index(np.array([262, 3], "<u2").tobytes() + np.array([1, 1], "<u4").tobytes())
    data[at : at + 2] = np.array([263], "<u2").tobytes()
    path.write_bytes(data)
    with pytest.raises(ImageError, match="does not state how its numbers become grey"):
        read_image(path)


def test_a_tiff_never_unpacks_more_than_its_header_states(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(tiff(grey(), 8, layout=Layout(tile=(16, 16)), t322=1 << 20, t323=1 << 20))
    with pytest.raises(ImageError, match="over the limit"):
        read_image(path)
    path.write_bytes(tiff(grey(), 8, t277=60_000, t256=10_000, t257=10_000))
    with pytest.raises(ImageError, match="over the limit"):
        read_image(path)
    path.write_bytes(tiff(grey(), 8, t256=60_000, t257=60_000))
    with pytest.raises(ImageError, match="3600 megapixels, over the limit of 200"):
        read_image(path)
    # A strip that holds thirty megabytes where six hundred bytes are stated.
    monkeypatch.setitem(CODECS, "bomb", (8, lambda plain: zlib.compress(plain + bytes(30 << 20))))
    path.write_bytes(tiff(grey(), 8, layout=Layout(codec="bomb")))
    assert (read_image(path)[..., 0] == grey()).all()


def test_what_pillow_misreads_is_asked_for_as_a_file(path: Path) -> None:
    for data in (tiff(grey(12), 12), tiff(grey(16), 16, 0)):
        path.write_bytes(data)
        with Image.open(path) as image, pytest.raises(ImageError, match="give its path"):
            from_pillow(image)
    path.write_bytes(tiff(grey(16), 16))
    with Image.open(path) as image:
        assert (from_pillow(image) == read_image(path)).all()


def chunks_of_metadata() -> dict[str, bytes]:
    much = zlib.compress(bytes(3 << 20))
    return {
        "text": png_chunk(b"zTXt", b"Comment\0\0" + much),
        "XMP": png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + much),
        "profile": png_chunk(b"iCCP", b"ICC\0\0" + much),
        "broken text": png_chunk(b"zTXt", b"Comment\0\0 is not compressed"),
    }


@pytest.mark.parametrize("what", chunks_of_metadata())
@pytest.mark.parametrize("bits", [8, 16])
def test_metadata_of_a_png_never_costs_its_pixels(tmp_path: Path, what: str, bits: int) -> None:
    chunk = chunks_of_metadata()[what]
    before = png_file(grey(bits)[..., None], bits, 0, chunks=chunk)
    plain = png_file(grey(bits)[..., None], bits, 0)
    end = plain.index(b"IEND") - 4
    path = tmp_path / "a.png"
    for data in (before, plain[:end] + chunk + plain[end:]):
        path.write_bytes(data)
        assert (read_image(path)[..., 0] == grey(bits) >> (bits - 8)).all()
        assert header_size(path, data) == (20, 30)


@pytest.mark.skipif(sys.platform != "linux", reason="nobody says there what the most memory was")
@pytest.mark.parametrize("read", [read_image, read_samples])
def test_pixels_that_claim_gigabytes_get_none(tmp_path: Path, read: Callable[[Path], Any]) -> None:
    sound = png_file(grey(16)[..., None], 16, 0)
    at = sound.index(b"IDAT") - 4
    (tmp_path / "a.png").write_bytes(sound[:at] + struct.pack(">I", 0x7D000000) + sound[at + 4 :])
    Path("/proc/self/clear_refs").write_text("5")
    with contextlib.suppress(ImageError):
        read(tmp_path / "a.png")
    status = Path("/proc/self/status").read_text().splitlines()
    most, now = (int(one.split()[1]) >> 10 for one in status if one[:6] in {"VmHWM:", "VmRSS:"})
    assert most - now < 300  # MB


def test_exif_in_a_png_with_much_text_still_turns_it(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    chunks = png_chunk(b"eXIf", exif.tobytes()[6:]) + chunks_of_metadata()["text"]
    path = tmp_path / "a.png"
    path.write_bytes(png_file(grey()[..., None], 8, 0, chunks=chunks))

    assert (read_image(path)[..., 0] == np.rot90(grey(), -1)).all()


def noise() -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    return Image.fromarray(values).resize((96, 64), Image.Resampling.BICUBIC)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("restarts", [False, True])
def test_a_jpeg_without_its_end_is_read_if_no_pixel_is_missing(
    tmp_path: Path, progressive: bool, restarts: bool
) -> None:
    buffer, path = io.BytesIO(), tmp_path / "a.jpg"
    rows = {"restart_marker_rows": 1} if restarts else {}
    noise().save(buffer, "JPEG", quality=90, progressive=progressive, **rows)
    whole = buffer.getvalue()
    path.write_bytes(whole)
    right, small = read_image(path), read_preview(path, 40)
    assert remarks() == []

    path.write_bytes(whole[:-2])
    assert (read_image(path) == right).all()
    assert (read_preview(path, 40) == small).all()
    (said,) = remarks()
    assert said.endswith("a JPEG without its end marker: read, all its pixels are there.")
    # The worst places to cut: where a part ends, so that a decoder misses nothing until its end.
    parts = [match.start() for match in re.finditer(rb"\xff[\xd0-\xd7\xda]", whole)]
    for cut in [*parts, len(whole) - 20]:
        for filling in (b"", bytes(99)):
            path.write_bytes(whole[:cut] + filling)
            with pytest.raises(ImageError, match="cut short"):
                read_image(path)


def test_alpha_that_nobody_wrote_hides_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.bmp"
    masks = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    path.write_bytes(bmp_file(grey().astype(np.uint32) << 16, 32, masks=masks))
    assert (read_image(path)[..., 0] == grey()).all()
    assert "alpha is 0 everywhere" in remarks()[0]

    stored = np.dstack([grey()] * 3 + [grey() * 0])
    path.write_bytes(tiff(stored, 8, RGB, t338=1))
    assert (read_image(path)[..., 0] == grey()).all()
    assert "alpha is 0 everywhere" in remarks()[0]


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_a_wholly_transparent_picture_is_white_and_said(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    options: dict[str, Any] = {"lossless": True, "exact": True} if suffix == ".webp" else {}
    Image.fromarray(np.dstack([grey()] * 3 + [grey() * 0])).save(path, **options)

    assert (read_image(path) == 255).all()
    assert "every pixel is transparent" in remarks()[0]
    assert remarks() == []
