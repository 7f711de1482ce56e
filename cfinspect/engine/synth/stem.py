"""What grows on an apple or lies on it, unharmed: stem, calyx, leaf, drops of water."""

import cv2
import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.synth.fruit import Ball, Vector
from cfinspect.engine.synth.noise import Field, chance, grid, log_uniform, mix, smoothstep


def draw_stem(rng: np.random.Generator, picture: Field, ball: Ball, behind: bool) -> Field:
    """The stem, in the pass (``behind`` the apple or before it) in which it can be seen."""
    if (ball.axis[2] < -0.05) != behind or (not behind and chance(rng, 0.12)):
        return picture
    size = picture.shape[0]
    bend = rng.normal(0, 0.12, 3)
    length = float(rng.uniform(0.2, 0.5))
    steps = np.linspace(0, 1, 24)
    course = ball.axis * (0.84 + length * steps[:, None]) + bend * (steps**2)[:, None]
    canvas = np.zeros((size, size), dtype=np.float32)
    shine = np.zeros_like(canvas)
    width = float(rng.uniform(0.014, 0.028)) * size
    for index in range(len(course) - 1):
        ends = [_pixel(point, ball, size) for point in course[index : index + 2]]
        thick = width * (1.35 if index > 20 else 1.0)
        cv2.line(canvas, ends[0], ends[1], 1.0, max(1, round(thick)), cv2.LINE_AA)
        aside = [(x - round(width * 0.2), y) for x, y in ends]
        cv2.line(shine, aside[0], aside[1], 1.0, max(1, round(thick * 0.35)), cv2.LINE_AA)
    colour = np.array([0.34, 0.23, 0.12]) * rng.uniform(0.5, 1.2)
    picture = mix(picture, colour, canvas)
    return mix(picture, colour * 1.7, shine * canvas * 0.7)


def draw_calyx(rng: np.random.Generator, picture: Field, ball: Ball) -> Field:
    """The dried blossom opposite the stem, where it faces the camera."""
    if ball.axis[2] > -0.15:
        return picture
    away = np.pi - ball.polar
    rays = 0.5 + 0.5 * np.cos(5 * ball.around + rng.uniform(0, 6)) * rng.uniform(0.5, 1)
    reach = rng.uniform(0.09, 0.17) * (0.5 + 0.8 * rays)
    cover = smoothstep(0.0, -0.05, (away - reach).astype(np.float32)) * ball.inside
    tone = np.array([0.20, 0.15, 0.09]) * rng.uniform(0.6, 1.3)
    dried = mix(picture, tone * 1.9, cover * np.float32(0.9))
    return mix(dried, tone * 0.5, smoothstep(0.075, 0.03, away.astype(np.float32)))


def _pixel(point: NDArray[np.floating], ball: Ball, size: int) -> tuple[int, int]:
    return (
        round(float((ball.centre[0] + ball.radius * point[0]) * size)),
        round(float((ball.centre[1] + ball.radius * point[1]) * size)),
    )


def draw_leaf(rng: np.random.Generator, picture: Field, ball: Ball) -> tuple[Field, Field]:
    """A leaf at the foot of the stem: the picture with it, and where it lies, (S, S)."""
    size = picture.shape[0]
    x, y = grid(size)
    foot_x = ball.centre[0] + ball.radius * (0.9 * ball.axis[0] + rng.normal(0, 0.05))
    foot_y = ball.centre[1] + ball.radius * (0.9 * ball.axis[1] - rng.uniform(0.0, 0.25))
    turn = float(rng.uniform(0, 2 * np.pi))
    along = (x - foot_x) * np.cos(turn) + (y - foot_y) * np.sin(turn)
    across = (y - foot_y) * np.cos(turn) - (x - foot_x) * np.sin(turn)
    length = ball.radius * float(rng.uniform(0.4, 1.6))
    along = (along / length).astype(np.float32)
    across = (across / length - rng.normal(0, 0.15) * (along - 0.5) ** 2).astype(np.float32)
    inside = np.clip(along * (1 - along), 0, None)
    half = rng.uniform(0.7, 1.9) * inside * (1.25 - 0.5 * along)
    edge = 0.8 / (size * length)
    cover = smoothstep(edge, -edge, (np.abs(across) - half).astype(np.float32))
    green = np.array([0.25, 0.48, 0.12]) * rng.uniform(0.5, 1.4) + rng.normal(0, 0.03, 3)
    veins = rng.uniform(0.02, 0.12) * np.cos((along - np.abs(across)) * 60) + 0.3 * smoothstep(
        0.03, 0.0, np.abs(across)
    )
    tone = np.clip(green * (1 + veins + 0.5 * across * rng.normal())[..., None], 0, 1)
    return mix(picture, tone.astype(np.float32), cover), cover


def add_drops(rng: np.random.Generator, apple: Field, ball: Ball, towards: Vector) -> Field:
    """Water on the skin: each drop dark at its lit side, bright at the other, with a glint."""
    size = apple.shape[0]
    x, y = grid(size)
    for _ in range(int(rng.integers(6, 60))):
        tilt, turn = float(rng.uniform(0, 1.3)), float(rng.uniform(0, 2 * np.pi))
        at_x = ball.centre[0] + ball.radius * np.sin(tilt) * np.cos(turn)
        at_y = ball.centre[1] + ball.radius * np.sin(tilt) * np.sin(turn)
        radius = ball.radius * log_uniform(rng, 0.012, 0.06)
        top, left = int((at_y - 2 * radius) * size), int((at_x - 2 * radius) * size)
        span = int(4 * radius * size) + 3
        part = np.s_[max(0, top) : max(0, top + span), max(0, left) : max(0, left + span)]
        if apple[part].size == 0:
            continue
        across, down = (x[part] - at_x) / radius, (y[part] - at_y) / radius
        away = np.hypot(across, down).astype(np.float32)
        cover = smoothstep(1.05, 0.85, away)
        facing = (across * towards[0] + down * towards[1]).astype(np.float32)
        lens = np.clip(apple[part] * (1.05 - 0.3 * facing)[..., None], 0, 1)
        apple[part] = mix(apple[part], lens, cover)
        spot = np.hypot(across - 0.4 * towards[0], down - 0.4 * towards[1]).astype(np.float32)
        glint = smoothstep(0.35, 0.15, spot) * cover
        apple[part] = mix(apple[part], np.ones(3), glint * np.float32(0.85))
    return apple
