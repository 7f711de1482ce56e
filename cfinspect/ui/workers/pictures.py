"""Everything about one image that the canvas shows, read ahead on a thread of its own."""

from __future__ import annotations

import logging
import sys
import threading
from collections import OrderedDict, deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QThread, Signal
from PySide6.QtGui import QImage

from cfinspect.engine.errors import CfinspectError
from cfinspect.engine.images import header_size, read_bytes, read_image, read_preview
from cfinspect.project.listing import ImageRow, by_ids
from cfinspect.project.place import Place
from cfinspect.project.predictions import Prediction, prediction_of
from cfinspect.project.project import Project
from cfinspect.project.saliency import kept_counterfactual, kept_saliency
from cfinspect.project.verdicts import Human, human_of, read_mask_of
from cfinspect.ui.workers.desk import Desk
from cfinspect.ui.workers.thumbnails import to_qimage

_log = logging.getLogger(__name__)

_PREVIEW_SIDE = 2200
_PREVIEW_FROM = 5_000_000  # px from which a preview comes before the whole image
_SMALLEST = 256  # no smaller copies than this
_MEMORY = 420 << 20
_KEPT = 8

Levels = list[QImage]
Maps = list[NDArray[np.uint8]]


@dataclass(frozen=True, eq=False)
class Picture:
    """One image of H x W px as the canvas shows it.

    ``levels``, ``counterfactual``: the image and x' at full size, half, a quarter, ...; empty when
    not there (yet). ``preview``: that the largest level is smaller than the image, which is still
    being read. ``saliency``: |x - x'| as (h, w) uint8, 255 for 1, in the same sizes. ``mask``: of
    the machine, (H, W) bool. ``human_mask``: class numbers (H, W) uint8, None where no human drew
    one. ``error``: why there is no image, a sentence.
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
    human: Human = field(default_factory=Human)
    human_mask: NDArray[np.uint8] | None = None
    pixels: NDArray[np.uint8] | None = None
    error: str = ""

    @property
    def size_in_bytes(self) -> int:
        """Memory that it takes, about."""
        images = sum(one.sizeInBytes() for one in (*self.levels, *self.counterfactual))
        maps = sum(one.nbytes for one in self.saliency)
        arrays = (self.mask, self.human_mask, self.pixels)
        return images + maps + sum(one.nbytes for one in arrays if one is not None)


class Pictures(QObject):
    """Loads pictures; the one on screen first, then those that will be asked for next.

    ``loaded`` brings a picture (by image id), at times twice: a preview first, the rest when it is
    there.
    """

    loaded = Signal(int, object)

    def __init__(self, desk: Desk, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._held: OrderedDict[int, Picture] = OrderedDict()
        self._ahead: deque[int] = deque()
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
        self._current = image_id
        held = self.get(image_id)
        self._ahead = deque(one for one in ahead if one not in self._held)
        if held is None or held.preview:
            self._ask(image_id)
        else:
            self._next()
        return held

    def forget(self, image_ids: Sequence[int] | None = None) -> None:
        """Read these again when they are asked for (None: all): something about them changed."""
        for image_id in list(self._held) if image_ids is None else image_ids:
            self._held.pop(image_id, None)

    def renew(self, image_id: int, human: Human, mask: NDArray[np.uint8] | None) -> None:
        """Note what a human said, without reading the image again."""
        held = self._held.get(image_id)
        if held is not None:
            self._held[image_id] = replace(held, human=human, human_mask=mask)

    def close(self) -> None:
        """End the thread."""
        self._loader.stop()

    @property
    def bytes_held(self) -> int:
        """Memory that the pictures take, about."""
        return sum(one.size_in_bytes for one in self._held.values())

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
        self._held[image_id] = picture
        self._held.move_to_end(image_id)
        while len(self._held) > 1 and (len(self._held) > _KEPT or self.bytes_held > _MEMORY):
            oldest = next(one for one in self._held if one != self._current)
            if oldest == image_id:
                break
            del self._held[oldest]
        self.loaded.emit(image_id, picture)
        if not picture.preview and self.bytes_held < _MEMORY:
            self._next()


@dataclass(frozen=True, eq=False)
class Facts:
    """What the database says of an image, and where its maps are kept."""

    row: ImageRow
    prediction: Prediction | None
    human: Human
    human_mask: NDArray[np.uint8] | None
    place: Place
    model_id: int | None
    problem: str = ""


def _facts(project: Project, image_id: int) -> Facts | None:
    rows = by_ids(project, [image_id])
    if not rows:
        return None
    row = rows[0]
    model_id = next(one.model_id for one in project.folders() if one.id == row.folder_id)
    human = human_of(project, image_id)
    problem, mask = "", None
    try:
        mask = read_mask_of(project, human)
    except CfinspectError as error:
        problem = str(error)
    prediction = prediction_of(project, image_id, model_id) if model_id is not None else None
    return Facts(row, prediction, human, mask, project.place, model_id, problem)


class _Loader(QThread):
    """Reads files: image, saliency and counterfactual side by side."""

    came = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("pictures")
        self._asked: deque[Facts] = deque()
        self._some = threading.Condition()
        self._over = False
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="decode")

    def ask(self, facts: Facts, first: bool) -> None:
        with self._some:
            if first:
                self._asked.clear()  # whoever leafs on does not wait for what was left behind
            self._asked.append(facts)
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
                facts = self._asked.popleft()
            try:
                self._load(facts)
            except CfinspectError as error:
                self.came.emit(_without(facts, str(error)))
            except Exception as error:
                _log.exception("Cannot show %s", facts.row.path)
                self.came.emit(_without(facts, f"{type(error).__name__}: {error}"))

    def _superseded(self) -> bool:
        with self._some:
            return self._over or bool(self._asked)

    def _load(self, facts: Facts) -> None:
        row, place = facts.row, facts.place
        height, width = header_size(row.path, read_bytes(row.path))
        model = facts.model_id if facts.prediction is not None else None
        if height * width >= _PREVIEW_FROM:
            small = read_preview(row.path, _PREVIEW_SIDE)
            self.came.emit(_picture(facts, small, (height, width), preview=True))
            if self._superseded():
                return
        maps = other = None
        if model is not None:
            maps = self._pool.submit(kept_saliency, place, row.id, model)
            other = self._pool.submit(_read_counterfactual, place, row.id, model)
        pixels = read_image(row.path)
        saliency = maps.result() if maps is not None else None
        counterfactual = other.result() if other is not None else []
        if saliency is not None and saliency.shape != pixels.shape[:2]:
            saliency = None  # of a file that was replaced since
        picture = _picture(facts, pixels, (height, width), preview=False)
        self.came.emit(
            replace(
                picture,
                counterfactual=counterfactual if _fits(counterfactual, pixels) else [],
                saliency=[] if saliency is None else pyramid(saliency),
                pixels=pixels,
            )
        )


def _read_counterfactual(place: Place, image_id: int, model_id: int) -> Levels:
    found = kept_counterfactual(place, image_id, model_id)
    return [] if found is None else [to_qimage(one) for one in pyramid(found)]


def _fits(levels: Levels, pixels: NDArray[np.uint8]) -> bool:
    return bool(levels) and (levels[0].height(), levels[0].width()) == pixels.shape[:2]


def _picture(
    facts: Facts, pixels: NDArray[np.uint8], size: tuple[int, int], *, preview: bool
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
        prediction=prediction,
        human=facts.human,
        human_mask=human_mask,
        error=facts.problem,
    )


def _without(facts: Facts, error: str) -> Picture:
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
