"""Everything about one image that the canvas shows, read ahead on a thread of its own."""

from __future__ import annotations

import logging
import sys
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QThread, Signal
from PySide6.QtGui import QImage

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.images import header_size, read_bytes, read_image, read_preview
from cfinspect.project.listing import ImageRow, by_ids
from cfinspect.project.paths import ProjectPaths
from cfinspect.project.predictions import Prediction, prediction_of
from cfinspect.project.project import Project
from cfinspect.project.saliency import kept_counterfactual, kept_saliency
from cfinspect.project.verdicts import HumanAnnotation, human_of, read_mask_of
from cfinspect.ui.canvas.layers import mask_levels
from cfinspect.ui.jobs.project_thread import ProjectThread
from cfinspect.ui.jobs.thumbnails import to_qimage
from cfinspect.ui.widgets.translate import tr

_log = logging.getLogger(__name__)

_PREVIEW_SIDE = 1500
_PREVIEW_FROM = 5_000_000  # px from which a preview comes before the whole image
_SMALLEST = 256  # no smaller copies than this
_MEMORY = 512 << 20
_KEPT = 8

Levels = list[QImage]
Maps = list[NDArray[np.uint8]]


@dataclass(frozen=True, eq=False)
class Picture:
    """One image of H x W px as the canvas shows it.

    ``levels``, ``counterfactual``: the image and x' at full size, half, a quarter, ...; empty when
    not there (yet). ``preview``: that the largest level is smaller than the image, which is still
    being read. ``saliency``: |x - x'| as (h, w) uint8, 255 for 1, in the same sizes. ``mask``: of
    the machine, (H, W) bool, ``mask_levels`` its halves. ``human_mask``: class numbers (H, W)
    uint8, None where no human drew one. ``error``: why there is no image, a sentence.
    """

    row: ImageRow
    width: int
    height: int
    levels: Levels
    preview: bool = False
    counterfactual: Levels = field(default_factory=list)
    saliency: Maps = field(default_factory=list)
    mask: NDArray[np.bool_] | None = None
    prediction: Prediction | None = None
    human: HumanAnnotation = field(default_factory=HumanAnnotation)
    human_mask: NDArray[np.uint8] | None = None
    mask_levels: Maps = field(default_factory=list)
    error: str = ""

    @property
    def size_in_bytes(self) -> int:
        """Memory that it takes, about."""
        images = sum(one.sizeInBytes() for one in (*self.levels, *self.counterfactual))
        maps = sum(one.nbytes for one in self.saliency)
        arrays = (*self.mask_levels, self.human_mask)
        return images + maps + sum(one.nbytes for one in arrays if one is not None)

    def pixels(
        self, rows: slice = slice(None), columns: slice = slice(None)
    ) -> NDArray[np.uint8] | None:
        """The image or a part of it, (h, w, 3) RGB uint8; None while only a preview is here."""
        if self.preview or not self.levels:
            return None
        image = self.levels[0]
        four = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1, 4)
        return np.ascontiguousarray(four[rows, columns, 2::-1])


class Pictures(QObject):
    """Loads pictures; the one on screen first, then those that will be asked for next.

    ``loaded`` brings a picture (by image id), at times twice: a preview first, the rest when it is
    there.
    """

    loaded = Signal(int, object)

    def __init__(
        self, desk: ProjectThread, place: ProjectPaths, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._desk = desk
        self._place = place
        self._held: OrderedDict[int, Picture] = OrderedDict()
        self._ahead: deque[int] = deque()
        self._said: dict[int, tuple[HumanAnnotation, NDArray[np.uint8] | None]] = {}
        self._upcoming: tuple[int, ...] = ()
        self._current: int | None = None
        self._loader = _Loader()
        self._loader.came.connect(self._come)
        self._loader.start()

    def get(self, image_id: int) -> Picture | None:
        """The picture if it is here."""
        held = self._held.get(image_id)
        if held is not None:
            self._held.move_to_end(image_id)
        return held

    def want(self, image_id: int, ahead: Sequence[int] = ()) -> Picture | None:
        """Show this one now, and read ``ahead``; returns it if it is here (whole or not)."""
        self._slim(self._current)
        self._current = image_id
        held = self.get(image_id)
        self._upcoming = tuple(ahead)
        self._ahead = deque(one for one in ahead if one not in self._held)
        if held is None or held.preview:
            self._ask(image_id)
        elif self._lacks_counterfactual(held):
            self._loader.ask_counterfactual(held, self._place)
        else:
            self._next()
        return held

    def forget(self, image_ids: Sequence[int] | None = None) -> None:
        """Read these again when they are asked for (None: all): something about them changed."""
        for image_id in list(self._held) if image_ids is None else image_ids:
            self._held.pop(image_id, None)
            self._said.pop(image_id, None)

    def renew(self, image_id: int, human: HumanAnnotation, mask: NDArray[np.uint8] | None) -> None:
        """Note what a human said, without reading the image again."""
        self._said[image_id] = (human, mask)
        held = self._held.get(image_id)
        if held is not None:
            self._held[image_id] = replace(held, human=human, human_mask=mask)

    def close(self) -> None:
        """End the thread and let go of everything."""
        self._loader.came.disconnect()
        self._loader.stop()
        self._held.clear()

    @property
    def bytes_held(self) -> int:
        """Memory that the pictures take, about."""
        return sum(one.size_in_bytes for one in self._held.values())

    def _slim(self, image_id: int | None) -> None:
        """Drop the counterfactual of a large photo that is on screen no longer."""
        held = self._held.get(image_id) if image_id is not None else None
        if held is not None and held.width * held.height >= _PREVIEW_FROM:
            self._held[held.row.id] = replace(held, counterfactual=[])

    @staticmethod
    def _lacks_counterfactual(held: Picture) -> bool:
        """Whether it was read ahead, and is so large that its counterfactual was not."""
        large = held.width * held.height >= _PREVIEW_FROM
        return large and held.prediction is not None and not held.counterfactual

    def _ask(self, image_id: int) -> None:
        self._desk.ask(
            lambda project: _facts(project, image_id),
            lambda facts: self._loader.ask(facts, image_id == self._current) if facts else None,
            key="" if image_id == self._current else "ahead",
        )

    def _next(self) -> None:
        while self._ahead:
            image_id = self._ahead.popleft()
            if image_id not in self._held:
                self._ask(image_id)
                return

    def _come(self, picture: Picture) -> None:
        image_id = picture.row.id
        said = self._said.get(image_id)
        if said is not None and said[0].version > picture.human.version:
            # It was on its way when the person said something.
            picture = replace(picture, human=said[0], human_mask=said[1])
        self._held[image_id] = picture
        self._held.move_to_end(image_id)
        while len(self._held) > 1 and (len(self._held) > _KEPT or self.bytes_held > _MEMORY):
            # What was left behind goes first, then what will come last.
            behind = (one for one in self._held if one not in {self._current, *self._upcoming})
            oldest = next(behind, None)
            if oldest is None:
                ahead = (one for one in reversed(self._upcoming) if one in self._held)
                oldest = next(ahead, None)
            if oldest is None:
                break
            del self._held[oldest]
        self.loaded.emit(image_id, picture)
        if not picture.preview and self.bytes_held < _MEMORY:
            self._next()


@dataclass(frozen=True, eq=False)
class ImageState:
    """What the database says of an image, and where its maps are kept."""

    row: ImageRow
    prediction: Prediction | None
    human: HumanAnnotation
    human_mask: NDArray[np.uint8] | None
    place: ProjectPaths
    model_id: int | None
    problem: str = ""


def _facts(project: Project, image_id: int) -> ImageState | None:
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
    prediction = prediction_of(project, image_id, model_id) if model_id is not None else None
    return ImageState(row, prediction, human, mask, project.paths, model_id, problem)


Task = Callable[[], None]


class _Loader(QThread):
    """Reads files: image, saliency and counterfactual side by side."""

    came = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("pictures")
        self._asked: deque[Task] = deque()
        self._some = threading.Condition()
        self._over = False
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="decode")

    def ask(self, facts: ImageState, first: bool) -> None:
        self._put(lambda: self._try(facts, first), first)

    def ask_counterfactual(self, picture: Picture, place: ProjectPaths) -> None:
        self._put(lambda: self._add_counterfactual(picture, place), True)

    def _put(self, task: Task, first: bool) -> None:
        with self._some:
            if first:
                self._asked.clear()  # whoever leafs on does not wait for what was left behind
            self._asked.append(task)
            self._some.notify()

    def stop(self) -> None:
        with self._some:
            self._over = True
            self._some.notify()
        self.wait(10_000)
        self._pool.shutdown(cancel_futures=True)

    def run(self) -> None:
        sys.settrace(threading.gettrace())
        self._work()

    def _work(self) -> None:
        while True:
            with self._some:
                self._some.wait_for(lambda: self._over or bool(self._asked))
                if self._over:
                    return
                task = self._asked.popleft()
            task()
            del task  # or it would hold the picture until the next one

    def _try(self, facts: ImageState, first: bool) -> None:
        try:
            self._load(facts, first)
        except CfinspectError as error:
            self.came.emit(_without(facts, str(error)))
        except Exception as error:
            _log.exception("Cannot show %s", facts.row.path)
            self.came.emit(_without(facts, f"{type(error).__name__}: {error}"))

    def _superseded(self) -> bool:
        with self._some:
            return self._over or bool(self._asked)

    def _load(self, facts: ImageState, first: bool) -> None:
        row, place = facts.row, facts.place
        if row.missing:  # what lies there now may be another image
            raise CfinspectError(
                tr("{file} was not there at the last scan; rescan (F5).", file=row.path)
            )
        # What an inspection has seen needs no look at the header.
        height, width = row.height or 0, row.width or 0
        if not width:
            height, width = header_size(row.path, read_bytes(row.path))
        large = height * width >= _PREVIEW_FROM
        model = facts.model_id if facts.prediction is not None else None
        if large and first:
            small = read_preview(row.path, _PREVIEW_SIDE)
            self.came.emit(_picture(facts, small, (height, width), preview=True))
            if self._superseded():
                return
        maps = other = None
        if model is not None:
            maps = self._pool.submit(_read_saliency, place, row.id, model)
            if not large:
                other = self._pool.submit(_read_counterfactual, place, row.id, model)
        pixels = read_image(row.path)
        size = (pixels.shape[0], pixels.shape[1])
        saliency = maps.result() if maps is not None else []
        counterfactual = other.result() if other is not None else []
        if saliency and saliency[0].shape != size:
            saliency = []  # of a file that was replaced since
        picture = replace(_picture(facts, pixels, size, preview=False), saliency=saliency)
        if not large or model is None:
            picture = replace(picture, counterfactual=_fitting(counterfactual, size))
            self.came.emit(picture)
            return
        # That of a large photo is large, too: only the one on screen needs it, and a bit later.
        self.came.emit(picture)
        if first and not self._superseded():
            self._add_counterfactual(picture, place)

    def _add_counterfactual(self, picture: Picture, place: ProjectPaths) -> None:
        if picture.prediction is None:
            return
        levels = _read_counterfactual(place, picture.row.id, picture.prediction.model_id)
        levels = _fitting(levels, (picture.height, picture.width))
        if levels:
            self.came.emit(replace(picture, counterfactual=levels))


def _read_counterfactual(place: ProjectPaths, image_id: int, model_id: int) -> Levels:
    found = kept_counterfactual(place, image_id, model_id)
    return [] if found is None else [to_qimage(one) for one in pyramid(found)]


def _read_saliency(place: ProjectPaths, image_id: int, model_id: int) -> Maps:
    found = kept_saliency(place, image_id, model_id)
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


def pyramid(pixels: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """``pixels`` (H, W) or (H, W, 3) and its halves down to some 256 px, averaged over areas."""
    levels = [pixels]
    while max(levels[-1].shape[:2]) > 2 * _SMALLEST:
        height, width = levels[-1].shape[:2]
        size = (max(1, width // 2), max(1, height // 2))
        levels.append(
            np.asarray(cv2.resize(levels[-1], size, interpolation=cv2.INTER_AREA), np.uint8)
        )
    return levels
