"""A converted model beside its original: the same answers, how fast, how soon.

    python tests/bench/runtime.py [--images 2000] [--rounds 5] [--model crack]

Prints tables for RESULTS.md: answers on real tiles (where the data sets lie) and on drawn ones;
images a second of the networks alone, one thread, in turns; seconds from the start of
``cfinspect inspect`` with one image to its end, in turns. Ratios are of medians in this run.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from common import DATA
from numpy.typing import NDArray

from cfinspect.engine.base.images import read_image, write_png
from cfinspect.engine.data.image_folders import list_images
from cfinspect.engine.inference.inspector import Inspector
from cfinspect.engine.inference.loading import load_inspector
from cfinspect.engine.synth import SynthImage, make_apple, make_crack
from cfinspect.resources import models_path

_NEAR = 0.002
_BATCH = 32
_MAKERS: dict[str, Callable[[np.random.Generator, int, bool], SynthImage]] = {
    "crack": make_crack,
    "apple": make_apple,
}
_REAL = {"crack": "deepcrack_tiles", "apple": "apple_fresh_rotten"}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=tuple(_MAKERS), default="crack")
    parser.add_argument("--images", type=int, default=2000, help="of each kind")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    paths = [models_path() / f"{arguments.model}{one}" for one in (".safetensors", ".onnx")]
    ours, theirs = (load_inspector(path, "cpu", "fp32", threads=1) for path in paths)
    print("| images | labels that differ | ... by more than 0.002 | score | mask IoU, least |")
    print("|---|---|---|---|---|")
    for name, images in (
        ("real", real(arguments.model, arguments.images)),
        ("drawn", drawn(arguments.model, arguments.images)),
    ):
        compare(name, images, ours, theirs)
    speed(ours, theirs, arguments.model, arguments.rounds)
    start(paths, arguments.model, arguments.rounds)


def real(kind: str, most: int) -> Iterator[NDArray[np.uint8]]:
    """Images of the data set of this kind, spread evenly over it; none where it is not there."""
    folder = DATA / _REAL[kind]
    parts = [folder / one for one in ("damaged", "undamaged") if (folder / one).is_dir()]
    files = list_images(parts) if parts else []
    count = min(most, len(files))
    for place in range(count):
        yield read_image(files[place * len(files) // count])


def drawn(kind: str, most: int) -> Iterator[NDArray[np.uint8]]:
    """Drawn images of this kind, half of them damaged."""
    for number in range(most):
        yield _MAKERS[kind](np.random.default_rng([77, number]), 128, number % 2 == 0).image


def compare(
    name: str, images: Iterator[NDArray[np.uint8]], ours: Inspector, theirs: Inspector
) -> None:
    """One row of the table of answers."""
    count = other = clearly = 0
    apart, least = 0.0, 1.0
    threshold = ours.backend.metadata.decision.score_threshold
    for image in images:
        first, second = ours.inspect(image), theirs.inspect(image)
        count += 1
        other += first.label != second.label
        clearly += first.label != second.label and abs(first.score - threshold) > _NEAR
        apart = max(apart, abs(first.score - second.score))
        either = (first.mask | second.mask).sum()
        if either:
            least = min(least, float((first.mask & second.mask).sum() / either))
    print(f"| {name}, {count} | {other} | {clearly} | {apart:.1e} | {least:.4f} |", flush=True)


def speed(ours: Inspector, theirs: Inspector, kind: str, rounds: int) -> None:
    """Images a second of the networks alone."""
    size = ours.backend.metadata.preprocessing.size
    made = [_MAKERS[kind](np.random.default_rng([78, n]), size, n % 2 == 0) for n in range(_BATCH)]
    batch = np.stack([one.image for one in made])
    took: dict[str, list[float]] = {"torch": [], "onnxruntime": []}
    for _ in range(rounds):
        for name, inspector in (("torch", ours), ("onnxruntime", theirs)):
            started = time.perf_counter()
            inspector.backend.run(batch)
            took[name].append(time.perf_counter() - started)
    rates = {name: _BATCH / statistics.median(each) for name, each in took.items()}
    told = ", ".join(f"{name} {rate:.1f}/s" for name, rate in rates.items())
    print(f"\n{size} px, one thread: {told}; ratio {rates['onnxruntime'] / rates['torch']:.2f}")


def start(paths: list[Path], kind: str, rounds: int) -> None:
    """Seconds of a process that inspects one image."""
    with tempfile.TemporaryDirectory() as place:
        image = Path(place) / "one.png"
        write_png(image, _MAKERS[kind](np.random.default_rng(79), 128, True).image)
        took: dict[str, list[float]] = {path.suffix: [] for path in paths}
        root = str(Path(__file__).parents[2])
        for turn in range(rounds):
            for path in paths:
                out = Path(place) / f"{path.suffix}{turn}"
                words = ["-m", "cfinspect", "inspect", path, image, "--device", "cpu", "--out", out]
                started = time.perf_counter()
                subprocess.run(
                    [sys.executable, *map(str, words)],
                    env={**os.environ, "PYTHONPATH": root},
                    check=True,
                    capture_output=True,
                )
                took[path.suffix].append(time.perf_counter() - started)
    median = {suffix: statistics.median(each) for suffix, each in took.items()}
    ratio = median[".onnx"] / median[".safetensors"]
    told = ", ".join(f"{suffix} {seconds:.2f} s" for suffix, seconds in median.items())
    print(f"one image, from start to end of the process: {told}; ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
