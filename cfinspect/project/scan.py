"""Which images there are: an incremental scan that keeps the history of what was moved.

An image is its content. A file whose size and date are as before is not opened. Any other is hashed
and, when its content is that of an image that is no longer where it was, it *is* that image, with
its verdicts, at a new place. Images that are gone are kept and marked. A folder that cannot be
reached (an unplugged disk) is left as it was known.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import NamedTuple

from cfinspect.engine.errors import CfinspectError
from cfinspect.project.project import Folder, Project, use_predictions
from cfinspect.project.walk import File, digest_all, walk

_BATCH = 512
_READERS = 4
_SHARE = 32


@dataclass
class ScanReport:
    """What a scan found: counts of images, and what went wrong (a sentence each).

    ``new``: contents never seen. ``changed``: files with other content than before; the image they
    held is counted as vanished unless it turned up elsewhere. ``moved``: at another place now.
    ``returned``: had vanished and are back. ``present``: all images that are there.
    """

    present: int = 0
    new: int = 0
    changed: int = 0
    moved: int = 0
    returned: int = 0
    vanished: int = 0
    seconds: float = 0.0
    cancelled: bool = False
    problems: list[str] = field(default_factory=list)


class _Known(NamedTuple):
    """An image as the database has it."""

    id: int
    size: int
    mtime_ns: int
    digest: str
    label: int | None
    group: str


class _Lost(NamedTuple):
    """An image that is not where it was; ``before``: it had vanished before this scan."""

    id: int
    folder: int
    path: str
    before: bool


def scan(
    project: Project,
    folders: Sequence[Folder] | None = None,
    *,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> ScanReport:
    """Bring the project's images up to date with the disk; ``progress(files read, of how many)``.

    What is done is kept when it is cancelled or killed; the next scan goes on from there.
    """
    started = time.monotonic()
    work = _Scan(project, progress, cancelled)
    work.run(project.folders() if folders is None else folders)
    count = project.database.row("SELECT count(*) AS n FROM image WHERE missing = 0")
    work.report.present = count["n"] if count else 0
    work.report.seconds = time.monotonic() - started
    return work.report


class _Scan:
    def __init__(
        self,
        project: Project,
        progress: Callable[[int, int], None],
        cancelled: Callable[[], bool],
    ) -> None:
        self.report = ScanReport()
        self._database = project.database
        self._progress = progress
        self._cancelled = cancelled
        self._done = self._total = 0

    def run(self, folders: Sequence[Folder]) -> None:
        files, walked = self._walk_all(folders)
        known = self._known(walked)
        same: list[tuple[File, _Known]] = []
        odd: list[File] = []
        fresh: list[File] = []
        for file in files:
            image = known.get((file.folder, file.path))
            if image is None:
                fresh.append(file)
            elif (image.size, image.mtime_ns) != (file.size, file.mtime_ns):
                odd.append(file)
            else:
                same.append((file, image))
        self._total = len(odd) + len(fresh)
        replaced = list(self._renew(odd, known))
        self._relabel(same)
        if self.report.cancelled:
            return
        here = {(file.folder, file.path) for file in files}
        gone = [image.id for place, image in known.items() if place not in here]
        lost = self._lose([*gone, *(known[f.folder, f.path].id for f, _ in replaced)])
        self._take_in(replaced, lost, changed=True)
        self._take_in(self._hashed(fresh), lost, changed=False)
        self.report.vanished = sum(not one.before for many in lost.values() for one in many)

    def _walk_all(self, folders: Sequence[Folder]) -> tuple[list[File], list[int]]:
        files: list[File] = []
        walked: list[int] = []
        for folder in folders:
            try:
                files += list(walk(folder, self.report.problems))
                walked.append(folder.id)
            except OSError as error:
                self.report.problems.append(
                    f"{error.filename or folder.path} cannot be read ({error.strerror}); the "
                    f"images of {folder.name} are left as they were known."
                )
            except CfinspectError as error:  # its labels.csv
                self.report.problems.append(f"{folder.name} was not scanned: {error}")
        return files, walked

    def _known(self, folders: Iterable[int]) -> dict[tuple[int, str], _Known]:
        return {
            (row[0], row[1]): _Known(*row[2:])
            for folder in folders
            for row in map(
                tuple,
                self._database.rows(
                    "SELECT folder_id, path, id, bytes, mtime_ns, digest, label, grp FROM image "
                    "WHERE missing = 0 AND folder_id = ?",
                    folder,
                ),
            )
        }

    def _hashed(self, files: Iterable[File]) -> Iterator[tuple[File, str]]:
        """Files with the hash of their content, in order; those that cannot be read are told."""
        rest = iter(files)
        with ThreadPoolExecutor(_READERS, thread_name_prefix="hash") as pool:
            while batch := list(islice(rest, _BATCH)):
                if self._cancelled():
                    self.report.cancelled = True
                    return
                # Small files are read faster than they are handed round one by one.
                parts = [batch[start : start + _SHARE] for start in range(0, len(batch), _SHARE)]
                digests = chain.from_iterable(pool.map(digest_all, parts))
                for file, digest in zip(batch, digests, strict=True):
                    if isinstance(digest, OSError):
                        reason = f"Cannot read {file.full}: {digest.strerror}."
                        self.report.problems.append(reason)
                    else:
                        yield file, digest
                self._done += len(batch)
                self._progress(self._done, self._total)

    def _renew(
        self, odd: Iterable[File], known: dict[tuple[int, str], _Known]
    ) -> Iterator[tuple[File, str]]:
        """Note new dates of files with the old content; yields those with other content."""
        touched = []
        for file, digest in self._hashed(odd):
            image = known[file.folder, file.path]
            if digest == image.digest:
                touched.append((file.size, file.mtime_ns, image.id))
            else:
                yield file, digest
        with self._database.writing() as connection:
            connection.executemany("UPDATE image SET bytes = ?, mtime_ns = ? WHERE id = ?", touched)

    def _relabel(self, same: Iterable[tuple[File, _Known]]) -> None:
        """Take over labels and groups that `labels.csv` gives otherwise now."""
        other = [
            (file.label, file.group, file.label, image.id)
            for file, image in same
            if (file.label, file.group) != (image.label, image.group)
        ]
        with self._database.writing() as connection:
            connection.executemany(
                "UPDATE image SET label = ?, grp = ?, disagreement = abs(? - score) WHERE id = ?",
                other,
            )

    def _lose(self, ids: Iterable[int]) -> dict[str, list[_Lost]]:
        """Mark images as missing; returns all missing ones by their content."""
        with self._database.writing() as connection:
            rows = connection.execute(
                "SELECT digest, id, folder_id, path FROM image WHERE missing = 1"
            ).fetchall()
            lost = defaultdict(list)
            for row in rows:
                lost[row["digest"]].append(_Lost(row["id"], row["folder_id"], row["path"], True))
            for number in ids:
                row = connection.execute(
                    "UPDATE image SET missing = 1 WHERE id = ? RETURNING digest, folder_id, path",
                    (number,),
                ).fetchone()
                lost[row["digest"]].append(_Lost(number, row["folder_id"], row["path"], False))
        return lost

    def _take_in(
        self,
        files: Iterable[tuple[File, str]],
        lost: dict[str, list[_Lost]],
        *,
        changed: bool,
    ) -> None:
        """Give every file its image: one that was lost, or a new one."""
        rest = iter(files)
        while batch := list(islice(rest, _BATCH)):
            with self._database.writing() as connection:
                for file, digest in batch:
                    self._place(connection, file, digest, lost, changed)

    def _place(
        self,
        connection: sqlite3.Connection,
        file: File,
        digest: str,
        lost: dict[str, list[_Lost]],
        changed: bool,
    ) -> None:
        place = (file.folder, file.path, place_text(file.path), file.size, file.mtime_ns)
        facts = (*place, digest, file.label, file.group)
        candidates = lost.get(digest)
        if candidates:
            # Of several equal images the one that was here, else one of the same name.
            best = min(candidates, key=lambda one: _distance(one, file))
            candidates.remove(best)
            connection.execute(
                "UPDATE image SET folder_id = ?, path = ?, place = ?, bytes = ?, mtime_ns = ?, "
                "digest = ?, label = ?, grp = ?, missing = 0 WHERE id = ?",
                (*facts, best.id),
            )
            use_predictions(connection, "id = ?", best.id)
            if best.before:
                self.report.returned += 1
            else:
                self.report.moved += 1
        else:
            connection.execute(
                "INSERT INTO image (folder_id, path, place, bytes, mtime_ns, digest, label, grp) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                facts,
            )
            if changed:
                self.report.changed += 1
            else:
                self.report.new += 1


def place_text(path: str) -> str:
    """Text that sorts like people do: img2 before img10, whatever the case."""
    folded = path.casefold()
    return re.sub(r"\d+", lambda run: _padded(run.group().lstrip("0") or "0"), folded)


def _padded(digits: str) -> str:
    # The count of digits first: longer numbers are larger. 3 of them hold any file name.
    return f"{len(digits):03d}{digits}"


def _distance(lost: _Lost, file: File) -> tuple[bool, bool]:
    return (
        (lost.folder, lost.path) != (file.folder, file.path),
        lost.path.rpartition("/")[2] != file.path.rpartition("/")[2],
    )
