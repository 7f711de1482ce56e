"""One look at cfinspect on a GPU: does it run, is it right, how fast, what holds it back?

    python tests/bench/gpu.py --out DIR [--budget 510] [--only env,steps] [--tiny]

For a machine that has torch, torchvision, numpy, OpenCV, Pillow, safetensors, typer, rich, yaml
and pycocotools, and a checkout: nothing else is installed. A driver (no torch) draws the images on
all cores, then lets a worker run one section after another; a section that crashes or hangs costs
only itself. ``DIR/gpu_check.json`` holds all figures and grows while the sections run; the answers
in short are printed at the end. ``--tiny`` is a dry run on the CPU.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from gpu_parts.driver import drive


def main() -> int:
    """See the module's text."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", default=os.environ.get("OUT") or tempfile.mkdtemp())
    parser.add_argument("--work", default=tempfile.mkdtemp(), help="a folder for images and runs")
    parser.add_argument("--root", default=str(Path(__file__).resolve().parents[2]), help="checkout")
    parser.add_argument("--budget", type=float, default=510, help="seconds for all of it")
    parser.add_argument("--tiny", action="store_true", help="a dry run on the CPU")
    parser.add_argument("--only", default="", help="sections, with commas between")
    parser.add_argument("--worker", default="", help=argparse.SUPPRESS)
    parser.add_argument("--left", type=float, default=1e9, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        from gpu_parts.worker import work

        return work(given)
    return drive(given)


if __name__ == "__main__":
    sys.exit(main())
