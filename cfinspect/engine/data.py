"""Data folders -> labelled samples with sizes and content hashes.

A data folder holds `undamaged/` and `damaged/` (or names that mean the same), and may hold
`masks/<stem>.png` (used for evaluation only) and a `labels.csv` with the columns
`filename,label,group`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from cfinspect.engine.datafolder import (
    CLASS_NAMES,
    DAMAGED,
    UNDAMAGED,
    Candidate,
    DataError,
    LeftOut,
    class_words,
    scan_folder,
)
from cfinspect.engine.images import ImageError, content_hash, header_size, read_bytes

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
    ``height`` are in pixels of the upright image; ``mask`` is for evaluation only.
    """

    path: Path
    label: int
    group: str
    mask: Path | None
    digest: int
    width: int
    height: int


@dataclass(frozen=True)
class Dataset:
    """The samples of one or more data folders.

    ``names`` are the folders' own words for (undamaged, damaged), such as ("good", "rotten").
    """

    samples: tuple[Sample, ...]
    left_out: tuple[LeftOut, ...]
    names: tuple[str, str]

    def fingerprint(self) -> str:
        """16 hex digits that depend on file contents and labels, not on names, order or place."""
        rows = sorted(f"{sample.digest:016x}{sample.label}" for sample in self.samples)
        return blake2b("\n".join(rows).encode(), digest_size=8).hexdigest()

    def counts(self) -> dict[str, int]:
        """How many there are of: undamaged, damaged, groups, masks, left_out."""
        labels = Counter(sample.label for sample in self.samples)
        return {
            "undamaged": labels[UNDAMAGED],
            "damaged": labels[DAMAGED],
            "groups": len({sample.group for sample in self.samples}),
            "masks": sum(sample.mask is not None for sample in self.samples),
            "left_out": len(self.left_out),
        }


def read_folders(
    paths: Sequence[Path],
    *,
    undamaged: str | None = None,
    damaged: str | None = None,
    allow_one_class: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Dataset:
    """Read data folders: which images there are, their labels, groups, sizes and hashes.

    ``undamaged`` and ``damaged`` name class folders that the built-in words do not cover, and
    take their place; ``progress(done, total)`` is called in this thread after every file. Groups
    are told apart by the name of their data folder; an image without one is its own. A file is
    left out, with the reason, when its header cannot be read, when `labels.csv` contradicts its
    folder or names a file that is not there, and when the same content has both labels.

    Raises DataError when a folder is missing or has no class folder, a `labels.csv` is malformed,
    or a class has no image (of one class alone only unless ``allow_one_class``).
    """
    words = class_words(undamaged, damaged)
    candidates: list[tuple[str, Candidate]] = []
    left_out: list[LeftOut] = []
    names: dict[int, str] = {}
    for place, root in {path.resolve(): path for path in paths}.items():
        scan = scan_folder(root, words)
        candidates += [(place.name, candidate) for candidate in scan.candidates]
        left_out += scan.left_out
        names = scan.names | names
    opened = _open_all(candidates, progress)
    samples = [entry for entry in opened if isinstance(entry, Sample)]
    left_out += [entry for entry in opened if isinstance(entry, LeftOut)]
    contradicted = _contradicted(samples)
    left_out += [
        LeftOut(sample.path, "the same image is in both classes")
        for sample in samples
        if sample.digest in contradicted
    ]
    samples = [sample for sample in samples if sample.digest not in contradicted]
    _require_classes(samples, left_out, paths, allow_one_class)
    both = (names.get(UNDAMAGED, CLASS_NAMES[0]), names.get(DAMAGED, CLASS_NAMES[1]))
    return Dataset(tuple(samples), tuple(left_out), both)


def _open_all(
    candidates: Sequence[tuple[str, Candidate]], progress: Callable[[int, int], None] | None
) -> list[Sample | LeftOut]:
    """Hash the files and read their headers, in order."""
    opened: list[Sample | LeftOut] = []
    pool = ThreadPoolExecutor(4, "read-header")
    try:
        for entry in pool.map(_open_one, candidates):
            opened.append(entry)
            if progress is not None:
                progress(len(opened), len(candidates))
    finally:
        # After Ctrl+C, or when progress() raises to cancel, the rest is not read.
        pool.shutdown(cancel_futures=True)
    return opened


def _open_one(named: tuple[str, Candidate]) -> Sample | LeftOut:
    folder, candidate = named
    try:
        data = read_bytes(candidate.path)
        height, width = header_size(candidate.path, data)
    except ImageError as error:
        return LeftOut(candidate.path, error.reason)
    digest = content_hash(data)
    # A group of its own is named by content, so that it is the same wherever the file lies.
    group = f"{folder}/{candidate.group}" if candidate.group else f"#{digest:016x}"
    return Sample(candidate.path, candidate.label, group, candidate.mask, digest, width, height)


def _contradicted(samples: Iterable[Sample]) -> set[int]:
    """Hashes of contents that carry both labels."""
    seen: dict[int, set[int]] = {}
    for sample in samples:
        seen.setdefault(sample.digest, set()).add(sample.label)
    return {digest for digest, labels in seen.items() if len(labels) > 1}


def _require_classes(
    samples: Sequence[Sample],
    left_out: Sequence[LeftOut],
    paths: Sequence[Path],
    allow_one_class: bool,
) -> None:
    present = {sample.label for sample in samples}
    missing = [name for label, name in enumerate(CLASS_NAMES) if label not in present]
    if not missing or (allow_one_class and present):
        return
    where = ", ".join(str(path) for path in paths) or "no folder"
    found = f"{len(samples)} usable images, {len(left_out)} left out"
    if left_out:
        found += f", such as {left_out[0].path}: {left_out[0].reason}"
    raise DataError(
        f"There is no {' and no '.join(missing)} image in {where} ({found}); put them in folders "
        f"called undamaged and damaged, or name yours with --undamaged and --damaged."
    )
