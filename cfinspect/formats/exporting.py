"""From a project to another tool's files: which images, which masks, in which split."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from cfinspect import __version__
from cfinspect.engine.base.atomic import folder_in_one_step, read_regular_text
from cfinspect.engine.base.budget import MAX_PIXELS
from cfinspect.engine.base.images import JPEG_SIDE, ImageError, header_size, read_bytes
from cfinspect.engine.base.progress import Progress
from cfinspect.engine.data.splits import split_by_group
from cfinspect.engine.inference.saliency import clean_mask
from cfinspect.formats.earlier_export import SIDECAR
from cfinspect.formats.exchange_types import (
    About,
    FormatError,
    Images,
    IndexMask,
    Item,
    Options,
)
from cfinspect.formats.export_filter import ExportFilter, Pick, picks
from cfinspect.formats.files import read_original
from cfinspect.formats.naming import flat_stems
from cfinspect.formats.registry import writer
from cfinspect.project import audit
from cfinspect.project.corrections import mask_classes
from cfinspect.project.database import ProjectError, now_text
from cfinspect.project.listing import ImageRow
from cfinspect.project.paths import hex_digits
from cfinspect.project.predictions import Prediction, prediction_of
from cfinspect.project.project import Folder, Project
from cfinspect.project.verdicts import HumanAnnotation, Verdict, read_mask_of
from cfinspect.project.walk import content_digest

_MACHINE_CLASS = 1
_SLACK_SECONDS = 2.0


@dataclass
class ExportReport:
    """How many images were written, and how many were left out for which reason.

    ``machine_labels``, ``machine_masks``: flat names of the images whose label, or whose mask, is
    the model's word. ``problems``: a sentence for each image that cannot be read; ``notes``: what
    somebody should know of those that are written.
    """

    written: int = 0
    damaged: int = 0
    corrected: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    machine_labels: list[str] = field(default_factory=list)
    machine_masks: list[str] = field(default_factory=list)
    splits: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def export(
    project: Project,
    form: str,
    out: Path,
    choice: ExportFilter | None = None,
    options: Options | None = None,
    *,
    who: str = "",
    progress: Progress = Progress(),
) -> ExportReport:
    """Write the chosen images in the format ``form`` into the folder ``out``, for ``who``.

    ``out`` appears when it is complete; an untouched earlier export there is replaced. Raises
    FormatError for an unknown format, for a folder that holds anything else, and where nothing is
    left to export. Raises ``Cancelled``; an earlier export stays then.
    """
    write, kind = writer(form)
    out = out.resolve()
    choice, options = choice or ExportFilter(), options or Options()
    _check_place(out, project)
    report = ExportReport()
    chosen = list(picks(project, choice, report.left_out))
    if not chosen:
        raise _nothing(report)
    splits = _splits(chosen, choice)
    stems = flat_stems(project)
    # Looked up once: a project of 100,000 images asks for each of them.
    folders = {folder.id: folder for folder in project.folders()}
    digests = {model.id: model.digest for model in project.models()}
    about = About(mask_classes(project), {**_provenance(project, form, choice, options), "by": who})

    def items() -> Iterator[Item]:
        for done, pick in enumerate(chosen):
            progress.step(done, len(chosen))
            try:
                _require_same(pick.row)
            except _LeftOut as left:
                report.left_out[left.reason] += 1
                report.problems += filter(None, [str(left)])
                continue
            folder = folders[pick.row.folder_id]
            try:
                found = _prediction(project, pick.row, folder)
                item = _item(
                    project,
                    pick,
                    choice,
                    found,
                    stem=stems[pick.row.id],
                    split=splits.get(pick.row.id, ""),
                    mm_per_px=folder.mm_per_px,
                    provenance=_origin(pick.human, found, digests),
                )
                if options.images is not Images.REFERENCE:
                    original = read_original(item.source, jpeg=kind.jpeg_only)
                    item = replace(item, original=original)
            except (ImageError, ProjectError) as error:
                report.left_out["cannot be read"] += 1
                report.problems.append(str(error))
                continue
            if kind.needs_masks and item.label and not item.mask.any():
                report.left_out["damaged without a mask"] += 1
                continue
            _count(report, pick, item, jpeg_only=kind.jpeg_only)
            yield item

    with folder_in_one_step(out) as draft:
        write(draft, items(), about, options)
        if not report.written:
            raise _nothing(report)
        files = sorted(
            path.relative_to(draft).as_posix() for path in draft.rglob("*") if not path.is_dir()
        )
        machine = {
            "machine_labels": report.machine_labels,
            "machine_masks": report.machine_masks,
        }
        sidecar = {**about.provenance, "report": _plain(report), **machine, "files": files}
        text = json.dumps(sidecar, indent=1)
        (draft / SIDECAR).write_text(text + "\n", encoding="utf-8")
    progress.show(len(chosen), len(chosen))
    return report


class _LeftOut(Exception):
    """An image that is not written; ``reason`` is what the summary counts it under."""

    def __init__(self, reason: str, sentence: str = "") -> None:
        super().__init__(sentence)
        self.reason = reason


def _require_same(row: ImageRow) -> None:
    """Raise _LeftOut where the file is not the project's to read, or not what was spoken of."""
    try:
        path = row.checked_path()
    except ImageError as error:
        raise _LeftOut("not reachable: outside of the project", str(error)) from None
    if not os.path.isfile(path):  # noqa: PTH113  (no error, whatever its name)
        raise _LeftOut("gone since the last scan")
    try:
        if (
            path.stat().st_mtime_ns == row.mtime_ns
            or content_digest(read_bytes(path)) == row.digest
        ):
            return
    except (OSError, ImageError):
        return  # told with those that cannot be read
    raise _LeftOut(
        "changed since the last scan",
        f"{path} was changed since the last scan: scan, and look at it again.",
    )


def _nothing(report: ExportReport) -> FormatError:
    why = ", ".join(f"{count} {reason}" for reason, count in report.left_out.items())
    first = f" {report.problems[0]}" if report.problems else ""
    return FormatError(f"Nothing to export: {why or 'no image was chosen'}.{first}")


def _check_place(out: Path, project: Project) -> None:
    """Refuse a place that holds anything but an untouched earlier export."""
    for folder in project.folders():
        if not folder.reachable:  # nothing in there is touched
            continue
        if folder.path.is_relative_to(out) or out.is_relative_to(folder.path):
            raise FormatError(
                f"{out} and the project's images in {folder.path} lie in one another: name another "
                "folder, or the next scan would take the export for new images."
            )
    if out.is_file():
        raise FormatError(f"{out} is a file: name a folder.")
    if not out.is_dir() or not any(out.iterdir()):
        return
    try:
        written = set(json.loads(read_regular_text(out / SIDECAR))["files"])
        exported = (out / SIDECAR).stat().st_mtime
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise FormatError(
            f"{out} holds files that no export wrote: name a new or an empty folder."
        ) from error
    for path in out.rglob("*"):
        name = path.relative_to(out).as_posix()
        if path.is_dir() or name == SIDECAR:
            continue
        if name not in written or path.lstat().st_mtime > exported + _SLACK_SECONDS:
            raise FormatError(
                f"{out} was exported earlier, and {name} is new or changed since then: name "
                "another folder, or delete this one yourself."
            )


def _count(report: ExportReport, pick: Pick, item: Item, *, jpeg_only: bool) -> None:
    report.written += 1
    report.damaged += item.label
    report.corrected += pick.human.mask is not None
    if item.split:
        report.splits[item.split] += 1
    if jpeg_only and max(item.height, item.width) > JPEG_SIDE:
        report.notes.append(
            f"{item.name} is written as PNG: a JPEG has {JPEG_SIDE} px a side at most."
        )
    if pick.human.verdict is None:
        report.machine_labels.append(item.stem)
    elif pick.human.mask is None and item.mask.any():
        report.machine_masks.append(item.stem)


def _item(
    project: Project,
    pick: Pick,
    choice: ExportFilter,
    prediction: Prediction | None,
    *,
    stem: str,
    split: str,
    mm_per_px: float | None,
    provenance: Mapping[str, Any],
) -> Item:
    row = pick.row
    mask = read_mask_of(project, pick.human)
    if mask is None:
        height, width = _size(row)
        mask = np.zeros((height, width), dtype=np.uint8)
        if pick.label == Verdict.DAMAGED:
            drawn = _machine_mask(prediction, choice, mask.shape)
            mask = mask if drawn is None else drawn
    return Item(
        name=row.name,
        stem=stem,
        source=row.path,
        width=mask.shape[1],
        height=mask.shape[0],
        label=pick.label,
        mask=mask,
        group=row.group,
        split=split,
        mm_per_px=mm_per_px,
        provenance=provenance,
    )


def _prediction(project: Project, row: ImageRow, folder: Folder) -> Prediction | None:
    if row.machine is None or folder.model_id is None:
        return None
    return prediction_of(project, row.id, folder.model_id)


def _machine_mask(
    prediction: Prediction | None, choice: ExportFilter, shape: tuple[int, ...]
) -> IndexMask | None:
    if prediction is None or prediction.mask is None or prediction.mask.shape != shape:
        return None
    kept = clean_mask(prediction.mask, choice.min_area)
    return kept.astype(np.uint8) * np.uint8(_MACHINE_CLASS) if kept.any() else None


def _size(row: ImageRow) -> tuple[int, int]:
    if row.height is not None and row.width is not None and row.height * row.width <= MAX_PIXELS:
        return row.height, row.width
    return header_size(row.path, read_bytes(row.path))


@dataclass(frozen=True)
class _InSplit:
    """An image of a project as a split looks at it; without a group, its content is its group."""

    image_id: int
    label: int
    group: str
    digest: int
    defect_class: int = 0

    @property
    def path(self) -> Path:
        """Its number, which orders images of equal content."""
        return Path(str(self.image_id))


def _splits(chosen: list[Pick], choice: ExportFilter) -> dict[int, str]:
    if not choice.split:
        return {}
    images = [
        _InSplit(
            pick.row.id,
            pick.label,
            pick.row.group or f"content {pick.row.digest}",
            int(hex_digits(pick.row.digest, 32)[:16], 16),
        )
        for pick in chosen
    ]
    parts = split_by_group(images, choice.split, choice.seed)
    return {image.image_id: name for name, part in parts.items() for image in part}


def _provenance(
    project: Project, form: str, choice: ExportFilter, options: Options
) -> dict[str, Any]:
    models = {}
    for model in project.models():
        stored = model.metadata.to_stored() if model.metadata is not None else {}
        models[model.digest] = {"name": model.name, "decision": stored.get("decision", {})}
        if stored.get("kinds"):
            models[model.digest]["kinds"] = stored["kinds"]
    return {
        "tool": f"cfinspect {__version__}",
        "format": form,
        "project": project.id,
        "exported": now_text(),
        "models": models,
        "only": choice.only.value,
        "min_score": choice.min_score,
        "min_area": choice.min_area,
        "split": dict(choice.split),
        "seed": choice.seed,
        "images": options.images.value,
        "audit_head": audit.head(project),
    }


def _origin(
    human: HumanAnnotation, prediction: Prediction | None, digests: Mapping[int, str]
) -> dict[str, Any]:
    """Who said so; ``digests``: the models' by their ids."""
    origin: dict[str, Any] = {"layer": "machine"}
    if human.verdict is not None:
        origin = {"layer": "human", "who": human.who, "at": human.at, "entry": human.entry}
        origin["mask"] = "corrected" if human.mask else "model"
    if prediction is not None:
        origin |= {
            "model": digests.get(prediction.model_id, ""),
            "score": round(prediction.score, 6),
            "p_fake": round(prediction.p_fake, 6),
            "made": prediction.made,
        }
    return origin


def _plain(report: ExportReport) -> dict[str, Any]:
    return {
        "written": report.written,
        "damaged": report.damaged,
        "corrected": report.corrected,
        "left_out": dict(report.left_out),
        "splits": dict(report.splits),
    }
