"""Reads everything about one image on a worker's thread: the database first, then the files."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.budget import MAX_PIXELS
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.images import header_size, read_bytes, read_image, read_preview
from cfinspect.project.kept_pictures import Size
from cfinspect.project.listing import ImageRow, by_ids
from cfinspect.project.paths import ProjectPaths
from cfinspect.project.predictions import Prediction, prediction_of
from cfinspect.project.project import Project
from cfinspect.project.saliency import kept_counterfactual, kept_saliency
from cfinspect.project.verdicts import HumanAnnotation, human_of, read_mask_of
from cfinspect.ui.jobs.levels import mask_levels, pyramid, to_qimage
from cfinspect.ui.jobs.picture import Levels, Maps, Picture
from cfinspect.ui.widgets.translate import tr

_log = logging.getLogger(__name__)

_PREVIEW_SIDE = 1500
PREVIEW_FROM = 5_000_000  # px from which a preview comes before the whole image


@dataclass(frozen=True, eq=False)
class ImageState:
    """What the database says of an image, and where its maps are kept.

    ``human_mask``: class numbers (H, W) uint8, None where no human drew one; ``model_id``: of the
    model that counts for its folder; ``problem``: why the human's mask or the prediction cannot be
    read, or "".
    """

    row: ImageRow
    prediction: Prediction | None
    human: HumanAnnotation
    human_mask: NDArray[np.uint8] | None
    place: ProjectPaths
    model_id: int | None
    problem: str = ""


def read_state(project: Project, image_id: int) -> ImageState | None:
    """What the project knows of an image; None where there is no such image."""
    rows = by_ids(project, [image_id])
    if not rows:
        return None
    row = rows[0]
    folder = next((one for one in project.folders() if one.id == row.folder_id), None)
    model_id = folder.model_id if folder is not None else None
    human = human_of(project, image_id)
    problem, mask = "", None
    try:
        mask = read_mask_of(project, human)
    except CfinspectError as error:
        problem = str(error)
    prediction = None
    try:
        prediction = prediction_of(project, image_id, model_id) if model_id is not None else None
    except CfinspectError as error:  # the image itself can be looked at
        problem = problem or str(error)
    return ImageState(row, prediction, human, mask, project.paths, model_id, problem)


class PictureReader:
    """Reads image, saliency and counterfactual side by side; for one worker's thread.

    ``came`` gets every picture, at times two of one image. ``superseded``: whether something else
    is wanted meanwhile; then what is not needed yet is left out.
    """

    def __init__(self, came: Callable[[Picture], None], superseded: Callable[[], bool]) -> None:
        self._came = came
        self._superseded = superseded
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="decode")

    def close(self) -> None:
        """End the threads that decode; one that waits for a disk is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def read(self, facts: ImageState, *, first: bool) -> None:
        """Read an image; where that fails, its picture says why. ``first``: it is on screen."""
        try:
            self._load(facts, first)
        except CfinspectError as error:
            self._came(_without(facts, str(error)))
        except Exception as error:
            _log.exception("Cannot show %s", facts.row.path)
            self._came(_without(facts, f"{type(error).__name__}: {error}"))

    def _load(self, facts: ImageState, first: bool) -> None:
        row, place = facts.row, facts.place
        if row.missing:  # what lies there now may be another image
            raise CfinspectError(
                tr("{file} was not there at the last scan; rescan (F5).", file=row.path)
            )
        # What an inspection has seen needs no look at the header.
        path = row.checked_path()
        height, width = row.height or 0, row.width or 0
        if not 0 < height * width <= MAX_PIXELS:
            height, width = header_size(path, read_bytes(path))
        large = height * width >= PREVIEW_FROM
        model = facts.model_id if facts.prediction is not None else None
        if large and first:
            small = read_preview(path, _PREVIEW_SIDE)
            self._came(_picture(facts, small, (height, width), preview=True))
            if self._superseded():
                return
        maps = other = None
        if model is not None:
            stated = (height, width)
            maps = self._pool.submit(_read_saliency, place, row.id, model, stated)
            if not large:
                other = self._pool.submit(_read_counterfactual, place, row.id, model, stated)
        pixels = read_image(path)
        size = (pixels.shape[0], pixels.shape[1])
        saliency = maps.result() if maps is not None else []
        counterfactual = other.result() if other is not None else []
        if saliency and saliency[0].shape != size:
            saliency = []  # of a file that was replaced since
        picture = replace(_picture(facts, pixels, size, preview=False), saliency=saliency)
        if not large or model is None:
            picture = replace(picture, counterfactual=_fitting(counterfactual, size))
            self._came(picture)
            return
        # That of a large photo is large, too: only the one on screen needs it, and a bit later.
        self._came(picture)
        if first and not self._superseded():
            self.add_counterfactual(picture, place)

    def add_counterfactual(self, picture: Picture, place: ProjectPaths) -> None:
        """Read the counterfactual of a large photo, which was left out at first."""
        if picture.prediction is None:
            return
        size = (picture.height, picture.width)
        levels = _read_counterfactual(place, picture.row.id, picture.prediction.model_id, size)
        if levels:
            self._came(replace(picture, counterfactual=levels))


def _read_counterfactual(place: ProjectPaths, image_id: int, model_id: int, size: Size) -> Levels:
    found = kept_counterfactual(place, image_id, model_id, size)
    return [] if found is None else [to_qimage(one) for one in pyramid(found)]


def _read_saliency(place: ProjectPaths, image_id: int, model_id: int, size: Size) -> Maps:
    found = kept_saliency(place, image_id, model_id, size)
    return [] if found is None else pyramid(found)


def _fitting(levels: Levels, size: tuple[int, int]) -> Levels:
    """The levels if they are of an image of this size, else none."""
    return levels if levels and (levels[0].height(), levels[0].width()) == size else []


def _picture(
    facts: ImageState, pixels: NDArray[np.uint8], size: tuple[int, int], *, preview: bool
) -> Picture:
    prediction = facts.prediction
    mask = prediction.mask if prediction is not None else None
    if mask is not None and mask.shape != size:
        mask = None
    human_mask = facts.human_mask
    if human_mask is not None and human_mask.shape != size:
        human_mask = None
    return Picture(
        row=facts.row,
        width=size[1],
        height=size[0],
        levels=[to_qimage(one) for one in pyramid(pixels)],
        preview=preview,
        mask=mask,
        mask_levels=[] if mask is None else mask_levels(mask.view(np.uint8), binary=True),
        prediction=prediction,
        human=facts.human,
        human_mask=human_mask,
        error=facts.problem,
    )


def _without(facts: ImageState, error: str) -> Picture:
    return Picture(facts.row, 0, 0, [], prediction=facts.prediction, human=facts.human, error=error)
