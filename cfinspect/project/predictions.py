"""The machine layer: what a model says about images. Replaceable, never touches the human layer."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.inference.inspector import Inspection
from cfinspect.engine.inference.review_reason import ReviewReason, from_json, to_json
from cfinspect.masks.regions import regions_of
from cfinspect.project.database import now_text
from cfinspect.project.errors import ProjectError
from cfinspect.project.fingerprints import cluster_of, fingerprint
from cfinspect.project.kept_pictures import decode_map
from cfinspect.project.project import Project, ProjectModel, image_name, use_predictions
from cfinspect.project.saliency import SaliencyCache

_MAX_REGIONS = 200


@dataclass(frozen=True, eq=False)
class Inspected:
    """An image (id) of a project with what a model says; ``image``: (H, W, 3) uint8.

    ``inspection`` None: it could not be read, ``error`` says why.
    """

    image_id: int
    image: NDArray[np.uint8] | None
    inspection: Inspection | None
    error: str = ""


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model said about an image.

    ``mask``: (H, W) bool, None when empty. ``regions``: rows of the region table, largest first.
    The other fields as in ``Inspection``.
    """

    model_id: int
    label: int
    score: float
    p0: float
    p1: float
    p_fake: float
    flipped: bool
    review: bool
    reasons: tuple[ReviewReason, ...]
    area_fraction: float
    regions: list[dict[str, Any]]
    mask: NDArray[np.bool_] | None
    made: str
    kind: str = ""


class ToInspect(NamedTuple):
    """An image that a model has not looked at."""

    image_id: int
    folder_id: int
    path: Path
    name: str
    digest: str


def to_inspect(
    project: Project, model: ProjectModel, only: Collection[int] | None = None
) -> list[ToInspect]:
    """Present images without a prediction of ``model``, in order; or ``only`` these (ids), with or
    without one.

    Only in folders whose bound model it is and that may be read. Unreadable ones are tried again.
    """
    wanted = None if only is None else set(only)
    folders = {one.id: one for one in project.folders() if one.model_id == model.id}
    several = len(project.folders()) > 1
    found = []
    for row in project.database.rows(
        "SELECT i.id, i.folder_id, i.path, i.digest FROM image AS i LEFT JOIN prediction AS p ON "
        "p.image_id = i.id AND p.model_id = ? WHERE i.missing = 0 AND (? OR p.image_id IS NULL) "
        "ORDER BY i.place",
        model.id,
        wanted is not None,
    ):
        if wanted is not None and row["id"] not in wanted:
            continue
        folder = folders.get(row["folder_id"])
        if folder is not None and folder.reachable:
            path = folder.path / row["path"]
            name = image_name(folder.name, row["path"], several=several)
            found.append(ToInspect(row["id"], folder.id, path, name, row["digest"]))
    return found


def save(
    project: Project,
    model: ProjectModel,
    inspected: Sequence[Inspected],
    cache: SaliencyCache | None = None,
) -> None:
    """Store what ``model`` says about images, replacing what it said before; one transaction."""
    threshold = model.metadata.decision.score_threshold if model.metadata else 0.5
    rows = [_row(model, one, threshold) for one in inspected if one.inspection is not None]
    bits = {one.image_id: fingerprint(one.image) for one in inspected if one.image is not None}
    sizes = {
        one.image_id: cache.write(
            one.image_id, model.id, one.inspection.saliency, one.inspection.counterfactual
        )
        for one in inspected
        if cache is not None and one.inspection is not None
    }
    with project.database.writing() as connection:
        connection.executemany(
            f"INSERT OR REPLACE INTO prediction VALUES ({', '.join('?' * 16)})", rows
        )
        for one in inspected:
            if one.image is None:
                connection.execute(
                    "INSERT OR REPLACE INTO unreadable VALUES (?, ?)", (one.image_id, one.error)
                )
                continue
            connection.execute("DELETE FROM unreadable WHERE image_id = ?", (one.image_id,))
            height, width = one.image.shape[:2]
            connection.execute(
                "UPDATE image SET width = ?, height = ?, cluster = ? WHERE id = ?",
                (
                    width,
                    height,
                    cluster_of(connection, one.image_id, bits[one.image_id]),
                    one.image_id,
                ),
            )
            use_predictions(connection, "id = ?", one.image_id)
            if cache is not None and sizes.get(one.image_id):
                cache.note(connection, one.image_id, model.id, sizes[one.image_id])


def prediction_of(project: Project, image_id: int, model_id: int) -> Prediction | None:
    """What a model said about an image, or None when it has not looked at it.

    Raises ProjectError where what is stored is nothing that a model said.
    """
    row = project.database.row(
        "SELECT p.*, i.width, i.height FROM prediction AS p JOIN image AS i ON i.id = p.image_id "
        "WHERE p.image_id = ? AND p.model_id = ?",
        image_id,
        model_id,
    )
    if row is None:
        return None
    try:
        return _prediction(row)
    except (ValueError, TypeError, RecursionError) as error:
        raise ProjectError(
            f"What the model said about image number {image_id} is damaged: inspect it again."
        ) from error


def _prediction(row: sqlite3.Row) -> Prediction:
    return Prediction(
        model_id=row["model_id"],
        label=row["label"],
        score=row["score"],
        p0=row["p0"],
        p1=row["p1"],
        p_fake=row["p_fake"],
        flipped=bool(row["flipped"]),
        review=bool(row["review"]),
        reasons=from_json(row["reason"]),
        area_fraction=row["area"],
        regions=_regions(row["regions"]),
        mask=None if row["mask"] is None else _decode(row["mask"], row["height"], row["width"]),
        made=row["made"],
        kind=row["kind"],
    )


def _regions(text: str) -> list[dict[str, Any]]:
    """The rows of the region table; ValueError for what has none of their numbers."""
    rows: list[dict[str, Any]] = json.loads(text)
    for row in rows:
        for name in _REGION_NUMBERS:
            value = row.get(name) if isinstance(row, dict) else None
            if not isinstance(value, int | float) or not 0 <= value < _MOST_PIXELS:
                raise ValueError(f"a region has no {name}")
    return rows


_REGION_NUMBERS = ("x", "y", "width", "height", "area", "length", "mean_width")
_MOST_PIXELS = 1e12


def uncertainty(score: float, threshold: float) -> float:
    """How near a score is to the threshold: 1 on it, 0 as far away as can be on its side."""
    side = 1 - threshold if score >= threshold else threshold
    return 1 - abs(score - threshold) / side if side > 0 else 1.0


def _row(model: ProjectModel, one: Inspected, threshold: float) -> tuple[object, ...]:
    found = one.inspection
    assert found is not None
    regions = [asdict(region) for region in regions_of(found.mask, most=_MAX_REGIONS)]
    return (
        one.image_id,
        model.id,
        found.label,
        found.score,
        found.p0,
        found.p1,
        found.p_fake,
        int(found.flipped),
        int(found.review),
        to_json(found.reasons),
        found.area_fraction,
        uncertainty(found.score, threshold),
        json.dumps(regions),
        _encode(found.mask) if found.mask.any() else None,
        now_text(),
        found.defect_class,
    )


def _encode(mask: NDArray[np.bool_]) -> bytes:
    pixels = mask.astype(np.uint8) * np.uint8(255)
    done, data = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_BILEVEL, 1])
    assert done
    return data.tobytes()


def _decode(data: bytes, height: int | None, width: int | None) -> NDArray[np.bool_]:
    found = decode_map(data, None if height is None or width is None else (height, width))
    if found is None:
        raise ValueError("the mask is no picture of the size of the image")
    return found > 0
