"""A notebook of an engineer, from loading to a project, executed as it stands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from PIL import Image
from program import table

import cfinspect

SCRIPT = Path(__file__).with_name("notebook_script.py")


def test_every_cell_of_the_notebook_runs(walls: Path, tmp_path: Path) -> None:
    shutil.copytree(walls, tmp_path / "walls")
    (tmp_path / "photos").mkdir()
    for image in sorted(walls.glob("*damaged/*.png"))[::8]:
        shutil.copy(image, tmp_path / "photos")
    done = subprocess.run(
        [sys.executable, SCRIPT],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(cfinspect.__file__).parents[1]),
            "OMP_NUM_THREADS": "1",
        },
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("Cannot read nowhere.png")
    with Image.open(tmp_path / "shown.png") as shown:
        assert shown.width > 3 * shown.height
    assert len(table(tmp_path / "results" / "inspections.csv")) == 6
    assert {one.name for one in (tmp_path / "run").iterdir()} >= {"model.safetensors", "curves.png"}
