"""Whole trainings, from folder to model file."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from cfinspect.engine.base.events import Finished, Notice, StepDone
from cfinspect.engine.calibration.distillation import DistillationSettings
from cfinspect.engine.calibration.recalibrate import calibrate
from cfinspect.engine.data.batch_loader import BatchLoader
from cfinspect.engine.data.dataset import read_folders
from cfinspect.engine.evaluation.evaluate import evaluate
from cfinspect.engine.inference.loading import load_inspector
from cfinspect.engine.training.loop import Training
from cfinspect.engine.training.optimizer_step import OptimizerStep
from cfinspect.engine.training.trainer import train
from cfinspect.workflows.distil_model import distil_model, read_lessons
from cfinspect.workflows.listener import Listener
from gpu_parts.look import Look, tried
from gpu_parts.scale import Found

_SHOWN = ("f1", "auroc", "flip_damaged", "change_damaged", "noise", "little_noise")
# Networks and methods that no other section runs.
_OTHERS: dict[str, dict[str, Any]] = {
    "projected, two passes": {"discriminator": "projected", "cycles": 1, "mask_steps": 0},
    "projected, robust": {"discriminator": "projected", "robust": 2.0, "mask_steps": 0},
    "swin_unet+swin": {"generator": "swin_unet", "discriminator": "swin", "size": 96},
    "hybrid, two passes": {"discriminator": "hybrid", "cycles": 1},
    "resnet18, robust": {"discriminator": "resnet18", "robust": 2.0},
    "segmenter": {"method": "segmenter"},
    "classifier": {"method": "classifier"},
    "adversarial": {"method": "adversarial"},
    "near and far, other cameras": {"tta": "flips+scale", "calibrate_on": "augmented"},
}


@contextlib.contextmanager
def clocks() -> Iterator[dict[str, float]]:
    """Where a training's time goes: patches timers around the engine's own methods."""
    spent: dict[str, float] = {}
    kept: list[tuple[Any, str, Any]] = []

    def around(owner: Any, name: str, label: str) -> None:
        plain = getattr(owner, name)
        kept.append((owner, name, plain))

        def timed(*args: Any, **kwargs: Any) -> Any:
            begun = time.perf_counter()
            try:
                result = plain(*args, **kwargs)
                return list(result) if label == "validate" else result
            finally:
                spent[label] = spent.get(label, 0.0) + time.perf_counter() - begun

        setattr(owner, name, timed)

    around(BatchLoader, "__next__", "loading")
    around(OptimizerStep, "learn", "learn")
    around(Training, "validate", "validate")
    around(Training, "checkpoint", "checkpoint")
    try:
        yield spent
    finally:
        for owner, name, plain in kept:
            setattr(owner, name, plain)


def trained(look: Look, out: Path, **settings: Any) -> Found:
    """Train into ``out`` and tell how long it took, where the time went and what came of it."""
    shutil.rmtree(out, ignore_errors=True)
    config = look.config(out=str(out), **settings)
    row: Found = {"notices": []}
    steps, begun, first = 0, time.perf_counter(), None
    with clocks() as spent:
        for event in train(config):
            if isinstance(event, StepDone):
                steps += 1
                first = first or time.perf_counter()
            elif isinstance(event, Notice):
                row["notices"].append(event.text[:160])
            elif isinstance(event, Finished):
                row["model"] = str(event.model)
                row["validation"] = {
                    k: round(v, 4) for k, v in event.metrics.items() if k in _SHOWN
                }
    total = time.perf_counter() - (first or begun)
    row |= {
        "steps": steps,
        "seconds": round(time.perf_counter() - begun, 1),
        "images_s_overall": round(steps * config.batch / max(total, 1e-6)),
        "shares": {k: round(v / max(total, 1e-6), 3) for k, v in spent.items()},
        "learn_ms": round(1e3 * spent.get("learn", 0.0) / max(steps, 1), 2),
        "validate_calls_s": round(spent.get("validate", 0.0), 2),
    }
    return row


def section_train(look: Look, found: Found) -> None:
    """Trainings from folder to model file, then the model on drawn images it has not seen."""
    found["before"] = look.memory()
    runs: Found = {}
    found["runs"] = runs
    found["runs_finished"] = 0
    for one in look.scale.train:
        if look.left() < 60 and not look.tiny:
            break
        name = f"{one.size}px_b{one.batch}_{one.precision}"
        if look.cuda:
            torch.cuda.reset_peak_memory_stats()
        more: dict[str, Any] = {"discriminator": "projected"}
        more |= {"warmup": max(2, one.steps // 4), "l1_ramp": max(2, one.steps // 6)}
        more["mask_steps"] = 2 if look.tiny else 300
        runs[name] = row = trained(
            look,
            look.work / f"run_{name}",
            data=look.folders("train", one.size),
            **dataclasses.asdict(one),
            **more,
        )
        if look.cuda:
            row["peak_mib"] = round(torch.cuda.max_memory_allocated() / 2**20)
        row["after"] = look.memory()
        if row.get("model", "None") == "None":
            continue
        found["runs_finished"] += 1
        samples = read_folders([Path(p) for p in look.folders("test", one.size)]).samples
        inspector = load_inspector(Path(row["model"]), look.name, one.precision)
        begun = time.perf_counter()
        unseen = evaluate(inspector, samples).figures
        row["evaluated_images_s"] = round(len(samples) / (time.perf_counter() - begun))
        inspector.close()
        row["fitted"] = tried(_fitted, look, Path(row["model"]), one.precision)
        row["unseen"] = {
            "n": len(samples),
            "f1": unseen.classification.f1,
            "auroc": unseen.classification.auroc,
            "iou": unseen.localisation.figures.iou,
            "flip_damaged": unseen.counterfactual.flip_rate_damaged,
        }
    found["after"] = look.memory()
    found["left_allocated_mib"] = found["after"].get("allocated_mib")


def _fitted(look: Look, model: Path, precision: str) -> Found:
    """Seconds of a calibration and of a distillation of ``model``, on drawn images."""
    folders = [Path(folder) for folder in look.folders("test", 96)]
    listener, out = Listener(), look.work / "fitted.safetensors"
    where: dict[str, Any] = {"device": look.name, "precision": precision}
    begun = time.perf_counter()
    result = calibrate(model, read_folders(folders), out, review_rate=0.1, **where)
    calibrated = time.perf_counter()
    settings = DistillationSettings(steps=2 if look.tiny else 200)
    lessons = read_lessons(folders, listener, None, None)
    found = distil_model(model, lessons, out, settings, force=True, listener=listener, **where)
    return {
        "calibrate_s": round(calibrated - begun, 2),
        "calibrated_error": result.certainty.error_new,
        "distil_s": round(time.perf_counter() - calibrated, 2),
        "distilled_reason": found.reason,
    }


def section_smoke(look: Look, found: Found) -> None:
    """Networks and methods that no other section runs: do they run on this device at all?"""
    usual = {"size": 64, "batch": 8, "warmup": 2, "l1_ramp": 1, "precision": "auto"}
    usual |= {"steps": look.scale.smoke, "data": look.folders("train", 64)}
    for name, settings in _OTHERS.items():
        if look.left() < 25:
            found[name] = "no time left"
            continue
        try:
            row = trained(look, look.work / "smoke", **{**usual, **settings})
            found[name] = {k: row[k] for k in ("steps", "seconds", "learn_ms", "notices")}
        except Exception as error:
            found[name] = f"{type(error).__name__}: {error}"[:300]
