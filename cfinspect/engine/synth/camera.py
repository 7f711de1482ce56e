"""The camera in front of the scene, and the image that it gives."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.synth.noise import Field, blur, chance, grid


@dataclass(frozen=True)
class SynthImage:
    """A drawn image with the truth about it.

    ``image`` (S, S, 3) RGB ``uint8``; ``mask`` (S, S) bool marks the damage, all False when
    ``damaged`` is False.
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    damaged: bool


@dataclass(frozen=True)
class Camera:
    """What a camera does to every image of a series; lengths are in shares of the image side.

    ``zoomed``: how much too small the picture was taken and enlarged again, 1 for not at all.
    """

    exposure: float
    cast: tuple[float, float, float]
    blur: float
    grain: float
    vignette: float
    gamma: float
    saturation: float
    zoomed: float
    jpeg: int | None


def draw_camera(rng: np.random.Generator) -> Camera:
    """A camera with its own exposure, colour cast, sharpness, noise and compression."""
    warmth, tint = rng.normal(0.0, 0.035), rng.normal(0.0, 0.012)
    return Camera(
        exposure=float(rng.uniform(0.7, 1.35)),
        cast=(float(1 + warmth), float(1 + tint), float(1 - warmth)),
        blur=float(rng.uniform(0.0, 0.018) if chance(rng, 0.25) else rng.uniform(0.0, 0.005)),
        grain=float(rng.uniform(0.003, 0.05)),
        vignette=float(rng.uniform(0.0, 0.35)),
        gamma=float(rng.uniform(0.75, 1.35)),
        saturation=float(rng.uniform(0.0, 1.4)),
        zoomed=float(rng.uniform(1.5, 4.0)) if chance(rng, 0.15) else 1.0,
        jpeg=int(rng.integers(30, 95)) if chance(rng, 0.5) else None,
    )


def photograph(rng: np.random.Generator, camera: Camera, scene: Field) -> NDArray[np.uint8]:
    """Take a picture of ``scene`` (S, S, 3) with values around [0, 1]: RGB ``uint8``."""
    size = scene.shape[0]
    x, y = grid(size)
    falloff = 1.0 - camera.vignette * ((x - 0.5) ** 2 + (y - 0.5) ** 2)
    lit = scene * falloff[..., None] * camera.exposure * np.asarray(camera.cast, np.float32)
    grey = lit.mean(axis=2, keepdims=True)
    lit = np.maximum(grey + camera.saturation * (lit - grey), 0)
    seen = blur(np.clip(lit, 0.0, 1.0).astype(np.float32), camera.blur * size)
    light = seen**camera.gamma
    # Sensor noise is part brightness noise, part colour noise, and the grain is a bit soft.
    grey, tinted = rng.standard_normal((size, size, 1)), rng.standard_normal((size, size, 3))
    noise = blur((grey + 0.4 * tinted).astype(np.float32), 0.5)
    taken = light + camera.grain * noise
    if camera.zoomed > 1:
        taken = _enlarged(rng, taken, camera.zoomed)
    image: NDArray[np.uint8] = np.rint(np.clip(taken * 255.0, 0.0, 255.0)).astype(np.uint8)
    return image if camera.jpeg is None else _compressed(image, camera.jpeg)


def _enlarged(rng: np.random.Generator, picture: Field, zoomed: float) -> Field:
    """Fewer pixels, then as many as before: soft, or in squares."""
    size = picture.shape[0]
    few = max(24, round(size / zoomed))
    small = cv2.resize(picture, (few, few), interpolation=cv2.INTER_AREA)
    ways = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST)
    way = ways[int(rng.integers(len(ways)))]
    return np.asarray(cv2.resize(small, (size, size), interpolation=way), dtype=np.float32)


def _compressed(image: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None  # it was encoded a line above
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), dtype=np.uint8)
