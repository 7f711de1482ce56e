"""``import cfinspect`` is quick and light, and offers what it says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import cfinspect
from cfinspect import errors


def run(code: str) -> str:
    """Run Python code in a new process and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(cfinspect.__file__).parents[1],
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_it_takes_a_moment_and_loads_nothing_else() -> None:
    code = """
import json, sys, time
before = set(sys.modules)
started = time.perf_counter()
import cfinspect
seconds = time.perf_counter() - started
print(json.dumps([seconds, sorted(name.split(".")[0] for name in set(sys.modules) - before)]))
"""
    tries = [json.loads(run(code)) for _ in range(3)]
    loaded = set(tries[0][1])
    assert not loaded & {"torch", "torchvision", "PySide6", "numpy", "cv2", "PIL", "safetensors"}
    assert not loaded - {"cfinspect"} - set(sys.stdlib_module_names), loaded
    # The limit is 0.1 s; of three tries on a busy machine the best one counts.
    assert min(seconds for seconds, _ in tries) < 0.1


def test_the_project_and_the_errors_start_no_torch_either() -> None:
    code = """
import sys
import cfinspect
cfinspect.open_project
cfinspect.errors.ImageError, cfinspect.errors.ProjectError, cfinspect.errors.FormatError
assert "torch" not in sys.modules and "PySide6" not in sys.modules
"""
    run(code)


def test_all_names_are_there_and_shown() -> None:
    for name in cfinspect.__all__:
        assert getattr(cfinspect, name)
        assert name in dir(cfinspect)
    with pytest.raises(AttributeError, match="has no attribute 'inspekt'"):
        _ = cfinspect.inspekt  # type: ignore[attr-defined]


def test_the_errors_are_the_engines_own() -> None:
    for name in errors.__all__:
        found = getattr(errors, name)
        assert found.__name__ == name
        assert issubclass(found, errors.CfinspectError) == (name != "Cancelled")
        assert f"``{name}``" in str(errors.__doc__)
    assert set(errors.__all__) <= set(dir(errors))
    with pytest.raises(AttributeError, match="NoSuchError"):
        _ = errors.NoSuchError  # type: ignore[attr-defined]
