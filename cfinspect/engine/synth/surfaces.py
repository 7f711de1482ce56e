"""Walls and roads: concrete, plaster and asphalt, with all that may lie on them unharmed."""

from dataclasses import dataclass

import cv2
import numpy as np

from cfinspect.engine.synth.noise import (
    Field,
    blur,
    chance,
    fractal,
    grid,
    mix,
    shifted,
    smoothstep,
    warped,
)

_KINDS = ("concrete", "plaster", "asphalt", "render")
_TONES = {
    "concrete": ((0.48, 0.74), (1.0, 0.97, 0.92)),
    "plaster": ((0.64, 0.84), (1.0, 0.97, 0.90)),
    "asphalt": ((0.30, 0.50), (0.97, 0.98, 1.0)),
    "render": ((0.50, 0.74), (1.0, 0.90, 0.74)),
}
_ROUGHNESS = {"concrete": 0.5, "plaster": 0.25, "asphalt": 1.5, "render": 1.1}


@dataclass(frozen=True)
class Surface:
    """One wall under one light: what the tiles of a group have in common.

    ``light`` is the angle in radians from which light grazes it; ``relief`` how much of that
    shows; lengths are in shares of the image side.
    """

    kind: str
    tone: tuple[float, float, float]
    mottle: float
    grit: float
    grit_cell: float
    stones: float
    pores: float
    relief: float
    light: float
    slope: float


def draw_surface(rng: np.random.Generator) -> Surface:
    """A wall or road of random material, age and light."""
    kind = str(rng.choice(_KINDS, p=(0.45, 0.2, 0.2, 0.15)))
    (low, high), tint = _TONES[kind]
    level, strength = rng.uniform(low, high), rng.uniform(0.2, 1.2)
    red, green, blue = (float(level * (1 + (part - 1) * strength)) for part in tint)
    rough = _ROUGHNESS[kind]
    return Surface(
        kind=kind,
        tone=(red, green, blue),
        mottle=float(rng.uniform(0.02, 0.09)),
        grit=float(rng.uniform(0.02, 0.07) * rough),
        grit_cell=float(rng.uniform(0.012, 0.035)),
        stones=float(rng.uniform(0.0, 1.0) if kind in ("asphalt", "render") else 0.0),
        pores=float(rng.choice((0.0, 4.0, 14.0))) if kind != "asphalt" else 0.0,
        relief=float(rng.uniform(0.02, 0.08) * rough),
        light=float(rng.uniform(0, 2 * np.pi)),
        slope=float(rng.uniform(0.0, 0.35)),
    )


def draw_wall(rng: np.random.Generator, surface: Surface, size: int) -> Field:
    """The bare material (size, size, 3), evenly lit; every call shows another place of it."""
    shade = 1.0 + surface.mottle * fractal(rng, size, size * 0.4, 4)
    shade += surface.grit * fractal(rng, size, surface.grit_cell * size, 3, 0.8)
    height = fractal(rng, size, surface.grit_cell * size * 2.5, 3, 0.7)
    shade += surface.relief * _lit(height, surface.light)
    tint = 1.0 + 0.012 * fractal(rng, size, size * 0.5, 2)
    wall = shade[..., None] * np.asarray(surface.tone, np.float32)
    wall[..., 2] *= tint
    wall = np.asarray(wall, dtype=np.float32)
    if surface.stones > 0.1:
        wall = _stones(rng, surface, wall)
    return _pores(rng, surface, wall)


def _lit(height: Field, light: float) -> Field:
    """Slope of a height field towards the light, of spread about 1."""
    slope = height - shifted(height, np.cos(light), np.sin(light))
    return np.asarray(slope / (slope.std() + 1e-6), dtype=np.float32)


def _stones(rng: np.random.Generator, surface: Surface, wall: Field) -> Field:
    """Chippings between the binder: lighter, darker and tinted grains."""
    size = wall.shape[0]
    field = fractal(rng, size, size * rng.uniform(0.015, 0.04), 2, 0.4)
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


def add_harmless(rng: np.random.Generator, surface: Surface, wall: Field) -> Field:
    """Stains, joints, drips, repairs, paint and scratches: none of it is damage."""
    for draw, probability in (
        (_stain, 0.4),
        (_stain, 0.2),
        (_drips, 0.18),
        (_bloom, 0.18),
        (_patch, 0.12),
        (_joints, 0.48),
        (_paint, 0.14),
        (_scratches, 0.2),
        (_specks, 0.35),
    ):
        if chance(rng, probability):
            wall = draw(rng, surface, wall)
    return wall


def _line_distance(rng: np.random.Generator, size: int) -> tuple[Field, float]:
    """Distance of each pixel from a random straight line through the image, in image sides."""
    x, y = grid(size)
    angle = float(rng.choice((0.0, np.pi / 2, rng.uniform(0, np.pi))) + rng.normal(0, 0.04))
    at_x, at_y = rng.uniform(0.12, 0.88, 2)
    away = (x - at_x) * np.sin(angle) - (y - at_y) * np.cos(angle)
    return np.asarray(away, dtype=np.float32), angle


def _stain(rng: np.random.Generator, _: Surface, wall: Field) -> Field:
    """Water, oil or rust, with a frayed edge that is sometimes darker than the middle."""
    size = wall.shape[0]
    x, y = grid(size)
    at_x, at_y = rng.uniform(0, 1, 2)
    away = np.hypot((x - at_x) * rng.uniform(0.6, 1.6), y - at_y)
    away = away + rng.uniform(0.02, 0.09) * fractal(rng, size, size * 0.3, 5, 0.6)
    radius, soft = rng.uniform(0.06, 0.4), rng.uniform(0.015, 0.15)
    cover = smoothstep(radius + soft, radius - soft, away.astype(np.float32))
    edge = cover * (1 - cover) * 4 * rng.uniform(0.0, 0.5)
    colours = ((0.55, 0.55, 0.56), (0.28, 0.26, 0.24), (0.72, 0.5, 0.34), (0.6, 0.64, 0.5))
    colour = np.asarray(colours[int(rng.integers(len(colours)))], np.float32)
    depth = np.clip(cover * rng.uniform(0.3, 0.9) + edge, 0, 1).astype(np.float32)
    return mix(wall, wall * colour, depth)


def _drips(rng: np.random.Generator, _surface: Surface, wall: Field) -> Field:
    """Streaks that rain has left, running down."""
    size = wall.shape[0]
    column = fractal(rng, size, size * rng.uniform(0.04, 0.15), 3)[:1]
    streaks = np.repeat(smoothstep(0.3, 1.6, column), size, axis=0)
    _, y = grid(size)
    start = rng.uniform(-0.3, 0.6)
    streaks = streaks * smoothstep(start, start + 0.3, y)
    streaks = warped(streaks, rng, 0.012 * size, size * 0.2)
    tint = np.asarray(rng.choice(((0.5, 0.5, 0.5), (0.62, 0.48, 0.36), (1.3, 1.3, 1.3))))
    return mix(wall, wall * tint, (streaks * rng.uniform(0.3, 0.8)).astype(np.float32))


def _bloom(rng: np.random.Generator, _: Surface, wall: Field) -> Field:
    """Efflorescence: salt, white and cloudy."""
    size = wall.shape[0]
    cloud = smoothstep(0.7, 2.2, fractal(rng, size, size * rng.uniform(0.15, 0.5), 5, 0.65))
    return mix(wall, np.full_like(wall, 0.85), cloud * np.float32(rng.uniform(0.3, 0.7)))


def _patch(rng: np.random.Generator, _: Surface, wall: Field) -> Field:
    """A repaired half, in another tone, behind a straight but hand-made edge."""
    size = wall.shape[0]
    away, _angle = _line_distance(rng, size)
    away = away + 0.006 * fractal(rng, size, size * 0.2, 3)
    cover = smoothstep(-0.006, 0.006, away.astype(np.float32))
    return mix(wall, wall * rng.uniform(0.72, 1.25) * (1 + rng.normal(0, 0.02, 3)), cover)


def _joints(rng: np.random.Generator, surface: Surface, wall: Field) -> Field:
    """Sawn or moulded joints: straight, of even width, dark like a crack."""
    size = wall.shape[0]
    for _ in range(1 + chance(rng, 0.3)):
        away, angle = _line_distance(rng, size)
        width = rng.uniform(0.008, 0.045)
        edge = 0.7 / size
        cover = smoothstep(width / 2 + edge, width / 2 - edge, np.abs(away))
        grime = 1.0 + 0.15 * fractal(rng, size, size * 0.1, 3)
        floor = float(rng.uniform(0.05, 0.45))
        wall = carve(wall, np.clip(cover * grime, 0, 1).astype(np.float32), angle, floor, 0.12)
        if chance(rng, 0.3):  # a rounded edge on both sides
            shoulder = smoothstep(width * 1.6, width * 0.6, np.abs(away))
            wall = mix(wall, wall * 1.12, np.maximum(shoulder - cover, 0))
        if surface.kind == "asphalt":
            break
    return wall


def _paint(rng: np.random.Generator, _: Surface, wall: Field) -> Field:
    """A worn stripe of road paint, or a line of marking chalk."""
    size = wall.shape[0]
    away, _angle = _line_distance(rng, size)
    width = rng.uniform(0.012, 0.03) if chance(rng, 0.5) else rng.uniform(0.1, 0.4)
    cover = smoothstep(width / 2 + 0.008, width / 2 - 0.008, np.abs(away))
    worn = smoothstep(-1.6, -0.4, fractal(rng, size, size * 0.06, 4, 0.8))
    inks = ((0.86, 0.86, 0.84), (0.85, 0.70, 0.2), (0.25, 0.35, 0.62), (0.72, 0.22, 0.18))
    ink = np.asarray(inks[int(rng.integers(len(inks)))], np.float32)
    return mix(wall, 0.75 * ink + 0.25 * wall, cover * worn * np.float32(rng.uniform(0.5, 0.95)))


def _scratches(rng: np.random.Generator, _: Surface, wall: Field) -> Field:
    """Thin, straight and lighter than the wall."""
    size = wall.shape[0]
    canvas = np.zeros((size * 4, size * 4), dtype=np.float32)
    for _index in range(int(rng.integers(1, 5))):
        start = rng.uniform(0, size * 4, 2)
        end = start + rng.normal(0, size * 0.9, 2)
        ends = [(round(float(x)), round(float(y))) for x, y in (start, end)]
        cv2.line(canvas, ends[0], ends[1], rng.uniform(0.3, 1.0), int(rng.integers(2, 6)))
    cover = np.asarray(cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA), np.float32)
    return mix(wall, np.clip(wall * rng.uniform(1.2, 1.45), 0, 1), cover)


def _specks(rng: np.random.Generator, _: Surface, wall: Field) -> Field:
    """Tar, droppings, lichen: small roundish spots, dark or light."""
    size = wall.shape[0]
    canvas = np.zeros((size * 2, size * 2), dtype=np.float32)
    for _index in range(int(rng.integers(2, 14))):
        x, y = (int(value) for value in rng.uniform(0, size * 2, 2))
        radius = max(1, round(float(rng.gamma(1.5, 0.012) * size * 2)))
        cv2.circle(canvas, (x, y), radius, float(rng.uniform(0.5, 1)), -1)
    canvas = warped(canvas, rng, 0.008 * size * 2, size * 0.1)
    cover = blur(np.asarray(cv2.resize(canvas, (size, size)), np.float32), rng.uniform(0, 0.8))
    factor = rng.uniform(0.08, 0.5) if chance(rng, 0.7) else rng.uniform(1.3, 1.7)
    return mix(wall, np.clip(wall * factor, 0, 0.95), np.clip(cover, 0, 1))


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
    away, _angle = _line_distance(rng, size)
    soft = float(rng.uniform(0.004, 0.08))
    kind = int(rng.integers(3))
    if kind == 0:
        return smoothstep(-soft, soft, away)
    if kind == 1:
        width = float(rng.uniform(0.02, 0.14))
        return smoothstep(width + soft, width - min(soft, width), np.abs(away))
    field = fractal(rng, size, size * rng.uniform(0.15, 0.4), 3)
    return smoothstep(0.1, 0.6 + 10 * soft, field)
