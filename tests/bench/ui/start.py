"""From process start to the first window, beside labelme, in one run.

    xvfb-run -a python tests/bench/ui/start.py --labelme PATH/TO/labelme [--rounds 7]
    xvfb-run -a python tests/bench/ui/start.py --bundle PATH/TO/cfinspect

Needs an X server (xvfb-run) and xwininfo. Both programs are started in turns with a folder of 1,000
drawn JPEGs (for cfinspect an indexed project); the clock stops when a window of more than 400 px
is on the screen. ``bare`` is a PySide6 window with nothing in it.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from cfinspect.engine.base.images import write_jpeg
from cfinspect.project.project import Project
from cfinspect.project.scan import scan

_BARE = """
from PySide6.QtWidgets import QApplication, QMainWindow
app = QApplication([]); window = QMainWindow(); window.resize(900, 600); window.show(); app.exec()
"""


def main() -> None:
    """Print the medians and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--labelme", type=Path)
    parser.add_argument("--bundle", type=Path, help="the frozen program")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "photos"
        draw(folder)
        with Project.create(folder) as project:
            scan(project)
        programs = {
            "bare": [sys.executable, "-c", _BARE],
            "cfinspect": [sys.executable, "-m", "cfinspect"],
            "cfinspect FOLDER": [sys.executable, "-m", "cfinspect", "gui", str(folder)],
        }
        if arguments.bundle:
            programs["bundle"] = [str(arguments.bundle)]
            programs["bundle FOLDER"] = [str(arguments.bundle), "gui", str(folder)]
        if arguments.labelme:
            programs["labelme"] = [str(arguments.labelme), str(folder)]
        environment = {**os.environ, "CFINSPECT_HOME": str(Path(place) / "home")}
        times: dict[str, list[float]] = {name: [] for name in programs}
        for _ in range(arguments.rounds):
            for name, command in programs.items():
                times[name].append(first_window(command, environment))
    for name, values in times.items():
        print(f"{name}: {statistics.median(values):.2f} s ({min(values):.2f} to {max(values):.2f})")
    if "bundle" in times:
        for name in ("cfinspect", "cfinspect FOLDER"):
            frozen = name.replace("cfinspect", "bundle")
            ratio = statistics.median(times[frozen]) / statistics.median(times[name])
            print(f"{frozen} / {name}: {ratio:.2f}")
    if "labelme" in times:
        for name in ("cfinspect", "cfinspect FOLDER"):
            ratio = statistics.median(times[name]) / statistics.median(times["labelme"])
            print(f"{name} / labelme: {ratio:.2f}")


def draw(folder: Path) -> None:
    """A thousand JPEGs of 640 x 480."""
    folder.mkdir()
    chance = np.random.default_rng(0)
    base = chance.integers(0, 255, (480, 640, 3), np.uint8)
    for number in range(1000):
        write_jpeg(folder / f"photo_{number:04d}.jpg", np.roll(base, number, axis=1), 60)


def first_window(command: list[str], environment: dict[str, str]) -> float:
    """Seconds until the program's window is on the screen."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while time.perf_counter() - started < 60:
            tree = subprocess.run(
                ["xwininfo", "-root", "-tree"], capture_output=True, text=True, check=True
            ).stdout
            sizes = re.findall(r"^\s+0x\S+ .*?(\d+)x(\d+)\+", tree, flags=re.MULTILINE)
            if any(int(width) > 400 and int(height) > 300 for width, height in sizes[1:]):
                return time.perf_counter() - started
            time.sleep(0.005)
        raise SystemExit(f"{command[0]} showed no window within a minute")
    finally:
        process.kill()
        process.wait()
        time.sleep(0.3)


if __name__ == "__main__":
    main()
