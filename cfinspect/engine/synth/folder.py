"""A whole data folder of drawn images, ready for training and evaluation."""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np

from cfinspect.engine.base.atomic import folder_in_one_step, read_regular_text
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.images import write_png
from cfinspect.engine.base.progress import Progress
from cfinspect.engine.synth.apples import draw_apple_scene, make_apple
from cfinspect.engine.synth.blemishes import KINDS
from cfinspect.engine.synth.camera import SynthImage
from cfinspect.engine.synth.cracks import draw_wall_scene, make_crack

Domain = Literal["crack", "apple"]
_DOMAINS: tuple[Domain, ...] = ("crack", "apple")
_MARKER = "synth.json"  # tells our folders from the user's; never overwrite one without it


@dataclass(frozen=True)
class _Entry:
    """One image to draw; ``name`` is its path in the folder."""

    index: int
    group: int
    damaged: bool
    name: str
    kind: str | None = None

    @property
    def label(self) -> str:
        return (self.kind or "damaged") if self.damaged else "undamaged"

    @property
    def mask_name(self) -> str:
        return "masks/" + Path(self.name).name


def write_folder(
    out: Path,
    domain: Domain,
    *,
    count: int = 200,
    size: int = 128,
    damaged_share: float = 0.5,
    seed: int,
    tiles_per_group: int = 4,
    kinds: Sequence[str] = (),
    progress: Progress = Progress(),
) -> Path:
    """Draw ``count`` images of ``size`` pixels into ``out`` and return ``out``.

    Leaves ``undamaged/``, ``damaged/``, ``masks/<stem>.png`` for the damaged ones, ``labels.csv``
    (``filename,label,group``) and ``synth.json`` with these settings. Images of one group show the
    same wall or orchard under the same light and camera. ``kinds``: of apples' damage, see
    `blemishes.KINDS`, in turn and each in a folder of its name instead of ``damaged/``. The same
    settings give the same bytes, and image i is the same whatever ``count`` is. ``progress``
    steps with every image.

    The folder appears when it is complete; a break leaves nothing behind. One that was drawn
    earlier is replaced. Raises CfinspectError for impossible settings, for a folder that holds
    anything else, and where it cannot be written.
    """
    out = Path(out)
    _check_settings(domain, count, size, damaged_share, tiles_per_group)
    unknown = [kind for kind in kinds if domain != "apple" or kind not in KINDS]
    if unknown:
        raise CfinspectError(
            f"{unknown[0]} is no defect class that can be drawn: apples have {', '.join(KINDS)}"
        )
    _check_place(out)
    settings = {
        "domain": domain,
        "count": count,
        "size": size,
        "damaged_share": damaged_share,
        "seed": seed,
        "tiles_per_group": tiles_per_group,
        **({"kinds": list(kinds)} if kinds else {}),
    }
    try:
        with folder_in_one_step(out) as draft:
            entries = list(_plan(domain, count, damaged_share, tiles_per_group, kinds))
            for entry in entries:
                _write_image(draft, domain, entry, size, seed)
                progress.step(entry.index + 1, count)
            _write_labels(draft / "labels.csv", domain, entries, seed)
            text = json.dumps(settings, indent=1) + "\n"
            (draft / _MARKER).write_text(text, encoding="utf-8")
    except OSError as error:
        raise CfinspectError(f"{out} cannot be written ({error}); choose another folder") from error
    return out


def _check_settings(
    domain: str, count: int, size: int, damaged_share: float, tiles_per_group: int
) -> None:
    if domain not in _DOMAINS:
        raise CfinspectError(f"unknown domain {domain!r}: choose {' or '.join(_DOMAINS)}")
    for name, value, least in (
        ("count", count, 1),
        ("size", size, 32),
        ("tiles_per_group", tiles_per_group, 1),
    ):
        if value < least:
            raise CfinspectError(f"{name} is {value}, but must be at least {least}")
    if not 0.0 <= damaged_share <= 1.0:
        raise CfinspectError(f"the damaged share is {damaged_share}, but must be from 0 to 1")


def _check_place(out: Path) -> None:
    """Refuse a place that holds anything which `write_folder` did not write."""
    if not out.exists():
        return
    if not out.is_dir():
        raise CfinspectError(f"{out} is a file: name a folder for the images")
    found = {path.relative_to(out).as_posix() for path in out.rglob("*") if not path.is_dir()}
    foreign = sorted(found - _own_files(out, len(found))) if found else []
    if foreign:
        raise CfinspectError(
            f"{out} holds files that were not drawn here ({foreign[0]}): name an empty folder"
        )


def _own_files(out: Path, most: int) -> set[str]:
    """Names of the files, ``most`` of them, that an earlier call wrote to ``out``; none where it
    was not ours.
    """
    try:
        settings = json.loads(read_regular_text(out / _MARKER))
        arguments = (settings["domain"], settings["count"], settings["damaged_share"])
        plan = _plan(*arguments, settings["tiles_per_group"], settings.get("kinds", ()))
        entries = list(islice(plan, most))  # a stranger may claim any number
    except (OSError, ValueError, KeyError, TypeError, ArithmeticError, RecursionError):
        return set()
    names = {entry.name for entry in entries}
    masks = {entry.mask_name for entry in entries if entry.damaged}
    return names | masks | {_MARKER, "labels.csv"}


def _plan(
    domain: Domain, count: int, damaged_share: float, tiles_per_group: int, kinds: Sequence[str]
) -> Iterator[_Entry]:
    for index in range(count):
        # Spread evenly, so that each group has its share of both classes.
        before = int(index * damaged_share + 1e-9)
        damaged = int((index + 1) * damaged_share + 1e-9) > before
        kind = kinds[before % len(kinds)] if damaged and kinds else None
        folder = (kind or "damaged") if damaged else "undamaged"
        name = f"{folder}/{domain}_{index:05d}.png"
        yield _Entry(index, index // tiles_per_group, damaged, name, kind)


def _write_image(draft: Path, domain: Domain, entry: _Entry, size: int, seed: int) -> None:
    drawn = _draw(domain, entry, size, seed)
    target = draft / entry.name
    target.parent.mkdir(exist_ok=True)
    write_png(target, drawn.image)
    if entry.damaged:
        (draft / "masks").mkdir(exist_ok=True)
        write_png(draft / entry.mask_name, drawn.mask)


def _draw(domain: Domain, entry: _Entry, size: int, seed: int) -> SynthImage:
    """One image from its own two random streams: the group's and its own."""
    number = _DOMAINS.index(domain)
    shared = np.random.default_rng([seed, number, 0, entry.group])
    own = np.random.default_rng([seed, number, 1, entry.index])
    if domain == "crack":
        return make_crack(own, size, entry.damaged, draw_wall_scene(shared))
    return make_apple(own, size, entry.damaged, draw_apple_scene(shared), entry.kind)


def _write_labels(path: Path, domain: Domain, entries: list[_Entry], seed: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("filename", "label", "group"))
        for entry in entries:
            # The seed keeps groups of two drawn folders apart when both are trained on.
            writer.writerow((entry.name, entry.label, f"{domain}-{seed}-{entry.group:04d}"))
