"""Walls and roads: concrete, plaster, render, asphalt, gravel; and the light on them."""

from dataclasses import dataclass

import cv2
import numpy as np

from cfinspect.engine.synth.noise import (
    Field,
    chance,
    fractal,
    grid,
    log_uniform,
    mix,
    shifted,
    smoothstep,
)

_TONES = {
    "concrete": ((0.34, 0.78), (1.0, 0.96, 0.88)),
    "plaster": ((0.56, 0.86), (1.0, 0.95, 0.84)),
    "asphalt": ((0.20, 0.50), (0.96, 0.98, 1.02)),
    "render": ((0.44, 0.78), (1.0, 0.86, 0.64)),
    "gravel": ((0.30, 0.62), (1.0, 0.96, 0.90)),
}
_SHARES = {"concrete": 0.4, "plaster": 0.12, "asphalt": 0.2, "render": 0.13, "gravel": 0.15}
_ROUGHNESS = {"concrete": 0.6, "plaster": 0.3, "asphalt": 1.3, "render": 1.1, "gravel": 0.9}


@dataclass(frozen=True)
class Surface:
    """One wall under one light: what the tiles of a group have in common.

    ``light`` is the angle in radians from which light grazes it; ``relief`` how much of that
    shows; ``grooves`` the depth of lines left by a broom or a board; lengths are in shares of
    the image side.
    """

    kind: str
    tone: tuple[float, float, float]
    mottle: float
    grit: float
    grit_cell: float
    stones: float
    stone_cell: float
    grooves: float
    pores: float
    relief: float
    light: float
    slope: float


def draw_surface(rng: np.random.Generator) -> Surface:
    """A wall or road of random material, age and light."""
    kind = str(rng.choice(list(_SHARES), p=list(_SHARES.values())))
    (low, high), tint = _TONES[kind]
    level, strength = rng.uniform(low, high), rng.uniform(-0.3, 1.3)
    cast = rng.normal(0, 0.03, 3)
    red, green, blue = (
        float(np.clip(level * (1 + (part - 1) * strength + own), 0.05, 0.95))
        for part, own in zip(tint, cast, strict=True)
    )
    rough = _ROUGHNESS[kind]
    return Surface(
        kind=kind,
        tone=(red, green, blue),
        mottle=float(rng.uniform(0.02, 0.12)),
        grit=log_uniform(rng, 0.015, 0.14) * rough,
        grit_cell=log_uniform(rng, 0.01, 0.06),
        stones=float(rng.uniform(0.1, 1.0)) if kind not in ("concrete", "plaster") else 0.0,
        stone_cell=log_uniform(rng, 0.018, 0.09),
        grooves=float(rng.uniform(0.03, 0.16)) if chance(rng, 0.12) else 0.0,
        pores=float(rng.choice((0.0, 4.0, 14.0, 40.0))) if kind != "asphalt" else 0.0,
        relief=log_uniform(rng, 0.015, 0.16) * rough,
        light=float(rng.uniform(0, 2 * np.pi)),
        slope=float(rng.uniform(0.0, 0.35)),
    )


def draw_wall(rng: np.random.Generator, surface: Surface, size: int) -> Field:
    """The bare material (size, size, 3), evenly lit; every call shows another place of it."""
    shade = 1.0 + surface.mottle * fractal(rng, size, size * 0.4, 4)
    shade += surface.grit * fractal(rng, size, surface.grit_cell * size, 3, 0.8)
    height = fractal(rng, size, surface.grit_cell * size * 2.5, 3, 0.7)
    shade += surface.relief * _lit(height, surface.light)
    if surface.grooves > 0:
        shade += surface.grooves * _grooves(rng, size, surface)
    tint = 1.0 + 0.012 * fractal(rng, size, size * 0.5, 2)
    wall = shade[..., None] * np.asarray(surface.tone, np.float32)
    wall[..., 2] *= tint
    wall = np.clip(wall, 0.02, 1.2).astype(np.float32)
    if surface.kind == "gravel":
        wall = _gravel(rng, surface, wall)
    elif surface.stones > 0:
        wall = _stones(rng, surface, wall)
    return _pores(rng, surface, wall)


def _lit(height: Field, light: float) -> Field:
    """Slope of a height field towards the light, of spread about 1."""
    slope = height - shifted(height, np.cos(light), np.sin(light))
    return np.asarray(slope / (slope.std() + 1e-6), dtype=np.float32)


def _grooves(rng: np.random.Generator, size: int, surface: Surface) -> Field:
    """Lines of a broom, a trowel or a board: alike along one direction, of spread about 1."""
    x, y = grid(size)
    along = 40.0 * (x * np.cos(surface.light) + y * np.sin(surface.light))
    table = rng.standard_normal(2048, dtype=np.float32)
    at = along / (60.0 * surface.grit_cell) * 4.0 + 0.4 * fractal(rng, size, size * 0.3, 2)
    lines = np.interp(at.ravel() % 2047, np.arange(2048), table).reshape(size, size)
    return np.asarray(lines * smoothstep(-2, 1, fractal(rng, size, size * 0.1, 3)), np.float32)


def _gravel(rng: np.random.Generator, surface: Surface, wall: Field) -> Field:
    """Pebbles side by side in a binder: each its own tone, round, lit from one side."""
    size = wall.shape[0]
    side = size * 2
    count = min(20_000, max(8, round(1.0 / surface.stone_cell**2)))
    seeds = np.full((side, side), 255, dtype=np.uint8)
    rows, columns = rng.integers(0, side, (2, count))
    seeds[rows, columns] = 0
    away, label = cv2.distanceTransformWithLabels(
        seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    tones = (
        1.0
        + surface.stones * rng.normal(0, 0.3, (count + 2, 1))
        + rng.normal(0, 0.05, (count + 2, 3))
    )
    radius = 0.62 * surface.stone_cell * side * rng.uniform(0.6, 1.1)
    height = np.clip(1.0 - (away / radius) ** 2, 0.0, 1.0).astype(np.float32)
    dx, dy = np.cos(surface.light), np.sin(surface.light)
    lit = height - shifted(height, 2 * dx, 2 * dy)
    shade = 0.55 + 0.45 * np.sqrt(height) + 2.5 * surface.relief * lit * surface.stone_cell * side
    pebbles = np.clip(tones[label] * shade[..., None], 0.05, 2.2).astype(np.float32)
    small = cv2.resize(pebbles, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(wall * small, dtype=np.float32)


def _stones(rng: np.random.Generator, surface: Surface, wall: Field) -> Field:
    """Chippings between the binder: lighter, darker and tinted grains."""
    size = wall.shape[0]
    field = fractal(rng, size, size * surface.stone_cell, 2, 0.4)
    light = smoothstep(0.9, 1.5, field) * surface.stones
    dark = smoothstep(-0.9, -1.5, field) * surface.stones
    tint = 1.0 + rng.uniform(-0.06, 0.06, 3)
    wall = mix(wall, wall * rng.uniform(1.25, 1.6) * tint, light)
    return mix(wall, wall * rng.uniform(0.55, 0.8), dark)


def _pores(rng: np.random.Generator, surface: Surface, wall: Field) -> Field:
    """Air holes of the casting: dark, round, with the rim lit that faces the light."""
    size = wall.shape[0]
    holes = np.zeros((size * 2, size * 2), dtype=np.float32)
    for _ in range(int(rng.poisson(surface.pores))):
        x, y = (int(value) for value in rng.uniform(0, size * 2, 2))
        radius = max(1.0, rng.gamma(2.0, 0.004) * size * 2)
        axes = (max(1, round(radius)), max(1, round(radius * rng.uniform(0.6, 1.0))))
        cv2.ellipse(holes, (x, y), axes, rng.uniform(0, 180), 0, 360, 1.0, -1, cv2.LINE_AA)
    cover = cv2.resize(holes, (size, size), interpolation=cv2.INTER_AREA)
    return carve(wall, np.asarray(cover, np.float32), surface.light, rng.uniform(0.12, 0.65), 0.15)


def carve(wall: Field, cover: Field, light: float, floor: float, rim: float) -> Field:
    """Cut a hollow where ``cover`` is 1: its floor keeps ``floor`` of the brightness.

    The far wall of the hollow catches the light, the near edge lies in shade: ``rim`` says how
    much of both.
    """
    dx, dy = float(np.cos(light)), float(np.sin(light))
    lit = np.clip(shifted(cover, dx, dy) - cover, 0.0, 1.0)
    deep = cover * (0.75 + 0.25 * shifted(cover, 1.5 * dx, 1.5 * dy))
    shade = 1.0 - (1.0 - floor) * deep + rim * lit
    return np.asarray(wall * shade[..., None], dtype=np.float32)


def line_distance(rng: np.random.Generator, size: int) -> tuple[Field, float]:
    """Distance of each pixel from a random straight line through the image, in image sides."""
    x, y = grid(size)
    angle = float(rng.choice((0.0, np.pi / 2, rng.uniform(0, np.pi))) + rng.normal(0, 0.04))
    at_x, at_y = rng.uniform(0.12, 0.88, 2)
    away = (x - at_x) * np.sin(angle) - (y - at_y) * np.cos(angle)
    return np.asarray(away, dtype=np.float32), angle


def add_light(rng: np.random.Generator, surface: Surface, wall: Field) -> Field:
    """Uneven light, and now and then a cast shadow with a soft or hard edge."""
    size = wall.shape[0]
    x, y = grid(size)
    along = (x - 0.5) * np.cos(surface.light) + (y - 0.5) * np.sin(surface.light)
    lit = wall * (1.0 - surface.slope * along)[..., None]
    if chance(rng, 0.3):
        dim = rng.uniform(0.4, 0.78) * np.array((0.97, 1.0, 1.05))  # lit by the blue sky only
        lit = mix(lit, lit * dim, _shadow(rng, size))
    return np.asarray(lit, dtype=np.float32)


def _shadow(rng: np.random.Generator, size: int) -> Field:
    """Of a roof edge, a cable or pole, or leaves."""
    away, _angle = line_distance(rng, size)
    soft = float(rng.uniform(0.004, 0.08))
    kind = int(rng.integers(3))
    if kind == 0:
        return smoothstep(-soft, soft, away)
    if kind == 1:
        width = float(rng.uniform(0.02, 0.14))
        return smoothstep(width + soft, width - min(soft, width), np.abs(away))
    field = fractal(rng, size, size * rng.uniform(0.15, 0.4), 3)
    return smoothstep(0.1, 0.6 + 10 * soft, field)
