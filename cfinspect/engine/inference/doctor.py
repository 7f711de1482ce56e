"""What is installed, what is missing, how to mend it: the checks of ``cfinspect doctor``.

Nothing here starts another process or opens a window. Torch and OpenCV are imported inside the
checks that need them, so that a broken installation is a finding and not a crash.
"""

import ctypes
import importlib
import importlib.util
import logging
import os
import platform
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from cfinspect.engine.base.errors import first_line
from cfinspect.engine.base.installed import (
    PACKAGES,
    Package,
    has_torch,
    installed_version,
    version_numbers,
)

_log = logging.getLogger(__name__)

_LEAST_PYTHON = (3, 11)
_UNPACK_AGAIN = "unpack the bundle again (sha256sum -c SHA256SUMS in it says what is damaged)"
_LEAST_SQLITE = (3, 37, 0)
_LEAST_FREE_BYTES = 2 * 1024**3


# What Qt's xcb plugin loads beyond its own wheel, and the Debian and Ubuntu packages with it.
_XCB_LIBRARIES = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libfontconfig.so.1": "libfontconfig1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libglib-2.0.so.0": "libglib2.0-0",
}


@dataclass(frozen=True)
class Check:
    """One finding. ``detail`` says what was found; ``fix`` what to do, "" where ``ok``.

    Without ``required`` only the window or the speed suffers: training and inspecting from the
    command line still work.
    """

    name: str
    ok: bool
    detail: str
    fix: str = ""
    required: bool = True


def run_checks(folder: Path | None = None) -> list[Check]:
    """Look at Python, packages, Qt's libraries, device and disk, and try the engine for a moment.

    ``folder`` is where runs will be written (default: the current folder). Never raises: what
    goes wrong inside a check is that check's finding.
    """
    where = folder if folder is not None else Path.cwd()
    steps: list[tuple[str, Callable[[], Check]]] = [("python", check_python)]
    steps += [(package.name, partial(check_package, package)) for package in PACKAGES]
    steps += [
        ("sqlite", check_sqlite),
        ("opencv and qt", check_opencv_plugins),
        ("qt libraries", check_qt_libraries),
        ("display", check_display),
        ("device", check_device),
        ("disk", lambda: check_disk(where)),
        ("self-test", check_engine),
    ]
    return [_guarded(name, step) for name, step in steps]


def _frozen() -> bool:
    """Whether this is the bundle, where pip is of no use."""
    return bool(getattr(sys, "frozen", False))


def _guarded(name: str, step: Callable[[], Check]) -> Check:
    try:
        return step()
    except Exception as error:  # whatever is broken on this machine: that is what we look for
        _log.exception("check %r failed", name)
        detail = f"{type(error).__name__}: {first_line(error)}"
        fix = _UNPACK_AGAIN if _frozen() else "reinstall cfinspect and its packages"
        return Check(name, False, detail, f"{fix}; see the log")


def check_python() -> Check:
    """Python's version, and what it runs on."""
    version = platform.python_version()
    detail = f"{version} on {platform.system()} {platform.machine()}"
    wanted = ".".join(map(str, _LEAST_PYTHON))
    if sys.version_info < _LEAST_PYTHON:
        return Check("python", False, detail, f"install Python {wanted} or newer")
    return Check("python", True, detail)


def check_package(package: Package) -> Check:
    """Whether a package is installed in a version that works; it is not imported for this."""
    name = package.name
    required = not package.for_window and not (package.for_torch and _does_without_torch())
    bounds = f">={package.least}" + (f",<{package.below}" if package.below else "")
    fix = _UNPACK_AGAIN if _frozen() else f'pip install "{name}{bounds}"'
    version = installed_version(package)
    if version is None and package.for_torch and not required and _frozen():
        said = "not in this bundle, which inspects and reviews; to train, take the cpu or cuda one"
        return Check(name, True, said, required=False)
    if version is None:
        purpose = "; only the window needs it" if package.for_window else ""
        if package.for_torch and not required:
            purpose = "; converted models (.onnx) do without, training does not"
        return Check(name, False, f"not installed{purpose}", fix, required)
    if not version:  # a frozen application may carry packages without their metadata
        return Check(name, True, "installed, version not recorded", required=required)
    number = version_numbers(version)
    fits = number >= version_numbers(package.least)
    if package.below:
        fits = fits and number < version_numbers(package.below)
    if not fits:
        return Check(name, False, f"{version}, but {bounds} is needed", fix, required)
    return Check(name, True, version, required=required)


def _does_without_torch() -> bool:
    """Whether converted models can be run here and others cannot."""
    return not has_torch() and importlib.util.find_spec("onnxruntime") is not None


def check_sqlite() -> Check:
    """Whether Python's SQLite knows what the project store asks of it."""
    name, found = "sqlite", sqlite3.sqlite_version
    least = ".".join(map(str, _LEAST_SQLITE))
    if sqlite3.sqlite_version_info >= _LEAST_SQLITE:
        return Check(name, True, found)
    return Check(name, False, f"{found}, projects need {least}", "use a newer Python", False)


def check_opencv_plugins() -> Check:
    """OpenCV's desktop wheels carry Qt plugins of their own, which make the window abort."""
    name = "opencv and qt"
    spec = importlib.util.find_spec("cv2")
    if spec is None or spec.origin is None:
        return Check(name, False, "OpenCV is not installed", "pip install opencv-python-headless")
    importlib.import_module("cv2")
    plugins = Path(spec.origin).parent / "qt" / "plugins"
    if plugins.is_dir():
        fix = (
            "pip uninstall -y opencv-python opencv-contrib-python opencv-python-headless, "
            "then pip install opencv-python-headless"
        )
        detail = f"OpenCV brings its own Qt plugins ({plugins}), which clash with PySide6"
        return Check(name, False, detail, fix, required=False)
    return Check(name, True, "OpenCV brings no Qt of its own", required=False)


def check_qt_libraries() -> Check:
    """The system libraries that Qt's window needs under Linux, by asking the loader itself."""
    name = "qt libraries"
    if not sys.platform.startswith("linux"):
        return Check(name, True, "come with PySide6 on this system", required=False)
    missing = {soname: debian for soname, debian in _XCB_LIBRARIES.items() if not _loads(soname)}
    if missing:
        detail = "the window cannot open without " + ", ".join(missing)
        fix = "sudo apt-get install " + " ".join(missing.values())
        return Check(name, False, detail, fix, required=False)
    return Check(name, True, f"all {len(_XCB_LIBRARIES)} found", required=False)


def _loads(soname: str) -> bool:
    # Not ctypes.util.find_library: it starts ldconfig or a compiler, and finds nothing without.
    try:
        ctypes.CDLL(soname)
    except OSError:
        return False
    return True


def check_display() -> Check:
    """Whether there is a display to open the window on."""
    if not sys.platform.startswith("linux"):
        return Check("display", True, "the desktop", required=False)
    for variable in ("WAYLAND_DISPLAY", "DISPLAY"):
        if os.environ.get(variable):
            return Check("display", True, f"{variable}={os.environ[variable]}", required=False)
    fix = "log in to a desktop, or use the commands: cfinspect train, inspect, evaluate"
    return Check("display", False, "none: the window cannot open here", fix, required=False)


def check_device() -> Check:
    """Which device and precision the engine takes, and why; an idle GPU is a finding."""
    if _does_without_torch():
        from cfinspect.engine.inference.onnx_backend import chosen_here  # noqa: PLC0415

        return Check("device", True, chosen_here(), required=False)
    from cfinspect.engine.base.device import choose_device  # noqa: PLC0415 - imports torch

    chosen = choose_device()
    detail = f"{chosen.device}, {chosen.precision} ({chosen.reason})"
    if chosen.device.type == "cpu" and _has_nvidia_driver():
        fix = "install a torch build with CUDA for your driver: https://pytorch.org/get-started"
        if _frozen():
            fix = "take the bundle whose name ends in cuda"
        return Check("device", False, f"an NVIDIA driver is here, but: {detail}", fix, False)
    return Check("device", True, detail, required=False)


def _has_nvidia_driver() -> bool:
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def check_disk(folder: Path) -> Check:
    """Free space where runs are written; a run with checkpoints takes some hundred MB."""
    free = shutil.disk_usage(folder).free
    detail = f"{free / 1024**3:.1f} GiB free in {folder}"
    if free < _LEAST_FREE_BYTES:
        return Check("disk", False, detail, "free at least 2 GiB, or write runs elsewhere")
    return Check("disk", True, detail)


def check_engine() -> Check:
    """Train a tiny net for a moment on the chosen device, and write and read an image."""
    start = time.perf_counter()
    trains = not _does_without_torch()
    if trains:
        before, after = _train_tiny()
        if not after < before:
            detail = f"a tiny net did not learn: its loss went from {before:.3f} to {after:.3f}"
            return Check("self-test", False, detail, "try --device cpu --precision fp32")
    with tempfile.TemporaryDirectory(prefix="cfinspect-") as folder:
        name = "prüfung.png" if sys.getfilesystemencoding() == "utf-8" else "check.png"
        same = _image_survives(Path(folder) / name)
    if not same:
        fix = "reinstall opencv-python-headless and pillow"
        return Check("self-test", False, "an image changed on its way to disk and back", fix)
    took = time.perf_counter() - start
    done = "trained, wrote and read" if trains else "wrote and read"
    return Check("self-test", True, f"{done} in {took:.1f} s")


def _train_tiny() -> tuple[float, float]:
    """First and last loss of a few steps that must tell bright from dark images."""
    import torch  # noqa: PLC0415 - doctor must start where torch is broken

    from cfinspect.engine.base.device import choose_device  # noqa: PLC0415

    chosen = choose_device()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = torch.nn.Sequential(
            torch.nn.Conv2d(3, 8, 3, padding=1),
            torch.nn.ReLU(),
            torch.nn.AdaptiveAvgPool2d(1),
            torch.nn.Flatten(),
            torch.nn.Linear(8, 2),
        ).to(chosen.device)
        labels = torch.arange(16, device=chosen.device) % 2
        images = torch.rand(16, 3, 32, 32).to(chosen.device) * (
            labels.view(-1, 1, 1, 1) * 0.8 + 0.2
        )
    losses: list[float] = []
    for _ in range(20):
        with chosen.autocast():
            loss = torch.nn.functional.cross_entropy(net(images), labels)
        # Plain descent: importing torch's optimisers alone takes longer than these steps.
        slopes = torch.autograd.grad(loss, list(net.parameters()))
        with torch.no_grad():
            for weight, slope in zip(net.parameters(), slopes, strict=True):
                weight.sub_(slope, alpha=0.3)
        losses.append(float(loss.detach()))
    return losses[0], losses[-1]


def _image_survives(path: Path) -> bool:
    from cfinspect.engine.base.images import read_image, write_png  # noqa: PLC0415 - imports OpenCV

    image = np.arange(30 * 40 * 3, dtype=np.uint32).astype(np.uint8).reshape(30, 40, 3)
    write_png(path, image)
    return bool((read_image(path) == image).all())
