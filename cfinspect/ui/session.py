"""What the window is working on: the open project, its desks, and what was said in this sitting."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from cfinspect.project import queue
from cfinspect.project.database import ProjectError
from cfinspect.project.listing import Count, ImageRow, by_ids, counts
from cfinspect.project.place import find_place
from cfinspect.project.project import Folder, Model, Project
from cfinspect.project.verdicts import (
    KEEP,
    Human,
    Kept,
    Verdict,
    decide,
    login_name,
    read_mask_of,
    revert,
)
from cfinspect.ui.preferences import Preferences
from cfinspect.ui.workers.desk import Desk, opener
from cfinspect.ui.workers.job import Failure, JobQueue
from cfinspect.ui.workers.pictures import Pictures
from cfinspect.ui.workers.thumbnails import Thumbnails

IndexMask = NDArray[np.uint8]

_RENEW_MS = 120_000


@dataclass(frozen=True)
class Said:
    """One thing that was said in this sitting and can be taken back. ``overruled``: it was not what
    the model says; ``corrected``: with a mask.
    """

    entry: int
    image_id: int
    verdict: Verdict | None
    corrected: bool = False
    overruled: bool = False


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
    image id with what humans say of it now; it is on disk. ``saving``: how many words are on their
    way. ``failed``: something for the person.
    """

    opened = Signal()
    closed = Signal()
    facts_changed = Signal()
    images_changed = Signal(object)
    said = Signal(int, object)
    saving = Signal(int)
    jump = Signal(int)
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
        self._pending = 0
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
    def is_opening(self) -> bool:
        """Whether a project is being opened."""
        return self._opening is not None

    def open(self, root: Path, *, domain: str = "") -> None:
        """Open the project of a folder, making one where there is none; ``opened`` follows."""
        self.close()
        self._opening = root
        # The desk that writes checks the database; looking at a large one need not wait for that.
        self.writer = Desk(opener(root, domain=domain, human=True), self)
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

    def close(self) -> bool:
        """Close the project; what was said is stored first. Whether everything ended in time."""
        self._opening = None
        if self.project is None:
            return True
        self._timer.stop()
        holder = self.holder
        self.writer.ask(lambda project: queue.release(project, holder))
        ended = self.writer.close()
        self.pictures.close()
        self.thumbnails.close()
        ended = self.reader.close() and ended
        ended = self.looker.close() and ended
        self.project.close()
        self.project, self.facts = None, None
        self._pending = 0
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
            self.done.append(Said(human.entry, row.id, human.verdict, corrected, overruled))
            self.undone.clear()
            shown = mask if corrected else None
            self._tell(row.id, human, shown if isinstance(shown, np.ndarray) else None)
            if then is not None:
                then(human)

        self._pending += 1
        self.saving.emit(self._pending)
        self.writer.ask(work, after, lambda failure: self._lost(failure, sorry))

    def say_of_many(self, rows: list[ImageRow], verdict: Verdict) -> None:
        """One verdict for many images; each can be taken back by itself."""
        for row in rows:
            self.say(row, verdict=verdict)

    @property
    def can_undo(self) -> bool:
        """Whether something was said in this sitting."""
        return bool(self.done)

    @property
    def can_redo(self) -> bool:
        """Whether something was taken back."""
        return bool(self.undone)

    def undo(self) -> None:
        """Take back the last thing said, and show that image."""
        if self.done:
            self._revert(self.done.pop(), self.undone)

    def redo(self) -> None:
        """Say again what was taken back last."""
        if self.undone:
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
            other.append(
                Said(human.entry, last.image_id, last.verdict, last.corrected, last.overruled)
            )
            self._tell(last.image_id, human, mask)
            self.jump.emit(last.image_id)

        self._pending += 1
        self.saving.emit(self._pending)
        self.writer.ask(work, after, lambda failure: self._lost(failure, None))

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

    def _lost(self, failure: Failure, sorry: Callable[[Failure], None] | None) -> None:
        self._arrived()
        self.failed.emit(failure)
        if sorry is not None:
            sorry(failure)

    def _renew_leases(self) -> None:
        holder = self.holder
        self.writer.ask(lambda project: queue.renew(project, holder), key="renew")

    # Reading --------------------------------------------------------------------------------------

    def rows(self, ids: list[int]) -> list[ImageRow]:
        """Image rows by id, now; a page of them takes two milliseconds."""
        return [] if self.project is None else by_ids(self.project, ids)
