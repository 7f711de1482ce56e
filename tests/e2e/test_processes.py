"""Commands in processes of their own: nothing that another command loaded before helps them.

Training, inspecting and exporting in this way is tried where they are interrupted, killed and kept
from the network.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from program import Run, json_lines, spawn_cfinspect


@pytest.fixture(scope="module")
def places(
    cf: Run, model: Path, walls: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """Where the words below stand for: a model, a data folder, a project of it, a new folder."""
    folder = tmp_path_factory.mktemp("processes")
    for word in ("undamaged", "damaged"):
        shutil.copytree(walls / word, folder / "project" / word)
    assert cf("project", "init", folder / "project").returncode == 0
    found = {"MODEL": model, "WALLS": walls, "PROJECT": folder / "project", "NEW": folder / "new"}
    return {name: str(path) for name, path in found.items()}


@pytest.mark.parametrize(
    "command",
    (
        "calibrate MODEL WALLS --out NEW.safetensors",
        "evaluate MODEL WALLS --out NEW/report",
        "explain MODEL WALLS/damaged --method rise --rise-masks 8 --limit 2 --out NEW/explained",
        "ablate WALLS --out NEW/table --vary rho=1 --seeds 1 --steps 2 --size 32 --set width=4",
        "models show MODEL",
        "project scan PROJECT",
        "review PROJECT --list --all",
        "import PROJECT WALLS --format cfinspect",
        "tile WALLS --out NEW/tiles --size 24",
        "audit PROJECT --verify",
    ),
)
def test_a_command_needs_nothing_that_another_has_loaded(
    places: dict[str, str], command: str
) -> None:
    for name, path in places.items():
        command = command.replace(name, path)
    done = spawn_cfinspect(*command.split(), "--json")
    assert done.returncode == 0, done.stderr
    assert json_lines(done.stdout)
    assert "Traceback" not in done.stderr
