"""What spoils an apple: rot, mould, browning, wrinkles, bruises, worm holes, scab, pits, cuts.

Each function takes the unlit skin and gives the spoilt skin, the place it covers, and how much
of the gloss is left there. Places are chosen where the camera can see them.
"""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from cfinspect.engine.synth.fruit import Ball, Vector
from cfinspect.engine.synth.noise import Field, blur, chance, fractal, mix, smoothstep

Spoilt = tuple[Field, Field, Field]
"""Skin (S, S, 3), cover (S, S) in [0, 1], gloss (S, S) in [0, 1]."""


def spoil(
    rng: np.random.Generator, skin: Field, ball: Ball, kind: str | None = None
) -> tuple[Field, Field, Field, Ball]:
    """Add one defect class, sometimes two, at times on a shrivelled apple.

    ``kind``: this one of `KINDS` and nothing else. Returns `Spoilt` and the ball, whose normals
    wrinkles bend. Cover is what a careful labeller would paint.
    """
    cover = np.zeros(skin.shape[:2], dtype=np.float32)
    gloss = np.ones_like(cover)
    if kind is not None:
        skin, cover, gloss = _KINDS[KINDS.index(kind)](rng, skin, ball)
        return skin, (cover * ball.inside).astype(np.float32), gloss, ball
    shrivelled = chance(rng, 0.28)
    if shrivelled:
        skin, cover, ball = _wrinkle(rng, skin, ball)
        gloss = 1 - 0.6 * cover
    count = int(rng.integers(0, 2)) if shrivelled else 1 + chance(rng, 0.25)
    for index in rng.choice(len(_KINDS), count, replace=False, p=_WEIGHTS):
        skin, more, left = _KINDS[int(index)](rng, skin, ball)
        cover, gloss = np.maximum(cover, more), gloss * left
    return skin, (cover * ball.inside).astype(np.float32), gloss, ball


def _wrinkle(rng: np.random.Generator, skin: Field, ball: Ball) -> tuple[Field, Field, Ball]:
    """An old apple: folds that run from stem to calyx, or all over, and a duller skin."""
    size = skin.shape[0]
    cell = size * float(rng.uniform(0.035, 0.1))
    folds = 1 - np.abs(fractal(rng, size, cell, 3, 0.5))  # ridges with sharp valleys
    if chance(rng, 0.5):
        course = ball.around * rng.uniform(5, 11) + 1.2 * fractal(rng, size, size * 0.15, 3)
        folds = folds * 0.5 + np.cos(course.astype(np.float32))
    place = smoothstep(-1.2, 0.2, fractal(rng, size, size * 0.5, 2) + rng.uniform(-0.4, 1.2))
    folds = (blur(folds.astype(np.float32), 0.5) * place).astype(np.float32)
    depth = float(rng.uniform(1.0, 3.0)) * size / 100
    normals = ball.normals.copy()
    normals[..., 0] -= depth * cv2.Sobel(folds, cv2.CV_32F, 1, 0) / 8
    normals[..., 1] -= depth * cv2.Sobel(folds, cv2.CV_32F, 0, 1) / 8
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True) + 1e-6
    valley = smoothstep(0.2, -1.4, folds) * place
    dull = mix(skin, skin * np.array([0.8, 0.68, 0.55]), place * np.float32(rng.uniform(0, 0.7)))
    dull = mix(dull, dull * 0.55, valley * np.float32(rng.uniform(0.3, 0.8)))
    return dull, place, replace(ball, normals=normals)


def _browned(rng: np.random.Generator, skin: Field, ball: Ball) -> Spoilt:
    """Browning from within: large blotches or the whole fruit, without an edge that one feels."""
    size = skin.shape[0]
    field = fractal(rng, size, size * rng.uniform(0.1, 0.6), 4, 0.6)
    level = float(rng.uniform(-1.6, 0.8))
    cover = smoothstep(level, level + rng.uniform(0.1, 1.0), field)
    side = _visible_place(rng, 1.2)
    if chance(rng, 0.5):  # one side of it, as it lay
        reach = float(rng.uniform(0.6, 1.4))
        cover = smoothstep(reach + 0.2, reach - 0.2, _ragged(rng, ball, side, 0.15, 0.25))
    browns = ((0.45, 0.27, 0.13), (0.62, 0.38, 0.18), (0.30, 0.17, 0.10), (0.16, 0.10, 0.08))
    brown = np.asarray(browns[int(rng.integers(len(browns)))]) * rng.uniform(0.8, 1.25)
    mottled = np.clip(1 + 0.2 * fractal(rng, size, size * 0.04, 4), 0.5, 1.5)
    deep = np.float32(rng.uniform(0.6, 0.95))
    tone = (brown * mottled[..., None]).astype(np.float32) * 0.75 + 0.25 * skin
    return mix(skin, tone, cover * deep), cover, 1 - rng.uniform(0.2, 0.8) * cover


def _visible_place(rng: np.random.Generator, deepest: float = 0.9) -> Vector:
    """A random direction that faces the camera, no further than ``deepest`` rad from it."""
    tilt, turn = float(rng.uniform(0, deepest)), float(rng.uniform(0, 2 * np.pi))
    at = (np.sin(tilt) * np.cos(turn), np.sin(tilt) * np.sin(turn), np.cos(tilt))
    return np.asarray(at, dtype=np.float32)


def _distance(ball: Ball, at: Vector) -> Field:
    """Angle in radians between each point of the apple and ``at``."""
    return np.asarray(np.arccos(np.clip(ball.points @ at, -1, 1)), dtype=np.float32)


def _ragged(rng: np.random.Generator, ball: Ball, at: Vector, amount: float, cell: float) -> Field:
    size = ball.inside.shape[0]
    return _distance(ball, at) + np.float32(amount) * fractal(rng, size, cell * size, 4)


def _rot(rng: np.random.Generator, skin: Field, ball: Ball) -> Spoilt:
    """Brown rot: ragged, ringed and wrinkled, at times under a coat of mould."""
    size = skin.shape[0]
    radius = float(rng.uniform(0.2, 0.75) if chance(rng, 0.6) else rng.uniform(0.75, 1.3))
    at = _visible_place(rng)
    away = _ragged(rng, ball, at, 0.12 * radius, 0.2)
    cover = smoothstep(radius, radius * rng.uniform(0.8, 0.95), away)
    brown = np.array([0.42, 0.25, 0.12]) * rng.uniform(0.35, 1.6) + rng.normal(0, 0.03, 3)
    brown = np.clip(brown, 0.03, 0.9)
    rings = np.sin(away * rng.uniform(15, 50)) * rng.uniform(0, 0.12)
    folds = rng.uniform(0.05, 0.25) * fractal(rng, size, size * rng.uniform(0.03, 0.09), 3)
    flesh = brown * np.clip(1 + rings + folds, 0.35, 1.7)[..., None]
    core = smoothstep(radius * 0.7, 0.0, away) * np.float32(rng.uniform(0.0, 0.7))
    flesh = mix(flesh.astype(np.float32), brown * 0.4, core)
    # The old skin shines through: rot on a yellow apple is lighter than rot on a red one.
    spoilt = mix(skin, 0.82 * flesh + 0.18 * skin, cover)
    border = cover * (1 - cover) * 4
    spoilt = mix(spoilt, brown * rng.uniform(0.5, 1.3), border * np.float32(0.6))
    if chance(rng, 0.3):
        spoilt = _mould(rng, spoilt, away, radius)
    return spoilt, cover, 1 - 0.75 * cover


def _mould(rng: np.random.Generator, skin: Field, away: Field, radius: float) -> Field:
    size = skin.shape[0]
    tufts = smoothstep(0.2, 1.2, fractal(rng, size, size * rng.uniform(0.03, 0.1), 4, 0.8))
    cover = tufts * smoothstep(radius * 0.9, radius * 0.4, away)
    colours = ((0.86, 0.86, 0.82), (0.48, 0.58, 0.50), (0.62, 0.66, 0.68))
    fluff = np.asarray(colours[int(rng.integers(len(colours)))])
    grain = 1 + 0.12 * fractal(rng, size, 3, 2)
    return mix(skin, (fluff * grain[..., None]).astype(np.float32), cover * np.float32(0.9))


def _bruise(rng: np.random.Generator, skin: Field, ball: Ball) -> Spoilt:
    """A pressed place: dull, a little brown, without a sharp edge."""
    radius = float(rng.uniform(0.22, 0.5))
    away = _ragged(rng, ball, _visible_place(rng, 0.8), 0.1 * radius, 0.3)
    cover = smoothstep(radius * 1.1, radius * rng.uniform(0.5, 0.8), away)
    tone = skin * np.array([0.55, 0.42, 0.30]) * rng.uniform(0.8, 1.25) + 0.02
    depth = np.float32(rng.uniform(0.65, 0.95))
    return mix(skin, tone, cover * depth), cover, 1 - 0.5 * cover


def _worm(rng: np.random.Generator, skin: Field, ball: Ball) -> Spoilt:
    """Holes of the codling moth: black, in a discoloured ring, with frass at the mouth."""
    whole = np.zeros(skin.shape[:2], dtype=np.float32)
    for _ in range(int(rng.integers(1, 4))):
        radius = float(rng.uniform(0.06, 0.12))
        away = _ragged(rng, ball, _visible_place(rng, 0.95), 0.15 * radius, 0.06)
        ring = smoothstep(radius * 2.4, radius * 1.2, away)
        halo = np.array([0.45, 0.24, 0.12]) * rng.uniform(0.6, 1.5)
        skin = mix(skin, halo, ring * np.float32(rng.uniform(0.6, 0.95)))
        hole = smoothstep(radius * 1.15, radius * 0.8, away)
        skin = mix(skin, np.array([0.05, 0.03, 0.02]), hole)
        if chance(rng, 0.5):
            crumbs = smoothstep(0.6, 1.3, fractal(rng, skin.shape[0], 4, 2))
            near = smoothstep(radius * 2.6, radius * 1.2, away)
            skin = mix(skin, np.array([0.5, 0.33, 0.16]), near * crumbs)
        whole = np.maximum(whole, ring)
    return skin, whole, 1 - 0.8 * whole


def _scab(rng: np.random.Generator, skin: Field, ball: Ball) -> Spoilt:
    """Apple scab: olive black, corky, frayed spots that flow together."""
    size = skin.shape[0]
    middle = _visible_place(rng, 0.7)
    away = np.full(skin.shape[:2], np.inf, dtype=np.float32)
    for _ in range(int(rng.integers(3, 12))):
        near = middle + rng.normal(0, 0.3, 3)
        at = (near / np.linalg.norm(near)).astype(np.float32)
        away = np.minimum(away, _distance(ball, at) / np.float32(rng.uniform(0.05, 0.16)))
    away = away + 0.22 * fractal(rng, size, size * 0.07, 4, 0.7)
    cover = smoothstep(1.1, 0.8, away)
    cork = np.array([0.27, 0.22, 0.14]) * rng.uniform(0.5, 1.3)
    rough = np.clip(1 + 0.3 * fractal(rng, size, size * 0.02, 2), 0.3, 1.8)
    spoilt = mix(skin, (cork * rough[..., None]).astype(np.float32), cover)
    rim = smoothstep(1.35, 1.1, away) - cover
    spoilt = mix(spoilt, skin * 0.75 + 0.08, np.clip(rim, 0, 1).astype(np.float32))
    return spoilt, cover, 1 - 0.9 * cover


def _pits(rng: np.random.Generator, skin: Field, ball: Ball) -> Spoilt:
    """Bitter pit: many small sunken brown spots."""
    away = np.full(skin.shape[:2], np.inf, dtype=np.float32)
    for _ in range(int(rng.integers(6, 22))):
        at = _visible_place(rng, 1.1)
        away = np.minimum(away, _distance(ball, at) / np.float32(rng.uniform(0.035, 0.085)))
    cover = smoothstep(1.1, 0.7, away)
    tone = np.array([0.30, 0.17, 0.09]) * rng.uniform(0.6, 1.4)
    return mix(skin, tone, cover * np.float32(rng.uniform(0.75, 1.0))), cover, 1 - 0.7 * cover


def _cut(rng: np.random.Generator, skin: Field, ball: Ball) -> Spoilt:
    """A torn skin: pale or browned flesh between dark, curled edges."""
    at = _visible_place(rng, 0.6)
    turn = float(rng.uniform(0, np.pi))
    local = ball.points - at
    along = local[..., 0] * np.cos(turn) + local[..., 1] * np.sin(turn)
    aside = local[..., 1] * np.cos(turn) - local[..., 0] * np.sin(turn)
    size = skin.shape[0]
    aside = aside + rng.uniform(0.0, 0.6) * along**2 + 0.025 * fractal(rng, size, size * 0.12, 3)
    length, width = float(rng.uniform(0.2, 0.5)), float(rng.uniform(0.04, 0.11))
    reach = np.sqrt((along / length) ** 2 + (aside / width) ** 2).astype(np.float32)
    cover = smoothstep(1.05, 0.9, reach)
    fresh = np.array([0.86, 0.76, 0.50]) if chance(rng, 0.4) else np.array([0.52, 0.33, 0.16])
    grain = np.clip(1 + 0.1 * fractal(rng, size, size * 0.04, 3), 0.6, 1.3)
    flesh = (fresh * grain[..., None]).astype(np.float32)
    spoilt = mix(skin, flesh, cover)
    edge = blur(cover * (1 - cover) * 4, 0.003 * size)
    return mix(spoilt, np.array([0.2, 0.1, 0.05]), np.clip(edge, 0, 0.85)), cover, 1 - 0.7 * cover


_KINDS: tuple[Callable[[np.random.Generator, Field, Ball], Spoilt], ...] = (
    _rot,
    _browned,
    _bruise,
    _worm,
    _scab,
    _pits,
    _cut,
)
KINDS = ("rot", "browning", "bruise", "worm", "scab", "pits", "cut")
_WEIGHTS = (0.36, 0.24, 0.11, 0.08, 0.1, 0.05, 0.06)
