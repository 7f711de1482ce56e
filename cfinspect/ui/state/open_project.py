"""The open project: its desks, its facts, its leases."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from cfinspect.engine.calibration.distillable import is_distillable
from cfinspect.engine.model.file import file_digest, load_metadata
from cfinspect.project import queue
from cfinspect.project.database import ProjectError
from cfinspect.project.inspecting import bind_model
from cfinspect.project.listing import Count, ImageRow, by_ids, counts, unreadable, waiting
from cfinspect.project.project import Folder, Project, ProjectModel
from cfinspect.ui.jobs.job import Failure, JobQueue
from cfinspect.ui.jobs.pictures import Pictures
from cfinspect.ui.jobs.project_thread import ProjectThread, opener
from cfinspect.ui.jobs.thumbnails import Thumbnails
from cfinspect.ui.state.preferences import Preferences

_RENEW_MS = 120_000
# Seconds until a thread is left behind on a disk that does not answer. Who closes has settled what
# people said before.
_WRITER_ENDS, _READERS_END = 10.0, 1.0


@dataclass(frozen=True)
class ProjectSummary:
    """What lists of folders show; read on the reading desk. ``waiting``: images in the review queue
    by folder id; ``unreadable``: images that an inspection could not read, likewise.
    """

    folders: list[Folder]
    models: list[ProjectModel]
    counts: list[Count]
    waiting: dict[int, int]
    unreadable: dict[int, int]
    vanished: int


class OpenProject(QObject):
    """The open project, if there is one, and everything that works on it.

    ``opened``, ``closed``: a project came or went. ``facts_changed``: folders, models or counts.
    ``images_changed``: ids whose figures or verdicts changed (None: possibly all). ``failed``:
    something for the person.
    """

    opened = Signal()
    closed = Signal()
    facts_changed = Signal()
    images_changed = Signal(object)
    failed = Signal(object)

    def __init__(self, preferences: Preferences, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.preferences = preferences
        self.jobs = JobQueue(self)
        self.project: Project | None = None
        self.facts: ProjectSummary | None = None
        self.holder = uuid.uuid4().hex
        self.leases = False
        self._writer: ProjectThread | None = None
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
        return self.project.paths.root if self.project is not None else None

    @property
    def writer(self) -> ProjectThread:
        """The desk that writes; only while a project is open or being opened."""
        assert self._writer is not None
        return self._writer

    def open(self, root: Path, *, domain: str = "") -> None:
        """Open the project of a folder, making one where there is none; ``opened`` follows."""
        self.close()
        self._opening = root
        # The desk that writes checks the database. Nothing looks at it before: a stranger may have
        # made it, and a table that is its own end would hold up the window's thread.
        self._writer = ProjectThread(opener(root, domain=domain, human=True), self)
        self.writer.failed.connect(self.failed)
        self.writer.refused.connect(self._refused)
        self.writer.opened.connect(self._is_open)
        self.writer.start()

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
        self.reader = ProjectThread(lambda: Project.open_again(root), self)
        self.reader.failed.connect(self.failed)
        self.reader.start()
        self.looker = ProjectThread(lambda: Project.open_again(root), self)
        self.looker.failed.connect(self.failed)
        self.looker.start()
        self.thumbnails = Thumbnails(self.project.paths, self)
        self.pictures = Pictures(self.looker, self.project.paths, self)
        self._timer.start()
        self.preferences.remember(self.project.paths.root)
        self.opened.emit()
        self.refresh()

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
            ended = writer.close(_WRITER_ENDS)
            writer.deleteLater()
            self._writer = None
        if self.project is None:
            return ended
        self.pictures.close()
        self.thumbnails.close()
        for desk in (self.reader, self.looker):
            ended = desk.close(_READERS_END) and ended
        parts: tuple[QObject, ...] = (self.pictures, self.thumbnails, self.reader, self.looker)
        for part in parts:
            part.deleteLater()
        self.project.close()
        self.project, self.facts = None, None
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

        def read(project: Project) -> ProjectSummary:
            gone = project.database.row("SELECT count(*) AS n FROM image WHERE missing = 1")
            return ProjectSummary(
                project.folders(),
                project.models(),
                counts(project),
                waiting(project),
                unreadable(project),
                int(gone["n"]) if gone else 0,
            )

        self.reader.ask(read, self._set_facts, key="facts")

    def _set_facts(self, facts: ProjectSummary) -> None:
        if self.project is not None:
            self.facts = facts
            self.facts_changed.emit()

    def model_of(self, folder_id: int) -> ProjectModel | None:
        """The model that is bound to a folder."""
        if self.facts is None:
            return None
        bound = next((one.model_id for one in self.facts.folders if one.id == folder_id), None)
        return next((one for one in self.facts.models if one.id == bound), None)

    def teachable_models(self, folders: list[int]) -> list[ProjectModel]:
        """Models of these folders (ids) that have inspected images there and can be distilled."""
        counts = self.facts.counts if self.facts else []
        inspected = {one.folder_id for one in counts if one.machine is not None}
        bound = [self.model_of(one) for one in folders if one in inspected]
        found = {one.id: one for one in bound if one is not None}
        return [one for one in found.values() if is_distillable(one.path, one.metadata)]

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

    def add_model_file(self, path: Path, folders: list[int]) -> None:
        """Let a model file count for folders (ids); a file that is no model is told."""

        def work(project: Project) -> ProjectModel:
            metadata = load_metadata(path)
            chosen = [one for one in project.folders() if one.id in folders]
            return bind_model(project, chosen, path.resolve(), file_digest(path), metadata)

        self.change(work)

    # Leases ---------------------------------------------------------------------------------------

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
