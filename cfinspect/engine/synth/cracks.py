"""Cracked and sound walls: the crack's course, its width, and what light does to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.synth.camera import Camera, SynthImage, draw_camera, photograph
from cfinspect.engine.synth.harmless import add_harmless
from cfinspect.engine.synth.noise import (
    Field,
    blur,
    chance,
    fractal,
    grid,
    log_uniform,
    mix,
    shifted,
    smoothstep,
    warped,
)
from cfinspect.engine.synth.surfaces import (
    Surface,
    add_light,
    carve,
    draw_surface,
    draw_wall,
)

_FINE = 4  # cracks are drawn four times as large: a hairline is thinner than a pixel
_LEAST_SHARE = 0.006  # of the image that a crack must cover to count as one
_WIDTHS = ((0.009, 0.02), (0.014, 0.1), (0.1, 0.3))  # in image sides
_WIDTH_SHARES = (0.34, 0.54, 0.12)
_TRIES = 100  # on one wall; 30 have been seen
_LEAST_CONTRAST = 14.0  # grey levels between a crack and what lies around it


@dataclass(frozen=True)
class WallScene:
    """What the tiles of one group share: one wall, one light, one camera at one distance."""

    surface: Surface
    camera: Camera
    nearness: float


def draw_wall_scene(rng: np.random.Generator) -> WallScene:
    """A wall and the camera in front of it."""
    nearness = float(rng.uniform(1.3, 4.0)) if chance(rng, 0.2) else 1.0
    return WallScene(draw_surface(rng), draw_camera(rng), nearness)


def make_crack(
    rng: np.random.Generator, size: int, damaged: bool, scene: WallScene | None = None
) -> SynthImage:
    """A tile of wall or road, ``size`` pixels wide (at least 32), cracked where ``damaged``.

    Sound tiles have the same stains, joints, pores and shadows as cracked ones. Without
    ``scene`` a new one is drawn from ``rng``.
    """
    if size < 32:
        raise ValueError(f"size is {size}; a crack needs at least 32 pixels")
    scene = scene if scene is not None else draw_wall_scene(rng)
    while True:
        for _ in range(_TRIES):
            drawn = _try_crack(rng, size, damaged, scene)
            # A crack lost in blur, shade and grain would be a wrong label: draw another.
            if not damaged or (drawn.mask.any() and _can_be_seen(drawn)):
                return drawn
        scene = draw_wall_scene(rng)  # so dark or rough that nothing can be seen on it


def _try_crack(rng: np.random.Generator, size: int, damaged: bool, scene: WallScene) -> SynthImage:
    wall = add_harmless(rng, scene.surface, draw_wall(rng, scene.surface, size))
    cover = np.zeros((size, size), dtype=np.float32)
    if damaged:
        cover = _enough_crack(rng, size)
        wall = _engrave(rng, scene.surface, wall, cover)
    wall = add_light(rng, scene.surface, wall)
    if scene.nearness > 1:
        wall, cover = _from_near(rng, wall, cover, scene.nearness)
    return SynthImage(photograph(rng, scene.camera, wall), cover > 0.45, damaged)


def _from_near(
    rng: np.random.Generator, wall: Field, cover: Field, nearness: float
) -> tuple[Field, Field]:
    """A part of the tile as large as the tile: grains like fists, cracks like gorges, and soft."""
    size = wall.shape[0]
    side = max(16, round(size / nearness))
    rows, columns = np.nonzero(cover > 0.45)
    if len(rows):
        chosen = int(rng.integers(len(rows)))
        middle = np.array([rows[chosen], columns[chosen]]) + rng.normal(0, 0.2 * side, 2)
    else:
        middle = rng.uniform(0, size, 2)
    top, left = np.clip(np.rint(middle - side / 2), 0, size - side).astype(int)
    part = np.s_[top : top + side, left : left + side]
    near = [
        cv2.resize(field[part], (size, size), interpolation=cv2.INTER_CUBIC)
        for field in (wall, cover)
    ]
    return np.asarray(near[0], np.float32), np.asarray(near[1], np.float32)


def _can_be_seen(drawn: SynthImage) -> bool:
    """Whether the crack differs from its surroundings by more than their own spread, in part."""
    grey = drawn.image.mean(axis=2)
    wide = max(3, round(0.08 * grey.shape[0])) | 1
    near = cv2.dilate(drawn.mask.astype(np.uint8), np.ones((wide, wide), np.uint8)) > 0
    around = grey[near & ~drawn.mask]
    if not around.size:
        return False  # all crack and no wall: nobody could say what it is
    apart = abs(float(grey[drawn.mask].mean() - around.mean()))
    return apart > max(_LEAST_CONTRAST, 1.1 * float(around.std()))


def _enough_crack(rng: np.random.Generator, size: int) -> Field:
    """Coverage (size, size) of a crack that can be seen at this size."""
    while True:
        draw = _network if chance(rng, 0.15) else _branched
        cover = draw(rng, size)
        if float((cover > 0.45).mean()) >= _LEAST_SHARE:
            return cover


def _branched(rng: np.random.Generator, size: int) -> Field:
    """One or two main cracks with branches, from hairline to gaping."""
    canvas = np.zeros((size * _FINE, size * _FINE), dtype=np.float32)
    # Hairlines are the most common by far and the hardest to see; some gape like a gorge.
    least, most = _WIDTHS[int(rng.choice(3, p=_WIDTH_SHARES))]
    width = log_uniform(rng, least, most)
    for _ in range(1 + chance(rng, 0.15)):
        heading = float(rng.uniform(0, 2 * np.pi))
        centre = rng.uniform(0.08, 0.92, 2)
        if chance(rng, 0.25):  # only its flank, along an edge of the tile
            centre[int(rng.integers(2))] = rng.choice((0.02, 0.98)) + rng.normal(0, 0.03)
        start = centre - 0.75 * np.array([np.cos(heading), np.sin(heading)])
        gorge = width > _WIDTHS[1][1]
        whole = gorge or chance(rng, 0.65)
        if not whole:  # it ends, or begins, inside the tile
            start = centre - rng.uniform(0.1, 0.4) * np.array([np.cos(heading), np.sin(heading)])
        length = 1.7 if whole else rng.uniform(0.4, 1.1)
        branches = 0 if gorge else int(rng.choice((0, 0, 1, 1, 2, 3)))
        _trace(rng, canvas, (start, heading, length), width, branches)
    frayed = float(rng.uniform(0.05, 0.35))
    canvas = warped(canvas, rng, frayed * width * size * _FINE, 0.8 * width * size * _FINE + 8)
    grains = float(rng.uniform(0.015, 0.06)) * size * _FINE  # the edge follows the stones
    canvas = warped(canvas, rng, min(0.3 * grains, 0.12 * width * size * _FINE), grains)
    return _shrunk(canvas, size)


def _trace(
    rng: np.random.Generator,
    canvas: Field,
    course: tuple[NDArray[np.float64], float, float],
    width: float,
    branches: int,
) -> None:
    """Draw a crack and its branches into ``canvas``; lengths in image sides."""
    start, heading, length = course
    points = np.array(list(_walk(rng, start, heading, length)))
    along = np.linspace(0, 1, len(points))
    knots = np.exp(
        rng.normal(0, rng.uniform(0.1, 0.45 if width < 0.1 else 0.2), max(3, int(length * 9)))
    )
    widths = width * np.interp(along, np.linspace(0, 1, len(knots)), knots)
    widths *= np.clip((1 - along) * 4, 0.25, 1) * np.clip(along * 8 + 0.3, 0, 1)
    side = canvas.shape[0]
    for (at, after), thick in zip(pairwise(points), widths, strict=False):
        ends = [(round(float(x * side)), round(float(y * side))) for x, y in (at, after)]
        cv2.line(canvas, ends[0], ends[1], 1.0, max(1, round(float(thick * side))), cv2.LINE_AA)
    for _ in range(branches):
        fork = int(rng.integers(len(points) // 5, len(points)))
        turn = heading + float(rng.choice((-1, 1)) * rng.uniform(0.4, 1.3))
        shorter = float(length * rng.uniform(0.15, 0.5))
        thinner = max(0.008, width * float(rng.uniform(0.35, 0.75)))
        _trace(rng, canvas, (points[fork], turn, shorter), thinner, int(chance(rng, 0.3)))


def _walk(
    rng: np.random.Generator, start: NDArray[np.float64], heading: float, length: float
) -> Iterator[NDArray[np.float64]]:
    """Points of a jagged course: cracks run round the stones and come back to their direction."""
    at, drift, gone = start.copy(), 0.0, 0.0
    jag, bend = float(rng.uniform(0.03, 0.5)), float(rng.uniform(0.04, 0.2))
    yield at.copy()
    while gone < length:
        drift = 0.9 * drift + float(rng.normal(0, bend))
        angle = heading + drift + float(rng.normal(0, jag))
        step = float(rng.uniform(0.012, 0.04))
        at = at + step * np.array([np.cos(angle), np.sin(angle)])
        gone += step
        yield at.copy()


def _network(rng: np.random.Generator, size: int) -> Field:
    """Map cracking: the borders of irregular cells, over the whole tile or a part of it."""
    side = size * 2
    x, y = grid(side)
    bend = rng.uniform(0.01, 0.03)
    x = x + bend * fractal(rng, side, side * 0.12, 3)
    y = y + bend * fractal(rng, side, side * 0.12, 3)
    sites = rng.uniform(-0.15, 1.15, (int(rng.integers(8, 26)), 2))
    away = np.stack([np.hypot(x - at_x, y - at_y) for at_x, at_y in sites])
    nearest = np.partition(away, 1, axis=0)
    width = rng.uniform(0.012, 0.028) * (1 + 0.35 * fractal(rng, side, side * 0.15, 2))
    gap = (nearest[1] - nearest[0]).astype(np.float32)
    lines = np.clip((width - gap) / 0.006 + 0.5, 0, 1).astype(np.float32)
    if chance(rng, 0.5):
        lines *= smoothstep(-0.1, 0.2, fractal(rng, side, side * 0.6, 2) + 0.3)
    return _shrunk(lines, size)


def _shrunk(canvas: Field, size: int) -> Field:
    small = cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)
    return np.clip(np.asarray(small, dtype=np.float32), 0.0, 1.0)


def _engrave(rng: np.random.Generator, surface: Surface, wall: Field, cover: Field) -> Field:
    """Give the crack its depth: dark or dusty inside, one edge lit, chips and damp beside it."""
    size = wall.shape[0]
    if chance(rng, 0.25):  # damp, or dirt drawn in by water
        halo = blur(cover, size * rng.uniform(0.02, 0.05)) * (1 - cover)
        wall = mix(wall, wall * rng.uniform(0.6, 0.85), np.clip(halo * 2, 0, 0.9))
    if chance(rng, 0.35):  # broken edges show fresh, lighter material
        near = np.clip(blur(cover, 0.012 * size) * 3, 0, 1) * (1 - cover)
        chips = near * smoothstep(0.5, 1.3, fractal(rng, size, size * 0.05, 3))
        wall = mix(wall, np.clip(wall * rng.uniform(1.15, 1.4), 0, 1), chips)
    # Dust fills some cracks nearly to the tone of the wall; most are dark. None is fainter than
    # the grain of its wall: nobody would call that one damaged.
    floor = float(rng.uniform(0.5, 0.7) if chance(rng, 0.12) else rng.uniform(0.03, 0.5))
    floor = min(floor, max(0.05, 1.0 - 3.0 * _graininess(wall)))
    uneven = np.clip(1 + 0.12 * fractal(rng, size, size * 0.06, 3), 0.6, 1.3)
    rim = float(rng.uniform(0.02, 0.25) if chance(rng, 0.7) else rng.uniform(0.25, 0.7))
    carved = carve(wall, cover, surface.light, floor, rim)
    if chance(rng, 0.5):
        carved = _filled(rng, carved, cover, surface)
    inner = np.clip(shifted(cover, -1.0, -1.0) * cover, 0, 1)
    return mix(carved, carved * uneven[..., None], inner.astype(np.float32))


def _filled(rng: np.random.Generator, carved: Field, cover: Field, surface: Surface) -> Field:
    """Soil, chips and roots lie in what gapes widely: dark, but with a structure of their own."""
    size = carved.shape[0]
    deep = smoothstep(0.75, 1.0, blur(cover, 0.012 * size))
    lumps = 1 + 0.4 * fractal(rng, size, size * rng.uniform(0.02, 0.1), 3, 0.7)
    tint = np.array([1.0, rng.uniform(0.8, 1.0), rng.uniform(0.55, 1.0)])
    soil = np.asarray(surface.tone) * tint * rng.uniform(0.12, 0.5)
    dirt = np.clip(soil * lumps[..., None], 0.01, 0.9).astype(np.float32)
    return mix(carved, dirt, deep * np.float32(rng.uniform(0.4, 1.0)))


def _graininess(wall: Field) -> float:
    """Spread of the wall's fine structure, as a share of its brightness."""
    grey = wall.mean(axis=2)
    fine = grey - blur(grey, 0.05 * wall.shape[0])
    return float(np.median(np.abs(fine)) * 1.48 / (grey.mean() + 1e-3))
