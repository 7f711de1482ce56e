"""Saliency maps that were computed, kept within a byte limit; those not used for longest go."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.atomic import write_atomically
from cfinspect.project.project import Project

DEFAULT_LIMIT = 2 << 30
_USED_STEP_NS = 3_600_000_000_000  # looking through images must not write all the time


class SaliencyCache:
    """Saliency maps of a project as 8 bit PNG files, at most ``limit`` bytes of them.

    A map may be gone at any time; whoever asks must be ready to compute it again.
    """

    def __init__(self, project: Project, limit: int = DEFAULT_LIMIT) -> None:
        self._project = project
        self._limit = limit
        row = project.database.row("SELECT coalesce(sum(bytes), 0) AS n FROM saliency")
        self._held = int(row["n"]) if row else 0

    def write(self, image_id: int, model_id: int, saliency: NDArray[np.float32]) -> int:
        """Write the map (H, W) in 0..1 to its file; returns its bytes, 0 where that failed.

        Belongs before the transaction that ``note``s it: others must not wait for the encoding.
        """
        path = self._path(image_id, model_id)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            grey = np.rint(np.clip(saliency, 0, 1) * 255).astype(np.uint8)
            done, data = cv2.imencode(".png", grey)
            if not done:
                return 0
            place = self._project.place.scratch
            write_atomically(
                path, lambda part: part.write_bytes(data.tobytes()), sync=False, scratch=place
            )
            return int(data.size)
        except OSError:
            return 0  # a full disk must not stop an inspection for want of a cache

    def note(self, connection: sqlite3.Connection, image_id: int, model_id: int, size: int) -> None:
        """Count a map that was written, and delete old ones when there are too many."""
        connection.execute(
            "INSERT OR REPLACE INTO saliency VALUES (?, ?, ?, ?)",
            (image_id, model_id, size, time.time_ns()),
        )
        self._held += size
        if self._held > self._limit:
            self._shrink(connection)

    def get(self, image_id: int, model_id: int) -> NDArray[np.float32] | None:
        """A saliency (H, W) in 0..1 in steps of 1/255, or None when it is not kept."""
        try:
            data = self._path(image_id, model_id).read_bytes()
        except OSError:
            return None
        grey = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) if data else None
        if grey is None:
            return None
        now = time.time_ns()
        with self._project.database.writing() as connection:
            connection.execute(
                "UPDATE saliency SET used = ? WHERE image_id = ? AND model_id = ? AND used < ?",
                (now, image_id, model_id, now - _USED_STEP_NS),
            )
        return np.asarray(grey, dtype=np.float32) / np.float32(255)

    def _shrink(self, connection: sqlite3.Connection) -> None:
        """Delete the oldest until a tenth is free; what others added meanwhile counts."""
        row = connection.execute("SELECT coalesce(sum(bytes), 0) FROM saliency").fetchone()
        self._held = int(row[0])
        for old in connection.execute(
            "SELECT image_id, model_id, bytes FROM saliency ORDER BY used"
        ).fetchall():
            if self._held <= self._limit * 9 // 10:
                return
            self._path(old["image_id"], old["model_id"]).unlink(missing_ok=True)
            connection.execute(
                "DELETE FROM saliency WHERE image_id = ? AND model_id = ?",
                (old["image_id"], old["model_id"]),
            )
            self._held -= old["bytes"]

    def _path(self, image_id: int, model_id: int) -> Path:
        return self._project.place.saliency / str(model_id) / f"{image_id}.png"
