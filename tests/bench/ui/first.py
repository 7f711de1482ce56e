"""How soon the window shows something, and how much memory it has afterwards.

    QT_QPA_PLATFORM=offscreen python tests/bench/ui/first.py [--images 1000] [--rounds 3]

For each shipped crack model, in turns; the converted one in a process that cannot import torch, as
in the light bundle. ``first result``: from the command to inspect to the first image that has one.
``opened``: from the start of a process, with an inspected folder, to its first image with its mask.
``memory``: resident, with all images inspected and the first one shown; ``peak``: the most.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

_ROOT = Path(__file__).resolve().parents[3]


def main() -> None:
    """Print a table of medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1000, help="tiles of 128 px")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--in-process", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.in_process:
        print(json.dumps(act(*arguments.in_process)))
        return
    print("| model | first result, s | opened, s | memory, MB | peak, MB |\n|---|---|---|---|---|")
    for model in ("crack.safetensors", "crack.onnx"):
        found: dict[str, list[float]] = {}
        for _ in range(arguments.rounds):
            with tempfile.TemporaryDirectory() as place:
                folder = Path(place) / "walls"
                draw(folder, arguments.images)
                for what in ("inspect", "open"):
                    for name, value in child(what, folder, model).items():
                        found.setdefault(name, []).append(value)
        middle = {name: statistics.median(values) for name, values in found.items()}
        print(
            f"| {model} | {middle['first']:.2f} | {middle['opened']:.2f} | {middle['memory']:.0f} "
            f"| {middle['peak']:.0f} |",
            flush=True,
        )


def draw(folder: Path, count: int) -> None:
    """Tiles, half of them cracked."""
    from cfinspect.engine.base.images import write_png
    from cfinspect.engine.synth.cracks import make_crack

    folder.mkdir()
    drawn = [make_crack(np.random.default_rng([5, n]), 128, n % 2 == 0).image for n in range(40)]
    for number in range(count):
        turned = np.rot90(drawn[number % 40], number // 40 % 4)
        write_png(folder / f"{number:04}.png", np.ascontiguousarray(turned))


def child(what: str, folder: Path, model: str) -> dict[str, float]:
    """What a process of its own measured."""
    words = [sys.executable, __file__, "--in-process", what, str(folder), model, str(time.time())]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def act(what: str, folder: str, model: str, started: str) -> dict[str, float]:
    """Drive a window; ``started``: the time when the process was asked for."""
    if model.endswith(".onnx"):
        sys.modules["torch"] = sys.modules["torchvision"] = None  # type: ignore[assignment]
    sys.path[:0] = [str(_ROOT), str(Path(__file__).parent)]
    from measured import a_window, listed, wait_for

    from cfinspect.resources import models_path

    root = Path(folder)
    with a_window(root.parent / "home") as window:
        window.controllers.projects.open(root)
        wait_for(lambda: listed(window))
        if what == "open":
            show_first(window)
            return {"opened": time.time() - float(started)}
        wait_for(lambda: window.status.device_label.text() not in {"", "getting ready…"})
        wait_for(lambda: window.session.jobs.running is None)
        facts = window.session.facts
        assert facts is not None
        begun = time.perf_counter()
        ticket = window.controllers.inspections.start(
            models_path() / model, [one.id for one in facts.folders]
        )
        assert ticket is not None

        def results() -> bool:
            now = window.session.facts
            return now is not None and any(one.machine is not None for one in now.counts)

        wait_for(results)
        first = time.perf_counter() - begun
        wait_for(lambda: ticket.is_over, 3600)
        show_first(window)
        wait_for(lambda: window.session.jobs.running is None)
        text = Path("/proc/self/status").read_text(encoding="ascii")
        memory, peak = (
            int(re.search(rf"{name}:\s+(\d+)", text)[1]) / 1000  # type: ignore[index]
            for name in ("VmRSS", "VmHWM")
        )
        return {"first": first, "memory": memory, "peak": peak}


def show_first(window: object) -> None:
    """Open the first damaged image, and wait for its mask."""
    from feel import sharp
    from measured import wait_for

    wait_for(lambda: window.session.jobs.running is None)  # type: ignore[attr-defined]
    window.controllers.review.open_image(window.model.ids[0])  # type: ignore[attr-defined]
    wait_for(lambda: sharp(window))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
