"""A package of somebody else with a format, an explainer and a backend, installed by pip.

Its code is that of the READMEs, so what they show works.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from program import Done, json_lines, table

import cfinspect
from cfinspect.engine.base.images import read_image, resize_image

REPOSITORY = Path(__file__).parents[2]
READMES = (
    REPOSITORY / "cfinspect" / "formats" / "README.md",
    REPOSITORY / "cfinspect" / "engine" / "README.md",
)
# Beside what the READMEs show: one that cannot start, one with a name of ours, one of another kind.
EXTRA = """
[project.entry-points."cfinspect.formats"]
broken = "broken:FORMAT"
coco = "verdicts:FORMAT"
nothing = "json:dumps"
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which pip has installed the package, without any network."""
    source = tmp_path_factory.mktemp("package")
    groups: dict[str, list[str]] = {}
    modules = ["broken"]
    for readme in READMES:
        text = readme.read_text(encoding="utf-8")
        for name, code in re.findall(r"`(\w+)\.py`:\n\n```python\n(.*?)```", text, re.DOTALL):
            (source / f"{name}.py").write_text(code, encoding="utf-8")
            modules.append(name)
        for toml in [
            *re.findall(r"```toml\n(\[project\.entry-points.*?)```", text, re.DOTALL),
            EXTRA,
        ]:
            head, *lines = toml.strip().splitlines()
            groups[head] = groups.get(head, []) + [line for line in lines if line]
    (source / "broken.py").write_text("raise RuntimeError('no licence')\n", encoding="utf-8")
    entries = "\n".join(
        "\n".join([head, *dict.fromkeys(lines), ""]) for head, lines in groups.items()
    )
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        f'[project]\nname = "stranger"\nversion = "1.2"\n{entries}\n'
        f"[tool.setuptools]\npy-modules = {json.dumps(modules)}\n",
        encoding="utf-8",
    )
    target = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    pip += ["--no-build-isolation", "--target", str(target), str(source)]
    subprocess.run(pip, check=True, capture_output=True, text=True, timeout=120)
    return target


def run(site: Path, *arguments: object) -> Done:
    """Run the program in a process of its own that has the package; it ends well."""
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(Path(cfinspect.__file__).parents[1]), str(site)]),
            "OMP_NUM_THREADS": "1",
        },
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def cf(site: Path, *arguments: object) -> Done:
    return run(site, "-m", "cfinspect", *arguments)


@pytest.fixture
def project(walls: Path, tmp_path: Path) -> Path:
    """A few of the walls as a project."""
    folder = tmp_path / "photos"
    for image in sorted(walls.glob("*damaged/*.png"))[::6]:
        (folder / image.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(image, folder / image.parent.name)
    return folder


@pytest.fixture
def rule(tmp_path: Path) -> Path:
    """A model file that only the plug-in knows."""
    file = tmp_path / "model.rule"
    file.write_text('{"dark": 60}', encoding="utf-8")
    return file


def test_a_format_of_a_plugin_is_written_and_read(
    site: Path, project: Path, tmp_path: Path
) -> None:
    cf(site, "project", "init", project)
    cf(site, "project", "scan", project)
    names = sorted(one.relative_to(project).as_posix() for one in project.glob("*damaged/*.png"))
    verdicts = tmp_path / "verdicts.json"
    said = {name: int(name.startswith("damaged")) for name in names}
    verdicts.write_text(json.dumps(said), encoding="utf-8")
    done = cf(site, "import", project, "--format", "verdicts", verdicts)
    assert f"{len(names)} images taken" in done.stdout
    cf(site, "export", project, "--format", "verdicts", "--out", tmp_path / "out")
    written = json.loads((tmp_path / "out" / "verdicts.json").read_text(encoding="utf-8"))
    assert written == said
    assert "no licence" not in done.stderr, "one that works must not make others load"


def test_bad_plugins_are_named_and_stop_nothing(site: Path) -> None:
    code = """
from cfinspect.formats.registry import FORMATS, formats, readers, writers
found = formats()
assert found["coco"] is FORMATS["coco"], "our own names win"
assert set(found) == {*FORMATS, "verdicts"}
assert "verdicts" in writers() and "verdicts" in readers()
print(found["verdicts"].summary)
"""
    done = run(site, "-c", code)
    assert done.stdout.strip() == "labels as one JSON object"
    assert sorted(done.stderr.splitlines()) == [
        "The format plug-in broken of stranger 1.2 cannot be used (RuntimeError: no licence).",
        "The format plug-in coco of stranger 1.2 is not used: cfinspect has a coco itself.",
        "The format plug-in nothing of stranger 1.2 cannot be used: it is not a "
        "cfinspect.formats.registry.Format that writes or reads.",
    ]


def test_an_explainer_of_a_plugin_explains(
    site: Path, model: Path, project: Path, tmp_path: Path
) -> None:
    out = tmp_path / "why"
    cf(site, "explain", model, project, "--method", "darkness", "--out", out, "--device", "cpu")
    rows = table(out / "explanations.csv")
    assert len(rows) == 8
    assert not any(row["error"] for row in rows)
    assert len(list((out / "saliency").rglob("*.png"))) == 8


def test_a_model_file_of_a_plugin_inspects(
    site: Path, rule: Path, project: Path, tmp_path: Path
) -> None:
    out = tmp_path / "results"
    done = cf(site, "inspect", rule, project, "--out", out, "--json")
    assert "Device: that of the plug-in rule (stranger 1.2)" in done.stderr
    last = json_lines(done.stdout)[-1]
    assert (last["event"], last["images"], last["errors"]) == ("done", 8, 0)
    with (out / "inspections.csv").open(encoding="utf-8", newline="") as file:
        labels = {row["file"]: row["label"] for row in csv.DictReader(file)}
    for name, label in labels.items():
        small = resize_image(read_image(project / name), 32)
        assert label == ("damaged" if (small < 60).mean() >= 0.02 else "undamaged"), name
    assert len(set(labels.values())) == 2
    code = f"""
import cfinspect
model = cfinspect.load({str(rule)!r})
labels = [result.label for result in model.inspect_folder({str(project)!r})]
import sys
assert "torch" not in sys.modules, "a backend of a plug-in must not start torch"
print(" ".join(labels))
"""
    assert run(site, "-c", code).stdout.split() == list(labels.values())


def test_a_model_file_of_a_plugin_is_evaluated_and_shown(
    site: Path, rule: Path, walls: Path, tmp_path: Path
) -> None:
    cf(site, "evaluate", rule, walls, "--out", tmp_path / "report")
    report = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert report["classification"]["f1"] > 0.5
    assert "rule" in cf(site, "models", "show", rule).stdout


def test_help_looks_for_no_plugin(site: Path) -> None:
    code = """
import importlib.metadata, sys
def refuse(**_):
    raise AssertionError("entry points were looked up")
importlib.metadata.entry_points = refuse
sys.argv = ["cfinspect", "--help"]
from cfinspect.__main__ import main
main()
"""
    assert "explain" in run(site, "-c", code).stdout


def test_the_windows_dialogs_offer_them(site: Path) -> None:
    code = """
from cfinspect.ui.dialogs.paths import model_filter
from cfinspect.ui.jobs.explaining import available_methods
print(model_filter(), available_methods()["darkness"], sep="\\n")
"""
    assert run(site, "-c", code).stdout.splitlines() == [
        "Models (*.safetensors *.onnx *.rule)",
        "darkness: stranger 1.2",
    ]
