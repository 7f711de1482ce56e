"""Builds small projects with real image files and predictions, for the tests of the store."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cfinspect.engine.base.images import write_png
from cfinspect.engine.inference.inspector import Inspection
from cfinspect.engine.inference.review_reason import ReviewCode, ReviewReason
from cfinspect.engine.model.metadata import Decision, ModelMetadata, Preprocessing
from cfinspect.engine.networks.spec import NetworkSpec
from cfinspect.project.predictions import Inspected, save, to_inspect
from cfinspect.project.project import Project, ProjectModel
from cfinspect.project.scan import scan

SIDE = 24
METADATA = ModelMetadata(
    created="2026-01-01T00:00:00+00:00",
    cfinspect_version="0",
    generator=NetworkSpec("identity"),
    discriminator=NetworkSpec("compact"),
    preprocessing=Preprocessing(size=32),
    decision=Decision(score_threshold=0.5),
)


def write_images(folder: Path, count: int, *, seed: int = 0, start: int = 0) -> list[Path]:
    """Images of noise, each different, called img<number>.png."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(seed)
    paths = [folder / f"img{number}.png" for number in range(start, start + count)]
    for path in paths:
        write_png(path, chance.integers(0, 255, (SIDE, SIDE, 3), np.uint8))
    return paths


def inspection(
    score: float, *, p_fake: float = 0.1, review: bool = False, area: int = 4, side: int = SIDE
) -> Inspection:
    """What a model might say."""
    label = int(score >= 0.5)
    mask = np.zeros((side, side), bool)
    if label:
        mask[2 : 2 + area, 2 : 2 + area] = True
    return Inspection(
        label=label,
        score=score,
        p0=(1 - score) * (1 - p_fake),
        p1=score * (1 - p_fake),
        p_fake=p_fake,
        flipped=True,
        review=review,
        reasons=(ReviewReason(ReviewCode.SCORE_IN_BAND, (score, 0.4, 0.6)),) if review else (),
        saliency=np.where(mask, np.float32(0.6), np.float32(0.02)).astype(np.float32),
        counterfactual=np.zeros((side, side, 3), np.uint8),
        mask=mask,
        area_fraction=float(mask.mean()),
        head=score,
    )


def bound_model(project: Project, digest: str = "m1") -> ProjectModel:
    """A model that counts for all folders."""
    model = project.add_model(Path("model.safetensors"), digest, METADATA)
    for folder in project.folders():
        project.bind(folder, model)
    return model


def inspected_project(root: Path, scores: list[float], *, review: bool = True) -> Project:
    """An open project with one inspected image for each score, img0.png onwards."""
    write_images(root, len(scores))
    project = Project.create(root, domain="crack", human=True)
    scan(project)
    inspect_all(project, bound_model(project), scores, review=review)
    return project


def inspect_all(
    project: Project, model: ProjectModel, scores: list[float], *, review: bool = True
) -> None:
    """Store a prediction for every image without one, in order."""
    chance = np.random.default_rng(1)
    todo = to_inspect(project, model)
    assert len(todo) == len(scores)
    save(
        project,
        model,
        [
            Inspected(
                number,
                chance.integers(0, 255, (SIDE, SIDE, 3), np.uint8),
                inspection(score, review=review),
            )
            for (number, *_), score in zip(todo, scores, strict=True)
        ],
    )
