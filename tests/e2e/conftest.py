"""One drawn data folder and one short training for all tests of the program."""

from __future__ import annotations

from pathlib import Path

import pytest
from program import TINY, Done, Run, run_cfinspect


@pytest.fixture(scope="session")
def cf() -> Run:
    """Run ``cfinspect`` with arguments in this process and return what it printed."""
    return run_cfinspect


@pytest.fixture(scope="session")
def walls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of 48 drawn walls of 48 px, half of them cracked."""
    folder = tmp_path_factory.mktemp("data") / "walls"
    done = run_cfinspect("synth", folder, "--domain", "crack", "--count", 48, "--size", 48)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def trained(walls: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    """A finished run of 40 steps with a quarter of the groups held out, and what it printed."""
    run = tmp_path_factory.mktemp("runs") / "first"
    done = run_cfinspect(
        "train", walls, "--out", run, "--steps", 40, "--holdout", 0.25, *TINY, "--json"
    )
    assert done.returncode == 0, done.stderr
    return run, done


@pytest.fixture(scope="session")
def model(trained: tuple[Path, Done]) -> Path:
    """The model of that run."""
    return trained[0] / "model.safetensors"


@pytest.fixture(scope="session")
def everything(
    model: Path, walls: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Done]:
    """A report of that model with all its parts, on few images, and what was printed."""
    out = tmp_path_factory.mktemp("report")
    done = run_cfinspect("evaluate", model, walls, "--out", out, "--all", "--quick", "--images", 6)
    assert done.returncode == 0, done.stderr
    return out, done
