"""Random fields that natural surfaces are made of."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
"""One value per pixel (H, W), or one colour (H, W, 3)."""


def fractal(
    rng: np.random.Generator, size: int, cell: float, octaves: int = 4, falloff: float = 0.55
) -> Field:
    """Value noise (size, size) of mean 0 and spread 1.

    ``cell`` is the width in pixels of its largest features; each octave halves them and weighs
    ``falloff`` of the one before.
    """
    total = np.zeros((size, size), dtype=np.float32)
    weight = 1.0
    for _ in range(octaves):
        count = max(2, math.ceil(size / cell)) + 3
        grid = rng.standard_normal((count, count), dtype=np.float32)
        # Cut a window out of a larger field at a random place: otherwise all octaves of all
        # images have their nodes at the same pixels, and a network may learn the raster.
        full = cv2.resize(grid, (round(count * cell),) * 2, interpolation=cv2.INTER_CUBIC)
        top, left = rng.integers(0, max(1, full.shape[0] - size + 1), 2)
        window = full[top : top + size, left : left + size]
        if window.shape != total.shape:
            window = cv2.resize(window, (size, size))
        total += weight * window
        weight *= falloff
        cell /= 2.0
        if cell < 1.0:
            break
    centred: Field = (total - total.mean()) / (total.std() + 1e-6)
    return centred


def smoothstep(low: float, high: float, values: Field) -> Field:
    """Rise smoothly from 0 at ``low`` to 1 at ``high`` (fall, where ``low`` is the larger)."""
    share = np.clip((values - low) / (high - low), 0.0, 1.0)
    return np.asarray(share * share * (3.0 - 2.0 * share), dtype=np.float32)


def grid(size: int) -> tuple[Field, Field]:
    """x and y of each pixel's centre, from 0 to 1 across the image; each (size, size)."""
    steps = (np.arange(size, dtype=np.float32) + 0.5) / size
    x, y = np.meshgrid(steps, steps)
    return x.astype(np.float32), y.astype(np.float32)


def blur(field: Field, sigma: float) -> Field:
    """Gaussian blur; ``sigma`` in pixels, 0 changes nothing."""
    if sigma <= 0.05:
        return field
    return np.asarray(cv2.GaussianBlur(field, (0, 0), sigma), dtype=np.float32)


def shifted(field: Field, dx: float, dy: float) -> Field:
    """Move ``field`` by (dx, dy) pixels, which need not be whole; edges are repeated."""
    matrix = np.array([[1.0, 0.0, dx], [0.0, 1.0, dy]], dtype=np.float32)
    size = (field.shape[1], field.shape[0])
    moved = cv2.warpAffine(field, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, dtype=np.float32)


def warped(field: Field, rng: np.random.Generator, amount: float, cell: float) -> Field:
    """Bend a square ``field`` by noise: ``amount`` and ``cell`` are in pixels."""
    side = field.shape[0]
    ys, xs = np.mgrid[:side, :side].astype(np.float32)
    xs = xs + amount * fractal(rng, side, cell, 2)
    ys = ys + amount * fractal(rng, side, cell, 2)
    bent = cv2.remap(field, xs, ys, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(bent, dtype=np.float32)


def mix(below: Field, above: Field | NDArray[np.floating], cover: Field) -> Field:
    """Lay a colour or picture over ``below`` (H, W, 3) where ``cover`` (H, W) in [0, 1] says."""
    part = cover[..., None]
    return np.asarray(below * (1.0 - part) + above * part, dtype=np.float32)


def chance(rng: np.random.Generator, probability: float) -> bool:
    """True with the given probability."""
    return bool(rng.random() < probability)


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A number between ``low`` and ``high``, each doubling as likely as any other."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
