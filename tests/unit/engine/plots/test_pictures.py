"""Pictures: what is drawn lies where it should, and odd input does not break a training."""

import numpy as np
import pytest
from numpy.typing import NDArray

from cfinspect.engine.plots.pictures import (
    colorize,
    contact_sheet,
    overlay,
    sample_rows,
)
from cfinspect.engine.plots.text import shorten, write

ORANGE = (255, 140, 0)


def _grey(side: int = 32) -> NDArray[np.uint8]:
    return np.full((side, side, 3), 120, dtype=np.uint8)


def test_colorize_runs_from_black_to_yellow_as_rgb() -> None:
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None]
    coloured = colorize(ramp)
    assert coloured.shape == (1, 256, 3)
    assert coloured.dtype == np.uint8
    assert coloured[0, 0].sum() < 10
    middle, end = coloured[0, 128].astype(int), coloured[0, -1].astype(int)
    assert middle[0] > middle[2] + 50  # inferno's middle is red, not blue: the order is RGB
    assert end.min() > 150
    assert (np.diff(coloured.astype(int).sum(axis=2)) >= -6).all()


def test_colorize_gain_and_odd_values() -> None:
    values = np.array([[np.nan, -1.0, 0.5, 7.0]], dtype=np.float32)
    coloured = colorize(values)
    assert (coloured[0, 0] == coloured[0, 1]).all()
    assert (coloured[0, 3] == colorize(np.ones((1, 1)))[0, 0]).all()
    assert (colorize(values, gain=2.0)[0, 2] == coloured[0, 3]).all()


def test_overlay_keeps_quiet_pixels_and_draws_the_outline_outside_the_mask() -> None:
    image, saliency = _grey(), np.zeros((32, 32), dtype=np.float32)
    mask = np.zeros((32, 32), dtype=np.bool_)
    mask[10:12, 5:25] = True
    shown = overlay(image, saliency, mask)
    orange = (shown == ORANGE).all(axis=2)
    assert orange.any()
    assert not (orange & mask).any()
    assert (shown[~orange] == 120).all()
    assert (image == 120).all()  # the caller's image is not drawn into
    shown_hot = overlay(image, mask.astype(np.float32), mask)
    assert (shown_hot[10, 10] != 120).any()
    assert (overlay(image, mask.astype(np.float32), mask, alpha=0.0)[10, 10] == 120).all()


def test_overlay_outline_is_wider_on_large_images() -> None:
    def ring(side: int) -> int:
        mask = np.zeros((side, side), dtype=np.bool_)
        mask[side // 2, side // 2] = True
        shown = overlay(_grey(side), mask * 0.0, mask)
        return int((shown == ORANGE).all(axis=2).any(axis=0).sum())

    assert ring(64) == 3
    assert ring(2000) == 9


def test_overlay_refuses_unequal_sizes() -> None:
    with pytest.raises(ValueError, match="sizes differ"):
        overlay(_grey(), np.zeros((31, 32)), np.zeros((32, 32), dtype=np.bool_))


def test_sample_rows_places_the_four_pictures_in_a_row() -> None:
    images = np.stack([_grey(), _grey()])
    flipped = np.zeros((2, 32, 32, 3), dtype=np.float32)
    flipped[1] = 1.0
    saliency = np.zeros((2, 32, 32), dtype=np.float32)
    masks = np.ones((2, 32, 32), dtype=np.bool_)
    sheet = sample_rows(images, flipped, saliency, masks)
    assert sheet.shape[1] == 4 * 128 + 3 * 4  # 32 px enlarged four times, three gaps
    last_row = sheet[-64]
    centres = [last_row[64 + column * 132] for column in range(4)]
    assert [tuple(map(int, centre)) for centre in centres] == [
        (120, 120, 120),
        (255, 255, 255),
        tuple(map(int, colorize(np.zeros((1, 1)))[0, 0])),
        (255, 255, 255),
    ]


def test_sample_rows_adds_a_strip_per_caption_and_enlarges_without_blur() -> None:
    checker = (np.indices((16, 16)).sum(axis=0) % 2 * 255).astype(np.uint8)
    images = np.repeat(checker[None, :, :, None], 3, axis=3)
    bare = sample_rows(images, images, checker[None] / 255.0, checker[None] > 0)
    named = sample_rows(images, images, checker[None] / 255.0, checker[None] > 0, ["tile äö 漢"])
    assert named.shape[0] > bare.shape[0]
    cell = bare[-128:, :128]
    assert set(np.unique(cell).tolist()) == {0, 255}
    assert (cell[:8, :8] == cell[0, 0]).all()


def test_sample_rows_refuses_unequal_counts() -> None:
    tile = _grey()[None]
    with pytest.raises(ValueError, match="equally many"):
        sample_rows(tile, tile, np.zeros((2, 32, 32)), np.zeros((1, 32, 32), dtype=np.bool_))


def test_contact_sheet_mixes_sizes_and_fills_the_last_row() -> None:
    tiles = [_grey(128), _grey(64), _grey(200)]
    sheet = contact_sheet(tiles, ["one", "two", "three"], columns=2)
    assert sheet.shape[1] == 2 * 200 + 4
    assert (sheet[100, 100] == 120).all()
    assert (sheet[-100, -100] == 255).all()  # the fourth place stays empty
    with pytest.raises(ValueError):
        contact_sheet([], None, 3)


def test_shorten_keeps_both_ends_of_a_file_name() -> None:
    short = shorten("concrete_north_wall_overview_0001.png", 120)
    assert short.startswith("conc")
    assert short.endswith(".png")
    assert len(short) < 25
    assert shorten("Müller", 200) == "Müller"
    assert shorten("Müller", 3) == ""


def _written(text: str) -> NDArray[np.uint8]:
    canvas = np.full((24, 60, 3), 255, dtype=np.uint8)
    write(canvas, text, (3, 3))
    return canvas


def test_umlauts_are_drawn() -> None:
    for accented, plain in (("ä", "a"), ("Ö", "O"), ("ü", "u"), ("ß", "ss"), ("é", "e")):
        dotted, bare = _written(accented), _written(plain)
        assert (dotted < 128).any()
        assert (dotted != bare).any()
    # The dots stand above the letter, and the letter is that of "a".
    dotted, bare = _written("ä"), _written("a")
    rows = np.flatnonzero((dotted != bare).any(axis=(1, 2)))
    letter = np.flatnonzero((bare < 255).any(axis=(1, 2)))
    assert rows.max() < letter.min()


def test_a_letter_in_two_characters_is_one_and_odd_names_stay_on_one_line() -> None:
    assert (_written("a\u0308") == _written("ä")).all()
    assert shorten("a\nb\udcff\x07", 200) == "a?b??"
    assert (_written("a\nb") == _written("a?b")).all()
    assert (_written("$x_1$") != _written("x_1")).any()
