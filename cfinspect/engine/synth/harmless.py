"""What lies on walls and roads and is no damage: stains, joints, cables, paint, repairs, print."""

import cv2
import numpy as np

from cfinspect.engine.synth.noise import (
    Field,
    blur,
    chance,
    fractal,
    grid,
    mix,
    smoothstep,
    warped,
)
from cfinspect.engine.synth.surfaces import Surface, carve, line_distance


def add_harmless(rng: np.random.Generator, surface: Surface, wall: Field) -> Field:
    """Some of stains, water, joints, repairs, paint, cables and print: none of it is damage."""
    for draw, probability in (
        (_stain, 0.2),
        (_wet, 0.06),
        (_drips, 0.08),
        (_bloom, 0.1),
        (_patch, 0.08),
        (_joints, 0.1),
        (_paint, 0.08),
        (_scratches, 0.12),
        (_specks, 0.25),
        (_cable, 0.04),
        (_print, 0.06),
    ):
        if chance(rng, probability):
            wall = draw(rng, surface, wall)
    return wall


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


def _wet(rng: np.random.Generator, _: Surface, wall: Field) -> Field:
    """A wet place: darker, of stronger colour, with a clear edge and at times a sky in it."""
    size = wall.shape[0]
    cover = smoothstep(0.0, rng.uniform(0.1, 0.6), fractal(rng, size, size * 0.5, 3) - 0.2)
    grey = wall.mean(axis=2, keepdims=True)
    deep = (grey + 1.25 * (wall - grey)) * np.float32(rng.uniform(0.45, 0.75))
    wet = mix(wall, deep, cover)
    if chance(rng, 0.3):
        glint = smoothstep(0.8, 2.0, fractal(rng, size, size * 0.3, 2)) * cover
        wet = mix(wet, np.array([0.75, 0.8, 0.88]), glint * np.float32(rng.uniform(0.2, 0.6)))
    return wet


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
    away, _angle = line_distance(rng, size)
    away = away + 0.006 * fractal(rng, size, size * 0.2, 3)
    cover = smoothstep(-0.006, 0.006, away.astype(np.float32))
    return mix(wall, wall * rng.uniform(0.72, 1.25) * (1 + rng.normal(0, 0.02, 3)), cover)


def _joints(rng: np.random.Generator, surface: Surface, wall: Field) -> Field:
    """Sawn or moulded joints: straight, of even width, dark like a crack."""
    size = wall.shape[0]
    for _ in range(1 + chance(rng, 0.3)):
        away, angle = line_distance(rng, size)
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
    away, _angle = line_distance(rng, size)
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


def _cable(rng: np.random.Generator, surface: Surface, wall: Field) -> Field:
    """A cable or a pipe before the wall: smooth, of even width, lit along its middle."""
    size = wall.shape[0]
    x, y = grid(size)
    if chance(rng, 0.5):
        x, y = y, x
    sag = rng.uniform(-0.3, 0.3)
    across = y - rng.uniform(0.1, 0.9) - sag * (x - rng.uniform(0.2, 0.8)) ** 2
    across = (across + rng.uniform(-0.3, 0.3) * (x - 0.5)).astype(np.float32)
    half = float(rng.uniform(0.008, 0.05))
    cover = smoothstep(half + 0.7 / size, half - 0.7 / size, np.abs(across))
    shadow = smoothstep(half * 1.6, 0.0, np.abs(across - rng.uniform(-2, 2) * half))
    wall = mix(wall, wall * rng.uniform(0.4, 0.8), shadow * np.float32(rng.uniform(0, 0.8)))
    tones = ((0.08, 0.08, 0.09), (0.85, 0.85, 0.82), (0.5, 0.5, 0.52), (0.75, 0.4, 0.1))
    tone = np.asarray(tones[int(rng.integers(len(tones)))]) * rng.uniform(0.7, 1.2)
    round_ = 0.55 + 0.6 * np.sqrt(np.clip(1 - (across / half) ** 2, 0, 1))
    return mix(wall, (tone * round_[..., None]).astype(np.float32), cover)


def _print(rng: np.random.Generator, _: Surface, wall: Field) -> Field:
    """Numbers sprayed on the wall, or a mark that a program has laid over the photo."""
    size = wall.shape[0]
    side = size * 2
    canvas = np.zeros((side, side), dtype=np.uint8)
    text = "".join(rng.choice(list("ABCEHKMRSTXZ0123456789"), int(rng.integers(1, 6))))
    scale, thick = rng.uniform(0.5, 3.0) * side / 200, int(rng.integers(1, 5))
    place = (int(rng.uniform(-0.1, 0.6) * side), int(rng.uniform(0.2, 1.0) * side))
    cv2.putText(canvas, text, place, int(rng.integers(0, 8)), scale, 255, thick, cv2.LINE_AA)
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), float(rng.normal(0, 25)), 1.0)
    turned = np.asarray(cv2.warpAffine(canvas, turn, (side, side)), np.float32) / 255
    cover = np.asarray(cv2.resize(turned, (size, size), interpolation=cv2.INTER_AREA), np.float32)
    ink = np.full(3, rng.choice((0.1, 0.95, 0.95))) * rng.uniform(0.8, 1.0, 3)
    return mix(wall, ink, np.clip(cover, 0, 1) * np.float32(rng.uniform(0.15, 0.7)))
