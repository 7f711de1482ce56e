"""An apple as a shaded ball: where each pixel lies on it, its skin, stem, calyx and light.

The apple is a ball with a dimple at both ends of its axis. Each pixel of it is mapped to a point
on the unit ball (x to the right, y down, z towards the camera), so that streaks run from stem to
calyx and spots shorten towards the rim as they do in a photo.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.synth.noise import Field, chance, fractal, grid, mix, smoothstep

Vector = NDArray[np.float32]

# Ground colour and blush of well-known sorts, RGB. Sound apples have brown and dull sorts among
# them: colour alone must not tell the classes apart.
_SORTS = (
    ((0.52, 0.70, 0.17), (0.60, 0.74, 0.24)),  # green all over
    ((0.90, 0.80, 0.35), (0.92, 0.72, 0.28)),  # yellow all over
    ((0.80, 0.68, 0.28), (0.76, 0.12, 0.10)),  # red over yellow
    ((0.62, 0.70, 0.26), (0.66, 0.16, 0.12)),  # red over green
    ((0.62, 0.10, 0.09), (0.45, 0.04, 0.06)),  # dark red
    ((0.86, 0.62, 0.38), (0.85, 0.32, 0.24)),  # pink
    ((0.72, 0.06, 0.08), (0.80, 0.10, 0.12)),  # bright red all over
    ((0.42, 0.72, 0.10), (0.36, 0.62, 0.10)),  # bright green all over
    ((0.62, 0.48, 0.24), (0.60, 0.36, 0.20)),  # russet
    ((0.80, 0.55, 0.18), (0.80, 0.36, 0.10)),  # orange
    ((0.34, 0.06, 0.08), (0.26, 0.03, 0.06)),  # nearly black
)


@dataclass(frozen=True)
class AppleVariety:
    """The fruit of one orchard: colours, and how streaky, blushed, dotted and russeted it is."""

    ground: tuple[float, float, float]
    blush: tuple[float, float, float]
    blushed: float
    streaky: float
    dots: float
    russet: float
    gloss: float


@dataclass(frozen=True)
class Ball:
    """Geometry of one apple in the image; fields are (S, S).

    ``inside`` is coverage in [0, 1]; ``points`` and ``normals`` (S, S, 3) lie on the unit ball;
    ``axis`` points to the stem; ``polar`` and ``around`` are the angles from and round it.
    """

    inside: Field
    points: Field
    normals: Field
    polar: Field
    around: Field
    axis: Vector
    centre: tuple[float, float]
    radius: float


def draw_sort(rng: np.random.Generator) -> AppleVariety:
    """A random sort of apple."""
    ground, blush = _SORTS[int(rng.integers(len(_SORTS)))]
    near = rng.normal(0, 0.05, (2, 3))
    colours = np.clip(np.array((ground, blush)) + near, 0.02, 0.95)
    first, second = ((float(r), float(g), float(b)) for r, g, b in colours)
    return AppleVariety(
        ground=first,
        blush=second,
        blushed=float(rng.uniform(-0.4, 0.9)),
        streaky=float(rng.uniform(0.0, 0.9)),
        dots=float(rng.uniform(0.0, 0.6)),
        russet=float(rng.uniform(0.0, 0.9)),
        gloss=float(rng.uniform(0.05, 0.9)),
    )


def place_ball(rng: np.random.Generator, size: int, beside: Ball | None = None) -> Ball:
    """An apple of random size, place and turn, drawn over (size, size) pixels.

    ``beside``: it lies behind that one, at the edge of the image.
    """
    radius = float(rng.uniform(0.30, 0.52))
    free = 0.03 + 0.6 * max(0.0, 0.48 - radius)
    if chance(rng, 0.15):
        free += 0.12  # cut off by the edge of the image
    centre_x, centre_y = (float(value) for value in 0.5 + rng.uniform(-free, free, 2))
    if beside is not None:
        radius, turn = beside.radius * float(rng.uniform(0.75, 1.1)), rng.uniform(0, 2 * np.pi)
        reach = (radius + beside.radius) * float(rng.uniform(0.75, 1.05))
        centre_x = beside.centre[0] + reach * float(np.cos(turn))
        centre_y = beside.centre[1] - 0.6 * reach * abs(float(np.sin(turn)))
    axis = _random_axis(rng)
    x, y = grid(size)
    across, down = (x - centre_x) / radius, (y - centre_y) / radius
    bearing = np.arctan2(down, across)
    outline = _outline(rng, bearing, axis)
    away = np.hypot(across, down) / outline
    edge = 0.8 / (size * radius)
    flat = np.minimum(away, 0.999) / np.maximum(np.hypot(across, down), 1e-6)
    px, py = across * flat, down * flat
    points = np.stack([px, py, np.sqrt(np.maximum(0.0, 1 - px * px - py * py))], axis=-1)
    points = points.astype(np.float32)
    along = np.clip(points @ axis, -1, 1)
    polar = np.arccos(along).astype(np.float32)
    return Ball(
        inside=smoothstep(1 + edge, 1 - edge, away.astype(np.float32)),
        points=points,
        normals=_dimpled(rng, points, polar, axis),
        polar=polar,
        around=_around(points, axis),
        axis=axis,
        centre=(centre_x, centre_y),
        radius=radius,
    )


def _random_axis(rng: np.random.Generator) -> Vector:
    """Mostly seen from the side with the stem up, often from above, sometimes from below."""
    kind = float(rng.random())
    if kind < 0.5:
        axis = np.array([rng.normal(0, 0.35), -1.0, rng.normal(0.25, 0.3)])
    elif kind < 0.75:
        axis = np.array([rng.normal(0, 0.35), rng.normal(0, 0.35), 1.0])
    else:
        axis = np.array([rng.normal(0, 0.4), rng.normal(0, 0.5), -1.0])
    return np.asarray(axis / np.linalg.norm(axis), dtype=np.float32)


def _outline(rng: np.random.Generator, bearing: Field, axis: Vector) -> Field:
    """Radius of the silhouette by direction: nearly round, dented where an end is on the rim."""
    outline = np.ones_like(bearing)
    for wave in (1, 2, 3):
        phase, amount = rng.uniform(0, 2 * np.pi), rng.normal(0, 0.03 / wave**0.5)
        outline = outline + amount * np.cos(wave * bearing + phase)
    upright = float(np.hypot(axis[0], axis[1]))
    stem = np.arctan2(axis[1], axis[0])
    for turn, depth in ((0.0, 0.11), (np.pi, 0.06)):
        apart = np.angle(np.exp(1j * (bearing - stem - turn)))
        outline = outline - depth * upright**2 * np.exp(-((apart / 0.38) ** 2))
    # Wider near the stem than near the calyx.
    outline = outline + 0.05 * upright * np.cos(bearing - stem)
    # Tall and flat sorts; a ball of radius 1 is the widest that its place has room for.
    outline = (
        outline - abs(rng.normal(0, 0.05)) * np.cos(bearing - stem + chance(rng, 0.5) * 1.57) ** 2
    )
    return np.asarray(outline, dtype=np.float32)


def _dimpled(rng: np.random.Generator, points: Field, polar: Field, axis: Vector) -> Field:
    """Normals of the ball, bent inwards around both ends and a little everywhere."""
    normals = points.copy()
    for end, usual_width, usual_depth in ((axis, 0.34, 0.24), (-axis, 0.26, 0.12)):
        away = polar if end is axis else np.pi - polar
        width, depth = usual_width * rng.uniform(0.8, 1.5), usual_depth * rng.uniform(0.5, 2.0)
        slope = 2 * depth * away / width**2 * np.exp(-((away / width) ** 2))
        towards = end - points * (points @ end)[..., None]
        towards /= np.linalg.norm(towards, axis=-1, keepdims=True) + 1e-6
        normals = normals + towards * slope[..., None]
    size = points.shape[0]
    bumps = np.stack([fractal(rng, size, size * 0.25, 2) for _ in range(2)], axis=-1)
    normals[..., :2] += rng.uniform(0.0, 0.05) * bumps
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True) + 1e-6
    return np.asarray(normals, dtype=np.float32)


def _around(points: Field, axis: Vector) -> Field:
    """Longitude about the axis, in radians."""
    helper = np.array([0.0, 0.0, 1.0]) if abs(axis[2]) < 0.8 else np.array([1.0, 0.0, 0.0])
    east = np.cross(axis, helper)
    east /= np.linalg.norm(east)
    north = np.cross(axis, east)
    return np.asarray(np.arctan2(points @ north, points @ east), dtype=np.float32)


def draw_skin(rng: np.random.Generator, sort: AppleVariety, ball: Ball) -> Field:
    """Colour of the sound skin (S, S, 3), not yet lit."""
    size = ball.inside.shape[0]
    ground, blush = np.asarray(sort.ground, np.float32), np.asarray(sort.blush, np.float32)
    sunny = rng.normal(0, 1, 3)
    sunny /= np.linalg.norm(sunny)
    field = sort.blushed + 1.1 * (ball.points @ sunny.astype(np.float32))
    field = field + sort.streaky * _streaks(rng, ball) + 0.25 * fractal(rng, size, size * 0.2, 3)
    skin = np.broadcast_to(ground, (*field.shape, 3)).astype(np.float32)
    skin = mix(skin, blush, smoothstep(-0.5, 1.3, field.astype(np.float32)))
    # The dimple of a ripe apple is often still green.
    skin = mix(skin, np.array([0.62, 0.68, 0.28]), 0.5 * smoothstep(0.5, 0.1, ball.polar))
    uneven = 1 + 0.035 * fractal(rng, size, size * 0.1, 4)
    skin = (skin * uneven[..., None]).astype(np.float32)
    dots = smoothstep(1.9, 2.5, fractal(rng, size, size * 0.012, 1))
    skin = mix(skin, np.clip(skin * 0.5 + 0.42, 0, 1), dots * np.float32(sort.dots))
    ray = 0.09 * _streaks(rng, ball)
    russet = smoothstep(0.34, 0.16, ball.polar + ray) * np.float32(sort.russet)
    return mix(skin, np.array([0.58, 0.44, 0.24]), russet)


def _streaks(rng: np.random.Generator, ball: Ball) -> Field:
    """Noise drawn out along the meridians, of spread about 1."""
    table = cv2.resize(rng.standard_normal((6, 90), dtype=np.float32), (720, 96))
    finer = cv2.resize(rng.standard_normal((12, 220), dtype=np.float32), (720, 96))
    table = np.asarray(table + 0.6 * finer, dtype=np.float32)
    columns = (ball.around / (2 * np.pi) + 0.5) * 719
    rows = ball.polar / np.pi * 95
    found = cv2.remap(table, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    # Meridians crowd together at both ends: fade there instead of flickering.
    fade = np.sqrt(np.clip(np.sin(ball.polar), 0.0, 1.0))  # float32 pi has a negative sine
    return np.asarray(found * fade, dtype=np.float32)


def light_up(
    rng: np.random.Generator, skin: Field, ball: Ball, gloss: Field, towards: Vector
) -> Field:
    """Shade the skin under a lamp in direction ``towards``; ``gloss`` (S, S) scales highlights."""
    facing = np.clip(ball.normals @ towards, 0, 1)
    ambient = float(rng.uniform(0.45, 0.65))
    shade = ambient * (0.6 + 0.4 * ball.normals[..., 2]) + (1.25 - ambient) * facing
    for end, usual_width in ((ball.axis, 0.2), (-ball.axis, 0.13)):
        away = np.arccos(np.clip(ball.points @ end, -1, 1))
        width, depth = usual_width * rng.uniform(0.8, 2.2), rng.uniform(0.3, 0.8)
        shade = shade * (1 - depth * np.exp(-((away / width) ** 2)))
    lit = skin * shade[..., None].astype(np.float32)
    return _highlights(rng, lit, ball, gloss, towards)


def _highlights(
    rng: np.random.Generator, lit: Field, ball: Ball, gloss: Field, towards: Vector
) -> Field:
    """Reflections of lamps or of a window: bright, but no damage."""
    for lamp in range(1 + int(rng.integers(0, 3))):
        direction = towards + (rng.normal(0, 0.35, 3) if lamp else np.zeros(3))
        half = direction / np.linalg.norm(direction) + np.array([0, 0, 1.0])
        half /= np.linalg.norm(half)
        away = np.arccos(np.clip(ball.normals @ half.astype(np.float32), -1, 1))
        if chance(rng, 0.4):  # a soft box: a bright field with an edge
            width = float(rng.uniform(0.06, 0.16))
            spot = smoothstep(width * 1.5, width * 0.8, away.astype(np.float32))
        else:
            spot = np.exp(-((away / rng.uniform(0.08, 0.3)) ** 2)).astype(np.float32)
        strength = float(rng.uniform(0.3, 1.0)) * (1.0 if lamp == 0 else 0.6)
        spot = spot * smoothstep(0.1, 0.5, ball.polar)  # the dimple is rough and in shade
        lit = mix(lit, np.ones(3), np.clip(spot * gloss * strength, 0, 0.97))
    return lit
