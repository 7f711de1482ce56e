import numpy as np
import pytest
from numpy.typing import NDArray

from cfinspect.engine.inference.tiling import Blender, WindowGrid, damage_weight, pad_to, resize_map


def blend(grid: WindowGrid, value_of_window: NDArray[np.float32]) -> NDArray[np.float32]:
    """Blend windows of one value each; the bands must come in order and leave no row out."""
    result = np.full((grid.height, grid.width, 1), np.nan, dtype=np.float32)
    expected_y = 0

    def sink(y: int, band: NDArray[np.float32]) -> None:
        nonlocal expected_y
        assert y == expected_y
        expected_y += len(band)
        result[y : y + len(band)] = band

    blender = Blender(grid, 1, sink)
    for window in grid:
        value = value_of_window[window.row, window.column]
        blender.add(window, np.full((grid.tile, grid.tile, 1), value, dtype=np.float32))
    blender.close()
    assert expected_y == grid.height
    return result[..., 0]


def test_windows_overlap_by_half_and_end_flush() -> None:
    grid = WindowGrid(10, 17, 8)
    assert grid.ys == [0, 2]
    assert grid.xs == [0, 4, 8, 9]
    assert len(grid) == len(list(grid)) == 8
    assert [(w.y, w.x) for w in grid][4] == (2, 0)
    assert WindowGrid(8, 16, 8).ys == [0]
    assert WindowGrid(8, 16, 8).xs == [0, 4, 8]


@pytest.mark.parametrize("shape", [(8, 8), (10, 17), (64, 33), (129, 77), (20, 9)])
@pytest.mark.parametrize("tile", [2, 3, 8])
def test_weights_sum_to_one_everywhere(shape: tuple[int, int], tile: int) -> None:
    grid = WindowGrid(*shape, tile)
    ones = np.ones((len(grid.ys), len(grid.xs)), dtype=np.float32)
    np.testing.assert_allclose(blend(grid, ones), 1, atol=1e-6)


def test_windows_of_different_values_meet_without_a_step() -> None:
    tile = 32
    grid = WindowGrid(200, 150, tile)
    rng = np.random.default_rng(0)
    values = rng.random((len(grid.ys), len(grid.xs)), dtype=np.float32)
    result = blend(grid, values)
    # the slope of sin^2(pi x / tile) is at most pi / tile; the flush last window is steeper, as
    # there three windows share the weight
    inner = result[: grid.ys[-2], : grid.xs[-2]]
    for axis in (0, 1):
        assert np.abs(np.diff(inner, axis=axis)).max() <= np.pi / tile
        assert np.abs(np.diff(result, axis=axis)).max() <= 2 * np.pi / tile
    assert result.min() >= values.min() - 1e-6
    assert result.max() <= values.max() + 1e-6


def test_weight_by_hand() -> None:
    # tile 4: sin^2 of 22.5 and 67.5 degrees; neighbours overlap by two and already sum to 1
    low, high = np.sin(np.pi / 8) ** 2, np.cos(np.pi / 8) ** 2
    first, second, third = list(WindowGrid(4, 8, 4))
    grid = WindowGrid(4, 8, 4)
    np.testing.assert_allclose(grid.weights(first)[0], [1, 1, high, low], atol=1e-6)
    np.testing.assert_allclose(grid.weights(second)[3], [low, high, high, low], atol=1e-6)
    np.testing.assert_allclose(grid.weights(third)[1], [low, high, 1, 1], atol=1e-6)


def test_windows_that_do_not_fit_are_refused() -> None:
    for shape, tile in (((7, 20), 8), ((20, 7), 8), ((20, 20), 1)):
        with pytest.raises(ValueError, match="do not fit"):
            WindowGrid(*shape, tile)


def test_padding_mirrors_and_leaves_large_images_alone() -> None:
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    padded = pad_to(image, 3)
    assert padded.shape == (3, 3, 3)
    assert (padded[:2, :2] == image).all()
    assert (padded[2, :2] == image[0]).all()
    assert (padded[:2, 2] == image[:, 0]).all()
    assert pad_to(image, 2) is image
    assert pad_to(image[:1, :1], 9).shape == (9, 9, 3)


def test_maps_keep_their_range_when_resized() -> None:
    values = np.array([[0, 1], [0, 1]], dtype=np.float32)
    large = resize_map(values, 4, 8)
    assert large.shape == (4, 8)
    assert large.min() == 0
    assert large.max() == 1
    np.testing.assert_allclose(resize_map(values, 1, 1), [[0.5]])
    assert resize_map(np.zeros((2, 2, 4)), 3, 3).shape == (3, 3, 4)


def test_damage_weight() -> None:
    np.testing.assert_allclose(damage_weight(np.array([0, 0.3, 1]), 0.5), [0, 0.3, 1])
    # threshold 0.8: odds 4:1 count as even, so a score of 0.8 gives 0.5 and 0.5 gives 1/5
    np.testing.assert_allclose(damage_weight(np.array([0.8, 0.5]), 0.8), [0.5, 0.2])
    assert np.isfinite(damage_weight(np.array([0, 1.0]), 0.0)).all()
    assert np.isfinite(damage_weight(np.array([0, 1.0]), 1.0)).all()


def test_five_maps_are_averaged_as_each_is_alone() -> None:
    values = np.random.default_rng(0).random((9, 12, 5)).astype(np.float32)
    together = resize_map(values, 4, 5)
    for channel in range(5):
        np.testing.assert_array_equal(
            together[..., channel], resize_map(values[..., channel], 4, 5)
        )
