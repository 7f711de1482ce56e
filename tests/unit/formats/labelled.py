"""Items of an export with real image files and masks of two classes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from cfinspect.engine.base.images import write_jpeg, write_png
from cfinspect.formats.exchange_types import (
    About,
    ImportedImage,
    IndexMask,
    Item,
    Options,
    Reader,
    Writer,
)

CLASSES = {1: "crack", 2: "spalling & <rust>"}
ABOUT = About(CLASSES, {"project": "p", "models": {"m": {"name": "m.safetensors"}}})


def hard_mask(seed: int, side: int = 72) -> IndexMask:
    """Blobs with holes and islands, at the edge, one-pixel lines, single pixels; two classes."""
    chance = np.random.default_rng(seed)
    mask = np.zeros((side, side + 16), np.uint8)
    if seed % 10 == 9:
        return mask
    for _ in range(chance.integers(1, 4)):
        centre = tuple(int(v) for v in chance.integers(-5, side + 10, 2))
        radius, value = int(chance.integers(6, 20)), int(chance.integers(1, 3))
        cv2.circle(mask, centre, radius, value, -1)
        if chance.random() < 0.8:
            cv2.circle(mask, centre, radius // 2, 0, -1)
            if chance.random() < 0.5:
                cv2.circle(mask, centre, max(1, radius // 5), 3 - value, -1)
    for _ in range(chance.integers(1, 4)):
        ends = [tuple(int(v) for v in chance.integers(0, side, 2)) for _ in range(2)]
        cv2.line(mask, ends[0], ends[1], int(chance.integers(1, 3)), 1)
    if chance.random() < 0.5:
        mask[0, :] = 1
        mask[:, -1] = 2
    ys, xs = chance.integers(0, side, (2, 6))
    mask[ys, xs] = chance.integers(0, 3, 6)
    return mask


def items(folder: Path, seeds: range, *, split: bool = False) -> list[Item]:
    """One item a seed, its image written to ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for seed in seeds:
        mask = hard_mask(seed)
        image = np.random.default_rng(seed).integers(0, 255, (*mask.shape, 3), np.uint8)
        path = folder / f"img {seed}.{'jpg' if seed % 2 else 'png'}"
        (write_jpeg if seed % 2 else write_png)(path, image)
        found.append(
            Item(
                name=f"hall/{path.name}",
                stem=f"hall__img {seed}",
                source=path,
                width=mask.shape[1],
                height=mask.shape[0],
                label=int(mask.any()),
                mask=mask,
                group=f"g{seed // 3}",
                split=("train", "val", "test")[seed % 3] if split else "",
                provenance={"layer": "human", "who": "ann", "model": "m", "score": 0.7},
            )
        )
    return found


def taken(read: Reader | None, path: Path) -> list[ImportedImage]:
    """What is taken of ``path``; nothing is refused."""
    assert read is not None
    found = list(read(path))
    sound = [one for one in found if isinstance(one, ImportedImage)]
    assert len(sound) == len(found), found
    return sound


def round_trip(
    tmp_path: Path, write: Writer, read: Reader, seeds: range, options: Options
) -> list[tuple[Item, ImportedImage]]:
    """Write items, read them back, and pair them by name."""
    before = items(tmp_path / "source", seeds)
    out = tmp_path / "out"
    out.mkdir()
    write(out, iter(before), ABOUT, options)
    found = taken(read, out)
    assert len(found) == len(before)
    named = {Path(one.name).name.removesuffix(Path(one.name).suffix or "?"): one for one in found}
    return [(item, named[item.stem]) for item in before]


def as_mask(found: ImportedImage, shape: tuple[int, ...]) -> IndexMask:
    """Put the parts of a found image together with our class numbers."""
    numbers = {name: number for number, name in CLASSES.items()}
    mask = np.zeros(shape, np.uint8)
    for name, part in found.parts.items():
        mask[part] = numbers[name]
    return mask


def iou(a: IndexMask, b: IndexMask) -> float:
    """Worst IoU over the classes, 1 where a class is in neither."""
    worst = 1.0
    for number in CLASSES:
        one, other = a == number, b == number
        if (one | other).any():
            worst = min(worst, float((one & other).sum() / (one | other).sum()))
    return worst


Change = Callable[[Path], None]
