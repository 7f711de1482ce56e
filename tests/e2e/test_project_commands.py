"""A project through the command line: from a folder of images to labels another tool can read."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from program import Done, Run, json_lines, rest_of, start_cfinspect, table

from cfinspect.engine.base.images import write_png
from cfinspect.engine.data.mask_values import read_mask


@pytest.fixture
def photos(walls: Path, tmp_path: Path) -> Path:
    """A copy of the drawn walls, without their masks."""
    folder = tmp_path / "photos"
    for word in ("undamaged", "damaged"):
        shutil.copytree(walls / word, folder / word)
    return folder


@pytest.fixture
def project(cf: Run, model: Path, photos: Path) -> Path:
    """A project of these, inspected."""
    good(cf("project", "init", photos, "--domain", "crack"))
    good(cf("inspect", model, "--project", photos))
    return photos


def good(done: Done) -> Done:
    assert done.returncode == 0, done.stderr
    return done


def bad(done: Done, said: str) -> None:
    assert done.returncode == 2, done.stderr
    assert said in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


def human_layer(root: Path) -> list[Any]:
    """Everything that humans said, as the database holds it."""
    connection = sqlite3.connect(root / ".cfinspect" / "project.sqlite")
    found = [
        connection.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall()
        for name in ("human", "audit", "mask_class")
    ]
    connection.close()
    masks = sorted(root.glob(".cfinspect/masks/*/*.png"))
    return [*found, [(file.name, file.read_bytes()) for file in masks]]


def test_from_images_to_labels(cf: Run, model: Path, photos: Path, tmp_path: Path) -> None:
    done = good(cf("project", "init", photos, "--domain", "crack"))
    assert "48 images" in done.stdout
    done = good(cf("inspect", model, "--project", photos, "--json"))
    lines = json_lines(done.stdout)
    assert len(lines) == 49
    assert {"file", "label", "score", "p_fake", "review", "reason"} <= set(lines[0])
    again = json_lines(good(cf("inspect", model, "--project", photos, "--json")).stdout)
    assert [line["event"] for line in again] == ["done"], "nothing is inspected twice"

    queue = json_lines(good(cf("review", photos, "--list", "--all", "--json", "--limit", 5)).stdout)
    assert queue[-1]["shown"] == 5
    name = queue[0]["file"]
    done = good(cf("review", photos, "--set", f"{name}=damaged", "--who", "ann", "--json"))
    assert json_lines(done.stdout)[0]["verdict"] == "damaged"
    left = json_lines(good(cf("review", photos, "--list", "--all", "--json")).stdout)
    assert name not in [line.get("file") for line in left]

    mask = np.zeros((48, 48), np.uint8)
    mask[10:20, 5:40] = 255
    write_png(tmp_path / "m.png", mask)
    good(cf("review", photos, "--mask", f"{name}={tmp_path / 'm.png'}", "--who", "ann"))
    status = json_lines(good(cf("project", "status", photos, "--json")).stdout)[0]
    assert status["folders"][0]["corrected"] == 1
    assert status["folders"][0]["inspected"] == 48
    assert status["images"] == 48

    done = good(cf("export", photos, "--format", "png-binary", "--out", tmp_path / "out"))
    assert "1 images (1 damaged, 1 with corrected masks)" in done.stdout
    (file,) = (tmp_path / "out" / "masks").iterdir()
    assert np.array_equal(read_mask(file), mask > 0)

    statistics = tmp_path / "s.csv"
    good(cf("review", photos, "--statistics", "--csv", statistics))
    assert sum(int(row["agreed"]) + int(row["overruled"]) for row in table(statistics)) == 1

    entries = json_lines(good(cf("audit", photos, "--json")).stdout)
    assert [entry["action"] for entry in entries] == ["verdict", "mask"]
    verified = json_lines(good(cf("audit", photos, "--verify", "--json")).stdout)[0]
    assert (verified["entries"], verified["problems"]) == (2, [])
    good(cf("audit", photos, "--verify", "--head", verified["head"]))
    assert cf("audit", photos, "--verify", "--head", "ab" * 32).returncode == 1


def test_undo_takes_back_ones_own_last_word(cf: Run, project: Path) -> None:
    names = [path.name for path in sorted((project / "damaged").iterdir())[:2]]
    good(cf("review", project, "--set", f"{names[0]}=damaged", "--who", "ann"))
    good(cf("review", project, "--set", f"{names[1]}=undamaged", "--who", "bob"))
    done = good(cf("review", project, "--undo", "--who", "ann"))
    assert f"damaged/{names[0]} is now undecided" in done.stdout
    bad(cf("review", project, "--undo", "--who", "ann"), "nothing of ann's")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("review", "P"), "Nothing to do"),
        (("review", "P", "--set", "nowhere.png=damaged"), "no image nowhere.png"),
        (("review", "P", "--set", "a.png=bad"), "no verdict"),
        (("review", "P", "--set", "a.png"), "--set FILE=damaged"),
        (("review", "P", "--list", "--rank", "beauty"), "there are uncertainty"),
        (("review", "P", "--list", "--folder", "elsewhere"), "no folder elsewhere"),
        (("review", "nowhere", "--list"), "project init"),
        (("project", "init", "nowhere"), "no folder nowhere"),
        (("project", "restore", "P", "--force"), "no sound backup"),
        (("export", "P", "--format", "gif", "--out", "x"), "no export format gif"),
        (("export", "P", "--format", "coco", "--out", "x"), "48 not reviewed"),
        (("export", "P", "--format", "coco", "--out", "x", "--only", "good"), "--only"),
        (("export", "P", "--format", "coco", "--out", "x", "--split", "train=2"), "no split"),
        (("import", "P", "nowhere", "--format", "coco"), "no file or folder"),
        (("import", "P", "P", "--format", "gif"), "no import format gif"),
        (("import", "P", "P", "--format", "coco"), "annotations.json"),
        (("tile", "P", "--out", "x"), "no mask"),
        (("tile", "P", "--out", "x", "--overlap", "2"), "overlap"),
        (("inspect", "M", "--project", "P", "--out", "x"), "instead of PATH"),
        (("inspect", "M"), "--project"),
        (("inspect", "M", "P", "--out", "x", "--folder", "a"), "--project"),
        (("audit", "P", "--image", "nowhere.png"), "no image nowhere.png"),
    ],
)
def test_slips_of_the_pen_are_one_sentence(
    cf: Run, model: Path, photos: Path, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    (photos / "damaged" / "a.png").write_bytes(
        next((photos / "damaged").iterdir()).read_bytes() + b" "
    )
    (photos / "undamaged" / "crack_00000.png").unlink(missing_ok=True)
    count = len(list(photos.rglob("*.png")))
    good(cf("project", "init", photos))
    names = {"P": str(photos), "M": str(model)}
    done = cf(*(names.get(word, word) for word in arguments), cwd=tmp_path)
    bad(done, said.replace("48", str(count)))
    assert not (tmp_path / "x").exists()


def test_one_slip_in_a_call_stores_nothing_of_it(cf: Run, project: Path) -> None:
    name = next((project / "damaged").iterdir()).name
    before = human_layer(project)
    bad(cf("review", project, "--set", f"{name}=damaged", "--set", "b.png=damaged"), "b.png")
    assert human_layer(project) == before


def test_two_words_on_one_image_in_a_call_are_refused_or_go_together(
    cf: Run, project: Path, tmp_path: Path
) -> None:
    name, other = (path.name for path in sorted((project / "damaged").iterdir())[:2])
    for file, value in (("none.png", 0), ("some.png", 1)):
        write_png(tmp_path / file, np.full((48, 48), value, np.uint8))
    none, some = (f"{name}={tmp_path / file}" for file in ("none.png", "some.png"))
    before = human_layer(project)
    for words, said in (
        (("--set", f"{name}=damaged", "--set", f"{name}=undamaged"), "two verdicts"),
        (("--mask", some, "--mask", none), "two masks"),
        (("--set", f"{name}=damaged", "--mask", none), "marks nothing"),
        (("--set", f"{name}=undamaged", "--mask", some), "marks damage"),
    ):
        bad(cf("review", project, "--set", f"{other}=damaged", *words), said)
        assert human_layer(project) == before
    done = good(cf("review", project, "--set", f"{name}=skipped", "--mask", some, "--json"))
    (line,) = (one for one in json_lines(done.stdout) if one["event"] == "verdict")
    assert line["verdict"] == "skipped" and line["mask"]


def test_no_command_of_the_machine_writes_what_humans_said(
    cf: Run, model: Path, project: Path, walls: Path, tmp_path: Path
) -> None:
    name = sorted((project / "damaged").iterdir())[0].name
    good(cf("review", project, "--set", f"{name}=undamaged", "--comment", "ok", "--who", "ann"))
    mask = np.zeros((48, 48), np.uint8)
    mask[3:9, 3:9] = 1
    write_png(tmp_path / "m.png", mask)
    other = sorted((project / "damaged").iterdir())[1].name
    good(cf("review", project, "--mask", f"{other}={tmp_path / 'm.png'}", "--who", "ann"))
    before = human_layer(project)

    second = tmp_path / "second.safetensors"
    good(cf("calibrate", model, walls, "--out", second))
    (project / "damaged" / name).rename(project / "moved.png")
    for arguments in (
        ("project", "init", project, "--domain", "other"),
        ("project", "scan", project),
        ("project", "status", project, "--check"),
        ("inspect", second, "--project", project),
        ("inspect", model, "--project", project),
        ("inspect", model, project, "--out", tmp_path / "results"),
        ("evaluate", model, walls, "--out", tmp_path / "report"),
        ("review", project, "--list", "--all"),
        ("review", project, "--statistics"),
        ("export", project, "--format", "coco", "--only", "all", "--out", tmp_path / "coco"),
        ("tile", walls, "--out", tmp_path / "tiles", "--size", 24),
        ("train", project, "--out", tmp_path / "run", "--steps", 2, "--size", 32, "--width", 4),
        ("audit", project, "--verify"),
        ("models", "show", model),
        ("doctor",),
        ("synth", tmp_path / "apples", "--domain", "apple", "--count", 4, "--size", 32),
    ):
        done = cf(*arguments)
        # What the doctor finds, a full disk for one, is this machine's.
        fine = (0, 1) if arguments == ("doctor",) else (0,)
        assert done.returncode in fine, (arguments, done.stdout, done.stderr)
        assert human_layer(project) == before, arguments
    bad(cf("project", "restore", project), "is sound")
    assert human_layer(project) == before


def test_a_killed_inspection_goes_on(cf: Run, model: Path, photos: Path) -> None:
    file = next((photos / "damaged").iterdir()).read_bytes()
    for number in range(1200):
        (photos / "damaged" / f"x{number}.png").write_bytes(file + str(number).encode())
    good(cf("project", "init", photos))
    process = start_cfinspect("inspect", model, "--project", photos, "--batch", 8, "--json")
    assert process.stdout
    told = [json.loads(process.stdout.readline())["file"] for _ in range(40)]
    process.send_signal(signal.SIGKILL)
    process.communicate()
    rest = json_lines(good(cf("inspect", model, "--project", photos, "--json")).stdout)
    again = {line.get("file") for line in rest}
    assert not again & set(told), "what was told is on the disk"
    status = json_lines(good(cf("project", "status", photos, "--json")).stdout)[0]
    assert status["folders"][0]["inspected"] == status["images"] == 1248


def test_ctrl_c_keeps_what_is_done(model: Path, cf: Run, photos: Path) -> None:
    file = next((photos / "damaged").iterdir()).read_bytes()
    for number in range(1200):
        (photos / "damaged" / f"x{number}.png").write_bytes(file + str(number).encode())
    good(cf("project", "init", photos))
    process = start_cfinspect("inspect", model, "--project", photos, "--batch", 8, "--json")
    assert process.stdout
    for _ in range(40):
        process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, errors = rest_of(process)
    assert process.returncode == 130
    assert "goes on" in errors
    status = json_lines(good(cf("project", "status", photos, "--json")).stdout)[0]
    assert 40 <= status["folders"][0]["inspected"] < 1248


def test_unreadable_images_are_told_and_tried_again(cf: Run, model: Path, photos: Path) -> None:
    (photos / "damaged" / "empty.png").touch()
    good(cf("project", "init", photos))
    done = good(cf("inspect", model, "--project", photos, "--json"))
    errors = [line for line in json_lines(done.stdout) if line.get("error")]
    assert [line["file"] for line in errors] == ["damaged/empty.png"]
    shutil.copy(next((photos / "undamaged").iterdir()), photos / "damaged" / "empty.png")
    good(cf("project", "scan", photos))
    lines = json_lines(good(cf("inspect", model, "--project", photos, "--json")).stdout)
    assert lines[0]["file"] == "damaged/empty.png"
    assert lines[0].get("error") is None


def test_a_folder_with_a_malformed_table_stays_as_it_was(cf: Run, photos: Path) -> None:
    good(cf("project", "init", photos))
    (photos / "labels.csv").write_text("picture,verdict\na.png,good\n", encoding="utf-8")
    done = cf("project", "scan", photos, "--json")
    assert done.returncode == 1
    assert "was not scanned" in done.stderr
    assert "labels.csv" in done.stderr
    found = json_lines(done.stdout)[-1]
    assert (found["present"], found["unread"], found["vanished"]) == (48, 1, 0)
    (photos / "labels.csv").unlink()
    good(cf("project", "scan", photos))


def test_several_folders_with_their_own_models(
    cf: Run, model: Path, photos: Path, tmp_path: Path
) -> None:
    shutil.copytree(photos, tmp_path / "apples")
    good(cf("project", "init", photos, "--add", f"{tmp_path / 'apples'}=apple"))
    lines = json_lines(
        good(cf("inspect", model, "--project", photos, "--folder", ".", "--json")).stdout
    )
    assert lines[-1]["images"] == 48
    status = json_lines(good(cf("project", "status", photos, "--json")).stdout)[0]
    assert [one["inspected"] for one in status["folders"]] == [48, 0]
    assert [one["domain"] for one in status["folders"]] == ["photos", "apple"]
    bad(cf("inspect", model, "--project", photos, "--folder", "pears"), "no folder pears")


def test_labels_of_another_tool_come_in_and_train_again(
    cf: Run, walls: Path, photos: Path, tmp_path: Path
) -> None:
    good(cf("project", "init", photos))
    lines = json_lines(good(cf("import", photos, walls, "--format", "cfinspect", "--json")).stdout)
    assert (lines[0]["taken"], lines[0]["masks"]) == (48, 24)
    good(cf("export", photos, "--format", "cfinspect", "--out", tmp_path / "data"))
    done = cf(
        *("train", tmp_path / "data", "--out", tmp_path / "run", "--steps", 2),
        *("--size", 32, "--width", 4, "--scope", "whole"),
    )
    assert done.returncode == 0, done.stderr
    for mask in (tmp_path / "data" / "masks").iterdir():
        name = mask.stem.removeprefix("damaged__")
        assert np.array_equal(read_mask(mask), read_mask(walls / "masks" / f"{name}.png"))


@pytest.mark.parametrize(
    "command",
    (
        *("project init", "project status", "project scan", "project restore"),
        *("review", "export", "import", "tile", "audit"),
    ),
)
def test_help_has_examples(cf: Run, command: str) -> None:
    done = good(cf(*command.split(), "--help"))
    assert f"cfinspect {command} " in done.stdout.partition("Example")[2]
