"""The layout of one data folder: class folders and the words for them, `labels.csv`, `masks/`.

Finds out which files there are, with label, group and mask; opens no image.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from os.path import isfile  # no error, whatever the name
from pathlib import Path, PurePosixPath

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.data.class_words import (
    UNDAMAGED,
    DataError,
    class_name,
    composed,
    fold_word,
    has_defect_classes,
)
from cfinspect.engine.data.image_folders import (
    is_passed_over,
    list_images,
    natural_key,
    results_among,
)
from cfinspect.engine.data.label_table import LABELS, read_labels

MASKS = "masks"


class NoClassesError(DataError):
    """There is no image of a class, or no folder of one."""


@dataclass(frozen=True)
class LeftOut:
    """A file that is not used, and why (half a sentence)."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Candidate:
    """A labelled file that has not been opened yet; ``group`` is empty where none is known.

    ``label``: UNDAMAGED, or DAMAGED and more where there are several defect classes. ``inner`` is
    the path below the class folder, without suffix.
    """

    path: Path
    inner: str
    label: int
    group: str = ""
    mask: Path | None = None


@dataclass(frozen=True)
class FolderScan:
    """What one data folder holds.

    ``names`` maps a label to the name of its class folder; ``folders`` are all folders in it.
    """

    candidates: list[Candidate]
    left_out: list[LeftOut]
    names: dict[int, str]
    folders: list[str]


def missing_classes(
    labels: Iterable[int],
    where: str,
    words: Mapping[str, int],
    folders: Iterable[str],
    why: str = "",
) -> NoClassesError:
    """The error that ``where`` has no image of ``labels``: what was sought and what is there."""
    missing = list(labels)
    sought = ", ".join(word for word, label in words.items() if label in missing)
    return NoClassesError(
        f"There is no {' and no '.join(class_name(label, words) for label in missing)} image in "
        f"{where}: "
        f"looked for folders called {sought} and found {', '.join(folders) or 'no folder'}{why}; "
        "rename yours or name them with --undamaged and --damaged, or with --defect-classes."
    )


def scan_folder(root: Path, words: Mapping[str, int]) -> FolderScan:
    """List the labelled files of one data folder, sorted naturally.

    Raises DataError when ``root`` is no folder, has neither class folders nor a `labels.csv`, or
    its `labels.csv` is malformed.
    """
    if not root.is_dir():
        raise DataError(f"There is no data folder {root}; check the path.")
    folders = sorted(
        (entry for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith(".")),
        key=lambda entry: natural_key(entry.name),
    )
    labels = {
        folder: words[fold_word(folder.name)]
        for folder in folders
        if fold_word(folder.name) in words
    }
    left_out: list[LeftOut] = []
    found = [
        Candidate(path, path.relative_to(folder).with_suffix("").as_posix(), label)
        for folder, label in labels.items()
        for path in list_readable(folder, left_out)
    ]
    in_it = [folder.name for folder in folders]
    if (root / LABELS).is_file():
        found = _apply_labels(root, found, words, left_out)
    elif not labels:
        raise missing_classes(sorted(set(words.values())), str(root), words, in_it)
    names: dict[int, str] = {}
    for folder, label in labels.items():
        names.setdefault(label, folder.name)
    known = {one.path for one in found} | {one.path for one in left_out}
    left_out += _of_no_class(root, [one for one in folders if one not in labels], known)
    found = _with_masks(root, found, left_out)
    return FolderScan(found, left_out, names, in_it)


def list_readable(folder: Path, left_out: list[LeftOut]) -> list[Path]:
    """The images below a folder; what cannot be opened, itself or below, goes to ``left_out``."""
    unread: list[Path] = []
    try:
        found = list_images([folder], unread)
    except CfinspectError:
        found, unread = [], [folder]
    reason = "the folder cannot be opened, so its images are left out; check its permissions"
    left_out += [LeftOut(path, reason) for path in unread]
    return found


def _of_no_class(root: Path, folders: Sequence[Path], known: set[Path]) -> list[LeftOut]:
    """Folders with images of which neither their name nor a table says anything."""
    ours = results_among([entry.name for entry in root.iterdir()], at_top=True)
    left_out: list[LeftOut] = []
    for folder in folders:
        if folder.name == MASKS or is_passed_over(folder.name) or folder.name in ours:
            continue
        count = sum(path not in known for path in list_readable(folder, left_out))
        if count:
            reason = (
                f"its name is no class, and so are its {count} images left out; rename it, or name "
                "it with --undamaged, --damaged or --defect-classes"
            )
            left_out.append(LeftOut(folder, reason))
    return left_out


def _apply_labels(
    root: Path, found: list[Candidate], words: Mapping[str, int], left_out: list[LeftOut]
) -> list[Candidate]:
    """Join the table to the files: groups, and labels of files outside the class folders."""
    # Of several defect classes some may be left aside: such files are no error.
    rows = read_labels(root / LABELS, words, others=set() if has_defect_classes(words) else None)
    listed = len(rows)
    kept: list[Candidate] = []
    for candidate in found:
        row = rows.pop(composed(candidate.path.relative_to(root).as_posix()), None)
        if row is None:
            kept.append(candidate)
        elif row.label in {None, candidate.label}:
            kept.append(replace(candidate, group=row.group))
        else:
            ours, theirs = (class_name(one, words) for one in (candidate.label, row.label or 0))
            reason = f"it lies in a folder of {ours} images and {LABELS} calls it {theirs}"
            left_out.append(LeftOut(candidate.path, reason))
    if listed == len(rows) > 0 and not any(isfile(root / name) for name in rows):  # noqa: PTH113
        # Going on would lose the groups without a word, and with them the honest split.
        raise DataError(
            f"No file that {root / LABELS} names is there; its column filename must hold paths "
            f"below {root}, such as damaged/a.png."
        )
    for name, row in rows.items():
        path = root / name
        if not isfile(path):  # noqa: PTH113
            left_out.append(LeftOut(path, f"{LABELS} names it and it is not there"))
        elif row.label is None:
            left_out.append(LeftOut(path, f"{LABELS} gives it no label used here, nor a folder"))
        else:
            inner = PurePosixPath(name).with_suffix("").as_posix()
            kept.append(Candidate(path, inner, row.label, row.group))
    return kept


def _with_masks(root: Path, found: list[Candidate], left_out: list[LeftOut]) -> list[Candidate]:
    """Attach `masks/<class folder>/<path below it>.png`, else without folder or path before it."""
    if not (root / MASKS).is_dir():
        return found
    masks = {
        composed(path.relative_to(root / MASKS).with_suffix("").as_posix()): path
        for path in list_readable(root / MASKS, left_out)
        if path.suffix.lower() == ".png"
    }
    keys = [
        (composed(candidate.inner), composed(Path(candidate.inner).name)) for candidate in found
    ]
    labels = [candidate.label for candidate in found]
    claims = Counter(
        (key, label) for pair, label in zip(keys, labels, strict=True) for key in set(pair)
    )
    damaged = set(labels) - {UNDAMAGED}

    def mask_of(pair: tuple[str, str], label: int) -> Path | None:
        # Where files share a name, the mask is the damaged one's; of two such it is nobody's.
        return next(
            (
                masks[key]
                for key in pair
                if key in masks
                and claims[key, label] == 1
                and (label != UNDAMAGED or not any(claims[key, one] for one in damaged))
                and not any(claims[key, one] for one in damaged if label not in (UNDAMAGED, one))
            ),
            None,
        )

    def whole(candidate: Candidate) -> str:
        return composed(candidate.path.relative_to(root).with_suffix("").as_posix())

    return [
        replace(candidate, mask=masks.get(whole(candidate)) or mask_of(pair, candidate.label))
        for candidate, pair in zip(found, keys, strict=True)
    ]
