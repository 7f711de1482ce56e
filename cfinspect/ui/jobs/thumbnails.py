"""Small pictures of many images: made lazily, kept on disk and in memory, both within limits."""

from __future__ import annotations

import logging
from collections import OrderedDict
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QThread, QTimer, Signal
from PySide6.QtGui import QImage, QPixmap

from cfinspect.engine.base.images import ImageError, read_bytes, read_preview
from cfinspect.project.errors import ProjectError
from cfinspect.project.kept_pictures import decode_photo
from cfinspect.project.paths import ProjectPaths
from cfinspect.project.reach import Reach
from cfinspect.project.walk import content_digest
from cfinspect.ui.jobs.levels import to_qimage
from cfinspect.ui.jobs.serial_worker import SerialWorker

_log = logging.getLogger(__name__)

SIDE = 256
_MOST_BYTES = 1 << 20  # of one on the disk; more than its pixels have
MEMORY_LIMIT = 96 << 20
DISK_LIMIT = 1 << 30
_WAITING = 512  # asked for and not made yet; what was scrolled past long ago is forgotten
_PATIENCE = 1.0  # s: a share that does not answer must not hold up the window
_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 85]


class Wanted(NamedTuple):
    """An image whose thumbnail is asked for; ``digest``: of its content."""

    digest: str
    path: Path
    reach: Reach


class Thumbnails(QObject):
    """Thumbnails of a project's images by content; ``ready`` names those that have come.

    Asked for newest first: what is on screen now comes before what was scrolled past.
    """

    ready = Signal(object)

    def __init__(
        self,
        place: ProjectPaths,
        parent: QObject | None = None,
        *,
        memory_limit: int = MEMORY_LIMIT,
        disk_limit: int = DISK_LIMIT,
    ) -> None:
        super().__init__(parent)
        self._held: OrderedDict[str, QPixmap] = OrderedDict()
        self._bytes = 0
        self._memory_limit = memory_limit
        self._failed: set[str] = set()
        self._come: list[tuple[str, QImage | None]] = []
        self._maker = _Maker(place, disk_limit)
        self._worker = SerialWorker(
            "thumbnails",
            self,
            newest_first=True,
            limit=_WAITING,
            priority=QThread.Priority.LowPriority,
        )
        self._worker.begin()
        # Together, so that a hundred of them cause one repaint.
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(30)
        self._timer.timeout.connect(self._deliver)

    def get(self, wanted: Wanted) -> QPixmap | None:
        """The thumbnail if it is here; otherwise it is asked for."""
        held = self._held.get(wanted.digest)
        if held is not None:
            self._held.move_to_end(wanted.digest)
            return held
        if wanted.digest not in self._failed:
            self._worker.put(partial(self._make, wanted), key=wanted.digest)
        return None

    def try_again(self) -> None:
        """Make those that could not be made when they are asked for next."""
        self._failed.clear()

    @property
    def bytes_held(self) -> int:
        """Memory that the pictures take."""
        return self._bytes

    def close(self) -> None:
        """End the thread, unless a read holds it up."""
        self._worker.stop(_PATIENCE)

    def _make(self, wanted: Wanted) -> None:
        """Make one, on the worker's thread."""
        try:
            picture = self._maker.make(wanted)
        except Exception:  # a strange file must not be asked for again and again
            _log.exception("No thumbnail of %s", wanted.path)
            picture = None
        self._worker.send(self._take, wanted.digest, picture)

    def _take(self, digest: str, picture: QImage | None) -> None:
        self._come.append((digest, picture))
        if not self._timer.isActive():
            self._timer.start()

    def _deliver(self) -> None:
        # A few at a time: turning pictures into pixmaps is the window's own work.
        come, self._come = self._come[:24], self._come[24:]
        for digest, picture in come:
            if picture is None:
                self._failed.add(digest)
                continue
            if digest not in self._held:
                self._bytes += picture.sizeInBytes()
            self._held[digest] = QPixmap.fromImage(picture)
        while self._bytes > self._memory_limit and len(self._held) > 1:
            _, old = self._held.popitem(last=False)
            self._bytes -= old.width() * old.height() * 4
        self.ready.emit({digest for digest, _ in come})
        if self._come:
            self._timer.start()


class _Maker:
    """Makes thumbnails, or finds them on the disk, where it keeps them within a limit (bytes)."""

    def __init__(self, place: ProjectPaths, limit: int) -> None:
        self._place = place
        self._limit = limit
        self._written: int | None = None

    def make(self, wanted: Wanted) -> QImage | None:
        """The thumbnail; None where the image cannot be read."""
        path = self._place.thumbnail_file(wanted.digest)
        small = self._read(path)
        if small is None:
            try:
                data = read_bytes(wanted.reach.checked(wanted.path))
                small = read_preview(wanted.path, SIDE, data=data)
            except ImageError as error:
                _log.info("%s", error)
                return None
            if content_digest(data) == wanted.digest:  # or the file was exchanged since the scan
                self._keep(path, small)
        return to_qimage(small)

    def _keep(self, path: Path, small: NDArray[np.uint8]) -> None:
        done, data = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), _QUALITY)
        if not done:
            return
        try:
            self._place.write(path, lambda part: part.write_bytes(data.tobytes()), sync=False)
        except (OSError, ProjectError):
            return  # a full disk: pictures are made again next time
        if self._written is None:
            self._written = sum(status.st_size for _, status in self._place.thumbnail_files())
        else:
            self._written += len(data)
        if self._written > self._limit:
            self._shrink()

    def _shrink(self) -> None:
        """Delete the oldest until a tenth is free."""
        files = sorted(self._place.thumbnail_files(), key=lambda file: file[1].st_mtime)
        held = sum(status.st_size for _, status in files)
        for path, status in files:
            if held <= self._limit * 9 // 10:
                break
            try:
                self._place.remove(path)
            except OSError:  # a colleague's
                continue
            held -= status.st_size
        self._written = held

    def _read(self, path: Path) -> NDArray[np.uint8] | None:
        return decode_photo(self._place.read(path, _MOST_BYTES), most=SIDE)
