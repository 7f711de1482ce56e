"""How the window feels: scrolling, leafing, the threshold, and while a training runs.

    QT_QPA_PLATFORM=offscreen python tests/bench/ui/feel.py [PART...] [--images N] [--minutes M]

Images are drawn, nothing is read from elsewhere. Every figure is printed with what it should be.
"""

from __future__ import annotations

import argparse
import gc
import os
import shutil
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from measured import a_window, listed, live, percentile, wait_for
from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication

from cfinspect.engine.base.images import write_jpeg
from cfinspect.engine.inference.inspector import Inspection
from cfinspect.engine.inference.review_reason import ReviewCode, ReviewReason
from cfinspect.engine.model.metadata import Decision, ModelMetadata, Preprocessing
from cfinspect.engine.networks.spec import NetworkSpec
from cfinspect.engine.synth.cracks import make_crack
from cfinspect.engine.synth.folder import write_folder
from cfinspect.project.predictions import Inspected, save, to_inspect
from cfinspect.project.project import Project
from cfinspect.project.saliency import SaliencyCache
from cfinspect.project.scan import scan
from cfinspect.ui.shell.main_window import MainWindow

REASONS = (ReviewReason(ReviewCode.SCORE_IN_BAND, (0.9, 0.85, 0.95)),)
METADATA = ModelMetadata(
    created="2026-01-01T00:00:00+00:00",
    cfinspect_version="0",
    generator=NetworkSpec("identity"),
    discriminator=NetworkSpec("compact"),
    preprocessing=Preprocessing(size=96),
    decision=Decision(mask_threshold=0.3, min_area_fraction=0.0001),
)
_12_MP = (3000, 4000)
_4_MP = (1740, 2300)


def main() -> None:
    """Run the chosen parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = {
        "gallery": gallery,
        "review": review,
        "threshold": threshold,
        "training": training,
        "memory": memory,
    }
    parser.add_argument("parts", nargs="*", default=list(parts))
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--minutes", type=float, default=1.0)
    arguments = parser.parse_args()
    for name in arguments.parts:
        with tempfile.TemporaryDirectory() as place:
            print(f"== {name}", flush=True)
            parts[name](Path(place), arguments)


# Gallery ------------------------------------------------------------------------------------------


def gallery(place: Path, arguments: argparse.Namespace) -> None:
    """Open an indexed project of many images and scroll through it, cold and warm."""
    root = place / "hall"
    many_images(root, arguments.images)
    with Project.create(root) as project:
        scan(project)
    with a_window(place / "home") as window:
        wait_for(lambda: window.status.device_label.text() not in {"", "getting ready…"})
        started = time.perf_counter()
        window.controllers.projects.open(root)
        wait_for(lambda: listed(window))
        QApplication.processEvents()
        opened = time.perf_counter() - started
        print(f"{arguments.images} images listed and scrollable after {opened:.2f} s (<= 1)")
        live(1)  # the scan begins
        wait_for(lambda: window.session.jobs.running is None)
        bar = window.gallery.grid.verticalScrollBar()
        for name in ("cold", "warm"):
            frames = scroll(window, bar, 300)
            limit = 33 if name == "cold" else 16
            print(
                f"scrolling {name}: frame p50 {1000 * percentile(frames, 0.5):.1f} ms, "
                f"p99 {1000 * percentile(frames, 0.99):.1f} ms (<= {limit}), "
                f"max {1000 * max(frames):.1f} ms"
            )
            live(4)  # thumbnails of what was passed are made


def scroll(window: MainWindow, bar: QObject, steps: int) -> list[float]:
    """Scroll down by a third of a row at a time; how long each frame took."""
    frames = []
    bar.setValue(0)  # type: ignore[attr-defined]
    for step in range(steps):
        started = time.perf_counter()
        bar.setValue(step * 50)  # type: ignore[attr-defined]
        window.gallery.grid.viewport().repaint()
        QApplication.processEvents()
        frames.append(time.perf_counter() - started)
        time.sleep(max(0.0, 0.016 - frames[-1]))
    return frames


def many_images(root: Path, count: int) -> None:
    """Small JPEGs, each with its own content."""
    root.mkdir()
    chance = np.random.default_rng(0)
    base = chance.integers(0, 255, (96, 96, 3), np.uint8)
    write_jpeg(root / "one.jpg", base, 50)
    data = (root / "one.jpg").read_bytes()
    (root / "one.jpg").unlink()
    for number in range(count):
        folder = root / f"{number // 1000:03d}"
        folder.mkdir(exist_ok=True)
        # What follows the end of a JPEG is no part of the picture, but of the content.
        (folder / f"img_{number:06d}.jpg").write_bytes(data + number.to_bytes(4, "big"))


# Review -------------------------------------------------------------------------------------------


def review(place: Path, _: argparse.Namespace) -> None:
    """From the key to the sharp picture with its overlay: read ahead, and cold."""
    for name, size, limit in (("640 x 480", (480, 640), 50), ("12 MP", _12_MP, 50)):
        root = place / name.replace(" ", "")
        inspected_project(root, 9, size)
        with a_window(place / "home") as window:
            wait_for(lambda: window.status.device_label.text() not in {"", "getting ready…"})
            open_first(window, root)
            ahead = []
            for _step in range(8):
                live(1.5)  # as long as a person looks
                started = time.perf_counter()
                window.reviewer.step(1)
                wait_for(lambda: sharp(window))
                window.canvas.repaint()
                ahead.append(time.perf_counter() - started)
            print(
                f"next image, {name}, read ahead: median {1000 * percentile(ahead, 0.5):.0f} ms, "
                f"worst {1000 * max(ahead):.0f} ms (<= {limit})"
            )
            cold = []
            for image_id in window.model.ids[:8]:
                window.session.pictures.forget()
                live(0.5)
                started = time.perf_counter()
                window.navigator.show(image_id)
                wait_for(lambda: sharp(window))
                window.canvas.repaint()
                cold.append(time.perf_counter() - started)
            print(
                f"next image, {name}, cold: median {1000 * percentile(cold, 0.5):.0f} ms, "
                f"worst {1000 * max(cold):.0f} ms (<= 150)"
            )


def sharp(window: MainWindow) -> bool:
    """Whether the image on screen is the asked one, at least as fine as the screen shows it."""
    picture, row = window.canvas.picture, window.navigator.row
    if picture is None or row is None or picture.row.id != row.id or not picture.levels:
        return False
    fine = picture.levels[0].width() / picture.width
    return fine >= min(1.0, window.canvas.scale) and window.canvas.machine_mask() is not None


def threshold(place: Path, _: argparse.Namespace) -> None:
    """Move the slider at 4 MP; each step computes the mask and draws it."""
    root = place / "hall"
    inspected_project(root, 1, _4_MP)
    with a_window(place / "home") as window:
        wait_for(lambda: window.status.device_label.text() not in {"", "getting ready…"})
        open_first(window, root)
        wait_for(lambda: bool(window.canvas.picture and window.canvas.picture.saliency))
        for name, zoom in (("fitted", 0.0), ("at 100 %", 1.0)):
            if zoom:
                window.canvas.actual_size()
            slider = window.inspector.slider
            started, steps = time.perf_counter(), 60
            for step in range(steps):
                slider.setValue(250 + step * 5)
                window.canvas.repaint()
                QApplication.processEvents()
            rate = steps / (time.perf_counter() - started)
            print(f"threshold at 4 MP, {name}: {rate:.0f} redraws/s (>= 30)")


def open_first(window: MainWindow, root: Path) -> None:
    """Open a project and its first image."""
    window.controllers.projects.open(root)
    wait_for(lambda: listed(window))
    wait_for(lambda: window.session.jobs.running is None)
    window.controllers.review.open_image(window.model.ids[0])
    wait_for(lambda: sharp(window))


def inspected_project(root: Path, count: int, size: tuple[int, int]) -> None:
    """Large drawn walls with all that an inspection leaves."""
    root.mkdir()
    chance = np.random.default_rng(1)
    drawn = make_crack(chance, 512, True)
    times = (-(-size[0] // 512), -(-size[1] // 512), 1)
    wall = np.tile(drawn.image, times)[: size[0], : size[1]]
    mask = np.tile(drawn.mask, times[:2])[: size[0], : size[1]].astype(bool)
    for number in range(count):
        write_jpeg(root / f"wall_{number:02d}.jpg", np.roll(wall, 97 * number, axis=1), 92)
    with Project.create(root, domain="crack") as project:
        scan(project)
        model = project.add_model(Path("model.safetensors"), "bench", METADATA)
        for folder in project.folders():
            project.bind(folder, model)
        rows = []
        cache = SaliencyCache(project)
        for number, one in enumerate(to_inspect(project, model)):
            moved = np.roll(mask, 97 * number, axis=1)
            image = np.roll(wall, 97 * number, axis=1)
            noise = texture(size, number)
            saliency = np.where(moved, 0.3 + 0.6 * noise, 0.25 * noise).astype(np.float32)
            found = Inspection(
                1, 0.9, 0.05, 0.9, 0.05, True, True, REASONS, saliency, image,
                moved, float(moved.mean()), 0.9,
            )  # fmt: skip
            rows.append(Inspected(one.image_id, image, found))
            save(project, model, rows[-1:], cache)


def texture(size: tuple[int, int], seed: int) -> np.ndarray:
    """Smooth noise in 0..1: a saliency comes from a smaller map and has no finer grain."""
    small = np.random.default_rng(seed).random((size[0] // 8 + 1, size[1] // 8 + 1), np.float32)
    return np.asarray(cv2.resize(small, (size[1], size[0]), interpolation=cv2.INTER_LINEAR))


# Training -----------------------------------------------------------------------------------------


class Ticks(QObject):
    """Gaps between the ticks of a 16 ms timer on the window's thread."""

    def __init__(self) -> None:
        super().__init__()
        self.gaps: list[float] = []
        self._last = time.perf_counter()
        self._timer = QTimer(self, interval=16)
        self._timer.timeout.connect(self._tick)
        self._timer.start()

    def _tick(self) -> None:
        now = time.perf_counter()
        self.gaps.append(now - self._last)
        self._last = now

    def restart(self) -> None:
        """Forget what was measured."""
        self.gaps.clear()
        self._last = time.perf_counter()


def training(place: Path, arguments: argparse.Namespace) -> None:
    """Train for a while with the curves on screen, and measure how late the window's timer is."""
    data = write_folder(place / "walls", "crack", count=400, size=96, seed=1)
    with a_window(place / "home") as window:
        ticks = Ticks()
        live(0.2)
        ticks.restart()
        wait_for(lambda: window.status.device_label.text() not in {"", "getting ready…"})
        print(f"loading the networks' library: longest gap {1000 * max(ticks.gaps):.0f} ms (once)")
        window.controllers.training.show()
        page = window.training
        page.form.add_folder(data)
        page.form.minutes.setValue(arguments.minutes)
        page.start()
        wait_for(lambda: any(len(points) > 20 for points in page._losses.values()))
        ticks.restart()
        started = time.perf_counter()
        while page.is_running and time.perf_counter() - started < 60 * arguments.minutes:
            QApplication.processEvents()
            time.sleep(0.0005)
        gaps = ticks.gaps
        steps = max(len(points) for points in page._losses.values())
        print(
            f"while training ({steps} steps in {time.perf_counter() - started:.0f} s, "
            f"{os.cpu_count()} cores): gap p50 {1000 * percentile(gaps, 0.5):.1f} ms, "
            f"p99 {1000 * percentile(gaps, 0.99):.1f} ms (<= 25), max {1000 * max(gaps):.0f} ms "
            f"(<= 100), of {len(gaps)} ticks"
        )
        page.cancel()


# Memory -------------------------------------------------------------------------------------------


def memory(place: Path, _: argparse.Namespace) -> None:
    """Open 500 images and switch models 50 times; how much the process grows."""
    root = place / "hall"
    inspected_project(root, 60, (900, 1200))
    other = place / "other"
    shutil.copytree(root, other, ignore=shutil.ignore_patterns(".cfinspect"))
    with a_window(place / "home") as window:
        wait_for(lambda: window.status.device_label.text() not in {"", "getting ready…"})
        open_first(window, root)
        before = 0.0
        for number in range(500):
            window.navigator.show(window.model.ids[number % 60])
            wait_for(lambda: sharp(window) and not window.canvas.picture.preview)  # type: ignore[union-attr]
            if number == 50:
                before = resident()
        print(f"450 openings after the first 50: {resident() - before:+.0f} MB (< 50)")
        project = window.session.project
        assert project is not None
        before = resident()
        for number in range(50):
            digest = f"model {number % 2}"
            done: list[object] = []

            def bind(project: Project, digest: str = digest) -> None:
                model = project.add_model(Path(f"{digest}.safetensors"), digest, METADATA)
                for folder in project.folders():
                    project.bind(folder, model)

            window.session.change(bind, done.append)
            wait_for(lambda done=done: bool(done))  # type: ignore[misc]
            live(0.05)
        print(f"50 switches of models: {resident() - before:+.0f} MB (< 50)")


def resident() -> float:
    """Resident memory of this process in MB."""
    gc.collect()
    text = Path("/proc/self/statm").read_text(encoding="ascii")
    return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
