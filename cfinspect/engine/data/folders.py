"""The layout of one data folder: class folders and the words for them, `labels.csv`, `masks/`.

Finds out which files there are, with label, group and mask; opens no image.
"""

import csv
import io
import logging
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from os.path import isfile  # no error, whatever the name
from pathlib import Path, PurePosixPath

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.data.csv_cells import from_cell
from cfinspect.engine.data.encodings import EncodingError, read_decoded
from cfinspect.engine.data.image_folders import (
    is_passed_over,
    list_images,
    natural_key,
    path_below,
    results_among,
)

_log = logging.getLogger(__name__)

UNDAMAGED, DAMAGED = 0, 1
CLASS_NAMES = ("undamaged", "damaged")
MASKS, LABELS = "masks", "labels.csv"
_HEADER = "filename,label,group"
_COLUMNS = tuple(_HEADER.split(","))
_MORE_CELLS = "has more cells than the first line; quote names with commas."
_MOST_COLUMNS = 1000  # every row has as many cells
_MOST_BYTES = 512 << 20

_ALIASES = (
    "undamaged good ok okay healthy fresh negative normal intact clean sound pass passed "
    "no_crack non_crack noncrack nocrack uncracked no_defect non_defective defect_free",
    "damaged bad ng nok not_ok defect defects defective rotten positive crack cracks cracked "
    "anomaly anomalous abnormal faulty fail failed broken",
)


class DataError(CfinspectError):
    """Data that cannot be used as they are; the sentence says what to change."""


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


def class_words(
    undamaged: str | None = None,
    damaged: str | None = None,
    defect_classes: Sequence[str] = (),
    also_damaged: Sequence[str] = (),
) -> dict[str, int]:
    """Folded class word -> label: the built-in words, or the given name instead of its class's.

    ``defect_classes``: names of several defect classes, with the labels 1, 2, ... in their order;
    ``also_damaged``: names that mean damaged beside the other words. Raises DataError when two
    classes have the same name.
    """
    if defect_classes:
        return _words_of_defect_classes(undamaged, damaged, defect_classes)
    given = {UNDAMAGED: undamaged, DAMAGED: damaged}
    words = {
        word: label
        for label, aliases in enumerate(_ALIASES)
        if not given[label]
        for word in aliases.split()
    }
    chosen = {label: fold_word(name) for label, name in given.items() if name}
    if len(set(chosen.values())) < len(chosen):
        raise DataError(f'Both classes are named "{undamaged}"; give two different names.')
    words |= {word: label for label, word in chosen.items()}
    return {fold_word(name): DAMAGED for name in also_damaged} | words


def _words_of_defect_classes(
    undamaged: str | None, damaged: str | None, defect_classes: Sequence[str]
) -> dict[str, int]:
    if damaged:
        raise DataError("Give either the name of the damaged folder or those of defect classes.")
    sound = (undamaged,) if undamaged else _ALIASES[UNDAMAGED].split()
    words = {fold_word(word): UNDAMAGED for word in sound}
    for label, name in enumerate(defect_classes, start=DAMAGED):
        folded = fold_word(name)
        if not folded:
            raise DataError("A defect class has no name.")
        if folded in words:
            raise DataError(f'Two classes are named "{name}"; give different names.')
        words[folded] = label
    return words


def class_name(label: int, words: Mapping[str, int]) -> str:
    """What to call a label in a message: undamaged, damaged, or the defect class."""
    if label == UNDAMAGED or not _several(words):
        return CLASS_NAMES[label]
    return next(word for word, value in words.items() if value == label)


def _several(words: Mapping[str, int]) -> bool:
    """Whether the words are those of several defect classes."""
    return max(words.values()) > DAMAGED


def fold_word(word: str) -> str:
    """A class word as it is compared: no case, spaces and hyphens as underscores."""
    return _nfc(word).strip().strip("/\\").casefold().replace(" ", "_").replace("-", "_")


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


def _nfc(text: str) -> str:
    # Archives made on a Mac hold decomposed names, tables typed elsewhere composed ones.
    return text if text.isascii() else unicodedata.normalize("NFC", text)


@dataclass(frozen=True)
class LabelRow:
    """What `labels.csv` says of a file; ``label`` is None and ``group`` empty where not given."""

    label: int | None
    group: str


def _apply_labels(
    root: Path, found: list[Candidate], words: Mapping[str, int], left_out: list[LeftOut]
) -> list[Candidate]:
    """Join the table to the files: groups, and labels of files outside the class folders."""
    # Of several defect classes some may be left aside: such files are no error.
    rows = read_labels(root / LABELS, words, others=set() if _several(words) else None)
    listed = len(rows)
    kept: list[Candidate] = []
    for candidate in found:
        row = rows.pop(_nfc(candidate.path.relative_to(root).as_posix()), None)
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


def read_labels(
    table: Path, words: Mapping[str, int], *, others: set[str] | None = None
) -> dict[str, LabelRow]:
    """Path below the data folder -> row; by commas or semicolons, a warning for old encodings.

    ``others``: takes up labels that are none of ``words``: they are no error then, but as none.
    Raises DataError for a table that is malformed; the sentence names the line.
    """
    text = _text_of(table)
    header = text.partition("\n")[0]
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=";" if ";" in header and "," not in header else ",",
        strict=True,
    )
    rows: dict[str, LabelRow] = {}
    columns: list[str] = []
    try:
        columns = [_nfc(name).strip().casefold() for name in next(reader, [])]
        if len(columns) > _MOST_COLUMNS:
            raise DataError(f"{table} has {len(columns)} columns; {_MOST_COLUMNS} can be read.")
        if twice := [name for name in _COLUMNS if columns.count(name) > 1]:
            raise DataError(f"{table} has the column {twice[0]} twice; keep one.")
        if "filename" not in columns:
            raise DataError(f"{table} has no column filename; its first line must be {_HEADER}.")
        places = [columns.index(name) if name in columns else _MOST_COLUMNS for name in _COLUMNS]
        for cells in filter(None, reader):
            given = [cells[place] if place < len(cells) else "" for place in places]
            few = len(cells) <= len(columns)
            if problem := _add_row(rows, given, words, others) if few else _MORE_CELLS:
                raise DataError(f"Line {reader.line_num} of {table} {problem}")
    except csv.Error as error:
        line = reader.line_num if columns else 1
        raise DataError(f"Line {line} of {table} is malformed: {error}.") from error
    return rows


def _text_of(table: Path) -> str:
    notes: list[str] = []
    try:
        text = read_decoded(table, _MOST_BYTES, notes)
    except EncodingError as error:
        raise DataError(str(error)) from error
    for note in notes:
        _log.warning("%s", note)
    return text


def _add_row(
    rows: dict[str, LabelRow],
    cells: Sequence[str],
    words: Mapping[str, int],
    others: set[str] | None,
) -> str:
    """Put a row to the others, or say what is wrong; quick, as there may be millions."""
    filename, word, group = (from_cell(cell.strip()) for cell in cells)
    if (path := path_below(_nfc(filename))) is None:
        return f'names no file below the data folder: "{filename}".'
    label = _label_of(word, words) if word else None
    if word and label is None:
        if others is None:
            return (
                f'has the unknown label "{word}"; use undamaged or damaged, or name your '
                "words with --undamaged and --damaged, or with --defect-classes."
            )
        others.add(word)
    row = LabelRow(label, _nfc(group).strip())
    if rows.setdefault(path, row) != row:
        return f"contradicts an earlier line about {filename}; keep one."
    return ""


def _label_of(word: str, words: Mapping[str, int]) -> int | None:
    folded = fold_word(word)
    # The canonical words hold even where the user named the folders otherwise.
    canonical = CLASS_NAMES[:1] if _several(words) else CLASS_NAMES
    return words.get(folded, canonical.index(folded) if folded in canonical else None)


def _with_masks(root: Path, found: list[Candidate], left_out: list[LeftOut]) -> list[Candidate]:
    """Attach `masks/<class folder>/<path below it>.png`, else without folder or path before it."""
    if not (root / MASKS).is_dir():
        return found
    masks = {
        _nfc(path.relative_to(root / MASKS).with_suffix("").as_posix()): path
        for path in list_readable(root / MASKS, left_out)
        if path.suffix.lower() == ".png"
    }
    keys = [(_nfc(candidate.inner), _nfc(Path(candidate.inner).name)) for candidate in found]
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
        return _nfc(candidate.path.relative_to(root).with_suffix("").as_posix())

    return [
        replace(candidate, mask=masks.get(whole(candidate)) or mask_of(pair, candidate.label))
        for candidate, pair in zip(found, keys, strict=True)
    ]
