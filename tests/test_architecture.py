"""Holds the layers of the design: arrows only go down, Qt in ui/ only, torch in engine/ only."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import cfinspect

PACKAGE = Path(cfinspect.__file__).parent
REPOSITORY = Path(__file__).parents[1]

# Who may import whom: a layer imports itself and those with a lower number.
LAYERS = {
    "cfinspect": 0,  # its version; what else it offers is that of cfinspect.__init__
    "cfinspect.engine": 0,
    "cfinspect.resources": 1,
    "cfinspect.visible": 1,
    "cfinspect.masks": 1,
    "cfinspect.formats": 1,
    "cfinspect.project": 1,
    "cfinspect.workflows": 2,
    "cfinspect.api": 3,
    "cfinspect.errors": 3,
    "cfinspect.ui": 3,
    "cfinspect.__init__": 4,
    "cfinspect.cli": 4,
    "cfinspect.__main__": 5,
}
# The same for the rooms inside the engine; rooms of one number do not know each other.
ROOMS = {
    "base": 0,
    "networks": 1,
    "data": 1,
    "plots": 1,
    "synth": 1,
    "model": 2,
    "metrics": 3,
    "inference": 4,
    "calibration": 5,
    "explain": 6,
    "training": 6,
    "evaluation": 7,
}
# And for the rooms of the window.
UI_ROOMS = {
    "widgets": 0,
    "jobs": 1,
    "state": 2,
    "actions": 3,
    "canvas": 3,
    "gallery": 4,
    "project": 4,
    "training": 4,
    "review": 5,
    "dialogs": 6,
    "frame": 7,
    "controllers": 8,
    "shell": 9,
}
# Modules of the engine that cannot do without torch; all others work in a program without it.
TORCH_MODULES = {
    "base.device",
    "calibration.distillation",
    "calibration.class_naming",
    "calibration.own_masks",
    "calibration.fit_multi_class",
    "calibration.mask_teacher",
    "calibration.mask_training",
    "calibration.refit_model",
    "evaluation.attacks",
    "evaluation.encoders",
    "evaluation.explainer_benchmark",
    "evaluation.localisation_baselines",
    "evaluation.realism",
    "evaluation.robustness",
    "evaluation.simsiam",
    "explain.ace",
    "explain.archives",
    "explain.cam",
    "explain.classifier",
    "explain.external",
    "inference.decision_logits",
    "inference.forward",
    "inference.onnx_export",
    "inference.torch_backend",
    "networks.adversarial",
    "networks.backbone",
    "networks.diffusion",
    "networks.discriminators",
    "networks.generators",
    "networks.layers",
    "networks.mask_decoder",
    "networks.multi_class",
    "networks.projected",
    "networks.running_mean",
    "networks.swin_unet",
    "training.artifacts",
    "training.diffusion_training",
    "training.gan_step",
    "training.loop",
    "training.losses",
    "training.optimizer_step",
    "training.other_steps",
    "training.state",
    "training.trainer",
    "training.validation",
}
MODULES = {
    ".".join(["cfinspect", *path.relative_to(PACKAGE).with_suffix("").parts]): path
    for path in sorted(PACKAGE.rglob("*.py"))
}


def imports_of(path: Path) -> Iterator[str]:
    """Every module that a file imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the layer"
            assert node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer_of(module: str) -> str:
    known = ".".join(module.split(".")[:2])
    if known in LAYERS:
        return known
    # A name of the package itself: only its version is for the layers below.
    return "cfinspect" if known == "cfinspect.__version__" else "cfinspect.__init__"


def module_of(imported: str) -> str:
    """The module that an imported name belongs to: ``a.b.name`` is ``a.b``, or itself one."""
    while imported not in MODULES and f"{imported}.__init__" not in MODULES and "." in imported:
        imported = imported.rpartition(".")[0]
    return imported


def circles(modules: Iterable[str]) -> list[list[str]]:
    """Groups of modules that import one another, however many steps it takes."""
    arrows = {
        name.removesuffix(".__init__"): {module_of(one) for one in imports_of(MODULES[name])}
        for name in modules
    }
    reached = {name: set(near & arrows.keys()) for name, near in arrows.items()}
    for middle, beyond in reached.items():
        for far in reached.values():
            if middle in far:
                far.update(beyond)
    found = {
        tuple(sorted(other for other in far if name in reached[other]))
        for name, far in reached.items()
        if name in far
    }
    return [list(group) for group in sorted(found) if len(group) > 1]


def run_without(missing: str, code: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a program in which importing ``missing`` fails."""
    block = f"""
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == {missing!r}:
            raise ImportError(f"{{name}} was imported")
sys.meta_path.insert(0, Block())
"""
    return subprocess.run(
        [sys.executable, "-c", block + code],
        capture_output=True,
        text=True,
        check=False,
        cwd=PACKAGE.parent,
    )


def test_every_part_of_the_package_has_a_layer() -> None:
    parts = {".".join(name.split(".")[:2]) for name in MODULES} - {"cfinspect.__init__"}
    assert parts <= set(LAYERS)


@pytest.mark.parametrize("module", MODULES)
def test_imports_only_go_down(module: str) -> None:
    here = LAYERS[layer_of(module)]
    ours = [name for name in imports_of(MODULES[module]) if name.split(".")[0] == "cfinspect"]
    upward = [name for name in ours if LAYERS[layer_of(name)] > here]
    assert not upward, f"{module} imports from above: {upward}"


def test_the_rooms_of_the_engine_are_few_and_small() -> None:
    files = [Path(*name.split(".")[2:]) for name in MODULES if name.startswith("cfinspect.engine.")]
    rooms = [file.parts[0] for file in files if len(file.parts) > 1]
    assert set(rooms) == set(ROOMS)
    assert len(ROOMS) <= 12
    assert max(rooms.count(room) for room in ROOMS) <= 15


@pytest.mark.parametrize(
    "module",
    [name for name in MODULES if ".engine." in name and not name.endswith("engine.__init__")],
)
def test_arrows_between_the_rooms_of_the_engine_only_go_down(module: str) -> None:
    here = module.split(".")[2]
    others = [
        name
        for name in map(module_of, imports_of(MODULES[module]))
        if name.startswith("cfinspect.engine.") and name.split(".")[2] != here
    ]
    upward = [name for name in others if ROOMS[name.split(".")[2]] >= ROOMS[here]]
    assert not upward, f"{module} imports from above or beside: {upward}"


def test_no_modules_of_the_engine_go_in_circles() -> None:
    assert not circles(name for name in MODULES if ".engine." in name)


@pytest.mark.parametrize(
    "module", [name for name in MODULES if ".ui." in name and not name.endswith("ui.__init__")]
)
def test_arrows_between_the_rooms_of_the_window_only_go_down(module: str) -> None:
    here = module.split(".")[2]
    others = [
        name
        for name in map(module_of, imports_of(MODULES[module]))
        if name.startswith("cfinspect.ui.") and name.split(".")[2] != here
    ]
    upward = [name for name in others if UI_ROOMS[name.split(".")[2]] >= UI_ROOMS[here]]
    assert not upward, f"{module} imports from above or beside: {upward}"


def test_no_modules_of_the_window_go_in_circles() -> None:
    assert not circles(name for name in MODULES if ".ui." in name)


def test_the_engine_says_in_types_what_it_takes_and_gives() -> None:
    loose = []
    for name, path in MODULES.items():
        if not name.startswith("cfinspect.engine."):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                taken = [one.annotation for one in (*node.args.args, *node.args.kwonlyargs)]
                words = [ast.unparse(one) for one in (*taken, node.returns) if one]
                loose += [f"{name}.{node.name}" for word in words if "dict[str, Any]" in word]
    assert not loose


def test_no_file_is_longer_than_400_lines() -> None:
    long = {
        name: count
        for name, path in MODULES.items()
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert not long


@pytest.mark.parametrize("module", MODULES)
def test_qt_is_imported_by_the_window_and_torch_by_the_engine_only(module: str) -> None:
    outside = {name.split(".")[0] for name in imports_of(MODULES[module])}
    if layer_of(module) != "cfinspect.ui":
        assert not outside & {"PySide6", "qdarkstyle", "PyQt5", "PyQt6", "shiboken6"}
    if layer_of(module) != "cfinspect.engine":
        assert not outside & {"torch", "torchvision", "safetensors"}


def test_train_help_and_all_of_the_engine_work_without_qt() -> None:
    engine = [
        name.removesuffix(".__init__")
        for name in MODULES
        if ".engine." in name and not name.endswith("engine.__init__")
    ]
    done = run_without(
        "PySide6",
        f"""
import importlib
for name in {engine!r}:
    importlib.import_module(name)
sys.argv = ["cfinspect", "train", "--help"]
from cfinspect.__main__ import main
main()
""",
    )
    assert done.returncode == 0, done.stderr
    assert "--preset" in done.stdout


def test_inspection_and_all_but_the_named_modules_work_without_torch() -> None:
    named = {f"cfinspect.engine.{name}" for name in TORCH_MODULES}
    free = [name.removesuffix(".__init__") for name in MODULES if name not in named]
    assert "cfinspect.engine.inference.inspector" in free
    free.remove("cfinspect.__main__")
    done = run_without(
        "torch",
        f"""
import importlib
for name in {free!r}:
    importlib.import_module(name)
assert "torch" not in sys.modules
""",
    )
    assert done.returncode == 0, done.stderr


def test_help_starts_no_heavy_library() -> None:
    code = """
import sys
sys.argv = ["cfinspect", "--help"]
from cfinspect.__main__ import main
try:
    main()
except SystemExit as end:
    assert not end.code
names = {"torch", "torchvision", "cv2", "PIL", "PySide6", "matplotlib", "jinja2"}
heavy = names & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=PACKAGE.parent,
    )
    assert done.returncode == 0, done.stderr


def test_every_package_is_installed() -> None:
    """A new folder of code has to be named in pyproject.toml, or wheels lack it."""
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    listed = set(tomllib.loads(text)["tool"]["setuptools"]["packages"])
    source = REPOSITORY / "cfinspect"
    folders = {path.parent.relative_to(source.parent) for path in source.rglob("*.py")}
    assert {".".join(folder.parts) for folder in folders} <= listed
    assert {"cfinspect.shared.models", "cfinspect.shared.resources"} <= listed


def test_every_file_beside_the_code_is_installed() -> None:
    """A template that pyproject.toml does not name is in a checkout, and not in a wheel."""
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    named = {
        file
        for package, patterns in tomllib.loads(text)["tool"]["setuptools"]["package-data"].items()
        for pattern in patterns
        for file in (REPOSITORY / package.replace(".", "/")).glob(pattern)
    }
    beside = {
        path
        for path in (REPOSITORY / "cfinspect").rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc", ".md")
    }
    assert beside <= named
    assert REPOSITORY / "cfinspect/engine/evaluation/templates/report.html.j2" in beside
