"""G's masks teach a segmenter at the end of a training."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import numpy as np
import pytest

from cfinspect.engine.base.events import CancelToken, Event, Finished, MasksProgress, Notice
from cfinspect.engine.base.progress import Cancelled, Progress
from cfinspect.engine.calibration import distillation
from cfinspect.engine.calibration.distillable import DistillationError
from cfinspect.engine.calibration.own_masks import learn_own_masks, squares_of
from cfinspect.engine.data.dataset import read_folders
from cfinspect.engine.data.tile_store import TileStore
from cfinspect.engine.model.file import load_model, save_model
from cfinspect.engine.synth import write_folder
from cfinspect.engine.training.config import TrainConfig
from cfinspect.engine.training.trainer import train
from cfinspect.resources import shipped_model


@pytest.fixture(scope="module")
def walls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(
        tmp_path_factory.mktemp("data") / "walls", "crack", count=80, size=96, seed=6
    )


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """The shipped model without its segmenter."""
    model = load_model(shipped_model("crack"))
    metadata = dataclasses.replace(model.metadata, segmenter=None)
    path = tmp_path / "plain.safetensors"
    save_model(path, dataclasses.replace(model, metadata=metadata, segmenter=None))
    return path


def learn(path: Path, walls: Path, progress: Progress = Progress(), damaged: int = 40) -> bool:
    samples = list(read_folders([walls]).samples)
    found = [one for one in samples if one.label][:damaged]
    chosen = [one for one in samples if not one.label] + found
    train, validation = (TileStore(chosen[start::2], 96) for start in (0, 1))
    for store in (train, validation):
        store.load()
    return learn_own_masks(
        path,
        train,
        squares_of(validation.get(np.arange(len(validation))), validation.labels),
        np.arange(len(validation)),
        steps=4,
        seed=0,
        device="cpu",
        precision="fp32",
        progress=progress,
    ).accepted


@pytest.mark.parametrize("accepted", [True, False])
def test_what_marks_better_comes_into_the_model(
    accepted: bool, plain: Path, walls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What decides has tests of its own, and says either here.
    monkeypatch.setattr(distillation, "better", lambda *_: (accepted, "said"))
    before = plain.read_bytes()
    assert learn(plain, walls) == accepted
    assert (plain.read_bytes() == before) != accepted
    after = load_model(plain)
    assert (after.segmenter is not None) == accepted
    figures = after.metadata.metrics["distillation"]
    assert isinstance(figures, dict) and (figures["reason"] == "said") == accepted
    assert after.metadata.data == load_model(shipped_model("crack")).metadata.data


def test_too_few_images_leave_the_model_as_it_is(plain: Path, walls: Path) -> None:
    before = plain.read_bytes()
    with pytest.raises(DistillationError, match="give more images"):
        learn(plain, walls, damaged=4)
    assert plain.read_bytes() == before


def test_a_cancel_leaves_the_model_as_it_is(plain: Path, walls: Path) -> None:
    class Stopping(Progress):
        calls = 0

        @property
        def cancelled(self) -> bool:
            self.calls += 1
            return self.calls > 30

    before = plain.read_bytes()
    with pytest.raises(Cancelled):
        learn(plain, walls, Stopping())
    assert plain.read_bytes() == before


def config(walls: Path, out: Path) -> TrainConfig:
    return TrainConfig.from_preset(
        "balanced",
        data=(str(walls),),
        out=str(out),
        size=64,
        batch=8,
        width=8,
        steps=30,
        warmup=24,
        l1_ramp=4,
        mask_steps=12,
        validation=0.3,
        device="cpu",
        precision="fp32",
    )


def notices(events: list[Event]) -> list[str]:
    return [one.text for one in events if isinstance(one, Notice) and "the masks are" in one.text]


@pytest.mark.parametrize("accepted", [True, False])
def test_a_training_ends_with_its_masks(
    accepted: bool, walls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distillation, "better", lambda *_: (accepted, "for a reason"))
    events = list(train(config(walls, tmp_path / "run")))
    last = events[-1]
    assert isinstance(last, Finished) and last.model == tmp_path / "run" / "model.safetensors"
    shown = [one for one in events if isinstance(one, MasksProgress)]
    assert shown and all(0 <= one.done <= one.total for one in shown)
    assert (load_model(last.model).segmenter is not None) == accepted
    assert [("for a reason" in text) for text in notices(events)] == [True] * (not accepted)
    assert not list((tmp_path / "run").glob("*unfinished*"))


def test_a_loop_that_is_left_stops_the_work(walls: Path, tmp_path: Path) -> None:
    settings = config(walls, tmp_path / "run").replace(mask_steps=100_000)
    begun = None
    for event in train(settings):
        if isinstance(event, MasksProgress) and event.total == 100_000:
            begun = time.monotonic()
            break
    assert begun is not None and time.monotonic() - begun < 10
    assert not (tmp_path / "run" / "model.safetensors").exists()  # a run that is not finished


def test_a_training_stopped_at_its_masks_can_go_on(walls: Path, tmp_path: Path) -> None:
    settings, cancel = config(walls, tmp_path / "run"), CancelToken()
    events = []
    for event in train(settings, cancel=cancel):
        events.append(event)
        if isinstance(event, MasksProgress):
            cancel.cancel()
    assert isinstance(events[-1], Finished) and events[-1].interrupted
    assert events[-1].model is None
    assert not list((tmp_path / "run").glob("model*"))
    again = list(train(settings, resume=True))
    assert isinstance(again[-1], Finished) and again[-1].model is not None
    assert any(isinstance(one, MasksProgress) for one in again)
