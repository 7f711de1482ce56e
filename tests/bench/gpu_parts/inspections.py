"""Files to inspections: images a second, and what each part alone would reach."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.io import ImageReadMode, decode_jpeg

from cfinspect.engine.base.images import read_image, resize_image, write_jpeg
from cfinspect.engine.inference import forward
from cfinspect.engine.inference.backend import NetworkOutputs
from cfinspect.engine.inference.loading import load_inspector
from cfinspect.engine.inference.stream import Source, find_sources, inspect_sources
from cfinspect.engine.inference.torch_backend import TorchBackend, load_backend
from gpu_parts.look import Look, counted_syncs, profiled, tried
from gpu_parts.scale import Found

Image = NDArray[np.uint8]
_SECONDS = 6  # of one rate


def section_inspect(look: Look, found: Found) -> None:
    """The shipped crack model and those of the trainings, on JPEG files."""
    size = max(look.scale.draw)
    drawn = sorted(Path(look.folders("test", size)[0]).glob("*damaged/*.png"))
    images = [read_image(path) for path in drawn]
    sources = _written(look, images)
    found["files"] = f"{len(sources)} JPEG of {size} px"
    _decoding(sources, found)
    models = {"shipped crack, 96 px": Path(look.root) / "models" / "crack.safetensors"}
    models |= {
        run.parent.name: run
        for run in sorted(look.work.glob("run_*/model.safetensors"))
        if f"{size}px" in run.parent.name
    }
    for name, path in models.items():
        if look.left() < 20:
            break
        row: Found = {}
        found[name] = row
        for batch, workers in look.scale.rates:
            row[f"batch_{batch}_workers_{workers}"] = _rate(look, path, sources, batch, workers)
        _Networks(look, path, images, row).measure(sources)
        if "photo_s" not in found:
            _photo(look, path, images[0], found)
    found["after"] = look.memory()
    if look.cuda:
        found["nvjpeg"] = tried(_nvjpeg, look, [source.path for source in sources[:512]])


def _written(look: Look, images: list[Image]) -> list[Source]:
    files = look.work / "jpegs"
    files.mkdir(exist_ok=True)

    def write(number: int) -> None:
        write_jpeg(files / f"{number:05d}.jpg", images[number % len(images)])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(look.scale.files)))
    sources, _ = find_sources([files])
    return list(sources)


def _decoding(sources: list[Source], found: Found) -> None:
    few = sources[:200]
    begun = time.perf_counter()
    for source in few:
        read_image(source.path)
    found["decode_one_thread_images_s"] = round(len(few) / (time.perf_counter() - begun))
    with ThreadPoolExecutor(14) as pool:
        begun = time.perf_counter()
        list(pool.map(lambda source: read_image(source.path).shape, sources))
    found["decode_14_threads_images_s"] = round(len(sources) / (time.perf_counter() - begun))


def _rate(look: Look, path: Path, sources: list[Source], batch: int, workers: int) -> Found:
    """Images a second with decoding, and the share of the time that the networks take."""
    inspector = load_inspector(path, look.name, batch=batch)
    backend = inspector.backend
    assert isinstance(backend, TorchBackend)
    backend.most = max(64, batch)
    inside = 0.0
    plain = backend.run

    def run(batch: Image) -> NetworkOutputs:
        nonlocal inside
        begun = time.perf_counter()
        answer = plain(batch)
        inside += time.perf_counter() - begun
        return answer

    backend.run = run  # type: ignore[method-assign]
    for _ in inspect_sources(inspector, sources[:batch]):  # warm-up
        pass
    inside, begun, done = 0.0, time.perf_counter(), 0
    for outcome in inspect_sources(inspector, sources, workers=workers):
        done += outcome.inspection is not None
        if time.perf_counter() - begun > _SECONDS:
            break
    seconds = time.perf_counter() - begun
    inspector.close()
    return {"images_s": round(done / seconds), "share_in_backend": round(inside / seconds, 3)}


class _Networks:
    """G and D alone, on squares in memory."""

    def __init__(self, look: Look, path: Path, images: list[Image], row: Found) -> None:
        self.look, self.row = look, row
        self.backend = load_backend(path, look.name)
        self.side = self.backend.metadata.preprocessing.size
        self.tta = self.backend.metadata.preprocessing.tta
        self.generator, self.discriminator = self.backend._networks
        shown = [images[k % len(images)] for k in range(min(1024, look.scale.files))]
        self.squares = np.stack([resize_image(image, self.side) for image in shown])

    def measure(self, sources: list[Source]) -> None:
        """By batch, without copies, profiled, and beside a loop that one would write first."""
        look, row = self.look, self.row
        for batch in (64, 512) if look.cuda else (16,):
            seconds = look.timed(partial(self.run, self.squares, batch), 2, 1)
            row[f"run_networks_{batch}_images_s"] = round(len(self.squares) / seconds)
        few = self.squares[:512]
        seconds = look.timed(self._alone(few), 5 if look.cuda else 1, 1)
        row["gpu_alone_images_s"] = round(len(few) / seconds)
        row["profile"] = tried(profiled, look, lambda: self.run(self.squares[:64], 64), 3)
        row["syncs"] = tried(counted_syncs, look, lambda: self.run(self.squares[:64], 64))
        seconds = look.timed(lambda: self._plain(sources[:16]), 2, 1)
        row["plain_images_s"] = round(16 / seconds)
        self.backend.close()

    def run(self, squares: Image, batch: int) -> NetworkOutputs:
        """As inspections run them."""
        return forward.run_networks(
            self.generator, self.discriminator, squares, self.backend.device, batch, self.tta
        )

    def _alone(self, squares: Image) -> Callable[[], None]:
        x = forward.to_tensor(squares, self.backend.device.device)

        def only() -> None:
            with torch.inference_mode(), self.backend.device.autocast():
                out = self.generator(x).image
                first, *others = forward._views(x, self.tta)
                for seen in (torch.cat([first, out]), *others):
                    self.discriminator(seen)

        return only

    def _plain(self, sources: list[Source]) -> None:
        for source in sources:
            image = resize_image(read_image(source.path), self.side)
            x = torch.from_numpy(image).permute(2, 0, 1)[None].float().div(255).to(self.look.name)
            with torch.no_grad():
                out = self.generator(x).image
                for view in (x, x.flip(2), x.flip(3), x.flip((2, 3)), out):
                    self.discriminator(view).cpu()


def _photo(look: Look, path: Path, tile: Image, found: Found) -> None:
    """One large photo through overlapping windows."""
    inspector = load_inspector(path, look.name)
    preprocessing = inspector.backend.metadata.preprocessing
    if preprocessing.scope == "tiles":
        height, width = look.scale.photo
        photo = np.tile(tile, (-(-height // len(tile)), -(-width // len(tile)), 1))[:height, :width]
        begun = time.perf_counter()
        inspector.inspect(np.ascontiguousarray(photo))
        found["photo_s"] = round(time.perf_counter() - begun, 3)
        found["photo"] = f"{width} x {height}, tiles of {preprocessing.tile}"
    inspector.close()


def _nvjpeg(look: Look, paths: list[Path]) -> Found:
    """What the GPU's own JPEG decoder would reach, and how far its pixels are from ours."""
    data = [torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8) for path in paths]
    seconds = look.timed(lambda: decode_jpeg(data, mode=ImageReadMode.RGB, device="cuda"), 3, 1)
    first = decode_jpeg(data[:8], mode=ImageReadMode.RGB, device="cuda")
    gaps = [
        np.abs(one.permute(1, 2, 0).cpu().numpy().astype(int) - read_image(path).astype(int))
        for one, path in zip(first, paths, strict=False)
    ]
    return {
        "images_s": round(len(data) / seconds),
        "mean_gap": float(np.mean([gap.mean() for gap in gaps])),
        "max_gap": int(max(gap.max() for gap in gaps)),
    }
