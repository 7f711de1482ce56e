"""Every kind of image file comes in as upright RGB uint8, or as one sentence."""

import io
import os
import struct
import tracemalloc
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.images import (
    ImageError,
    content_hash,
    header_size,
    read_image,
    read_preview,
    resize_image,
    write_jpeg,
    write_png,
)
from cfinspect.engine.data.image_folders import list_images, natural_key

Pixels = NDArray[np.uint8]


def smooth_picture(height: int = 24, width: int = 40) -> Pixels:
    """A picture that JPEG keeps well and that no rotation or channel swap leaves unchanged."""
    rows, columns = np.mgrid[0:height, 0:width]
    red, green = 250 * columns / width, 200 * rows / height
    return np.stack([red, green, np.full_like(red, 30)], axis=2).astype(np.uint8)


def save(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".tif", ".webp"])
def test_reads_every_format_under_a_non_ascii_name(tmp_path: Path, suffix: str) -> None:
    picture = smooth_picture()
    options = {"quality": 95} if suffix in {".jpg", ".webp"} else {}
    path = save(tmp_path / f"Prüfling ä 裂缝{suffix}", Image.fromarray(picture), **options)

    image = read_image(path)

    assert image.dtype == np.uint8
    assert image.shape == (24, 40, 3)
    assert np.abs(image.astype(int) - picture).mean() < 3
    assert header_size(path, path.read_bytes()) == (24, 40)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_undoes_the_cameras_rotation(tmp_path: Path, suffix: str, orientation: int) -> None:
    upright = smooth_picture()
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95} if suffix in {".jpg", ".webp"} else {}
    image = Image.fromarray(np.ascontiguousarray(stored))
    path = save(tmp_path / f"rotated{suffix}", image, exif=exif, **options)

    read = read_image(path)

    assert read.shape == upright.shape
    assert np.abs(read.astype(int) - upright).mean() < 4
    assert header_size(path, path.read_bytes()) == (24, 40)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp"])
def test_size_comes_from_the_header_without_decoding(
    tmp_path: Path, suffix: str, caplog: pytest.LogCaptureFixture
) -> None:
    whole = save(tmp_path / f"a{suffix}", Image.fromarray(smooth_picture(200, 300))).read_bytes()
    start = whole[:700]

    assert header_size(tmp_path / f"a{suffix}", start) == (200, 300)
    assert not caplog.records


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_exif_block_does_not_cost_the_image(tmp_path: Path) -> None:
    image = Image.fromarray(smooth_picture())
    path = save(tmp_path / "a.jpg", image, exif=b"Exif\x00\x00MM\x00\x2a\xff\xff\xff\xff")

    assert read_image(path).shape == (24, 40, 3)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bit_grey_keeps_the_high_byte(tmp_path: Path, suffix: str) -> None:
    values = np.array([[0, 255, 256, 0x1234, 0x80FF, 0xFFFF]], dtype=np.uint16)
    path = save(tmp_path / f"deep{suffix}", Image.fromarray(values))

    assert read_image(path)[0].tolist() == [[v] * 3 for v in (0, 0, 1, 0x12, 0x80, 0xFF)]


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bit_colour_keeps_the_high_byte(tmp_path: Path, suffix: str) -> None:
    blue_green_red = np.array([[[0x0101, 0x8000, 0xFFFF]]], dtype=np.uint16)
    path = tmp_path / f"deep{suffix}"
    path.write_bytes(cv2.imencode(suffix, blue_green_red)[1].tobytes())

    assert read_image(path)[0, 0].tolist() == [0xFF, 0x80, 0x01]


def test_transparent_parts_are_white_and_half_transparent_ones_blend(tmp_path: Path) -> None:
    rgba = np.array([[[10, 20, 30, 255], [10, 20, 30, 0], [0, 0, 0, 128]]], dtype=np.uint8)
    path = save(tmp_path / "a.png", Image.fromarray(rgba))

    read = read_image(path)[0].tolist()

    assert read[:2] == [[10, 20, 30], [255, 255, 255]]
    assert read[2] == pytest.approx([127] * 3, abs=1)


def test_grey_with_alpha_and_palette_with_a_transparent_entry(tmp_path: Path) -> None:
    grey = Image.merge("LA", [Image.new("L", (2, 1), 90), Image.new("L", (2, 1), 0)])
    palette = Image.new("P", (2, 1))
    palette.putpalette([200, 0, 0, 0, 0, 200])
    palette.putpixel((1, 0), 1)

    assert (read_image(save(tmp_path / "la.png", grey)) == 255).all()
    read = read_image(save(tmp_path / "p.png", palette, transparency=1))
    assert read.tolist() == [[[200, 0, 0], [255, 255, 255]]]


def test_one_bit_grey_and_cmyk(tmp_path: Path) -> None:
    bits = Image.fromarray(np.array([[True, False]]))
    cmyk = Image.new("CMYK", (16, 16), (0, 255, 255, 0))

    assert read_image(save(tmp_path / "bits.tif", bits)).tolist() == [[[255] * 3, [0] * 3]]
    red = read_image(save(tmp_path / "cmyk.jpg", cmyk))[8, 8]
    assert red[0] > 240
    assert red[1] < 15


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".tif", ".webp"])
def test_truncated_file_is_a_sentence_not_a_half_grey_image(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    whole = save(tmp_path / f"whole{suffix}", Image.fromarray(noise)).read_bytes()
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(whole[: len(whole) // 2])

    with pytest.raises(ImageError, match=r"^Cannot read .*cut.*\.$") as caught:
        read_image(path)
    assert caught.value.path == path


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_random_damage_never_raises_anything_but_image_error(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    picture = Image.fromarray(smooth_picture())
    path = tmp_path / "damaged.bin"
    for kind in ("JPEG", "PNG", "BMP", "TIFF", "WEBP"):
        buffer = io.BytesIO()
        picture.save(buffer, kind)
        for _ in range(60):
            damaged = bytearray(buffer.getvalue())
            for place in rng.integers(0, min(len(damaged), 400), 6):
                damaged[place] = rng.integers(256)
            path.write_bytes(damaged)
            try:
                image = read_image(path, max_pixels=10_000_000)
            except ImageError:
                continue
            assert image.ndim == 3


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "empty"), (b"hello, this is no image at all", "no JPEG"), (b"GIF89a" + b"0" * 99, "no")],
)
def test_what_is_no_image_says_so(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)

    with pytest.raises(ImageError, match=words):
        read_image(path)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="No such file"):
        read_image(tmp_path / "nothing.png")
    with pytest.raises(ImageError, match="directory"):
        read_image(tmp_path)


def png_bomb(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + checksum

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + header + body + chunk(b"IEND", b"")


def test_decompression_bomb_is_refused_before_it_costs_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_bomb(60_000, 60_000))

    tracemalloc.start()
    with pytest.raises(ImageError, match="3600 megapixels, over the limit of 200"):
        read_image(path)
    with pytest.raises(ImageError, match="megapixels"):
        header_size(path, path.read_bytes())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 10_000_000


def test_the_pixel_limit_itself_is_allowed(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", Image.new("RGB", (10, 10)))

    assert read_image(path, max_pixels=100).shape == (10, 10, 3)
    with pytest.raises(ImageError):
        read_image(path, max_pixels=99)


def test_png_comes_back_as_written(tmp_path: Path) -> None:
    picture = smooth_picture()
    mask = picture[..., 0] > 100

    write_png(tmp_path / "ä.png", picture)
    write_png(tmp_path / "mask.png", mask)
    write_png(tmp_path / "grey.png", picture[..., 0])

    assert (read_image(tmp_path / "ä.png") == picture).all()
    assert (read_image(tmp_path / "mask.png")[..., 0] == mask * np.uint8(255)).all()
    assert (read_image(tmp_path / "mask.png")[..., 0] == np.where(mask, 255, 0)).all()
    assert (read_image(tmp_path / "grey.png")[..., 2] == picture[..., 0]).all()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["grey.png", "mask.png", "ä.png"]


def test_jpeg_keeps_colours_in_place(tmp_path: Path) -> None:
    write_jpeg(tmp_path / "a.jpg", smooth_picture())

    difference = read_image(tmp_path / "a.jpg").astype(int) - smooth_picture()
    assert np.abs(difference).mean() < 4


def test_failed_write_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    folder = tmp_path / "a.png"
    folder.mkdir()
    (folder / "kept").write_text("kept")

    with pytest.raises(ImageError, match=r"^Cannot write"):
        write_png(folder, smooth_picture())
    with pytest.raises(ImageError, match=r"^Cannot write"):
        write_png(tmp_path / "missing" / "b.png", smooth_picture())
    with pytest.raises(ImageError, match=r"^Cannot write"):
        write_jpeg(tmp_path / "long.jpg", np.zeros((1, 70_000), dtype=np.uint8))
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_write_refuses_floats() -> None:
    with pytest.raises(ValueError, match="uint8"):
        write_png(Path("a.png"), np.zeros((4, 4)))  # type: ignore[arg-type]


def test_resize_averages_when_shrinking_and_interpolates_when_growing() -> None:
    stripes = np.zeros((8, 8), dtype=np.uint8)
    stripes[:, ::2] = 200

    assert (resize_image(stripes, 4) == 100).all()
    assert resize_image(smooth_picture(), (12, 20)).shape == (12, 20, 3)
    grown = resize_image(np.array([[0, 200]], dtype=np.uint8), (1, 8))
    assert (np.diff(grown.astype(int)) >= 0).all()
    assert len(np.unique(grown)) > 4
    assert resize_image(stripes, 8) is stripes


def test_content_hash_is_an_unsigned_64_bit_number_of_the_bytes() -> None:
    hashes = {content_hash(bytes([value])) for value in range(256)}

    assert len(hashes) == 256
    assert all(0 <= value < 2**64 for value in hashes)
    assert max(hashes) >= 2**63
    assert content_hash(b"a") == content_hash(b"a")


def test_lists_folders_recursively_naturally_and_once(tmp_path: Path) -> None:
    names = ["b/img10.PNG", "b/img2.jpg", "a.tiff", ".hidden.png", ".git/x.png", "notes.txt"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "b" / "loop").symlink_to(tmp_path, target_is_directory=True)

    listed = list_images([tmp_path, tmp_path / "a.tiff", tmp_path / "notes.txt"])

    relative = [path.relative_to(tmp_path).as_posix() for path in listed]
    assert relative == ["a.tiff", "b/img2.jpg", "b/img10.PNG", "notes.txt"]


def test_listing_an_unknown_path_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CfinspectError, match=r"no file or folder .*nowhere"):
        list_images([tmp_path / "nowhere"])


def test_natural_key_orders_numbers_by_value_and_ignores_case() -> None:
    names = ["x10", "X9", "x2a", "x2", "1", "x"]

    assert sorted(names, key=natural_key) == ["1", "x", "x2", "x2a", "X9", "x10"]


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_preview_is_a_small_version_of_the_image(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"ramp{suffix}"
    ramp = np.tile(np.linspace(0, 255, 800).astype(np.uint8)[None, :, None], (600, 1, 3))
    write_jpeg(path, ramp) if suffix == ".jpg" else write_png(path, ramp)
    small = read_preview(path, 100)
    assert small.shape == (75, 100, 3)
    assert np.abs(small[37, :, 0] - np.linspace(1, 254, 100)).max() < 4
    assert read_preview(path, 5000).shape == (600, 800, 3)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_or_a_device_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    for name in ("pipe.png", "zero.png"):
        with pytest.raises(ImageError, match="no regular file"):
            read_image(tmp_path / name)
