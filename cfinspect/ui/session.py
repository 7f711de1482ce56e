"""What was said in this sitting: stored, told, taken back."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, QEventLoop, QObject, QThread, QTimer, Signal

from cfinspect.project.listing import ImageRow
from cfinspect.project.project import Project
from cfinspect.project.verdicts import (
    KEEP,
    ConflictError,
    Human,
    Kept,
    Verdict,
    decide,
    login_name,
    read_mask_of,
    revert,
)
from cfinspect.ui.openproject import OpenProject
from cfinspect.ui.preferences import Preferences
from cfinspect.ui.translate import tr
from cfinspect.ui.workers.job import Failure

IndexMask = NDArray[np.uint8]


@dataclass(frozen=True)
class Said:
    """One thing that was said in this sitting and can be taken back. ``overruled``: it was not what
    the model says; ``corrected``: with a mask; ``review``: in which review of this sitting.
    """

    entry: int
    image_id: int
    verdict: Verdict | None
    corrected: bool = False
    overruled: bool = False
    review: int = 0


class Session(OpenProject):
    """The open project, and what the person says of its images.

    ``said``: an image id with what humans say of it now; it is on disk. ``stale``: what was shown
    of an image is not how it is. ``saving``: how many words are on their way. ``jump``: show this
    image, its verdict was taken back.
    """

    said = Signal(int, object)
    saving = Signal(int)
    jump = Signal(int)
    stale = Signal(int)

    def __init__(self, preferences: Preferences, parent: QObject | None = None) -> None:
        super().__init__(preferences, parent)
        self.done: list[Said] = []
        self.undone: list[Said] = []
        self.review = 0
        self._pending = self._failures = 0
        self._waiting: list[Callable[[], None]] = []
        self.opened.connect(self._begin)
        self.closed.connect(self._begin)

    def _begin(self) -> None:
        self.done, self.undone = [], []
        self._pending = 0
        self._waiting.clear()
        self.saving.emit(0)

    def settle(self, seconds: float = 60.0) -> bool:
        """Wait until every word is on disk, with the window alive; False when one could not be
        stored, or the time is up.
        """
        failures, end = self._failures, time.monotonic() + seconds
        while self._pending and time.monotonic() < end:
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents, 20)
            QThread.msleep(2)
        return self._pending == 0 and self._failures == failures

    @property
    def who(self) -> str:
        """Under which name verdicts are stored."""
        return str(self.preferences.get("who")).strip() or login_name()

    @property
    def unsaved(self) -> int:
        """How many words are on their way to the disk."""
        return self._pending

    def say(
        self,
        row: ImageRow,
        *,
        verdict: Verdict | Kept | None = KEEP,
        mask: IndexMask | Kept | None = KEEP,
        comment: str | Kept = KEEP,
        expected: int | None = None,
        then: Callable[[Human], None] | None = None,
        sorry: Callable[[Failure], None] | None = None,
    ) -> None:
        """Store what the person says of an image; ``said`` follows when it is on disk."""
        who, holder = self.who, self.holder

        def work(project: Project) -> Human:
            return decide(
                project,
                row.id,
                who=who,
                verdict=verdict,
                mask=mask,
                comment=comment,
                expected=expected,
                holder=holder,
            )

        def after(human: Human) -> None:
            self._arrived()
            assert human.entry is not None
            overruled = human.verdict in {0, 1} and row.machine not in {None, human.verdict}
            corrected = isinstance(mask, np.ndarray)
            self.done.append(
                Said(human.entry, row.id, human.verdict, corrected, overruled, self.review)
            )
            self.undone.clear()
            shown = mask if corrected else None
            self._tell(row.id, human, shown if isinstance(shown, np.ndarray) else None)
            if then is not None:
                then(human)

        self._pending += 1
        self.saving.emit(self._pending)
        self.writer.ask(work, after, lambda failure: self._lost(failure, row.id, sorry))

    def say_of_many(self, said: list[tuple[ImageRow, Verdict]]) -> None:
        """Verdicts on many images in one transaction; each can be taken back by itself.

        Those that cannot be stored are told together; the others are.
        """
        who, holder = self.who, self.holder

        def work(project: Project) -> tuple[list[tuple[ImageRow, Human]], list[str]]:
            stored, problems = [], []
            with project.database.writing():
                for row, verdict in said:
                    try:
                        human = decide(project, row.id, who=who, verdict=verdict, holder=holder)
                    except ConflictError as error:
                        problems.append(str(error))
                    else:
                        stored.append((row, human))
            return stored, problems

        def after(result: tuple[list[tuple[ImageRow, Human]], list[str]]) -> None:
            self._arrived()
            stored, problems = result
            for row, human in stored:
                assert human.entry is not None
                overruled = row.machine not in {None, human.verdict}
                self.done.append(
                    Said(human.entry, row.id, human.verdict, False, overruled, self.review)
                )
                self.pictures.renew(row.id, human, None)
                self.said.emit(row.id, human)
            self.undone.clear()
            self.images_changed.emit([row.id for row, _ in stored])
            self.refresh()
            if problems:
                self._failures += 1
                sentence = tr(
                    "{n} of {total} images got no verdict. The first: {problem}",
                    n=len(problems),
                    total=len(said),
                    problem=problems[0],
                )
                title = tr("That did not work")
                self.failed.emit(Failure(title, sentence, "\n".join(problems)))

        self._pending += 1
        self.saving.emit(self._pending)
        self.writer.ask(work, after, lambda failure: self._lost(failure, None, None))

    @property
    def can_undo(self) -> bool:
        """Whether something was said in this sitting."""
        return bool(self.done or self._pending)

    @property
    def can_redo(self) -> bool:
        """Whether something was taken back."""
        return bool(self.undone)

    def undo(self) -> None:
        """Take back the last thing said, and show that image; one on its way is waited for."""
        if self._pending:
            self._waiting.append(self.undo)
        elif self.done:
            self._revert(self.done.pop(), self.undone)

    def redo(self) -> None:
        """Say again what was taken back last."""
        if self._pending:
            self._waiting.append(self.redo)
        elif self.undone:
            self._revert(self.undone.pop(), self.done)

    def _revert(self, last: Said, other: list[Said]) -> None:
        who, holder = self.who, self.holder

        def work(project: Project) -> tuple[Human, IndexMask | None]:
            human = revert(project, last.entry, who=who, holder=holder)
            return human, read_mask_of(project, human)

        def after(result: tuple[Human, IndexMask | None]) -> None:
            self._arrived()
            human, mask = result
            assert human.entry is not None
            other.append(replace(last, entry=human.entry))
            self._tell(last.image_id, human, mask)
            self.jump.emit(last.image_id)

        self._pending += 1
        self.saving.emit(self._pending)
        self.writer.ask(work, after, lambda failure: self._lost(failure, last.image_id, None))

    def _tell(self, image_id: int, human: Human, mask: IndexMask | None) -> None:
        held = self.pictures.get(image_id)
        if human.mask is None:
            mask = None
        elif mask is None and held is not None:
            mask = held.human_mask
        self.pictures.renew(image_id, human, mask)
        self.said.emit(image_id, human)
        self.images_changed.emit([image_id])
        self.refresh()

    def _arrived(self) -> None:
        self._pending -= 1
        self.saving.emit(self._pending)
        if not self._pending and self._waiting:
            QTimer.singleShot(0, self._next_waiting)

    def _next_waiting(self) -> None:
        if self._waiting and not self._pending:
            self._waiting.pop(0)()
            if self._waiting and not self._pending:
                self._next_waiting()

    def _lost(
        self, failure: Failure, image_id: int | None, sorry: Callable[[Failure], None] | None
    ) -> None:
        """A word that could not be stored: what was shown of the image may not be how it is."""
        self._failures += 1
        self._arrived()
        if image_id is not None:
            self.pictures.forget([image_id])
        if sorry is not None:
            sorry(failure)
        if image_id is not None:
            self.stale.emit(image_id)
        self.failed.emit(failure)
