"""Sound and spoilt apples on belts, trays, tables and plain white."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from cfinspect.engine.synth.blemishes import spoil
from cfinspect.engine.synth.camera import Camera, SynthImage, draw_camera, photograph
from cfinspect.engine.synth.fruit import (
    AppleVariety,
    Ball,
    Vector,
    draw_skin,
    draw_sort,
    light_up,
    place_ball,
)
from cfinspect.engine.synth.noise import Field, blur, chance, fractal, grid, mix, smoothstep
from cfinspect.engine.synth.stem import add_drops, draw_calyx, draw_leaf, draw_stem

_FINE = 2  # drawn twice as large and averaged down: smooth rims and stems
_LEAST_SHARE = 0.01  # of the image that damage must cover
_WHITE = (0.97, 0.97, 0.97)  # the cut-out or photo table of catalogues
_GROUNDS = (
    (0.92, 0.92, 0.92),  # photo table
    (0.70, 0.62, 0.52),  # cardboard
    (0.30, 0.36, 0.16),  # grass
    (0.12, 0.12, 0.13),  # rubber belt
    (0.16, 0.27, 0.45),  # blue tray
    (0.45, 0.46, 0.47),  # steel
    (0.20, 0.36, 0.26),  # green roller
    (0.55, 0.40, 0.26),  # wood
)


@dataclass(frozen=True)
class AppleScene:
    """What the images of one group share: the sort, the ground it lies on, lamp and camera."""

    sort: AppleVariety
    ground: tuple[float, float, float]
    slats: float
    lamp: tuple[float, float, float]
    camera: Camera


def draw_apple_scene(rng: np.random.Generator) -> AppleScene:
    """A sorting line: one sort of apple under one lamp and one camera."""
    if chance(rng, 0.35):
        ground, slats = np.asarray(_WHITE) * rng.uniform(0.96, 1.05), 0.0
    else:
        ground = np.asarray(_GROUNDS[int(rng.integers(len(_GROUNDS)))]) * rng.uniform(0.7, 1.1)
        slats = float(rng.uniform(0.05, 0.25)) if chance(rng, 0.25) else 0.0
    red, green, blue = (float(part) for part in ground)
    lamp = np.array([rng.normal(0, 0.45), -rng.uniform(0.1, 0.9), rng.uniform(0.6, 1.2)])
    to_x, to_y, to_z = (float(part) for part in lamp / np.linalg.norm(lamp))
    return AppleScene(
        sort=draw_sort(rng),
        ground=(red, green, blue),
        slats=slats,
        lamp=(to_x, to_y, to_z),
        camera=replace(
            draw_camera(rng),
            blur=float(rng.uniform(0.0, 0.006)),
            grain=float(rng.uniform(0.002, 0.025)),
            saturation=float(rng.uniform(0.55, 1.35)),
            zoomed=1.0,
        ),
    )


def make_apple(
    rng: np.random.Generator,
    size: int,
    damaged: bool,
    scene: AppleScene | None = None,
    kind: str | None = None,
) -> SynthImage:
    """One apple, ``size`` pixels wide (at least 32), spoilt where ``damaged``, by ``kind`` alone.

    Stem, calyx, russet, blush, dots, highlights, shadows and stickers are on sound and spoilt
    apples alike. Without ``scene`` a new one is drawn from ``rng``.
    """
    if size < 32:
        raise ValueError(f"size is {size}; an apple needs at least 32 pixels")
    scene = scene if scene is not None else draw_apple_scene(rng)
    while True:
        result = _try_apple(rng, size, damaged, scene, kind)
        # A worm hole on the rim or under a sticker would be a wrong label: draw another apple.
        if not damaged or float(result.mask.mean()) >= _LEAST_SHARE:
            return result


def _try_apple(
    rng: np.random.Generator, size: int, damaged: bool, scene: AppleScene, kind: str | None
) -> SynthImage:
    ball = place_ball(rng, size * _FINE)
    skin = draw_skin(rng, scene.sort, ball)
    gloss = np.full(ball.inside.shape, scene.sort.gloss, dtype=np.float32)
    cover = np.zeros_like(ball.inside)
    if damaged:
        skin, cover, left, ball = spoil(rng, skin, ball, kind)
        gloss = gloss * left
    picture, hidden = _assemble(rng, scene, ball, skin, gloss)
    small = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
    seen = cv2.resize(cover * (1 - hidden), (size, size), interpolation=cv2.INTER_AREA)
    image = photograph(rng, scene.camera, np.asarray(small, np.float32))
    return SynthImage(image, np.asarray(seen > 0.5, dtype=np.bool_), damaged)


def _assemble(
    rng: np.random.Generator, scene: AppleScene, ball: Ball, skin: Field, gloss: Field
) -> tuple[Field, Field]:
    """Put ground, shadow, apple and stem together; also give what a sticker hides, (S, S)."""
    size = skin.shape[0]
    lamp = np.asarray(scene.lamp, dtype=np.float32)
    picture = _ground(rng, scene, size)
    picture = _cast_shadow(rng, picture, ball, lamp)
    if chance(rng, 0.2):
        for _ in range(int(rng.integers(1, 3))):
            picture = _neighbour(rng, scene, picture, ball, lamp)
    picture = draw_stem(rng, picture, ball, behind=True)
    hidden = np.zeros((size, size), dtype=np.float32)
    if chance(rng, 0.12):
        skin, hidden = _sticker(rng, skin, ball)
    apple = light_up(rng, skin, ball, gloss, lamp)
    apple = draw_calyx(rng, apple, ball)
    if chance(rng, 0.2):
        apple = add_drops(rng, apple, ball, lamp)
    if chance(rng, 0.2):
        apple = _band_of_shade(rng, apple)
    picture = mix(picture, apple, ball.inside)
    picture = draw_stem(rng, picture, ball, behind=False)
    if chance(rng, 0.35):
        picture, leaf = draw_leaf(rng, picture, ball)
        hidden = np.maximum(hidden, leaf)
    return picture, hidden


def _neighbour(
    rng: np.random.Generator, scene: AppleScene, picture: Field, ball: Ball, lamp: Vector
) -> Field:
    """A sound apple of the same sort that lies behind."""
    other = place_ball(rng, picture.shape[0], ball)
    skin = draw_skin(rng, scene.sort, other)
    gloss = np.full(other.inside.shape, scene.sort.gloss, dtype=np.float32)
    lit = draw_calyx(rng, light_up(rng, skin, other, gloss, lamp), other)
    picture = _cast_shadow(rng, picture, other, lamp)
    return draw_stem(rng, mix(picture, lit, other.inside), other, behind=False)


def _ground(rng: np.random.Generator, scene: AppleScene, size: int) -> Field:
    """Belt, tray, table or white: with slats, grain, dirt and light that falls off."""
    x, y = grid(size)
    white = min(scene.ground) > 0.93
    uneven, slope = (0.004, 0.04) if white else (rng.uniform(0.02, 0.3), 0.3)
    shade = 1 + uneven * fractal(rng, size, size * rng.uniform(0.05, 0.5), 5, 0.7)
    shade += rng.uniform(-slope, slope) * (x - 0.5) + rng.uniform(-slope, slope) * (y - 0.5)
    if scene.slats > 0:
        phase = float(rng.uniform(0, 1))
        wave = np.abs(((y + phase) / scene.slats) % 1.0 - 0.5) * 2
        shade *= 1 - 0.55 * smoothstep(0.82, 1.0, wave.astype(np.float32))
    ground = np.asarray(scene.ground, np.float32) * shade[..., None]
    if not white and chance(rng, 0.3):
        dirt = smoothstep(1.7, 2.3, fractal(rng, size, size * rng.uniform(0.02, 0.08), 3))
        ground = mix(ground.astype(np.float32), np.array([0.2, 0.15, 0.1]), dirt)
    return np.asarray(ground, dtype=np.float32)


def _cast_shadow(rng: np.random.Generator, picture: Field, ball: Ball, lamp: Vector) -> Field:
    size = picture.shape[0]
    x, y = grid(size)
    reach = float(rng.uniform(0.1, 0.5)) * ball.radius
    at_x = ball.centre[0] - lamp[0] * reach
    at_y = ball.centre[1] - lamp[1] * reach + 0.06 * ball.radius
    away = np.hypot(x - at_x, y - at_y) / ball.radius
    soft = float(rng.uniform(0.05, 0.35))
    shadow = smoothstep(1.03 + soft, 1.03 - soft, away.astype(np.float32))
    # A cut-out on white has next to none.
    depth = rng.uniform(0.0, 0.6) if float(picture.mean()) > 0.9 else rng.uniform(0.3, 0.95)
    return mix(picture, picture * 0.3, shadow * np.float32(depth))


def _band_of_shade(rng: np.random.Generator, apple: Field) -> Field:
    """The shadow of a frame, a hand or a neighbour that falls on the apple."""
    size = apple.shape[0]
    x, y = grid(size)
    turn, offset = float(rng.uniform(0, np.pi)), float(rng.uniform(-0.3, 0.3))
    away = (x - 0.5) * np.cos(turn) + (y - 0.5) * np.sin(turn) - offset
    away = away + 0.02 * fractal(rng, size, size * 0.4, 2)
    soft = float(rng.uniform(0.01, 0.08))
    cover = smoothstep(-soft, soft, away.astype(np.float32))
    if chance(rng, 0.5):
        width = float(rng.uniform(0.06, 0.2))
        cover = smoothstep(width + soft, width - min(width, soft), np.abs(away).astype(np.float32))
    return mix(apple, apple * rng.uniform(0.45, 0.75), cover)


def _sticker(rng: np.random.Generator, skin: Field, ball: Ball) -> tuple[Field, Field]:
    """The fruit seller's label: an ellipse with a coloured field and a line of print."""
    tilt, turn = float(rng.uniform(0.1, 0.7)), float(rng.uniform(0, 2 * np.pi))
    at = np.array([np.sin(tilt) * np.cos(turn), np.sin(tilt) * np.sin(turn), np.cos(tilt)])
    local = ball.points - at.astype(np.float32)
    roll = float(rng.normal(0, 0.4))
    along = local[..., 0] * np.cos(roll) + local[..., 1] * np.sin(roll)
    down = local[..., 1] * np.cos(roll) - local[..., 0] * np.sin(roll)
    reach = np.sqrt((along / 0.26) ** 2 + (down / 0.19) ** 2).astype(np.float32)
    cover = smoothstep(1.03, 0.97, reach)
    paper = np.asarray(rng.choice(((0.92, 0.92, 0.9), (0.85, 0.75, 0.2), (0.2, 0.3, 0.6))))
    labelled = mix(skin, paper, cover)
    field = cover * smoothstep(-0.01, 0.01, down.astype(np.float32))
    labelled = mix(labelled, np.asarray(rng.choice(((0.75, 0.1, 0.1), (0.1, 0.4, 0.2)))), field)
    print_line = smoothstep(0.03, 0.02, np.abs(down + 0.07).astype(np.float32))
    letters = smoothstep(-0.2, 0.2, np.sin(along * 90).astype(np.float32))
    ink = blur(print_line * letters * smoothstep(0.7, 0.65, reach), 0.5)
    return mix(labelled, np.array([0.1, 0.1, 0.1]), ink), cover
