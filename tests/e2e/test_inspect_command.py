"""``cfinspect inspect``: a row for every file, pictures in original size, nothing lost."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest
from program import Run, json_lines, rest_of, start_cfinspect, table

from cfinspect.engine.base.images import read_image, write_jpeg


@pytest.fixture
def photos(walls: Path, tmp_path: Path) -> Path:
    """A folder with sub-folders, names of all kinds, a large image and two that are broken."""
    folder = tmp_path / "photos"
    (folder / "übung 1").mkdir(parents=True)
    files = sorted((walls / "damaged").iterdir())
    shutil.copy(files[0], folder / "a.png")
    shutil.copy(files[1], folder / "übung 1" / "a.png")
    image = read_image(files[2])
    write_jpeg(folder / "a.jpg", image.repeat(6, axis=0).repeat(8, axis=1))
    (folder / "empty.png").touch()
    (folder / "text.jpg").write_text("no image")
    (folder / "notes.txt").write_text("not meant")
    return folder


def test_every_image_has_a_row_and_pictures_of_its_size(
    cf: Run, model: Path, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = cf("inspect", model, photos, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "5 images in" in done.stdout
    assert "images/s" in done.stdout
    rows = {row["file"]: row for row in table(out / "inspections.csv")}
    assert set(rows) == {"a.jpg", "a.png", "empty.png", "text.jpg", "übung 1/a.png"}
    for name in ("empty.png", "text.jpg"):
        assert rows[name]["error"]
        assert name in done.stderr
        assert not rows[name]["label"]
    assert (rows["a.jpg"]["width"], rows["a.jpg"]["height"]) == ("384", "288")
    good = [row for row in rows.values() if not row["error"]]
    assert all(row["label"] in ("undamaged", "damaged") for row in good)
    assert all(0 <= float(row["score"]) <= 1 for row in good)
    overlays = sorted(path.relative_to(out / "overlays") for path in out.rglob("overlays/**/*.jpg"))
    assert len(overlays) == 3
    assert Path("übung 1", "a.jpg") in overlays
    for row in good:
        if row["mask"]:
            shape = read_image(out / row["mask"]).shape[:2]
            assert shape == (int(row["height"]), int(row["width"]))


def test_json_is_one_object_per_line_and_nothing_else(
    cf: Run, model: Path, photos: Path, tmp_path: Path
) -> None:
    done = cf("inspect", model, photos, "--out", tmp_path / "out", "--json", "--no-overlays")
    lines = json_lines(done.stdout)
    assert [line["event"] for line in lines] == ["image"] * 5 + ["done"]
    assert (lines[-1]["images"], lines[-1]["errors"]) == (5, 2)
    assert not (tmp_path / "out" / "overlays").exists()


def test_skip_done_inspects_what_is_new(
    cf: Run, model: Path, walls: Path, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    cf("inspect", model, photos, "--out", out)
    before = {row["file"]: row for row in table(out / "inspections.csv")}
    shutil.copy(next((walls / "undamaged").iterdir()), photos / "new.png")
    shutil.copy(next((walls / "undamaged").iterdir()), photos / "empty.png")
    done = cf("inspect", model, photos, "--out", out, "--skip-done", "--json")
    assert done.returncode == 0, done.stderr
    files = [line["file"] for line in json_lines(done.stdout)[:-1]]
    assert files == ["empty.png", "new.png", "text.jpg"]
    after = table(out / "inspections.csv")
    assert len(after) == 6
    assert [row for row in after if row["file"] == "a.png"] == [before["a.png"]]


def test_a_kill_loses_no_row_and_skip_done_does_the_rest(
    cf: Run, model: Path, walls: Path, tmp_path: Path
) -> None:
    many = tmp_path / "many"
    many.mkdir()
    file = next((walls / "damaged").iterdir())
    for number in range(1500):
        shutil.copy(file, many / f"{number}.png")
    out = tmp_path / "out"
    process = start_cfinspect("inspect", model, many, "--out", out, "--batch", 8, "--json")
    assert process.stdout
    told = [process.stdout.readline() for _ in range(40)]
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert len(told) == 40
    rows = (out / "inspections.csv").read_text().splitlines()
    assert 41 <= len(rows) < 1500

    done = cf("inspect", model, many, "--out", out, "--skip-done", "--no-overlays")
    assert done.returncode == 0, done.stderr
    files = [row["file"] for row in table(out / "inspections.csv")]
    assert files == [f"{number}.png" for number in range(1500)]


def test_ctrl_c_ends_with_130_and_keeps_the_rows(model: Path, walls: Path, tmp_path: Path) -> None:
    many = tmp_path / "many"
    many.mkdir()
    file = next((walls / "damaged").iterdir())
    for number in range(1500):
        shutil.copy(file, many / f"{number}.png")
    out = tmp_path / "out"
    process = start_cfinspect("inspect", model, many, "--out", out, "--batch", 8, "--json")
    assert process.stdout
    head = "".join(process.stdout.readline() for _ in range(5))
    process.send_signal(signal.SIGINT)
    rest, errors = rest_of(process)
    assert process.returncode == 130
    assert "--skip-done" in errors
    lines = json_lines(head + rest)
    assert lines[-1]["event"] == "interrupted"
    assert len(table(out / "inspections.csv")) == len(lines) - 1 < 1500


def test_nothing_readable_is_a_failure(cf: Run, model: Path, photos: Path, tmp_path: Path) -> None:
    done = cf("inspect", model, photos / "empty.png", "--out", tmp_path / "out")
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere.safetensors", "photos"], "There is no file or folder nowhere.safetensors"),
        (["photos/text.jpg", "photos"], "text.jpg"),
        (["{model}", "nowhere"], "There is no file or folder nowhere"),
        (["{model}", "bare"], "There are no images in bare"),
        (["{model}", "photos", "--device", "abacus"], "abacus"),
        (["{model}", "photos", "--batch", "0"], "--batch"),
    ],
)
def test_bad_input_is_a_sentence_and_exit_code_2(
    cf: Run, model: Path, photos: Path, arguments: list[str], sentence: str
) -> None:
    (photos.parent / "bare").mkdir()
    filled = [argument.replace("{model}", str(model)) for argument in arguments]
    done = cf("inspect", *filled, "--out", "out", cwd=photos.parent)
    assert done.returncode == 2, done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not (photos.parent / "out").exists()


def test_a_model_cut_short_is_a_sentence(
    cf: Run, model: Path, photos: Path, tmp_path: Path
) -> None:
    torn = tmp_path / "torn.safetensors"
    torn.write_bytes(model.read_bytes()[:-1000])
    done = cf("inspect", torn, photos, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "torn.safetensors" in done.stderr
    assert "Traceback" not in done.stderr
