"""Build the offline bundle with one command, and try it as a plant's IT would.

    python packaging/build.py --flavour light    inspects and reviews; small, without torch
    python packaging/build.py                    trains as well, for PCs without a GPU
    python packaging/build.py --flavour cuda     trains as well, also on NVIDIA GPUs

Makes a clean venv, installs this checkout into it, freezes it with PyInstaller, leaves out what
nobody needs (trim.py), collects all licences, writes manifest, archive and checksums, and runs
smoke.py on the archive unpacked elsewhere. Results are in dist/. ``--pip-options`` is handed to
pip: with an index of CPU-only builds of torch the cpu flavour has less than a third of the size.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import time
import tomllib
import venv
from pathlib import Path

import archive

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "packaging"
# PyInstaller takes them along only where the building machine has them, and says nothing if not.
_XCB = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-xinerama.so.0": "libxcb-xinerama0",
}
_TOOLS = {
    "Xvfb": "xvfb",
    "xwininfo": "x11-utils",
    "xdotool": "xdotool",
    "unshare": "util-linux",
    "setpriv": "util-linux",
}


def main() -> None:
    """Build, pack and try."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--flavour", choices=("light", "cpu", "cuda"), default="cpu")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="default: dist/")
    parser.add_argument("--work", type=Path, default=ROOT / "build", help="default: build/")
    parser.add_argument("--venv", type=Path, help="use this venv instead of a clean one")
    parser.add_argument("--pip-options", default="", metavar="TEXT", help="handed to pip install")
    parser.add_argument("--no-smoke", action="store_true", help="do not try the result")
    arguments = parser.parse_args()
    smoke = not arguments.no_smoke and sys.platform.startswith("linux")
    require_system(smoke)
    started = time.monotonic()
    work = arguments.work.resolve() / f"bundle-{arguments.flavour}"
    work.mkdir(parents=True, exist_ok=True)
    if arguments.venv:
        python = python_of(arguments.venv.resolve())
    else:
        python = make_venv(work / "venv", arguments.flavour, arguments.pip_options)
    folder = freeze(python, arguments.flavour, work)
    finish(python, folder, arguments.flavour, work)
    name = f"cfinspect-{version()}-{platform.system().lower()}-{platform.machine()}"
    # Of gigabytes of CUDA libraries, xz would take half an hour.
    packed_as = ".tar.xz" if arguments.flavour == "light" else ".tar.gz"
    suffix = ".zip" if sys.platform == "win32" else packed_as
    out = arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    step("packing")
    # Inside, the folder bears the version: unpacked beside an older one it must not mix with it.
    target = out / f"{name}-{arguments.flavour}{suffix}"
    packed = archive.pack(folder, target, source_moment(), f"cfinspect-{version()}")
    report(folder, packed, time.monotonic() - started)
    if smoke:
        step("trying it")
        run([sys.executable, str(HERE / "smoke.py"), str(packed)])


def step(text: str) -> None:
    """Say what comes next."""
    print(f"\n== {text}", flush=True)


def run(command: list[str], **environment: str) -> None:
    """Run a command to its end; a failure ends the build with its code."""
    done = subprocess.run(command, env={**os.environ, **environment}, check=False)
    if done.returncode:
        sys.exit(f"{shlex.join(command[:4])} ... ended with code {done.returncode}")


def require_system(smoke: bool) -> None:
    """Fail with names before anything is built."""
    if not sys.platform.startswith("linux"):
        print("The result is not tried: smoke.py knows Linux only.")
        return
    missing = []
    for library, package in _XCB.items():
        try:
            ctypes.CDLL(library)
        except OSError:
            missing.append(package)
    if smoke:
        missing += [package for tool, package in _TOOLS.items() if shutil.which(tool) is None]
    if missing:
        sys.exit(f"This machine lacks {', '.join(missing)}: install them (apt-get install ...).")


def make_venv(place: Path, flavour: str, pip_options: str) -> Path:
    """A clean venv with this checkout and PyInstaller; returns its Python."""
    step(f"a clean venv in {place}")
    venv.create(place, clear=True, with_pip=True)
    python = python_of(place)
    source = place.parent / "source"
    shutil.rmtree(source, ignore_errors=True)
    copy_sources(source)
    install = [str(python), "-m", "pip", "install", "--quiet", *shlex.split(pip_options)]
    if flavour == "light":
        run([*install, "-r", str(HERE / "without-torch.txt"), *extra("bundle")])
        run([*install, "--no-deps", str(source)])
    else:
        run([*install, f"{source}[bundle]"])
    return python


def extra(name: str) -> list[str]:
    """What pyproject.toml lists for an extra."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    found: list[str] = tomllib.loads(text)["project"]["optional-dependencies"][name]
    return found


def python_of(place: Path) -> Path:
    """The interpreter of a venv."""
    return place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def copy_sources(out: Path) -> None:
    """What a wheel is made of: setuptools leaves its own build folder beside what it installs."""
    out.mkdir(parents=True)
    for name in ("cfinspect", "resources", "models"):
        shutil.copytree(ROOT / name, out / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copyfile(ROOT / name, out / name)


def freeze(python: Path, flavour: str, work: Path) -> Path:
    """Run PyInstaller; returns the bundle's folder."""
    step(f"freezing ({flavour})")
    icons = work / "icons"
    icons.mkdir(exist_ok=True)
    run([str(python), str(HERE / "icons.py"), str(icons)])
    text = (HERE / "windows" / "version.txt").read_text(encoding="utf-8")
    numbers = (version().split(".") + ["0"] * 4)[:4]
    filled = text.replace("@NUMBERS@", ", ".join(numbers)).replace("@VERSION@", version())
    (icons / "version.txt").write_text(filled, encoding="utf-8")
    run(
        [
            str(python), "-m", "PyInstaller", "--noconfirm", "--clean", "--log-level", "WARN",
            "--distpath", str(work / "dist"), "--workpath", str(work / "pyinstaller"),
            str(HERE / "cfinspect.spec"),
        ],
        CFINSPECT_FLAVOUR=flavour,
        CFINSPECT_ICONS=str(icons),
        PYTHONHASHSEED="1",  # the order in sets, and with it the byte code, is the same each time
        SOURCE_DATE_EPOCH=str(source_moment()),
        PYTHONPATH="",
    )  # fmt: skip
    return work / "dist" / "cfinspect"


def finish(python: Path, folder: Path, flavour: str, work: Path) -> None:
    """Add build note, licences, installer and manifest."""
    step("licences and manifest")
    runtime = "onnxruntime" if flavour == "light" else "torch"
    asked = f"import {runtime}, platform; print({runtime}.__version__, platform.python_version())"
    runtime_version, python_version = subprocess.run(
        [str(python), "-c", asked], capture_output=True, text=True, check=True
    ).stdout.split()
    note = {
        "version": version(),
        "flavour": flavour,
        "commit": commit(),
        "source_date": time.strftime("%Y-%m-%d", time.gmtime(source_moment())),
        "python": python_version,
        runtime: runtime_version,
        "system": f"{platform.system()} {platform.machine()}",
    }
    inside = folder / "_internal" / "resources"
    (inside / "build.json").write_text(json.dumps(note, indent=1) + "\n", encoding="utf-8")
    models = folder / "_internal" / "models"
    sums = (models / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    there = [line for line in sums if (models / line.split()[1]).exists()]
    (models / "SHA256SUMS").write_text("\n".join(there) + "\n", encoding="utf-8")
    shutil.copyfile(ROOT / "LICENSE", folder / "LICENSE")
    licences = folder / "licences"
    shutil.rmtree(licences, ignore_errors=True)
    origins = work / "pyinstaller" / "cfinspect" / "origins.json"
    run([str(python), str(HERE / "licences.py"), str(licences), str(origins)])
    if sys.platform.startswith("linux"):
        for file in sorted((HERE / "linux").iterdir()):
            shutil.copy(file, folder / file.name)
        shutil.copy(inside / "icons" / "cfinspect.svg", folder / "cfinspect.svg")
        _strip(folder)
    archive.write_manifest(folder)


def _strip(folder: Path) -> None:
    """Take the symbols for debuggers out of Python's own library, where it was built with them."""
    if shutil.which("strip"):
        for library in (folder / "_internal").glob("libpython*.so*"):
            run(["strip", "--strip-unneeded", str(library)])


def report(folder: Path, packed: Path, seconds: float) -> None:
    """Sizes, and the ten largest parts."""
    total, parts = archive.sizes(folder)
    print(f"\n{packed}\n{packed.stat().st_size / 1e6:.0f} MB packed, {total / 1e6:.0f} MB unpacked")
    for name, size in parts[:10]:
        print(f"  {size / 1e6:7.0f} MB  {name}")
    print(f"Built in {seconds:.0f} s.", flush=True)


def version() -> str:
    """The version in cfinspect/__init__.py."""
    text = (ROOT / "cfinspect" / "__init__.py").read_text(encoding="utf-8")
    return text.split('__version__ = "', 1)[1].split('"', 1)[0]


def commit() -> str:
    """The commit that is built, with "+" where files are changed; "" outside of git."""
    asked = ["git", "-C", str(ROOT)]
    head = subprocess.run(
        [*asked, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False
    )
    changed = subprocess.run(
        [*asked, "status", "--porcelain"], capture_output=True, text=True, check=False
    )
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")


def source_moment() -> int:
    """Seconds since 1970 of the commit that is built; a fixed day outside of git."""
    asked = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    found = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    return int(found) if found else 1_767_225_600


if __name__ == "__main__":
    main()
