"""The results folder of ``cfinspect inspect``: inspections.csv, masks/, overlays/, saliency/.

Every row is written and flushed as soon as its pictures are on disk, so that a killed run keeps all
it has done and ``--skip-done`` goes on from there.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Self

from cfinspect.engine.base.atomic import LinkRefuser, read_regular_text, save_text
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.images import JPEG_SIDE, write_jpeg, write_png
from cfinspect.engine.data.csv_cells import TableWriter, from_cell
from cfinspect.engine.inference.stream import MASKS, Outcome
from cfinspect.engine.plots.pictures import overlay

COLUMNS = (
    "file",
    "label",
    "score",
    "p0",
    "p1",
    "p_fake",
    "review",
    "reason",
    "area_fraction",
    "mask",
    "width",
    "height",
    "error",
    "unlikeness",
)
_OF_KINDS = ("score", "p_fake")
TABLE, ABOUT, OVERLAYS, SALIENCY = "inspections.csv", "inspection.json", "overlays", "saliency"
_IN_FLIGHT_PIXELS = 8_000_000  # drawing an overlay takes some 50 bytes a pixel
_IN_FLIGHT = 64

Row = dict[str, Any]


class Inspections:
    """Writes outcomes into a results folder, in order; use as a context manager.

    ``model`` identifies the model file; ``kinds`` names the defect classes that it tells apart:
    each has its columns, and its saliency (0..255) in saliency/KIND. ``skip_done`` keeps the rows
    without an error that the folder holds already. ``done`` are the names of these, ``stems`` the
    places of their pictures.

    Raises CfinspectError when ``skip_done`` meets results of another model, and from ``add`` and
    ``finish`` when the folder, or the table in it, is taken away meanwhile.
    """

    def __init__(
        self,
        out: Path,
        classes: tuple[str, str],
        model: dict[str, str],
        kinds: Sequence[str] = (),
        *,
        skip_done: bool = False,
        overlays: bool = True,
        workers: int = 2,
    ) -> None:
        self.out = out
        self._classes = classes
        self.columns = (*COLUMNS, *(f"{fact} {name}" for name in kinds for fact in _OF_KINDS))
        self._overlays = overlays
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="write")
        self._pending: deque[tuple[Future[Row], int]] = deque()
        self._pixels = 0
        self._links = LinkRefuser(out)
        for place in (MASKS, OVERLAYS, SALIENCY):  # before anything is written
            self._links.check(PurePosixPath(place))
        kept = _kept_rows(out, model) if skip_done else []
        self.done = {row["file"] for row in kept}
        self.stems = {_stem(row["mask"]) for row in kept if row["mask"]}
        out.mkdir(parents=True, exist_ok=True)
        # The table first: a kill in between must not leave another model's rows under this name.
        heading = dict(zip(self.columns, self.columns, strict=True))
        save_text(out / TABLE, _csv([heading, *kept], self.columns))
        save_text(out / ABOUT, json.dumps({"model": model}, indent=1) + "\n")
        self._file = (out / TABLE).open("a", encoding="utf-8", errors="surrogateescape", newline="")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _tb: TracebackType | None,
    ) -> None:
        try:
            self._pool.shutdown(cancel_futures=kind is not None)
        finally:
            self._file.close()

    def add(self, outcome: Outcome) -> list[Row]:
        """Hand over an outcome; returns the rows that are complete by now (often earlier ones)."""
        pixels = 0 if outcome.image is None else outcome.image.shape[0] * outcome.image.shape[1]
        self._pending.append((self._pool.submit(self._write, outcome), pixels))
        self._pixels += pixels
        rows = []
        while self._pending and (
            self._pending[0][0].done()
            or len(self._pending) > _IN_FLIGHT
            or self._pixels > _IN_FLIGHT_PIXELS
        ):
            rows.append(self._finish_first())
        return rows

    def finish(self) -> list[Row]:
        """Wait for the pictures that are still being written; returns the last rows."""
        rows = [self._finish_first() for _ in range(len(self._pending))]
        self._require_table()
        return rows

    def _require_table(self) -> None:
        """Raise CfinspectError where the open table is not the one under its name any more."""
        try:
            there = os.path.samestat((self.out / TABLE).stat(), os.fstat(self._file.fileno()))
        except OSError:
            there = False
        if not there:
            raise self._gone()

    def _gone(self) -> CfinspectError:
        return CfinspectError(
            f"{self.out / TABLE} was moved, deleted or replaced while it was being written: what "
            "was inspected is not complete there. Inspect again."
        )

    def _make(self, folder: PurePosixPath) -> None:
        """Make a folder below ``out``, but not ``out`` itself: then somebody has taken it away."""
        if (self.out / folder).is_dir():
            return
        here = self.out
        for part in folder.parts:
            here = here / part
            try:
                here.mkdir(exist_ok=True)
            except FileNotFoundError:
                raise self._gone() from None

    def _finish_first(self) -> Row:
        future, pixels = self._pending.popleft()
        self._pixels -= pixels
        try:
            row = future.result()
        finally:
            self._require_table()  # which says more than that a picture cannot be written
        self._file.write(_csv([row], self.columns))
        self._file.flush()
        return row

    def _write(self, outcome: Outcome) -> Row:
        source, found = outcome.source, outcome.inspection
        mask = PurePosixPath(MASKS, f"{source.stem}.png")
        shape = (0, 0) if outcome.image is None else outcome.image.shape
        long = max(shape[:2]) > JPEG_SIDE
        names = [f"{source.stem}.jpg", f"{source.stem}.png"]
        picture, other = (PurePosixPath(OVERLAYS, name) for name in names[:: -1 if long else 1])
        row: Row = dict.fromkeys(self.columns, "")
        row.update(file=source.name, error=outcome.error)
        # What an earlier run left must not pass for a result of this one.
        wanted = {
            mask: bool(found and found.mask.any()),
            picture: bool(found and self._overlays),
            other: False,
        }
        for place, keep in wanted.items():
            self._links.check(place.parent)
            if keep:
                self._make(place.parent)
            else:
                (self.out / place).unlink(missing_ok=True)
        if (self.out / SALIENCY).is_dir():
            for folder in filter(Path.is_dir, (self.out / SALIENCY).iterdir()):
                place = PurePosixPath(SALIENCY, folder.name, f"{source.stem}.png")
                self._links.check(place.parent)
                (self.out / place).unlink(missing_ok=True)
        if found is None or outcome.image is None:
            return row
        if wanted[mask]:
            write_png(self.out / mask, found.mask)
        if wanted[picture]:
            write = write_png if long else write_jpeg
            write(self.out / picture, overlay(outcome.image, found.saliency, found.mask))
        for name, own in found.defect_classes.items():
            row.update(
                {f"score {name}": round(own.score, 6), f"p_fake {name}": round(own.p_fake, 6)}
            )
            place = PurePosixPath(SALIENCY, name, f"{source.stem}.png")
            self._links.check(place.parent)
            self._make(place.parent)
            write_png(self.out / place, own.saliency)
        height, width = outcome.image.shape[:2]
        row.update(
            label=found.defect_class or self._classes[found.label],
            score=round(found.score, 6),
            p0=round(found.p0, 6),
            p1=round(found.p1, 6),
            p_fake=round(found.p_fake, 6),
            review=int(found.review),
            reason=found.reason,
            area_fraction=round(found.area_fraction, 8),
            mask=mask.as_posix() if wanted[mask] else "",
            width=width,
            height=height,
            unlikeness="" if found.unlikeness is None else round(found.unlikeness, 4),
        )
        return row


def _stem(mask: str) -> str:
    return PurePosixPath(mask).relative_to(MASKS).with_suffix("").as_posix()


def _kept_rows(out: Path, model: dict[str, str]) -> list[Row]:
    """Rows of an earlier run with the same model that need no second look."""
    table, about = out / TABLE, out / ABOUT
    if not table.exists():
        return []
    if not table.is_file():
        raise CfinspectError(f"{table} is no file: give another --out, or remove it.")
    try:
        known = json.loads(read_regular_text(about))["model"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        known = None
    if known != model:
        raise CfinspectError(
            f"{out} holds results of another model: give another --out, or leave out --skip-done "
            "to inspect everything again."
        )
    with table.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        text = file.read()  # as it is: a name may hold an end of line
    # A run that was killed in mid-write may leave part of a row: it has no end of line.
    whole = text[: text.rfind("\n") + 1]
    rows = [
        {name: from_cell(cell or "") for name, cell in row.items()}
        for row in csv.DictReader(io.StringIO(whole, newline=""))
        if None not in row
    ]
    return [row for row in rows if row.get("label") and not row.get("error") and row.get("height")]


def _csv(rows: list[Row], columns: Sequence[str]) -> str:
    text = io.StringIO(newline="")
    # Rows that were kept may be of a table with other columns.
    TableWriter(text).rows([row.get(name, "") for name in columns] for row in rows)
    return text.getvalue()
