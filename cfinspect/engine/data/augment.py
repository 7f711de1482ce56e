"""Label-preserving changes of training images: what a camera may do, not what damage does.

Applied to the real image before G sees it, so that real and fake share every one of them. OpenCV
on uint8, one image at a time: a tenth of the time of the same steps on float tensors.
"""

from __future__ import annotations

import functools

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


def augment(images: Image, kind: str, rng: np.random.Generator) -> Image:
    """(n, S, S, 3) uint8 RGB -> the same shape, changed; a fourth channel, a mask, moves along.

    ``kind``: "none", "flips" (the eight symmetries of the square), "light" (also colours and
    brightness of every other image) or "strong" (also zoom, bolder dark lines, grey mixing, colour
    cast, contrast, brightness, gamma, roughness, blur, grain).
    """
    if kind == "none":
        return images
    change = {"flips": _symmetry, "light": _light}.get(kind, _strong)
    return np.stack([change(image, rng) for image in images])


def _symmetry(image: Image, rng: np.random.Generator) -> Image:
    image = np.rot90(image, int(rng.integers(4)))
    return np.ascontiguousarray(image[:, ::-1] if rng.random() < 0.5 else image)


def _light(image: Image, rng: np.random.Generator) -> Image:
    image = _symmetry(image, rng)
    if rng.random() < 0.5:
        return image
    recoloured = _colour(np.ascontiguousarray(image[..., :3]), rng)
    return np.concatenate([recoloured, image[..., 3:]], axis=2)


def _strong(image: Image, rng: np.random.Generator) -> Image:
    image = _symmetry(image, rng)
    if rng.random() < 0.5:
        image = _zoom(image, rng)
    if image.shape[2] == 3:
        return _camera(image, rng)
    taken = _camera(np.ascontiguousarray(image[..., :3]), rng)
    return np.concatenate([taken, image[..., 3:]], axis=2)


def _camera(image: Image, rng: np.random.Generator) -> Image:
    """What changes colours and sharpness but no place."""
    if rng.random() < 0.15:
        image = _bolder(image, rng)
    image = _colour(image, rng)
    if rng.random() < 0.4:
        image = _rough(image, rng)
    if rng.random() < 0.33:
        image = _image(cv2.GaussianBlur(image, (7, 7), rng.uniform(0.3, 1.6)))
    if rng.random() < 0.5:
        image = _grain(image, rng)
    return image


def _image(array: object) -> Image:
    return np.asarray(array, dtype=np.uint8)


def _zoom(image: Image, rng: np.random.Generator) -> Image:
    """Scale by 0.5 to 1.15 about the middle; more would crop away damage near the rim."""
    side = image.shape[0]
    scale = float(np.exp(rng.uniform(-0.7, 0.14)))
    middle = (side - 1) / 2 * (1 - scale)
    matrix = np.array([[scale, 0, middle], [0, scale, middle]])
    return _image(cv2.warpAffine(image, matrix, (side, side), borderMode=cv2.BORDER_REFLECT_101))


def _colour(image: Image, rng: np.random.Generator) -> Image:
    """Grey mixing, colour cast, contrast and brightness as one 3x4 matrix, then gamma."""
    grey = rng.uniform(0, 1) if rng.random() < 0.5 else 0.0
    gains = rng.uniform(0.88, 1.12, 3) * rng.uniform(0.65, 1.4)
    mixed = (1 - grey) * np.eye(3) + grey / 3
    matrix = gains[:, None] * mixed
    centre = image.reshape(-1, 3).mean(axis=0)
    # Contrast turns about the image's own mean, or dark photos would only get darker.
    shift = centre - matrix @ centre + 255 * rng.uniform(-0.15, 0.15)
    image = _image(cv2.transform(image, np.column_stack([matrix, shift])))
    gamma = float(np.exp(rng.uniform(-0.29, 0.29)))
    table = np.round(255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)
    return _image(cv2.LUT(image, table))


def _bolder(image: Image, rng: np.random.Generator) -> Image:
    """Dark lines a pixel wider on each side, in part: fine on one site is wide on another."""
    share = rng.uniform(0.3, 1.0)
    wide = cv2.erode(image, np.ones((3, 3), np.uint8))
    return _image(cv2.addWeighted(wide, share, image, 1 - share, 0))


def _rough(image: Image, rng: np.random.Generator) -> Image:
    """A rougher surface: brightness noise with grains of 1 to 6 pixels, sigma up to 0.15."""
    side = image.shape[0]
    small = -(-side // int(rng.integers(1, 7)))
    row, column = rng.integers(128, size=2)
    noise = _noise_bank(side)[row : row + small, column : column + small, 0]
    grains = np.asarray(cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC), np.float32)
    noisy = image + grains[:, :, None] * np.float32(255 * rng.uniform(0, 0.15))
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


@functools.cache
def _noise_bank(side: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal((side + 128, side + 128, 3), dtype=np.float32)


def _grain(image: Image, rng: np.random.Generator) -> Image:
    """Sensor noise of sigma up to 0.03, cut from a bank at a random place."""
    side = image.shape[0]
    row, column = rng.integers(128, size=2)
    noise = _noise_bank(side)[row : row + side, column : column + side]
    noisy = image + noise * np.float32(255 * rng.uniform(0, 0.03))
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
