"""A project of 100,000 images: scans, every list a window needs, and memory.

    python tests/bench/project.py [--images 100000] [--folder DIR]

Makes small files (noise, a few hundred bytes with image suffixes: a scan hashes, it does not
decode), and predictions for all of them. Times are the worst of several calls.
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from cfinspect.engine.inference.inspector import Inspection
from cfinspect.engine.model.metadata import Decision, ModelMetadata, Preprocessing
from cfinspect.engine.networks.spec import NetworkSpec
from cfinspect.project.listing import (
    HumanState,
    ImageFilter,
    SortOrder,
    count,
    counts,
    list_images,
    waiting,
)
from cfinspect.project.predictions import Inspected, save, to_inspect
from cfinspect.project.project import Project
from cfinspect.project.queue import Rank, queue, take
from cfinspect.project.scan import scan
from cfinspect.project.verdicts import Verdict, decide

METADATA = ModelMetadata(
    created="2026-01-01T00:00:00+00:00",
    cfinspect_version="0",
    generator=NetworkSpec("identity"),
    discriminator=NetworkSpec("compact"),
    preprocessing=Preprocessing(size=96),
    decision=Decision(score_threshold=0.5),
)


def main() -> None:
    """Build the project and print one line per figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(arguments.folder or Path(folder) / "hall", arguments.images)


def measure(root: Path, images: int) -> None:
    """Print the figures of a project with so many images."""
    if not root.exists():
        write_files(root, images)
    started = time.perf_counter()
    baseline_read(root)
    print(f"reading all files, nothing else: {time.perf_counter() - started:.2f} s")
    project = Project.create(root, domain="crack", human=True)
    report = scan(project)
    print(f"first scan of {report.present} images: {report.seconds:.2f} s")
    for _ in range(3):
        report = scan(project)
        print(f"scan of the unchanged tree: {report.seconds:.2f} s")
    model = project.add_model(Path("m.safetensors"), "m", METADATA)
    for one in project.folders():
        project.bind(one, model)
    predict(project, model)
    started = time.perf_counter()
    project.close()
    project = Project.open(root, human=True)
    print(f"opening with integrity check: {time.perf_counter() - started:.2f} s")
    decide_some(project, images // 20)
    queries(project, images)
    size = project.paths.database.stat().st_size / 2**20
    print(f"database: {size:.0f} MiB, {size * 2**20 / images:.0f} bytes an image")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of it all: {peak:.0f} MiB")


def write_files(root: Path, images: int) -> None:
    """Files with content of their own in 200 folders."""
    chance = random.Random(0)
    for part in range(200):
        folder = root / f"lot {part // 10}" / ("damaged" if part % 2 else "undamaged") / str(part)
        folder.mkdir(parents=True)
        for number in range(images // 200):
            (folder / f"IMG_{number:04d}.jpg").write_bytes(chance.randbytes(600))


def baseline_read(root: Path) -> None:
    """Read every file once, for comparison (and to have them all in the cache)."""
    for path in root.rglob("*.jpg"):
        path.read_bytes()


def predict(project: Project, model: object) -> None:
    """Give every image a prediction, as an inspection would: in batches."""
    chance = np.random.default_rng(0)
    todo = to_inspect(project, model)  # type: ignore[arg-type]
    started = time.perf_counter()
    for begin in range(0, len(todo), 64):
        batch = []
        for number, *_ in todo[begin : begin + 64]:
            score = float(chance.beta(0.5, 0.5))
            mask = np.zeros((64, 64), bool)
            mask[3:6, 3 : 3 + int(1 + 20 * score)] = score > 0.5
            found = Inspection(
                label=int(score >= 0.5),
                score=score,
                p0=1 - score,
                p1=score,
                p_fake=float(chance.random()),
                flipped=True,
                review=bool(chance.random() < 0.1),
                reasons=(),
                saliency=mask.astype(np.float32),
                counterfactual=np.zeros((64, 64, 3), np.uint8),
                mask=mask,
                area_fraction=float(mask.mean()),
                head=score,
            )
            image = chance.integers(0, 255, (64, 64, 3), np.uint8)
            batch.append(Inspected(number, image, found))
        save(project, model, batch)  # type: ignore[arg-type]
    seconds = time.perf_counter() - started
    print(f"storing predictions: {len(todo) / seconds:.0f} images/s")


def decide_some(project: Project, number: int) -> None:
    """Set verdicts one by one, each safely on disk."""
    rows = list_images(project, limit=number)
    started = time.perf_counter()
    for row in rows:
        decide(project, row.id, who="bench", verdict=Verdict.DAMAGED)
    print(f"verdicts: {len(rows) / (time.perf_counter() - started):.0f} a second")


def queries(project: Project, images: int) -> None:
    """Time everything that a window asks for."""
    timed("counts per folder, state, label", lambda: counts(project))
    for sort in SortOrder:
        for offset in (0, images // 2, images - 100):
            for descending in (False, True):
                timed(
                    f"page by {sort} from {offset}{' descending' if descending else ''}",
                    lambda s=sort, o=offset, d=descending: list_images(  # type: ignore[misc]
                        project, sort=s, offset=o, descending=d
                    ),
                )
    filters = {
        "open": ImageFilter(state=HumanState.OPEN),
        "open, flagged, damaged": ImageFilter(state=HumanState.OPEN, flagged=True, machine=1),
        "score 0.4 to 0.6": ImageFilter(score_from=0.4, score_to=0.6),
        "text": ImageFilter(text="IMG_0123"),
        "text that is nowhere": ImageFilter(text="nowhere"),
        "one folder": ImageFilter(folder="."),
    }
    for name, wanted in filters.items():
        timed(f"count, {name}", lambda w=wanted: count(project, w))  # type: ignore[misc]
        for sort in (SortOrder.PLACE, SortOrder.UNCERTAINTY):
            timed(
                f"page by {sort}, {name}",
                lambda w=wanted, s=sort: list_images(project, w, s, descending=True),  # type: ignore[misc]
            )
    for rank in Rank:
        timed(f"queue by {rank}", lambda r=rank: queue(project, r))  # type: ignore[misc]
    timed("queue, everything", lambda: queue(project, everything=True))
    timed("how many wait", lambda: waiting(project))
    timed("take one", lambda: take(project, "bench", "bench"))


def timed(name: str, call: Callable[[], object], times: int = 5) -> None:
    """Print the median and the worst of some calls, in ms."""
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    seconds.sort()
    flag = "" if seconds[times // 2] < 0.02 else "  <-- over 20 ms"
    print(f"{name}: {seconds[times // 2] * 1e3:.1f} ms (worst {seconds[-1] * 1e3:.1f}){flag}")


if __name__ == "__main__":
    main()
