"""Data folders -> labelled samples with sizes and content hashes.

A data folder holds `undamaged/` and `damaged/` (or names that mean the same), and may hold
`masks/<stem>.png` (for evaluation and `--method segmenter`) and a `labels.csv` with the columns
`filename,label,group`.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.images import (
    ImageError,
    content_hash,
    header_size,
    read_bytes,
)
from cfinspect.engine.base.progress import Progress
from cfinspect.engine.data.class_words import (
    CLASS_NAMES,
    DAMAGED,
    UNDAMAGED,
    DataError,
    class_words,
)
from cfinspect.engine.data.folders import (
    Candidate,
    LeftOut,
    list_readable,
    missing_classes,
    scan_folder,
)
from cfinspect.engine.data.mask_values import read_mask
from cfinspect.engine.data.settings import MaskValues

__all__ = [
    "CLASS_NAMES",
    "DAMAGED",
    "UNDAMAGED",
    "DataError",
    "Dataset",
    "LeftOut",
    "Sample",
    "read_folders",
]


@dataclass(frozen=True)
class Sample:
    """One labelled image file.

    ``label`` is UNDAMAGED or DAMAGED; samples of one ``group`` show the same object and must stay
    on one side of a split; ``digest`` is the 64 bit hash of the file's bytes; ``width`` and
    ``height`` are in pixels of the upright image; ``mask`` is for evaluation, and for
    training the reference that learns from masks; ``mask_values``: what its values are.
    ``defect_class``: which defect class, from 0 on.
    """

    path: Path
    label: int
    group: str
    mask: Path | None
    digest: int
    width: int
    height: int
    defect_class: int = 0
    mask_values: MaskValues = MaskValues.AUTO

    def read_mask(self) -> NDArray[np.bool_] | None:
        """The mask (H, W), None where there is none; raises ImageError like `read_mask_values`."""
        return None if self.mask is None else read_mask(self.mask, self.mask_values)


@dataclass(frozen=True)
class Dataset:
    """The samples of one or more data folders.

    ``names`` are the folders' own words for (undamaged, damaged), such as ("good", "rotten");
    ``defect_classes`` the names of the defect classes where several are told apart.
    """

    samples: tuple[Sample, ...]
    left_out: tuple[LeftOut, ...]
    names: tuple[str, str]
    defect_classes: tuple[str, ...] = ()

    def fingerprint(self) -> str:
        """16 hex digits that depend on file contents and labels, not on names, order or place."""
        rows = sorted(f"{s.digest:016x}{s.label + s.defect_class}" for s in self.samples)
        return blake2b("\n".join(rows).encode(), digest_size=8).hexdigest()

    def counts(self) -> dict[str, int]:
        """How many there are of: undamaged, damaged, groups, masks, left_out."""
        labels = Counter(sample.label for sample in self.samples)
        return {
            "undamaged": labels[UNDAMAGED],
            "damaged": labels[DAMAGED],
            **{
                f"damaged: {name}": sum(
                    s.label == DAMAGED and s.defect_class == index for s in self.samples
                )
                for index, name in enumerate(self.defect_classes)
            },
            "groups": len({sample.group for sample in self.samples}),
            "masks": sum(sample.mask is not None for sample in self.samples),
            "left_out": len(self.left_out),
        }


def read_folders(
    paths: Sequence[Path],
    *,
    undamaged: str | None = None,
    damaged: str | None = None,
    defect_classes: Sequence[str] = (),
    also_damaged: Sequence[str] = (),
    allow_one_class: bool = False,
    mask_values: MaskValues = MaskValues.AUTO,
    progress: Progress = Progress(),
) -> Dataset:
    """Read data folders: which images there are, their labels, groups, sizes and hashes.

    ``undamaged`` and ``damaged`` name class folders that the built-in words do not cover, and
    take their place; ``defect_classes`` names the folders of several defect classes instead, and
    ``also_damaged`` more folders of damaged images. ``mask_values``: what the values of masks are.
    ``progress`` steps in this thread after every file, and may raise ``Cancelled``. Equal group
    names in several folders are one group: folders often hold the same photos in another cut, and
    a group too coarse costs less than a leak. An image without one is its own group. A file is
    left out, with the reason, when its header cannot be read, when `labels.csv` contradicts its
    folder or names a file that is not there, and when the same content has two labels.

    Raises DataError when a folder is missing or has no class folder, a `labels.csv` is malformed,
    or a class has no image (of one class alone only unless ``allow_one_class``).
    """
    words = class_words(undamaged, damaged, defect_classes, also_damaged)
    roots = {path.resolve(): path for path in paths}
    scans = [scan_folder(root, words) for root in roots]
    candidates = [candidate for scan in scans for candidate in scan.candidates]
    left_out = [entry for scan in scans for entry in scan.left_out]
    opened = _open_all(candidates, progress)
    left_out += [entry for entry in opened if isinstance(entry, LeftOut)]
    samples, contradicted = _without_contradictions(opened)
    left_out += contradicted
    missing = set(words.values()) - {sample.label + sample.defect_class for sample in samples}
    if missing and not (allow_one_class and samples):
        where = ", ".join(str(root) for root in roots.values()) or "no folder"
        folders = [folder for scan in scans for folder in scan.folders]
        raise missing_classes(sorted(missing), where, words, folders, _left_out_note(left_out))
    names = [
        next((scan.names[label] for scan in scans if label in scan.names), CLASS_NAMES[label])
        for label in (UNDAMAGED, DAMAGED)
    ]
    if defect_classes:
        names[DAMAGED] = CLASS_NAMES[DAMAGED]
    if mask_values is not MaskValues.AUTO:
        samples = [replace(sample, mask_values=mask_values) for sample in samples]
    return Dataset(tuple(samples), tuple(left_out), (names[0], names[1]), tuple(defect_classes))


def read_unlabelled(paths: Sequence[Path], progress: Progress = Progress()) -> Dataset:
    """All images in folders that know no classes, but those below ``masks/``; labels mean nothing.

    For what only learns what images look like. Raises DataError where there is none.
    """
    left_out: list[LeftOut] = []
    candidates = [
        Candidate(file, file.stem, UNDAMAGED)
        for root in dict.fromkeys(path.resolve() for path in paths)
        for file in list_readable(root, left_out)
        if "masks" not in file.relative_to(root).parts[:-1]
    ]
    opened = _open_all(candidates, progress)
    left_out += [entry for entry in opened if isinstance(entry, LeftOut)]
    samples = {entry.digest: entry for entry in opened if isinstance(entry, Sample)}
    if not samples:
        where = ", ".join(map(str, paths))
        raise DataError(f"There are no images in {where}{_left_out_note(left_out)}.")
    return Dataset(tuple(samples.values()), tuple(left_out), CLASS_NAMES)


def _open_all(candidates: Sequence[Candidate], progress: Progress) -> list[Sample | LeftOut]:
    """Hash the files and read their headers, in order."""
    opened: list[Sample | LeftOut] = []
    pool = ThreadPoolExecutor(4, "read-header")
    try:
        for entry in pool.map(_open_one, candidates):
            opened.append(entry)
            progress.step(len(opened), len(candidates))
    finally:
        # After Ctrl+C, or a cancel, the rest is not read.
        pool.shutdown(cancel_futures=True)
    return opened


def _open_one(candidate: Candidate) -> Sample | LeftOut:
    label = min(candidate.label, DAMAGED)
    try:
        return read_sample(
            candidate.path,
            label,
            candidate.group,
            candidate.mask,
            candidate.label - label,
        )
    except ImageError as error:
        return LeftOut(candidate.path, error.reason)


def read_sample(
    path: Path, label: int, group: str | None, mask: Path | None, defect_class: int = 0
) -> Sample:
    """A file as a sample; without a ``group`` it is one of its own.

    Only its header is decoded. Raises ImageError where it cannot be read.
    """
    data = read_bytes(path)
    height, width = header_size(path, data)
    digest = content_hash(data)
    # A group of its own is named by content, so that it is the same wherever the file lies.
    group = group or f"#{digest:016x}"
    return Sample(path, label, group, mask, digest, width, height, defect_class)


def _without_contradictions(
    opened: Iterable[Sample | LeftOut],
) -> tuple[list[Sample], list[LeftOut]]:
    """The samples, less those whose content carries two labels."""
    samples = [entry for entry in opened if isinstance(entry, Sample)]
    labels: dict[int, set[int]] = {}
    for sample in samples:
        labels.setdefault(sample.digest, set()).add(sample.label + sample.defect_class)
    kept = [sample for sample in samples if len(labels[sample.digest]) == 1]
    dropped = [sample.path for sample in samples if len(labels[sample.digest]) > 1]
    return kept, [LeftOut(path, "the same image is in two classes") for path in dropped]


def _left_out_note(left_out: Sequence[LeftOut]) -> str:
    if not left_out:
        return ""
    example = f"{left_out[0].path}: {left_out[0].reason}"
    return f" ({len(left_out)} files cannot be used, such as {example})"
