"""What was said in this sitting: stored, told, taken back."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, QEventLoop, QObject, QThread, QTimer, Signal

from cfinspect.project.listing import ImageRow
from cfinspect.project.project import Project
from cfinspect.project.verdicts import (
    KEEP,
    ConflictError,
    HumanAnnotation,
    Kept,
    Verdict,
    decide,
    login_name,
    read_mask_of,
    revert,
)
from cfinspect.ui.jobs.job import Failure
from cfinspect.ui.state.open_project import OpenProject
from cfinspect.ui.state.preferences import Preferences
from cfinspect.ui.widgets.translate import tr

if TYPE_CHECKING:
    from cfinspect.ui.jobs.explaining import Shown

IndexMask = NDArray[np.uint8]


@dataclass(frozen=True)
class VerdictRecord:
    """One thing that was said in this sitting and can be taken back. ``overruled``: it was not what
    the model says; ``corrected``: there is a mask by a human then; ``review``: in which review of
    this sitting; ``batch``: number of the words that were said together, 0 alone.
    """

    entry: int
    image_id: int
    verdict: Verdict | None
    corrected: bool = False
    overruled: bool = False
    review: int = 0
    batch: int = 0


NO_REVIEW = -1  # for words from elsewhere, such as an import's


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
        self.done: list[VerdictRecord] = []
        self.undone: list[VerdictRecord] = []
        self.review = self._batch = 0
        self._pending = self._failures = 0
        self._waiting: list[Callable[[], None]] = []
        self.explanations: dict[int, Shown] = {}  # that came while another image was on screen
        self.closed.connect(self._begin_anew)

    def _begin_anew(self) -> None:
        self.done, self.undone = [], []
        self._pending = 0
        self._waiting.clear()
        self.explanations.clear()

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
        then: Callable[[HumanAnnotation], None] | None = None,
        sorry: Callable[[Failure], None] | None = None,
    ) -> None:
        """Store what the person says of an image; ``said`` follows when it is on disk."""
        who, holder = self.who, self.holder

        def work(project: Project) -> HumanAnnotation:
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

        def after(human: HumanAnnotation) -> None:
            self._arrived()
            self._note(row, human)
            self.undone.clear()
            self._tell(row.id, human, mask if isinstance(mask, np.ndarray) else None)
            if then is not None:
                then(human)

        self._pending += 1
        self.saving.emit(self._pending)
        self.writer.ask(work, after, lambda failure: self._lost(failure, row.id, sorry))

    def say_of_many(self, said: Sequence[tuple[ImageRow, Verdict | None]]) -> None:
        """Verdicts on many images (None: withdrawn) in one transaction; one undo takes all back.

        Those that cannot be stored are told together; the others are.
        """
        if not said:
            return
        who, holder = self.who, self.holder

        def work(project: Project) -> tuple[list[tuple[ImageRow, HumanAnnotation]], list[str]]:
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

        def after(result: tuple[list[tuple[ImageRow, HumanAnnotation]], list[str]]) -> None:
            self._arrived()
            stored, problems = result
            self.note_together(stored)
            for row, human in stored:
                self._renew(row.id, human, None)
                self.said.emit(row.id, human)
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
        self._take_back(self.undo, self.done, self.undone)

    def redo(self) -> None:
        """Say again what was taken back last."""
        self._take_back(self.redo, self.undone, self.done)

    def _take_back(
        self, again: Callable[[], None], said: list[VerdictRecord], other: list[VerdictRecord]
    ) -> None:
        if self._pending:
            self._waiting.append(again)
        elif said:
            together = [said.pop()]
            while said and said[-1].batch == together[0].batch > 0:
                together.append(said.pop())
            self._revert(together, other)

    def _revert(self, together: list[VerdictRecord], other: list[VerdictRecord]) -> None:
        who, holder = self.who, self.holder

        def work(project: Project) -> list[tuple[HumanAnnotation, IndexMask | None]]:
            with project.database.writing():
                found = [revert(project, one.entry, who=who, holder=holder) for one in together]
            return [(human, read_mask_of(project, human)) for human in found]

        def after(result: list[tuple[HumanAnnotation, IndexMask | None]]) -> None:
            self._arrived()
            for one, (human, mask) in zip(together, result, strict=True):
                assert human.entry is not None
                other.append(replace(one, entry=human.entry))
                self._renew(one.image_id, human, mask)
                self.said.emit(one.image_id, human)
            self.images_changed.emit([one.image_id for one in together])
            self.refresh()
            if len(together) == 1:
                self.jump.emit(together[0].image_id)

        last = together[0].image_id
        self._pending += 1
        self.saving.emit(self._pending)
        self.writer.ask(work, after, lambda failure: self._lost(failure, last, None))

    def _note(
        self, row: ImageRow, human: HumanAnnotation, batch: int = 0, review: int | None = None
    ) -> None:
        """Remember a word that can be taken back."""
        assert human.entry is not None
        review = self.review if review is None else review
        overruled = human.verdict in {0, 1} and row.machine not in {None, human.verdict}
        corrected = human.mask is not None and human.verdict is not None
        self.done.append(
            VerdictRecord(human.entry, row.id, human.verdict, corrected, overruled, review, batch)
        )

    def note_together(
        self, stored: Sequence[tuple[ImageRow, HumanAnnotation]], review: int | None = None
    ) -> None:
        """Remember words, already stored, that one undo takes back together.

        ``review``: which review they count for; default: the present one.
        """
        self._batch += 1
        for row, human in stored:
            self._note(row, human, self._batch, review)
        if stored:
            self.undone.clear()

    def _renew(self, image_id: int, human: HumanAnnotation, mask: IndexMask | None) -> None:
        """What is held of an image in memory says what is stored, too; None: the mask stays."""
        held = self.pictures.get(image_id)
        if human.mask is None:
            mask = None
        elif mask is None and held is not None:
            mask = held.human_mask
        self.pictures.renew(image_id, human, mask)

    def _tell(self, image_id: int, human: HumanAnnotation, mask: IndexMask | None) -> None:
        self._renew(image_id, human, mask)
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
