"""The training loop, on small synthetic cracks: events, files, resume, cancel, memory."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.events import (
    CancelToken,
    CheckpointSaved,
    Event,
    Finished,
    Notice,
    SamplesWritten,
    Started,
    StepDone,
    Validated,
)
from cfinspect.engine.model.file import load_metadata, load_model, seen_digests
from cfinspect.engine.synth import write_folder
from cfinspect.engine.training.config import TrainConfig
from cfinspect.engine.training.gan_step import Step
from cfinspect.engine.training.loop import Training
from cfinspect.engine.training.optimizer_step import OptimizerStep
from cfinspect.engine.training.state import TrainState
from cfinspect.engine.training.trainer import train


@pytest.fixture(scope="module")
def walls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(
        tmp_path_factory.mktemp("data") / "walls", "crack", count=48, size=32, seed=3
    )


def config(walls: Path, out: Path, **changes: object) -> TrainConfig:
    settings: dict[str, object] = {
        "data": (str(walls),),
        "out": str(out),
        "size": 32,
        "width": 4,
        "discriminator": "compact",
        "discriminator_width": 4,
        "batch": 8,
        "steps": 12,
        "warmup": 4,
        "l1_ramp": 4,
        "validate_every": 4,
        "checkpoint_every": 4,
        "precision": "fp32",
        "device": "cpu",
    }
    return TrainConfig.from_preset("balanced", **{**settings, **changes})  # type: ignore[arg-type]


def losses(events: list[Event]) -> dict[int, dict[str, float]]:
    return {e.step: e.losses for e in events if isinstance(e, StepDone)}


def test_a_training_tells_what_it_does_and_leaves_its_files(walls: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    events = list(train(config(walls, run, validate_every=1)))
    started = next(e for e in events if isinstance(e, Started))
    assert started.counts["training"] + started.counts["validation"] == 48
    assert "cpu" in started.device.lower()
    steps = [e for e in events if isinstance(e, StepDone)]
    assert [e.step for e in steps] == list(range(1, 13))
    assert set(steps[0].losses) == {"d"}
    assert {"d", "g", "flip", "change", "head"} == set(steps[-1].losses)
    assert steps[-1].fraction == 1
    # Every third time until the last fifth, in which the model that is kept is chosen.
    assert [e.step for e in events if isinstance(e, Validated)] == [3, 6, 9, 10, 11, 12]
    assert any(isinstance(e, SamplesWritten) for e in events)
    finished = events[-1]
    assert isinstance(finished, Finished) and finished.model == run / "model.safetensors"
    for name in ("config.json", "metrics.jsonl", "checkpoint.safetensors", "curves.png"):
        assert (run / name).stat().st_size > 0
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert sum(row["kind"] == "train" for row in rows) == 12
    assert not list(run.glob(".tmp-*"))


def test_the_model_file_holds_networks_card_and_what_was_seen(walls: Path, tmp_path: Path) -> None:
    list(train(config(walls, tmp_path / "run", holdout=0.25)))
    path = tmp_path / "run" / "model.safetensors"
    metadata = load_metadata(path)
    assert metadata.preprocessing.scope == "tiles"
    assert metadata.preprocessing.tile == 32
    assert "data" not in metadata.training and "out" not in metadata.training
    held_out = metadata.image_counts["held_out"]
    assert held_out > 0
    assert len(seen_digests(path)) == 48 - held_out
    model = load_model(path)
    assert model.discriminator(torch.rand(1, 3, 32, 32)).shape == (1, 3)


def test_a_model_for_other_cameras_decides_by_changed_images(walls: Path, tmp_path: Path) -> None:
    here = config(walls, tmp_path / "here", size=64, tta="flips+scale", seed=1)
    there = dataclasses.replace(here, out=str(tmp_path / "there"), calibrate_on="augmented")
    again = dataclasses.replace(there, out=str(tmp_path / "again"))
    for settings in (here, there, again):
        list(train(settings))
    cards = [load_metadata(Path(one.out) / "model.safetensors") for one in (here, there, again)]
    assert {metadata.preprocessing.tta for metadata in cards} == {"flips+scale"}
    assert [one.training["calibrate_on"] for one in cards] == ["clean", "augmented", "augmented"]
    assert cards[0].decision.score_threshold != cards[1].decision.score_threshold
    assert cards[1].decision == cards[2].decision
    assert cards[0].metrics["validation"] == cards[1].metrics["validation"]


def test_resume_gives_the_losses_of_an_unbroken_training(walls: Path, tmp_path: Path) -> None:
    whole = losses(list(train(config(walls, tmp_path / "whole", augment="strong"))))
    cancel = CancelToken()
    first: list[Event] = []
    for event in train(config(walls, tmp_path / "broken"), cancel=cancel):
        first.append(event)
        if isinstance(event, StepDone) and event.step == 7:
            cancel.cancel()
    finished = first[-1]
    assert isinstance(finished, Finished) and finished.interrupted and finished.model is None
    second = list(train(config(walls, tmp_path / "broken"), resume=True))
    assert min(losses(second)) == 8
    assert losses(first) | losses(second) == whole
    assert (tmp_path / "broken" / "model.safetensors").exists()


def test_resume_with_cycles_draws_the_same_noise(walls: Path, tmp_path: Path) -> None:
    settings = {"cycles": 2, "steps": 8}
    whole = losses(list(train(config(walls, tmp_path / "whole", **settings))))
    cancel = CancelToken()
    for event in train(config(walls, tmp_path / "broken", **settings), cancel=cancel):
        if isinstance(event, StepDone) and event.step == 6:
            cancel.cancel()
    second = losses(list(train(config(walls, tmp_path / "broken", **settings), resume=True)))
    assert second == {step: whole[step] for step in (7, 8)}


def test_resume_after_a_kill_between_checkpoints_rewinds_the_log(
    walls: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    stream = train(config(walls, run))
    for event in stream:
        if isinstance(event, StepDone) and event.step == 6:
            stream.close()  # type: ignore[attr-defined]  # as abrupt as a kill: nothing is saved
            break
    list(train(config(walls, run), resume=True))
    steps = [
        row["step"]
        for row in map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
        if row["kind"] == "train"
    ]
    assert steps == list(range(1, 13))


def test_a_run_is_not_overwritten_by_accident(walls: Path, tmp_path: Path) -> None:
    list(train(config(walls, tmp_path / "run", steps=2)))
    with pytest.raises(CfinspectError, match="already holds a run"):
        list(train(config(walls, tmp_path / "run")))


def test_a_mistyped_data_folder_does_not_block_the_next_try(walls: Path, tmp_path: Path) -> None:
    with pytest.raises(CfinspectError):
        list(train(config(tmp_path / "nowhere", tmp_path / "run")))
    events = list(train(config(walls, tmp_path / "run", steps=2)))
    assert isinstance(events[-1], Finished) and events[-1].model is not None


def test_other_images_than_those_of_the_checkpoint_are_refused(tmp_path: Path) -> None:
    data = write_folder(tmp_path / "walls", "crack", count=24, size=32, seed=1)
    list(train(config(data, tmp_path / "run", steps=4)))
    write_folder(data, "crack", count=24, size=32, seed=2)
    with pytest.raises(CfinspectError, match="images have changed"):
        list(train(config(data, tmp_path / "run", steps=8), resume=True))


def test_a_damaged_checkpoint_gives_a_sentence(walls: Path, tmp_path: Path) -> None:
    list(train(config(walls, tmp_path / "run", steps=4)))
    checkpoint = tmp_path / "run" / "checkpoint.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(CfinspectError, match="cannot be used"):
        list(train(config(walls, tmp_path / "run", steps=8), resume=True))


def test_running_out_of_memory_splits_the_batch_and_says_so(
    walls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Step.__call__

    def small_machine(self: Step, images: torch.Tensor, *rest: object) -> object:
        if len(images) > 4:
            raise torch.OutOfMemoryError("no room")
        return real(self, images, *rest)  # type: ignore[arg-type]

    # A CPU does not run out of memory in a test: only the allocation's failure is played.
    monkeypatch.setattr(Step, "__call__", small_machine)
    events = list(train(config(walls, tmp_path / "run", steps=6)))
    notices = [e.text for e in events if isinstance(e, Notice)]
    assert any("8 images now go in 2 parts" in text for text in notices)
    assert isinstance(events[-1], Finished) and events[-1].model is not None


def test_parts_add_up_to_the_gradient_of_the_whole_batch(walls: Path, tmp_path: Path) -> None:
    from cfinspect.engine.base.device import choose_device
    from cfinspect.engine.training.gan_step import NoiseBank, Weights
    from cfinspect.engine.training.state import TrainState

    settings = config(walls, tmp_path, noise=0.0)
    device = choose_device("cpu", "fp32")
    x, y = torch.rand(8, 3, 32, 32), torch.tensor([0, 1] * 4)

    def gradient(parts: int) -> torch.Tensor:
        state = TrainState(settings, device.device)
        nets = state.nets["generator"].eval(), state.nets["discriminator"].eval()
        scaler = torch.amp.GradScaler("cpu", enabled=False)
        step = Step(*nets, settings, device, NoiseBank(settings, device.device), scaler)
        for images, labels in zip(x.chunk(parts), y.chunk(parts), strict=True):
            step(images, labels, Weights(0.4, 8.0, False), 1 / parts)
        return torch.cat([p.grad.flatten() for net in nets for p in net.parameters()])  # type: ignore[union-attr]

    assert torch.allclose(gradient(1), gradient(2), atol=1e-6)


@pytest.mark.parametrize("cycles", [1, 2])
def test_cycles_add_their_losses(walls: Path, tmp_path: Path, cycles: int) -> None:
    events = list(train(config(walls, tmp_path / "run", steps=6, cycles=cycles)))
    assert f"cycle{cycles}" in losses(events)[6]
    assert all(np.isfinite(list(values.values())).all() for values in losses(events).values())


def test_fine_tuning_starts_from_the_model(walls: Path, tmp_path: Path) -> None:
    list(train(config(walls, tmp_path / "first", steps=8)))
    model = str(tmp_path / "first" / "model.safetensors")
    again = config(walls, tmp_path / "second", steps=1, init_from=model, warmup=0)
    fresh = config(walls, tmp_path / "third", steps=1, warmup=0)
    tuned = losses(list(train(again)))[1]
    assert tuned != losses(list(train(fresh)))[1]


def test_fine_tuning_keeps_architecture_and_what_was_seen(walls: Path, tmp_path: Path) -> None:
    odd = config(walls, tmp_path / "first", steps=4, width=8, gate=False)
    list(train(odd))
    first = tmp_path / "first" / "model.safetensors"
    other = write_folder(tmp_path / "other", "crack", count=24, size=32, seed=8)
    tuned = config(other, tmp_path / "second", steps=6, init_from=str(first))
    cancel = CancelToken()
    for event in train(tuned, cancel=cancel):
        if isinstance(event, StepDone) and event.step == 5:
            cancel.cancel()
    known = set(seen_digests(first).tolist())
    first.unlink()  # going on needs the checkpoint only
    list(train(tuned, resume=True))
    model = load_model(tmp_path / "second" / "model.safetensors")
    assert model.metadata.generator.kwargs == {"width": 8, "stem": 2, "gate": False}
    assert known < set(model.seen.tolist())


def test_a_training_that_diverges_says_so(walls: Path, tmp_path: Path) -> None:
    wild = config(walls, tmp_path / "run", steps=30, lr_generator=1e9, lr_discriminator=1e9)
    with pytest.raises(CfinspectError, match="diverged"):
        list(train(wild))
    for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_a_training_shorter_than_its_warm_up_teaches_the_generator_too(
    walls: Path, tmp_path: Path
) -> None:
    events = list(train(config(walls, tmp_path / "run", steps=9, warmup=200, l1_ramp=50)))
    assert "flip" in losses(events)[9]
    assert any("not to be relied on" in e.text for e in events if isinstance(e, Notice))


def test_a_training_needs_an_end(walls: Path, tmp_path: Path) -> None:
    with pytest.raises(CfinspectError, match="--steps or --minutes"):
        list(train(config(walls, tmp_path).replace(steps=None)))


def test_pictures_that_cannot_be_decoded_are_named_and_left_out(tmp_path: Path) -> None:
    data = write_folder(tmp_path / "walls", "crack", count=24, size=32, seed=1)
    victim = next(iter(sorted((data / "damaged").iterdir())))
    victim.write_bytes(victim.read_bytes()[:120])
    events: Iterator[Event] = train(config(data, tmp_path / "run", steps=2))
    started = next(e for e in events if isinstance(e, Started))
    assert [Path(name).name for name, _ in started.left_out] == [victim.name]


def test_checkpoints_come_when_due(walls: Path, tmp_path: Path) -> None:
    events = list(train(config(walls, tmp_path / "run")))
    assert [e.step for e in events if isinstance(e, CheckpointSaved)][:3] == [4, 8, 12]


def test_a_training_that_has_ended_holds_no_networks(walls: Path, tmp_path: Path) -> None:
    training = Training(config(walls, tmp_path / "run"), CancelToken(), False)
    assert isinstance(list(training.events())[-1], Finished)
    held = {
        name
        for name, value in vars(training).items()
        if isinstance(value, TrainState | OptimizerStep)
    }
    assert not held
