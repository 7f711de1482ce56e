"""What the window is working on: the open project, its desks, and what was said in this sitting."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, QEventLoop, QObject, QThread, QTimer, Signal

from cfinspect.project import queue
from cfinspect.project.database import ProjectError
from cfinspect.project.listing import Count, ImageRow, by_ids, counts
from cfinspect.project.place import find_place
from cfinspect.project.project import Folder, Model, Project
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
from cfinspect.ui.preferences import Preferences
from cfinspect.ui.translate import tr
from cfinspect.ui.workers.desk import Desk, opener
from cfinspect.ui.workers.job import Failure, JobQueue
from cfinspect.ui.workers.pictures import Pictures
from cfinspect.ui.workers.thumbnails import Thumbnails

IndexMask = NDArray[np.uint8]

_RENEW_MS = 120_000


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


@dataclass(frozen=True)
class Facts:
    """What lists of folders show; read on the reading desk."""

    folders: list[Folder]
    models: list[Model]
    counts: list[Count]
    waiting: int
    vanished: int


class Session(QObject):
    """The open project, if there is one, and everything that works on it.

    ``opened``, ``closed``: a project came or went. ``facts_changed``: folders, models or counts.
    ``images_changed``: ids whose figures or verdicts changed (None: possibly all). ``said``: an
    image id with what humans say of it now; it is on disk. ``stale``: what was shown of an image is
    not how it is. ``saving``: how many words are on their
    way. ``failed``: something for the person.
    """

    opened = Signal()
    closed = Signal()
    facts_changed = Signal()
    images_changed = Signal(object)
    said = Signal(int, object)
    saving = Signal(int)
    jump = Signal(int)
    stale = Signal(int)
    failed = Signal(object)

    def __init__(self, preferences: Preferences, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.preferences = preferences
        self.jobs = JobQueue(self)
        self.project: Project | None = None
        self.facts: Facts | None = None
        self.holder = uuid.uuid4().hex
        self.done: list[Said] = []
        self.undone: list[Said] = []
        self.review = 0
        self.leases = False
        self._writer: Desk | None = None
        self._pending = self._failures = 0
        self._waiting: list[Callable[[], None]] = []
        self._opening: Path | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(_RENEW_MS)
        self._timer.timeout.connect(self._renew_leases)
        self._facts_timer = QTimer(self)
        self._facts_timer.setSingleShot(True)
        self._facts_timer.setInterval(150)
        self._facts_timer.timeout.connect(self._read_facts)

    # Opening and closing --------------------------------------------------------------------------

    @property
    def root(self) -> Path | None:
        """The folder that is open."""
        return self.project.place.root if self.project is not None else None

    @property
    def writer(self) -> Desk:
        """The desk that writes; only while a project is open or being opened."""
        assert self._writer is not None
        return self._writer

    def open(self, root: Path, *, domain: str = "") -> None:
        """Open the project of a folder, making one where there is none; ``opened`` follows."""
        self.close()
        self._opening = root
        # The desk that writes checks the database; looking at a large one need not wait for that.
        self._writer = Desk(opener(root, domain=domain, human=True), self)
        self.writer.failed.connect(self.failed)
        self.writer.refused.connect(self._refused)
        self.writer.opened.connect(self._is_open)
        self.writer.start()
        if find_place(root) is not None:
            QTimer.singleShot(0, self._is_open)

    def _refused(self, failure: Failure) -> None:
        self._opening = None
        if self.project is not None:
            self.close()
        self.failed.emit(failure)

    def _is_open(self) -> None:
        root = self._opening
        if root is None:
            return
        try:
            self.project = Project.open_again(root)
        except ProjectError:
            return  # the writing desk will say what is wrong
        self._opening = None
        self.reader = Desk(lambda: Project.open_again(root), self)
        self.reader.failed.connect(self.failed)
        self.reader.start()
        self.looker = Desk(lambda: Project.open_again(root), self)
        self.looker.failed.connect(self.failed)
        self.looker.start()
        self.thumbnails = Thumbnails(self.project.place, self)
        self.pictures = Pictures(self.looker, self.project.place, self)
        self.done, self.undone = [], []
        self._timer.start()
        self.preferences.remember(self.project.place.root)
        self.opened.emit()
        self.refresh()

    def settle(self, seconds: float = 60.0) -> bool:
        """Wait until every word is on disk, with the window alive; False when one could not be
        stored, or the time is up.
        """
        failures, end = self._failures, time.monotonic() + seconds
        while self._pending and time.monotonic() < end:
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents, 20)
            QThread.msleep(2)
        return self._pending == 0 and self._failures == failures

    def close(self) -> bool:
        """Close the project; ``settle`` first. Whether everything ended in time."""
        self._opening = None
        self._timer.stop()
        ended = True
        writer = self._writer
        if writer is not None:
            for signal in (writer.opened, writer.refused):
                signal.disconnect()
            holder = self.holder
            writer.ask(lambda project: queue.release(project, holder))
            ended = writer.close()
            writer.deleteLater()
            self._writer = None
        if self.project is None:
            return ended
        self.pictures.close()
        self.thumbnails.close()
        for desk in (self.reader, self.looker):
            ended = desk.close() and ended
        parts: tuple[QObject, ...] = (self.pictures, self.thumbnails, self.reader, self.looker)
        for part in parts:
            part.deleteLater()
        self.project.close()
        self.project, self.facts = None, None
        self._pending = 0
        self._waiting.clear()
        self.saving.emit(0)
        self.closed.emit()
        return ended

    # Facts ----------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Read folders, models and counts again, soon."""
        if not self._facts_timer.isActive():
            self._facts_timer.start()

    def _read_facts(self) -> None:
        if self.project is None:
            return

        def read(project: Project) -> Facts:
            gone = project.database.row("SELECT count(*) AS n FROM image WHERE missing = 1")
            return Facts(
                project.folders(),
                project.models(),
                counts(project),
                queue.waiting(project),
                int(gone["n"]) if gone else 0,
            )

        self.reader.ask(read, self._set_facts, key="facts")

    def _set_facts(self, facts: Facts) -> None:
        if self.project is not None:
            self.facts = facts
            self.facts_changed.emit()

    def model_of(self, folder_id: int) -> Model | None:
        """The model that is bound to a folder."""
        if self.facts is None:
            return None
        bound = next((one.model_id for one in self.facts.folders if one.id == folder_id), None)
        return next((one for one in self.facts.models if one.id == bound), None)

    def folder(self, folder_id: int) -> Folder | None:
        """A folder by its id."""
        found = self.facts.folders if self.facts else []
        return next((one for one in found if one.id == folder_id), None)

    def change(
        self, work: Callable[[Project], Any], then: Callable[[Any], None] | None = None
    ) -> None:
        """Change the project (folders, models) on the writing desk, then read the facts again."""

        def after(result: Any) -> None:
            self.pictures.forget()
            if then is not None:
                then(result)
            self.refresh()
            self.images_changed.emit(None)

        self.writer.ask(work, after)

    # Saying ---------------------------------------------------------------------------------------

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

    def _renew_leases(self) -> None:
        holder = self.holder
        if self.project is not None and self.leases:
            self.writer.ask(lambda project: queue.renew(project, holder), key="renew")

    def release_leases(self) -> None:
        """Let colleagues have what this window had taken for its review."""
        holder, self.leases = self.holder, False
        self.writer.ask(lambda project: queue.release(project, holder))

    # Reading --------------------------------------------------------------------------------------

    def rows(self, ids: list[int]) -> list[ImageRow]:
        """Image rows by id, now; a page of them takes two milliseconds."""
        return [] if self.project is None else by_ids(self.project, ids)
