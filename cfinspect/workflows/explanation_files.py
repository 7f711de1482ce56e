"""The results folder of ``cfinspect explain``: explanations.csv and pictures of every image."""

from __future__ import annotations

import dataclasses
import io
import json
from dataclasses import dataclass, field, fields
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.atomic import LinkRefuser, save_text
from cfinspect.engine.base.images import write_png
from cfinspect.engine.base.json_types import OMIT_NONE, JsonObject, json_object
from cfinspect.engine.data.csv_cells import TableWriter
from cfinspect.engine.explain.protocol import NOT_ASKED, Explained
from cfinspect.engine.plots.pictures import sample_rows

if TYPE_CHECKING:
    from cfinspect.engine.explain.ace import AceSettings

TABLE, OVERVIEW = "explanations.csv", "overview.png"
_SHOWN, _SIDE = 16, 256
_CLASSES = ("undamaged", "damaged")


@dataclass(frozen=True)
class ExplanationRow:
    """One image, a row of explanations.csv; of one that was left out only ``file`` and ``error``.

    ``target``: the class to reach; ``before``, ``after``: the classifier's score in 0..1;
    ``flipped``, ``kept``: 0 or 1, ``kept`` by the filter of ACE; ``area_fraction`` of the mask;
    ``evaluations``: passes of a network. None where nothing can be said.
    """

    file: str
    target: str | None = None
    before: float | None = None
    after: float | None = None
    flipped: int | None = None
    kept: int | None = None
    note: str | None = None
    area_fraction: float | None = None
    evaluations: float | None = None
    seconds: float | None = None
    error: str | None = None

    @classmethod
    def of(cls, one: Explained) -> ExplanationRow:
        """The row of an image that was explained or left out."""
        if one.error:
            return cls(one.source.name, error=one.error)
        return cls(
            file=one.source.name,
            target=_CLASSES[one.target],
            before=round(one.before, 6),
            after=None if one.after is None else round(one.after, 6),
            flipped=None if one.flipped is None else int(one.flipped),
            kept=None if one.kept is None else int(one.kept),
            note=one.note or None,
            area_fraction=None if one.mask is None else round(float(one.mask.mean()), 8),
            evaluations=one.evaluations,
            seconds=round(one.seconds, 3),
        )

    def to_json(self) -> JsonObject:
        """As the command's JSON and explanations.csv have it."""
        return json_object(self)


COLUMNS = tuple(one.name for one in fields(ExplanationRow))


@dataclass(frozen=True)
class AboutExplanations:
    """Who explained what: kept in explanation.json; ``settings`` of ACE only."""

    method: str
    classifier: str
    threshold: float
    settings: AceSettings | None = field(default=None, metadata=OMIT_NONE)


@dataclass(frozen=True)
class ExplanationSummary:
    """Counts of images: ``explained``, of them ``flipped``, and ``kept`` by the filter of ACE.

    Both are None where nothing can be said of them. ``already``: had the class that was asked for;
    ``errors``: left out.
    """

    images: int
    explained: int
    flipped: int | None
    kept: int | None
    already: int
    errors: int
    seconds: float

    def to_json(self) -> JsonObject:
        """As the command's JSON has them."""
        return json_object(self)


_FOLDERS = ("counterfactuals", "saliency", "masks")


class Explanations:
    """The results folder: pictures first, then the row."""

    def __init__(self, out: Path, about: AboutExplanations) -> None:
        self.out = out
        self.rows: list[ExplanationRow] = []
        self._links = LinkRefuser(out)
        for folder in _FOLDERS:  # before anything is written
            self._links.check(PurePosixPath(folder))
        self._shown: list[Explained] = []  # small: whole photos would fill the memory
        out.mkdir(parents=True, exist_ok=True)
        save_text(out / "explanation.json", json.dumps(json_object(about), indent=1) + "\n")

    def add(self, one: Explained) -> ExplanationRow:
        """Write one image's pictures; returns its row."""

        pictures = {
            "counterfactuals": one.picture,
            "saliency": None if one.saliency is None else _grey(one.saliency),
            "masks": one.mask,
        }
        for folder, picture in pictures.items():
            inner = PurePosixPath(folder, f"{one.source.stem}.png")
            self._links.check(inner.parent)
            place = self.out / inner
            # What an earlier run left must not pass for a result of this one.
            if picture is None:
                place.unlink(missing_ok=True)
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            write_png(place, picture)
        row = ExplanationRow.of(one)
        self.rows.append(row)
        if one.saliency is not None and len(self._shown) < _SHOWN:
            self._shown.append(_small(one))
        return row

    def finish(self) -> None:
        """The table and the overview of what there is."""

        text = io.StringIO(newline="")
        writer = TableWriter(text)
        writer.row(COLUMNS)
        for row in self.rows:
            cells = row.to_json()
            writer.row(cells.get(name, "") for name in COLUMNS)
        save_text(self.out / TABLE, text.getvalue())
        (self.out / OVERVIEW).unlink(missing_ok=True)
        if self._shown:
            captions = [
                f"{one.source.name}: {one.before:.2f}"
                + ("" if one.after is None else f" to {one.after:.2f}")
                + (f"  ({one.note})" if one.note else "")
                for one in self._shown
            ]
            picture = sample_rows(
                [one.image for one in self._shown if one.image is not None],
                [one.image if one.picture is None else one.picture for one in self._shown],  # type: ignore[misc]
                [one.saliency for one in self._shown if one.saliency is not None],
                [one.mask for one in self._shown if one.mask is not None],
                captions,
            )
            write_png(self.out / OVERVIEW, picture)

    def summary(self, seconds: float) -> ExplanationSummary:
        """Counts; ``seconds``: how long it took."""
        explained = [row for row in self.rows if not row.error and row.note != NOT_ASKED]
        kept = [row.kept for row in explained if row.kept is not None]
        flips = [row.flipped for row in explained if row.flipped is not None]
        return ExplanationSummary(
            images=len(self.rows),
            explained=len(explained),
            flipped=sum(flips) if flips else None,
            kept=sum(kept) if kept else None,
            already=sum(row.note == NOT_ASKED for row in self.rows),
            errors=sum(bool(row.error) for row in self.rows),
            seconds=round(seconds, 3),
        )


def _grey(saliency: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.rint(np.clip(saliency, 0, 1) * 255).astype(np.uint8)


def _small(one: Explained) -> Explained:
    """With pictures no larger than the overview shows them."""
    assert one.image is not None and one.saliency is not None and one.mask is not None
    factor = min(1.0, _SIDE / max(one.image.shape[:2]))
    height, width = (max(1, round(side * factor)) for side in one.image.shape[:2])

    def shrunk(picture: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA))

    return dataclasses.replace(
        one,
        image=shrunk(one.image),
        picture=None if one.picture is None else shrunk(one.picture),
        saliency=shrunk(one.saliency),
        mask=shrunk(one.mask.astype(np.float32)) >= 0.5,
    )
