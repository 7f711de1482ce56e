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
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.progress import Progress
from cfinspect.project.project import Folder, Project, use_predictions
from cfinspect.project.walk import File, digest_all, walk

_BATCH = 512
_READERS = 4
_SHARE = 32
_NAMED = 5  # links to one place that a sentence names
_PLACES = 20  # places that are told; a stranger's folder may link to any number


@dataclass
class ScanReport:
    """What a scan found: counts of images, and what went wrong (a sentence each).

    ``new``: contents never seen. ``changed``: files with other content than before; the image they
    held is counted as vanished unless it turned up elsewhere. ``moved``: at another place now.
    ``returned``: had vanished and are back. ``present``: all images that are there. ``unread``:
    folders of the project that could not be read at all, or whose `labels.csv` is malformed.
    ``outside``: folders that lie outside of the project, that it or its links name, and that nobody
    allowed.
    """

    present: int = 0
    new: int = 0
    changed: int = 0
    moved: int = 0
    returned: int = 0
    vanished: int = 0
    unread: int = 0
    seconds: float = 0.0
    cancelled: bool = False
    problems: list[str] = field(default_factory=list)
    outside: list[Path] = field(default_factory=list)


class _Known(NamedTuple):
    """An image as the database has it."""

    id: int
    size: int
    mtime_ns: int
    inode: int
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
    progress: Progress = Progress(),
) -> ScanReport:
    """Bring the project's images up to date with the disk; ``progress`` counts the files read.

    What is done is kept when it is cancelled or killed; the next scan goes on from there.
    """
    started = time.monotonic()
    work = _Scan(project, progress)
    work.run(project.folders() if folders is None else folders)
    count = project.database.row("SELECT count(*) AS n FROM image WHERE missing = 0")
    work.report.present = count["n"] if count else 0
    work.report.seconds = time.monotonic() - started
    return work.report


class _Scan:
    def __init__(self, project: Project, progress: Progress) -> None:
        self.report = ScanReport()
        self._database = project.database
        self._reach = project.reach
        self._progress = progress
        self._done = self._total = 0

    def run(self, folders: Sequence[Folder]) -> None:
        files, walked, unread = self._walk_all(folders)
        known = self._known(walked)
        same, odd, fresh = _sorted_out(files, known)
        self._total = len(odd) + len(fresh)
        replaced = list(self._renew(odd, known, same))
        self._note(same)
        if self.report.cancelled:
            return
        here = {(file.folder, file.path) for file in files}
        gone = [
            image.id
            for (folder, path), image in known.items()
            if (folder, path) not in here and not _lies_below(path, unread[folder])
        ]
        lost = self._lose([*gone, *(known[f.folder, f.path].id for f, _ in replaced)])
        self._take_in(replaced, lost, changed=True)
        self._take_in(self._hashed(fresh), lost, changed=False)
        self._give_places_to_decided(lost)
        self.report.vanished = sum(not one.before for many in lost.values() for one in many)

    def _walk_all(
        self, folders: Sequence[Folder]
    ) -> tuple[list[File], list[int], dict[int, set[str]]]:
        files: list[File] = []
        walked: list[int] = []
        unread: dict[int, set[str]] = {}
        for folder in folders:
            if not folder.reachable:
                self._leave_out(
                    folder.path, f"The images of {folder.name} are not reachable: the folder"
                )
                continue
            try:
                found = walk(folder, self._reach)
            except OSError as error:
                self.report.unread += 1
                self.report.problems.append(
                    f"{error.filename or folder.path} cannot be read ({error.strerror}); the "
                    f"images of {folder.name} are left as they were known."
                )
            except CfinspectError as error:  # its labels.csv
                self.report.unread += 1
                self.report.problems.append(f"{folder.name} was not scanned: {error}")
            else:
                files += found.files
                walked.append(folder.id)
                unread[folder.id] = set(found.unread)
                self.report.problems += found.problems
                for place, links in found.outside.items():
                    names = ", ".join(links[:_NAMED]) + (", ..." if len(links) > _NAMED else "")
                    self._leave_out(
                        place,
                        f"{folder.path} has links that are left out ({names}): what they name",
                    )
        return files, walked, unread

    def _leave_out(self, place: Path, what: str) -> None:
        self.report.outside.append(place)
        if len(self.report.outside) <= _PLACES:
            self.report.problems.append(f"{what} {self._reach.why_not(place)}.")

    def _known(self, folders: Iterable[int]) -> dict[tuple[int, str], _Known]:
        return {
            (row[0], row[1]): _Known(*row[2:])
            for folder in folders
            for row in map(
                tuple,
                self._database.rows(
                    "SELECT folder_id, path, id, bytes, mtime_ns, inode, digest, label, grp FROM "
                    "image WHERE missing = 0 AND folder_id = ?",
                    folder,
                ),
            )
        }

    def _hashed(self, files: Iterable[File]) -> Iterator[tuple[File, str]]:
        """Files with the hash of their content, in order; those that cannot be read are told."""
        rest = iter(files)
        with ThreadPoolExecutor(_READERS, thread_name_prefix="hash") as pool:
            while batch := list(islice(rest, _BATCH)):
                if self._progress.cancelled:
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
                self._progress.show(self._done, self._total)

    def _renew(
        self,
        odd: Iterable[File],
        known: dict[tuple[int, str], _Known],
        same: list[tuple[File, _Known]],
    ) -> Iterator[tuple[File, str]]:
        """Put files with the old content to ``same``; yields those with other content."""
        for file, digest in self._hashed(odd):
            image = known[file.folder, file.path]
            if digest == image.digest:
                same.append((file, image))
            else:
                yield file, digest

    def _note(self, same: Iterable[tuple[File, _Known]]) -> None:
        """Note new dates, and labels and groups that `labels.csv` gives otherwise now."""
        other = [
            (f.size, f.mtime_ns, f.inode, f.label, f.group, f.label, image.id)
            for f, image in same
            if (f.size, f.mtime_ns, f.inode, f.label, f.group)
            != (image.size, image.mtime_ns, image.inode, image.label, image.group)
        ]
        if other:
            with self._database.writing() as connection:
                connection.executemany(
                    "UPDATE image SET bytes = ?, mtime_ns = ?, inode = ?, label = ?, grp = ?, "
                    "disagreement = abs(? - score) WHERE id = ?",
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
                    "UPDATE image SET missing = 1 WHERE id = ? AND missing = 0 "
                    "RETURNING digest, folder_id, path",
                    (number,),
                ).fetchone()
                if row is not None:  # another scan may have been quicker
                    one = _Lost(number, row["folder_id"], row["path"], False)
                    lost[row["digest"]].append(one)
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
        # Another scan at the same time may have taken it in already, or something else before it.
        there = connection.execute(
            "SELECT id, digest FROM image WHERE folder_id = ? AND path = ? AND missing = 0",
            (file.folder, file.path),
        ).fetchone()
        if there is not None:
            if there["digest"] == digest:
                return
            connection.execute("UPDATE image SET missing = 1 WHERE id = ?", (there["id"],))
        candidates = lost.get(digest, [])
        while candidates:
            # Of several equal images the one that was here, else one that was lost just now.
            best = min(candidates, key=lambda one: _distance(one, file))
            candidates.remove(best)
            if _move(connection, best.id, file, digest):
                if best.before:
                    self.report.returned += 1
                else:
                    self.report.moved += 1
                return
        connection.execute(
            "INSERT INTO image (folder_id, path, place, bytes, mtime_ns, inode, digest, label, "
            "grp) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            _facts(file, digest),
        )
        if changed:
            self.report.changed += 1
        else:
            self.report.new += 1

    def _give_places_to_decided(self, lost: dict[str, list[_Lost]]) -> None:
        """Let an image that vanished live on in an equal one that nobody has spoken of yet.

        Whoever copies an image, scans, and then deletes the original has moved it.
        """
        with self._database.writing() as connection:
            for digest, many in lost.items():
                for one in [one for one in many if not one.before]:
                    twin = connection.execute(_TWIN, (one.id, digest)).fetchone()
                    if twin is None:
                        continue
                    connection.execute("UPDATE image SET missing = 1 WHERE id = ?", (twin["id"],))
                    columns = "folder_id, path, place, bytes, mtime_ns, inode, label, grp"
                    connection.execute(
                        f"UPDATE image SET ({columns}, missing) = (SELECT {columns}, 0 FROM image "
                        "WHERE id = ?) WHERE id = ?",
                        (twin["id"], one.id),
                    )
                    use_predictions(connection, "id = ?", one.id)
                    many.remove(one)
                    self.report.moved += 1


# Present, of this content, without a word of a human; if there is one of the first image.
_TWIN = """
SELECT id FROM image WHERE EXISTS (SELECT 1 FROM human WHERE image_id = ?) AND digest = ?
AND missing = 0 AND id NOT IN (SELECT image_id FROM human) ORDER BY id LIMIT 1
"""


def _sorted_out(
    files: Iterable[File], known: dict[tuple[int, str], _Known]
) -> tuple[list[tuple[File, _Known]], list[File], list[File]]:
    """Files that are as they were, those at known places that are not, and those at new places."""
    same: list[tuple[File, _Known]] = []
    odd: list[File] = []
    fresh: list[File] = []
    inodes = {image.inode: place for place, image in known.items() if image.inode}
    for file in files:
        place = (file.folder, file.path)
        image = known.get(place)
        if image is None:
            fresh.append(file)
        elif (image.size, image.mtime_ns) != (file.size, file.mtime_ns) or (
            # Bitmaps of one size and date that changed places look the same from outside.
            file.inode != image.inode and inodes.get(file.inode, place) != place
        ):
            odd.append(file)
        else:
            same.append((file, image))
    return same, odd, fresh


def _lies_below(path: str, places: set[str]) -> bool:
    """Whether ``path`` is one of ``places``, or below one of them that ends in a slash."""
    if not places:
        return False
    ends = [place for place, letter in enumerate(path, 1) if letter == "/"]
    return path in places or any(path[:end] in places for end in ends)


def _facts(file: File, digest: str) -> tuple[object, ...]:
    place = (file.folder, file.path, place_text(file.path))
    return (*place, file.size, file.mtime_ns, file.inode, digest, file.label, file.group)


def _move(connection: sqlite3.Connection, image_id: int, file: File, digest: str) -> bool:
    """Put a missing image at the place of ``file``; False when it is not missing any more."""
    moved = connection.execute(
        "UPDATE image SET folder_id = ?, path = ?, place = ?, bytes = ?, mtime_ns = ?, inode = ?, "
        "digest = ?, label = ?, grp = ?, missing = 0 WHERE id = ? AND missing = 1",
        (*_facts(file, digest), image_id),
    )
    if moved.rowcount == 0:
        return False
    use_predictions(connection, "id = ?", image_id)
    return True


def place_text(path: str) -> str:
    """Text that sorts like people do: img2 before img10, whatever the case."""
    folded = path.casefold()
    return re.sub(r"\d+", lambda run: _padded(run.group().lstrip("0") or "0"), folded)


def _padded(digits: str) -> str:
    # The count of digits first: longer numbers are larger. 3 of them hold any file name.
    return f"{len(digits):03d}{digits}"


def _distance(lost: _Lost, file: File) -> tuple[bool, bool, bool]:
    return (
        (lost.folder, lost.path) != (file.folder, file.path),
        lost.before,
        lost.path.rpartition("/")[2] != file.path.rpartition("/")[2],
    )
