"""Saliency maps and counterfactuals that were computed, kept within a byte limit.

Those not used for longest go first.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from cfinspect.project.errors import ProjectError
from cfinspect.project.kept_pictures import Size, decode_map, decode_photo
from cfinspect.project.paths import ProjectPaths
from cfinspect.project.project import Project

_QUALITY = 92
DEFAULT_LIMIT = 2 << 30
_USED_STEP_NS = 3_600_000_000_000  # looking through images must not write all the time


class SaliencyCache:
    """Saliency maps of a project as 8 bit PNG files, and counterfactuals as JPEG, at most ``limit``
    bytes of them.

    A map may be gone at any time; whoever asks must be ready to compute it again.
    """

    def __init__(self, project: Project, limit: int = DEFAULT_LIMIT) -> None:
        self._project = project
        self._limit = limit
        row = project.database.row("SELECT coalesce(sum(bytes), 0) AS n FROM saliency")
        self._held = int(row["n"]) if row else 0

    def write(
        self,
        image_id: int,
        model_id: int,
        saliency: NDArray[np.float32],
        counterfactual: NDArray[np.uint8],
    ) -> int:
        """Write the map (H, W) in 0..1 and x' (H, W, 3) to their files; returns their bytes, 0
        where that failed.

        Belongs before the transaction that ``note``s it: others must not wait for the encoding.
        """
        path = self._project.paths.saliency_file(image_id, model_id)
        grey = np.rint(np.clip(saliency, 0, 1) * 255).astype(np.uint8)
        # x' is for the eye: at this quality no loss is seen.
        quality = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
        try:
            size = self._write(path, grey, [])
            ordered = np.ascontiguousarray(counterfactual[..., ::-1])
            return size + self._write(path.with_suffix(".jpg"), ordered, quality)
        except (OSError, ProjectError, cv2.error):
            return 0  # a full disk must not stop an inspection for want of a cache

    def _write(self, path: Path, pixels: NDArray[np.uint8], how: list[int]) -> int:
        done, data = cv2.imencode(path.suffix, pixels, how)
        if not done:
            return 0
        self._project.paths.write(path, lambda part: part.write_bytes(data.tobytes()), sync=False)
        return int(data.size)

    def note(self, connection: sqlite3.Connection, image_id: int, model_id: int, size: int) -> None:
        """Count a map that was written, and delete old ones when there are too many."""
        connection.execute(
            "INSERT OR REPLACE INTO saliency VALUES (?, ?, ?, ?)",
            (image_id, model_id, size, time.time_ns()),
        )
        self._held += size
        if self._held > self._limit:
            self._shrink(connection)

    def used(self, image_id: int, model_id: int) -> None:
        """Remember that somebody looked at this map; looked at again soon, nothing is written."""
        if self._project.read_only:
            return
        now = time.time_ns()
        with self._project.database.writing() as connection:
            connection.execute(
                "UPDATE saliency SET used = ? WHERE image_id = ? AND model_id = ? AND used < ?",
                (now, image_id, model_id, now - _USED_STEP_NS),
            )

    def _shrink(self, connection: sqlite3.Connection) -> None:
        """Delete the oldest until a tenth is free; what others added meanwhile counts."""
        row = connection.execute("SELECT coalesce(sum(bytes), 0) FROM saliency").fetchone()
        self._held = int(row[0])
        for old in connection.execute(
            "SELECT image_id, model_id, bytes FROM saliency ORDER BY used"
        ).fetchall():
            if self._held <= self._limit * 9 // 10:
                return
            path = self._project.paths.saliency_file(old["image_id"], old["model_id"])
            try:
                self._project.paths.remove(path)
                self._project.paths.remove(path.with_suffix(".jpg"))
            except OSError:  # a colleague's
                continue
            connection.execute(
                "DELETE FROM saliency WHERE image_id = ? AND model_id = ?",
                (old["image_id"], old["model_id"]),
            )
            self._held -= old["bytes"]


def kept_saliency(
    place: ProjectPaths, image_id: int, model_id: int, size: Size
) -> NDArray[np.uint8] | None:
    """A kept saliency (H, W), 255 standing for 1; needs no database, so any thread may ask.

    ``size``: of its image; None where there is no map of that size.
    """
    return decode_map(place.read(place.saliency_file(image_id, model_id)), size)


def kept_counterfactual(
    place: ProjectPaths, image_id: int, model_id: int, size: Size
) -> NDArray[np.uint8] | None:
    """A kept counterfactual (H, W, 3) RGB uint8 of the image's ``size``, or None; as above."""
    path = place.saliency_file(image_id, model_id).with_suffix(".jpg")
    return decode_photo(place.read(path), size)
