"""Rebuild a shipped model from scratch, from what may be shipped.

    python packaging/models.py apple
    python packaging/models.py crack --metu METU       cracks need the METU data set too

METU is "Concrete Crack Images for Classification" (Özgenel, CC BY 4.0): a folder with its two
classes. Three quarters of it, chosen by content, are learned from; the rest is never looked at.
Everything else is drawn, and so are the masks that teach the segmenter beside those of G. All
settings are in models/recipes.json; the same seed on the same kind of processor gives the same
weights. Leaves models/<kind>.safetensors and its line in SHA256SUMS.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
from archive import sha256
from numpy.typing import NDArray

from cfinspect.cli.listening import CommandLine
from cfinspect.cli.output import Output
from cfinspect.cli.train import run
from cfinspect.engine.base.device import choose_device
from cfinspect.engine.base.events import CancelToken
from cfinspect.engine.base.images import read_image, write_png
from cfinspect.engine.calibration.distillation import DistillationSettings
from cfinspect.engine.calibration.fit import shift_to_false_alarms
from cfinspect.engine.data.augment import augment
from cfinspect.engine.data.dataset import Sample, read_folders
from cfinspect.engine.inference.forward import classify
from cfinspect.engine.inference.onnx_export import convert_model
from cfinspect.engine.model.file import load_model, save_model
from cfinspect.engine.model.plugins import ONNX_SUFFIX
from cfinspect.engine.synth import write_folder
from cfinspect.engine.synth.folder import Domain
from cfinspect.engine.training.config import TrainConfig
from cfinspect.workflows.distil_model import distil_model, read_lessons

MODELS = Path(__file__).resolve().parents[1] / "models"
_HELD_OUT = 0.25


def main() -> None:
    """Draw, train, round, sign."""
    recipes = json.loads((MODELS / "recipes.json").read_text(encoding="utf-8"))
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", choices=sorted(recipes))
    parser.add_argument("--metu", type=Path, help="folder with METU's two classes")
    parser.add_argument("--work", type=Path, default=Path("build/models"), help="for the images")
    parser.add_argument("--out", type=Path, default=MODELS, help="where the model goes")
    arguments = parser.parse_args()
    recipe = recipes[arguments.kind]
    if recipe["metu"] and arguments.metu is None:
        parser.error(f"{arguments.kind} is learned from METU too: give its folder with --metu")
    work = arguments.work.resolve() / arguments.kind
    if work.exists():
        parser.error(f"{work} exists: give another --work, or delete it")
    drawn = write_folder(work / "drawn", arguments.kind, **recipe["drawn"])
    folders, originals = [drawn], np.zeros(0, np.uint64)
    if recipe["metu"]:
        folders.append(work / "metu")
        originals = shrink(arguments.metu, folders[1], recipe["drawn"]["size"])
    config = TrainConfig.from_preset(
        **recipe["train"], data=tuple(map(str, folders)), out=str(work / "run")
    )
    trained = run(config, Output(False), CancelToken())
    if "elsewhere" in recipe:
        trained = for_elsewhere(trained, arguments.kind, work, **recipe["elsewhere"])
    target = arguments.out / f"{arguments.kind}.safetensors"
    trained = distilled(trained, folders, work / "distilled.safetensors", recipe["distill"])
    finish(trained, target, recipe["licence"], originals)
    convert_model(target, target.with_suffix(ONNX_SUFFIX))
    sign(arguments.out)
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB")


def for_elsewhere(
    trained: Path,
    kind: Domain,
    work: Path,
    *,
    size: int,
    count: int,
    seed: int,
    false_alarms: float,
) -> Path:
    """For photos, which D knows less well than drawings: larger input, a more careful threshold.

    ``size`` px; ``false_alarms``: share of ``count`` undamaged images of ``seed`` that it calls
    damaged when they are changed as other cameras would change them, twice over.
    """
    sound = write_folder(work / "sound", kind, count=count, size=size, seed=seed, damaged_share=0.0)
    model = load_model(trained)
    shown = dataclasses.replace(model.metadata.preprocessing, size=size)
    images = [read_image(one.path) for one in read_folders([sound], allow_one_class=True).samples]
    rng = np.random.default_rng(seed)
    elsewhere = augment(augment(np.stack(images), "strong", rng), "strong", rng)
    device = choose_device("cpu", "fp32")
    logits = classify(model.discriminator, elsewhere, device, shown.tta)
    decision = shift_to_false_alarms(model.metadata.decision, logits, false_alarms)
    metadata = dataclasses.replace(model.metadata, preprocessing=shown, decision=decision)
    save_model(work / "elsewhere.safetensors", dataclasses.replace(model, metadata=metadata))
    return work / "elsewhere.safetensors"


def distilled(trained: Path, folders: list[Path], out: Path, settings: dict[str, int]) -> Path:
    """Teach ``trained`` a segmenter: of drawn images by their masks, of METU by those of G."""
    listener = CommandLine(Output(False))
    result = distil_model(
        trained,
        read_lessons(folders, listener, None, None),
        out,
        DistillationSettings(by_humans=True, **settings),
        device="auto",
        precision="auto",
        force=True,
        listener=listener,
    )
    print(result)
    return out


def shrink(metu: Path, out: Path, size: int) -> NDArray[np.uint64]:
    """Copy the part that is learned from, ``size`` pixels wide; the originals' content hashes."""
    chosen = [one for one in read_folders([metu]).samples if not _held_out(one)]
    for sample in chosen:
        folder = out / ("undamaged", "damaged")[sample.label]
        folder.mkdir(parents=True, exist_ok=True)
        image = cv2.resize(read_image(sample.path), (size, size), interpolation=cv2.INTER_AREA)
        write_png(folder / f"{sample.path.stem}.png", np.asarray(image, np.uint8))
    return np.array([one.digest for one in chosen], np.uint64)


def _held_out(sample: Sample) -> bool:
    """By content: copies of an image lie on one side, whatever their names."""
    return sample.digest % 1000 < 1000 * _HELD_OUT


def finish(trained: Path, target: Path, licence: str, originals: NDArray[np.uint64]) -> None:
    """Write the model as it ships: 16 bit, its licence, and all originals in what it has seen."""
    model = load_model(trained)
    metadata = dataclasses.replace(model.metadata, licence_note=licence)
    seen = np.unique(np.concatenate([model.seen, originals]))
    save_model(target, dataclasses.replace(model, metadata=metadata, seen=seen), half=True)


def sign(folder: Path) -> None:
    """Write SHA256SUMS for all models in ``folder``."""
    models = sorted([*folder.glob("*.safetensors"), *folder.glob("*.onnx")])
    lines = [f"{sha256(path)}  {path.name}" for path in models]
    (folder / "SHA256SUMS").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
