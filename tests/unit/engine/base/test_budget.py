"""A picture is held to pixels, memory and steps by its header; large honest ones are read."""

from __future__ import annotations

import io
import struct
import threading
import time
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from picture_files import png_chunk
from PIL import Image

from cfinspect.engine.base.budget import (
    MAX_SCANS,
    MAX_SIDE,
    Unreadable,
    count_pages,
    one_at_a_time,
    require_sound_jpeg,
    stated_webp_size,
)
from cfinspect.engine.base.images import (
    ImageError,
    header_size,
    read_image,
    read_preview,
    read_samples,
)
from cfinspect.engine.data.mask_values import read_mask_values
from cfinspect.engine.data.settings import MaskValues

LARGE = 2100  # more pixels than are converted at a time


def png_header(width: int, height: int, depth: int, kind: int, pixels: bytes) -> bytes:
    """A PNG that states a size, whatever its ``pixels`` are."""
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", pixels)
        + png_chunk(b"IEND", b"")
    )


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def progressive(scans: int, side: int = 300) -> bytes:
    """A grey JPEG whose smallest scan, with its tables, is repeated."""
    noise = np.random.default_rng(0).integers(0, 255, (side, side), np.uint8)
    data = encoded(Image.fromarray(noise), "JPEG", progressive=True, quality=90)
    starts, at = [], data.index(b"\xff\xda")
    while at >= 0:
        starts.append(at)
        at = data.find(b"\xff\xda", at + 2)
    table = data.rindex(b"\xff\xc4", 0, starts[-1])
    last = data[table:-2]
    return data[:-2] + last * (scans - len(starts)) + data[-2:]


def refused(path: Path, data: bytes, match: str) -> None:
    """By its header, by reading it, and as a thumbnail: at once, with the file's name."""
    path.write_bytes(data)
    begin = time.process_time()  # whatever else the machine does
    for attempt in (lambda: header_size(path, data), lambda: read_preview(path, 64)):
        with pytest.raises(ImageError, match=match) as told:
            attempt()
        assert str(path) in str(told.value)
    assert time.process_time() - begin < 5


def test_a_png_that_states_more_pixels_than_its_bytes_can_hold_is_refused(tmp_path: Path) -> None:
    data = png_header(14_000, 14_000, 8, 2, zlib.compress(bytes(100_000)))
    refused(tmp_path / "a.png", data, "can hold .* at most: it is cut short or damaged")


def test_a_blank_png_of_the_best_compression_is_read(tmp_path: Path) -> None:
    path = tmp_path / "blank.png"
    squeezed = zlib.compressobj(9)
    rows = squeezed.compress(bytes(6001) * 1000) + squeezed.flush()
    path.write_bytes(png_header(2000, 1000, 8, 2, rows))
    assert len(rows) * 1000 < 2000 * 1000 * 3 < len(path.read_bytes()) * 1032
    assert not read_image(path).any()


def test_a_jpeg_that_states_more_pixels_than_its_bytes_can_hold_is_refused(tmp_path: Path) -> None:
    data = bytearray(encoded(Image.new("RGB", (64, 64)), "JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", 14_000, 14_000)
    refused(tmp_path / "a.jpg", bytes(data), "cut short or damaged")


def test_a_jpeg_of_thousands_of_scans_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "a.jpg", progressive(3000), r"101 or more steps \(progressive scans\)")


def test_a_jpeg_of_as_many_scans_as_may_be_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(progressive(MAX_SCANS))
    assert read_image(path).shape == (300, 300, 3)


def test_the_larger_a_jpeg_is_the_fewer_scans_it_may_have() -> None:
    data = progressive(60, 700)
    assert require_sound_jpeg(100_000_000, data) == 200_000_000
    with pytest.raises(Unreadable, match="progressive scans"):
        require_sound_jpeg(190_000_000, data)


def test_what_looks_like_a_scan_in_metadata_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    data = encoded(Image.new("L", (300, 300), 90), "JPEG", progressive=True)
    comment = b"\xff\xda" * 2000
    block = b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment
    path.write_bytes(data[:2] + block + data[2:])
    assert (read_image(path) == 90).all()


def test_a_picture_that_takes_too_much_memory_is_refused(tmp_path: Path) -> None:
    deep = png_header(14_100, 14_100, 16, 6, bytes(1_700_000))
    refused(tmp_path / "deep.png", deep, "3.2 GB of memory, over the limit of 2.8")


@pytest.mark.parametrize(
    "options", [{"lossless": True}, {"quality": 50}, {"exif": b"Exif\0\0II*\0"}]
)
def test_the_size_of_a_webp_is_told_without_its_decoder(options: dict[str, Any]) -> None:
    data = encoded(Image.new("RGB", (321, 123), (1, 200, 3)), "WEBP", **options)
    assert stated_webp_size(data) == (321, 123)
    assert stated_webp_size(data[:20]) is None
    assert stated_webp_size(encoded(Image.new("L", (9, 9)), "PNG")) is None


def test_a_webp_of_a_huge_canvas_is_refused(tmp_path: Path) -> None:
    canvas = struct.pack("<I", 16_777_215)[:3] + struct.pack("<I", 255)[:3]
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + canvas
    data = b"RIFF" + struct.pack("<I", len(body)) + body
    refused(tmp_path / "a.webp", data, "4295 megapixels")


@pytest.mark.parametrize("size", [(1, MAX_SIDE + 1), (MAX_SIDE + 1, 1)])
def test_a_side_that_no_library_takes_is_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    refused(tmp_path / "a.png", png_header(*size, 8, 0, bytes(9000)), "cut it into several files")


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_a_line_scan_of_65_500_pixels_is_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"scan{suffix}"
    rows = np.linspace(0, 255, 65_500).astype(np.uint8)[:, None, None]
    Image.fromarray(np.broadcast_to(rows, (65_500, 80, 3)).copy()).save(path)
    found = read_image(path)
    assert found.shape == (65_500, 80, 3)
    assert np.abs(found[:, 40, 1].astype(int) - rows[:, 0, 0]).max() <= 2


# TIFF ------------------------------------------------------------------------------------------


def tiff_pages(links: list[int], tags: bytes = b"", count: int = 0) -> bytes:
    """A TIFF of as many pages as ``links``, which say by number what follows each."""
    size = 2 + len(tags) + 4
    parts = [b"II*\0", struct.pack("<I", 8)]
    for link in links:
        following = 8 + link * size if link >= 0 else 0
        parts += [struct.pack("<H", count), tags, struct.pack("<I", following)]
    return b"".join(parts)


def test_the_pages_of_a_tiff_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    pages = [Image.new("L", (8, 8), value) for value in (10, 20, 30)]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    assert count_pages(path.read_bytes()) == 3
    tifffile.imwrite(path, np.zeros((4, 8, 8), np.uint8), bigtiff=True, photometric="minisblack")
    assert count_pages(path.read_bytes()) == 4


def test_a_tiff_whose_pages_go_in_circles_behind_the_hundredth_is_refused(tmp_path: Path) -> None:
    data = tiff_pages([*range(1, 150), 120])
    refused(tmp_path / "a.tif", data, "its pages go in circles")


def test_a_tiff_of_endless_pages_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "a.tif", tiff_pages([*range(1, 120_000), -1]), "more than .* pages")


def test_a_tiff_whose_tags_hold_more_than_its_file_is_refused(tmp_path: Path) -> None:
    # 1000 tags, all of which are the same numbers.
    tag = struct.pack("<HHII", 273, 3, 6000, 8)
    data = tiff_pages([-1], tag * 1000, 1000) + bytes(1000)
    refused(tmp_path / "a.tif", data, "its tags hold too much")


def test_a_tiff_whose_strips_are_all_of_the_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    picture = np.random.default_rng(0).integers(0, 255, (400, 400), np.uint8)
    tifffile.imwrite(path, picture, rowsperstrip=1, compression="zlib", photometric="minisblack")
    assert (read_image(path)[..., 0] == picture).all()
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        starts, lengths = (file.pages[0].tags[code] for code in (273, 279))  # type: ignore[union-attr]
    for tag, value in ((starts, starts.value[0]), (lengths, len(data) - starts.value[0])):
        form = "<400I" if tag.dtype == 4 else "<400H"
        struct.pack_into(form, data, tag.valueoffset, *[min(value, 65_535)] * 400)
    refused(path, bytes(data), "lie over one another")


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "zlib", "predictor": 2},
        {"compression": "lzw", "rowsperstrip": 7},
        {"compression": "lzw"},
        {"tile": (256, 512), "compression": "packbits"},
        {"planarconfig": "separate", "compression": "zlib", "predictor": 2},
        {"planarconfig": "separate", "tile": (512, 512)},
        {"byteorder": ">"},
    ],
    ids=str,
)
def test_a_large_tiff_is_read_in_parts_as_it_is(tmp_path: Path, options: dict[str, Any]) -> None:
    path = tmp_path / "a.tif"
    rows, columns = np.mgrid[0:LARGE, 0:LARGE]
    picture = np.stack([rows * 31, columns * 31, rows * 15 + columns * 16], axis=2).astype(
        np.uint16
    )
    stored = np.moveaxis(picture, 2, 0) if "planarconfig" in options else picture
    tifffile.imwrite(path, stored, photometric="rgb", **options)
    assert (read_image(path) == picture >> 8).all()


# Other large pictures --------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["RGB", "L", "LA", "RGBA", "P", "key"])
def test_a_large_png_is_converted_in_parts_as_pillow_does_it_at_once(
    tmp_path: Path, mode: str
) -> None:
    path = tmp_path / "a.png"
    rows, columns = np.mgrid[0:LARGE, 0:LARGE]
    full = np.stack([rows // 9, columns // 9, (rows + columns) // 17, rows // 9], axis=2)
    image = Image.fromarray(full.astype(np.uint8))
    options: dict[str, Any] = {}
    if mode == "P":
        image = image.convert("RGB").quantize(64)
        options["transparency"] = bytes(range(0, 256, 4))
    elif mode == "key":
        image = image.convert("L")
        options["transparency"] = 77
    else:
        image = image.convert(mode)
    image.save(path, **options)

    with Image.open(path) as stored:
        behind = Image.new("RGBA", stored.size, "white")
        expected = Image.alpha_composite(behind, stored.convert("RGBA")).convert("RGB")
    assert (read_image(path) == np.asarray(expected)).all()


def test_a_large_png_of_16_bit_is_converted_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    rows, columns = np.mgrid[0:LARGE, 0:LARGE]
    stored = np.stack([rows * 31, columns * 31, rows * 15, np.full_like(rows, 65_535)], axis=2)
    path.write_bytes(cv2.imencode(".png", stored.astype(np.uint16))[1].tobytes())
    assert (read_image(path) == stored[..., 2::-1] >> 8).all()


def test_only_one_large_picture_is_decoded_at_a_time() -> None:
    inside, most = 0, 0
    counting = threading.Lock()

    def decode() -> None:
        nonlocal inside, most
        with one_at_a_time(8000, 8000):
            with counting:
                inside += 1
                most = max(most, inside)
            time.sleep(0.02)
            with counting:
                inside -= 1

    threads = [threading.Thread(target=decode) for _ in range(5)]
    for thread in threads:
        thread.start()
    with one_at_a_time(100, 100):  # a small one does not wait
        pass
    for thread in threads:
        thread.join()
    assert most == 1


def test_numbers_of_a_mask_take_no_memory_for_those_in_between(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    numbers = np.zeros((30, 40), np.uint32)
    numbers[5:9], numbers[20:25] = 4_000_000_000, 7
    tifffile.imwrite(path, numbers, photometric="minisblack")
    found = read_mask_values(path, MaskValues.INSTANCES)
    assert (found.mask == (numbers > 0)).all()


@pytest.mark.parametrize("channels", [3, 4])
def test_a_large_mask_in_colours_is_read_in_parts(tmp_path: Path, channels: int) -> None:
    path = tmp_path / "a.png"
    pixels = np.zeros((LARGE, LARGE, channels), np.uint8)
    pixels[3:9, 5:2000, :3] = (0, 128, 0)
    pixels[2050:2060, :, :3] = (128, 0, 0)
    pixels[..., 3:] = 255
    Image.fromarray(pixels).save(path)

    assert (read_samples(path)[0] == pixels).all()
    expected = np.zeros(pixels.shape[:2], np.uint8)
    expected[3:9, 5:2000], expected[2050:2060] = 2, 1
    assert (read_mask_values(path).mask == expected).all()


@pytest.mark.parametrize(
    ("suffix", "parts"),
    [
        (".png", png_chunk(b"teSt", b"") * 300_000),
        (".png", png_chunk(b"tEXt", b"a\0b") * 300_000),
        (".jpg", b"\xff\xfe\x00\x02" * 1_000_000),
        (".jpg", b"\xff" * 20_000_000),
        (".jpg", (b"\xff\xe1\xff\xffExif\0\0" + bytes(65527)) * 500),
    ],
)
def test_a_picture_of_parts_without_end_is_refused_at_once(
    tmp_path: Path, suffix: str, parts: bytes
) -> None:
    done, data = cv2.imencode(suffix, np.full((64, 64, 3), 90, np.uint8))
    assert done
    at = 33 if suffix == ".png" else 2
    path = tmp_path / f"a{suffix}"
    path.write_bytes(data[:at].tobytes() + parts + data[at:].tobytes())
    started = time.monotonic()
    with pytest.raises(ImageError, match="so many parts"):
        read_image(path)
    assert time.monotonic() - started < 3
    some = parts[: len(parts) // 300_000 * 1000] if suffix == ".png" else b"\xff\xfe\x00\x02" * 500
    path.write_bytes(data[:at].tobytes() + some + data[at:].tobytes())
    assert read_image(path).shape == (64, 64, 3)
