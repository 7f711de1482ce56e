"""How much each section does: on a GPU within its budget, and in a dry run on a CPU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# What a section found, by name: figures, texts and more of the same, as JSON holds them.
Found = dict[str, Any]

# Seconds that a section may take before it is stopped, and whether it wants a process of its own.
SECTIONS = {
    "env": (60, False),
    "equal": (60, False),
    "steps": (150, False),
    "train": (190, False),
    "resume": (60, False),
    "inspect": (75, False),
    "ddpm": (75, False),
    "oom": (50, True),
    "evaluate": (80, True),
    "smoke": (60, False),
}


@dataclass(frozen=True)
class Run:
    """One training: at most ``steps`` steps and ``minutes``."""

    size: int
    batch: int
    precision: str
    steps: int
    minutes: float


@dataclass(frozen=True)
class Few:
    """A few steps at one size, in px, and batch."""

    size: int
    batch: int
    steps: int


@dataclass(frozen=True)
class Diffusion:
    """Training of a diffusion model, and ACE with it at the same size."""

    size: int
    batch: int
    width: int
    steps: int
    minutes: float
    noising: int
    ace_batches: tuple[int, ...]
    ace_iterations: int


@dataclass(frozen=True)
class Scale:
    """``draw``: images for training and testing, by their side in px. ``steps``: (size, batch)."""

    draw: dict[int, tuple[int, int]]
    equal: Few
    steps: tuple[tuple[int, int], ...]
    count: int
    train: tuple[Run, ...]
    smoke: int
    resume: Few
    oom: Few
    oom_gib: float
    files: int
    rates: tuple[tuple[int, int], ...]
    photo: tuple[int, int]
    diffusion: Diffusion


FULL = Scale(
    draw={64: (768, 240), 128: (640, 160), 256: (512, 160)},
    equal=Few(64, 8, 6),
    steps=((96, 16), (128, 64), (256, 64)),
    count=30,
    train=(
        Run(64, 64, "bf16", 900, 0.42),
        Run(64, 64, "fp32", 900, 0.42),
        Run(128, 64, "bf16", 700, 0.5),
        Run(256, 64, "bf16", 300, 0.75),
        Run(64, 32, "fp16", 200, 0.2),
    ),
    smoke=14,
    resume=Few(64, 16, 60),
    oom=Few(256, 64, 10),
    oom_gib=3.0,
    files=1536,
    rates=((64, 2), (64, 8), (512, 14)),
    photo=(3000, 4000),
    diffusion=Diffusion(256, 32, 48, 80, 0.4, 1000, (16, 64), 4),
)
TINY = Scale(
    draw={64: (48, 16)},
    equal=Few(64, 4, 3),
    steps=((64, 4),),
    count=2,
    train=(Run(64, 8, "auto", 8, 0.5),),
    smoke=3,
    resume=Few(64, 4, 6),
    oom=Few(64, 8, 2),
    oom_gib=1.0,
    files=24,
    rates=((16, 2),),
    photo=(300, 400),
    diffusion=Diffusion(64, 2, 8, 2, 1.0, 50, (2,), 1),
)
