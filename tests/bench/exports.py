"""Exports of a project of 100,000 images in each format: seconds and peak memory.

    python tests/bench/exports.py [--images 100000] [--formats png coco ...]

Makes small PNG files (48 px) with a prediction each, half of them damaged with a mask. A format is
written by a process of its own.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from project import METADATA, predict

from cfinspect.formats.export_filter import ExportFilter, Only
from cfinspect.formats.exporting import export
from cfinspect.project.project import Project
from cfinspect.project.scan import scan

SIDE = 64


def main() -> None:
    """Build the project; print a row for each format."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--formats", nargs="+", default=["csv", "coco", "cfinspect", "png"])
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        measure(arguments.one, arguments.formats[0])
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "hall"
        build(root, arguments.images)
        print("| format | images | seconds | peak MiB |\n|---|---|---|---|", flush=True)
        for form in arguments.formats:
            command = [sys.executable, __file__, "--one", str(root), "--formats", form]
            subprocess.run(command, check=True)


def build(root: Path, images: int) -> None:
    """A project with predictions of ``images`` files in 50 folders."""
    chance = np.random.default_rng(0)
    walls = chance.integers(90, 160, (400, SIDE, SIDE, 3), np.uint8)
    files = [cv2.imencode(".png", cv2.GaussianBlur(wall, (5, 5), 0))[1].tobytes() for wall in walls]
    for number in range(images):
        folder = root / f"camera {number % 50:02d}"
        folder.mkdir(parents=True, exist_ok=True)
        own = files[number % len(files)] + str(number).encode()
        (folder / f"image_{number:06d}.png").write_bytes(own)
    with Project.create(root, domain="crack", human=True) as project:
        scan(project)
        model = project.add_model(Path("m.safetensors"), "m", METADATA)
        for one in project.folders():
            project.bind(one, model)
        predict(project, model)


def measure(root: Path, form: str) -> None:
    """Export once; print the row."""
    out = root.with_name(f"export {form}")
    with Project.open(root) as project:
        started = time.perf_counter()
        report = export(project, form, out, ExportFilter(Only.ALL))
        seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| {form} | {report.written} | {seconds:.1f} | {peak:.0f} |", flush=True)
    shutil.rmtree(out)


if __name__ == "__main__":
    main()
