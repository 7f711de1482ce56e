"""Data folders are read as they come, and what cannot be used is named."""

import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from recorded_progress import Recorded

from cfinspect.engine.base.images import content_hash, write_png
from cfinspect.engine.base.progress import Cancelled
from cfinspect.engine.data.dataset import DAMAGED, UNDAMAGED, DataError, Dataset, read_folders


def put_image(path: Path, seed: int, shape: tuple[int, int] = (6, 8)) -> Path:
    """A small image whose content depends on ``seed`` alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_png(path, np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8))
    return path


def make_folder(root: Path, undamaged: str = "undamaged", damaged: str = "damaged") -> Path:
    """Three images of each class: 0, 1, 2 undamaged and 10, 11, 12 damaged."""
    for index in range(3):
        put_image(root / undamaged / f"u{index}.png", index)
        put_image(root / damaged / f"d{index}.png", 10 + index)
    return root


def labels_of(data: Dataset) -> dict[str, int]:
    return {sample.path.stem: sample.label for sample in data.samples}


def reasons_of(data: Dataset) -> dict[str, str]:
    return {entry.path.name: entry.reason for entry in data.left_out}


def write_labels(root: Path, *lines: str) -> None:
    (root / "labels.csv").write_text("\n".join(["filename,label,group", *lines, ""]))


def test_reads_labels_sizes_hashes_and_own_groups(tmp_path: Path) -> None:
    data = read_folders([make_folder(tmp_path)])

    assert labels_of(data) == {"u0": 0, "u1": 0, "u2": 0, "d0": 1, "d1": 1, "d2": 1}
    assert data.counts() == {"undamaged": 3, "damaged": 3, "groups": 6, "masks": 0, "left_out": 0}
    first = data.samples[0]
    assert (first.width, first.height) == (8, 6)
    assert first.digest == content_hash(first.path.read_bytes())
    assert data.names == ("undamaged", "damaged")


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("good", "bad"),
        ("OK", "NG"),
        ("Healthy", "Defective"),
        ("fresh", "rotten"),
        ("Negative", "Positive"),
        ("No Crack", "crack"),
        ("non-defective", "defect"),
    ],
)
def test_other_words_for_the_classes(tmp_path: Path, good: str, bad: str) -> None:
    data = read_folders([make_folder(tmp_path, good, bad)])

    assert labels_of(data)["u0"] == UNDAMAGED
    assert labels_of(data)["d0"] == DAMAGED
    assert data.names == (good, bad)


def test_named_class_folders_take_the_place_of_the_built_in_words(tmp_path: Path) -> None:
    make_folder(tmp_path, "Serie A", "positive")
    put_image(tmp_path / "good" / "ignored.png", 99)

    data = read_folders([tmp_path], undamaged="serie a")

    assert sorted(labels_of(data)) == ["d0", "d1", "d2", "u0", "u1", "u2"]
    # Even a built-in word for the other class can be claimed.
    swapped = read_folders([tmp_path], undamaged="positive", damaged="Serie A")
    assert labels_of(swapped)["d0"] == UNDAMAGED


def test_both_classes_under_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="different names"):
        read_folders([make_folder(tmp_path)], undamaged="x", damaged="X")


def test_unknown_folder_names_say_what_was_found(tmp_path: Path) -> None:
    make_folder(tmp_path, "ja", "nein")

    with pytest.raises(DataError, match=r"undamaged, good.* found ja, nein; .*--undamaged"):
        read_folders([tmp_path])


def test_one_folder_without_classes_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    (tmp_path / "two").mkdir()

    with pytest.raises(DataError, match=r"image in .*two: .* found no folder;"):
        read_folders([make_folder(tmp_path / "one"), tmp_path / "two"])


def test_missing_data_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no data folder .*nowhere"):
        read_folders([tmp_path / "nowhere"])


def test_one_class_alone_only_where_allowed(tmp_path: Path) -> None:
    put_image(tmp_path / "damaged" / "a.png", 0)

    with pytest.raises(DataError, match=r"no undamaged image .* called prima and found damaged;"):
        read_folders([tmp_path], undamaged="prima")
    assert read_folders([tmp_path], allow_one_class=True).counts()["damaged"] == 1


def test_nothing_at_all_is_an_error_even_where_one_class_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "a.png").write_bytes(b"")

    with pytest.raises(DataError, match=r"no undamaged and no damaged.*a\.png: the file is empty"):
        read_folders([tmp_path], allow_one_class=True)


def test_several_folders_complete_each_other(tmp_path: Path) -> None:
    put_image(tmp_path / "one" / "good" / "a.png", 0)
    put_image(tmp_path / "two" / "bad" / "b.png", 1)

    data = read_folders([tmp_path / "one", tmp_path / "two", tmp_path / "one" / ".." / "one"])

    assert labels_of(data) == {"a": 0, "b": 1}
    assert data.names == ("good", "bad")


def test_unreadable_files_are_left_out_and_the_rest_goes_on(tmp_path: Path) -> None:
    make_folder(tmp_path)
    (tmp_path / "damaged" / "text.png").write_text("no image")
    (tmp_path / "damaged" / "empty.jpg").touch()
    (tmp_path / "damaged" / "notes.txt").touch()
    (tmp_path / "damaged" / ".hidden.png").touch()

    data = read_folders([tmp_path])

    assert len(data.samples) == 6
    assert set(reasons_of(data)) == {"text.png", "empty.jpg"}
    assert "empty" in reasons_of(data)["empty.jpg"]


def test_same_content_in_both_classes_is_left_out_on_both_sides(tmp_path: Path) -> None:
    make_folder(tmp_path)
    put_image(tmp_path / "damaged" / "copy_of_u0.png", 0)

    data = read_folders([tmp_path])

    assert set(reasons_of(data)) == {"u0.png", "copy_of_u0.png"}
    assert "in two classes" in reasons_of(data)["u0.png"]
    assert set(labels_of(data)) == {"u1", "u2", "d0", "d1", "d2"}


def test_labels_csv_gives_groups(tmp_path: Path) -> None:
    make_folder(tmp_path / "set")
    write_labels(tmp_path / "set", "undamaged/u0.png,undamaged,p1", "damaged\\d0.png,BAD,p1")

    groups = {s.path.stem: s.group for s in read_folders([tmp_path / "set"]).samples}

    assert groups["u0"] == groups["d0"] == "p1"
    assert len(set(groups.values())) == 5


def test_equal_group_names_of_different_folders_are_one_group(tmp_path: Path) -> None:
    for name, seed in (("one", 0), ("two", 50)):
        put_image(tmp_path / name / "good" / "a.png", seed)
        put_image(tmp_path / name / "bad" / "b.png", seed + 1)
        write_labels(tmp_path / name, "good/a.png,good,7", "bad/b.png,bad,7")

    data = read_folders([tmp_path / "one", tmp_path / "two"])

    assert {sample.group for sample in data.samples} == {"7"}


def test_labels_csv_as_spreadsheets_write_it(tmp_path: Path) -> None:
    make_folder(tmp_path)
    text = "\ufeffFilename;Label;Group\r\nundamaged/u0.png;good;p 1\r\n"
    (tmp_path / "labels.csv").write_text(text, encoding="utf-8", newline="")

    groups = [sample.group for sample in read_folders([tmp_path]).samples]

    assert "p 1" in groups


def test_labels_csv_matches_composed_and_decomposed_names(tmp_path: Path) -> None:
    make_folder(tmp_path)
    put_image(tmp_path / "damaged" / unicodedata.normalize("NFD", "Prüfling.png"), 77)
    write_labels(tmp_path, unicodedata.normalize("NFC", "damaged/Prüfling.png,damaged,g"))

    data = read_folders([tmp_path])

    assert data.left_out == ()
    assert any(sample.group == "g" for sample in data.samples)


def test_labels_csv_alone_labels_a_flat_folder(tmp_path: Path) -> None:
    put_image(tmp_path / "images" / "a.png", 0)
    put_image(tmp_path / "b.png", 1)
    write_labels(tmp_path, "images/a.png,good,", "b.png,bad,")

    data = read_folders([tmp_path])

    assert labels_of(data) == {"a": 0, "b": 1}
    assert data.names == ("undamaged", "damaged")


def test_labels_csv_against_the_folders(tmp_path: Path) -> None:
    make_folder(tmp_path)
    put_image(tmp_path / "loose.png", 60)
    write_labels(tmp_path, "undamaged/u0.png,damaged,", "damaged/gone.png,damaged,", "loose.png,,g")

    data = read_folders([tmp_path])

    reasons = reasons_of(data)
    assert "calls it damaged" in reasons["u0.png"]
    assert "not there" in reasons["gone.png"]
    assert "no label" in reasons["loose.png"]
    assert set(labels_of(data)) == {"u1", "u2", "d0", "d1", "d2"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file,label\na.png,good\n", "no column filename"),
        ("", "no column filename"),
        ("filename,label,group\nundamaged/u0.png,gut,\n", 'Line 2 .*unknown label "gut"'),
        ("filename,label\nundamaged/u0.png,good,p1,x\n", "Line 2 .*more cells"),
        ("filename,label\n../u0.png,good\n", "Line 2 .*below the data folder"),
        ("filename,label\n,good\n", "Line 2 .*below the data folder"),
        ("filename,group\nundamaged/u0.png,1\nundamaged/u0.png,2\n", "Line 3 .*contradicts"),
        ('filename,label\n"undamaged/u0.png,good\n', "malformed"),
        ("filename,label\nu0.png,good\nd0.png,bad\n", "such as damaged/a.png"),
    ],
)
def test_malformed_labels_csv_names_the_line(tmp_path: Path, text: str, words: str) -> None:
    make_folder(tmp_path)
    (tmp_path / "labels.csv").write_text(text)

    with pytest.raises(DataError, match=words):
        read_folders([tmp_path])


def masks_of(data: Dataset) -> dict[str, str | None]:
    return {
        sample.path.parent.name + "/" + sample.path.name: sample.mask.parent.name
        if sample.mask
        else None
        for sample in data.samples
    }


def test_masks_are_found_by_stem(tmp_path: Path) -> None:
    make_folder(tmp_path)
    mask = put_image(tmp_path / "masks" / "d1.png", 500)
    put_image(tmp_path / "masks" / "d2.jpg.png", 501)

    data = read_folders([tmp_path])

    assert [sample.mask for sample in data.samples if sample.mask] == [mask]
    assert data.counts()["masks"] == 1


def test_a_mask_never_goes_to_the_wrong_one_of_two_equal_names(tmp_path: Path) -> None:
    for seed, name in enumerate(["good/1", "bad/1", "bad/line a/2", "bad/line b/2", "bad/x/3"]):
        put_image(tmp_path / f"{name}.png", seed)
    for name in ("1", "2", "line b/2", "3"):
        put_image(tmp_path / "masks" / f"{name}.png", 100)

    assert masks_of(read_folders([tmp_path])) == {
        "good/1.png": None,
        "bad/1.png": "masks",
        "line a/2.png": None,
        "line b/2.png": "line b",
        "x/3.png": "masks",
    }


def test_fingerprint_depends_on_content_and_labels_only(tmp_path: Path) -> None:
    one = make_folder(tmp_path / "one")
    two = make_folder(tmp_path / "two", "good", "bad")
    (two / "good" / "u0.png").rename(two / "good" / "z.png")
    relabelled = make_folder(tmp_path / "three")
    (relabelled / "damaged" / "d0.png").rename(relabelled / "undamaged" / "d0.png")

    fingerprint = read_folders([one]).fingerprint()

    assert len(fingerprint) == 16
    assert read_folders([two]).fingerprint() == fingerprint
    assert read_folders([relabelled]).fingerprint() != fingerprint


def test_progress_counts_every_file_and_can_stop_the_reading(tmp_path: Path) -> None:
    make_folder(tmp_path)
    whole, stopped = Recorded(), Recorded(after=2)
    read_folders([tmp_path], progress=whole)
    assert whole.seen == [(done, 6) for done in range(1, 7)]

    with pytest.raises(Cancelled):
        read_folders([tmp_path], progress=stopped)
    assert stopped.seen == [(1, 6), (2, 6)]


def test_reading_data_needs_no_torch_and_no_qt() -> None:
    code = (
        "import sys; import cfinspect.engine.data.tile_store, cfinspect.engine.data.splits; "
        "print([name for name in ('torch', 'torchvision', 'PySide6') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
