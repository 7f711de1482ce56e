"""Small sound files of every kind that cfinspect reads, written by the program and its tests.

Each function gives sets of files: their paths below a folder, and their bytes.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

sys.path.extend(str(Path(__file__).parents[1] / name) for name in ("engine", "formats", "project"))
from labelled import ABOUT, items
from picture_files import Layout, bmp_file, png_chunk, png_file, tiff_file
from studio import inspected_project
from tiny_models import tiny_model

from cfinspect.engine.base.json_types import json_text
from cfinspect.engine.model.file import save_model
from cfinspect.engine.networks.settings import NO_BACKBONE
from cfinspect.engine.training.config import TrainConfig
from cfinspect.engine.training.state import TrainState
from cfinspect.formats.exchange_types import Item, Options, Writer
from cfinspect.formats.registry import writer
from cfinspect.project.backup import back_up
from cfinspect.project.finding import find
from cfinspect.project.project import Project
from cfinspect.project.scan import scan
from cfinspect.project.verdicts import Verdict, decide

Files = dict[str, bytes]
HALL = "hall"  # the folder of images
LABELS = "labels"  # the folder that is imported
CPU = torch.device("cpu")
CONFIG = TrainConfig.from_preset(
    "fast", backbone=NO_BACKBONE, width=4, discriminator_width=4, size=32, steps=2
)


def read_files(root: Path) -> Files:
    """All regular files below a folder."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def write_files(root: Path, files: Files) -> None:
    """Write a set of files below a folder."""
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
        os.utime(root / name, (_WHEN, _WHEN))


_WHEN = 1_700_000_000  # s; a project knows when its images were changed


# Images ---------------------------------------------------------------------------------------


def _noise(*shape: int, most: int = 256, dtype: Any = np.uint8) -> Any:
    return np.random.default_rng(len(shape)).integers(0, most, shape).astype(dtype)


def _pillow(array: Any, form: str, mode: str | None = None, **how: Any) -> bytes:
    image = Image.fromarray(array)
    stream = BytesIO()
    (image.convert(mode) if mode else image).save(stream, form, **how)
    return stream.getvalue()


def png() -> list[bytes]:
    """Grey, colours, alpha, palette, 1 and 16 bit, interlaced, with EXIF and text."""
    exif = Image.Exif()
    exif[0x0112] = 6
    text = png_chunk(b"tEXt", b"Comment\0a scan") + png_chunk(b"gAMA", b"\0\0\xb1\x8f")
    return [
        png_file(_noise(9, 12, 3), 8, 2, chunks=text),
        png_file(_noise(9, 12, 1, most=2), 1, 0, interlaced=True),
        png_file(_noise(9, 12, 4, most=4096, dtype=np.uint16), 16, 6),
        png_file(_noise(9, 12, 1, most=4096, dtype=np.uint16), 16, 0),
        _pillow(_noise(9, 12, 3), "PNG", "P"),
        _pillow(_noise(9, 12, 3), "PNG", exif=exif),
    ]


def jpeg() -> list[bytes]:
    """Baseline, progressive, with restarts, grey, CMYK, turned by EXIF, without its end."""
    exif = Image.Exif()
    exif[0x0112] = 5
    plain = _pillow(_noise(24, 30, 3), "JPEG")
    return [
        plain,
        plain.removesuffix(b"\xff\xd9"),
        _pillow(_noise(24, 30, 3), "JPEG", progressive=True),
        _pillow(_noise(24, 30, 3), "JPEG", progressive=True).removesuffix(b"\xff\xd9"),
        _pillow(_noise(24, 30, 3), "JPEG", restart_marker_blocks=2, exif=exif),
        _pillow(_noise(24, 30), "JPEG"),
        _pillow(_noise(24, 30, 3), "JPEG", "CMYK"),
    ]


def mpo() -> list[bytes]:
    """Two JPEG in one, as phones write them."""
    more = [Image.fromarray(_noise(24, 30, 3))]
    return [_pillow(_noise(24, 30, 3), "MPO", save_all=True, append_images=more)]


def tiff() -> list[bytes]:
    """Strips, tiles, planes, several pages, codecs, depths, floating point, BigTIFF."""
    grey, deep = _noise(20, 33, 1), _noise(20, 33, 1, most=4096, dtype=np.uint16)
    colours = _noise(20, 33, 3)
    broken = _noise(20, 33, 1).astype(np.float32) / 255
    return [
        tiff_file([(grey, 8, 1, Layout(), {})]),
        tiff_file([(deep, 12, 0, Layout(order=">"), {})]),
        tiff_file([(deep, 16, 1, Layout(codec="lzw", predictor=2, rows=5), {})]),
        tiff_file([(colours, 8, 2, Layout(planar=True, codec="deflate"), {})]),
        tiff_file([(colours, 8, 2, Layout(tile=(16, 16), codec="packbits"), {})]),
        tiff_file([(colours, 8, 2, Layout(big=True, codec="zstd", orientation=6), {})]),
        tiff_file([(broken, 32, 1, Layout(predictor=3, codec="deflate"), {})]),
        tiff_file([(grey, 8, 1, Layout(), {254: 1}), (colours, 8, 2, Layout(codec="lzma"), {})]),
        _pillow(_noise(20, 33, 3), "TIFF", compression="jpeg"),
        _pillow(_noise(20, 33, most=2) > 0, "TIFF", compression="group4"),
    ]


def bmp() -> list[bytes]:
    """Palettes, 16, 24 and 32 bit, top down, with and without alpha."""
    shades = _noise(16, 3)
    fields = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    return [
        bmp_file(_noise(7, 9, most=16), 4, palette=shades),
        bmp_file(_noise(7, 9, most=2), 1, palette=shades[:2]),
        bmp_file(_noise(7, 9, most=1 << 24, dtype=np.uint32), 24, top_down=True),
        bmp_file(_noise(7, 9, most=1 << 24, dtype=np.uint32), 32, masks=fields),
        bmp_file(_noise(7, 9, most=1 << 16, dtype=np.uint32), 16, masks=(0x7C00, 0x3E0, 0x1F)),
    ]


def gif() -> list[bytes]:
    """No format that is read: it must be refused whatever it holds."""
    return [_pillow(_noise(9, 12, 3), "GIF", "P")]


def webp() -> list[bytes]:
    """With and without loss, with alpha, moving."""
    more = [Image.fromarray(255 - _noise(24, 30, 3))]
    return [
        _pillow(_noise(24, 30, 3), "WEBP"),
        _pillow(_noise(24, 30, 4), "WEBP", lossless=True),
        _pillow(_noise(24, 30, 3), "WEBP", save_all=True, append_images=more),
    ]


# Labels ---------------------------------------------------------------------------------------


def labels(scratch: Path, form: str) -> list[Files]:
    """What cfinspect exports in a format, as run lengths or masks, and as polygons."""
    write, _ = writer(form)
    choices = [Options()]
    if form in {"coco", "labelme", "cvat"}:
        choices.append(Options(polygons=True))
    return [_written(scratch / f"{form}-{n}", write, one) for n, one in enumerate(choices)]


def _written(folder: Path, write: Writer, options: Options) -> Files:
    out = folder / LABELS
    out.mkdir(parents=True)
    write(out, iter(_hall_items(folder)), ABOUT, options)
    return {f"{LABELS}/{name}": data for name, data in read_files(out).items()}


def _hall_items(folder: Path) -> list[Item]:
    """As they are called in a project of these images alone."""
    made = items(folder / "source", range(3))
    return [replace(one, name=one.source.name, stem=one.source.stem) for one in made]


def hall(scratch: Path) -> Files:
    """A project of the images that all these labels belong to; nobody has said anything yet."""
    folder = scratch / "project"
    items(folder / HALL, range(3))
    for path in (folder / HALL).iterdir():
        os.utime(path, (_WHEN, _WHEN))
    with Project.create(folder / HALL, human=True) as project:
        scan(project)
    return read_files(folder)


def xanylabeling(_scratch: Path) -> list[Files]:
    """What X-AnyLabeling writes: turned boxes, descriptions, scores."""
    shape: dict[str, object] = {
        "score": None,
        "difficult": False,
        "group_id": 3,
        "description": "",
        "attributes": {},
    }
    square = [[5, 5], [30, 5], [30, 40], [5, 40]]
    data = {
        "version": "2.4.4",
        "flags": {"bad": True},
        "shapes": [
            {
                "label": "crack",
                "shape_type": "rotation",
                "points": square,
                "direction": 0.4,
                **shape,
            },
            {"label": "crack", "shape_type": "rectangle", "points": square, **shape},
            {"label": "rust", "shape_type": "circle", "points": square[:2], **shape},
            {"label": "rust", "shape_type": "linestrip", "points": square[:3], **shape},
        ],
        "imagePath": "img 0.png",
        "imageData": None,
        "imageHeight": 72,
        "imageWidth": 88,
    }
    return [{f"{LABELS}/img 0.json": json.dumps(data, indent=2).encode()}]


# Models ---------------------------------------------------------------------------------------


def model(scratch: Path) -> list[Files]:
    """A model file of 32 px."""
    torch.manual_seed(0)
    save_model(scratch / "m.safetensors", tiny_model())
    return [{"m.safetensors": (scratch / "m.safetensors").read_bytes()}]


def run(scratch: Path) -> list[Files]:
    """A training's folder after one step."""
    state = TrainState(CONFIG, CPU)
    for part, optimiser in state.optimisers.items():
        for weight in state.nets[part].parameters():
            weight.grad = torch.zeros_like(weight)
        optimiser.step()
    state.save(scratch / "checkpoint.safetensors")
    rows = ({"kind": "train", "step": step, "loss": 0.5} for step in (1, 2))
    return [
        {
            "checkpoint.safetensors": (scratch / "checkpoint.safetensors").read_bytes(),
            "config.json": json_text(CONFIG.to_dict(), indent=2).encode(),
            "metrics.jsonl": "".join(f"{json.dumps(row)}\n" for row in rows).encode(),
        }
    ]


def archive(scratch: Path) -> list[Files]:
    """A classifier of torch.export."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    net.append(nn.Linear(4, 2))
    count = {0: torch.export.Dim("n", min=1, max=64)}
    example = (torch.zeros(2, 3, 16, 16),)
    exported = torch.export.export(net.eval(), example, dynamic_shapes=(count,))
    torch.export.save(exported, scratch / "c.pt2")
    return [{"c.pt2": (scratch / "c.pt2").read_bytes()}]


# Databases ------------------------------------------------------------------------------------


def database(scratch: Path) -> list[Files]:
    """A project with predictions, verdicts, a mask, a backup; closed, and of a killed program."""
    root = scratch / "databases" / HALL
    with inspected_project(root, [0.9, 0.2, 0.6]) as project:
        back_up(project.paths, project.database)
        _said(project)
        killed = scratch / "killed"
        shutil.copytree(root, killed / HALL)
    return [read_files(root.parent), read_files(killed)]


def _said(project: Project) -> None:
    mask = np.zeros((24, 24), np.uint8)
    mask[3:9, 4:12] = 1
    ids = [find(project, f"img{number}.png").id for number in range(3)]
    decide(project, ids[0], who="ann", verdict=Verdict.DAMAGED, mask=mask, comment="left edge")
    decide(project, ids[1], who="bob", verdict=Verdict.UNDAMAGED)
    decide(project, ids[1], who="ann", verdict=Verdict.SKIPPED)


def in_scratch(make: Callable[[Path], list[Files]]) -> list[Files]:
    """What ``make`` makes in a folder that is deleted afterwards."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        return make(Path(folder))


PICTURES = {make.__name__: make for make in (png, jpeg, tiff, bmp, webp, mpo, gif)}
