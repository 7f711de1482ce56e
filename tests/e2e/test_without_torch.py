"""With converted models, everything but training works where torch cannot be imported."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from program import Done, Run, json_lines, table

import cfinspect
from cfinspect.resources import models_path

CRACK = models_path() / "crack.onnx"
# Python loads this module by itself, before anything else.
_GUARD = "import sys\nsys.modules['torch'] = sys.modules['torchvision'] = None\n"
# What an operator does: open a folder, inspect it, look at a picture, give a verdict.
_WINDOW = """
import sys
from pathlib import Path
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
import driver
from cfinspect.ui.shell.main_window import MainWindow
from cfinspect.ui.state.preferences import Preferences

folder, model = map(Path, sys.argv[1:])
app = QApplication([])
window = MainWindow(Preferences(folder.parent / "window.ini"))
window.build()
window.preferences.set("who", "ann")
window.resize(1400, 860)
window.show()
window.activateWindow()
assert QTest.qWaitForWindowActive(window)
driver.open_folder(window, folder)
driver.inspect(window, model)
facts = window.session.facts
print("inspected", sum(one.images for one in facts.counts if one.machine is not None))
driver.open_first(window)
driver.press(window, Qt.Key.Key_D)
with driver.project_of(window) as project:
    said = project.database.rows("SELECT COUNT(*) AS n FROM human WHERE verdict IS NOT NULL")
    print("verdicts", said[0]["n"])
print("failure", window.messages.last_failure)
print("torch", sys.modules.get("torch"))
"""


@pytest.fixture(scope="module")
def guard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH that makes torch unimportable."""
    folder = tmp_path_factory.mktemp("guard")
    (folder / "sitecustomize.py").write_text(_GUARD)
    return folder


@pytest.fixture(scope="module")
def photos(cf: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project's folder with twelve drawn walls."""
    folder = tmp_path_factory.mktemp("without") / "walls"
    assert cf("synth", folder, "--domain", "crack", "--count", 12, "--seed", 3).returncode == 0
    assert cf("project", "init", folder, "--domain", "crack").returncode == 0
    return folder


def run(guard: Path, *words: object) -> Done:
    path = [guard, Path(cfinspect.__file__).parents[1], Path(__file__).parents[1] / "ui"]
    return subprocess.run(
        [sys.executable, *map(str, words)],
        env={
            **{name: value for name, value in os.environ.items() if name != "DISPLAY"},
            "PYTHONPATH": os.pathsep.join(map(str, path)),
            "OMP_NUM_THREADS": "1",
            "QT_QPA_PLATFORM": "offscreen",
        },
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


def without(guard: Path, *words: object) -> Done:
    done = run(guard, "-m", "cfinspect", *words)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_the_guard_takes_torch_away(guard: Path) -> None:
    assert "ModuleNotFoundError" in run(guard, "-c", "import torch").stderr


def test_a_folder_is_inspected_reviewed_exported_and_imported(
    guard: Path, photos: Path, cf: Run, tmp_path: Path
) -> None:
    done = without(guard, "inspect", CRACK, "--project", photos, "--json")
    assert done.returncode == 0, done.stderr
    found = {row["file"]: row for row in json_lines(done.stdout) if "label" in row}
    with_torch = cf("inspect", CRACK.with_suffix(".safetensors"), photos, "--out", tmp_path / "o")
    assert with_torch.returncode == 0, with_torch.stderr
    rows = table(tmp_path / "o" / "inspections.csv")
    assert len(rows) == len(found) == 12
    for row in rows:
        ours = found[row["file"]]
        assert ours["label"] == row["label"]
        assert abs(float(ours["score"]) - float(row["score"])) < 1e-3
    name = next(name for name, row in found.items() if row["label"] == "damaged")
    for words in (
        ("review", photos, "--set", f"{name}=damaged", "--who", "ann"),
        ("export", photos, "--format", "coco", "--out", tmp_path / "coco"),
        ("import", photos, "--format", "coco", tmp_path / "coco", "--dry-run"),
        ("project", "status", photos),
        ("audit", photos),
        ("models", "show", CRACK),
        ("models", "verify"),
        ("evaluate", CRACK, photos, "--out", tmp_path / "report"),
    ):
        done = without(guard, *words)
        assert done.returncode == 0, (words, done.stderr)


@pytest.mark.parametrize("method", ["cfgan", "evidence", "rise", "occlusion"])
def test_verdicts_are_explained(guard: Path, photos: Path, tmp_path: Path, method: str) -> None:
    words = ("explain", CRACK, photos, "--method", method, "--limit", 2, "--json")
    few = ("--rise-masks", 16) if method == "rise" else ()
    done = without(guard, *words, *few, "--out", tmp_path / "why")
    assert done.returncode == 0, done.stderr
    summary = json_lines(done.stdout)[-1]
    assert summary["images"] == 2 and summary["errors"] == 0
    assert (tmp_path / "why" / "overview.png").is_file()


def test_a_model_is_calibrated_and_inspects(guard: Path, photos: Path, tmp_path: Path) -> None:
    made = tmp_path / "mine.onnx"
    done = without(guard, "calibrate", CRACK, photos, "--out", made, "--json")
    assert done.returncode == 0, done.stderr
    assert json_lines(done.stdout)[-1]["n"] == 12
    done = without(guard, "inspect", made, photos, "--out", tmp_path / "o")
    assert done.returncode == 0, done.stderr
    wrong = without(guard, "calibrate", CRACK, photos, "--out", tmp_path / "mine.safetensors")
    assert wrong.returncode == 2 and "ends in .onnx" in wrong.stderr


def test_the_demo_shows_the_converted_models(guard: Path, tmp_path: Path) -> None:
    done = without(guard, "demo", tmp_path / "demo", "--headless", "--json")
    assert done.returncode == 0, done.stderr
    sheets = json_lines(done.stdout)[-1]["sheets"]
    assert len(sheets) == 2 and all(Path(one).is_file() for one in sheets)


def test_the_doctor_is_content_and_says_where_it_computes(guard: Path) -> None:
    done = without(guard, "doctor", "--json")
    checks = {row["name"]: row for row in json_lines(done.stdout) if row["event"] == "check"}
    assert not checks["torch"]["ok"] and not checks["torch"]["required"]
    assert "training does not" in checks["torch"]["detail"]
    assert "onnxruntime" in checks["device"]["detail"]
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("train", "PHOTOS", "--out", "OUT"),
        ("inspect", CRACK.with_suffix(".safetensors"), "PHOTOS", "--out", "OUT"),
        (
            "explain",
            CRACK.with_suffix(".safetensors"),
            "PHOTOS",
            "--method",
            "rise",
            "--out",
            "OUT",
        ),
        ("calibrate", CRACK.with_suffix(".safetensors"), "PHOTOS", "--out", "OUT.safetensors"),
        ("models", "convert", CRACK.with_suffix(".safetensors"), "--out", "OUT.onnx"),
        ("distill", CRACK.with_suffix(".safetensors"), "PHOTOS", "--out", "OUT.safetensors"),
    ],
)
def test_what_needs_torch_says_so_in_one_sentence(
    guard: Path, photos: Path, tmp_path: Path, words: tuple[object, ...]
) -> None:
    places = {"PHOTOS": str(photos), "OUT": str(tmp_path / "out")}
    given = [places.get(str(one), str(one).replace("OUT", places["OUT"])) for one in words]
    done = without(guard, *given)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "This needs PyTorch" in done.stderr.splitlines()[-1]


def test_what_a_converted_model_lacks_is_told_before_torch_is_missed(
    guard: Path, photos: Path, tmp_path: Path
) -> None:
    words = ("explain", CRACK, photos, "--out", tmp_path / "why")
    for more, said in (
        ((), "give another --method, such as rise"),
        (("--method", "gradcam"), "looks into the layers"),
        (("--method", "rise", "--input-size", 96), "leave out --input-size"),
    ):
        done = without(guard, *words, *more)
        assert done.returncode == 2 and said in done.stderr, done.stderr


def test_the_window_inspects_and_takes_a_verdict(guard: Path, photos: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(
        photos, tmp_path / "walls", ignore=shutil.ignore_patterns(".cfinspect")
    )
    done = run(guard, "-c", _WINDOW, folder, CRACK)
    said = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    assert said == {"inspected": "12", "verdicts": "1", "failure": "None", "torch": "None"}, (
        done.stdout + done.stderr
    )


def test_a_model_is_converted_and_inspects(
    cf: Run, model: Path, walls: Path, tmp_path: Path
) -> None:
    made = tmp_path / "made.onnx"
    done = cf("models", "convert", model, "--out", made, "--half", "--json")
    assert done.returncode == 0, done.stderr
    (facts,) = json_lines(done.stdout)
    assert facts["score"] <= 1e-3 and facts["bytes"] == made.stat().st_size
    labels = []
    for path in (model, made):
        out = tmp_path / path.suffix[1:]
        assert cf("inspect", path, walls, "--out", out).returncode == 0
        labels.append([row["label"] for row in table(out / "inspections.csv")])
    assert labels[0] == labels[1]


def test_parts_of_an_evaluation_that_look_into_networks_need_the_original(
    cf: Run, photos: Path, tmp_path: Path
) -> None:
    done = cf("evaluate", CRACK, photos, "--out", tmp_path / "report", "--robustness")
    assert done.returncode == 2 and "robustness look into the networks" in done.stderr
    assert not (tmp_path / "report").exists()
    done = cf("explain", CRACK, photos, "--out", tmp_path / "why", "--method", "gradcam")
    assert done.returncode == 2 and "looks into the layers" in done.stderr


def test_convert_names_what_it_cannot_take(cf: Run, model: Path, tmp_path: Path) -> None:
    wrong = cf("models", "convert", model, "--out", tmp_path / "made.safetensors")
    assert wrong.returncode == 2 and "ends in .onnx" in wrong.stderr
    again = cf("models", "convert", CRACK, "--out", tmp_path / "made.onnx")
    assert again.returncode == 2 and "is a converted model" in again.stderr
