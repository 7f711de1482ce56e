"""What the values of a mask file mean: each way in which tools write them, or a sentence."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from cfinspect.engine.base.images import ImageError, read_image
from cfinspect.engine.data.mask_values import IGNORED, palette, read_mask_values
from cfinspect.engine.data.settings import MaskValues
from cfinspect.masks.files import encode_indexed

SIDE = 40
INSIDE = np.zeros((SIDE, SIDE), dtype=bool)
INSIDE[5:20, 5:20] = True
OTHER = np.zeros((SIDE, SIDE), dtype=bool)
OTHER[25:35, 25:35] = True


def stored(folder: Path, pixels: NDArray[Any], suffix: str = ".png") -> Path:
    """Pixels (H, W) or (H, W, C) in RGB, as they are."""
    path = folder / f"mask{suffix}"
    if pixels.ndim == 3:
        pixels = pixels[..., [2, 1, 0, *range(3, pixels.shape[2])]]
    assert cv2.imwrite(str(path), pixels)
    return path


def grey(inside: int, other: int = 0, dtype: type = np.uint8) -> NDArray[Any]:
    pixels: NDArray[Any] = np.zeros((SIDE, SIDE), dtype=dtype)
    pixels[INSIDE], pixels[OTHER] = inside, other
    return pixels


@pytest.mark.parametrize(
    ("inside", "other", "dtype"),
    [
        (255, 0, np.uint8),
        (1, 0, np.uint8),
        (128, 0, np.uint8),
        (76, 0, np.uint8),
        (65535, 0, np.uint16),
        (1, 0, np.uint16),
        (1, 255, np.uint8),
    ],
)
def test_one_value_is_damage_and_255_beside_a_number_is_ignored(
    tmp_path: Path, inside: int, other: int, dtype: type
) -> None:
    found = read_mask_values(stored(tmp_path, grey(inside, other, dtype)))
    assert np.array_equal(found.mask > 0, INSIDE)
    assert set(np.unique(found.mask)) == {0, 1}
    assert found.ignored == bool(other)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_small_numbers_are_classes(tmp_path: Path, dtype: type) -> None:
    found = read_mask_values(stored(tmp_path, grey(1, 3, dtype)))
    assert found.values is MaskValues.LABELS
    assert np.array_equal(found.mask, grey(1, 3))


@pytest.mark.parametrize(("count", "dtype"), [(60, np.uint8), (400, np.uint16), (300, np.uint16)])
def test_instances_are_damage(tmp_path: Path, count: int, dtype: type) -> None:
    side = 20 * 4
    pixels: NDArray[Any] = np.zeros((side, side * 4), dtype=dtype)
    for number in range(1, count + 1):
        row, column = divmod(number - 1, side // 2)
        pixels[3 * row : 3 * row + 2, 8 * column : 8 * column + 6] = number
    found = read_mask_values(stored(tmp_path, pixels))
    assert found.values is MaskValues.INSTANCES
    assert np.array_equal(found.mask > 0, pixels > 0)


def test_numbers_that_have_names_are_classes(tmp_path: Path) -> None:
    path = stored(tmp_path, grey(40, 200))
    assert np.array_equal(read_mask_values(path, named=[40, 200]).mask, grey(40, 200))
    with pytest.raises(ImageError, match="--mask-values"):
        read_mask_values(path)


@pytest.mark.parametrize("values", [(90, 200), (50, 255), (128, 255)])
def test_what_may_mean_several_things_is_refused_until_somebody_says(
    tmp_path: Path, values: tuple[int, int]
) -> None:
    path = stored(tmp_path, grey(*values))
    with pytest.raises(ImageError, match=r"mask\.png.*--mask-values"):
        read_mask_values(path)
    binary = read_mask_values(path, MaskValues.BINARY).mask
    assert binary[OTHER].all()
    instances = read_mask_values(path, MaskValues.INSTANCES).mask
    assert np.array_equal(instances > 0, INSIDE | OTHER)
    labels = read_mask_values(path, MaskValues.LABELS)
    assert (labels.mask[INSIDE] == values[0]).all()
    assert labels.ignored == (values[1] == 255)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_soft_edges_are_no_classes(tmp_path: Path, suffix: str) -> None:
    small = cv2.resize(grey(255, 255).astype(np.uint8), (SIDE * 3, SIDE * 3))
    found = read_mask_values(stored(tmp_path, small, suffix))
    assert found.values is MaskValues.BINARY
    assert abs(int(found.mask.sum()) - 9 * int((INSIDE | OTHER).sum())) < 100


@pytest.mark.parametrize("seed", range(3))
def test_a_photo_is_no_mask(tmp_path: Path, seed: int) -> None:
    chance = np.random.default_rng(seed)
    photo = cv2.GaussianBlur(chance.integers(0, 255, (SIDE, SIDE), np.uint8), (0, 0), 2)
    with pytest.raises(ImageError, match="no mask"):
        read_mask_values(stored(tmp_path, np.asarray(photo)))


def test_palettes_of_colours_hold_class_numbers_and_grey_ones_hold_greys(tmp_path: Path) -> None:
    mask = grey(7, 2).astype(np.uint8)
    (tmp_path / "voc.png").write_bytes(encode_indexed(mask))
    assert np.array_equal(read_mask_values(tmp_path / "voc.png").mask, mask)
    turned = Image.fromarray((~INSIDE).astype(np.uint8), mode="P")
    turned.putpalette([255, 255, 255, 0, 0, 0])  # white is 0
    turned.save(tmp_path / "turned.png")
    assert np.array_equal(read_mask_values(tmp_path / "turned.png").mask > 0, INSIDE)
    Image.fromarray(INSIDE).save(tmp_path / "bits.png")
    assert np.array_equal(read_mask_values(tmp_path / "bits.png").mask > 0, INSIDE)


def indexed(
    folder: Path,
    numbers: NDArray[Any],
    colours: list[tuple[int, int, int]],
    clear: int | None = None,
) -> Path:
    image = Image.fromarray(numbers.astype(np.uint8), mode="P")
    image.putpalette([level for colour in colours for level in colour])
    if clear is not None:
        image.info["transparency"] = clear
    image.save(folder / "indexed.png")
    return folder / "indexed.png"


BLACK, RED, WHITE = (0, 0, 0), (255, 0, 0), (255, 255, 255)


@pytest.mark.parametrize(
    ("inside", "outside", "colours", "clear"),
    [
        (0, 1, [RED, BLACK], None),  # sorted by brightness to save space
        (2, 1, [WHITE, BLACK, RED], None),
        (0, 1, [RED, WHITE], 1),
        (0, 255, [RED] + 255 * [BLACK], 255),  # the clear one last
        (0, 1, [WHITE, BLACK], 1),
        (1, 0, [BLACK, RED], 0),
        (1, 0, [(120, 120, 120), RED], None),  # class 0 in a colour of its own
    ],
)
def test_the_background_of_a_palette_has_any_number(
    tmp_path: Path,
    inside: int,
    outside: int,
    colours: list[tuple[int, int, int]],
    clear: int | None,
) -> None:
    path = indexed(tmp_path, np.where(INSIDE, inside, outside), colours, clear)
    assert np.array_equal(read_mask_values(path).mask > 0, INSIDE)


def test_palettes_that_pillow_sorts(tmp_path: Path) -> None:
    drawn = Image.fromarray(coloured((255, 0, 0)))
    for palette_of in (Image.Palette.ADAPTIVE, Image.Palette.WEB):
        drawn.convert("P", palette=palette_of).save(tmp_path / "saved.png")
        assert np.array_equal(read_mask_values(tmp_path / "saved.png").mask > 0, INSIDE)
        drawn.convert("P", palette=palette_of).save(tmp_path / "saved.tif")
        assert np.array_equal(read_mask_values(tmp_path / "saved.tif").mask > 0, INSIDE)


def test_numbers_of_a_palette_when_they_are_asked_for_or_255_is_ignored(tmp_path: Path) -> None:
    path = indexed(tmp_path, np.where(INSIDE, 0, 1), [RED, BLACK])
    assert np.array_equal(read_mask_values(path, MaskValues.LABELS).mask == 0, INSIDE)
    numbers = np.where(INSIDE, 1, np.where(OTHER, IGNORED, 0))
    for first in (BLACK, (120, 120, 120)):
        colours = [first, RED] + 254 * [BLACK]
        found = read_mask_values(
            indexed(tmp_path, numbers, colours, 255 if first == BLACK else None)
        )
        assert found.ignored
        assert np.array_equal(found.mask > 0, INSIDE)
    black = indexed(tmp_path, np.where(INSIDE, 1, 0), [WHITE, BLACK], 0)
    with pytest.raises(ImageError, match="black is painted"):
        read_mask_values(black)


def coloured(inside: tuple[int, ...], other: tuple[int, ...] | None = None) -> NDArray[np.uint8]:
    pixels = np.zeros((SIDE, SIDE, len(inside)), dtype=np.uint8)
    pixels[INSIDE] = inside
    if other is not None:
        pixels[OTHER] = other
    return pixels


def test_colours(tmp_path: Path) -> None:
    red = read_mask_values(stored(tmp_path, coloured((255, 0, 0)))).mask
    assert np.array_equal(red > 0, INSIDE)
    painted = read_mask_values(stored(tmp_path, coloured((255, 0, 0, 255), (9, 9, 9, 40)))).mask
    assert np.array_equal(painted > 0, INSIDE), "what is nearly transparent is not painted"
    opaque = coloured((255, 255, 255, 255))
    opaque[..., 3] = 255
    assert np.array_equal(read_mask_values(stored(tmp_path, opaque)).mask > 0, INSIDE)
    one, two = (tuple(palette()[number].tolist()) for number in (1, 2))
    voc = read_mask_values(stored(tmp_path, coloured(one, two)))
    assert np.array_equal(voc.mask, grey(1, 2))
    with pytest.raises(ImageError, match="colours"):
        read_mask_values(stored(tmp_path, coloured((255, 0, 0), (0, 0, 255))))
    with pytest.raises(ImageError, match="black is painted"):
        read_mask_values(stored(tmp_path, coloured((0, 0, 0, 255))))
    assert not read_mask_values(stored(tmp_path, coloured((0, 0, 0, 0)))).mask.any()


def test_fractions_and_numbers_below_zero(tmp_path: Path) -> None:
    share = np.where(INSIDE, 0.7, 0.1).astype(np.float32)
    with pytest.raises(ImageError, match="fractions"):
        read_mask_values(stored(tmp_path, share, ".tiff"))
    found = read_mask_values(tmp_path / "mask.tiff", MaskValues.BINARY)
    assert np.array_equal(found.mask > 0, INSIDE)
    whole = np.where(INSIDE, 1.0, 0.0).astype(np.float32)
    assert np.array_equal(read_mask_values(stored(tmp_path, whole, ".tiff")).mask > 0, INSIDE)
    with pytest.raises(ImageError, match="above 254"):
        read_mask_values(stored(tmp_path, grey(300, dtype=np.uint16)), MaskValues.LABELS)


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM"])
def test_what_is_no_image_is_one_sentence(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "mask.png").write_bytes(data)
    with pytest.raises(ImageError, match=r"mask\.png"):
        read_mask_values(tmp_path / "mask.png")


@pytest.mark.parametrize("how", range(1, 9))
def test_a_turned_mask_lies_as_its_picture_does(tmp_path: Path, how: int) -> None:
    stood = Image.fromarray(np.where(INSIDE[:, :30], 255, 0).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = how
    for suffix in (".png", ".tif", ".jpg"):
        stood.save(tmp_path / f"m{suffix}", exif=exif)
        right = read_image(tmp_path / f"m{suffix}")[..., 0] > 127
        assert np.array_equal(read_mask_values(tmp_path / f"m{suffix}").mask > 0, right)


@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff_masks(tmp_path: Path, photometric: str, dtype: type) -> None:
    top = int(np.iinfo(dtype).max)
    pixels = grey(1, 3, dtype)
    stored_as = top - pixels if photometric == "miniswhite" else pixels
    for compression in (None, "zlib"):
        tifffile.imwrite(
            tmp_path / "m.tif", stored_as, photometric=photometric, compression=compression
        )
        assert np.array_equal(read_mask_values(tmp_path / "m.tif").mask, grey(1, 3))


@pytest.mark.parametrize("kind", ["grey", "16 bit", "colours", "transparent"])
def test_a_large_mask_takes_little_more_than_its_pixels(tmp_path: Path, kind: str) -> None:
    side = 3000
    pixels = np.zeros((side, side), np.uint16 if kind == "16 bit" else np.uint8)
    pixels[5:, 5:] = 2 if kind == "colours" else 255
    inside = pixels > 0
    if kind == "colours":
        pixels = palette()[pixels]
        pixels[0, 0] = palette()[1]
    elif kind == "transparent":
        pixels = np.stack([pixels] * 4, axis=2)
    path = stored(tmp_path, pixels)
    read_mask_values(path)  # loads what it needs
    tracemalloc.start()
    found = read_mask_values(path)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.array_equal(found.mask[1:] > 0, inside[1:])
    # What OpenCV gives, the same with its channels in order, and a few images of one byte a pixel.
    assert most < 2 * pixels.nbytes + 4 * side * side + (150 << 20)


def test_values_of_32_bit_cost_no_room_for_all_between(tmp_path: Path) -> None:
    path = tmp_path / "mask.tif"
    tifffile.imwrite(path, np.where(INSIDE, np.uint32(4_000_000_000), np.uint32(0)))
    assert np.array_equal(read_mask_values(path).mask > 0, INSIDE)
    counted = np.arange(400 * 400, dtype=np.uint32).reshape(400, 400)
    tifffile.imwrite(path, counted, compression="zlib", predictor=2)
    with pytest.raises(ImageError, match="more than 100000 values, and is no mask"):
        read_mask_values(path)
