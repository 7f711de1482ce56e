"""Doctor: true findings on this machine, and the right words for machines that lack something."""

import importlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

from cfinspect.engine.base.installed import PACKAGES, Package, version_numbers
from cfinspect.engine.inference import doctor
from cfinspect.engine.inference.doctor import Check, check_package, run_checks

ROOT = Path(__file__).parents[4]


def _named(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


def test_a_working_installation_passes_what_is_required(tmp_path: Path) -> None:
    checks = _named(run_checks(tmp_path))
    for name in ("python", "torch", "torchvision", "numpy", "device", "disk", "self-test"):
        assert checks[name].detail
    for check in checks.values():
        assert check.ok or (check.fix and not check.required), check
        assert not (check.ok and check.fix)
    assert "trained, wrote and read" in checks["self-test"].detail
    assert checks["device"].detail.startswith(("cpu, ", "cuda"))


def test_bounds_are_those_of_pyproject() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ours = {f"{p.name}>={p.least}" + (f",<{p.below}" if p.below else "") for p in PACKAGES}
    assert ours == set(project["dependencies"])


def test_missing_package_names_the_command() -> None:
    check = check_package(Package("no-such-thing", "no_such_thing", "1.2"))
    assert not check.ok
    assert check.required
    assert check.fix == 'pip install "no-such-thing>=1.2"'


def test_versions_outside_the_bounds_are_found() -> None:
    old = check_package(Package("numpy", "numpy", "999.0"))
    assert not old.ok
    assert ">=999.0" in old.detail
    new = check_package(Package("numpy", "numpy", "1.0", below="1.1", for_window=True))
    assert not new.ok
    assert not new.required
    assert check_package(Package("numpy", "numpy", "1.0")).ok


@pytest.mark.parametrize(
    ("version", "numbers"),
    [("2.5.0+cpu", (2, 5)), ("6.11.2", (6, 11, 2)), ("2.10a1", (2, 10)), ("junk", ())],
)
def test_numbers_of_versions(version: str, numbers: tuple[int, ...]) -> None:
    assert version_numbers(version) == numbers


def test_an_old_sqlite_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.check_sqlite().ok
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 31, 1))
    found = doctor.check_sqlite()
    assert not found.ok
    assert "3.37.0" in found.detail


def test_missing_qt_library_names_its_debian_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    present = str(importlib.import_module("_ctypes").__file__)  # loads on every system
    libraries = {present: "numpy", "libno-such.so.7": "libno-such7"}
    monkeypatch.setattr(doctor, "_XCB_LIBRARIES", libraries)
    check = doctor.check_qt_libraries()
    assert not check.ok
    assert not check.required
    assert check.fix == "sudo apt-get install libno-such7"
    assert present not in check.detail
    monkeypatch.setattr(doctor, "_XCB_LIBRARIES", {present: "numpy"})
    assert doctor.check_qt_libraries().ok


def test_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not doctor.check_display().ok
    monkeypatch.setenv("DISPLAY", ":7")
    assert ":7" in doctor.check_display().detail


def test_opencv_with_its_own_qt_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "cv2"
    (package / "qt" / "plugins").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "cv2")
    check = doctor.check_opencv_plugins()
    assert not check.ok
    assert "opencv-python-headless" in check.fix


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1024**3))
    check = doctor.check_disk(tmp_path)
    assert not check.ok
    assert check.detail.startswith("1.0 GiB free")


def test_idle_gpu_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    if torch.cuda.is_available():
        assert doctor.check_device().ok
        return
    monkeypatch.setattr(doctor, "_has_nvidia_driver", lambda: True)
    check = doctor.check_device()
    assert not check.ok
    assert "pytorch.org" in check.fix


def test_a_check_that_breaks_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> tuple[float, float]:
        raise OSError("libtorch_cpu.so: cannot open\nmore")

    monkeypatch.setattr(doctor, "_train_tiny", broken)
    check = _named(run_checks(tmp_path))["self-test"]
    assert not check.ok
    assert check.detail == "OSError: libtorch_cpu.so: cannot open"


def test_doctor_starts_without_torch_and_without_qt(tmp_path: Path) -> None:
    for name in ("torch", "torchvision", "PySide6"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('made unimportable')")
    code = (
        "from cfinspect.engine.inference.doctor import run_checks\n"
        "import sys\n"
        "assert 'torch' not in sys.modules\n"
        "found = {c.name: c for c in run_checks()}\n"
        "assert 'made unimportable' in found['self-test'].detail, found\n"
        "assert found['self-test'].required and not found['self-test'].ok\n"
        "assert 'PySide6' not in sys.modules\n"
    )
    path = os.pathsep.join((str(tmp_path), str(ROOT)))
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": path})


def test_a_bundle_is_not_told_to_use_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    missing = check_package(Package("no-such-package", "no_such_module", "1.0"))
    assert not missing.ok
    assert "unpack the bundle again" in missing.fix
    monkeypatch.setattr(doctor, "_has_nvidia_driver", lambda: True)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert "the bundle whose name ends in cuda" in doctor.check_device().fix
