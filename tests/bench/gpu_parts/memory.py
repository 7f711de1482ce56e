"""Memory runs out: does the batch go in parts, is the end a sentence, is memory free then?"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.inference.torch_backend import load_backend
from gpu_parts.look import Look
from gpu_parts.scale import Found
from gpu_parts.trainings import trained


def section_oom(look: Look, found: Found) -> None:
    """Trainings and inspections with less and less memory; without a GPU a training only."""
    one, out = look.scale.oom, look.work / "oom"
    settings: Found = {
        "data": look.folders("train", one.size),
        "size": one.size,
        "batch": one.batch,
        "steps": one.steps,
        "warmup": 2,
        "l1_ramp": 1,
        "precision": "auto",
    }
    if not look.cuda:
        found["backed_off"], found["run"] = None, trained(look, out, **settings)
        return
    torch.zeros(1, device="cuda")
    told: list[str] = []
    for gib in (look.scale.oom_gib, look.scale.oom_gib / 3):
        row: Found = {}
        found[f"{gib:.1f}_gib"] = row
        with _at_most(gib):
            try:
                row |= trained(look, out, **settings)
                row["after"] = look.memory()
                told += row["notices"]
            except Exception as error:
                row["error"] = f"{type(error).__name__}: {error}"[:300]
                row["memory_while_the_error_lives"] = look.memory()
            row["after_the_error"] = look.memory()
    found["backed_off"] = any("out of memory" in text for text in told)
    found["giving_up"] = _giving_up(look, out, settings)
    _fewer_squares(look, found)


@contextmanager
def _at_most(gib: float) -> Iterator[None]:
    """With so much of the card's memory for this process."""
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(gib * 2**30 / total)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def _giving_up(look: Look, out: Path, settings: Found) -> Found:
    """Less and less, until a training gives up: with a sentence, one hopes."""
    row: Found = {}
    for gib in (0.5, 0.35, 0.25):
        row["gib"] = gib
        with _at_most(gib):
            try:
                trained(look, out, **settings)
                continue
            except CfinspectError as error:
                row["sentence"] = str(error)
            except Exception as error:
                row["no_sentence"] = f"{type(error).__name__}: {error}"[:300]
        break
    row["reserved_right_after"] = look.memory()  # nobody empties the cache once the error is gone
    gc.collect()
    torch.cuda.empty_cache()
    row["after_empty_cache"] = look.memory()
    return row


def _fewer_squares(look: Look, found: Found) -> None:
    """An inspection goes on with fewer squares at once."""
    backend = load_backend(Path(look.root) / "models" / "crack.safetensors", look.name)
    squares = np.random.default_rng(0).integers(0, 256, (512, 96, 96, 3), dtype=np.uint8)
    backend.most = 512
    with _at_most(torch.cuda.memory_reserved() / 2**30 + 120 / 1024):
        try:
            backend.run(squares)
            found["inspection_most"] = backend.most
        except Exception as error:
            found["inspection_error"] = f"{type(error).__name__}: {error}"[:300]
