"""Pictures for the canvas, read ahead on a thread of their own and held within limits."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from cfinspect.project.paths import ProjectPaths
from cfinspect.project.verdicts import HumanAnnotation
from cfinspect.ui.jobs.picture import Picture
from cfinspect.ui.jobs.picture_reader import PREVIEW_FROM, ImageState, PictureReader, read_state
from cfinspect.ui.jobs.project_thread import ProjectThread
from cfinspect.ui.jobs.serial_worker import SerialWorker, Task

_MEMORY = 512 << 20
_KEPT = 8
_PATIENCE = 1.0  # s: a share that does not answer must not hold up the window


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
        self._worker = SerialWorker("pictures", self)
        self._reader = PictureReader(
            partial(self._worker.send, self._come), lambda: self._worker.has_waiting
        )
        self._worker.begin()

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
            self._read(partial(self._reader.add_counterfactual, held, self._place), first=True)
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
        """End the thread, unless a read holds it up, and let go of everything."""
        self._worker.stop(_PATIENCE)
        self._reader.close()
        self._held.clear()

    @property
    def bytes_held(self) -> int:
        """Memory that the pictures take, about."""
        return sum(one.size_in_bytes for one in self._held.values())

    def _slim(self, image_id: int | None) -> None:
        """Drop the counterfactual of a large photo that is on screen no longer."""
        held = self._held.get(image_id) if image_id is not None else None
        if held is not None and held.width * held.height >= PREVIEW_FROM:
            self._held[held.row.id] = replace(held, counterfactual=[])

    @staticmethod
    def _lacks_counterfactual(held: Picture) -> bool:
        """Whether it was read ahead, and is so large that its counterfactual was not."""
        large = held.width * held.height >= PREVIEW_FROM
        return large and held.prediction is not None and not held.counterfactual

    def _ask(self, image_id: int) -> None:
        def after(facts: ImageState | None) -> None:
            if facts is not None:
                first = image_id == self._current
                self._read(partial(self._reader.read, facts, first=first), first=first)

        self._desk.ask(
            lambda project: read_state(project, image_id),
            after,
            key="" if image_id == self._current else "ahead",
        )

    def _read(self, task: Task, *, first: bool) -> None:
        # Whoever leafs on does not wait for what was left behind.
        self._worker.put(task, alone=first)

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
