"""Small projects with images, predictions and masks, for exports and imports."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cfinspect.engine.base.images import write_png
from cfinspect.engine.inference.inspector import Inspection
from cfinspect.engine.model.metadata import Decision, ModelMetadata, Preprocessing
from cfinspect.engine.networks.spec import NetworkSpec
from cfinspect.project.predictions import Inspected, save, to_inspect
from cfinspect.project.project import Project

SIDE = 32


def write_images(folder: Path, names: list[str], seed: int = 0) -> None:
    chance = np.random.default_rng(seed)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_png(folder / name, chance.integers(0, 255, (SIDE, SIDE, 3), np.uint8))


def machine(project: Project, scores: dict[str, float]) -> None:
    """Give images a prediction; those from 0.5 on have a square of 16 px and a dot as mask."""
    metadata = ModelMetadata(
        created="2026-01-01T00:00:00+00:00",
        cfinspect_version="0",
        generator=NetworkSpec("identity"),
        discriminator=NetworkSpec("compact"),
        preprocessing=Preprocessing(size=SIDE),
        decision=Decision(score_threshold=0.5),
    )
    model = project.add_model(Path("m.safetensors"), "digest", metadata)
    for folder in project.folders():
        project.bind(folder, model)
    found = []
    for number, _, _, name, _ in to_inspect(project, model):
        score = scores[name]
        mask = np.zeros((SIDE, SIDE), bool)
        if score >= 0.5:
            mask[4:8, 4:8] = mask[20, 20] = True
        inspection = Inspection(
            label=int(score >= 0.5),
            score=score,
            p0=1 - score,
            p1=score,
            p_fake=0.1,
            flipped=True,
            review=False,
            reasons=(),
            saliency=mask.astype(np.float32),
            counterfactual=np.zeros((SIDE, SIDE, 3), np.uint8),
            mask=mask,
            area_fraction=float(mask.mean()),
            head=score,
        )
        found.append(Inspected(number, np.zeros((SIDE, SIDE, 3), np.uint8), inspection))
    save(project, model, found)


def drawn(value: int = 1) -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[10:20, 3:30] = value
    mask[12:15, 6:9] = 0
    return mask
